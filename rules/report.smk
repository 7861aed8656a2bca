# What a study has made, told to people. Nothing here is part of `all`: name it.


rule paper:
    input:
        INPUTS.of_paper,
    output:
        *map(PATHS.paper, PAPER_FILES),
    log:
        PATHS.log("paper"),
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        statement=STUDY.statement.model_dump_json(exclude_defaults=True),
    message:
        "Writing the paper kit"
    script:
        "../workflow/scripts/paper.py"
