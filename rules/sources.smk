# The user's files -> records with stable ids; one records file per source file.


rule records:
    input:
        lambda wildcards: INPUTS.input_files[wildcards.source][wildcards.file],
    output:
        PATHS.records("{source}", "{file}"),
    log:
        PATHS.log("records/{source}/{file}"),
    conda:
        "../envs/report.yaml"
    params:
        source=lambda wildcards: STUDY.sources[wildcards.source].model_dump_json(
            exclude={"files"}
        ),
    message:
        "Reading {input} into records"
    script:
        "../workflow/scripts/records.py"
