# Predictions against a gold set, or against labels that records have in their own fields.


rule evaluation:
    input:
        INPUTS.of_evaluation,
    output:
        PATHS.evaluation("{evaluation}", "json"),
        report(
            PATHS.evaluation("{evaluation}", "html"),
            caption="../workflow/report/evaluation.rst",
            category="Evaluation",
            labels={"evaluation": "{evaluation}", "holds": "figures"},
        ),
        report(
            PATHS.evaluation("{evaluation}", "errors.csv"),
            caption="../workflow/report/mistakes.rst",
            category="Evaluation",
            labels={"evaluation": "{evaluation}", "holds": "mistakes"},
        ),
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
