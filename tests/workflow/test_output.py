"""What a run prints: one line a job, errors once, and what to do next; the whole log stays in its file."""

import os
import pty
import re
import subprocess

import pytest

from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.next_steps import next_steps
from goldpan.study import load_project
from goldpan.workflow.file_groups import SMALL_FILE
from tests.projects import WorkflowProject, note_rows, notes_study

SNAKEMAKES_OWN = ("Select jobs", "Reason:", "rule ", "jobid", "Traceback", "Complete log", "Job stats")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose stage is answered and whose sheets are out, and what its run printed."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("shown") / "project")
    wave = {"stage": "topics", "sample": 4, "annotators": ["ann", "ben"], "formats": ["csv"]}
    project.write_study({**notes_study(), "waves": {"check": wave}})
    project.write_rows("notes/a.jsonl", note_rows(6))
    return project, project.run()


def printed_jobs(lines: list[str]) -> list[str]:
    """The lines between how many jobs there are and how many are done."""
    first = next(at for at, line in enumerate(lines) if re.fullmatch(r"\d+ jobs? to do", line))
    last = next(at for at, line in enumerate(lines) if " jobs done in " in line)
    return lines[first + 1 : last]


def test_a_run_prints_at_most_two_lines_a_job(finished):
    _, run = finished
    jobs = len(re.findall(r"^Finished jobid: ", run.log, re.M))
    lines = printed_jobs(run.stdout.splitlines())
    titles = [line for line in lines if re.match(r" *\d+/\d+ ", line)]
    assert len(titles) == jobs > 10
    assert len(lines) <= 2 * jobs
    assert len(run.stdout.splitlines()) < 2 * jobs + 10


def test_a_job_is_told_with_its_file_and_its_time_and_a_step_with_what_it_said(finished):
    _, run = finished
    assert re.search(r"^ *\d+/\d+ +[\d.]+ s  Reading notes/a.jsonl into records$", run.stdout, re.M)
    settling = r"^ *\d+/\d+ +[\d.:]+( s)?  Settling round 1 of stage topics\n +topics, round 1: 6 ok; 0 left"
    assert re.search(settling, run.stdout, re.M)


