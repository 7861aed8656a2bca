"""One label from several answers in plain tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from goldpan.errors import SourceError
from goldpan.files import sha256_file
from goldpan.plain_tables.columns import Layout
from goldpan.plain_tables.decisions import Decisions, has_entries, read_decision_table
from goldpan.plain_tables.merged_sheet import shown_label, write_merged_table
from goldpan.plain_tables.merged_table import labels_set_by_hand
from goldpan.plain_tables.outputs import check_written_formats
from goldpan.plain_tables.sheet import existing
from goldpan.plain_tables.table import TableAnswers, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.study.wave import Strategy
from goldpan.waves.agreement.explain_differences import are_labels_apart, note_on_labels_apart
from goldpan.waves.merging.dawid_skene_strategy import (
    is_model_strategy,
    model_choice,
    model_note,
    strategy_of,
)
from goldpan.waves.merging.files import write_disagreements
from goldpan.waves.merging.merged import FeatureAnswers, Merged
from goldpan.waves.merging.strategies import merge_feature


@dataclass(frozen=True)
class MergedFiles:
    """What merging plain tables gave.

    Attributes:
        rows: one for each item and feature.
        answers: what was merged.
        strategies: feature -> the strategy that was used.
        notes: what a reader must know about the labels.
        layout, values: how the tables were read.
    """

    rows: list[Merged]
    answers: TableAnswers
    strategies: dict[str, Strategy]
    notes: list[str]
    layout: Layout
    values: Values

    def write(self, merged: str | Path, disagreements: str | Path | None = None) -> None:
        """Write the table of merged labels and, if named, that of what a person has to decide.

        Raises:
            SourceError: there is such a list already, and somebody has filled in decisions; or such a table,
                and somebody has changed it.
            StudyError: a name is that of a format that is not written.
        """
        check_written_formats(merged, disagreements)
        if disagreements is not None and has_entries(disagreements):
            raise SourceError(
                "somebody has filled in decisions on this list, which would be lost; nothing is written",
                where=str(disagreements),
                remedy="give it as `--decisions`, and write what is left to another file",
            )
        _check_unedited(Path(merged), self.layout, self.values)
        write_merged_table(merged, self.rows, self.answers, self.strategies)
        if disagreements is not None:
            write_disagreements(disagreements, self.rows, shown_label, self.answers.fields)


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
        strategy: how differences are resolved; with two annotators and an LLM, `majority` is `majority_llm`.
        decisions: a filled `disagreements.csv`.

    Raises:
        SourceError: a file is no such table, or decides about an item that is not there, or twice.
        StudyError: the strategy does not fit the number of annotators.
    """
    table = read_table_answers(paths, layout, values.order or ())
    decided = Decisions() if decisions is None else read_decision_table(existing(decisions), table)
    rows: list[Merged] = []
    strategies: dict[str, Strategy] = {}
    notes = [
        *table.notes,
        *(f"{feature}: {note}" for feature in table.ratings for note in table.notes_of(feature)),
        *decided.notes,
    ]
    for feature, ratings in table.ratings.items():
        answers = FeatureAnswers(
            feature=feature,
            scale=values.scale_in(table, feature),
            ratings=ratings,
            annotators=_annotators(table, feature, strategy),
            items=tuple(ratings),
            llm=table.llm.get(feature, {}),
            decisions=decided.labels.get(feature, {}),
        )
        strategies[feature] = strategy
        notes += [f"{feature}: {note}" for note in _notes_on_labels_apart(answers)]
        if strategy == "majority" and len(answers.annotators) == 2 and answers.llm:
            strategies[feature] = "majority_llm"
        if is_model_strategy(strategy):
            choice = model_choice(answers, strategy)
            strategies[feature] = strategy_of(choice)
            notes.append(model_note(feature, choice, strategy))
        merged = merge_feature(answers, strategies[feature])
        if strategies[feature] == "majority_llm":
            notes.append(_note_on_llm(answers, merged, strategy))
        rows += merged
    return MergedFiles(rows, table, strategies, notes, layout, values)


def _notes_on_labels_apart(answers: FeatureAnswers) -> Iterator[str]:
    """On each two annotators who have no label in common on the items that both answered."""
    for names in combinations(answers.annotators, 2) if answers.scale.kind == "nominal" else ():
        both = [
            tuple(of_item[name] for name in names)
            for of_item in answers.ratings.values()
            if all(of_item.get(name) is not None for name in names)
        ]
        first, second = {pair[0] for pair in both}, {pair[1] for pair in both}
        if are_labels_apart(first, second, len(both)):
            yield note_on_labels_apart((names[0], names[1]), (first, second))


def _note_on_llm(answers: FeatureAnswers, merged: Sequence[Merged], strategy: Strategy) -> str:
    """How much the LLM decided between two annotators."""
    decided = sum(row.llm_decided for row in merged)
    why = (
        "two annotators have no majority, so the LLM's answer decides between them, as with "
        "`majority_llm`: it"
        if strategy == "majority"
        else "the LLM's answer"
    )
    most = "; these are MOST rows, so the labels are rather the LLM's" if 2 * decided > len(merged) else ""
    return (
        f"{answers.feature}: {why} decided {decided:,} of {len(merged):,} rows{most}; leave out rows with "
        "llm_decided = 1 when that LLM is evaluated"
    )


def _check_unedited(path: Path, layout: Layout, values: Values) -> None:
    """Raise SourceError where a merged table is there that somebody has changed since it was written.

    Any change is seen where the table's hash was kept, and else labels that merging cannot have given.
    """
    kept = hash_file(path)
    if not path.is_file():
        return
    if kept.is_file():
        changes = [] if sha256_file(path) in kept.read_text() else ["its hash is another"]
    else:
        changes = labels_set_by_hand(path, layout, values)
    if changes:
        raise SourceError(
            "somebody has changed this table, and that would be lost; nothing is written "
            f"({'; '.join(changes)})",
            where=str(path),
            remedy="move it away, or write elsewhere; labels that are to stay belong into the list of "
            "disagreements, and `goldpan gold` takes the changed table as it is",
        )


def hash_file(merged: str | Path) -> Path:
    """Where the hash of a merged table is kept, as `sha256sum` has it, if it is kept."""
    return Path(f"{merged}.sha256")


def _annotators(table: TableAnswers, feature: str, strategy: Strategy) -> tuple[str, ...]:
    """Whose answers a strategy goes by: where their number matters, those who answer the feature.

    `annotator_a` and `annotator_b` count columns, also one that is empty. `majority` without an LLM leaves
    open what two of more annotators answer differently.
    """
    counts_people = is_model_strategy(strategy) or strategy == "majority_llm"
    if counts_people or (strategy == "majority" and table.llm.get(feature)):
        return table.annotators_of(feature)
    return tuple(table.annotators)
