"""What goldpan's logger makes of Snakemake's messages, message by message."""

import io
import logging
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase

from snakemake_logger_plugin_goldpan import LogHandler
from snakemake_logger_plugin_goldpan.dry_run import DryRun
from snakemake_logger_plugin_goldpan.durations import duration
from snakemake_logger_plugin_goldpan.job_log import JobLog
from snakemake_logger_plugin_goldpan.messages import pass_over_a_full_disk
from snakemake_logger_plugin_goldpan.run_view import STOPPED, RunView
from snakemake_logger_plugin_goldpan.screen import Screen
from snakemake_logger_plugin_goldpan.snakemake_words import error_lines, is_news

ERROR = "goldpan: BudgetError: stage topics: too dear\n  -> raise `budget_usd`"


class TestAsTheInterfaceAsks(TestLogHandlerBase):
    """The interface's own tests of a plugin."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def closed(self):
        """Handlers that a test made are closed after it."""
        self.made = []
        yield
        for handler in self.made:
            handler.close()

    def _create_handler(self):
        self.made.append(super()._create_handler())
        return self.made[-1]

    def get_log_handler_cls(self):
        return LogHandler

    def get_log_handler_settings(self):
        return None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(event=None, msg="", level=logging.INFO, **given):
    """A message as Snakemake sends it."""
    made = logging.LogRecord("snakemake.logging", level, "x.py", 1, msg, (), None)
    made.__dict__ |= {"event": event, **given}
    return made


class Run:
    """A run whose messages a test makes up."""

    def __init__(self, folder, stream=None, view=RunView, **settings):
        self.folder, self.stream = folder, stream or io.StringIO()
        common = MockOutputSettings()
        common.__dict__ |= {"printshellcmds": False, **settings}
        self.spoken = folder / "spoken"
        self.view = view(Screen(self.stream), common, self.spoken)

    def tell(self, *given, **more):
        self.view.handle(record(*given, **more))

    def start(self, number, title="Reading a.csv", log="", *, shell=True, **more):
        """A job starts; its log says what is given."""
        path = self.folder / f"{number}.log"
        path.write_text(log)
        given = {
            "jobid": number, "rule_msg": title, "rule_name": f"rule{number}", "output": ["out"],
            "log": [str(path)], "shellcmd": "do it" if shell else None, "is_checkpoint": False,
            "reason": "Missing output files: out", **more,
        }  # fmt: skip
        self.tell(LogEvent.JOB_INFO, **given)

    def finish(self, number, done=1, total=3):
        self.tell(LogEvent.JOB_FINISHED, job_id=number)
        self.tell(LogEvent.PROGRESS, done=done, total=total)

    def fail(self, number, log, title="Reading a.csv", *, indent=False, says=None, shell=True):
        self.start(number, title, log, shell=shell)
        error = "CalledProcessError in file \"x\", line 1:\nCommand 'set -e' returned non-zero exit status 1."
        self.tell(LogEvent.ERROR, f"RuleException:\n{error}", logging.ERROR)
        given = {"jobid": number, "rule_msg": says, "rule_name": "r", "indent": indent}
        logs = [str(self.folder / f"{number}.log")]
        self.tell(LogEvent.JOB_ERROR, "Error in rule r", logging.ERROR, log=logs, output=["out"], **given)

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()

    def end(self):
        self.view.close()
        return self.lines


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_a_finished_job_is_one_line_with_its_number_and_time(run):
    run.start(1, "Reading a.csv")
    run.finish(1, done=1, total=12)
    (line,) = run.lines
    assert line.split() == ["1/12", "0.0", "s", "Reading", "a.csv"]


def test_a_step_that_spoke_gets_a_second_line_and_a_script_does_not(run):
    run.start(1, "Planning", "topics, round 1: 3 requests\n")
    run.finish(1)
    run.start(2, "Counting", "{'rows': 3}\n", shell=False)
    run.finish(2, done=2)
    assert [line.strip() for line in run.lines][1] == "topics, round 1: 3 requests"
    assert len(run.lines) == 3


@pytest.mark.parametrize(
    ("attempts", "ends_well", "said"), [(3, False, ", 1 failed,"), (2, True, " done in")]
)
def test_a_job_counts_as_failed_once_however_often_it_was_tried(run, attempts, ends_well, said):
    run.tell(LogEvent.RUN_INFO, stats={"total": 1})
    for _ in range(attempts):
        run.fail(1, "", says="SLURM-job '7' failed")
    if ends_well:
        run.start(1)
        run.finish(1)
    run.tell(None, "the end", is_ending=True)
    assert said in next(line for line in run.lines if "jobs done" in line)


def test_of_progress_only_the_last_word_stays(run):
    progress = "\n".join(f"topics, round 1: {at}/2 batches, 5/9 rows done" for at in (0, 1, 2))
    run.start(1, "Waiting", progress)
    run.finish(1)
    assert [line.strip() for line in run.lines][1:] == ["topics, round 1: 2/2 batches, 5/9 rows done"]


def test_an_error_is_what_the_step_said_without_the_command_of_the_job(run):
    run.fail(1, ERROR)
    assert run.lines == [
        "error: Reading a.csv",
        "  stage topics: too dear",
        "    -> raise `budget_usd`",
        f"  log: {run.folder / '1.log'}",
    ]


def test_what_a_step_said_before_its_error_is_shown_too(run):
    run.fail(1, f"topics, round 1: looked twice\n{ERROR}")
    assert run.lines[1:3] == ["  topics, round 1: looked twice", "  stage topics: too dear"]


def test_what_a_script_noted_before_its_error_stays_in_its_log(run):
    run.fail(1, f"a.csv: 3 records of 3 rows\n{ERROR}", shell=False)
    assert run.lines[:2] == ["error: Reading a.csv", "  stage topics: too dear"]


def test_errors_of_one_text_are_shown_once_and_then_counted(run):
    for number in range(8):
        run.fail(number, ERROR, f"Reading {number}.csv")
    lines = run.end()
    assert sum("too dear" in line for line in lines) == 1
    assert lines.count("error: Reading 3.csv: the same") == 1
    assert lines[-1] == "error: 3 more jobs failed in the same way"


def test_a_traceback_is_its_last_line_and_a_place_to_look(run):
    run.fail(1, "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n")
    assert run.lines[1] == "  KeyError: 'a'"
    assert "its traceback is in" in run.lines[2] and "File x" not in "".join(run.lines)


def test_a_job_whose_log_is_empty_is_explained_by_what_went_to_stderr(run):
    run.spoken.write_text("bash: line 1: 77 Killed\n")
    run.fail(1, "")
    assert run.lines[1] == "  bash: line 1: 77 Killed"
    run.fail(2, "")
    assert "Killed" not in "".join(run.lines[3:]), "that was the other job"


def test_what_the_cluster_says_of_a_job_is_shown_where_its_log_says_nothing(run):
    boilerplate = (
        "For further error details see the cluster/cloud log and the log files of the involved rule(s)."
    )
    run.fail(1, "", says=f"SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'.{boilerplate}")
    assert run.lines[1] == "  SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'."


def test_jobs_that_end_with_their_group_are_not_failures_of_their_own(run):
    run.start(1, "Annotating a")
    run.start(2, "Annotating b", ERROR)
    infos = [{"log": [str(run.folder / f"{at}.log")], "rule_msg": None} for at in (1, 2)]
    run.tell(
        LogEvent.GROUP_ERROR, "Error in group", logging.ERROR, aux_logs=[], job_error_info=infos, groupid=1
    )
    run.fail(1, "", "Annotating a", indent=True)
    run.fail(2, ERROR, "Annotating b", indent=True)
    assert [line for line in run.lines if line.startswith("error")] == ["error: Annotating b"]


def test_an_error_of_no_job_is_shown_once(run):
    run.tell(LogEvent.ERROR, 'WorkflowError in file "/x/common.smk", line 4:\nname a study', logging.ERROR)
    assert run.end() == ["error: name a study"]


def test_ctrl_c_is_one_line_whatever_fails_with_it(run):
    run.start(1, "Waiting")
    run.tell(None, "Terminating processes on user request, this might take some time.")
    run.fail(2, "goldpan: stopped; run the same command again to go on\n")
    run.tell(LogEvent.ERROR, "WorkflowError:\nsomething", logging.ERROR)
    assert run.end() == [STOPPED]


def test_a_waiting_job_shows_what_it_waits_for_and_is_no_error(run):
    run.start(1, "Waiting for batches", "topics, round 1: 1 of 1 batches are still open\n")
    run.tell(None, "stage topics waits", waiting_job=1)
    assert [line.strip() for line in run.lines][-1] == "topics, round 1: 1 of 1 batches are still open"
    assert "error" not in "".join(run.end())


def test_quiet_leaves_errors_and_the_ending_and_quiet_all_errors(tmp_path):
    from snakemake.settings.enums import Quietness

    for quiet, ending in (({Quietness.RULES, Quietness.PROGRESS}, ["the end"]), ({Quietness.ALL}, [])):
        run = Run(tmp_path, quiet=quiet)
        run.start(1)
        run.finish(1)
        run.fail(2, ERROR)
        run.tell(None, "the end", is_ending=True)
        told = run.lines
        assert told[0] == "error: Reading a.csv" and [line for line in told if line == "the end"] == ending
        assert not any("1/3" in line for line in told)


def test_without_a_terminal_there_are_plain_lines_only(run):
    run.start(1, "Waiting")
    run.view.tick()
    run.fail(2, ERROR)
    assert "\x1b" not in run.stream.getvalue() and "\r" not in run.stream.getvalue()


def test_a_terminal_shows_the_running_jobs_below_and_takes_them_away(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    run = Run(tmp_path, Terminal())
    run.start(1, "Waiting", "topics, round 1: 0/1 batches, 5/9 rows done\n")
    run.view.tick()
    assert "Waiting: topics, round 1: 0/1 batches, 5/9 rows done" in run.lines[-1]
    run.finish(1)
    run.end()
    assert run.stream.getvalue().endswith("\x1b[J")


def test_control_characters_of_a_log_do_not_reach_a_terminal(run):
    run.fail(1, "goldpan: SourceError: a\x1b[2Jb\n")
    assert "\x1b" not in run.stream.getvalue() and "[2Jb" in run.stream.getvalue()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_log_file_on_a_full_disk_prints_no_traceback_for_each_message(capfd):
    logger = logging.Logger("full")
    logger.addHandler(logging.FileHandler("/dev/full"))
    logger.error("before")
    assert "Traceback" in capfd.readouterr().err
    pass_over_a_full_disk(logger)
    logger.error("after")
    assert capfd.readouterr().err == ""


def test_a_pipe_that_is_gone_does_not_stop_a_run(run):
    run.stream.close()
    run.start(1)
    run.finish(1)
    run.view.close()


def test_a_dry_run_is_a_line_for_each_kind_of_job_and_why(tmp_path):
    run = Run(tmp_path, view=DryRun)
    for number, reason in enumerate(("Missing output files: a", "Updated input files: b; Code has changed")):
        for copy in range(2):
            run.start(10 * number + copy, f"Making {number}{copy}", reason=reason, rule_name=f"r{number}")
    run.start(99, "all", output=[], rule_name="all", reason="")
    run.tell(LogEvent.RUN_INFO, stats={"r0": 2, "r1": 2, "all": 1, "total": 5})
    assert run.end() == [
        "4 jobs would run; where no reason is given: not made yet",
        "  2  Making 00, and 1 more",
        "  2  Making 10, and 1 more (what it is made from is newer)",
        "nothing was run or paid: this was a dry run (-n)",
    ]


def test_a_quiet_dry_run_tells_how_many_of_which_rule(tmp_path):
    run = Run(tmp_path, view=DryRun)
    run.tell(LogEvent.RUN_INFO, stats={"records": 2, "total": 2})
    assert "  2  records" in run.end()


IN_A_FUNCTION = (
    'InputFunctionException in rule finetune in file "/x/f.smk", line 7:\nError:\n  {}\n'
    "Wildcards:\n    finetune=a"
)


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ('NameError in file "/x/Snakefile", line 3:\nname x is not defined\n  File "/x", line 3, in <module>',
         ["NameError: name x is not defined", "  at /x/Snakefile:3"]),
        ("MissingInputException in rule records in file \"/x/s.smk\", line 3:\nMissing input files for rule"
         " records:\n    output: o", ["Missing input files for rule records:", "    output: o"]),
        ("WorkflowError:\nError recording metadata for finished job ([Errno 28] No space left on device)."
         " Please ensure write permissions for the directory /tmp/x/.snakemake",
         ["/tmp/x/.snakemake: the disk does not take it: No space left on device",
          "  -> make room and run the same command again; nothing that was paid is lost"]),
        ("Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left on device: 'a/b'",
         ["a/b: the disk does not take it: No space left on device",
          "  -> make room and run the same command again; nothing that was paid is lost"]),
        (IN_A_FUNCTION.format("StudyError: finetunes.a: it is not here\n  -> bring it back"),
         ["finetunes.a: it is not here", "  -> bring it back"]),
        (IN_A_FUNCTION.format("KeyError: 'a'"),
         ["InputFunctionException: Error", "  KeyError: 'a'", "Wildcards:", "    finetune=a",
          "  at /x/f.smk:7"]),
        ("WorkflowError:\nAt least one job did not complete successfully.", []),
        ("Error: Directory cannot be locked.", ["Error: Directory cannot be locked."]),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'a'",
         ["KeyError: 'a'", "  -> the traceback is in Snakemake's own log, below .snakemake/log"]),
    ],
)  # fmt: skip
def test_snakemakes_own_errors_are_told_in_few_words(message, lines):
    assert error_lines(message) == lines


@pytest.mark.parametrize("named", ["0000.670bf43a0665.jsonl", "0000.670bf43a0665.jsonl.zst"])
def test_a_file_that_is_put_away_is_not_said_to_be_missing(tmp_path, monkeypatch, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0000.670bf43a0665.jsonl.zst").write_bytes(b"")
    says = "No rule to produce {} (if you use input functions make sure that they don't raise exceptions)."
    [line] = error_lines(f"MissingRuleException:\n{says.format(named)}")
    assert "`zstdcat 0000.670bf43a0665.jsonl.zst` shows" in line and "input functions" not in line
    assert error_lines(f"MissingRuleException:\n{says.format('nowhere')}") == ["No rule to produce nowhere."]


def test_a_message_that_is_not_known_is_shown():
    assert is_news("Something that Snakemake has never said") and not is_news("Select jobs to execute...")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1:00"), (185, "3:05"), (3783, "1:03:03")]
)
def test_times_are_short(seconds, text):
    assert duration(seconds) == text


def test_a_log_that_is_not_there_says_nothing(tmp_path):
    log = JobLog.read([str(tmp_path / "none.log")])
    assert log.news == [] and log.error == []


def test_snakemakes_own_output_can_be_had_instead(monkeypatch):
    monkeypatch.setenv("GOLDPAN_LOGGER", "snakemake")
    handler = LogHandler(MockOutputSettings(), None)
    assert not handler.writes_to_stream and handler.spoken is None
    handler.close()
