"""Whether there is anything to gain: the first prompt, some rewrites of it, and how well people agree.

Where people meet the gold no better than the prompt may already do, a search fits the prompt to the noise in
the labels. So it stops there, before it spends its budget, unless the study says `headroom: tell`.
"""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.optimise.candidate import Candidate, ScoredAnswers
from goldpan.optimise.comparison import ComparedRows, metric_estimate
from goldpan.optimise.report import Ceiling, Headroom
from goldpan.statistics.figures import Estimate


def headroom(
    rows: ComparedRows,
    seed_dev: ScoredAnswers,
    rewrites: Sequence[Candidate],
    ceiling: Ceiling | None,
    why_no_ceiling: str = "",
    *,
    may_stop: bool = True,
) -> Headroom:
    """Whether the search goes on.

    Args:
        rows: of dev.
        seed_dev: the answers of the first prompt to them.
        rewrites: the first rewrites, refused ones too.
        ceiling: how well people do on the same items; None where it is not known.
        why_no_ceiling: why not, in words.
        may_stop: whether the search ends where there is nothing to gain.
    """
    seed = metric_estimate(rows, seed_dev)
    answered = [each.dev for each in rewrites if each.dev is not None]
    best = max(answered, key=lambda dev: dev.metric, default=None)
    limit = None if ceiling is None else ceiling.agreement.value
    is_reached = limit is not None and seed.interval is not None and limit <= seed.interval.high
    return Headroom(
        seed=seed,
        rewrites=tuple(each.name for each in rewrites),
        best_rewrite=None if best is None else metric_estimate(rows, best),
        ceiling=ceiling,
        stops=is_reached and may_stop,
        why=_why(seed, ceiling, why_no_ceiling, is_reached=is_reached, may_stop=may_stop),
    )


def _why(
    seed: Estimate, ceiling: Ceiling | None, why_no_ceiling: str, *, is_reached: bool, may_stop: bool
) -> str:
    of_seed = f"the first prompt has {_text(seed)} on dev"
    if ceiling is None or ceiling.agreement.value is None:
        unknown = why_no_ceiling or (ceiling and ceiling.agreement.reason) or "nobody has measured it"
        return f"How well people do here is not known ({unknown}); the search goes on: {of_seed}."
    pairwise = f" (with each other at {_text(ceiling.pairwise)})" if ceiling.pairwise else ""
    people = (
        f"{len(ceiling.annotators)} people agree with the gold at {_text(ceiling.agreement)}{pairwise} on"
        f" {ceiling.items:,} of these items, and {of_seed}, in the same metric"
    )
    if seed.interval is None:
        return (
            f"{people}. There are too few rows to tell whether there is anything to gain; the search goes on."
        )
    if is_reached:
        where = "below" if ceiling.agreement.value < seed.interval.low else "within"
        outcome = (
            "so the search stops here (`headroom: tell` goes on all the same)."
            if may_stop
            else "and the search goes on, as `headroom: tell` says."
        )
        return (
            f"{people}: the ceiling lies {where} the interval of the first prompt. On so many rows it cannot"
            f" be told that there is anything to gain, {outcome}"
        )
    return f"{people}: there is something to gain, and the search goes on."


def _text(estimate: Estimate) -> str:
    if estimate.value is None:
        return "no value"
    if estimate.interval is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.interval.low:.3f}, {estimate.interval.high:.3f}]"
