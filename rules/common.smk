"""The study, the names of its artifacts, and what is done before and around all jobs."""

import sys
from os import environ, pathsep
from os.path import relpath
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from goldpan.embeddings.embed import forget_finished, keep_finished
from goldpan.errors import GoldpanError, StudyError
from goldpan.files import read_json
from goldpan.finetune.exports.files import EXPORT_FILES
from goldpan.finetune.files import FINETUNED_FOLDERS, training_data
from goldpan.finetune.run import forget_finished_trainings
from goldpan.heads.files import (
    HEAD_FILES,
    annotated_files,
    label_files,
    labelled_embeddings,
    labelled_records,
    rename_annotated,
    trained_heads,
)
from goldpan.ledger import RunLock
from goldpan.records.inputs import files_to_come, source_files
from goldpan.study import load_project
from goldpan.study.installed import library_for_jobs
from goldpan.study.load import project_settings
from goldpan.study.model import SETTINGS_OF_A_RUN
from goldpan.study.paths import GOLD_FILES, PAPER_FILES
from goldpan.tasks.nearest import suggestion
from goldpan.workflow.inputs import Inputs
from snakemake_logger_plugin_goldpan import SPOKEN

IS_MODULE = not workflow.modifier.is_main_snakefile()
if "study" not in config:
    raise WorkflowError("Name a study: snakemake --config study=NAME")
for key in config:
    if key not in SETTINGS_OF_A_RUN:
        raise WorkflowError(
            f"There is no setting `{key}`; {suggestion(key, SETTINGS_OF_A_RUN)}"
        )
try:
    settings = project_settings(Path(FOLDER), config["study"])
    for setting, default in settings.model_dump(exclude_none=True).items():
        config.setdefault(setting, default)
    PROJECT = load_project(
        config["study"],
        root=FOLDER or ".",
        ledger=config["ledger"],
        results=config["results"],
        runs=config["runs"],
        # Given without a value (`limit=$N`) it is an error: everything would be paid for.
        limit="" if config.get("limit", ...) is None else config.get("limit"),
        mode="" if config.get("mode", ...) is None else config.get("mode"),
        replay=config["replay"],
    )
    if PROJECT.root.resolve() != Path(FOLDER).resolve():
        raise StudyError(
            "this study belongs to a project in another folder",
            where=str(PROJECT.study_file),
            remedy=f"run in that folder: snakemake -s {workflow.main_snakefile} -d {PROJECT.root.resolve()}"
            f" --cores 2 --config study={PROJECT.study_file.resolve()}",
        )
    INPUTS = Inputs(PROJECT, files_to_come if IS_MODULE else source_files)
except GoldpanError as error:
    raise WorkflowError(str(error))

STUDY = PROJECT.study
PATHS = PROJECT.paths
if FOLDER:
    # Jobs find the project by its study file.
    config["study"] = relpath(PROJECT.study_file)
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
STEP = (
    f"goldpan_step() {{ {quote(sys.executable)} -m goldpan step"
    f" --study {quote(relpath(PROJECT.study_file))} --ledger {quote(config['ledger'])}"
    f" --results {quote(config['results'])}{GO_ON}{MODE}{REPLAY} \"$@\"; }}; "
)
# What a workflow that this one is a module of puts before its commands stays there.
BEFORE = (shell._process_prefix or "").replace(STEP, "") if IS_MODULE else ""
if "goldpan_step()" in BEFORE:
    raise WorkflowError(
        "Two studies of goldpan are modules of this workflow, which has room for one: run them one after the other"
    )
# Where goldpan's logger shows a run, it reads from the jobs' logs what they say; so they say it nowhere else.
UNHEARD = "".join(f"exec 2>>{quote(str(file))}; " for file in SPOKEN)
PREFIX = f"set -euo pipefail; {UNHEARD}{STEP}{BEFORE}"
shell.prefix(PREFIX.replace("{", "{{").replace("}", "}}"))
# Scripts that run in a conda environment find the library where this process found it.
LIBRARY_PATHS = [
    str(library_for_jobs(Path(".snakemake/goldpan").absolute())),
    environ.get("PYTHONPATH"),
]
environ.update(PYTHONPATH=pathsep.join(filter(None, LIBRARY_PATHS)))


def call_local_rules_by_their_names_here():
    """Let `localrules`, which takes names as they are written, hold for a module that renames its rules."""
    if IS_MODULE:
        present = {rule.name for rule in workflow.rules}
        for name in workflow._localrules - present:
            if (renamed := workflow.modifier.modify_rulename(name)) in present:
                workflow._localrules.remove(name)
                workflow._localrules.add(renamed)


def ask_for_as(name, shared):
    """Let what a profile's `set-resources` and `set-threads` say of a rule hold for a job that several of its files
    share, unless they name that, too."""
    for kind in ("_parsed_overwrite_resources", "_parsed_overwrite_threads"):
        # No public name; where there is none such, what is said of the rule does not reach the shared job.
        said = getattr(workflow.resource_settings, kind, {})
        if name in said:
            said.setdefault(shared, said[name])


def check_first():
    """Stop before anything is removed or lost."""
    from goldpan.workflow.before_run import check_before_run

    if INPUTS.stages.files_still_to_come():
        return
    try:
        for note in check_before_run(PROJECT):
            logger.info(f"note: {note}")
    except GoldpanError as error:
        raise WorkflowError(str(error)) from None


def keep_slurm_logs_with_the_study():
    """Let Slurm's own logs lie below the study's results.

    A profile has one place for all studies, and the executor no public way to name another; an executor
    without this attribute keeps its own place.
    """
    executor = getattr(workflow.scheduler, "_executor", None)
    if hasattr(executor, "slurm_logdir"):
        executor.slurm_logdir = (PROJECT.root / PATHS.slurm_logs()).resolve()


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
    errors="|".join(STUDY.errors) or "none",
    optimised="|".join(STUDY.optimised) or "none",
    export="|".join(STUDY.exports) or "none",
    finetune="|".join(STUDY.finetunes) or "none",
    suffix=r"\.jsonl(\.gz|\.zst)?",
    round="[1-9][0-9]*",
    shard="[0-9]+|p[0-9a-f]+",
    file="[^/]+",
