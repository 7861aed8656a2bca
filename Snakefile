# goldpan: from a corpus to labels people can trust.
#
# results/{study}/sources/{source}/{file}.jsonl            records
# results/{study}/sources/{source}/limit.json             which rows a trial reads
# results/{study}/stages/{stage}/records.jsonl            what is asked, with skips
# results/{study}/stages/{stage}/round{n}/requests/       plan and request files
# results/{study}/stages/{stage}/round{n}/batches/        batch-id files
# results/{study}/stages/{stage}/round{n}/answered/       what a model of one's own answered, shard by shard
# results/{study}/stages/{stage}/round{n}/raw/            the provider's lines
# results/{study}/stages/{stage}/features.jsonl           one row per record, with its state
# results/{study}/stages/{stage}/chain.json               counts from source rows to the rows of a stage
# results/{study}/tables/{table}.csv                      what the stages of a chain found out, side by side
# results/{study}/waves/{wave}/sheets/                    what annotators fill in
# results/{study}/waves/{wave}/agreement.html             who agreed with whom, and how surely
# results/{study}/waves/{wave}/gold/                      the frozen labels, with splits and card
# results/{study}/embeddings/{embedding}/{source}/{file}.h5  one vector per record
# results/{study}/heads/{head}/                           a small model, and what it can do
# results/{study}/annotated/{annotated}/{source}/{name}.jsonl  what heads say about each record
# results/{study}/selections/{selection}.jsonl            annotated rows that a condition holds for
# results/{study}/evaluation/{evaluation}.html            how good the predictions are
# results/{study}/errors/{errors}.html                    where predictions are wrong
# results/{study}/optimised/{optimised}/search.html       a better prompt, and the search that led to it
# results/{study}/finetune/{export}/train.jsonl           what a model is fine-tuned on
# results/{study}/finetuned/{finetune}/merged/            a fine-tuned model
# results/{study}/runs/{stage}.json                       what was asked, answered and measured, in one file
# results/{study}/uploads/{tracker}/{stage}.json          that this run stands at a tracker
# results/{study}/index.html                              the study on one page
# results/{study}/paper/methods.md                        tables, figures, text and checklists for a paper
#
# The study is `config/studies/{study}.yaml`; artifact names are written in src/goldpan/study/paths.py.


from os.path import exists, join

# Of a module with a prefix, the project is the folder of that name; else the working folder is.
FOLDER = workflow.modifier.path_modifier.replace_prefix("config")[: -len("config")]
if exists(SETTINGS := join(FOLDER, "config/config.yaml")):

    configfile: SETTINGS


include: "rules/common.smk"
include: "rules/waiting.smk"
include: "rules/sources.smk"
include: "rules/stages.smk"
include: "rules/chains.smk"
include: "rules/tables.smk"
include: "rules/batches.smk"
include: "rules/waves.smk"
include: "rules/embeddings.smk"
include: "rules/heads.smk"
include: "rules/evaluation.smk"
include: "rules/errors.smk"
include: "rules/experiments.smk"
include: "rules/optimised.smk"
include: "rules/finetune.smk"
include: "rules/report.smk"


# What talks to providers stays on this host, and what takes seconds is not worth a job of its own: a cluster
# gets `embed`, `head`, `annotate`, `finetune`, and of filters by a classifier `filter_threshold` and `classified_features`.
localrules:
    all,
    stand_in,
    pdf_pages,
    limit,
    records,
    stage_records,
    plan,
    requests,
    submit,
    wait,
    fetch,
    settle,
    features,
    local_features,
    cluster_features,
    chain,
    sample,
    wave_changes,
    collect,
    agreement,
    merge,
    gold,
    embedding_summary,
    annotated_summary,
    selection,
    evaluation,
    errors,
    optimised,
    export,
    record_run,
    upload_run,


call_local_rules_by_their_names_here()


onstart:
    RUN_LOCK.acquire()
    check_first()
    keep_finished(INPUTS.heads.all_embeddings())
    keep_slurm_logs_with_the_study()


onsuccess:
    forget_finished(INPUTS.heads.all_embeddings())
    forget_finished_trainings(PROJECT)
    say_ending()


onerror:
    forget_finished(INPUTS.heads.all_embeddings())
    say_ending()


rule all:
    default_target: True
    input:
        INPUTS.everything(),
        PATHS.index(),
    message:
        "All that the study asks for is there"
