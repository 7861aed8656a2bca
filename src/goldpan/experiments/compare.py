"""Two runs side by side: which rows changed, which got better and worse, and whether that may be chance."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from goldpan.evaluation.comparison import McNemar
from goldpan.experiments.history import History
from goldpan.experiments.paired import difference_of, has_other_input, is_evaluated
from goldpan.experiments.rows import RunRow, read_run_rows
from goldpan.experiments.run import FeatureMetrics, PromptTexts, Run
from goldpan.statistics.figures import Estimate

BETTER, WORSE, OTHERWISE, UNCOUNTED = "better", "worse", "otherwise", "in no count"


@dataclass(frozen=True)
class Change:
    """What changed of one feature of a row.

    Attributes:
        feature: which; every measured one where the state changed.
        kind: `better` (wrong, then right), `worse`, `otherwise`: right or wrong as before, or `in no count`:
            not evaluated, measured by another expected value, or asked about another input.
    """

    feature: str
    kind: str


@dataclass(frozen=True)
class ChangedRow:
    """A row of both runs whose state or measured answers differ."""

    id: str
    first: RunRow
    second: RunRow
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class FeatureComparison:
    """Two runs on one feature that both measure.

    Attributes:
        feature: its name.
        first, second: the metrics of each.
        rows: that both evaluated by the same expected value, of the same input.
        both_wrong: of them, those that neither has right.
        mcnemar: McNemar's exact test on these rows: only one of the two right.
        difference: of the main figure on these rows, the second less the first, with a paired interval.
    """

    feature: str
    first: FeatureMetrics
    second: FeatureMetrics
    rows: int
    both_wrong: int
    mcnemar: McNemar
    difference: Estimate

    @property
    def right(self) -> tuple[int, int]:
        """How many of `rows` the first has right, and the second."""
        both = self.rows - self.both_wrong - self.mcnemar.only_first - self.mcnemar.only_second
        return both + self.mcnemar.only_first, both + self.mcnemar.only_second


@dataclass(frozen=True)
class RunComparison:
    """What `compare_runs` found.

    Attributes:
        first, second: the runs, with the prompt version as it is counted now.
        rows: that both runs have.
        only_first, only_second: ids of rows that one of them has.
        changed: rows whose state or measured answers differ, in the order of the first run.
        other_answers: ids of rows of which only answers differ that nothing measures, e.g. texts.
        other_expected: ids of rows whose expected value is not the same.
        other_input: ids of rows whose input is not the same; what earlier stages answered is no part of it.
        features: those that both measure.
        prompt_diff: lines of a unified diff of the tasks; none where they are the same.
    """

    first: Run
    second: Run
    rows: int
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    changed: tuple[ChangedRow, ...]
    other_answers: tuple[str, ...]
    other_expected: tuple[str, ...]
    other_input: tuple[str, ...]
    features: tuple[FeatureComparison, ...]
    prompt_diff: tuple[str, ...]

    def of_kind(self, kind: str, feature: str) -> list[str]:
        """Ids of the rows that changed so on a feature."""
        return [row.id for row in self.changed if Change(feature, kind) in row.changes]

    @property
    def cost_difference_usd(self) -> float | None:
        """How much more the second cost; None where either is not known."""
        if self.first.cost_usd is None or self.second.cost_usd is None:
            return None
        return round(self.second.cost_usd - self.first.cost_usd, 6)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "runs": [self.first.id, self.second.id],
            "rows": self.rows,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "changed": [
                {"id": row.id, "changes": {change.feature: change.kind for change in row.changes}}
                for row in self.changed
            ],
            "other_answers": self.other_answers,
            "other_expected": self.other_expected,
            "other_input": self.other_input,
            "features": [
                {
                    "feature": compared.feature,
                    "rows": compared.rows,
                    "right": compared.right,
                    "both_wrong": compared.both_wrong,
                    "better": self.of_kind(BETTER, compared.feature),
                    "worse": self.of_kind(WORSE, compared.feature),
                    "mcnemar": compared.mcnemar.as_json(),
                    "difference": compared.difference.as_json(),
                }
                for compared in self.features
            ],
            "cost_usd": [self.first.cost_usd, self.second.cost_usd],
            "prompt_diff": self.prompt_diff,
        }


def compare_runs(history: History, first: Run, second: Run) -> RunComparison:
    """Compare the rows of two runs, joined by id.

    Raises:
        SourceError: the table of rows of one is gone or damaged.
    """
    versions = history.read().versions()
    first, second = (
        replace(run, prompt_version=versions.get((run.module, run.prompt_hash), run.prompt_version))
        for run in (first, second)
    )
    firsts, seconds = (read_run_rows(history.rows_of(run), _features(run)) for run in (first, second))
    shared = [row_id for row_id in firsts if row_id in seconds]
    metrics = [{of.feature: of for of in run.metrics} for run in (first, second)]
    measured = [name for name in metrics[0] if name in metrics[1]]
    changed, other_answers = [], []
    for row_id in shared:
        one, two = firsts[row_id], seconds[row_id]
        if changes := tuple(_changes(one, two, measured)):
            changed.append(ChangedRow(row_id, one, two, changes))
        elif one.answer != two.answer or one.state != two.state:
            other_answers.append(row_id)
    return RunComparison(
        first=first,
        second=second,
        rows=len(shared),
        only_first=tuple(row_id for row_id in firsts if row_id not in seconds),
        only_second=tuple(row_id for row_id in seconds if row_id not in firsts),
        changed=tuple(changed),
        other_answers=tuple(other_answers),
        other_expected=tuple(
            row_id
            for row_id in shared
            if any(
                firsts[row_id].expected.get(name) != seconds[row_id].expected.get(name) for name in measured
            )
        ),
        other_input=tuple(row_id for row_id in shared if has_other_input(firsts[row_id], seconds[row_id])),
        features=tuple(
            _of_feature((first, second), name, [(firsts[row], seconds[row]) for row in shared])
            for name in measured
        ),
        prompt_diff=tuple(_prompt_diff(first, second)),
    )


def _features(run: Run) -> list[str]:
    return [feature["name"] for task in run.prompts for feature in task.features]


def _changes(one: RunRow, two: RunRow, measured: list[str]) -> Iterator[Change]:
    for feature in measured:
        is_same = one.state == two.state and one.answer.get(feature) == two.answer.get(feature)
        # Two answers may be written differently and be the same, as sets in another order are.
        was, now = one.right.get(feature), two.right.get(feature)
        counts = is_evaluated(one, two, feature)
        if is_same and (was == now or not counts):
            continue
        kind = UNCOUNTED if not counts else OTHERWISE if was == now else BETTER if now else WORSE
        yield Change(feature, kind)


def _of_feature(runs: tuple[Run, Run], feature: str, pairs: list[tuple[RunRow, RunRow]]) -> FeatureComparison:
    import numpy as np

    evaluated = [pair for pair in pairs if is_evaluated(*pair, feature)]
    right = np.array([[row.right[feature] for row in pair] for pair in evaluated], dtype=bool).reshape(-1, 2)
    first, second = (next(of for of in run.metrics if of.feature == feature) for run in runs)
    return FeatureComparison(
        feature=feature,
        first=first,
        second=second,
        rows=len(right),
        both_wrong=int((~right).all(axis=1).sum()),
        mcnemar=McNemar.of(right[:, 0], right[:, 1]),
        difference=difference_of(runs, feature, evaluated),
    )


def _prompt_diff(first: Run, second: Run) -> Iterator[str]:
    """The lines that differ, of each task that stands at the same place in both."""
    if [asdict(prompt) for prompt in first.prompts] == [asdict(prompt) for prompt in second.prompts]:
        return
    one, two = ([line for prompt in run.prompts for line in _prompt_lines(prompt)] for run in (first, second))
    yield from difflib.unified_diff(one, two, first.id, second.id, lineterm="")


def _prompt_lines(prompt: PromptTexts) -> Iterator[str]:
    yield f"task {prompt.task}"
    for name, text in (("system", prompt.system), ("user", prompt.user)):
        if text is not None:
            yield from (f"[{name}]", *text.splitlines())
    for feature in prompt.features:
        yield f"[feature {feature['name']}]"
        for key, value in feature.items():
            if key != "name":
                yield from f"{key}: {value}".splitlines()
