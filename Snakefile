# goldpan: from a corpus to labels people can trust.
#
# results/{study}/sources/{source}/{file}.jsonl            records
# results/{study}/stages/{stage}/records.jsonl            what is asked, with skips
# results/{study}/stages/{stage}/round{n}/requests/       plan and request files
# results/{study}/stages/{stage}/round{n}/batches/        batch-id files
# results/{study}/stages/{stage}/round{n}/raw/            the provider's lines
# results/{study}/stages/{stage}/features.jsonl           one row per record, with its state
# results/{study}/waves/{wave}/sheets/                    what annotators fill in
# results/{study}/waves/{wave}/agreement.html             who agreed with whom, and how surely
# results/{study}/waves/{wave}/gold/                      the frozen labels, with splits and card
# results/{study}/evaluation/{evaluation}.html            how good the predictions are
#
# The study is `config/studies/{study}.yaml`; artifact names are written in src/goldpan/study/paths.py.


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/sources.smk"
include: "rules/stages.smk"
include: "rules/batches.smk"
include: "rules/waves.smk"
include: "rules/evaluation.smk"


localrules:
    all,
    plan,
    requests,
    submit,
    wait,
    fetch,
    settle,


onstart:
    RUN_LOCK.acquire()


rule all:
    default_target: True
    input:
        all_features(),
        all_tables(),
        all_waves(),
        all_evaluations(),
