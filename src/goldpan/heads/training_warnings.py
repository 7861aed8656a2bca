"""What to look at before a head is trusted: little was learned, or its labels are noisy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from goldpan.statistics.bands import TENTATIVE

if TYPE_CHECKING:
    from goldpan.heads.fitting import Fitted
    from goldpan.heads.label_agreement import TargetAgreement

LEAST_LEARNED = 0.05
"""Share of a constant answer's loss on the dev split that a head must at least be rid of."""


def training_warnings(fitted: Fitted, agreement: Mapping[str, TargetAgreement | None]) -> list[str]:
    """Warnings about a head as it was fitted, one sentence or two each.

    Args:
        fitted: the head.
        agreement: target -> agreement of the answers behind its labels.
    """
    warnings = []
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
        if strength is None:
            warnings.append(
                f"`{target}`: no strength of the penalty is better on the dev split than the same answer for"
                " all records: nothing was learned. Label more records, or take another embedding."
            )
    for target, learned in fitted.learned.items():
        share, trained = learned["dev"], learned["train"]
        if share is None or trained is None or fitted.best_epoch == 0:
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
