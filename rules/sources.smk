# The user's files -> records with stable ids; one records file per source file. Small files share a job, some
# dozens each: each job has a rule of its own, for a rule with wildcards cannot have outputs by their number.


rule stand_in:
    output:
        PATHS.stand_in("{source}", "{file}"),
    log:
        PATHS.log("stand_ins/{source}/{file}"),
    conda:
        "../envs/report.yaml"
    message:
        "Linking to file {wildcards.file} of source {wildcards.source}, whose name Snakemake would take for a pattern"
    script:
        "../workflow/scripts/stand_in.py"


rule pdf_pages:
    input:
        INPUTS.stages.source_file,
    output:
        PATHS.pdf_pages("{source}", "{file}"),
    log:
        PATHS.log("pdf_pages/{source}/{file}"),
    conda:
        "../envs/report.yaml"
    params:
        limits=INPUTS.stages.pdf_setting,
    message:
        "Extracting the pages of {input[0]}"
    script:
        "../workflow/scripts/pdf_pages.py"


rule limit:
    input:
        INPUTS.stages.files_of_source,
    output:
        PATHS.limit("{source}"),
    log:
        PATHS.log("limits/{source}"),
    conda:
        "../envs/report.yaml"
    params:
        source=INPUTS.stages.source_setting,
        limit=lambda wildcards: STUDY.sources[wildcards.source].limit,
        files=lambda wildcards: list(INPUTS.stages.input_files[wildcards.source]),
    message:
        "Taking the first {params.limit} rows of source {wildcards.source}"
    script:
        "../workflow/scripts/limit.py"


rule records:
    input:
        INPUTS.stages.rows_file,
        lambda wildcards: INPUTS.stages.limits([wildcards.source]),
    output:
        PATHS.records("{source}", "{file}"),
    log:
        PATHS.log("records/{source}/{file}"),
    wildcard_constraints:
        source="|".join(INPUTS.stages.with_files_alone(STUDY.sources)) or "none",
    conda:
        "../envs/report.yaml"
    params:
        source=INPUTS.stages.source_setting,
    message:
        "Reading {input[0]} into records"
    script:
        "../workflow/scripts/records.py"


for source, group, files in INPUTS.stages.groups_of_files:
    # A file that is alone and one of a group may be of the same source, so both rules could make it.
    workflow.ruleorder(f"records_{source}_{group}", "records")

    rule:
        name:
            f"records_{source}_{group}"
        input:
            files=[INPUTS.stages.input_files[source][file] for file in files],
            limits=INPUTS.stages.limits([source]),
        output:
            [PATHS.records(source, file) for file in files],
        log:
            PATHS.log(f"records/{source}/group-{group}"),
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            source=source,
            files=files,
            setting=INPUTS.stages.setting_of(source),
        message:
            f"Reading {len(files)} small files of source {{params.source}} into records,"
            " {params.files[0]} and others"
        script:
            "../workflow/scripts/records_of_group.py"
