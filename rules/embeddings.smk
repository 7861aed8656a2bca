# Records -> embeddings, one HDF5 file for each records file. Runs on a GPU where there is one.

# A job asks for so much at first, and for as much again with each retry. A profile's `set-resources` and
# `set-threads` say otherwise where that does not fit.
EMBED_THREADS, EMBED_MEM_MB, EMBED_MINUTES = 4, 8000, 60


for name in STUDY.embeddings:
    for job, places in INPUTS.heads.shared_embedding_jobs(name).items():
        workflow.ruleorder(f"embed_{name}_{job}", "embed")
        if not STUDY.embeddings[name].shards:
            ask_for_as("embed", f"embed_{name}_{job}")

        rule:
            name:
                f"embed_{name}_{job}"
            input:
                records=[PATHS.records(*place) for place in places],
                model=INPUTS.heads.embedding_model_files(name),
            output:
                [PATHS.embeddings(name, *place) for place in places],
            log:
                PATHS.log(f"embeddings/{name}/shard-{job}"),
            conda:
                "../envs/gpu.yaml"
            threads: EMBED_THREADS
            resources:
                gpu=1,
                mem_mb=lambda wildcards, attempt: EMBED_MEM_MB * attempt,
                runtime=lambda wildcards, attempt: EMBED_MINUTES * attempt * 4,
            params:
                embedding=name,
                places=places,
                setting=INPUTS.heads.embedding_setting(name),
            message:
                f"Embedding {len(places)} files with {{params.embedding}}"
            script:
                "../workflow/scripts/embed.py"


rule embed:
    input:
        records=PATHS.records("{source}", "{file}"),
        model=lambda wildcards: INPUTS.heads.embedding_model_files(wildcards.embedding),
    output:
        PATHS.embeddings("{embedding}", "{source}", "{file}"),
    log:
        PATHS.log("embeddings/{embedding}/{source}/{file}"),
    wildcard_constraints:
        embedding="|".join(INPUTS.heads.embedded_alone()) or "none",
    conda:
        "../envs/gpu.yaml"
    threads: EMBED_THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: EMBED_MEM_MB * attempt,
        runtime=lambda wildcards, attempt: EMBED_MINUTES * attempt,
    params:
        embedding=lambda wildcards: wildcards.embedding,
        places=lambda wildcards: [(wildcards.source, wildcards.file)],
        setting=lambda wildcards: INPUTS.heads.embedding_setting(wildcards.embedding),
    message:
        "Embedding {input.records}"
    script:
        "../workflow/scripts/embed.py"


# Of embeddings made elsewhere nothing is computed or copied: the rows of their files are joined with the records.
rule take_embeddings:
    input:
        records=PATHS.records("{source}", "{file}"),
        files=INPUTS.heads.existing_embeddings,
        model=lambda wildcards: INPUTS.heads.embedding_model_files(wildcards.embedding),
    output:
        PATHS.embeddings("{embedding}", "{source}", "{file}"),
    log:
        PATHS.log("embeddings/{embedding}/{source}/{file}"),
    wildcard_constraints:
        embedding="|".join(INPUTS.heads.embedded_elsewhere()) or "none",
    conda:
        "../envs/gpu.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: EMBED_MEM_MB * attempt,
        runtime=lambda wildcards, attempt: EMBED_MINUTES * attempt,
    params:
        embedding=lambda wildcards: wildcards.embedding,
        places=lambda wildcards: [(wildcards.source, wildcards.file)],
        setting=lambda wildcards: INPUTS.heads.embedding_setting(wildcards.embedding),
    message:
        "Finding the embeddings of {input.records}"
    script:
        "../workflow/scripts/embed.py"


rule embedding_summary:
    input:
        INPUTS.heads.of_embedding_summary,
    output:
        PATHS.embedding_summary("{embedding}"),
    log:
        PATHS.log("embeddings/{embedding}/summary"),
    conda:
        "../envs/gpu.yaml"
    message:
        "Counting what {wildcards.embedding} embedded"
    script:
        "../workflow/scripts/embedding_summary.py"
