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
