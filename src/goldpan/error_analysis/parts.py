"""The parts of an error analysis: what each found, with the rows that it lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from goldpan.as_json import AsJson, rounded
from goldpan.error_analysis.items import Listed
from goldpan.evaluation.calibration import Bin, Calibration
from goldpan.evaluation.report import Confusion
from goldpan.records.record_slice import RecordSlice
from goldpan.statistics.figures import Estimate

NOT_MEASURED = Estimate(None)
"""Stands where there was nothing to measure."""


@dataclass(frozen=True, kw_only=True)
class AnalysisPart(AsJson):
    """What all parts of an analysis have.

    Attributes:
        finding: what was found, in one or a few sentences; also where nothing was.
        reason: why the part could not look, e.g. `no confidence is known`; None where it did.
        notes: sentences that a reader of the numbers must know (how it was tested, what was left out).
        rows: what the part lists, with the fields of the records, the largest score first.
    """

    finding: str
    reason: str | None = None
    notes: tuple[str, ...] = ()
    rows: tuple[Listed, ...] = ()

    def listed(self) -> Iterator[Listed]:
        """The part's lines in the table of rows."""
        yield from self.rows

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; of rows what is about them, while their fields stand in the table of rows."""
        return {**super().as_json(), "rows": [_row_json(row) for row in self.rows]}


@dataclass(frozen=True, kw_only=True)
class Slice(AsJson):
    """Evaluated rows that have something in common, against all others.

    Attributes:
        condition: what they have in common; `condition.name` is for people.
        items, wrong: evaluated rows in it, and how many of these are wrong.
        error_rate: share of its rows that are wrong, with its interval, not corrected for their number.
        outside: the same of all evaluated rows that are not in it.
        difference: `error_rate` minus `outside`, with its interval (not corrected either).
        p_adjusted: chance that the worst of all slices looked at is as extreme where no slice differs.
        is_significant: whether `p_adjusted` is at most the alpha of the test.
        aliases: names of other slices that hold the same rows.
    """

    condition: RecordSlice
    items: int
    wrong: int
    error_rate: Estimate
    outside: Estimate
    difference: Estimate
    p_adjusted: float
    is_significant: bool
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As people read it."""
        return self.condition.name


@dataclass(frozen=True, kw_only=True)
class Slices(AnalysisPart):
    """Slices with more errors than elsewhere.

    Attributes:
        slices: the significant ones and the most extreme of the others, the smallest `p_adjusted` first.
        looked_at: number of slices that were tested.
        overall: error rate of all evaluated rows.
        alpha: of this test, over all its slices.
        method: how it was tested, for the text of a paper; empty where nothing was.
    """

    slices: tuple[Slice, ...] = ()
    looked_at: int = 0
    overall: Estimate = NOT_MEASURED
    alpha: float = 0.0
    method: str = ""

    @property
    def significant(self) -> tuple[Slice, ...]:
        """Those that are worse than elsewhere."""
        return tuple(found for found in self.slices if found.is_significant)


