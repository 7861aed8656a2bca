# Predictions against a gold set, or against labels that records have in their own fields.


rule evaluation:
    input:
        INPUTS.of_evaluation,
    output:
        PATHS.evaluation("{evaluation}", "json"),
        PATHS.evaluation("{evaluation}", "html"),
        PATHS.evaluation("{evaluation}", "errors.csv"),
    log:
        PATHS.log("evaluation/{evaluation}"),
    conda:
        "../envs/report.yaml"
    params:
        setting=lambda wildcards: STUDY.evaluations[
            wildcards.evaluation
        ].model_dump_json(),
    message:
        "Evaluating {wildcards.evaluation}"
    script:
        "../workflow/scripts/evaluation.py"
