"""One PDF -> its pages."""

from pathlib import Path

import goldpan.interrupt
from goldpan.records.inputs import linked_file
from goldpan.records.pdf.reader import extract_source_pages
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    source = project.study.sources[snakemake.wildcards.source]
    log(extract_source_pages(source, linked_file(Path(snakemake.input[0])), Path(snakemake.output[0])))
