"""The data card of a gold set, in Markdown: what it is, how sure its labels are, and its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.files import sha256_hex
from goldpan.markdown import markdown_table, markdown_text
from goldpan.records.splits import SPLITS
from goldpan.records.test_looks import looks
from goldpan.waves.agreement.formatting import BLINDNESS, coefficient_text, coefficient_title
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.gold.gold_set import GoldItem, GoldSet
from goldpan.waves.merging.files import Show

_MOST_LABELS = 50
_NOT_STATED = "not stated"
_WITHIN_LIST = "Inclusion probabilities are those within the rows that were listed; weigh nothing up by them."
_FOR_POPULATION = (
    "Shares in the files are those of the sample; use the inclusion probabilities for the population."
)


@dataclass(frozen=True)
class GoldDescription:
    """What only people know about a gold set, and what it was made from.

    Attributes:
        study, wave: names.
        description: one paragraph.
        strategy: how differences were resolved.
        codebook_hash, task_hash: of what annotators and the LLM were asked.
        license: SPDX name or URL.
        creators: names.
        url, citation, date_published, version: as the publisher gives them.
    """

    study: str
    wave: str
    description: str
    strategy: str
    codebook_hash: str
    task_hash: str
    license: str | None = None
    creators: tuple[str, ...] = ()
    url: str | None = None
    citation: str | None = None
    date_published: str | None = None
    version: str | None = None

    @property
    def name(self) -> str:
        """Name of the data set."""
        return f"{self.study}-{self.wave}-gold"


@dataclass(frozen=True)
class Measured:
    """What the card quotes from elsewhere.

    Attributes:
        agreement: measured before anything was merged.
        files: name -> SHA-256 of the files of the gold set.
        kinds: feature -> its type, e.g. `classification`.
        notes: further sentences about limits, e.g. whose sheets are missing.
    """

    agreement: AgreementReport
    files: Mapping[str, str]
    kinds: Mapping[str, str]
    notes: Sequence[str] = ()


def gold_card(gold: GoldSet, about: GoldDescription, measured: Measured, show: Show) -> str:
    """The card as Markdown with a final newline; the same arguments give the same bytes."""
    parts = [
        [f"# {markdown_text(about.name)}", markdown_text(about.description) or "No description was given."],
        _facts(gold, about),
        _splits(gold),
        _labels(gold, measured.kinds, show),
        _agreement(measured.agreement),
        _resolutions(gold, about.strategy),
        _limits(gold, measured),
        _files(measured.files),
    ]
    return "\n\n".join(block for part in parts for block in part) + "\n"


def _facts(gold: GoldSet, about: GoldDescription) -> list[str]:
    facts = {
        "Items": f"{len(gold.items):,}",
        "Features": ", ".join(gold.features),
        "Annotators": f"{len(gold.annotators)}: {', '.join(gold.annotators)}",
        "Licence": about.license or _NOT_STATED,
        "Creators": ", ".join(about.creators) or _NOT_STATED,
        "Address": about.url or _NOT_STATED,
        "To be cited as": about.citation or _NOT_STATED,
        "Version": about.version or _NOT_STATED,
        "Codebook": about.codebook_hash[:12],
        "Task": about.task_hash[:12],
        "Content hash": gold.content_hash,
    }
    return [markdown_table(["", ""], [[name, markdown_text(value)] for name, value in facts.items()])]


def _splits(gold: GoldSet) -> list[str]:
    rows = []
    for name in SPLITS:
        items = gold.split(name)
        rows.append([name, f"{len(items):,}", f"{len({item.group for item in items}):,}"])
    return [
        "## Splits",
        "Items of one group are in one split.",
        markdown_table(["split", "items", "groups"], rows),
    ]


def _labels(gold: GoldSet, kinds: Mapping[str, str], show: Show) -> list[str]:
    """Counts of each label, and its share in the population by the items' inclusion probabilities."""
    weighted = (
        "`weighted` is the share in the population that the wave was drawn from: each item counts one over "
        "its inclusion probability."
    )
    columns = ["label", "items", "share", "weighted", *SPLITS]
    if gold.is_targeted:
        # What is listed for being wrong stands for nothing else.
        weighted = "Shares are those of a targeted sample. They say nothing about the corpus."
        columns.remove("weighted")
    blocks = ["## Labels", weighted]
    for feature in gold.features:
        answered = [
            (item, _texts(item.labels[feature], feature, kinds, show))
            for item in gold.items
            if feature in item.labels
        ]
        counts = Counter(label for _, labels in answered for label in labels)
        blocks += [
            f"### {markdown_text(feature)}",
            f"{len(answered):,} items, {len(counts):,} different answers.",
        ]
        if counts and len(counts) <= _MOST_LABELS:
            ordered = sorted(counts, key=lambda label: (-counts[label], label))
            rows = [_label_row(label, answered) for label in ordered]
            blocks.append(markdown_table(columns, [[row[name] for name in columns] for row in rows]))
    return blocks


