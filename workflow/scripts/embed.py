"""Records -> embeddings of one file, or of a shard of files."""

import goldpan.interrupt
from goldpan.embeddings.run import EmbeddingRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    run = EmbeddingRun(project, snakemake.params.embedding)
    places = [tuple(place) for place in snakemake.params.places]
    made = run.embed(
        places,
        threads=snakemake.threads,
        progress=lambda records, counts: log(f"{records.name}: {counts.rows} records so far"),
    )
    for (source, file), counts in zip(places, made, strict=True):
        log(
            f"{source}/{file}: {counts.rows} records, {counts.embedded} embedded,"
            f" {counts.truncated} truncated, skipped {counts.skipped}, {counts.tokens} tokens;"
            f" {counts.resumed} done by an earlier run"
        )
