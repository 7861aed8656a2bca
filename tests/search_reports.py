"""Reports of searches made by hand, for what shows them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from goldpan.optimise.report import (
    CandidateReport,
    Ceiling,
    FiguresOnTest,
    Headroom,
    MethodReport,
    SearchDecision,
    SearchReport,
    SearchRows,
    SearchSpending,
)
from goldpan.records.test_looks import LookAtTest
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.figures import Estimate
from goldpan.statistics.interval import Interval, clopper_pearson_interval

SYSTEM = """You read customer reviews.

Decide whether the review is a complaint. Answer with the schema.
Judge only what the text says.
"""
BETTER = """You read customer reviews with care.

Decide whether the review is a complaint: the writer says that something went wrong, and wants it mended.
Irony is no praise. Answer with the schema.
Judge only what the text says.
"""
PROVENANCE = ReportProvenance(
    (ReportInput("gold", "0123456789abcdef" * 4),), 2000, "7", ("Agrawal et al. 2025",)
)
DEV = 60


def on_dev(right: int) -> Estimate:
    """Accuracy on dev, with its interval."""
    return Estimate(right / DEV, clopper_pearson_interval(right, DEV))


def difference(value: float) -> Estimate:
    """A difference from the seed."""
    return Estimate(value, Interval(value - 0.06, value + 0.06, 0.95, "paired bootstrap"))


def a_candidate(
    name: str, parents: tuple[str, ...], right: int, system: str, **changes: object
) -> CandidateReport:
    """A candidate that was asked about all of dev."""
    method = name.rsplit("-", 1)[0]
    made = CandidateReport(
        name=name,
        method=method,
        parents=parents,
        components={"system": system, "user": "{{ data.text }}"},
        metric=on_dev(right),
        difference=difference((right - 40) / DEV),
        p_value=0.2,
        p_corrected=0.5,
        valid_share=1.0,
        cost_usd=0.0002 * len(system),
        characters=len(system),
        growth=len(system) / len(SYSTEM),
        may_be_proposed=True,
        is_accepted=right > 40,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def search_report(is_free: bool = False, hostile: str = "") -> SearchReport:
    """A search by three methods that proposes `gepa-4`."""
    random = Random(3)
    seed = a_candidate("seed", (), 40, SYSTEM, difference=None, p_corrected=None, answers=60, spent_usd=0.03)
    candidates = [seed]
    for number in range(1, 9):
        text = SYSTEM + "Be strict. " * number + hostile
        candidates.append(a_candidate(f"rewrites-{number}", ("seed",), random.randint(36, 44), text))
    parents = {
        1: "seed",
        2: "gepa-1",
        3: "gepa-1",
        4: "gepa-2",
        5: "seed",
        6: "gepa-4",
        7: "gepa-4",
        8: "gepa-7",
    }
    for number, parent in parents.items():
        made_from = (parent, "gepa-3") if number == 6 else (parent,)
        text = BETTER + "Mind the tone. " * max(0, number - 4)
        candidates.append(
            a_candidate(f"gepa-{number}", made_from, 41 + 2 * min(number, 4) + number % 2, text)
        )
    for number in range(1, 5):
        text = SYSTEM + f"Example {number}: the parcel was wet. Answer: yes\n" * 4
        refused = "holds five words of training row reviews/7: “the parcel was wet when”"
        candidates.append(
            a_candidate(
                f"few_shot-{number}", ("seed",), 40 + number, text, may_be_proposed=False, why_not=refused
            )
        )
    candidates.append(
        a_candidate(
            "gepa-9", ("gepa-4",), 0, "Say yes." * 90, metric=Estimate(None), difference=None,
            valid_share=None, cost_usd=None, is_accepted=False, may_be_proposed=False, p_corrected=None,
            refused=f"it is 6.1 times as long as the first prompt; the limit is 5 {hostile}",
        )
    )  # fmt: skip
    candidates.append(
        a_candidate("gepa-10", ("gepa-8",), 0, BETTER, metric=Estimate(None), difference=None, cost_usd=None,
                    valid_share=None, is_accepted=False, may_be_proposed=False, p_corrected=None,
                    why_not="given up on a part of train")
    )  # fmt: skip
    counted = {"rewrites": 0, "gepa": 0, "few_shot": 0, "seed": 0}
    for place, candidate in enumerate(candidates):
        counted[candidate.method] += 1
        answers = 60 * counted[candidate.method] + 30 * (candidate.method == "gepa")
        spent = None if candidate.spent_usd is None and candidate.cost_usd is None else answers * 0.0009
        candidates[place] = replace(
            candidate,
            answers=answers,
            spent_usd=0.0 if is_free else spent,
            cost_usd=0.0 if is_free and candidate.cost_usd is not None else candidate.cost_usd,
            on_front=candidate.name in ("seed", "gepa-4", "gepa-2"),
            p_corrected=0.012 if candidate.name == "gepa-4" else candidate.p_corrected,
        )
    by_name = {candidate.name: candidate for candidate in candidates}
    methods = tuple(
        MethodReport(
            method=method,
            tried=counted[method],
            refused={"it is too long": 1} if method == "gepa" else {},
            accepted=sum(known.is_accepted for known in candidates if known.method == method),
            best=best,
            best_metric=by_name[best].metric,
            difference=by_name[best].difference,
            answers=60 * counted[method],
            budget=900,
            cost_usd=0.0 if is_free else 0.4,
            note=note,
        )
        for method, best, note in (
            ("gepa", "gepa-4", ""),
            ("rewrites", "rewrites-3", "ended as all 8 rewrites were tried"),
            ("few_shot", "few_shot-4", "measured and never proposed, as its prompts hold rows of train"),
        )
    )
    return SearchReport(
        name="better_complaints",
        stage="complaints",
        task="complaint",
        model="gpt-5-mini",
        evaluation="complaints",
        metric="accuracy",
        feature="is_complaint",
        rows=SearchRows(train=120, dev=DEV, test=80, gold="wave first"),
        headroom=Headroom(
            seed=seed.metric,
            rewrites=("rewrites-1", "rewrites-2", "rewrites-3"),
            best_rewrite=by_name["rewrites-3"].metric,
            ceiling=Ceiling(
                Estimate(0.93, Interval(0.88, 0.97, 0.95, "bootstrap")), "first", ("ann", "bob"), 60
            ),
            stops=False,
            why="People agree better (0.930) than the first prompt is right (0.667).",
        ),
        methods=methods,
        candidates=tuple(candidates),
        decision=SearchDecision(
            best="gepa-4",
            proposed="gepa-4",
            accepted=sum(known.is_accepted for known in candidates),
            tried=len(candidates) - 1,
            compared=16,
            test="largest paired difference over candidates, by bootstrap",
            p_value=0.012,
            level=0.05,
            growth=by_name["gepa-4"].growth,
            why=f"It is right 0.150 more often on dev than the first prompt. {hostile}",
        ),
        test=FiguresOnTest(Estimate(0.65), Estimate(0.78), difference(0.13), 0.02, 80),
        looks=(
            LookAtTest("evaluation complaints", "a" * 64, "b" * 64, 80, "2026-01-30", "stage complaints"),
            LookAtTest(
                "search better_complaints", "c" * 64, "b" * 64, 80, "2026-01-31", f"seed and gepa-4 {hostile}"
            ),
        ),
        spending=SearchSpending(*((0.0, 0.0) if is_free else (1.23456, 0.0123)), limit_usd=5.0),
        provenance=PROVENANCE,
        notes=("The test split has only 80 rows.",),
    )


def search_without_proposal() -> SearchReport:
    """A search that ended with the headroom test."""
    whole = search_report(is_free=True)
    return replace(
        whole,
        headroom=replace(whole.headroom, ceiling=None, stops=True, why="There is nothing to gain."),
        methods=(),
        candidates=whole.candidates[:1],
        decision=SearchDecision(
            None, None, 0, 0, 0, "", None, 0.05, None, "The search ended before it began."
        ),
        test=None,
        looks=(),
        notes=(),
    )
