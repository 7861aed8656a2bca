"""Small source files -> the records of each."""

from pathlib import Path

import goldpan.interrupt
from goldpan.records.limit import build_records_of_files
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    params = snakemake.params
    places = zip(params.files, map(Path, snakemake.input.files), map(Path, snakemake.output), strict=True)
    for file, counts in build_records_of_files(project, params.source, places):
        log(f"{file}: {counts.in_words()}")
