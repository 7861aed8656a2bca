"""Runs in the form of the classic scripts: tables under their names, and their registry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from os.path import relpath
from pathlib import Path

import orjson

from goldpan.cells import csv_text
from goldpan.errors import SourceError, StudyError
from goldpan.experiments.figures import main_figure, value_of_figure
from goldpan.experiments.history import History
from goldpan.experiments.receipts import Receipt, read_receipts
from goldpan.experiments.registry import Recorded
from goldpan.experiments.run import Run
from goldpan.files import write_bytes

_BRAINTRUST = "braintrust"
_ACCURACIES = ("accuracy", "accuracy_within_tolerance")
_NO_SIGN_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class ClassicEntry:
    """A run in the classic registry.

    Attributes:
        local_id: id of the run.
        module_id: of its module; of a stage outside a table `STUDY.STAGE`.
        csv_path: of its rows, relative to the project; None where they are gone or were changed.
        created_at: when it was recorded first, in UTC.
        status: where it stands at Braintrust: `local_only`, `uploaded`, `synced` (it was there) or `failed`.
        accuracy: of the first feature that has one, within its tolerance where one is declared; None for
            sets, extractions and rankings.
        samples: rows of the run.
        braintrust_id, braintrust_url: of its experiment there.
    """

    local_id: str
    module_id: str
    csv_path: str | None
    created_at: str
    status: str
    accuracy: float | None
    samples: int
    braintrust_id: str | None
    braintrust_url: str | None


def classic_names(recorded: Recorded) -> dict[str, str]:
    """Run id -> `{MODULE}_v{prompt version}_{timestamp}.csv`, the time that of recording, in UTC.

    Of runs that would have one name, those after the first get how their id begins.
    """
    versions = recorded.versions()
    names: dict[str, str] = {}
    taken: set[str] = set()
    for run in recorded.runs:
        module = _NO_SIGN_OF_A_NAME.sub("_", run.module).lstrip(".") or "module"
        time = re.sub(r"[^0-9]", "", run.recorded_at[:19])
        name = f"{module}_v{versions[run.module, run.prompt_hash]}_{time[:8]}_{time[8:]}"
        name = f"{name}_{run.id[:8]}" if name.lower() in taken else name
        taken.add(name.lower())
        names[run.id] = f"{name}.csv"
    return names


def runs_meant(history: History, recorded: Recorded, names: Sequence[str]) -> list[Run]:
    """The runs of some modules or with some ids (or how these begin), each once, in the order of time.

    Raises:
        StudyError: a name is neither a module that has runs nor the beginning of one run's id.
        SourceError: the file of a run that is named is damaged.
    """
    meant: set[str] = set()
    for name in names:
        of_module = recorded.of_module(name)
        meant |= {run.id for run in of_module} if of_module else {history.named(name).id}
    return [run for run in recorded.runs if run.id in meant]


def export_tables(history: History, recorded: Recorded, runs: Iterable[Run], folder: Path) -> list[Path]:
    """Write the tables of runs into a folder under their classic names, byte by byte as the history has them.

    Raises:
        SourceError, StudyError: a table is gone or damaged, or a file of that name holds something else; all
            others are written all the same.
    """
    names = classic_names(recorded)
    written, faults = [], []
    for run in runs:
        path = folder / names[run.id]
        try:
            content = history.rows_of(run).read_bytes()
            if path.exists() and path.read_bytes() != content:
                raise StudyError(
                    f"another table has this name; that of run {run.id} was not written over it",
                    where=str(path),
                    remedy="move it, or name another folder",
                )
        except (SourceError, StudyError) as fault:
            faults.append(fault)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_bytes(path, content)
        written.append(path)
    if len(faults) > 1:
        raise SourceError(
            f"{len(faults)} tables of runs were not exported, {len(written)} were:\n"
            + "\n".join(f"- {fault}" for fault in faults)
        )
    if faults:
        raise faults[0]
    return written


def classic_registry(
    history: History, recorded: Recorded, root: Path
) -> tuple[list[ClassicEntry], dict[str, str]]:
    """(all runs in the classic form, in the order of time; file -> what is wrong with it)."""
    receipts, faults = read_receipts(history.folder)
    entries = []
    for run in recorded.runs:
        csv_path = None
        try:
            csv_path = Path(relpath(history.rows_of(run), root)).as_posix()
        except SourceError as fault:
            faults[history.rows_file(run.id).name] = fault.what
        receipt = _standing(receipts.get(run.id, []))
        entries.append(
            ClassicEntry(
                local_id=run.id,
                module_id=run.module,
                csv_path=csv_path,
                created_at=run.recorded_at,
                status=receipt.status if receipt else "local_only",
                accuracy=_accuracy(run),
                samples=run.records,
                braintrust_id=receipt.remote_id if receipt else None,
                braintrust_url=receipt.url if receipt else None,
            )
        )
    return entries, faults


def registry_json(entries: Sequence[ClassicEntry]) -> bytes:
    """The classic registry as a JSON list of objects."""
    content = [asdict(entry) for entry in entries]
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def registry_csv(entries: Sequence[ClassicEntry]) -> bytes:
    """The classic registry as a table; what is not known is an empty cell."""
    head = [field.name for field in fields(ClassicEntry)]
    rows = [["" if cell is None else str(cell) for cell in asdict(entry).values()] for entry in entries]
    return csv_text([head, *rows]).encode()


def _standing(receipts: Sequence[Receipt]) -> Receipt | None:
    """Of the receipts of Braintrust that which says most: an upload before a failure, then the newest."""
    of_braintrust = [receipt for receipt in receipts if receipt.kind == _BRAINTRUST]
    return max(of_braintrust, key=lambda receipt: (receipt.status != "failed", receipt.at), default=None)


def _accuracy(run: Run) -> float | None:
    for metrics in run.metrics:
        figure = main_figure(metrics.figures)
        if figure is not None and figure["name"] in _ACCURACIES:
            return value_of_figure(figure)
    return None
