"""Records, answers and gold -> what a model is fine-tuned on."""

import goldpan.interrupt
from goldpan.finetune.exports.run import export_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    card = export_in_project(project, snakemake.wildcards.export)
    rows = ", ".join(f"{counts['rows']:,} {split}" for split, counts in card["splits"].items())
    log(f"{card['export']}: {rows}")
    for note in card["notes"]:
        log(f"{card['export']}: note: {note}")