@dataclass(frozen=True, kw_only=True)
class ConfusedPair(AsJson):
    """A gold label and what a model says in its place.

    Attributes:
        gold, predicted: as shown; `predicted` is the state (`refused`, ...) where there is no prediction.
        items: how many rows.
        of_gold: rows with this gold label.
        share: `items` of `of_gold`, with interval.
        examples: item ids of the rows where the model was surest, the surest first; where no confidence is
            known, in the order of item ids. All rows of the pair are among the part's rows.
        least_sure: item ids of those where it was least sure, the least sure first; none of `examples`.
    """

    gold: str
    predicted: str
    items: int
    of_gold: int
    share: Estimate
    examples: tuple[str, ...] = ()
    least_sure: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As people read it, and as `Listed.name` of its rows."""
        return f"{self.gold} -> {self.predicted}"


@dataclass(frozen=True, kw_only=True)
class ConfusionPairs(AnalysisPart):
    """Which labels a model takes for which.

    Attributes:
        pairs: the most frequent first.
        matrix: all evaluated rows by gold and predicted label; None where labels are too many or no labels.
    """

    pairs: tuple[ConfusedPair, ...] = ()
    matrix: Confusion | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorCluster(AsJson):
    """Wrong rows that are alike.

    Attributes:
        name: made of `words`, and `Listed.name` of its rows.
        words: those that tell it from right rows, the most telling first.
        items: wrong rows in it.
        examples: item ids of its rows, the nearest to its centre first.
        near: rows, right and wrong, that lie as near to its centre; None where that was not counted.
        error_rate: share of these that are wrong.
    """

    name: str
    words: tuple[str, ...]
    items: int
    examples: tuple[str, ...]
    near: int | None = None
    error_rate: Estimate = NOT_MEASURED


@dataclass(frozen=True, kw_only=True)
class ErrorClusters(AnalysisPart):
    """Groups of wrong rows that are alike.

    Attributes:
        clusters: the largest first; empty where wrong rows are no more alike than right ones.
        by: what rows are compared by: `words (TF-IDF)`, or the name of the embedding.
        alone: wrong rows in no cluster.
        p_value: chance to see wrong rows so much alike where they are as right ones; None where not tested,
            and where the test ended early.
        p_above: what p-value is above, where the test ended early because it is; else None.
        alpha: of this test.
        method: how clusters were found and tested; empty where nothing was.
    """

    clusters: tuple[ErrorCluster, ...] = ()
    by: str = ""
    alone: int = 0
    p_value: float | None = None
    p_above: float | None = None
    alpha: float = 0.0
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class SuspectedLabel(AsJson):
    """A gold label that may be wrong.

    Attributes:
        item_id, id: of the item and its record.
        gold: the label, as shown.
        suggested: what probabilities or models say in its place.
        score: how doubtful it is, 0 to 1.
        why: in words.
    """

    item_id: str
    id: str
    gold: str
    suggested: str
    score: float
    why: str


@dataclass(frozen=True, kw_only=True)
class SuspectedLabels(AnalysisPart):
    """Gold labels of one feature that may be wrong.

    Attributes:
        suspects: the most doubtful first; `rows` has the same with the fields of the records.
        method: `confident learning`, `disagreement of models`, or empty where nothing was looked for.
        models: predictions it went by.
        looked_at: items with a gold label that were looked at.
        expected: how many of so many clean labels would look like it by chance, if models erred as the method
            takes them to; None where not known.
        p_value: of so many under clean labels and independent mistakes; None where not tested, and where the
            test ended early.
        p_above: what p-value is above, where the test ended early because it is; else None.
        alpha: of this test.
    """

    suspects: tuple[SuspectedLabel, ...] = ()
    method: str = ""
    models: tuple[str, ...] = ()
    looked_at: int = 0
    expected: float | None = None
    p_value: float | None = None
    p_above: float | None = None
    alpha: float = 0.0


@dataclass(frozen=True, kw_only=True)
class OverconfidentBin(AsJson):
    """A bin of confidence in which the model is right less often than it says.

    Attributes:
        bin: as of `Calibration.bins`.
        gap: confidence minus accuracy.
        p_adjusted: corrected for the number of bins.
        is_significant: whether that is at most the alpha of the test.
    """

    bin: Bin
    gap: float
    p_adjusted: float
    is_significant: bool


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors(AnalysisPart):
    """Whether a model's confidence can be believed.

    Attributes:
        calibration: as in the evaluation; None where no confidence is known.
        overconfident: bins in which the model says more than it keeps, the largest gap first.
        alpha: of this test.
    """

    calibration: Calibration | None = None
    overconfident: tuple[OverconfidentBin, ...] = ()
    alpha: float = 0.0


@dataclass(frozen=True, kw_only=True)
class InstabilitySource(AsJson):
    """Answers that were held against each other.

    Attributes:
        name: `samples` of a row, or the stage that asks in other words.
        compared: rows with at least two answers.
        unstable: of these, rows whose answers differ.
        share: `unstable` of `compared`, with interval.
        unjoined: rows that are on one side only.
    """

    name: str
    compared: int
    unstable: int
    share: Estimate
    unjoined: int = 0


@dataclass(frozen=True, kw_only=True)
class Instability(AnalysisPart):
    """Rows of the predictions, labelled or not, whose answer is not always the same. It tests nothing.

    Attributes:
        sources: what was compared.
        compared: rows with at least two answers of any kind.
        unstable: rows whose answers differ.
        share: `unstable` of `compared`, with interval.
        wrong_if_unstable, wrong_if_stable: error rates of the evaluated rows of each kind.
    """

    sources: tuple[InstabilitySource, ...] = ()
    compared: int = 0
    unstable: int = 0
    share: Estimate = NOT_MEASURED
    wrong_if_unstable: Estimate = NOT_MEASURED
    wrong_if_stable: Estimate = NOT_MEASURED


def _row_json(row: Listed) -> dict[str, Any]:
    return {
        "name": row.name,
        "item_id": row.item_id,
        "id": row.id,
        "gold": row.gold,
        "predicted": row.predicted,
        "score": rounded(row.score),
        "why": row.why,
    }
