"""The files of a source -> how many rows of each are within the limit of the source."""

from pathlib import Path

import goldpan.interrupt
from goldpan.records.inputs import linked_file
from goldpan.records.limit import rows_within_limit
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    source = project.study.sources[snakemake.wildcards.source]
    files = zip(snakemake.params.files, map(Path, snakemake.input), strict=True)
    limited = rows_within_limit(source, source.limit, {file: linked_file(path) for file, path in files})
    limited.write(Path(snakemake.output[0]))
    log(limited)
