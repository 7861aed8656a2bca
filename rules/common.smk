"""The study, its artifact names, and the functions rules use to name their inputs."""

import sys
from os.path import relpath

from snakemake.exceptions import WorkflowError

from goldpan.errors import GoldpanError
from goldpan.files import read_json
from goldpan.ledger import RunLock
from goldpan.records.inputs import source_files
from goldpan.study import load_project
from goldpan.tasks.task import task_files
from goldpan.waves.collect.folder import sheet_files
from goldpan.waves.sheets.write import sheet_names

# Paths are relative, so that a project that is moved or cloned elsewhere is not stale.
try:
    PROJECT = load_project(
        config["study"], ledger=config["ledger"], results=config["results"]
    )
    INPUT_FILES = {
        name: {
            file: relpath(path)
            for file, path in source_files(source, PROJECT.root).items()
        }
        for name, source in PROJECT.study.sources.items()
    }
    TASK_FILES = {
        name: sorted(
            {
                relpath(file)
                for choice in stage.task
                for file in task_files(choice.task, PROJECT.tasks)
            }
        )
        for name, stage in PROJECT.study.stages.items()
    }
    FILLED_SHEETS = {
        name: [
            relpath(path)
            for path in sheet_files(
                PROJECT.root / wave.annotations_folder(PROJECT.study.study, name)
            )
        ]
        for name, wave in PROJECT.study.waves.items()
    }
except GoldpanError as error:
    raise WorkflowError(str(error))

STUDY = PROJECT.study
PATHS = PROJECT.paths
# An advisory lock: it dies with this process, so that after a crash the next run just runs.
RUN_LOCK = RunLock(PROJECT.ledger)
GOLDPAN = (
    f"{sys.executable} -m goldpan step"
    f" --study {relpath(PROJECT.study_file)} --ledger {config['ledger']} --results {config['results']}"
)


wildcard_constraints:
    source="|".join(STUDY.sources),
    stage="|".join(STUDY.stages) or "none",
    wave="|".join(STUDY.waves) or "none",
    round="[1-9][0-9]*",
    shard="[0-9]+|p[0-9a-f]+",
    file="[^/]+",


def records_of(stage):
    """Records files that reach a stage, in the order of its sources."""
    return [
        PATHS.records(source, file)
        for source in STUDY.sources_of(stage)
        for file in INPUT_FILES[source]
    ]


def stage_setting(stage, *names):
    """Settings of a stage whose change makes a step stale, as text."""
    given = STUDY.stages[stage].model_dump(mode="json", include=set(names) or None)
    return repr(sorted(given.items()))


def all_features():
    """What every stage ends in."""
    return [
        path
        for stage in STUDY.stages
        for path in (
            PATHS.features(stage),
            PATHS.features_parquet(stage),
            PATHS.summary(stage),
        )
    ]


def tables_of(stage):
    """The per-file tables of a stage, if it wants them."""
    if STUDY.stages[stage].tables is None:
        return []
    return [
        PATHS.table(stage, source, file)
        for source in STUDY.sources_of(stage)
        for file in INPUT_FILES[source]
    ]


def all_tables():
    """The per-file tables of all stages."""
    return [path for stage in STUDY.stages for path in tables_of(stage)]


def sheets_of(wave):
    """The sheets of a wave."""
    return [PATHS.sheet(wave, name) for name in sheet_names(STUDY.waves[wave])]


def all_waves():
    """The sheets of every wave; once filled sheets are there, also what is made of them."""
    paths = []
    for wave in STUDY.waves:
        paths += sheets_of(wave)
        if FILLED_SHEETS[wave]:
            paths += [
                PATHS.agreement(wave, "html"),
                PATHS.disagreements(wave),
                PATHS.gold(wave, "card.md"),
            ]
    return paths
