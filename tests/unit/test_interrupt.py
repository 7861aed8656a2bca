"""Ctrl-C ends commands and scripts in one line and with 130, whatever they are just doing."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from goldpan.workflow.script import project_and_log
from tests.projects import CHECKOUT, WorkflowProject, notes_study

STOPPED = "goldpan: stopped; run the same command again to go on\n"
SLOW = """
import pathlib, time
pathlib.Path({mark!r}).touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    raise ImportError("what libraries make of it")
"""


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "goldpan", "step", "plan", "topics"],
        ["-m", "goldpan", "validate"],
        [str(CHECKOUT / "workflow/scripts/head.py")],
        [str(CHECKOUT / "workflow/scripts/records.py")],
    ],
)
def test_an_interrupted_import_ends_in_one_line(tmp_path, command):
    mark = tmp_path / "importing"
    (tmp_path / "pydantic.py").write_text(SLOW.format(mark=str(mark)))
    path = os.pathsep.join([str(tmp_path), str(CHECKOUT / "src")])
    running = subprocess.Popen(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not mark.exists() and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, STOPPED)


def test_every_script_is_ready_for_an_interrupt_before_it_imports_anything_else():
    for script in (CHECKOUT / "workflow/scripts").glob("*.py"):
        lines = script.read_text().splitlines()
        imports = [line for line in lines if line.startswith(("import goldpan", "from goldpan"))]
        assert not imports or imports[0] == "import goldpan.interrupt", script


def test_an_interrupted_script_ends_in_one_line_and_its_log_is_kept(tmp_path, monkeypatch, capsys):
    project = WorkflowProject.create(tmp_path / "project")
    project.write_study(notes_study())
    monkeypatch.chdir(project.root)
    config = {"study": "notes", "ledger": "ledger/l.sqlite", "results": "results"}
    job = SimpleNamespace(config=config, log=[str(tmp_path / "log")])
    with pytest.raises(SystemExit) as ended, project_and_log(job) as (_, log):
        log("half way")
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == STOPPED
    assert (tmp_path / "log").read_text() == "half way\n"
