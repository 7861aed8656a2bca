"""A study as it lies there when people have annotated and predictions are measured, for tests of its paper.

Nothing was run for it: the artifacts are written by the library's own parts, from answers made up here.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from goldpan.evaluation.evaluate import EvaluationInputs, evaluate
from goldpan.files import write_json
from goldpan.report_provenance import ReportInput
from goldpan.statistics.scales import Scale
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.task import load_task
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.gold.gold_set import GoldItem
from goldpan.waves.merging.files import shown_by, write_disagreements, write_merged
from goldpan.waves.merging.merged import Merged, Resolution
from tests.evaluation_builders import gold_item, prediction, stage_row, write_gold, write_lines
from tests.projects import WorkflowProject

HOSTILE = (r"\input{/etc/passwd} 50 % & $x_1$ #", "<script>alert(1)</script> | b", "=1+1`")
"""Labels that LaTeX, HTML, Markdown and spreadsheets would act on."""
ANSWERED = 1_790_000_000
"""When the first record was answered, in Unix seconds: 21 September 2026."""
_ITEMS, _RECORDS, _REPEATED = 30, 1_240, 6


def paper_study(**changes: Any) -> dict[str, Any]:
    """A study of one stage, one wave and one evaluation."""
    return {
        "study": "parks",
        "description": "What reports say of parks.",
        "sources": {"reports": {"files": ["reports/*.jsonl"], "id": ["id"]}},
        "providers": {"main": {"kind": "openai", "api_key_env": "SECRET_OF_PARKS"}},
        "stages": {
            "kinds": {
                "input": {"source": "reports"},
                "task": "kind",
                "provider": "main",
                "model": "gpt-4o-mini",
                "params": {"temperature": 0, "user": "somebody@example.org"},
            }
        },
        "waves": {
            "check": {
                "stage": "kinds",
                "sample": _ITEMS,
                "seed": 7,
                "annotators": ["Zoe", "Ann"],
                "gold": {"group": "file"},
            }
        },
        "evaluations": {"quality": {"wave": "check", "predictions": ["kinds"]}},
        **changes,
    }


def unmade_paper_project(root: Path, labels: tuple[str, ...] = HOSTILE, **changes: Any) -> WorkflowProject:
    """The project of `paper_study` before anything was made."""
    project = WorkflowProject.create(root, study="parks")
    feature = {"name": "kind", "type": "classification", "description": "Which kind?", "labels": list(labels)}
    project.write_task(
        {
            "task": "kind",
            "description": "Which kind of park it is.",
            "prompt": {"user": "kind.user.j2"},
            "features": [feature],
        }
    )
    project.write("config/tasks/kind.user.j2", "{{ data.text }}\n")
    project.write_study(paper_study(**changes))
    return project


def paper_project(root: Path, labels: tuple[str, ...] = HOSTILE, **changes: Any) -> WorkflowProject:
    """The same with all its artifacts."""
    project = unmade_paper_project(root, labels, **changes)
    task = load_task("kind", root / "config" / "tasks")
    results, random = root / "results" / "parks", Random(3)
    items = [_item(number, random.choice(labels)) for number in range(_ITEMS)]
    predicted = [item.labels["kind"] if random.random() < 0.7 else random.choice(labels) for item in items]
    rows = [
        stage_row(
            number,
            {"kind": prediction(task.feature("kind"), label, round(random.uniform(0.4, 1), 2))},
            answered_at=ANSWERED + number,
        )
        for number, label in enumerate(predicted + random.choices(labels, k=90))
    ]
    features = write_lines(results / "stages/kinds/features.jsonl", rows)
    _write_stage(results, task.hash, len(rows))
    _write_wave(results, items, random)
    write_merges(root, [_merged(item.item_id, item.labels["kind"]) for item in items])
    gold = [
        write_gold(results / f"waves/check/gold/{split}.jsonl", [one for one in items if one.split == split])
        for split in ("train", "dev", "test")
    ]
    settings = Evaluation.model_validate({"wave": "check", "predictions": ["kinds"]})
    given = EvaluationInputs(gold=gold, predictions={"kinds": [features]})
    report = evaluate("quality", settings, {"kind": task.feature("kind")}, given)
    _write(results / "evaluation/quality.json", report.as_json())
    return project


def write_merges(root: Path, rows: list[Merged]) -> None:
    """The merged answers of the wave, and those of them that a person has to decide."""
    wave = root / "results/parks/waves/check"
    show = shown_by(load_task("kind", root / "config" / "tasks").features)
    write_merged(wave / "merged.csv", rows, show)
    write_disagreements(wave / "disagreements.csv", rows, show, {})


def _merged(item_id: str, label: str) -> Merged:
    return Merged(
        item_id, "kind", label, Resolution.AGREEMENT, True, {label: 1.0}, {"Zoe": label, "Ann": label}
    )


def undecided(number: int) -> Merged:
    """A row that awaits a person's decision, of an item that is not in the gold set."""
    answers = {"Zoe": HOSTILE[0], "Ann": HOSTILE[1]}
    resolution = Resolution.AWAITING_ADJUDICATION
    return Merged(
        f"i{number:016x}", "kind", None, resolution, False, dict.fromkeys(answers.values(), 0.5), answers
    )


