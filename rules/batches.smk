# Request files -> batches at the provider -> raw lines. What talks to the network stays on the submitting host;
# what was paid is known by the ledger, not by these files. Where a model of one's own answers, each shard is a job
# that touches the engine's folder alone.

# A job asks for so much at first, and for as much again with each retry; one that was ended goes on where it was.
ANSWER_THREADS, ANSWER_MEM_MB, ANSWER_MINUTES = 4, 16000, 240


rule submit:
    input:
        plan=PATHS.plan("{stage}", "{round}"),
        asked=PATHS.asked("{stage}", "{round}"),
        requests=PATHS.requests("{stage}", "{round}", "{shard}"),
    output:
        PATHS.batch("{stage}", "{round}", "{shard}"),
    log:
        PATHS.log("stages/{stage}/round{round}/submit-{shard}"),
    # What is refused is refused again; a profile's retries are for jobs on a cluster.
    retries: 0
    conda:
        "../envs/llm.yaml"
    message:
        "Submitting shard {wildcards.shard} of stage {wildcards.stage}, once"
    shell:
        "goldpan_step submit {wildcards.stage} --round {wildcards.round}"
        " --shard {wildcards.shard} 2>&1 | tee -i {log} >&2"


rule answer:
    input:
        batch=PATHS.batch("{stage}", "{round}", "{shard}"),
        model=INPUTS.stages.own_model_files,
    output:
        PATHS.answered("{stage}", "{round}", "{shard}"),
    log:
        PATHS.log("stages/{stage}/round{round}/answer-{shard}"),
    wildcard_constraints:
        stage="|".join(INPUTS.stages.answered_in_jobs) or "none",
    conda:
        "../envs/gpu.yaml"
    threads: ANSWER_THREADS
    resources:
        gpu=INPUTS.stages.gpus,
        mem_mb=lambda wildcards, attempt: ANSWER_MEM_MB * attempt,
        runtime=lambda wildcards, attempt: ANSWER_MINUTES * attempt,
    message:
        "Answering shard {wildcards.shard} of stage {wildcards.stage}"
    script:
        "../workflow/scripts/answer.py"


checkpoint wait:
    input:
        plan=PATHS.plan("{stage}", "{round}"),
        batches=INPUTS.stages.batches,
        answered=INPUTS.stages.answered,
    output:
        PATHS.completion("{stage}", "{round}"),
    log:
        PATHS.log("stages/{stage}/round{round}/wait"),
    retries: 0
    conda:
        "../envs/llm.yaml"
    message:
        "Waiting for the batches of round {wildcards.round} of stage {wildcards.stage}"
    shell:
        "goldpan_step wait {wildcards.stage} --round {wildcards.round} 2>&1 | tee -i {log} >&2"


rule fetch:
    input:
        PATHS.completion("{stage}", "{round}"),
    output:
        PATHS.raw("{stage}", "{round}", "{shard}"),
    log:
        PATHS.log("stages/{stage}/round{round}/fetch-{shard}"),
    retries: 0
    conda:
        "../envs/llm.yaml"
    message:
        "Fetching the answers of shard {wildcards.shard} of stage {wildcards.stage}"
    shell:
        "goldpan_step fetch {wildcards.stage} --round {wildcards.round}"
        " --shard {wildcards.shard} 2>&1 | tee -i {log} >&2"
