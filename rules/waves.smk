# Features of a stage -> a draw -> sheets given out; filled sheets -> agreement, merged labels, a gold set.
# The filled sheets are inputs only: nothing here writes into their folder. The draw, beside that folder, and the
# sheets are made once. Once they are there they are no rule's outputs, so that no rerun can make them anew or
# remove them; `goldpan waves redraw` can.


for name in STUDY.waves:

    if not INPUTS.waves.is_drawn(name):

        rule:
            name:
                f"draw_{name}"
            input:
                INPUTS.waves.to_draw(name),
            output:
                INPUTS.waves.draw(name),
            log:
                PATHS.log(f"waves/{name}/draw"),
            localrule: True
            conda:
                "../envs/report.yaml"
            params:
                wave=name,
            message:
                "Drawing the items of a wave, once"
            script:
                "../workflow/scripts/draw.py"

    if INPUTS.waves.missing_sheets(name):

        rule:
            name:
                f"sheets_{name}"
            input:
                PATHS.sample(name),
                PATHS.sample_llm(name),
            output:
                INPUTS.waves.missing_sheets(name),
            log:
                PATHS.log(f"waves/{name}/sheets"),
            localrule: True
            conda:
                "../envs/report.yaml"
            params:
                wave=name,
            message:
                "Writing the sheets of a wave that are not there yet"
            script:
                "../workflow/scripts/sheets.py"


rule sample:
    input:
        lambda wildcards: INPUTS.waves.draw(wildcards.wave),
    output:
        PATHS.sample("{wave}"),
        PATHS.sample_llm("{wave}"),
        PATHS.sample_counts("{wave}"),
    log:
        PATHS.log("waves/{wave}/sample"),
    conda:
        "../envs/report.yaml"
    message:
        "Listing the items of wave {wildcards.wave}"
    script:
        "../workflow/scripts/sample.py"


rule wave_changes:
    input:
        INPUTS.waves.of_changes,
    output:
        PATHS.wave_changes("{wave}"),
    log:
        PATHS.log("waves/{wave}/changes"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.waves.settings_to_give_out,
    message:
        "Looking for changes since wave {wildcards.wave} was given out"
    script:
        "../workflow/scripts/wave_changes.py"


rule collect:
    input:
        sample=PATHS.sample("{wave}"),
        filled=INPUTS.waves.filled,
    output:
        PATHS.answers("{wave}"),
        PATHS.wave_status("{wave}"),
    log:
        PATHS.log("waves/{wave}/collect"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.waves.wave_setting("accept_codebooks", "annotations"),
    message:
        "Collecting the filled sheets of wave {wildcards.wave}"
    script:
        "../workflow/scripts/collect.py"


rule agreement:
    input:
        PATHS.answers("{wave}"),
        PATHS.wave_status("{wave}"),
        INPUTS.waves.grouping_sample,
    output:
        PATHS.agreement("{wave}", "json"),
        report(
            PATHS.agreement("{wave}", "html"),
            caption="../workflow/report/agreement.rst",
            category="What people labelled",
            subcategory="{wave}",
            labels={"wave": "{wave}", "holds": "agreement"},
        ),
        PATHS.agreement("{wave}", "txt"),
    log:
        PATHS.log("waves/{wave}/agreement"),
    conda:
        "../envs/report.yaml"
    params:
        group=INPUTS.waves.gold_group,
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
        filled=INPUTS.waves.filled,
    output:
        report(
            PATHS.merged("{wave}"),
            caption="../workflow/report/merged.rst",
            category="What people labelled",
            subcategory="{wave}",
            labels={"wave": "{wave}", "holds": "merged labels"},
        ),
        report(
            PATHS.disagreements("{wave}"),
            caption="../workflow/report/disagreements.rst",
            category="What people labelled",
            subcategory="{wave}",
            labels={"wave": "{wave}", "holds": "items to decide"},
        ),
        PATHS.adjudication("{wave}"),
    log:
        PATHS.log("waves/{wave}/merge"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.waves.wave_setting("strategy", "annotations", "language"),
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
    output:
        [
            PATHS.gold("{wave}", name)
            for name in GOLD_FILES
            if name not in ("gold.csv", "card.md")
        ],
        report(
            PATHS.gold("{wave}", "gold.csv"),
            caption="../workflow/report/gold.rst",
            category="What people labelled",
            subcategory="{wave}",
            labels={"wave": "{wave}", "holds": "gold labels"},
        ),
        report(
            PATHS.gold("{wave}", "card.md"),
            caption="../workflow/report/card.rst",
            category="What people labelled",
            subcategory="{wave}",
            labels={"wave": "{wave}", "holds": "data card of the gold set"},
        ),
    log:
        PATHS.log("waves/{wave}/gold"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.waves.wave_setting("gold", "strategy"),
        description=lambda wildcards: STUDY.description,
    message:
        "Freezing the gold set of wave {wildcards.wave}"
    script:
        "../workflow/scripts/gold.py"
