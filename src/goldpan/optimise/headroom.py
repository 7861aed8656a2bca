"""Whether there is anything to gain: the first prompt, some rewrites of it, and how well people agree.

Where people agree with each other no better than the prompt may already do, a search fits the prompt to the
noise in the labels. So it stops there, before it spends its budget.
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
) -> Headroom:
    """Whether the search goes on.

    Args:
        rows: of dev.
        seed_dev: the answers of the first prompt to them.
        rewrites: the first rewrites, refused ones too.
        ceiling: how well people agree on the same items; None where it is not known.
        why_no_ceiling: why not, in words.
    """
    seed = metric_estimate(rows, seed_dev)
    answered = [each.dev for each in rewrites if each.dev is not None]
    best = max(answered, key=lambda dev: dev.metric, default=None)
    limit = None if ceiling is None else ceiling.agreement.value
    stops = limit is not None and seed.interval is not None and limit <= seed.interval.high
    return Headroom(
        seed=seed,
        rewrites=tuple(each.name for each in rewrites),
        best_rewrite=None if best is None else metric_estimate(rows, best),
        ceiling=ceiling,
        stops=stops,
        why=_why(seed, ceiling, stops, why_no_ceiling),
    )


def _why(seed: Estimate, ceiling: Ceiling | None, stops: bool, why_no_ceiling: str) -> str:
    of_seed = f"the first prompt has {_text(seed)} on dev"
    if ceiling is None or ceiling.agreement.value is None:
        unknown = why_no_ceiling or (ceiling and ceiling.agreement.reason) or "nobody has measured it"
        return f"How well people agree here is not known ({unknown}); the search goes on: {of_seed}."
    people = (
        f"{len(ceiling.annotators)} people agree with each other at {_text(ceiling.agreement)} on"
        f" {ceiling.items:,} of these items, and {of_seed}, in the same metric"
    )
    if seed.interval is None:
        return (
            f"{people}. There are too few rows to tell whether there is anything to gain; the search goes on."
        )
    if stops:
        where = "below" if ceiling.agreement.value < seed.interval.low else "within"
        return (
            f"{people}: the ceiling lies {where} the interval of the first prompt. What is left to gain is no"
            " more than noise, so the search stops here."
        )
    return f"{people}: there is something to gain, and the search goes on."


def _text(estimate: Estimate) -> str:
    if estimate.value is None:
        return "no value"
    if estimate.interval is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.interval.low:.3f}, {estimate.interval.high:.3f}]"
