"""Tables of what was asked: the funnel of records, their states, models and prompts, and the cost."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.report.paper.material import Material, model_name, shown_parameters
from goldpan.report.paper.table import PaperColumn, PaperTable, table_of
from goldpan.report.stage_labels import stage_labels
from goldpan.study.stage import Stage
from goldpan.waves.codebook import CANNOT_TELL


def stage_tables(material: Material) -> Iterator[PaperTable]:
    """The tables for which something is there."""
    for table in (
        _funnel(material),
        _states(material),
        _models(material),
        _prompts(material),
        _codebook(material),
        _labels(material),
        _cost(material),
    ):
        if table.rows:
            yield table


def _funnel(material: Material) -> PaperTable:
    """From the rows of the sources through all stages; a step that several chains have stands once."""
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    for chain in material.chains.values():
        assert chain.made is not None
        for source in chain.made["sources"]:
            skipped = sum(source["skipped"].values())
            cells = (source["rows"], source["records"], skipped, None, _reasons(source["skipped"]))
            rows["source", source["source"]] = ("source", source["source"], *cells)
        for stage in chain.made["stages"]:
            states = stage["states"]
            ok, left_out = states.get("ok", 0), states.get("skipped", 0)
            reasons = _reasons(stage["reasons"].get("skipped", {}))
            cells = (stage["rows_before"], ok, left_out, stage["rows"] - ok - left_out, reasons)
            rows["stage", stage["stage"]] = ("stage", stage["stage"], *cells)
    columns = [
        *(
            PaperColumn("step"),
            PaperColumn("name"),
            PaperColumn("rows before", "count"),
            PaperColumn("kept", "count"),
        ),
        *(
            PaperColumn("skipped", "count"),
            PaperColumn("without an answer", "count"),
            PaperColumn("why skipped", wide=True),
        ),
    ]
    caption = (
        "Records from the sources through the stages. Kept: records of a source, answered rows of a stage."
    )
    return table_of("funnel", caption, columns, list(rows.values()))


def _reasons(counts: dict[str, int]) -> str:
    return "; ".join(f"{reason} {count}" for reason, count in counts.items())


def _states(material: Material) -> PaperTable:
    made = {stage: summary.made for stage, summary in material.summaries.items() if summary.made}
    states = list(dict.fromkeys(state for summary in made.values() for state in summary["states"]))
    rows = [
        [stage, summary["records"], *(summary["states"].get(state, 0) for state in states)]
        for stage, summary in made.items()
    ]
    columns = [
        PaperColumn("stage"),
        PaperColumn("records", "count"),
        *(PaperColumn(state, "count") for state in states),
    ]
    return table_of("states", "Records of each stage by the state they ended in.", columns, rows)


def _models(material: Material) -> PaperTable:
    rows = []
    for stage, settings in material.study.asked_stages.items():
        summary, plan = material.summaries[stage].made, material.plans[stage].made or {}
        if not summary:
            continue
        days = (material.answered[stage].made or {}).get("days")
        rows.append(
            [
                *(stage, model_name(settings.model), "; ".join(map(model_name, summary["models"]))),
                *(material.study.providers[settings.provider].kind, settings.mode, plan.get("endpoint")),
                *(shown_parameters(_parameters(settings)), settings.samples, days),
            ]
        )
    columns = [
        *(
            PaperColumn("stage"),
            PaperColumn("model asked for"),
            PaperColumn("model that answered"),
            PaperColumn("provider"),
        ),
        *(
            PaperColumn("mode"),
            PaperColumn("endpoint"),
            PaperColumn("parameters"),
            PaperColumn("samples", "count"),
        ),
        PaperColumn("answered on (UTC)"),
    ]
    return table_of("models", "Models, how they were asked, and when they answered.", columns, rows)


def _parameters(settings: Stage) -> dict[str, object]:
    parameters = dict(settings.params)
    if settings.params_reasoning is not None:
        parameters["for models that reason"] = shown_parameters(settings.params_reasoning)
    return parameters


def _prompts(material: Material) -> PaperTable:
    rows = []
    for stage, summary in material.summaries.items():
        for task, asked in ((summary.made or {}).get("tasks") or {}).items():
            read = material.tasks.get(task)
            state = (
                "not there" if read is None else "as asked" if read.hash == asked["hash"] else "changed since"
            )
            rows.append([stage, task, asked["hash"], asked["features"], asked["records"], state])
    columns = [
        *(
            PaperColumn("stage"),
            PaperColumn("task"),
            PaperColumn("SHA-256", "hash"),
            PaperColumn("features", "count"),
        ),
        *(PaperColumn("records", "count"), PaperColumn("prompt files")),
    ]
    return table_of("prompts", "Tasks that were asked, by the hash of prompt and features.", columns, rows)


def _codebook(material: Material) -> PaperTable:
    rows = []
    for task in material.tasks.values():
        for feature in task.features:
            labels = getattr(feature, "labels", None) or []
            bounds = [getattr(feature, end, None) for end in ("min", "max")]
            values = "; ".join(map(str, labels)) or " to ".join(
                f"{end:g}" for end in bounds if end is not None
            )
            rows.append([task.name, feature.name, feature.type, values, feature.description or ""])
    columns = [
        *(PaperColumn("task"), PaperColumn("feature"), PaperColumn("type")),
        PaperColumn("values", wide=True),
        PaperColumn("description", wide=True),
    ]
    return table_of("codebook", "Features that were asked for.", columns, rows)


def _labels(material: Material) -> PaperTable:
    rows = []
    for stage, summary in material.summaries.items():
        made = summary.made
        for of in stage_labels(made) if made and made.get("labels") else ():
            counts = of.counts | ({CANNOT_TELL: of.abstained} if of.abstained else {})
            rows += [[stage, of.feature, label, count, count / of.records] for label, count in counts.items()]
    columns = [
        *(
            PaperColumn("stage"),
            PaperColumn("feature"),
            PaperColumn("label"),
            PaperColumn("records", "count"),
        ),
        PaperColumn("share", "share"),
    ]
    caption = (
        "Labels as the stages gave them, not corrected for their errors; the share is of the records of which"
        " the feature was answered. A record with several labels counts for each, so that shares may add up"
        " to more than 1."
    )
    return table_of("labels", caption, columns, rows)


def _cost(material: Material) -> PaperTable:
    rows = []
    for stage, summary in material.summaries.items():
        if not summary.made or stage not in material.study.asked_stages:
            continue
        tokens = summary.made.get("tokens") or {}
        counts = [tokens.get(name) for name in ("prompt", "completion", "cached", "reasoning")]
        rows.append([stage, summary.made.get("requests_paid"), *counts, summary.made.get("cost_usd")])
    columns = [
        *(PaperColumn("stage"), PaperColumn("requests", "count"), PaperColumn("prompt tokens", "count")),
        *(PaperColumn("completion tokens", "count"), PaperColumn("of the prompt, cached", "count")),
        *(PaperColumn("of the completion, reasoning", "count"), PaperColumn("USD", "usd")),
    ]
    return table_of("cost", "Requests, tokens and cost of all attempts.", columns, rows)
