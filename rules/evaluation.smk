# Predictions against a gold set.


rule evaluation:
    input:
        gold=lambda wildcards: gold_of(STUDY.evaluations[wildcards.evaluation].wave),
        wave=lambda wildcards: evaluated_wave(wildcards),
        predictions=lambda wildcards: evaluated_predictions(wildcards),
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
