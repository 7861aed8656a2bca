# Request files -> batches at the provider -> raw lines. Everything here talks to the network and stays on
# the submitting host; what was paid is known by the ledger, not by these files.


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


checkpoint wait:
    input:
        plan=PATHS.plan("{stage}", "{round}"),
        batches=INPUTS.stages.batches,
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
