"""Small projects for tests: the real Snakefile and rules over a study written by the test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from goldpan.files import read_whole_unpacked
from goldpan.ledger import Ledger

CHECKOUT = Path(__file__).resolve().parent.parent
FINDS_TESTS = {"PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))}
"""Environment of a project whose own Python files import helpers of the tests."""

TOPIC_TASK = {
    "task": "topic",
    "description": "What a note is about.",
    "prompt": {"system": "topic.system.j2", "user": "topic.user.j2"},
    "features": [
        {
            "name": "topic",
            "type": "classification",
            "description": "What the note is about.",
            "labels": ["animals", "machines", "weather"],
            "rationale": True,
        },
        {
            "name": "urgent",
            "type": "binary",
            "description": "The note asks for something to be done at once.",
        },
        {"name": "length", "type": "score", "min": 0, "max": 5, "description": "How long the note is."},
    ],
}
DETAIL_TASK = {
    "task": "detail",
    "description": "A second look.",
    "prompt": {"user": "detail.user.j2"},
    "features": [{"name": "depth", "type": "score", "min": 0, "max": 3, "description": "How deep it goes."}],
}


class SnakemakeRun(subprocess.CompletedProcess[str]):
    """A run of Snakemake that has ended.

    Attributes:
        log: Snakemake's own log file; empty where it wrote none.
    """

    log: str = ""


@dataclass
class WorkflowProject:
    """A project folder with the checkout's workflow in it.

    Attributes:
        root: the folder.
        environment: further variables for its processes.
        study: the study that is run when none is named.
        patience: seconds after which a command is ended; below pytest's limit of a test, which would end it
            without what the command has printed.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    study: str = "notes"
    patience: float = 580

    @classmethod
    def create(cls, root: Path, study: str = "notes") -> WorkflowProject:
        """Link the workflow's files and write two small tasks."""
        root.mkdir(parents=True, exist_ok=True)
        for name in ("Snakefile", "rules", "workflow", "profiles"):
            (root / name).symlink_to(CHECKOUT / name)
        project = cls(root, study=study)
        project.write(
            "config/config.yaml", f"study: {study}\nledger: .goldpan/ledger.sqlite\nresults: results\n"
        )
        project.write_task(TOPIC_TASK)
        project.write_task(DETAIL_TASK)
        project.write("config/tasks/topic.system.j2", "You label notes.")
        project.write("config/tasks/topic.user.j2", "Note:\n{{ data.text }}")
        project.write(
            "config/tasks/detail.user.j2", "Look again ({{ answers.topics.topic }}):\n{{ data.text }}"
        )
        return project

    def copy(self, root: Path) -> WorkflowProject:
        """The same project in another folder, as far as it has run."""
        copied = Path(shutil.copytree(self.root, root, symlinks=True))
        return WorkflowProject(copied, dict(self.environment), self.study)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_task(self, task: dict[str, Any]) -> None:
        """Write a task file."""
        self.write(f"config/tasks/{task['task']}.yaml", yaml.safe_dump(task, sort_keys=False))

    def write_study(self, study: dict[str, Any]) -> None:
        """Write a study file."""
        self.write(f"config/studies/{study['study']}.yaml", yaml.safe_dump(study, sort_keys=False))

    def write_rows(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Write rows as JSONL."""
        self.write(name, "".join(orjson.dumps(row).decode() + "\n" for row in rows))

    def command(self, *arguments: str) -> list[str]:
        """The Snakemake command line."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        return {**os.environ, "PYTHONUNBUFFERED": "1", **self.environment}

    def run(self, *arguments: str, check: bool = True) -> SnakemakeRun:
        """Run Snakemake to its end; stdout and stderr together in `.stdout`."""
        return self._logged(self.command(*arguments), check)

    def start(self, *arguments: str, own_group: bool = False, **environment: str) -> subprocess.Popen[str]:
        """Start Snakemake, and go on; stdout and stderr together in `.stdout`."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env={**self.env(), **environment},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=own_group,
        )

    def goldpan(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a goldpan command in the project."""
        return self._call([sys.executable, "-m", "goldpan", *arguments], check)

    def _logged(self, command: list[str], check: bool) -> SnakemakeRun:
        folder = self.root / ".snakemake" / "log"
        before = set(folder.glob("*.log"))
        done = self._call(command, check)
        run = SnakemakeRun(done.args, done.returncode, done.stdout, done.stderr)
        run.log = "".join(path.read_text() for path in set(folder.glob("*.log")) - before)
        return run

    def _call(self, command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.env(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=self.patience,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command[2:])} ended with {done.returncode}:\n{done.stdout}")
        return done

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a JSONL artifact of the study."""
        return [orjson.loads(line) for line in self.artifact(name).read_bytes().split(b"\n") if line]

    def put_away(self, name: str) -> bytes:
        """The content of a request file or of raw lines of a stage that has ended, by their plain name."""
        path = self.artifact(name)
        (packed,) = path.parent.glob(f"{path.stem}.*.jsonl.zst")
        return read_whole_unpacked(packed)

    def json(self, name: str) -> Any:
        """A JSON artifact of the study."""
        return orjson.loads(self.artifact(name).read_bytes())

    def ledger(self) -> Ledger:
        """The project's ledger, opened."""
        return Ledger(self.root / ".goldpan" / "ledger.sqlite")

    def paid(self) -> int:
        """Requests that were ever submitted."""
        with self.ledger() as ledger:
            return sum(given.requests for given in ledger.submissions())

    def artifact(self, name: str) -> Path:
        """A file of the study."""
        return self.root / "results" / self.study / name


def shipped_study(root: Path, name: str) -> tuple[WorkflowProject, dict[str, Any]]:
    """A project with the checkout's own tasks, and one of its studies for the test to adapt and write."""
    project = WorkflowProject.create(root, study=name)
    for folder in ("tasks", "keywords"):
        shutil.copytree(CHECKOUT / "config" / folder, root / "config" / folder, dirs_exist_ok=True)
    text = (CHECKOUT / "config" / "studies" / f"{name}.yaml").read_text(encoding="utf-8")
    return project, yaml.safe_load(text)


def notes_study(provider: dict[str, Any] | None = None, **stage: Any) -> dict[str, Any]:
    """A study of one stage over notes/*.jsonl."""
    return {
        "study": "notes",
        "sources": {"notes": {"files": ["notes/*.jsonl"], "id": ["id"], "fields": {"text": "string"}}},
        "providers": {"main": provider or {"kind": "local"}},
        "stages": {
            "topics": {
                "input": {"source": "notes"},
                "task": "topic",
                "provider": "main",
                "model": "goldpan-baseline-1",
                **stage,
            }
        },
    }


def two_stage_study() -> dict[str, Any]:
    """The same, with a second stage that looks again at notes about animals."""
    study = notes_study()
    study["stages"]["details"] = {
        "input": {"stage": "topics", "where": "topic == 'animals'"},
        "task": "detail",
        "provider": "main",
        "model": "goldpan-baseline-1",
    }
    return study


def note_rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Rows with distinct texts."""
    kinds = ("the cat and the dog sleep", "the engine of the machine is loud", "rain and wind tomorrow")
    return [{"id": f"n{at}", "text": f"Note {at}: {kinds[at % 3]}."} for at in range(start, start + count)]


def ran(run: SnakemakeRun) -> set[str]:
    """Names of the rules that a run was to run at its start, by the table of jobs in its log; groups of small
    files go by what makes one, and `index`, which follows all others, is left out."""
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)\n\n", run.log, re.M | re.S)
    assert table is not None, run.stdout
    names = {line.split()[0] for line in table[1].splitlines()} - {"all", "index", "total"}
    return {re.sub(r"^(records|embed|annotate)_\w+_\d+of\d+$", r"\1", name) for name in names}


def printed_table(text: str) -> list[dict[str, str]]:
    """The rows of a printed table; cells are two spaces apart, and empty ones at the end are left out."""
    lines = [re.split(r"  +", line.strip()) for line in text.splitlines() if "  " in line.strip()]
    return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]


def until(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something is so; fail when a process ends before it is."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited two minutes in vain"
        assert process is None or process.poll() is None, f"the run ended:\n{process.communicate()[0]}"
        time.sleep(0.05)
