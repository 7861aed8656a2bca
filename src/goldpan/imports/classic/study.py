"""A study that does what jobs of ml_filter do, and what became of each of their keys."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import StudyError
from goldpan.imports.classic.fates import KeyFate, KeyFates, is_gone, of_local_run, only_kept
from goldpan.imports.classic.job import ClassicJob
from goldpan.imports.classic.slurm import slurm_profile

NOT_STATED = "not-stated"
"""The model of vectors of which an annotation job does not say what made them."""

_MADE_BY = {
    "Snowflake/snowflake-arctic-embed-m-v2.0": (
        "cls",
        "trust_remote_code: state `true` if you trust the code of the model",
    ),
    "Qwen/Qwen3-Embedding-0.6B": ("last", ""),
    "jhu-clsp/mmBERT-base": (
        "mean",
        "model: ml_filter takes the mean over padding, too, so its vectors hang on their batch; goldpan's do"
        " not",
    ),
}
"""Model that ml_filter knows -> how it pools (all are scaled to length 1), and what else is to be said of
which key."""
_TYPES = {"bfloat16": "float32"}
_WRITTEN_ANYWAY = {"document_id": "id", "id": "id", "source_filename": "file", "file_path": "file"}
_OUTPUT = "results lie in `results/STUDY/`; `results` in config/config.yaml names another folder"


@dataclass
class ConvertedJobs:
    """What jobs were turned into.

    Attributes:
        study: the study, as its file says it.
        fates: what became of each key, job by job.
        profile: of Snakemake, where a job runs on Slurm; else empty.
        notes: what to look at.
    """

    study: dict[str, Any]
    fates: dict[Path, list[KeyFate]] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[KeyFate]:
        """The keys that are not known."""
        return [fate for fates in self.fates.values() for fate in fates if not fate.is_known]


def study_of_jobs(
    jobs: Sequence[ClassicJob], name: str, *, model: str | None = None, root: Path = Path()
) -> ConvertedJobs:
    """The study that does what an embedding job, an annotation job or both do.

    With both, the annotation job's files are those of the embedding job where they lie in its output folder:
    if they are there they are read, else goldpan makes them.

    Args:
        jobs: one of each kind at most.
        name: of the study.
        model: that made the embeddings, where only an annotation job is given.
        root: where relative paths start.

    Raises:
        StudyError: there are two jobs of one kind, or a value that no key takes.
    """
    kinds = [job.kind for job in jobs]
    if len(set(kinds)) < len(kinds):
        raise StudyError(
            f"there are two {kinds[0]} jobs", where=str(jobs[-1].path), remedy="convert them one by one"
        )
    by_kind = {job.kind: job for job in jobs}
    made = ConvertedJobs({"study": name, "description": ""})
    embedding, annotation = by_kind.get("embedding"), by_kind.get("annotation")
    made.study["description"] = f"Converted from {' and '.join(job.path.name for job in jobs)}."
    folder = _embed(made, embedding) if embedding else None
    if annotation:
        _annotate(made, annotation, folder, model, root)
    for job in jobs:
        if job.slurm is not None:
            rule = "embed" if job.kind == "embedding" else "annotate"
            profile, fates = slurm_profile(job.slurm, rule)
            made.fates[job.path] += fates
            _merge(made.profile, profile)
        made.fates[job.path] += of_local_run(job)
    return made


def _embed(made: ConvertedJobs, job: ClassicJob) -> str:
    """Add what an embedding job does; returns the folder that it writes to."""
    keys = KeyFates("params", job.params)
    inside = keys.take("input_dir", "sources.docs.files", ".")
    pattern = keys.take("glob_pattern", "sources.docs.files", "**/*.jsonl")
    ids = keys.take("keys_to_index", "sources.docs.id, by which vectors are joined")
    made.study["sources"] = {"docs": {"files": [f"{str(inside).rstrip('/')}/{pattern}"]}}
    if ids:
        made.study["sources"]["docs"]["id"] = [ids] if isinstance(ids, str) else list(ids)
    model = keys.take("embedding_model", "embeddings.classic.model", NOT_STATED)
    embedding: dict[str, Any] = {"source": "docs", "model": model}
    pooling, note = _MADE_BY.get(str(model), (None, ""))
    if pooling:
        embedding |= {"pooling": pooling, "normalize": True}
    if note:
        made.notes.append(f"embeddings.classic.{note}")
    embedding["text"] = keys.take("text_field", "embeddings.classic.text", "text")
    for key, ours in (("max_length", "max_length"), ("writer_batch_size", "block_size")):
        value = keys.take(key, f"embeddings.classic.{ours}")
        if value is not None:
            embedding[ours] = value
    cut = keys.take("truncation", "embeddings.classic.on_long", True)
    embedding["on_long"] = "chunk" if cut is False or cut == "do_not_truncate" else "truncate"
    if embedding["on_long"] == "chunk":
        made.notes.append(
            "embeddings.classic.on_long: longer texts were not cut; what goldpan embeds it embeds in chunks"
            " (`chunk`)"
        )
    for key, ours in (("model_dtype", "compute_dtype"), ("embedding_dtype", "storage_dtype")):
        value = keys.take(key, f"embeddings.classic.{ours}")
        if value is not None:
            embedding[ours] = _TYPES.get(value, value) if ours == "storage_dtype" else value
    if embedding.get("compute_dtype") != "float32":
        made.notes.append(
            "embeddings.classic.compute_dtype: where there is no GPU write float32, or leave it out (auto)"
        )
    if keys.take("save_labels", "embeddings.classic.labels", False):
        embedding["labels"] = ["score"]
        label_type = keys.take("label_dtype", "embeddings.classic.label_dtype")
        if label_type is not None:
            embedding["label_dtype"] = _TYPES.get(label_type, label_type)
    group = keys.take("hdf5_dataset_name", "embeddings.classic.group")
    if group is not None:
        embedding["group"] = group
    packed = job.params.get("compression")
    if packed in ("gzip", "lzf"):
        embedding["compression"] = keys.take("compression", "embeddings.classic.compression")
    keys.leave(
        {
            "compression": "sources are unpacked by what they are",
            "label_dtype": "no labels are stored",
            "padding": "batches are padded as far as they need it",
            "batch_size": "batches are made by their tokens: `batch_tokens`, which has a good default",
            "output_dir": _OUTPUT,
            "embedding_dir": _OUTPUT,
            "dataset_name": "it has done its work where `${dataset_name}` stood",
        }
    )
    made.study["embeddings"] = {"classic": embedding}
    made.fates[job.path] = keys.rest()
    parts = [str(job.params.get(key) or "") for key in ("output_dir", "embedding_dir")]
    return "/".join(part.rstrip("/") for part in parts if part)


def _annotate(
    made: ConvertedJobs, job: ClassicJob, embedded: str | None, model: str | None, root: Path
) -> None:
    """Add what an annotation job does to what an embedding job has written, if there is one."""
    keys = KeyFates("params", job.params)
    folder = str(keys.take("embeddings_directory", "embeddings.classic.files", ".")).rstrip("/")
    group = keys.take("hdf5_dataset_name", "embeddings.classic.group", "train")
    files = f"{folder}/**/*.h5"
    is_there = any((root / folder).glob("**/*.h5"))
    of_both = embedded is not None and Path(embedded) == Path(folder)
    name = "classic"
    if of_both and is_there:
        _read_those_that_are_there(made, files, group)
    elif not of_both:
        name = "classic" if embedded is None else "existing"
        if embedded is not None:
            made.notes.append(
                f"{job.path.name} annotates {folder}, which is not where the embedding job writes"
                f" ({embedded}): it is an embedding of its own, `{name}`"
            )
        made.study.setdefault("sources", {})["rows"] = {"files": [files], "format": "hdf5", "group": group}
        made.study.setdefault("embeddings", {})[name] = {
            "source": "rows",
            "files": [files],
            "layout": "ml_filter",
            "group": group,
            "document_id": ["document_id"],
            "model": model or NOT_STATED,
        }
        if model is None:
            made.notes.append(
                f"embeddings.{name}.model: the job does not say which model made the vectors; state it, with"
                " `pooling` and `max_length`, so that heads of goldpan know whether they fit"
            )
    else:
        made.notes.append(f"there are no embeddings in {folder}: goldpan makes them")
    heads: dict[str, str] = {}
    for head, path in (keys.take("regression_head_checkpoints", "") or {}).items():
        called = _column_name(head, heads)
        heads[called] = os.path.normpath(str(path))
        became = f"annotated.scored.regression_head_checkpoints.{called}"
        keys.tell(f"regression_head_checkpoints.{head}", became + ("" if called == head else " (renamed)"))
        if called != head:
            made.notes.append(f"score_{head} is called score_{called}: columns have letters, digits and `_`")
    keep = []
    for key in keys.take("output_keys", "annotated.scored.output_keys") or []:
        if key in _WRITTEN_ANYWAY and not (key == "document_id" and "rows" in made.study["sources"]):
            keys.tell("output_keys", f"`{key}`: left out: it is `{_WRITTEN_ANYWAY[key]}` of each row")
        elif str(key).startswith("score_"):
            keys.tell("output_keys", f"`{key}`: left out: scores are always written")
        else:
            keep.append(str(key))
    annotated: dict[str, Any] = {"embedding": name, "regression_head_checkpoints": heads}
    if keep:
        annotated["output_keys"] = keep
    keys.leave(
        {
            "batch_size": "no score depends on it",
            "model_dtype": "heads are computed in float32",
            "embedding_dtype": "vectors are read as they are stored",
            "label_dtype": "annotated rows hold no labels of the file",
            "compression": "HDF5 says itself how it is packed",
            "output_dir": _OUTPUT,
        }
    )
    made.study["annotated"] = {"scored": annotated}
    made.fates[job.path] = [fate for fate in keys.rest() if fate.key != "params.regression_head_checkpoints"]


def _read_those_that_are_there(made: ConvertedJobs, files: str, group: str) -> None:
    """Let the embedding of an embedding job be what the job has made."""
    job = made.study["embeddings"]["classic"]
    kept = ("source", "model", "pooling", "normalize", "text", "max_length", "on_long", "labels")
    stated = {key: job[key] for key in kept if key in job}
    made.study["embeddings"]["classic"] = {
        **stated,
        "files": [files],
        "layout": "ml_filter",
        "group": group,
        **({"document_id": ids} if (ids := made.study["sources"]["docs"].get("id")) else {}),
    }
    place, kept = "embeddings.classic", made.study["embeddings"]["classic"]
    for path, fates in made.fates.items():
        made.fates[path] = only_kept(fates, place, kept, "the vectors are there, nothing is embedded")
    made.notes = [note for note in made.notes if not is_gone(note, place, kept)]
    made.notes.append(f"the embeddings of {files} are there: they are read, and nothing is embedded")


def _column_name(head: str, taken: dict[str, str]) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", str(head)) or "head"
    if not name[0].isalpha():
        name = f"h{name}"
    while name in taken:
        name += "_"
    return name[:64]


def _merge(profile: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict):
            _merge(profile.setdefault(key, {}), value)
        else:
            profile.setdefault(key, value)
