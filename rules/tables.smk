# The features of all stages of a chain -> one table, a row for each record or for each group of them.


for name in STUDY.tables:

    rule:
        name:
            f"table_{name}"
        input:
            INPUTS.of_table(name),
        output:
            [
                report(
                    path,
                    caption="../workflow/report/table.rst",
                    category="Tables",
                    labels={"table": Path(path).name},
                )
                for path in INPUTS.tables(name)
            ],
        log:
            PATHS.log(f"tables/{name}"),
        localrule: True
        conda:
            "../envs/llm.yaml"
        params:
            table=name,
            setting=STUDY.tables[name].model_dump_json(),
        message:
            "Writing table {params.table}"
        script:
            "../workflow/scripts/table.py"
