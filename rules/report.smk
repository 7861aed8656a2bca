# What a study has made, told to people: the study on one page, and the paper kit, which is not part of `all`: name it.


rule index:
    input:
        INPUTS.of_index(),
    output:
        report(
            PATHS.index(),
            caption="../workflow/report/index.rst",
            category="Study",
            labels={"page": "the study on one page"},
        ),
    log:
        PATHS.log("index"),
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        study=INPUTS.study_setting(),
    message:
        "Writing the study on one page"
    script:
        "../workflow/scripts/index.py"


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
