# A task, its gold and a budget -> a better prompt as a proposal, with the search that led to it. What is asked and
# answered is in the ledger, so a search that was stopped goes on, and one that is made again asks nobody.


rule optimised:
    input:
        INPUTS.of_optimised,
    output:
        PATHS.optimised("{optimised}", "search.json"),
        PATHS.optimised("{optimised}", "candidates.jsonl"),
        report(
            PATHS.optimised("{optimised}", "search.html"),
            caption="../workflow/report/optimised.rst",
            category="Prompts",
            labels={"search": "{optimised}", "holds": "metric, cost and candidates"},
        ),
    log:
        PATHS.log("optimised/{optimised}"),
    conda:
        "../envs/llm.yaml"
    params:
        setting=INPUTS.optimised_setting,
    message:
        "Searching for a better prompt: {wildcards.optimised}"
    shell:
        "goldpan_step optimise {wildcards.optimised} 2>&1 | tee -i {log} >&2"
