# Predictions and gold -> where they are wrong; rows of these lists can be drawn into a wave.


rule errors:
    input:
        INPUTS.of_errors,
    output:
        PATHS.errors("{errors}", "json"),
        report(
            PATHS.errors("{errors}", "html"),
            caption="../workflow/report/errors.rst",
            category="Evaluation",
            labels={"errors": "{errors}", "holds": "where it is wrong"},
        ),
        report(
            PATHS.errors("{errors}", "csv"),
            caption="../workflow/report/error_rows.rst",
            category="Evaluation",
            labels={"errors": "{errors}", "holds": "rows"},
        ),
    log:
        PATHS.log("errors/{errors}"),
    conda:
        "../envs/report.yaml"
    params:
        setting=INPUTS.errors_setting,
    message:
        "Looking where the predictions of {wildcards.errors} are wrong"
    script:
        "../workflow/scripts/errors.py"
