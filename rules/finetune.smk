# Answers and gold labels -> fine-tuning data -> a fine-tuned model.


rule export:
    input:
        INPUTS.of_export,
    output:
        *(PATHS.export("{export}", name) for name in EXPORT_FILES[:-1]),
        report(
            PATHS.export("{export}", EXPORT_FILES[-1]),
            caption="../workflow/report/export.rst",
            category="Fine-tuning",
            labels={"export": "{export}", "holds": "card"},
        ),
    log:
        PATHS.log("finetune/{export}"),
    conda:
        "../envs/llm.yaml"
    params:
        setting=INPUTS.export_setting,
    message:
        "Writing fine-tuning data: {wildcards.export}"
    script:
        "../workflow/scripts/export.py"


rule finetune:
    input:
        data=lambda wildcards: list(training_data(PROJECT, wildcards.finetune).values()),
        model=INPUTS.base_model_files,
    output:
        [directory(PATHS.finetuned("{finetune}", name)) for name in FINETUNED_FOLDERS],
        PATHS.finetuned("{finetune}", "training.json"),
        report(
            PATHS.finetuned("{finetune}", "card.md"),
            caption="../workflow/report/finetune.rst",
            category="Fine-tuning",
            labels={"model": "{finetune}", "holds": "card"},
        ),
        report(
            PATHS.finetuned("{finetune}", "curve.svg"),
            caption="../workflow/report/finetune.rst",
            category="Fine-tuning",
            labels={"model": "{finetune}", "holds": "training curve"},
        ),
    log:
        PATHS.log("finetuned/{finetune}"),
    conda:
        "../envs/finetune.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 32000 * attempt,
        runtime=lambda wildcards, attempt: 480 * attempt,
    params:
        setting=lambda wildcards: STUDY.finetunes[wildcards.finetune].as_setting(),
    message:
        "Fine-tuning {wildcards.finetune}"
    script:
        "../workflow/scripts/finetune.py"
