# Records -> what a stage asks -> rounds of requests -> one row of features per record.


rule stage_records:
    input:
        INPUTS.stages.of_stage,
    output:
        PATHS.stage_records("{stage}"),
    log:
        PATHS.log("stages/{stage}/records"),
    conda:
        "../envs/llm.yaml"
    params:
        setting=INPUTS.stages.stage_records_setting,
    message:
        "Gathering what stage {wildcards.stage} is asked"
    script:
        "../workflow/scripts/stage_records.py"


checkpoint plan:
    input:
        records=PATHS.stage_records("{stage}"),
        tasks=lambda wildcards: INPUTS.stages.task_files[wildcards.stage],
        before=INPUTS.stages.round_before,
        model=INPUTS.stages.own_model_files,
    output:
        plan=PATHS.plan("{stage}", "{round}"),
        asked=PATHS.asked("{stage}", "{round}"),
    log:
        PATHS.log("stages/{stage}/round{round}/plan"),
    conda:
        "../envs/llm.yaml"
    params:
        setting=INPUTS.stages.stage_setting(
            *("task", "provider", "model", "params", "output", "endpoint", "samples"),
            *("pilot", "max_rounds", "budget_usd", "price_usd_per_million", "limits"),
        ),
    message:
        "Planning round {wildcards.round} of stage {wildcards.stage}"
    shell:
        "goldpan_step plan {wildcards.stage} --round {wildcards.round}"
        " 2>&1 | tee -i {log} >&2"


rule requests:
    input:
        plan=PATHS.plan("{stage}", "{round}"),
        asked=PATHS.asked("{stage}", "{round}"),
    output:
        PATHS.requests("{stage}", "{round}", "{shard}"),
    log:
        PATHS.log("stages/{stage}/round{round}/requests-{shard}"),
    conda:
        "../envs/llm.yaml"
    message:
        "Placing request file {wildcards.shard} of stage {wildcards.stage}"
    shell:
        "goldpan_step requests {wildcards.stage} --round {wildcards.round}"
        " --shard {wildcards.shard} 2>&1 | tee -i {log} >&2"


checkpoint settle:
    input:
        plan=PATHS.plan("{stage}", "{round}"),
        asked=PATHS.asked("{stage}", "{round}"),
        completion=PATHS.completion("{stage}", "{round}"),
        raw=INPUTS.stages.raw,
    output:
        PATHS.settled("{stage}", "{round}"),
    log:
        PATHS.log("stages/{stage}/round{round}/settle"),
    conda:
        "../envs/llm.yaml"
    message:
        "Settling round {wildcards.round} of stage {wildcards.stage}"
    shell:
        "goldpan_step settle {wildcards.stage} --round {wildcards.round} 2>&1 | tee -i {log} >&2"


rule features:
    input:
        records=PATHS.stage_records("{stage}"),
        asked=PATHS.asked("{stage}", 1),
        tasks=lambda wildcards: INPUTS.stages.task_files[wildcards.stage],
        rounds=INPUTS.stages.settled_rounds,
        limits=lambda wildcards: INPUTS.stages.limits(STUDY.sources_of(wildcards.stage)),
    output:
        features=PATHS.features("{stage}"),
        parquet=PATHS.features_parquet("{stage}"),
        summary=report(
            PATHS.summary("{stage}"),
            caption="../workflow/report/summary.rst",
            category="Stages",
            subcategory="{stage}",
            labels={"stage": "{stage}", "holds": "counts by state, tokens, cost"},
        ),
    log:
        PATHS.log("stages/{stage}/features"),
    wildcard_constraints:
        stage="|".join(STUDY.asked_stages) or "none",
    conda:
        "../envs/llm.yaml"
    params:
        setting=INPUTS.stages.features_setting,
    message:
        "Consolidating the features of stage {wildcards.stage}"
    script:
        "../workflow/scripts/features.py"


rule local_features:
    input:
        records=PATHS.stage_records("{stage}"),
        files=INPUTS.stages.local_files,
        limits=lambda wildcards: INPUTS.stages.limits(STUDY.sources_of(wildcards.stage)),
    output:
        features=PATHS.features("{stage}"),
        parquet=PATHS.features_parquet("{stage}"),
        summary=report(
            PATHS.summary("{stage}"),
            caption="../workflow/report/summary.rst",
            category="Stages",
            subcategory="{stage}",
            labels={"stage": "{stage}", "holds": "counts by state, tokens, cost"},
        ),
    log:
        PATHS.log("stages/{stage}/features"),
    wildcard_constraints:
        stage="|".join(INPUTS.stages.plain_local) or "none",
    conda:
        "../envs/llm.yaml"
    params:
        setting=INPUTS.stages.local_setting,
    message:
        "Working on stage {wildcards.stage}, which asks nobody"
    script:
        "../workflow/scripts/local_features.py"


use rule local_features as cluster_features with:
    output:
        features=PATHS.features("{stage}"),
        parquet=PATHS.features_parquet("{stage}"),
        summary=report(
            PATHS.summary("{stage}"),
            caption="../workflow/report/summary.rst",
            category="Stages",
            subcategory="{stage}",
            labels={"stage": "{stage}", "holds": "counts by state, tokens, cost"},
        ),
        clusters=PATHS.clusters("{stage}"),
    wildcard_constraints:
        stage="|".join(INPUTS.stages.with_clusters) or "none",
    message:
        "Putting names together in stage {wildcards.stage}, which asks nobody"


rule filter_threshold:
    input:
        records=PATHS.stage_records("{stage}"),
        files=INPUTS.stages.threshold_files,
    output:
        PATHS.threshold("{stage}"),
    log:
        PATHS.log("stages/{stage}/threshold"),
    wildcard_constraints:
        stage="|".join(INPUTS.stages.with_classifier) or "none",
    conda:
        "../envs/gpu.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        setting=INPUTS.stages.local_setting,
    message:
        "Choosing the threshold of the filter {wildcards.stage}"
    script:
        "../workflow/scripts/filter_threshold.py"


use rule local_features as classified_features with:
    wildcard_constraints:
        stage="|".join(INPUTS.stages.with_classifier) or "none",
    conda:
        "../envs/gpu.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Filtering the records of stage {wildcards.stage} by a classifier"


for name in STUDY.stages:
    if INPUTS.stages.tables(name):

        rule:
            name:
                f"tables_{name}"
            input:
                records=PATHS.stage_records(name),
                features=PATHS.features(name),
            output:
                [
                    report(
                        path,
                        caption="../workflow/report/stage_table.rst",
                        category="Tables",
                        subcategory=f"Stage {name}",
                        labels={"table": path.split("/tables/", 1)[1]},
                    )
                    for path in INPUTS.stages.tables(name)
                ],
            log:
                PATHS.log(f"stages/{name}/tables"),
            localrule: True
            conda:
                "../envs/llm.yaml"
            params:
                stage=name,
            message:
                "Writing one table per input file"
            script:
                "../workflow/scripts/tables.py"