def test_to_a_run_of_a_named_file_it_is_no_news_that_others_are_not_made(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    project.write_study(notes_study())
    project.write_rows("notes/a.jsonl", note_rows(2))
    assert "has no features yet" not in project.run("results/notes/sources/notes/a.jsonl.jsonl").stdout
    assert "has no features yet" in project.goldpan("summary").stdout


def test_nothing_of_snakemakes_own_words_is_printed(finished):
    _, run = finished
    assert [word for word in SNAKEMAKES_OWN if word in run.stdout] == []


def test_without_a_terminal_lines_are_plain(finished):
    _, run = finished
    assert "\x1b" not in run.stdout and "\r" not in run.stdout


def test_the_log_file_has_what_snakemake_would_have_printed(finished):
    project, run = finished
    for word in ("Job stats:", "Reason: Missing output files", "Finished jobid:", "steps (100%) done"):
        assert word in run.log
    (named,) = re.findall(r"the whole log is (\S+)", run.stdout)
    assert (project.root / named).read_text() == run.log


def test_a_run_ends_with_what_was_made_and_what_to_do_next(finished):
    project, run = finished
    end = run.stdout.splitlines()[-3:]
    assert end[0].startswith("stage topics: 6 records: 6 ok")
    steps = next_steps(StudyArtifacts(load_project(root=project.root)))
    assert end[1:] == [f"next: {step.text}" for step in steps]
    assert "the sheets of wave check are in results/notes/waves/check/sheets/" in end[1]
    assert end[1] in run.log


def test_nothing_to_do_is_said_plainly_with_what_to_do_next(finished):
    project, _ = finished
    # A copy of a project has other times; Snakemake finds the same contents.
    (project.root / "results/notes/stages/topics/records.jsonl").touch()
    for options in ([], ["--dry-run"]):
        lines = project.run(*options).stdout.splitlines()[1:]
        assert lines[0].startswith("Nothing to be done")
        assert lines[1].startswith("next: the sheets of wave check") and len(lines) == 3


def test_a_dry_run_is_a_line_for_each_kind_of_job(finished):
    project, _ = finished
    lines = project.run("--dry-run", "--forceall").stdout.splitlines()[1:]
    assert re.match(r"\d+ jobs would run", lines[0])
    assert any("Reading notes/a.jsonl into records (asked for)" in line for line in lines)
    assert lines[-1] == "nothing was run or paid: this was a dry run (-n)"
    assert len(lines) < 25


def on_a_terminal(project: WorkflowProject, *arguments: str, **environment: str) -> str:
    """Run Snakemake on a terminal of its own; what it printed there."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        project.command(*arguments), cwd=project.root, stdin=its, stdout=its, stderr=its,
        env={**project.env(), "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(its)
    said = b""
    while True:
        try:
            if not (more := os.read(ours, 65536)):
                break
        except OSError:  # Linux says so that nobody is at the other end any more
            break
        said += more
    os.close(ours)
    assert process.wait(60) == 0, said.decode()
    return said.decode()


@pytest.mark.parametrize("no_color", ["", "1"])
def test_on_a_terminal_the_running_job_is_shown_below_in_a_line_that_goes_away(finished, tmp_path, no_color):
    project = finished[0].copy(tmp_path / "copy")
    target = "results/notes/stages/topics/summary.json"
    said = on_a_terminal(project, "--force", target, NO_COLOR=no_color)
    assert re.search(r"\x1b\[\d+A\r\x1b\[J", said), "a line was taken away"
    assert said.count("Consolidating the features of stage topics\r\n") >= 1
    assert ("\x1b[2m" in said or "\x1b[31m" in said) is False or not no_color


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A run that goes on after two of its three files cannot be read, which are too large to share a job."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("failed") / "project")
    project.write_study(notes_study())
    project.write_rows("notes/a.jsonl", note_rows(3))
    project.write("notes/b.jsonl", "{no\n" + "\n" * SMALL_FILE)
    project.write("notes/c.jsonl", '{"text": "no id"}\n' + "\n" * SMALL_FILE)
    return project, project.run("--keep-going", check=False)


def test_each_error_is_printed_once_with_its_place_and_remedy(failed):
    _, run = failed
    assert run.returncode == 1
    assert len(re.findall("^error: ", run.stdout, re.M)) == 2
    assert run.stdout.count("notes/b.jsonl:1: bad_json: not valid JSON") == 1
    assert run.stdout.count("notes/c.jsonl:1: ") == 1
    assert run.stdout.count("  -> ") == 2


def test_a_failed_run_shows_no_command_no_block_and_no_traceback(failed):
    _, run = failed
    for word in (*SNAKEMAKES_OWN, "set -euo pipefail", "CalledProcessError", "shell:", "Logfile", "Exiting"):
        assert word not in run.stdout, word
    assert "Error in rule records" in run.log


def test_a_failed_run_ends_with_how_many_jobs_failed(failed):
    _, run = failed
    assert re.match(r"1 of \d+ jobs done, 2 failed, in ", run.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.txt"], "error: No rule to produce nowhere.txt"),
        (["--config", "study=nots"], "error: config/studies: there is no study `nots`; there are: notes"),
    ],
)
def test_an_error_before_any_job_is_printed_once(failed, arguments, says):
    project, _ = failed
    run = project.run(*arguments, check=False)
    assert run.returncode == 1
    assert [line for line in run.stdout.splitlines() if says in line] != []
    assert run.stdout.count(says.removeprefix("error: ")) == 1 and "Traceback" not in run.stdout


def test_snakemakes_own_output_can_be_had_instead(failed):
    project, _ = failed
    project.environment["GOLDPAN_LOGGER"] = "snakemake"
    try:
        run = project.run("results/notes/sources/notes/b.jsonl.jsonl", check=False)
    finally:
        del project.environment["GOLDPAN_LOGGER"]
    assert "Job stats:" in run.stdout and "Error in rule records" in run.stdout
    assert "goldpan: " in run.stdout, "what the step says comes, too"
