"""The run itself as a job, where login nodes kill long processes: the script of docs/slurm.md."""

import re
import sys
import time
from pathlib import Path

from tests.projects import CHECKOUT

PATIENCE_SECONDS = 300


def _documented_script():
    page = (CHECKOUT / "docs" / "slurm.md").read_text()
    (script,) = re.findall(r"```sh\n(#!/bin/sh\n#SBATCH.*?)```", page, re.DOTALL)
    return script


def _programs(project, folder):
    """A folder with a `snakemake` that looks at its jobs more often than the real one."""
    folder.mkdir()
    launcher = Path(__file__).with_name("fast_polling.py")
    program = folder / "snakemake"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} {launcher} "$@"\n')
    program.chmod(0o755)
    return folder


def test_a_run_in_a_job_submits_its_gpu_jobs_and_ends(project, cluster, tmp_path):
    (project.root / "run.sh").write_text(_documented_script())
    path = f"{_programs(project, tmp_path / 'bin')}:{cluster.env()['PATH']}"
    number = cluster.ask(
        *("sbatch", "--parsable", f"--chdir={project.root}", f"--export=ALL,PATH={path}"),
        *(str(project.root / "run.sh"), "--config", f"study={project.study}"),
    ).strip()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "JobState=COMPLETED" not in (told := cluster.ask("scontrol", "show", "job", number)):
        log = "".join(file.read_text() for file in project.root.glob("run-*.log"))
        assert "JobState=FAILED" not in told and time.monotonic() < deadline, f"{told}\n{log}"
        time.sleep(1)
    assert project.json("annotated/all/summary.json")["annotated"] > 0
    assert {job.partition for job in cluster.jobs(project.root)} == {"gpu"}
