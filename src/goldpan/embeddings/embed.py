"""One records file -> its embeddings file."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from goldpan import crashpoints
from goldpan.embeddings.blocks import EmbeddedBlock, embedded_block
from goldpan.embeddings.documents import Block, iter_blocks
from goldpan.embeddings.encoder import Encoder, PendingBlock
from goldpan.embeddings.journal import Journal
from goldpan.embeddings.provenance import Provenance, provenance_of
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.embeddings.store import EmbedCounts, Totals, write_store
from goldpan.errors import EmbeddingError, ReconciliationError
from goldpan.files import put_in_place, sha256_file
from goldpan.study.embedding import Embedding

_BLOCKS_AHEAD = 2


def embed_file(
    settings: Embedding,
    records: Path,
    output: Path,
    *,
    threads: int | None = None,
    encoder: Encoder | None = None,
    moved_to: Path | None = None,
    progress: Callable[[EmbedCounts], None] | None = None,
) -> EmbedCounts:
    """Embed the records of one file, in memory that does not grow with their number.

    A run that was killed goes on after its last whole block, if model, settings and records are the same.
    Two runs for one output wait for each other; the second takes what the first made.

    Args:
        settings: what the study says.
        records: a records file, `sources/{source}/{file}.jsonl`.
        output: the HDF5 file to write.
        threads: CPU threads; default those that PyTorch would use.
        encoder: one made of the same settings, to use for several files.
        moved_to: where another run at the same time may have moved the output to.
        progress: called after each block with the counts so far.

    Raises:
        SourceError: the records file is damaged, or with `on_error: stop` a record cannot be embedded.
        EmbeddingError: the model cannot be had, gives NaN, or the disk is full.
        ReconciliationError: the records are not those that an earlier run embedded in part.
    """
    with ExitStack() as stack:
        encoder = encoder or stack.enter_context(Encoder(settings, threads=threads))
        provenance = provenance_of(settings, encoder.model, sha256_file(records))
        journal = stack.enter_context(Journal(output))
        if journal.waited:
            for place in filter(None, (output, moved_to)):
                made = _counts_of(place, settings.group, provenance)
                if made:
                    journal.remove()
                    return made
        _remove_leftovers(output)
        totals, done = Totals(), []
        for kept in journal.resume(provenance):
            totals.add(kept)
            done.append(kept.rows)
        totals.counts.resumed = sum(done)
        for block in _embedded_blocks(settings, records, encoder, done):
            journal.append(block)
            totals.add(block)
            if progress:
                progress(totals.counts)
            crashpoints.reached("embedding_block_done")
        write_store(
            output,
            journal.blocks(),
            totals,
            provenance,
            checksum=journal.checksum,
            group=settings.group,
            compression=settings.compression,
        )
        journal.remove()
        return totals.counts


def embed_files(
    settings: Embedding,
    files: Sequence[tuple[Path, Path]],
    encoder: Encoder,
    *,
    progress: Callable[[Path, EmbedCounts], None] | None = None,
) -> list[EmbedCounts]:
    """Embed several records files with one model, and put all their embeddings in place at the end.

    Of a run that was killed the workflow removes all outputs; what it had finished is kept under other names
    until all is done, and taken by the next run.

    Args:
        settings: what the study says.
        files: records files, each with the HDF5 file to write.
        encoder: made of the same settings.
        progress: called with the records file and its counts so far, after each block.

    Raises:
        SourceError, EmbeddingError, ReconciliationError: as of `embed_file`.
    """
    counts = []
    for records, output in files:
        finished = _finished(output)
        provenance = provenance_of(settings, encoder.model, sha256_file(records))
        made = _counts_of(finished, settings.group, provenance)
        counts.append(
            made
            or embed_file(
                settings,
                records,
                finished,
                encoder=encoder,
                moved_to=output,
                progress=partial(progress, records) if progress else None,
            )
        )
        crashpoints.reached("embedding_file_done")
    for _, output in files:
        # Another copy of this run may have put it in place already.
        if _finished(output).exists() or not output.exists():
            put_in_place(_finished(output), output)
    return counts


def keep_finished(outputs: Iterable[Path]) -> None:
    """Give embeddings files that are there a second name, under which `embed_files` finds them: before a run,
    which removes all outputs of a job to make one of them anew. It takes no room on the disk."""
    for output in outputs:
        # Where there is one already, a killed run has left what it had finished, or the same file. Where the
        # disk knows no second names, a group of files is embedded once more.
        with contextlib.suppress(OSError):
            _finished(output).hardlink_to(output)


def forget_finished(outputs: Iterable[Path]) -> None:
    """Take back the second names of embeddings files that are there, after a run."""
    for output in outputs:
        with contextlib.suppress(FileNotFoundError):
            if output.samefile(_finished(output)):
                _finished(output).unlink()


def _finished(output: Path) -> Path:
    """Where the embeddings of one of several files wait for the others."""
    return output.with_name(f".{output.name}.finished")


def _embedded_blocks(
    settings: Embedding, records: Path, encoder: Encoder, done: list[int]
) -> Iterator[EmbeddedBlock]:
    """Embed the blocks of a records file after those that are done, given by their numbers of records."""
    pending: deque[tuple[Block, PendingBlock]] = deque()

    def first_pending() -> EmbeddedBlock:
        block, embedding = pending.popleft()
        return embedded_block(block, embedding.result(), settings.storage_dtype, str(records))

    for number, block in enumerate(iter_blocks(settings, records)):
        if number < len(done):
            if block.rows != done[number]:
                raise ReconciliationError(
                    f"block {number + 1} has {block.rows} records, but {done[number]} were embedded of it",
                    where=str(records),
                    remedy="delete the journal beside the output and run again",
                )
            continue
        texts = [document.text for document in block.documents]
        pending.append((block, encoder.submit(texts)))
        if len(pending) > _BLOCKS_AHEAD:
            yield first_pending()
    while pending:
        yield first_pending()


def _counts_of(output: Path, group: str, provenance: Provenance) -> EmbedCounts | None:
    """The counts of an output that another process has just made, if it is the one that is wanted."""
    try:
        with EmbeddingFile(output, group) as made:
            if made.provenance != provenance:
                return None
            skipped = Counter(skip.code for skip in made.skipped())
            return EmbedCounts(
                rows=len(made) + skipped.total(),
                embedded=len(made),
                truncated=made.truncated_count,
                skipped=dict(sorted(skipped.items())),
                tokens=made.tokens,
                resumed=len(made) + skipped.total(),
            )
    except EmbeddingError:
        return None


def _remove_leftovers(output: Path) -> None:
    """Remove temporary files of runs that were killed while they wrote the output."""
    for leftover in output.parent.glob(f".{output.name}.*.part"):
        leftover.unlink(missing_ok=True)
