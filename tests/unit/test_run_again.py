"""Texts tell how to run a study in one way, for nobody knows by which command it is run."""

from __future__ import annotations

import re
from pathlib import Path

import goldpan
from goldpan.study.run_again import run_as_usual, run_command
from goldpan.workflow.snakemake_command import snakemake_command

SOURCES = sorted(Path(goldpan.__file__).parent.rglob("*.py"))


def test_no_error_or_page_says_how_many_cores_to_run_on() -> None:
    """Whoever runs by `--profile slurm` is not to be told otherwise."""
    assert len(SOURCES) > 300
    said = [
        f"{path.name}: {line.strip()}"
        for path in SOURCES
        for line in path.read_text().splitlines()
        if re.search(r"snakemake[^#]*(--cores|--config study=)", line) and "goldpan/workflow" not in str(path)
    ]
    assert not said


def test_what_is_said_is_a_command_that_snakemake_takes(tmp_path: Path) -> None:
    said = run_command("parks", "--forcerun", "plan", "go_on=topics")
    assert said == "`goldpan run --forcerun plan go_on=topics --study parks`"
    (tmp_path / "Snakefile").touch()
    command = snakemake_command(tmp_path, {"study": "parks"}, ["--forcerun", "plan", "go_on=topics"])
    end = command.index("--config")
    assert command[end:] == ["--config", "go_on=topics", "study=parks"]
    assert command[end - 2 : end] == ["--forcerun", "plan"]


def test_a_file_with_a_space_stays_one_word() -> None:
    assert "'results/parks/a b.csv'" in run_command("parks", "results/parks/a b.csv")
    assert run_as_usual("parks", "go_on=topics").startswith(
        "run the study as usual, with `go_on=topics` (e.g."
    )