def _texts(value: Any, feature: str, kinds: Mapping[str, str], show: Show) -> list[str]:
    """The labels an answer is counted under: each of several, or the answer itself."""
    if kinds.get(feature) == "multilabel" and value:
        return list(value)
    return [show(feature, value)]


def _label_row(label: str, answered: Sequence[tuple[GoldItem, list[str]]]) -> dict[str, str]:
    having = [item for item, labels in answered if label in labels]
    weight = sum(1 / item.inclusion_probability for item in having)
    total = sum(1 / item.inclusion_probability for item, _ in answered)
    by_split = Counter(item.split for item in having)
    return {
        "label": markdown_text(label),
        "items": f"{len(having):,}",
        "share": f"{len(having) / len(answered):.1%}",
        "weighted": f"{weight / total:.1%}",
        **{name: f"{by_split[name]:,}" for name in SPLITS},
    }


def _agreement(report: AgreementReport) -> list[str]:
    rows = []
    for feature in report.features:
        quoted = feature.coefficient(feature.headline) if feature.headline else None
        rows.append(
            [
                markdown_text(feature.feature),
                f"{feature.paired_items:,}",
                coefficient_text(feature.observed),
                coefficient_title(quoted) if quoted else "",
                coefficient_text(quoted) if quoted else "",
                (quoted.band or quoted.reason or "") if quoted else "",
            ]
        )
    header = ["feature", "items", "observed", "coefficient", "value and 95 % interval", "band"]
    return [
        "## Agreement",
        "Measured on the annotators' answers as collected, before they were merged. "
        + BLINDNESS[report.blind],
        markdown_table(header, rows),
    ]


def _resolutions(gold: GoldSet, strategy: str) -> list[str]:
    rows = []
    for feature in gold.features:
        counts = Counter(item.resolutions.get(feature, "") for item in gold.items)
        rows += [[markdown_text(feature), name, f"{count:,}"] for name, count in sorted(counts.items())]
    return [
        "## How labels were decided",
        f"Strategy: `{strategy}`. A row says how many items came to their label in which way.",
        markdown_table(["feature", "resolution", "items"], rows),
    ]


def _limits(gold: GoldSet, measured: Measured) -> list[str]:
    unresolved = sum(feature not in item.labels for item in gold.items for feature in gold.features)
    tipped = sum(item.llm_decided(feature) for item in gold.items for feature in gold.features)
    limits = [
        f"{len(gold.left_out):,} items of the wave have no resolved label at all and are not in the files.",
        f"{unresolved:,} labels of items in the files are unresolved; they are absent, not negative.",
        f"{tipped:,} labels were tipped by the LLM's own answer; leave them out when evaluating it.",
        "Intervals say how far the sample of items moves a number, not how far other annotators would.",
        _WITHIN_LIST if gold.is_targeted else _FOR_POPULATION,
        *measured.notes,
        *(f"{feature.feature}: {note}" for feature in measured.agreement.features for note in feature.notes),
    ]
    return ["## Limits", "\n".join(f"- {markdown_text(limit)}" for limit in limits)]


def _files(files: Mapping[str, str]) -> list[str]:
    rows = [[markdown_text(name), f"`{digest}`"] for name, digest in files.items()]
    return ["## Files", markdown_table(["file", "SHA-256"], rows)]


def look_notes(gold: GoldSet, root: Path, looks_file: str) -> list[str]:
    """How often figures of the test split were seen, as far as that is known when labels are frozen.

    Args:
        gold: the set.
        root: the project's folder.
        looks_file: where looks at the test split are counted, relative to it.
    """
    if not gold.split("test"):
        return []
    # Those at these labels come after them: a card that is made again, or in a replay, says the same.
    rows = sha256_hex(b"".join(item.as_line() for item in gold.split("test")))
    before = [look for look in looks(root / looks_file) if look.rows != rows]
    return [
        f"Looks at the test split: {len(before):,} at earlier versions of it. Those at this one, by"
        f" searches for prompts and by evaluations of that split alone, are counted in {looks_file}."
    ]
