# What a stage was asked, answered and measured -> a run. The rule also writes it into the project's history,
# `runs/{id}.json`, which is no rule's output: Snakemake removes the outputs of a job before it runs.


rule record_run:
    input:
        INPUTS.of_run,
    output:
        PATHS.run("{stage}", "json"),
        report(
            PATHS.run("{stage}", "csv"),
            caption="../workflow/report/run.rst",
            category="Runs",
            labels={"stage": "{stage}", "holds": "rows"},
        ),
    log:
        PATHS.log("runs/{stage}"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.stages.stage_setting(
            *("task", "provider", "model", "params", "output", "endpoint", "samples"),
            *("aggregate", "max_rounds"),
        ),
    message:
        "Recording the run of {wildcards.stage}"
    script:
        "../workflow/scripts/record_run.py"


# Comes last: it takes all cores and has the lowest priority, so nothing that can still be made is left unmade where
# a tracker is down.
rule upload_run:
    input:
        run=PATHS.run("{stage}", "json"),
        rows=PATHS.run("{stage}", "csv"),
    output:
        PATHS.upload("{tracker}", "{stage}"),
    log:
        PATHS.log("uploads/{tracker}/{stage}"),
    priority: -1
    # It is patient by itself, and what a tracker refuses is refused again.
    retries: 0
    conda:
        "../envs/tracking.yaml"
    threads: 1024
    params:
        setting=lambda wildcards: STUDY.trackers[wildcards.tracker].model_dump_json(),
    message:
        "Uploading the run of {wildcards.stage} to {wildcards.tracker}"
    script:
        "../workflow/scripts/upload_run.py"
