"""What the answers cost: requests, tokens and USD, stage by stage."""

from __future__ import annotations

from typing import Any

from goldpan.batches.summary import device_note
from goldpan.html import Markup, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.bars import Bar, Segment, bars, legend
from goldpan.report.index.part import Links, Part, captioned, held, text_paragraph
from goldpan.visible_text import printable

_HEAD = [
    *("Stage", "Answers paid for", "Prompt tokens", "of them cached", "Completion tokens"),
    *("of them reasoning", "Cost in USD", "Estimated, first round", "Budget"),
]


def costs_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """A picture and a table of the cost of each stage that asks somebody."""
    costs: dict[str, dict[str, Any]] = {}
    for stage in artifacts.study.asked_stages:
        cost = held(artifacts.summary(stage), _cost)
        if cost is not None:
            costs[stage] = cost
    if not costs:
        return Part("cost", "Cost", [])
    total = sum(cost["usd"] or 0 for cost in costs.values())
    unknown = [stage for stage, cost in costs.items() if cost["usd"] is None]
    content = [_picture(costs, total), _table(artifacts, costs)]
    said = f"Together {usd(total)} USD"
    if unknown:
        said += f", without {', '.join(unknown)}, whose model has no known price"
    imported = [(stage, cost["imported"]) for stage, cost in costs.items() if cost["imported"]]
    for stage, answers in imported:
        content.append(
            text_paragraph(
                f"{answers:,} answers of stage {stage} were imported: they were paid for elsewhere, and are"
                " in no figure here"
            )
        )
    for stage, cost in costs.items():
        if cost["device"]:
            content.append(text_paragraph(f"Stage {stage}: {cost['device']}"))
    content.append(
        text_paragraph(
            f"{said}: what these answers have cost, whoever paid. What earlier prompts and models of this"
            f" study cost besides, the ledger knows: goldpan summary {artifacts.study.study}",
            class_="soft",
        )
    )
    return Part("cost", "Cost", content)


def usd(value: float | None) -> str:
    """`0.0042`; `unknown` where no price is known."""
    return "unknown" if value is None else f"{value:,.4f}"


def _cost(made: Any) -> dict[str, Any]:
    tokens = {str(name): int(count) for name, count in made["tokens"].items()}
    cost = made["cost_usd"]
    return {
        "paid": int(made["requests_paid"]),
        "tokens": tokens,
        "usd": cost if cost is None else float(cost),
        "imported": int(made.get("imported", {}).get("answers", 0)),
        "device": printable(device_note(made["device"], tokens)) if made.get("device") else "",
    }


def _picture(costs: dict[str, dict[str, Any]], total: float) -> Markup:
    if total:
        lines = [
            Bar(
                stage, [Segment(cost["usd"] or 0, "ok", f"{usd(cost['usd'])} USD")], f"{usd(cost['usd'])} USD"
            )
            for stage, cost in costs.items()
        ]
        return captioned(bars(lines, "Cost of each stage in USD"), "Cost of each stage")
    lines = [_tokens(stage, cost["tokens"]) for stage, cost in costs.items()]
    names = legend((("ok", "prompt"), ("second", "completion")))
    return captioned(bars(lines, "Tokens of each stage"), "Tokens of each stage, which cost nothing") + names


def _tokens(stage: str, tokens: dict[str, int]) -> Bar:
    parts = [
        Segment(tokens.get(name, 0), kind, f"{name}: {tokens.get(name, 0):,}")
        for name, kind in (("prompt", "ok"), ("completion", "second"))
    ]
    return Bar(stage, parts, f"{sum(part.size for part in parts):,} tokens")


def _table(artifacts: StudyArtifacts, costs: dict[str, dict[str, Any]]) -> Markup:
    rows = []
    for stage, cost in costs.items():
        tokens, budget = cost["tokens"], artifacts.study.asked_stages[stage].budget_usd
        estimate = held(artifacts.plan(stage, 1), lambda made: usd(made["estimate"]["cost_usd"]))
        rows.append(
            [
                stage,
                f"{cost['paid']:,}",
                *(f"{tokens.get(name, 0):,}" for name in ("prompt", "cached", "completion", "reasoning")),
                usd(cost["usd"]),
                estimate or "–",
                "–" if budget is None else f"{budget:,.2f}",
            ]
        )
    return table(_HEAD, rows, caption="Tokens and cost by stage")
