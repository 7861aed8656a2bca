"""One source file -> its records."""

from pathlib import Path

import goldpan.interrupt
from goldpan.records.inputs import linked_file
from goldpan.records.limit import build_limited_records
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    wildcards = snakemake.wildcards
    counts = build_limited_records(
        project,
        wildcards.source,
        wildcards.file,
        linked_file(Path(snakemake.input[0])),
        Path(snakemake.output[0]),
    )
    log(counts)
