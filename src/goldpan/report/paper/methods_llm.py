"""The methods text on data and LLM: what was asked of whom, when, how, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.report.artifacts import Artifact
from goldpan.report.paper.document import Block, Code, Heading, Inline, paragraph
from goldpan.report.paper.material import Material, model_name, shown_parameters
from goldpan.report.paper.quoting import Quoter
from goldpan.study.stage import Stage

_PROVIDERS = {
    "openai": "the OpenAI SDK",
    "litellm": "litellm",
    "local": "the built-in engine of goldpan",
    "replay": "a published ledger of answers, with no call to a service",
}


def data_section(material: Material, quoter: Quoter) -> Iterator[Block]:
    """The sources: rows, records, and what was skipped."""
    yield Heading(2, "Data")
    told: set[str] = set()
    for chain in material.chains.values():
        assert chain.made is not None
        for place, source in enumerate(chain.made["sources"]):
            if source["source"] not in told:
                told.add(source["source"])
                yield _source(quoter, chain, place)
    if not told:
        yield paragraph("What the sources hold is not counted yet; see the end of this text.")


def _source(quoter: Quoter, chain: Artifact, place: int) -> Block:
    source = (chain.made or {})["sources"][place]
    at = ("sources", place)
    parts: list[Inline] = [
        "Source ",
        Code(source["source"]),
        f" (files: {quoter.count(chain, *at, 'files')}): {quoter.count(chain, *at, 'rows')} rows, of which"
        f" {quoter.count(chain, *at, 'records')} are records to be asked",
    ]
    if source["skipped"]:
        reasons = [
            f"{quoter.count(chain, *at, 'skipped', reason)} ({reason})" for reason in source["skipped"]
        ]
        parts.append(f"; skipped: {', '.join(reasons)}")
    return paragraph(*parts, ".")


def llm_section(material: Material, quoter: Quoter) -> Iterator[Block]:
    """The stages, each with its model, days, prompts, states and cost."""
    if not material.study.stages:
        return
    yield Heading(2, "Annotation by language models")
    yield paragraph(
        "Each record was asked in a request of its own, without memory of other requests; answers had to"
        " fit a schema"
        " of the task's features, and rows whose answers did not are counted as such and never as a label."
    )
    for stage, settings in material.study.asked_stages.items():
        yield Heading(3, f"Stage {stage}")
        summary = material.summaries[stage]
        if summary.made is None:
            yield paragraph("This stage has no answers yet; see the end of this text.")
            continue
        yield _asked(material, quoter, stage, settings)
        yield _prompts(quoter, summary)
        yield _states(quoter, summary)
        yield _cost(quoter, summary)
    for stage in material.study.local_stages:
        summary = material.summaries[stage]
        yield Heading(3, f"Stage {stage}")
        kind = type(material.study.stages[stage]).__name__.removesuffix("Stage").lower()
        yield paragraph(f"This stage asks nobody: it is of the kind {kind}.")
        if summary.made is not None:
            yield _states(quoter, summary)


def _asked(material: Material, quoter: Quoter, stage: str, settings: Stage) -> Block:
    provider = material.study.providers[settings.provider].kind
    summary, days = material.summaries[stage], material.answered[stage]
    models = list((summary.made or {}).get("models") or {})
    parts: list[Inline] = ["The model asked for was ", Code(model_name(settings.model))]
    if models:
        parts.append("; as the service names it, ")
        for place, model in enumerate(models):
            parts += [", "] * bool(place) + [Code(model_name(model))]
            parts.append(f" ({quoter.count(summary, 'models', model)} rows)")
        parts.append(" answered")
    if days.made and days.made["days"]:
        parts.append(f", on {quoter.value(days, 'days')} (UTC)")
    parts.append(f". It was asked through {_PROVIDERS[provider]}, in mode {settings.mode}")
    plan = material.plans[stage]
    if plan.made and plan.made.get("endpoint"):
        parts += [", at the endpoint ", Code(plan.made["endpoint"]), f" with output by {plan.made['output']}"]
    parameters = shown_parameters(settings.params)
    parts += [", with the parameters ", Code(parameters)] if parameters else [", with default parameters"]
    if settings.params_reasoning is not None:
        reasoning = shown_parameters(settings.params_reasoning)
        parts += [" (of a model that reasons: ", Code(reasoning) if reasoning else "the defaults", ")"]
    at = ("stages", stage)
    if settings.samples > 1:
        parts.append(
            f", {quoter.count(material.study_file, *at, 'samples')} times for each record; these became one"
            f" by {settings.aggregate or 'the default of each kind of answer'}"
        )
    rounds = quoter.count(material.study_file, *at, "max_rounds")
    return paragraph(*parts, f". A request that failed was asked in at most {rounds} rounds.")


def _prompts(quoter: Quoter, summary: Artifact) -> Block:
    parts: list[Inline] = ["Tasks, with the first digits of the SHA-256 of prompt and features: "]
    for place, (task, asked) in enumerate(((summary.made or {}).get("tasks") or {}).items()):
        records = quoter.count(summary, "tasks", task, "records")
        features = quoter.count(summary, "tasks", task, "features")
        parts += ["; "] * bool(place)
        parts += [Code(task), f" ({features} features, {records} records, ", Code(asked["hash"][:12]), ")"]
    return paragraph(*parts, ".")


def _states(quoter: Quoter, summary: Artifact) -> Block:
    made = summary.made or {}
    others = [state for state, count in made["states"].items() if count and state != "ok"]
    parts = [
        f"Of {quoter.count(summary, 'records')} records are {quoter.count(summary, 'states', 'ok')} answered"
    ]
    for state in others:
        reasons = made["reasons"].get(state, {})
        why = ", ".join(f"{reason}: {quoter.count(summary, 'reasons', state, reason)}" for reason in reasons)
        parts.append(f"{quoter.count(summary, 'states', state)} {state}" + (f" ({why})" if why else ""))
    return paragraph(", ".join(parts), ".")


def _cost(quoter: Quoter, summary: Artifact) -> Block:
    made = summary.made or {}
    if "tokens" not in made or "requests_paid" not in made:
        return paragraph("What was paid for is not recorded in this summary of an earlier goldpan.")
    tokens = {name: quoter.count(summary, "tokens", name) for name in ("prompt", "completion")}
    text = (
        f"All attempts together were {quoter.count(summary, 'requests_paid')} requests with"
        f" {tokens['prompt']} prompt and {tokens['completion']} completion tokens"
    )
    imported = ""
    if made.get("imported"):
        imported = (
            f" {quoter.count(summary, 'imported', 'answers')} further answers were imported: they were made,"
            " and paid for, elsewhere."
        )
    if made.get("cost_usd") is None:
        return paragraph(f"{text}; no price is known.{imported}")
    return paragraph(f"{text}, and cost {quoter.dollars(summary, 'cost_usd')}.{imported}")
