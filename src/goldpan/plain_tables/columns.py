"""What the columns of a table hold: items, annotators' answers, the LLM's answers, or anything else."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import SourceError
from goldpan.tasks.nearest import suggestion

ONE_FEATURE = "label"
"""What the feature is called where the table does not name it."""
OWN_COLUMNS = ("final_label", "resolution", "annotator_agreement", "llm_decided", "soft_label", "strategy")
"""Columns that `merge` adds to a sheet, with `_FEATURE` behind them where there are several."""

_ITEM_COLUMNS = ("item_id", "id", "row_id")
_ANNOTATOR = re.compile(r"annotator_([^\W_](?:[^_]*[^\s_])?)(?:_(.+))?", re.IGNORECASE)
_WORDS_OF_A_NAME = re.compile(r"[-. ]+")
_LLM = re.compile(r"llm(?:_(.+))?", re.IGNORECASE)
_OWN = re.compile(rf"({'|'.join(OWN_COLUMNS)})(_.+)?")
_REMARK = re.compile(
    r"(?:.*_)?(reasoning|reasons?|rationale|explanation|justification|confidence|notes?|comments?)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """Which columns hold what; what is None is found by its usual name.

    Attributes:
        columns: the annotators' columns of a wide table, by name or by number from 1.
        llm: the LLM's column beside them.
        item: the column of item ids; without one an item is `FILE:ROW`.
        header: whether the first row names the columns.
        exact: whether each spelling is a label of its own.
        page: the page of workbooks; None is the first visible one.
    """

    columns: tuple[str, ...] | None = None
    llm: str | None = None
    item: str | None = None
    header: bool = True
    exact: bool = False
    page: str | None = None


@dataclass(frozen=True)
class WideColumns:
    """The columns of a wide table.

    Attributes:
        item: of item ids; None where there is none.
        answers: column -> (annotator, feature).
        llm: column -> feature of the LLM's answers.
        remarks: of reasons, confidence and notes that annotators or the LLM gave with their answers.
        unused: the LLM's columns that belong to no feature.
    """

    item: str | None
    answers: dict[str, tuple[str, str]]
    llm: dict[str, str]
    remarks: tuple[str, ...]
    unused: tuple[str, ...]

    def others(self, header: Iterable[str]) -> list[str]:
        """The columns that are no answers: the item's own, and what annotators remarked.

        Nothing of the LLM's is among them, for whoever decides about an item is not to see it.
        """
        answers = {*self.answers, *self.llm, self.item}
        return [name for name in header if name not in answers and not _LLM.fullmatch(name)]

    def notes(self) -> list[str]:
        """What a reader must know about columns that were passed over."""
        notes = []
        in_parts = dict.fromkeys(
            who
            for name, (who, feature) in self.answers.items()
            if "_" in who and name.endswith(f"_{who}_{feature}")
        )
        if in_parts:
            notes.append(f"{_listed(in_parts)}: taken for names of annotators")
        shared = Counter(feature for _, feature in self.answers.values())
        if max(shared.values()) < 2:
            taken = (f"`{name}` (`{who}` on `{feature}`)" for name, (who, feature) in self.answers.items())
            notes.append(
                f"no feature has answers of two annotators, as the columns are read: {', '.join(taken)}; "
                "name the columns of one feature with `--columns`, or call them `annotator_NAME_FEATURE`"
            )
        if self.remarks:
            notes.append(
                f"{_listed(self.remarks)}: reasons, confidence or notes, which are no features; `--columns` "
                "measures such columns all the same"
            )
        if self.unused:
            features = _listed(dict.fromkeys(feature for _, feature in self.answers.values()))
            notes.append(
                f"{_listed(self.unused)}: no feature takes these answers of the LLM (annotators answer "
                f"{features}), so they are not used; `--llm` names the column to use"
            )
        return notes


def columns_of_table(path: Path, header: Sequence[str], layout: Layout) -> WideColumns:
    """The columns of a wide table.

    Raises:
        SourceError: no columns of answers are found, or a named one is missing.
    """
    candidates = [name for name in header if not _OWN.fullmatch(name)]
    answers, remarks = _answers(path, candidates, layout, is_merged(header))
    features = list(dict.fromkeys(feature for _, feature in answers.values()))
    llm, unused = {}, []
    if layout.llm is not None:
        if len(features) > 1:
            raise SourceError(
                f"`--llm` names one column, but there are {len(features)} features: {', '.join(features)}",
                where=str(path),
                remedy="call the LLM's columns `llm_FEATURE`",
            )
        llm = {column_named(path, header, layout.llm): features[0]}
    else:
        for name in candidates:
            if (match := _LLM.fullmatch(name)) and name not in answers:
                feature = match[1] or ONE_FEATURE
                if feature in features:
                    llm[name] = feature
                elif _REMARK.fullmatch(feature):
                    remarks.append(name)
                else:
                    unused.append(name)
    return WideColumns(item_column(path, header, layout), answers, llm, tuple(remarks), tuple(unused))


def _answers(
    path: Path, candidates: Sequence[str], layout: Layout, merged: bool
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """column -> (annotator, feature), and the columns of remarks."""
    if layout.columns is not None:
        columns = [column_named(path, candidates, name) for name in layout.columns]
        letters = iter(string.ascii_lowercase)
        names = [name.removeprefix("annotator_") if layout.header else next(letters) for name in columns]
        return {column: (name, ONE_FEATURE) for column, name in zip(columns, names, strict=True)}, []
    matches = {name: match for name in candidates if (match := _ANNOTATOR.fullmatch(name))}
    owners = {name: (match[1], match[2] or ONE_FEATURE) for name, match in matches.items()}
    # `annotator_a notes` is no annotator `a notes`.
    remarks = [
        name
        for name, (annotator, feature) in owners.items()
        if _REMARK.fullmatch(feature) or any(map(_REMARK.fullmatch, _WORDS_OF_A_NAME.split(annotator)[1:]))
    ]
    answers = {name: who for name, who in owners.items() if name not in remarks}
    if not answers:
        answers, remarks = owners, []
    answers = _with_names_in_parts(answers)
    if len(answers) < 2:
        raise SourceError(
            f"no columns of answers are found; the columns are: {', '.join(candidates)}",
            where=str(path),
            remedy="the table was merged with `--columns`, which must be given again"
            if merged
            else "name them with `--columns`, or call them `annotator_a`, `annotator_b`; the first row "
            "that is not empty names the columns, so a title above it must go",
        )
    return answers, remarks


def _with_names_in_parts(answers: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """column -> (annotator, feature), with names such as `anna_smith` where only that gives a shared feature.

    `annotator_anna_smith_violates` is first taken for `anna` and `smith_violates`. Of an annotator who shares
    no feature with another one, the feature is what the column ends in like another annotator's, at most.
    """
    annotators: dict[str, set[str]] = {}
    for annotator, feature in answers.values():
        annotators.setdefault(feature, set()).add(annotator)
    sharing = set().union(*(names for names in annotators.values() if len(names) > 1))
    parts = {name: (annotator, *feature.split("_")) for name, (annotator, feature) in answers.items()}
    read = dict(answers)
    for name, (annotator, _) in answers.items():
        if annotator in sharing:
            continue
        own = parts[name]
        for start in range(2, len(own)):
            who, ending = own[:start], own[start:]
            others = (other[: -len(ending)] for other in parts.values() if other[-len(ending) :] == ending)
            if any(other not in ((), who) for other in others):
                read[name] = "_".join(who), "_".join(ending)
                break
    return read


def item_column(path: Path, header: Sequence[str], layout: Layout) -> str | None:
    """The column of item ids: the one that is named, else one of the usual ones, if there is any."""
    if layout.item is not None:
        return column_named(path, header, layout.item)
    by_folded = {name.casefold(): name for name in reversed(header)}
    return next((by_folded[name] for name in _ITEM_COLUMNS if name in by_folded), None)


def column_named(path: Path, header: Sequence[str], name: str) -> str:
    """The column of that name, or else of that number from 1.

    Raises:
        SourceError: there is none.
    """
    if name in header:
        return name
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return header[int(name) - 1]
    raise SourceError(f"there is no column `{name}`; {suggestion(name, header)}", where=str(path))


def is_ours(header: Iterable[str]) -> bool:
    """Whether `merge` has written a table with this header: merged labels, or a list of disagreements."""
    return {"final_label", "resolution"} <= _own_kinds(header)


def is_merged(header: Iterable[str]) -> bool:
    """Whether a table with this header holds merged labels."""
    return {"final_label", "resolution", "annotator_agreement"} <= _own_kinds(header)


def _own_kinds(header: Iterable[str]) -> set[str]:
    return {match[1] for name in header if (match := _OWN.fullmatch(name))}


def own_columns(features: Sequence[str], feature: str) -> dict[str, str]:
    """What `merge` calls its columns about a feature: kind -> name."""
    return {kind: kind if len(features) == 1 else f"{kind}_{feature}" for kind in OWN_COLUMNS}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
