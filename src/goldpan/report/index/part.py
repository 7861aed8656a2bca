"""What each part of the page shares: links to what is there, words for what is missing, old or damaged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from goldpan.html import Markup, element, scroll_box, three_decimals
from goldpan.report.artifacts import Artifact, StudyArtifacts
from goldpan.visible_text import printable

STYLE = """
.plots { display: flex; flex-wrap: wrap; gap: 0 2rem; }
figure { margin: .75rem 0; min-width: 0; max-width: 100%; }
figure svg { max-width: max(100%, 19rem); height: auto; }
figcaption { color: var(--soft); max-width: 46rem; }
h1, h2, h3, p, li, code, a { overflow-wrap: anywhere; } code { font-size: .9em; }
td.text { overflow-wrap: anywhere; min-width: 9rem; max-width: 26rem; }
td.hash { font-family: ui-monospace, monospace; font-size: .8em; }
.mark-old { border-left: .25rem solid var(--warn); padding-left: .6rem; }
details { margin: .75rem 0; } summary { cursor: pointer; }
.glance { display: flex; flex-wrap: wrap; gap: .5rem 2rem; padding: 0; list-style: none; }
.glance li { max-width: 18rem; } .glance b { display: block; font-size: 1.35rem; line-height: 1.3; }
"""

FAULTS = (KeyError, TypeError, AttributeError, ValueError, IndexError, AssertionError)
"""What comes of reading a JSON file that is none of ours, or of a part that was damaged."""


@dataclass(frozen=True)
class Part:
    """A part of the page.

    Attributes:
        id: what a link to it names.
        title: its heading.
        content: what it holds; a part without any is left out.
    """

    id: str
    title: str
    content: Sequence[Markup]


def text_paragraph(*text: Any, class_: str | None = None) -> Markup:
    """A paragraph."""
    return element("p", *text, class_=class_)


def captioned(picture: Markup, caption: Any) -> Markup:
    """A picture in a box that scrolls where the window is narrower, with words below it."""
    return element("figure", scroll_box(picture, str(caption)), element("figcaption", caption))


def told(
    artifact: Artifact, tell: Callable[[Any], Iterable[Markup]], *, missing: str | None = None
) -> Iterator[Markup]:
    """What an artifact says; of one that is missing, damaged or older than its inputs, that it is.

    Args:
        artifact: what is told of.
        tell: makes what is shown of what it holds.
        missing: what to say where it is not there; by default nothing.
    """
    if artifact.made is None:
        if artifact.damage is not None:
            yield damage_note(artifact)
        elif missing is not None:
            yield text_paragraph(missing, class_="soft")
        return
    try:
        # As a whole, so that of a damaged one nothing is shown that may be wrong.
        shown = list(tell(artifact.made))
    except FAULTS:
        yield damage_note(artifact)
        return
    if artifact.is_stale:
        yield old(artifact.path, "it is older than what it is made from; the next run makes it anew")
    yield from shown


def damage_note(artifact: Artifact) -> Markup:
    """That an artifact cannot be read, and what to do."""
    return text_paragraph(
        element("code", artifact.path),
        " cannot be read, or does not hold what it should: delete it, and the next run makes it again.",
        class_="warn mark-old",
    )


def old(path: str, why: str) -> Markup:
    """That something on the page does not fit the study as it is now."""
    return text_paragraph(element("b", "Stale: "), element("code", path), f": {why}.", class_="warn mark-old")


def held(artifact: Artifact, read: Callable[[Any], Any]) -> Any | None:
    """What is read of an artifact; None where it is missing or damaged, which its own part says."""
    if artifact.made is None:
        return None
    try:
        return read(artifact.made)
    except FAULTS:
        return None


class Links:
    """Links from the page to files of the study, relative so that the folder can be moved.

    Args:
        artifacts: of the study.
    """

    def __init__(self, artifacts: StudyArtifacts):
        self._root = artifacts.project.root
        self._folder = os.path.dirname(artifacts.paths.index())  # noqa: PTH120

    def to(self, path: str, text: str | None = None) -> Markup:
        """A link where the file is there, else its name."""
        shown = printable(text or os.path.relpath(path, self._folder))
        if not (self._root / path).exists():
            return element("span", shown, " (not there yet)", class_="soft")
        return element("a", shown, href=quote(os.path.relpath(path, self._folder)))

    def list(self, *paths: str, of: str | None = None) -> Markup:
        """Links to those of some files that are there, by their names, after what they are of."""
        there = [path for path in paths if (self._root / path).exists()]
        links = [part for path in there for part in (Markup(" · "), self.to(path, PurePath(path).name))][1:]
        return text_paragraph(f"{of}: " if of else "Files: ", *links, class_="soft") if links else Markup("")


def reasons_text(reasons: dict[str, int]) -> str:
    """`25 filtered, 4 blank`."""
    return ", ".join(f"{count:,} {printable(reason)}" for reason, count in reasons.items())


def estimate_text(estimate: dict[str, Any] | None) -> str:
    """`0.857 [0.812, 0.901]`, or with why it has no interval; a dash where there is no value."""
    if estimate is None:
        return three_decimals(None)
    interval, reason = estimate.get("interval"), estimate.get("reason")
    if interval:
        sureness = f"[{three_decimals(interval['low'])}, {three_decimals(interval['high'])}]"
    else:
        sureness = f"({printable(str(reason))})" if reason else ""
    return f"{three_decimals(estimate.get('value'))} {sureness}".strip()


@dataclass(frozen=True)
class DrawnInterval:
    """An interval, for a plot."""

    low: float
    high: float

    @classmethod
    def of(cls, interval: dict[str, Any] | None) -> DrawnInterval | None:
        """From JSON."""
        return cls(interval["low"], interval["high"]) if interval else None