def _item(number: int, label: str) -> GoldItem:
    return gold_item(
        number,
        {"kind": label},
        source="reports",
        split=("train", "dev", "test")[number % 3],
        stratum="rare" if number < 10 else "common",
        inclusion_probability=0.5 if number < 10 else 0.2,
    )


def _write_stage(results: Path, task_hash: str, answered: int) -> None:
    skipped = _RECORDS - answered - 2
    states = {"ok": answered, "invalid": 2, "skipped": skipped}
    _write(
        results / "stages/kinds/summary.json",
        {
            "format": 1,
            "study": "parks",
            "stage": "kinds",
            "records": _RECORDS,
            "states": states,
            "reasons": {"invalid": {"not_a_label": 2}, "skipped": {"blank": skipped}},
            "messages": [],
            "tasks": {"kind": {"hash": task_hash, "features": 1, "records": answered + 2}},
            "models": {"gpt-4o-mini-2024-07-18": answered + 2},
            "baseline": False,
            "adjusted": 0,
            "labels": {"kind": {HOSTILE[0]: answered - 40, HOSTILE[2]: 40}},
            "mean_scores": {},
            "requests_paid": answered + 4,
            "tokens": {"prompt": 12_345, "completion": 678, "cached": 0, "cache_write": 0, "reasoning": 0},
            "cost_usd": 0.031415,
        },
    )
    plan = {"model": "gpt-4o-mini", "endpoint": "/v1/chat/completions", "output": "tool"}
    _write(results / "stages/kinds/round1/requests/plan.json", plan)
    source = {"source": "reports", "files": 3, "rows": 1_243, "records": 1_240, "skipped": {"blank": 3}}
    stage = {
        "stage": "kinds",
        "reads": ["reports"],
        "rows_before": 1_243,
        "rows": _RECORDS,
        "states": states,
        "reasons": {"skipped": {"blank": skipped}},
    }
    _write(results / "stages/kinds/chain.json", {"sources": [source], "stages": [stage]})


def _write_wave(results: Path, items: list[GoldItem], random: Random) -> None:
    strata = [
        {"stratum": "rare", "population": 20, "sampled": 10, "inclusion_probability": 0.5},
        {"stratum": "common", "population": 100, "sampled": 20, "inclusion_probability": 0.2},
    ]
    people = dict.fromkeys(("Zoe", "Ann"), _ITEMS)
    _write(
        results / "waves/check/sample.json",
        {
            "seed": 7,
            "population": 120,
            "sampled": _ITEMS,
            "outside": {"invalid": 2},
            "strata": strata,
            "annotators": people,
        },
    )
    counts = {"assigned": _ITEMS, "answered": _ITEMS, "left": 0, "repeats_assigned": 0, "repeats_answered": 0}
    annotators = {name: {**counts, "seconds": 123.4} for name in people}
    _write(
        results / "waves/check/status.json",
        {"state": "complete", "blind": True, "order": "drawn", "annotators": annotators},
    )
    labels = sorted({item.labels["kind"] for item in items})
    ratings = {
        item.item_id: {
            "Zoe": item.labels["kind"],
            "Ann": item.labels["kind"] if random.random() < 0.8 else random.choice(labels),
        }
        for item in items
    }
    again = {item: {"Zoe": answers["Zoe"]} for item, answers in list(ratings.items())[:_REPEATED]}
    measured = measure(FeatureRatings("kind", Scale("nominal"), ratings, repeats=again))
    sheets = (ReportInput("Zoe.csv", "ab" * 32),)
    report = AgreementReport("Agreement in wave check of parks", (measured,), True, inputs=sheets)
    _write(results / "waves/check/agreement.json", report.as_json())


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, value)
