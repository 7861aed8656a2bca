"""What Snakemake itself says: which of its messages are no news, and its errors in fewer words."""

from __future__ import annotations

import errno
import re
from itertools import takewhile
from pathlib import Path

from goldpan import errors
from goldpan.errors import storage_error

NOTHING_TO_DO = "Nothing to be done"
STOPPING = "Terminating processes on user request"
_NO_NEWS = re.compile(
    "|".join(
        (
            "Assuming unrestricted shared filesystem",
            r"Building DAG of jobs\.\.\.",
            "Using shell: ",
            "host: ",
            "Conda environments: ignored",
            "Singularity containers: ignored",
            "Group jobs: inactive",
            r"Select jobs to execute\.\.\.",
            r"Execute \d+ jobs\.\.\.",
            "DAG of jobs will be updated after completion",
            "Updating checkpoint dependencies",
            "Config file .* is extended by additional config",
            "Removing output files of failed job",
            "Exiting because a job execution failed",
            "Shutting down, this might take some time",
            "Will exit after finishing currently running jobs",
            r"Complete log\(s\): ",
            "Elapsed time: ",
            "Job rate limit reached",
            "This was a dry-run",
            "The run involves checkpoint jobs",
            "Reasons:",
            r"Waiting at most \d+ seconds for missing files",
            "SLURM run ID: ",
            r"Job \d+ has been submitted with SLURM jobid",
            "Submitted array job with Snakemake IDs",
            "Cleaning up SLURM log files older than",
            "Activating conda environment: ",
            "Some jobs were triggered by provenance information",
            "Rules with provenance triggered jobs",
            r"No (SLURM )?account (was )?given",
            "Unable to guess SLURM account",
            STOPPING,
        )
    )
)
_OF_A_JOB = ("CalledProcessError", "SpawnedJobError", "At least one job did not complete successfully.")
"""What its job says better, and what only ends the run."""

_HEAD = re.compile(
    r"(?P<kind>\w+)(?: \(most recent call last\))?(?: in rule \w+)?"
    r'(?: in file "(?P<file>[^"]+)", line (?P<line>\d+))?:$'
)
_FRAME = re.compile(r'  File "[^"]+", line \d+, in ')
_FULL = re.compile(rf"\[Errno ({errno.ENOSPC}|{errno.EDQUOT})\] ([\w ]+)(?:: '(?P<file>[^'\n]+)')?")
_METADATA = re.compile(r"write permissions for the directory (?P<file>.+)")
_NO_RULE = re.compile(r"No rule to produce (?P<file>.+?) \(if you use input functions .*\)\.")
_SAY_IT_ALL = ("WorkflowError", "MissingInputException", "MissingRuleException")
"""Errors whose text needs neither their name nor a place in a Snakefile beside it."""


def is_news(message: str) -> bool:
    """Whether a message is for people; what is not known to be none is."""
    return bool(message.strip()) and not _NO_NEWS.match(message.strip())


def error_lines(message: str) -> list[str]:
    """An error of Snakemake's in few words; nothing where its job says it better."""
    if any(word in message for word in _OF_A_JOB):
        return []
    if full := _FULL.search(message):
        # Snakemake notes what is done, and takes it for a question of permissions.
        place = full if full["file"] else _METADATA.search(message)
        named = storage_error(OSError(int(full[1]), full[2].strip(), place["file"] if place else None))
        return str(named).splitlines()
    # Of a syntax error Snakemake shows the line of code, which it often does not have.
    lines = [line for line in message.strip().splitlines() if line.strip() not in ("", "None")]
    lines = [_NO_RULE.sub(_no_rule, line) for line in lines if not _FRAME.match(line)]
    head = _HEAD.match(lines[0]) if lines else None
    if not lines or head is None or len(lines) == 1:
        return lines
    if lines[0].startswith("Traceback"):
        return [lines[-1].strip(), "  -> the traceback is in Snakemake's own log, below .snakemake/log"]
    text = lines[1:]
    if head["kind"] == "InputFunctionException" and (ours := _of_ours(text)):
        return ours
    if head["kind"] in _SAY_IT_ALL:
        return text
    where = [f"  at {head['file']}:{head['line']}"] if head["file"] else []
    return [f"{head['kind']}: {text[0].strip().rstrip(':')}", *text[1:], *where]


def _of_ours(text: list[str]) -> list[str]:
    """An error of goldpan's own in an input function, without Snakemake's words around it; else nothing."""
    said = [*takewhile(lambda line: line != "Wildcards:", text)]
    kind, colon, what = said[1].strip().partition(": ") if len(said) > 1 else ("", "", "")
    error = getattr(errors, kind, None)
    is_ours = isinstance(error, type) and issubclass(error, errors.GoldpanError)
    return [what, *said[2:]] if colon and is_ours else []


def _no_rule(message: re.Match[str]) -> str:
    """That no rule makes a file, and what can be had of it: it may be there, and be put away compressed."""
    file = message["file"]
    there = next((name for name in (file, f"{file}.zst") if Path(name).is_file()), None)
    if there is None:
        return f"No rule to produce {file}."
    remedy = f": `zstdcat {there}` shows what is in it" if there.endswith(".zst") else ""
    return f"No rule to produce {file}, and none is needed: {there} is there{remedy}."
