"""What to look at before a head is trusted: little was learned, from little, or its labels are noisy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from goldpan.statistics.bands import TENTATIVE

if TYPE_CHECKING:
    from goldpan.heads.fitting import Fitted
    from goldpan.heads.label_agreement import TargetAgreement
    from goldpan.heads.targets import Target

LEAST_LEARNED = 0.05
"""Share of a constant answer's loss on the dev split that a head must at least be rid of."""


FEWEST_DEV_RECORDS, FEWEST_DEV_RECORDS_PER_LABEL = 20, 5
"""Records of the dev split below which what is chosen on it is partly luck: in all, and for each label."""


def enough_dev_records(target: Target) -> int:
    """How many records the dev split should have with a value of a target."""
    return max(FEWEST_DEV_RECORDS, FEWEST_DEV_RECORDS_PER_LABEL * len(target.labels))


def training_warnings(
    fitted: Fitted,
    agreement: Mapping[str, TargetAgreement | None],
    few_dev_records: Mapping[str, tuple[int, int]] | None = None,
    targeted_by: Sequence[str] = (),
) -> list[str]:
    """Warnings about a head as it was fitted, one sentence or two each.

    Args:
        fitted: the head.
        agreement: target -> agreement of the answers behind its labels.
        few_dev_records: target -> records of the dev split and how many it should have, if fewer.
        targeted_by: error analyses whose lists its labels were drawn from.
    """
    few = few_dev_records or {}
    chosen = "the strength of the penalty" if fitted.strengths is not None else "the epoch to stop at"
    warnings = [
        f"`{target}`: {chosen} was chosen on {count} record{'s' * (count > 1)} of the dev split,"
        f" fewer than {enough}: the choice is partly luck, and how much was learned cannot be told from it."
        " Label more records, or give the dev split a larger share."
        for target, (count, enough) in few.items()
    ]
    if targeted_by:
        warnings.append(
            f"The labels are a targeted sample, drawn from what the error analysis {', '.join(targeted_by)}"
            " had listed: the head learned from hard rows and is measured on them. Its figures say nothing"
            " about the corpus, in which labels have other shares."
        )
    if fitted.best_epoch == 0:
        warnings.append(
            "No epoch was better on the dev split than the same answer for all records: nothing was learned."
            " Lower `learning_rate`, label more records, or take another embedding."
        )
    elif fitted.best_epoch == 1 and fitted.epochs != 1:
        warnings.append(
            "The first epoch was the best, and all later ones were worse: `learning_rate` is too high for"
            " these labels, or they hold little to learn. Lower it, or take `fit: converged`."
        )
    for target, strength in (fitted.strengths or {}).items():
        if strength is None and target in few:
            warnings.append(
                f"`{target}`: no strength of the penalty is better on these few dev records than the same"
                " answer for all records, so that answer is given for all."
            )
        elif strength is None:
            warnings.append(
                f"`{target}`: no strength of the penalty is better on the dev split than the same answer for"
                " all records: nothing was learned. Label more records, or take another embedding."
            )
    for target, learned in fitted.learned.items():
        share, trained = learned["dev"], learned["train"]
        if share is None or trained is None or fitted.best_epoch == 0 or target in few:
            continue
        if share < LEAST_LEARNED and (fitted.strengths or {}).get(target, 0.0) is not None:
            # Beside a target that has learned, one may be worse than a constant answer.
            rid = f"rid of {share:.1%}" if share > 0 else "rid of nothing"
            warnings.append(
                f"`{target}`: the head is {rid} of a constant answer's loss on the dev split"
                f" ({trained:.1%} on the train split): the labels are noisy, too few, or not to be told from"
                " these embeddings."
            )
    for target, answers in agreement.items():
        if answers is not None and answers.alpha is not None and answers.alpha < TENTATIVE:
            warnings.append(
                f"`{target}`: the labels are noisy. The answers they were made of agree with Krippendorff's"
                f" alpha {answers.alpha:.2f} on {answers.records} records, below {TENTATIVE}. Mend the task"
                " or the codebook before more is labelled; the head learns what they have in common at best."
            )
    return warnings
