"""The page itself: its parts in order, and how it gets to its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from goldpan import __version__, dot_plot
from goldpan.files import write_bytes
from goldpan.html import Markup, element, page, with_contents
from goldpan.report.artifacts import JustMade, StudyArtifacts
from goldpan.report.index import bars, part
from goldpan.report.index.answers import answers_part
from goldpan.report.index.asked import asked_part, source_counts
from goldpan.report.index.costs import costs_part, usd
from goldpan.report.index.finetunes import finetunes_part
from goldpan.report.index.finetuning import exports_part
from goldpan.report.index.funnel import funnel_part
from goldpan.report.index.improving import errors_part, searches_part
from goldpan.report.index.models import evaluation_part, heads_part
from goldpan.report.index.part import Links, Part, held, text_paragraph
from goldpan.report.index.tables import runs_part, tables_part
from goldpan.report.index.waves import waves_part
from goldpan.report.next_steps import next_steps
from goldpan.study import Project

_PARTS: tuple[tuple[str, Callable[[StudyArtifacts, Links], Part]], ...] = (
    ("asked", asked_part),
    ("funnel", funnel_part),
    ("cost", costs_part),
    ("answers", answers_part),
    ("waves", waves_part),
    ("evaluation", evaluation_part),
    ("errors", errors_part),
    ("searches", searches_part),
    ("heads", heads_part),
    ("exports", exports_part),
    ("finetunes", finetunes_part),
    ("tables", tables_part),
    ("runs", runs_part),
)


def write_index(project: Project) -> str:
    """Write the page as the last step of a run, which has made anew all that was stale; gives its name."""
    return _write(project, JustMade(project))


def write_index_of_now(project: Project) -> str:
    """Write the page of what is there now, marked where the next run makes it anew; gives its name."""
    return _write(project, StudyArtifacts(project))


def _write(project: Project, artifacts: StudyArtifacts) -> str:
    path = project.paths.index()
    (project.root / path).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(project.root / path, index_page(artifacts).encode())
    return path


def index_page(artifacts: StudyArtifacts) -> str:
    """The page as text; the same artifacts give the same bytes."""
    study, links = artifacts.study, Links(artifacts)
    parts = [made for made in (_guarded(*known, artifacts, links) for known in _PARTS) if made.content]
    body: list[Markup] = [element("h1", study.study)]
    if study.description:
        body.append(text_paragraph(study.description))
    body += [_at_a_glance(artifacts), *_next_steps(artifacts)]
    for known in parts:
        body += [element("h2", known.title, id=known.id), *known.content]
    body.append(text_paragraph(f"Made by goldpan {__version__}.", class_="soft"))
    style = dot_plot.STYLE + bars.STYLE + part.STYLE
    return page(study.study, with_contents(body), style=style)


def _guarded(
    id_: str, make: Callable[[StudyArtifacts, Links], Part], artifacts: StudyArtifacts, links: Links
) -> Part:
    """A part of the page; of one whose artifacts are no longer whole that it is so."""
    try:
        return make(artifacts, links)
    except part.FAULTS as error:
        said = f"This part cannot be shown, as an artifact that it reads is damaged ({type(error).__name__})."
        remedy = f"Delete what is named above, or all of {artifacts.paths.base}, and run again."
        return Part(id_, id_.capitalize(), [text_paragraph(f"{said} {remedy}", class_="warn mark-old")])


def _at_a_glance(artifacts: StudyArtifacts) -> Markup:
    return element(
        "ul",
        *(element("li", element("b", number), words) for number, words in _figures(artifacts)),
        class_="glance",
    )


def _figures(artifacts: StudyArtifacts) -> Iterator[tuple[str, str]]:
    study = artifacts.study
    rows = [counts["rows"] for counts in source_counts(artifacts).values()]
    if rows:
        yield f"{sum(rows):,}", "rows of the sources"
    answers = [
        held(artifacts.summary(stage), lambda made: (int(made["states"]["ok"]), made["cost_usd"]))
        for stage in study.asked_stages
    ]
    known = [answer for answer in answers if answer is not None]
    if known:
        yield (
            f"{sum(ok for ok, _ in known):,}",
            "answered records in " + ("1 stage" if len(known) == 1 else f"{len(known)} stages"),
        )
        costs = [cost for _, cost in known if cost is not None]
        if len(costs) == len(known):
            yield usd(sum(costs)), "USD for these answers"
    golds = [artifacts.gold_rows(wave) for wave in study.waves]
    gold = [sum(rows.values()) for rows in golds if rows is not None]
    if gold:
        yield f"{sum(gold):,}", "items with gold labels"
    waiting = [stage for stage in study.stages if artifacts.summary(stage).made is None]
    if waiting:
        yield f"{len(waiting)}", f"of {len(study.stages)} stages without features yet"


def _next_steps(artifacts: StudyArtifacts) -> list[Markup]:
    """What to do next, but for a look at what is there, which is this page."""
    try:
        texts = [step.text_elsewhere for step in next_steps(artifacts) if step.kind != "look"]
    except part.FAULTS:
        # Which artifact is damaged is said in its part.
        return []
    if not texts:
        return []
    return [element("h2", "What to do next"), element("ul", *(element("li", text) for text in texts))]
