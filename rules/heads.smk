# Embeddings and labels -> heads; heads -> one row for each record of the corpus; rows that a condition holds for.


# Before Snakemake looks which files are there: those that goldpan 0.1.0 called otherwise get their new names.
if workflow.is_main_process and not INPUTS.stages.files_still_to_come():
    is_dry_run = getattr(workflow.output_settings, "dryrun", False)
    if renamed := rename_annotated(PROJECT, only_look=is_dry_run):
        logger.info(
            f"note: {len(renamed)} annotated files of an earlier goldpan"
            + (" get" if is_dry_run else " have got")
            + f" the names that such files have now ({renamed[0]}), and are not made again"
        )


rule head:
    input:
        embeddings=lambda wildcards: labelled_embeddings(PROJECT, wildcards.head),
        labels=lambda wildcards: label_files(PROJECT, wildcards.head),
        records=lambda wildcards: labelled_records(PROJECT, wildcards.head),
    output:
        [PATHS.head("{head}", name) for name in HEAD_FILES if name != "metrics.json"],
        report(
            PATHS.head("{head}", "metrics.json"),
            caption="../workflow/report/head.rst",
            category="Heads",
            labels={"head": "{head}", "holds": "figures"},
        ),
    log:
        PATHS.log("heads/{head}"),
    conda:
        "../envs/gpu.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        setting=lambda wildcards: STUDY.heads[wildcards.head].as_setting(),
    message:
        "Training the head {wildcards.head}"
    script:
        "../workflow/scripts/head.py"


rule annotate:
    input:
        embeddings=INPUTS.heads.embeddings_to_annotate,
        records=INPUTS.heads.records_to_annotate,
        heads=lambda wildcards: trained_heads(PROJECT, wildcards.annotated),
        external=INPUTS.heads.external_heads,
    output:
        rows=PATHS.annotated("{annotated}", "{source}", "{file}", "{suffix}"),
        counts=PATHS.annotated_counts("{annotated}", "{source}", "{file}", "{suffix}"),
    log:
        PATHS.log("annotated/{annotated}/{source}/{file}{suffix}"),
    conda:
        "../envs/gpu.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        setting=lambda wildcards: STUDY.annotated[wildcards.annotated].model_dump_json(),
    message:
        "Annotating {wildcards.source}/{wildcards.file}"
    script:
        "../workflow/scripts/annotate.py"


for name in STUDY.annotated:
    for job, places in INPUTS.heads.groups_of_annotated(name).items():
        workflow.ruleorder(f"annotate_{name}_{job}", "annotate")
        ask_for_as("annotate", f"annotate_{name}_{job}")

        rule:
            name:
                f"annotate_{name}_{job}"
            input:
                embeddings=[
                    PATHS.embeddings(STUDY.annotated[name].embedding, *place)
                    for place in places
                ],
                records=[PATHS.records(*place) for place in places],
                heads=trained_heads(PROJECT, name),
                external=lambda wildcards, name=name: INPUTS.heads.external_heads_of(
                    name
                ),
            output:
                rows=[
                    PATHS.annotated(
                        name,
                        source,
                        INPUTS.heads.annotated_name(source, file),
                        STUDY.annotated[name].suffix,
                    )
                    for source, file in places
                ],
                counts=[
                    PATHS.annotated_counts(
                        name,
                        source,
                        INPUTS.heads.annotated_name(source, file),
                        STUDY.annotated[name].suffix,
                    )
                    for source, file in places
                ],
            log:
                PATHS.log(f"annotated/{name}/group-{job}"),
            conda:
                "../envs/gpu.yaml"
            threads: 1
            resources:
                gpu=1,
                mem_mb=lambda wildcards, attempt: 4000 * attempt,
                runtime=lambda wildcards, attempt: 30 * attempt,
            params:
                annotated=name,
                places=places,
                setting=STUDY.annotated[name].model_dump_json(),
            message:
                f"Annotating {len(places)} files for {{params.annotated}}"
            script:
                "../workflow/scripts/annotate_group.py"


rule annotated_summary:
    input:
        INPUTS.heads.counts_of_annotated,
    output:
        PATHS.annotated_summary("{annotated}"),
    log:
        PATHS.log("annotated/{annotated}/summary"),
    conda:
        "../envs/gpu.yaml"
    message:
        "Counting what was annotated in {wildcards.annotated}"
    script:
        "../workflow/scripts/annotated_summary.py"


rule selection:
    input:
        lambda wildcards: annotated_files(
            PROJECT, STUDY.selections[wildcards.selection].annotated
        ),
    output:
        rows=PATHS.selection("{selection}", "{suffix}"),
        counts=PATHS.selection_counts("{selection}", "{suffix}"),
    log:
        PATHS.log("selections/{selection}{suffix}"),
    conda:
        "../envs/gpu.yaml"
    params:
        where=lambda wildcards: STUDY.selections[wildcards.selection].where,
    message:
        "Selecting rows for {wildcards.selection}"
    script:
        "../workflow/scripts/selection.py"
