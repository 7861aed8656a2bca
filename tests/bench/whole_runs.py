"""Whole runs of two checkouts: `python -m tests.bench.whole_runs BEFORE AFTER [FILES [PLANNED]]`.

Run from the root of AFTER, each checkout with its own `.venv`. Measured are the quickstart as it ships, FILES
files of ten rows to their features with the built-in baseline, and a dry run over PLANNED files, each by the
clock and by processor time of all its processes; once each and in turn, so that what else the machine does
falls on both.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from tests.bench.measuring import environment
from tests.projects import TOPIC_TASK, note_rows, notes_study

_WORKFLOW = ("Snakefile", "rules", "workflow", "profiles")
Prepared = Callable[[Path, Path], list[str]]


def quickstart(checkout: Path, root: Path) -> list[str]:
    """Copy what the quickstart reads; returns the options of its run."""
    for name in ("config", "examples", "annotations"):
        if (checkout / name).exists():
            shutil.copytree(checkout / name, root / name)
    return ["--config", "study=quickstart"]


def many_files(root: Path, files: int, rows: int) -> None:
    """Write a study of notes, and its files."""
    folder, tasks = root / "notes", root / "config" / "tasks"
    for needed in (folder, tasks, root / "config" / "studies"):
        needed.mkdir(parents=True)
    (root / "config" / "studies" / "notes.yaml").write_text(yaml.safe_dump(notes_study()))
    (root / "config" / "config.yaml").write_text("study: notes\n")
    (tasks / "topic.yaml").write_text(yaml.safe_dump(TOPIC_TASK))
    (tasks / "topic.system.j2").write_text("You label notes.")
    (tasks / "topic.user.j2").write_text("Note:\n{{ data.text }}")
    for number in range(files):
        lines = (
            f'{{"id": "{row["id"]}", "text": "{row["text"]}"}}\n' for row in note_rows(rows, number * rows)
        )
        (folder / f"f{number:05}.jsonl").write_text("".join(lines))


def interpreter(checkout: Path) -> Path:
    """A checkout's own Python, for it may need other packages than another; without one, this."""
    own = checkout / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def run(checkout: Path, prepare: Prepared) -> tuple[float, float]:
    """Run a checkout's workflow in a fresh folder; returns seconds by the clock and of processor time."""
    with tempfile.TemporaryDirectory(prefix="goldpan-bench-") as folder:
        root = Path(folder)
        for name in _WORKFLOW:
            (root / name).symlink_to(checkout / name)
        options = prepare(checkout, root)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [str(interpreter(checkout)), "-m", "snakemake", "--cores", "2", "--quiet", "all", *options]
        subprocess.run(command, cwd=root, env=environment(checkout), check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cases(files: int, planned: int) -> Iterator[tuple[str, Prepared]]:
    """What is run: a name, and what prepares a folder for it."""
    yield "quickstart", quickstart
    yield f"{files} files of 10 rows to features", lambda checkout, root: many_files(root, files, 10) or []
    yield f"dry run of {planned} files", lambda checkout, root: many_files(root, planned, 1) or ["-n"]


def main(before: str, after: str, files: str = "3000", planned: str = "10000") -> None:
    """Print a line for each case."""
    checkouts = [Path(before).resolve(), Path(after).resolve()]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name, prepare in cases(int(files), int(planned)):
        (wall, processor), (now_wall, now_processor) = (run(checkout, prepare) for checkout in checkouts)
        print(
            f"{name}: {wall:.1f} s before, {now_wall:.1f} s after, {now_wall / wall:.2f} times by the clock;"
            f" processor time {processor:.1f} s and {now_processor:.1f} s,"
            f" {now_processor / processor:.2f} times",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
