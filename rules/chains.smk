# What is told of a chain of stages as a whole.


rule chain:
    input:
        INPUTS.stages.chain,
    output:
        report(
            PATHS.chain("{stage}"),
            caption="../workflow/report/chain.rst",
            category="Stages",
            subcategory="{stage}",
            labels={
                "stage": "{stage}",
                "holds": "counts from source rows to its rows",
            },
        ),
    log:
        PATHS.log("stages/{stage}/chain"),
    conda:
        "../envs/llm.yaml"
    message:
        "Counting what became of each row up to stage {wildcards.stage}"
    script:
        "../workflow/scripts/chain.py"


for name in STUDY.stages:
    if INPUTS.stages.share(name):

        rule:
            name:
                f"duplicates_{name}"
            input:
                PATHS.stage_records(name),
            output:
                PATHS.duplicates(name),
            log:
                PATHS.log(f"stages/{name}/duplicates"),
            localrule: True
            conda:
                "../envs/llm.yaml"
            params:
                share=INPUTS.stages.share(name),
            message:
                "Listing the records that share an answer"
            script:
                "../workflow/scripts/duplicates.py"
