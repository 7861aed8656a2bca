# What a stage was asked, answered and measured -> a run. The rule also writes it into the project's history,
# `runs/{id}.json`, which is no rule's output: Snakemake removes the outputs of a job before it runs.


rule record_run:
    input:
        INPUTS.of_run,
    output:
        PATHS.run("{stage}", "json"),
        PATHS.run("{stage}", "csv"),
    log:
        PATHS.log("runs/{stage}"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.stages.stage_setting(
            *("task", "provider", "model", "params", "output", "endpoint", "samples"),
            "aggregate",
        ),
    message:
        "Recording the run of {wildcards.stage}"
    script:
        "../workflow/scripts/record_run.py"
