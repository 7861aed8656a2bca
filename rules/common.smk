"""The study, the names of its artifacts, and what is done before and around all jobs."""

import sys
from os import environ, pathsep
from os.path import relpath
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

import goldpan
from goldpan.cli.summary import print_failures, print_trial, print_wave_changes
from goldpan.errors import GoldpanError, StudyError
from goldpan.files import read_json
from goldpan.heads.files import (
    HEAD_FILES,
    annotated_files,
    label_files,
    labelled_embeddings,
    labelled_records,
    trained_heads,
)
from goldpan.ledger import RunLock
from goldpan.study import load_project
from goldpan.study.model import ProjectSettings
from goldpan.study.paths import GOLD_FILES, PAPER_FILES
from goldpan.tasks.nearest import suggestion
from goldpan.workflow.inputs import Inputs

if "study" not in config:
    raise WorkflowError("Name a study: snakemake --config study=NAME")
for key in config:
    if key not in (known := [*ProjectSettings.model_fields, "go_on"]):
        raise WorkflowError(f"There is no setting `{key}`; {suggestion(key, known)}")
for setting, default in (
    ProjectSettings(study=config["study"]).model_dump(exclude_none=True).items()
):
    config.setdefault(setting, default)
try:
    PROJECT = load_project(
        config["study"],
        ledger=config["ledger"],
        results=config["results"],
        runs=config["runs"],
        # Given without a value (`limit=$N`) it is an error: everything would be paid for.
        limit="" if config.get("limit", ...) is None else config.get("limit"),
        mode="" if config.get("mode", ...) is None else config.get("mode"),
        replay=config["replay"],
    )
    if PROJECT.root.resolve() != Path.cwd():
        raise StudyError(
            "this study belongs to a project in another folder",
            where=str(PROJECT.study_file),
            remedy=f"run in that folder: snakemake -s {workflow.main_snakefile} -d {PROJECT.root.resolve()}"
            f" --cores 2 --config study={PROJECT.study_file.resolve()}",
        )
    INPUTS = Inputs(PROJECT)
except GoldpanError as error:
    raise WorkflowError(str(error))

STUDY = PROJECT.study
PATHS = PROJECT.paths
SHARDED_EMBEDDINGS = {
    name for name, embedding in STUDY.embeddings.items() if embedding.shards
}
# A person's word for stages most of whose answers are bad: --config go_on=STAGE, or several with commas. The
# step gets it outside of the rule, so that the rule is not stale when it is no longer said.
GO_ON = config.get("go_on", "")
if unknown := set(filter(None, GO_ON.split(","))) - set(STUDY.stages):
    raise WorkflowError(f"go_on names no stage: {', '.join(sorted(unknown))}")
GO_ON = f" --go-on {quote(GO_ON)}" if GO_ON else ""
# How this run asks; as `go_on`, outside of the rules: what is answered stays so in whatever mode.
MODE = f" --mode {quote(config['mode'])}" if config.get("mode") else ""
REPLAY = " --replay" if PROJECT.replays else ""
# An advisory lock: it dies with this process, so that after a crash the next run just runs. It is this study's
# own, so that another study can be run while this one waits.
RUN_LOCK = RunLock(PROJECT.ledger, PROJECT.root / PATHS.base)
# Rules that talk to providers are commands that a person can run, too: `goldpan step ...`. Without pipefail
# the exit code of a step that is piped into its log would be lost; without `tee -i` its last words on Ctrl-C.
shell.prefix(
    "set -euo pipefail; "
    f"goldpan_step() {{{{ {quote(sys.executable)} -m goldpan step"
    f" --study {quote(relpath(PROJECT.study_file))} --ledger {quote(config['ledger'])}"
    f" --results {quote(config['results'])}{GO_ON}{MODE}{REPLAY} \"$@\"; }}}}; "
)
# Scripts that run in a conda environment find the library where this process found it.
LIBRARY_PATHS = [str(Path(goldpan.__file__).parents[1]), environ.get("PYTHONPATH")]
environ.update(PYTHONPATH=pathsep.join(filter(None, LIBRARY_PATHS)))


def check_first():
    """Stop before anything is removed or lost."""
    from goldpan.workflow.before_run import check_before_run

    try:
        for note in check_before_run(PROJECT):
            print(f"note: {note}", file=sys.stderr)
    except GoldpanError as error:
        raise WorkflowError(str(error)) from None


def keep_slurm_logs_with_the_study():
    """Let Slurm's own logs lie below the study's results.

    A profile has one place for all studies, and the executor no public way to name another; an executor
    without this attribute keeps its own place.
    """
    executor = getattr(workflow.scheduler, "_executor", None)
    if hasattr(executor, "slurm_logdir"):
        executor.slurm_logdir = Path(PATHS.slurm_logs()).resolve()


wildcard_constraints:
    source="|".join(STUDY.sources),
    stage="|".join(STUDY.stages) or "none",
    wave="|".join(STUDY.waves) or "none",
    evaluation="|".join(STUDY.evaluations) or "none",
    embedding="|".join(STUDY.embeddings) or "none",
    head="|".join(STUDY.heads) or "none",
    annotated="|".join(STUDY.annotated) or "none",
    selection="|".join(STUDY.selections) or "none",
    tracker="|".join(STUDY.trackers) or "none",
    suffix=r"\.jsonl(\.gz|\.zst)?",
    round="[1-9][0-9]*",
    shard="[0-9]+|p[0-9a-f]+",
    file="[^/]+",
