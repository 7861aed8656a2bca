"""What a study has made -> tables, figures, a methods text and checklists for its paper."""

import goldpan.interrupt
from goldpan.report.paper.kit import write_paper
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    for line in write_paper(project).summary_lines():
        log(line)
