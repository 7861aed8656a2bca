"""A search report by hand, for tests of what is made from one."""

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
from goldpan.statistics.interval import Interval


def estimate(value, half=0.05):
    return Estimate(value, Interval(round(value - half, 6), round(value + half, 6), 0.95, "by hand"))


def search_report(**changes):
    """A search of four candidates of which one is proposed."""
    texts = {"system": "Say whether the note is a complaint.", "user": "{{ text }}"}
    better = {**texts, "system": "Say whether the note is a complaint.\nA late delivery is one."}
    longer = {**better, "system": better["system"] + " So is <b>a refund</b> that was asked for."}
    seed = CandidateReport(
        "seed", "seed", (), texts, estimate(0.7), valid_share=0.98, cost_usd=0.01, characters=46, answers=60
    )
    rewrite = CandidateReport(
        "rewrites-1",
        "rewrites",
        ("seed",),
        better,
        estimate(0.9),
        difference=estimate(0.2),
        p_value=0.001,
        p_corrected=0.004,
        valid_share=1.0,
        cost_usd=0.0123456789,
        characters=70,
        growth=1.52,
        is_accepted=True,
        may_be_proposed=True,
        on_front=True,
        answers=120,
        spent_usd=0.03,
    )
    refused = CandidateReport(
        "rewrites-2",
        "rewrites",
        ("seed",),
        texts,
        Estimate(None, reason="it was not asked"),
        refused="too long",
    )
    gepa = CandidateReport(
        "gepa-1",
        "gepa",
        ("seed", "rewrites-1"),
        longer,
        estimate(0.88),
        difference=estimate(0.18),
        p_value=0.002,
        p_corrected=0.01,
        valid_share=1.0,
        cost_usd=0.02,
        characters=110,
        growth=2.4,
        is_accepted=True,
        may_be_proposed=True,
        answers=400,
        spent_usd=0.08,
    )
    parts = {
        "name": "better",
        "stage": "notes",
        "task": "notes",
        "model": "gpt-4o-mini",
        "evaluation": "notes",
        "metric": "accuracy",
        "feature": None,
        "rows": SearchRows(40, 60, 50, "wave first"),
        "headroom": Headroom(
            estimate(0.7),
            ("rewrites-1", "rewrites-2"),
            estimate(0.9),
            Ceiling(estimate(0.95), "first", ("anna", "ben"), 60),
            False,
            "There is room.",
        ),
        "methods": (
            MethodReport(
                "rewrites", 2, {"too long": 1}, 1, "rewrites-1", estimate(0.9), estimate(0.2), 120, 900, 0.03
            ),
            MethodReport("gepa", 1, {}, 1, "gepa-1", estimate(0.88), estimate(0.18), 400, 900, 0.08),
        ),
        "candidates": (seed, rewrite, refused, gepa),
        "decision": SearchDecision(
            "rewrites-1", "rewrites-1", 2, 3, 2, "McNemar", 0.004, 0.05, 1.52, "It beats the seed."
        ),
        "test": FiguresOnTest(estimate(0.7), estimate(0.85), estimate(0.15), 0.02, 50),
        "looks": (
            LookAtTest("search better", "ab" * 32, "cd" * 32, 50, "2026-01-31", "seed and rewrites-1"),
        ),
        "spending": SearchSpending(0.12, 0.02, 5.0, ""),
        "provenance": ReportProvenance((ReportInput("gold", "ef" * 32),), 2000, "0", ()),
        "notes": ("A note.",),
    }
    return SearchReport(**{**parts, **changes})
