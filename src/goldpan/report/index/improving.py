"""Where predictions are wrong, and what was tried to make them better: error analyses and searches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.dot_plot import Dot, dot_plot
from goldpan.html import Markup, element, table
from goldpan.plot_axis import plot_axis
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.costs import usd
from goldpan.report.index.part import (
    DrawnInterval,
    Links,
    Part,
    captioned,
    estimate_text,
    text_paragraph,
    told,
)
from goldpan.study.run_again import run_as_usual


def errors_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Each error analysis: how much is wrong, and what was found."""
    content: list[Markup] = []
    for name in artifacts.study.errors:
        content.append(element("h3", name, id=f"errors-{name}"))
        content += told(artifacts.errors(name), _errors, missing=_not_made(artifacts))
        waves = [wave for wave, settings in artifacts.study.waves.items() if _is_drawn_from(settings, name)]
        if waves:
            said = f"Its rows are drawn into wave {', '.join(waves)}, a targeted sample."
            content.append(text_paragraph(said, class_="soft"))
        content.append(links.list(*(artifacts.paths.errors(name, suffix) for suffix in ("html", "csv"))))
    return Part("errors", "Where the predictions are wrong", content)


def _is_drawn_from(wave: Any, errors: str) -> bool:
    return wave.among is not None and wave.among.errors == errors


def _not_made(artifacts: StudyArtifacts) -> str:
    return f"Not made yet: {run_as_usual(artifacts.study.study)} to make it."


def _errors(made: Any) -> Iterator[Markup]:
    rows, said = [], []
    for feature in made["features"]:
        suspects = feature["suspects"]
        for model in feature["models"]:
            clusters, slices = model["clusters"], model["slices"]
            rows.append(
                [
                    feature["feature"],
                    model["model"],
                    f"{model['items']:,}",
                    estimate_text(model["error_rate"]),
                    _count(slices, sum(known["is_significant"] for known in slices["slices"])),
                    _count(clusters, len(clusters["clusters"])),
                    _count(suspects, len(suspects["suspects"])),
                    _count(model["instability"], int(model["instability"]["unstable"])),
                ]
            )
            found = [slices] if any(known["is_significant"] for known in slices["slices"]) else []
            found += [clusters] if clusters["clusters"] else []
            said += [f"{feature['feature']}, {model['model']}: {part['finding']}" for part in found]
        if suspects["suspects"]:
            said.append(f"{feature['feature']}: {suspects['finding']}")
    header = ["Feature", "Model", "Rows", "Error rate", "Worse slices", "Clusters", "Doubtful gold"]
    caption = "What was found; a dash where it could not be looked for. Error rates with 95 % intervals"
    yield table([*header, "Unstable rows"], rows, caption=caption, text_columns=2)
    if said:
        yield element("ul", *(element("li", text) for text in said))


def _count(part: dict[str, Any], count: int) -> str:
    return "–" if part["reason"] is not None else f"{count:,}"


def searches_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Each search for a better prompt: what it proposes, by which figures, and what it cost."""
    content: list[Markup] = []
    study = artifacts.study.study
    for name in artifacts.study.optimised:
        content.append(element("h3", name, id=f"search-{name}"))
        content += told(
            artifacts.search(name), lambda made: _search(made, study), missing=_not_made(artifacts)
        )
        files = ("search.html", "candidates.jsonl", "task/proposal.json")
        content.append(links.list(*(artifacts.paths.optimised(name, file) for file in files)))
    return Part("searches", "Searches for better prompts", content)


def _search(made: Any, study: str) -> Iterator[Markup]:
    decision, headroom, test = made["decision"], made["headroom"], made["test"]
    proposed = decision["proposed"]
    yield text_paragraph(
        element("b", f"Proposed: {proposed}. " if proposed else "No other prompt is proposed. "),
        str(decision["why"]),
    )
    if proposed:
        yield text_paragraph(
            element("code", f"goldpan optimise adopt {made['name']} --study {study}"),
            " copies it to the tasks under a new name; the task itself stays as it is.",
        )
    dots = [_dot("first prompt, dev", headroom["seed"])]
    dots += [
        _dot(f"best of {method['method']}, dev", method["best_metric"])
        for method in made["methods"]
        if method["best_metric"] is not None
    ]
    if test is not None:
        dots += [_dot("first prompt, test", test["seed"]), _dot("proposed, test", test["proposed"])]
    if headroom["ceiling"] is not None:
        dots.append(_dot("ceiling: people", headroom["ceiling"]["agreement"]))
    limits = [
        limit
        for dot in dots
        if dot.value is not None
        for limit in (dot.value, *((dot.interval.low, dot.interval.high) if dot.interval else ()))
    ]
    scale = plot_axis(limits, within=(-1.0, 1.0))
    what = f"{made['metric']} of {made['feature']}" if made["feature"] else f"mean {made['metric']}"
    guide = headroom["seed"]["value"]
    yield captioned(
        dot_plot(dots, what, scale.low, scale.high, ticks=scale.ticks, guide=guide),
        "The best of each method on dev, which look better there than they are; dashed: the first prompt",
    )
    spending = made["spending"]
    costs = [spending["answers_usd"], spending["improver_usd"]]
    cost = "What it cost is not known" if None in costs else f"It cost {usd(sum(costs))} USD, whoever paid"
    if lost := spending.get("lost_usd"):
        cost += f", and calls whose answers were lost may have cost {usd(lost)} USD besides"
    yield text_paragraph(
        f"{decision['accepted']:,} of {decision['tried']:,} proposals were accepted. The test split was"
        f" looked at {len(made['looks']):,} times. {cost}."
    )


def _dot(label: str, estimate: dict[str, Any]) -> Dot:
    return Dot(label, estimate["value"], DrawnInterval.of(estimate["interval"]))
