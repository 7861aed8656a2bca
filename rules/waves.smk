# Features of a stage -> a sample -> sheets given out; filled sheets -> agreement, merged labels, a gold set.
# The filled sheets are inputs only: nothing here writes into their folder.


rule sample:
    input:
        INPUTS.of_wave,
    output:
        PATHS.sample("{wave}"),
        PATHS.sample_llm("{wave}"),
        PATHS.sample_counts("{wave}"),
    log:
        PATHS.log("waves/{wave}/sample"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.wave_setting(
            *("stage", "features", "sample", "seed", "stratify", "annotators"),
            *("overlap", "repeats", "layout", "blind"),
        ),
    message:
        "Drawing the items of wave {wildcards.wave}"
    script:
        "../workflow/scripts/sample.py"


for name, wave in STUDY.waves.items():

    rule:
        name:
            f"sheets_{name}"
        input:
            PATHS.sample(name),
            PATHS.sample_llm(name),
            INPUTS.task_files[wave.stage],
            wave.guidelines or [],
        output:
            INPUTS.sheets(name),
        log:
            PATHS.log(f"waves/{name}/sheets"),
        localrule: True
        conda:
            "../envs/report.yaml"
        params:
            wave=name,
            # A function: Snakemake takes braces in plain text for wildcards.
            setting=lambda wildcards, wave=wave: repr(
                wave.model_dump(
                    mode="json", exclude={"strategy", "gold", "accept_codebooks"}
                )
            ),
        message:
            "Writing the sheets of a wave"
        script:
            "../workflow/scripts/sheets.py"


rule collect:
    input:
        sample=PATHS.sample("{wave}"),
        tasks=INPUTS.wave_tasks,
        filled=INPUTS.filled,
    output:
        PATHS.answers("{wave}"),
        PATHS.wave_status("{wave}"),
    log:
        PATHS.log("waves/{wave}/collect"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.wave_setting(
            *("stage", "features", "annotators", "cannot_tell", "guidelines"),
            *("blind", "layout", "accept_codebooks", "annotations"),
        ),
    message:
        "Collecting the filled sheets of wave {wildcards.wave}"
    script:
        "../workflow/scripts/collect.py"


rule agreement:
    input:
        PATHS.answers("{wave}"),
        PATHS.wave_status("{wave}"),
    output:
        PATHS.agreement("{wave}", "json"),
        PATHS.agreement("{wave}", "html"),
        PATHS.agreement("{wave}", "txt"),
    log:
        PATHS.log("waves/{wave}/agreement"),
    conda:
        "../envs/report.yaml"
    message:
        "Measuring the agreement in wave {wildcards.wave}"
    script:
        "../workflow/scripts/agreement.py"


rule merge:
    input:
        PATHS.answers("{wave}"),
        PATHS.wave_status("{wave}"),
        PATHS.sample("{wave}"),
        PATHS.sample_llm("{wave}"),
        filled=INPUTS.filled,
    output:
        PATHS.merged("{wave}"),
        PATHS.disagreements("{wave}"),
        PATHS.adjudication("{wave}"),
    log:
        PATHS.log("waves/{wave}/merge"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.wave_setting(
            *("strategy", "annotators", "annotations"),
            *("stage", "features", "show", "cannot_tell", "guidelines"),
        ),
    message:
        "Merging the answers of wave {wildcards.wave}"
    script:
        "../workflow/scripts/merge.py"


rule gold:
    input:
        PATHS.merged("{wave}"),
        PATHS.answers("{wave}"),
        PATHS.wave_status("{wave}"),
        PATHS.sample("{wave}"),
        tasks=INPUTS.wave_tasks,
    output:
        [PATHS.gold("{wave}", name) for name in GOLD_FILES],
    log:
        PATHS.log("waves/{wave}/gold"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.wave_setting(
            "gold", "seed", "strategy", "annotators", "features"
        ),
        description=lambda wildcards: STUDY.description,
    message:
        "Freezing the gold set of wave {wildcards.wave}"
    script:
        "../workflow/scripts/gold.py"
