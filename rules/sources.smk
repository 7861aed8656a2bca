# The user's files -> records with stable ids; one records file per source file.


rule stand_in:
    output:
        PATHS.stand_in("{source}", "{file}"),
    log:
        PATHS.log("stand_ins/{source}/{file}"),
    conda:
        "../envs/report.yaml"
    message:
        "Linking to file {wildcards.file} of source {wildcards.source}, whose name has braces"
    script:
        "../workflow/scripts/stand_in.py"


rule records:
    input:
        INPUTS.source_file,
    output:
        PATHS.records("{source}", "{file}"),
    log:
        PATHS.log("records/{source}/{file}"),
    conda:
        "../envs/report.yaml"
    params:
        source=INPUTS.source_setting,
    message:
        "Reading {input} into records"
    script:
        "../workflow/scripts/records.py"
