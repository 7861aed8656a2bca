"""`goldpan agreement FILE…` and `goldpan merge FILE…`, on plain tables outside any study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from goldpan.cells import restore
from goldpan.errors import SourceError, StudyError
from goldpan.files import write_bytes
from goldpan.statistics.scales import Scale, is_number, value_text
from goldpan.study.wave import Strategy
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import report_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.collect.csv_file import read_csv
from goldpan.waves.merge import FeatureAnswers, Merged, merge_feature, resolution_counts
from goldpan.waves.merge_files import write_disagreements, write_merged
from goldpan.waves.merge_model import few_items_notes
from goldpan.waves.plain_table import Layout, PlainAnswers, existing, read_plain_answers

ScaleChoice = Literal["auto", "nominal", "ordered"]


@dataclass(frozen=True)
class Values:
    """What kind of labels a plain table holds.

    Attributes:
        scale: `auto` takes three or more different numbers for an ordered scale, all else for nominal labels.
        order: the labels from lowest to highest; makes the scale ordered.
    """

    scale: ScaleChoice = "auto"
    order: tuple[str, ...] | None = None

    def scale_of(self, labels: Iterable[str]) -> Scale:
        """The scale of a feature with these labels."""
        if self.order is not None:
            return Scale("ordered", self.order)
        found = set(labels)
        if self.scale == "ordered" or (
            self.scale == "auto" and len(found) > 2 and all(map(is_number, found))
        ):
            return Scale("ordered")
        return Scale("nominal")


def agreement_of_files(paths: Sequence[str | Path], layout: Layout, values: Values) -> AgreementReport:
    """Agreement between the annotators of plain tables; several files are parts of one table.

    Raises:
        SourceError: a file is no such table.
        SheetError: a label has no place in `values.order`.
    """
    answers = read_plain_answers(paths, layout)
    features = [
        measure(FeatureRatings(feature, _scale(answers, feature, values), ratings, tuple(answers.annotators)))
        for feature, ratings in answers.ratings.items()
    ]
    return AgreementReport(f"Agreement in {_names(paths)}", tuple(features))


def agreement_command(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    as_json: bool = False,
    verbose: bool = False,
    page: str | Path | None = None,
) -> str:
    """What `goldpan agreement` prints: the report as text or JSON; `page` also gets it as HTML.

    Raises:
        StudyError: `page` is one of the tables.
    """
    _check_outputs({"--html": page}, {"the answers": paths})
    report = agreement_of_files(paths, layout, values)
    if page is not None:
        write_bytes(page, report_page(report).encode())
    if as_json:
        return orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"
    return report_text(report, verbose)


@dataclass(frozen=True)
class MergedFiles:
    """What merging plain tables gave.

    Attributes:
        rows: one for each item and feature.
        answers: what was merged.
    """

    rows: list[Merged]
    answers: PlainAnswers


def merge_of_files(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    strategy: Strategy,
    decisions: str | Path | None = None,
) -> MergedFiles:
    """Merge the answers of plain tables.

    Args:
        paths, layout, values: as for `agreement_of_files`.
        strategy: how differences are resolved.
        decisions: a filled `disagreements.csv`.

    Raises:
        SourceError: a file is no such table, or decides about an item that is not there.
        StudyError: the strategy does not fit the number of annotators.
    """
    answers = read_plain_answers(paths, layout)
    decided = _decisions(existing(decisions), answers) if decisions is not None else {}
    rows = []
    for feature, ratings in answers.ratings.items():
        given = FeatureAnswers(
            feature=feature,
            scale=_scale(answers, feature, values),
            ratings=ratings,
            annotators=tuple(answers.annotators),
            items=tuple(ratings),
            llm=answers.llm.get(feature, {}),
            decisions=decided.get(feature, {}),
        )
        rows += merge_feature(given, strategy)
    return MergedFiles(rows, answers)


def merge_command(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    strategy: Strategy,
    out: str | Path,
    disagreements: str | Path | None = None,
    decisions: str | Path | None = None,
    as_json: bool = False,
) -> str:
    """What `goldpan merge` prints, after it has written `out` and, if named, `disagreements`.

    Raises:
        StudyError: a file to write is also one that is read, or both are one file.
    """
    _check_outputs(
        {"--out": out, "--disagreements": disagreements},
        {"the answers": paths, "--decisions": [decisions] if decisions is not None else []},
    )
    merged = merge_of_files(paths, layout, values, strategy, decisions)
    write_merged(out, merged.rows, _shown, merged.answers.fields)
    if disagreements is not None:
        write_disagreements(disagreements, merged.rows, _shown, merged.answers.fields)
    counts = resolution_counts(merged.rows)
    notes = few_items_notes(merged.rows) if strategy == "dawid_skene" else []
    if as_json:
        summary = {
            "strategy": strategy,
            "rows": len(merged.rows),
            "resolutions": counts,
            "notes": notes,
        }
        return orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode() + "\n"
    width = max(map(len, counts), default=0)
    lines = [f"{name:<{width}}  {count:>8,}" for name, count in counts.items()]
    lines += [f"! {note}" for note in notes]
    return "\n".join([f"{len(merged.rows):,} labels merged by `{strategy}` into {out}", *lines]) + "\n"


def _check_outputs(
    outputs: Mapping[str, str | Path | None], inputs: Mapping[str, Sequence[str | Path]]
) -> None:
    """Refuse to write over what people have filled in, under whatever name it is given."""
    taken = [(name, Path(path)) for name, paths in inputs.items() for path in paths]
    for name, output in outputs.items():
        if output is None:
            continue
        path = Path(output)
        if also := next((other for other, there in taken if _is_same_file(path, there)), None):
            raise StudyError(
                f"`{name}` would overwrite this file, which is also given as {also}; nothing is written",
                where=str(path),
                remedy=f"give `{name}` a file of its own",
            )
        taken.append((name, path))


def _is_same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _scale(answers: PlainAnswers, feature: str, values: Values) -> Scale:
    return values.scale_of(
        label for given in answers.ratings[feature].values() for label in given.values() if label is not None
    )


def _shown(feature: str, value: Any) -> str:
    return CANNOT_TELL if value is None else value_text(value)


def _names(paths: Sequence[str | Path]) -> str:
    names = [Path(path).name for path in paths]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _decisions(path: Path, answers: PlainAnswers) -> dict[str, dict[str, Any]]:
    table = read_csv(path)
    decided: dict[str, dict[str, Any]] = {}
    for number, cells in table.rows:
        row = dict(zip(table.header, map(restore, map(str, cells)), strict=False))
        label = row.get("final_label", "")
        if not label.strip():
            continue
        feature, item = row.get("feature", ""), row.get("item_id", "")
        if item not in answers.ratings.get(feature, {}):
            raise SourceError(
                f"there is no item `{item}` with a feature `{feature}`", where=f"{path}, row {number}"
            )
        decided.setdefault(feature, {})[item] = None if label == CANNOT_TELL else label
    return decided
