"""What goldpan itself says against the numbers of a study: the notes of its waves, evaluations and heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from goldpan.report.artifacts import Artifact
from goldpan.report.paper.document import Block, Heading, bullets, paragraph
from goldpan.report.paper.material import Material
from goldpan.report.paper.quoting import Key, Quoter, value_at
from goldpan.report.paper.table import PaperColumn, PaperTable, table_of


@dataclass(frozen=True)
class Limit:
    """A note, and where it stands.

    Attributes:
        about: what it is said of, e.g. `evaluation quality, kind`.
        artifact, key: where it stands.
    """

    about: str
    artifact: Artifact
    key: tuple[Key, ...]

    @property
    def text(self) -> str:
        """The note."""
        return str(value_at(self.artifact.made, self.key))


def limits_section(material: Material, quoter: Quoter) -> Iterator[Block]:
    """The notes as a list; nothing where there are none."""
    limits = limits_of(material)
    if not limits:
        return
    yield Heading(2, "Limits said by goldpan")
    yield paragraph("What the artifacts say against their own numbers, word for word:")
    yield bullets([f"{limit.about}: {quoter.value(limit.artifact, *limit.key)}" for limit in limits])


def limits_table(material: Material) -> PaperTable:
    """The same as a table."""
    rows = [[limit.about, limit.text, limit.artifact.path] for limit in limits_of(material)]
    columns = [PaperColumn("of"), PaperColumn("limit", wide=True), PaperColumn("artifact", wide=True)]
    return table_of("limits", "What goldpan says against the numbers of the study.", columns, rows)


def limits_of(material: Material) -> list[Limit]:
    """All notes, each once, in the order of the methods text."""
    found = {(limit.about, limit.text): limit for limit in _all(material)}
    return list(found.values())


def _all(material: Material) -> Iterator[Limit]:
    for wave, changes in material.changes.items():
        for key in ("study_notes", "record_notes"):
            yield from _notes(f"wave {wave}, since it was given out", changes, (key,))
    for wave, agreement in material.agreements.items():
        yield from _with_features(f"wave {wave}", agreement)
    for name, evaluation in material.evaluations.items():
        yield from _with_features(f"evaluation {name}", evaluation)
    for name, head in material.heads.items():
        yield from _notes(f"head {name}", head, ("warnings",))
        for target in (head.made or {}).get("targets") or {}:
            yield from _notes(f"head {name}, {target}", head, ("targets", target, "notes"))


def _with_features(about: str, artifact: Artifact) -> Iterator[Limit]:
    yield from _notes(about, artifact, ("notes",))
    features: Sequence[dict[str, Any]] = (artifact.made or {}).get("features", [])
    for place, feature in enumerate(features):
        yield from _notes(f"{about}, {feature['feature']}", artifact, ("features", place, "notes"))


def _notes(about: str, artifact: Artifact, key: tuple[Key, ...]) -> Iterator[Limit]:
    try:
        notes = value_at(artifact.made or {}, key)
    except (KeyError, IndexError):
        # Artifacts of an earlier goldpan have no notes.
        return
    for place in range(len(notes or ())):
        yield Limit(about, artifact, (*key, place))
