"""The steps of one embedding of a project, each from the files it reads to the files it leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from goldpan.embeddings.embed import embed_files
from goldpan.embeddings.existing_files import existing_files, shared_files
from goldpan.embeddings.store import EmbedCounts
from goldpan.embeddings.take import take_embeddings
from goldpan.files import write_json
from goldpan.models.folders import stated_model_hash
from goldpan.models.installed import check_installed
from goldpan.records.inputs import files_of_sources
from goldpan.records.limit import trial_of
from goldpan.study.load import Project


class EmbeddingRun:
    """One embedding of a project.

    Args:
        project: the project.
        name: the embedding's name.

    Raises:
        StudyError: the study has no embedding of that name.
    """

    def __init__(self, project: Project, name: str):
        self.project, self.name = project, name
        self.settings = project.named("embedding", project.study.embeddings, name)

    def files(self) -> list[tuple[str, str]]:
        """(source, file) of all records files that are embedded."""
        return list(files_of_sources(self.project, self.settings.source))

    def embeddings_file(self, source: str, file: str) -> Path:
        """The HDF5 file with the embeddings of a records file."""
        return self.project.root / self.project.paths.embeddings(self.name, source, file)

    def embed(
        self,
        files: Sequence[tuple[str, str]],
        *,
        threads: int | None = None,
        progress: Callable[[Path, EmbedCounts], None] | None = None,
    ) -> list[EmbedCounts]:
        """Write the embeddings of some records files, with the model loaded once.

        Args:
            files: (source, file) of each.
            threads: of the CPU; default as many as PyTorch would use.
            progress: called with the records file and its counts so far, after each block.
        """
        check_installed()
        if self.settings.files is not None:
            return self._take(files)
        from goldpan.embeddings.encoder import Encoder
        from goldpan.embeddings.loading import load_model

        model = load_model(self.settings, self.project.root)
        pairs = [(self._records(*place), self.embeddings_file(*place)) for place in files]
        with Encoder(self.settings, threads=threads, model=model) as encoder:
            return embed_files(self.settings, pairs, encoder, progress=progress)

    def _take(self, files: Sequence[tuple[str, str]]) -> list[EmbedCounts]:
        """Find the records of some files in embeddings that are there already."""
        found = existing_files(self.project, self.name)
        shared = shared_files(found)
        sources = self.project.study.sources
        return [
            take_embeddings(
                self.settings,
                self._records(source, file),
                found[source, file],
                self.embeddings_file(source, file),
                model_sha256=stated_model_hash(self.settings.model, self.project.root),
                may_hold_more=sources[source].limit is not None or not shared.isdisjoint(found[source, file]),
            )
            for source, file in files
        ]

    def _records(self, source: str, file: str) -> Path:
        return self.project.left(self.project.paths.records(source, file), f"embedding `{self.name}`")

    def summarize(self) -> dict[str, object]:
        """Write what became of the records, file by file and in all.

        Raises:
            EmbeddingError: an embeddings file is missing or damaged.
        """
        from goldpan.embeddings.reader import EmbeddingFile

        files: dict[str, dict[str, object]] = {}
        total, models, skipped = Counter[str](), {}, Counter[str]()
        for source, name in self.files():
            with EmbeddingFile(self.embeddings_file(source, name), self.settings.group) as file:
                reasons = Counter(skip.code for skip in file.skipped())
                counts = {
                    "rows": len(file) + file.skipped_count,
                    "embedded": len(file),
                    "truncated": file.truncated_count,
                    "tokens": file.tokens,
                }
                files[f"{source}/{name}"] = {**counts, "skipped": dict(sorted(reasons.items()))}
                total.update(counts)
                skipped.update(reasons)
                made = file.provenance
                models[made.model_sha256] = {
                    "model": made.model,
                    "revision": made.revision,
                    "model_sha256": made.model_sha256,
                    "pooling": made.pooling,
                    "normalize": made.normalize,
                    "dimension": made.dimension,
                    "max_length": made.max_length,
                    "compute_dtype": made.compute_dtype,
                    **({"layout": made.layout} if made.layout else {}),
                }
        summary: dict[str, object] = {
            "study": self.project.study.study,
            "embedding": self.name,
            **({"trial": trial} if (trial := trial_of(self.project, self.settings.source)) else {}),
            "models": list(models.values()),
            **{name: total[name] for name in ("rows", "embedded", "truncated", "tokens")},
            "skipped": dict(sorted(skipped.items())),
            "files": files,
        }
        write_json(self.project.root / self.project.paths.embedding_summary(self.name), summary)
        return summary
