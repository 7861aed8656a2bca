"""One source file -> its records."""

from pathlib import Path

from goldpan.records.inputs import linked_file
from goldpan.records.limit import limit_of_file
from goldpan.records.read import build_records
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    wildcards = snakemake.wildcards
    counts = build_records(
        project.study.sources[wildcards.source],
        wildcards.source,
        wildcards.file,
        linked_file(Path(snakemake.input[0])),
        Path(snakemake.output[0]),
        limit_of_file(project, wildcards.source, wildcards.file),
    )
    log(counts)
