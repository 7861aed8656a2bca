"""The history of a project: a file for each run, its rows beside it, and what is made of these files alone.

A run is its JSON file, which is written whole, and after its rows. So a kill leaves a run or none. The
registry is for other programs, the leaderboards are for people; goldpan itself reads the runs. Both are made
again with each run, and can be at any time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from goldpan.crashpoints import reached
from goldpan.errors import SourceError, StudyError
from goldpan.experiments.leaderboard_page import is_leaderboard, leaderboard_page, page_name
from goldpan.experiments.paired import Right
from goldpan.experiments.registry import Recorded, entries_by_module, registry_of
from goldpan.experiments.rows import right_of_rows
from goldpan.experiments.run import Run, is_same, of_first_record, prompt_versions, read_run, run_bytes
from goldpan.files import read_json, sha256_file, sha256_hex, write_bytes, write_json
from goldpan.folder_lock import alone_in

REGISTRY = "registry.json"
LEADERBOARDS = "leaderboard"
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class History:
    """The runs of a project.

    Args:
        folder: where they lie; it need not be there yet.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._right: dict[tuple[str, str], Right] = {}

    def run_file(self, run_id: str) -> Path:
        """The file of a run."""
        return self.folder / f"{run_id}.json"

    def rows_file(self, run_id: str) -> Path:
        """The file with its rows."""
        return self.folder / f"{run_id}.csv"

    def read(self) -> Recorded:
        """All runs; a file that is none is named and passed over."""
        runs, unreadable = [], {}
        for path in sorted(self.folder.glob("*.json")):
            if path.name == REGISTRY:
                continue
            try:
                runs.append(read_run(path))
            except SourceError as error:
                unreadable[path.name] = error.what
        return Recorded(sorted(runs, key=lambda run: (run.recorded_at, run.id)), unreadable)

    def named(self, name: str) -> Run:
        """The run whose id begins so.

        Raises:
            StudyError: none does, or several do.
            SourceError: its file is damaged.
        """
        if name != Path(REGISTRY).stem and self.run_file(name).exists():
            return read_run(self.run_file(name))
        ids = sorted(
            path.stem
            for path in self.folder.glob("*.json")
            if name and path.name != REGISTRY and path.stem.startswith(name)
        )
        if len(ids) == 1:
            return read_run(self.run_file(ids[0]))
        fault = f"several runs begin with `{name}`: {', '.join(ids)}" if ids else f"there is no run `{name}`"
        raise StudyError(
            fault, where=str(self.folder), remedy="`goldpan experiments stats MODULE` lists a module's runs"
        )

    def leaderboard_file(self, module: str) -> Path:
        """The page of a module."""
        return self.folder / LEADERBOARDS / page_name(module)

    def rows_of(self, run: Run) -> Path:
        """The file with a run's rows.

        Raises:
            SourceError: it is gone, or not as it was written.
        """
        path = self.rows_file(run.id)
        if not path.exists() or sha256_file(path) != run.rows_sha256:
            fault = "was changed after it was written" if path.exists() else "is gone"
            raise SourceError(
                f"the table with the rows of run {run.id} {fault}",
                where=str(path),
                remedy=f"take it from a backup; while that stage is as it was, `goldpan experiments run"
                f" {run.stage} --study {run.study}` writes it anew",
            )
        return path

    def right_by_run(self) -> Callable[[Run], Right]:
        """Which rows of a run are right: nothing of a table that is gone or damaged. The function looks once
        at each table; what was read of it stays with this history."""
        known: dict[str, Right] = {}

        def right(run: Run) -> Right:
            if run.id not in known:
                try:
                    known[run.id] = self._right_of(run)
                except SourceError:
                    known[run.id] = {}
            return known[run.id]

        return right

    def _right_of(self, run: Run) -> Right:
        table = run.id, run.rows_sha256
        path = self.rows_of(run)
        if table not in self._right:
            self._right[table] = right_of_rows(path, [of.feature for of in run.metrics])
        return self._right[table]

    def record(self, run: Run, rows: bytes) -> Run:
        """Write a run, its rows first, and what is made of all runs. What is there already stays as it is.

        Args:
            run: as it was made now; its prompt version is found here.
            rows: its table.

        Returns:
            The run as its file has it.
        """
        with self.alone():
            run = replace(run, rows_sha256=sha256_hex(rows))
            recorded = self.read()
            former = next((other for other in recorded.runs if other.id == run.id), None)
            if former is not None:
                run = replace(run, **of_first_record(former))
            else:
                versions = prompt_versions([*recorded.runs, run])
                run = replace(run, prompt_version=versions[run.module, run.prompt_hash])
                self._set_aside(self.run_file(run.id))
            rows_file = self.rows_file(run.id)
            if not rows_file.exists() or sha256_file(rows_file) != run.rows_sha256:
                write_bytes(rows_file, rows)
            if former is not None and is_same(run, former):
                run = former
            else:
                write_bytes(self.run_file(run.id), run_bytes(run))
            reached("run_written")
            self._write_changed()
        return run

    def rebuild(self) -> Recorded:
        """Make the registry and the leaderboards from the run files."""
        with self.alone():
            recorded = self.read()
            self._write_derived(self._leaderboards(recorded), registry_of(recorded))
        return recorded

    def behind(self, recorded: Recorded) -> list[Path]:
        """The registry and leaderboards that are not what the run files say: after a kill, an edit, or where
        files were copied in. `rebuild` makes them so.

        Args:
            recorded: what `read` gave.
        """
        pages = self._leaderboards(recorded)
        derived = {self.folder / REGISTRY: orjson.dumps(registry_of(recorded), option=_JSON), **pages}
        return [
            *(path for path, content in derived.items() if not _holds(path, content)),
            *self._leaderboards_besides(pages),
        ]

    def _write_changed(self) -> None:
        """As `rebuild`, without pages of modules of which the registry on the disk says the same already."""
        recorded = self.read()
        registry = registry_of(recorded)
        before, now = entries_by_module(self._former_registry()), entries_by_module(registry)
        has_changed = [
            module
            for module, entries in now.items()
            if before.get(module) != entries or not self.leaderboard_file(module).exists()
        ]
        kept = dict.fromkeys(self.leaderboard_file(module) for module in now.keys() - {*has_changed})
        self._write_derived({**kept, **self._leaderboards(recorded, has_changed)}, registry)

    def _write_derived(self, pages: Mapping[Path, bytes | None], registry: dict[str, Any]) -> None:
        """Write what is made from the run files; pages without bytes stay as they are.

        The registry comes last: only when all pages are there may it say that they are.
        """
        for path, content in pages.items():
            if content is not None and not _holds(path, content):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, content)
        for path in self._leaderboards_besides(pages):
            path.unlink()
        write_json(self.folder / REGISTRY, registry)

    def _leaderboards(self, recorded: Recorded, modules: Iterable[str] | None = None) -> dict[Path, bytes]:
        """Page -> its bytes, of some modules, or of all."""
        versions, unreadable = recorded.versions(), list(recorded.unreadable)
        modules = dict.fromkeys(run.module for run in recorded.runs) if modules is None else modules
        return {
            self.leaderboard_file(module): leaderboard_page(
                recorded.of_module(module), versions, unreadable, self.right_by_run()
            ).encode()
            for module in modules
        }

    def _former_registry(self) -> Any:
        """The registry as it is on the disk; None where it is gone or damaged."""
        try:
            return read_json(self.folder / REGISTRY)
        except (OSError, SourceError):
            return None

    def _leaderboards_besides(self, derived: Collection[Path]) -> list[Path]:
        """Leaderboards of modules that have no runs any more."""
        return [
            path
            for path in sorted((self.folder / LEADERBOARDS).glob("*.html"))
            if path not in derived and is_leaderboard(path.read_bytes())
        ]

    def _set_aside(self, path: Path) -> None:
        """Keep a damaged file of a run that is written anew."""
        if path.exists():
            path.replace(path.with_name(f"{path.name}.damaged-{sha256_file(path)[:8]}"))

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """One writer at a time: a registry must not be older than the runs that another has written."""
        return alone_in(self.folder)


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content
