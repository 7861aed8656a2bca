"""The threshold of a filter chosen from a gold set: high enough to keep little, low enough to lose little."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from goldpan.chains.filter.threshold import JudgedRecord, at_threshold, highest_threshold
from goldpan.chains.filter.threshold_step import choose_threshold
from goldpan.cli.summary import print_summary
from goldpan.errors import SourceError, StudyError
from goldpan.records.splits import split_of
from goldpan.study import Project, load_project
from goldpan.study.wave import Split
from goldpan.workflow.inputs import Inputs
from tests.evaluation_builders import gold_item, sample_item
from tests.filter_builders import SIEVE, answered, filter_study, kept
from tests.head_builders import read_rows, write_rows
from tests.projects import WorkflowProject

pytest.importorskip("torch", reason="heads need the extra `models`")
pytest.importorskip("h5py")

from tests.unit.test_filter_classifiers import by_head

LOGITS = [number / 10 for number in range(-50, 50)]


def judged(*scores: float | None, relevant: bool = True, **changes: Any) -> list[JudgedRecord]:
    return [JudgedRecord(relevant, score, **changes) for score in scores]


@pytest.mark.parametrize(
    ("recall", "threshold"), [(1.0, 0.1), (0.75, 0.4), (0.5, 0.6), (0.51, 0.4), (0.01, 0.9)]
)
def test_the_highest_threshold_with_enough_recall_is_taken(recall: float, threshold: float) -> None:
    records = judged(0.9, 0.6, 0.4, 0.1) + judged(0.95, 0.5, relevant=False)
    assert highest_threshold(records, records, recall, "here") == threshold


def test_relevant_records_count_for_as_many_as_they_were_drawn_from() -> None:
    rare = judged(0.9, 0.8, 0.7, stratum="kept", inclusion_probability=1.0)
    common = judged(0.2, stratum="left out", inclusion_probability=0.1)
    records = rare + common
    assert highest_threshold(records, records, 0.75, "here") == 0.2
    assert at_threshold(records, records, 0.7).recall.value == pytest.approx(3 / 13)


def test_what_keywords_keep_needs_no_score() -> None:
    records = judged(0.9, 0.5, 0.3) + judged(0.0, has_keyword=True)
    assert highest_threshold(records, records, 0.75, "here") == 0.5


def test_relevant_records_without_a_score_may_make_a_recall_impossible() -> None:
    records = judged(0.9, 0.8, None, None)
    assert highest_threshold(records, records, 0.5, "here") == 0.8
    with pytest.raises(StudyError, match=r"no threshold has a recall of 0.9: 2 of 4 .* no score"):
        highest_threshold(records, records, 0.9, "here")


def test_nothing_relevant_is_an_error_and_no_threshold() -> None:
    records = judged(0.9, relevant=False)
    with pytest.raises(StudyError, match="none of the 1 records with gold is relevant"):
        highest_threshold(records, records, 0.9, "here")


def test_thresholds_agree_with_a_plain_search() -> None:
    draw = random.Random(5)
    for number in range(200):
        records = [
            JudgedRecord(
                draw.random() < 0.4,
                draw.choice([None, *(round(draw.random(), 1) for _ in range(9))]),
                draw.random() < 0.2,
                stratum := draw.choice("ab"),
                {"a": 0.5, "b": 0.05}[stratum],
            )
            for _ in range(30)
        ]
        recall = draw.choice([0.5, 0.8, 0.9])
        scores = {record.score for record in records if record.score is not None}
        good = [score for score in scores if plain_recall(records, score) >= recall - 1e-9]
        try:
            threshold = highest_threshold(records, records, recall, "here")
        except StudyError:
            assert not good
            continue
        # A threshold between two relevant records' scores does what the higher of them does.
        assert plain_recall(records, threshold) == plain_recall(records, max(good))
        if number % 10 == 0:
            assert at_threshold(records, records, threshold).recall.value == pytest.approx(
                plain_recall(records, threshold)
            )


def plain_recall(records: list[JudgedRecord], threshold: float) -> float:
    """Weighted by hand; 0 where nothing is relevant."""
    weights = [(record, 1 / record.inclusion_probability) for record in records if record.is_relevant]
    kept = sum(weight for record, weight in weights if record.is_kept(threshold))
    return kept / (sum(weight for _, weight in weights) or 1.0)


def by_field(root: Path, relevant: Callable[[int], Any], **threshold: Any) -> Project:
    """Notes n1 to n100 of growing score, whose field `gold` says whether they are relevant."""
    wanted = {"recall": 0.9, "field": "gold", **threshold}
    project = by_head(root, LOGITS, {"threshold": wanted})
    path = root / project.paths.stage_records(SIEVE)
    records = read_rows(path)
    for number, record in enumerate(records):
        record["data"]["gold"] = relevant(number)
    write_rows(path, records)
    write_rows(root / project.paths.records("notes", "a.jsonl"), records)
    write_rows(root / project.paths.head("h", "labels.jsonl"), [])
    return project


def split(number: int) -> str:
    return split_of(f"n{number + 1}", Split(), 0)


def test_a_threshold_by_fields_is_chosen_on_train_and_dev_and_measured_on_the_rest(tmp_path: Path) -> None:
    project = by_field(tmp_path, lambda number: "yes" if number >= 40 else "no")
    chosen = choose_threshold(project, SIEVE)
    relevant = [number for number in range(40, 100) if split(number) != "test"]
    assert (chosen.relevant, chosen.chosen_on, chosen.measured_on) == (
        len(relevant), ("train", "dev"), ("test",),
    )  # fmt: skip
    assert chosen.here.recall.value >= 0.9 > chosen.here.recall.value - 1 / len(relevant)
    assert chosen.here.recall.interval is not None
    assert chosen.elsewhere is not None
    assert chosen.test_records == sum(split(number) == "test" for number in range(100))
    assert chosen.table[0].threshold > chosen.threshold > chosen.table[-1].threshold
    assert kept(answered(project)) == [
        row["id"] for row in answered(project) if row["features"]["score"]["score"] >= chosen.threshold
    ]


def test_records_that_the_head_was_trained_on_are_left_out(tmp_path: Path) -> None:
    project = by_field(tmp_path, lambda number: "yes")
    trained = [f"n{number}" for number in range(1, 51)]
    rows = [{"id": id, "split": "train"} for id in trained] + [{"id": "n51", "split": "dev"}]
    write_rows(tmp_path / project.paths.head("h", "labels.jsonl"), rows)
    chosen = choose_threshold(project, SIEVE)
    assert chosen.records + chosen.test_records == 50
    assert "50 gold labels were those that the head was trained on; they are left out." in chosen.notes


def test_values_that_mean_relevant_may_be_named(tmp_path: Path) -> None:
    labels = ["direct", "indirect", "none", None]
    project = by_field(tmp_path, lambda n: labels[n % 4], positive=["direct", "indirect"])
    chosen = choose_threshold(project, SIEVE)
    assert chosen.relevant == sum(n % 4 < 2 and split(n) != "test" for n in range(100))
    assert chosen.records == sum(n % 4 < 3 and split(n) != "test" for n in range(100))


def test_a_value_that_is_neither_yes_nor_no_is_named_with_its_place(tmp_path: Path) -> None:
    project = by_field(tmp_path, lambda number: "maybe" if number == 7 else "yes")
    with pytest.raises(SourceError, match="record `n8`, field `gold`") as error:
        choose_threshold(project, SIEVE)
    assert error.value.where == "notes/a.jsonl:8"


def test_a_field_that_no_record_has_is_named_with_the_nearest(tmp_path: Path) -> None:
    project = by_field(tmp_path, lambda number: "yes", field="glod")
    with pytest.raises(StudyError, match="did you mean `gold`"):
        choose_threshold(project, SIEVE)


def with_wave(root: Path, feature: str = "relevant") -> Project:
    """A filter by the gold set of a wave: of notes n1 to n60, n41 and so on are relevant."""
    wanted = {"recall": 0.9, "wave": "people", "feature": feature}
    wave = {"stage": "first", "sample": 60, "annotators": ["ann"]}
    parts = {"waves": {"people": wave}}
    project = by_head(root, LOGITS, {"threshold": wanted}, parts=parts)
    items = [
        gold_item(
            number, {"relevant": number > 40}, id=f"n{number}", split="train" if number % 3 else "test",
        )
        for number in range(1, 61)
    ]  # fmt: skip
    for name in ("train", "dev", "test"):
        lines = b"".join(item.as_line() for item in items if item.split == name)
        path = root / project.paths.gold("people", f"{name}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines)
    sample = root / project.paths.sample("people")
    sample.write_bytes(b"".join(sample_item(item).as_line() for item in items))
    write_rows(root / project.paths.head("h", "labels.jsonl"), [])
    return project


def test_a_threshold_is_chosen_by_the_gold_set_of_a_wave(tmp_path: Path) -> None:
    chosen = choose_threshold(with_wave(tmp_path), SIEVE)
    assert (chosen.records, chosen.relevant) == (40, 13)
    assert (chosen.test_records, chosen.test_relevant) == (20, 7)
    assert chosen.here.missed == 1


def test_a_feature_that_the_gold_set_lacks_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="did you mean `relevant`"):
        choose_threshold(with_wave(tmp_path, feature="relevance"), SIEVE)


def test_the_summary_says_what_the_threshold_costs(tmp_path: Path) -> None:
    project = with_wave(tmp_path)
    choose_threshold(project, SIEVE)
    answered(project)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        print_summary(project)
    line = next(line for line in printed.getvalue().splitlines() if line.startswith("sieve: threshold"))
    assert "with recall 0.92 [" in line and "on 13 relevant of 40 records (train, dev)" in line
    assert project.paths.threshold(SIEVE) in line


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        (
            {"heads": {"h": {"embedding": "small", "labels": {"stage": "topics"}, "targets": ["urgent"]}}},
            "stages.sieve.head: the filter `sieve` would need what it lets through itself"
            " (head `h` <- stage `topics` <- stage `sieve`)",
        ),
        (
            {"waves": {"people": {"stage": "topics", "sample": 9, "annotators": ["ann"]}}},
            "stages.sieve.threshold.wave: the filter `sieve` would need what it lets through itself"
            " (wave `people` <- stage `topics` <- stage `sieve`)",
        ),
        (
            {
                "waves": {"people": {"stage": "sieve", "sample": 9, "annotators": ["ann"]}},
            },
            "(wave `people` <- stage `sieve`)",
        ),
        ({"waves": {}}, "there is no wave `people`"),
        (
            {
                "waves": {
                    "people": {"stage": "first", "features": ["topic"], "sample": 9, "annotators": ["a"]}
                }
            },
            "the wave `people` does not ask `urgent`; it asks: topic",
        ),
        (
            {
                "embeddings": {"small": {"source": "others", "model": "m"}},
                "heads": {"h": {"embedding": "small", "labels": {"source": "others"}, "targets": ["a"]}},
            },
            "does not embed `notes`",
        ),
        (
            {"heads": {"h": {"embedding": "small", "labels": {"source": "notes"}, "targets": ["a", "b"]}}},
            "`h` has several targets; name one: a, b",
        ),
    ],
)
def test_a_filter_cannot_need_what_it_lets_through(tmp_path: Path, parts: dict[str, Any], what: str) -> None:
    wanted = {"recall": 0.9, "wave": "people", "feature": "urgent"}
    study = filter_study(
        {"head": "h", "threshold": wanted},
        **{
            "embeddings": {"small": {"source": ["notes", "others"], "model": "m"}},
            "heads": {"h": {"embedding": "small", "labels": {"source": "notes"}, "targets": ["urgent"]}},
            "waves": {"people": {"stage": "first", "sample": 9, "annotators": ["ann"]}},
            **parts,
        },
    )
    study["sources"]["others"] = study["sources"]["notes"]
    files = WorkflowProject.create(tmp_path)
    files.write_study(study)
    with pytest.raises(StudyError) as error:
        load_project("notes", root=tmp_path)
    assert what in str(error.value)


def test_a_stage_behind_a_filter_that_waits_for_people_is_not_asked_for_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave = {"stage": "first", "features": ["urgent"], "sample": 2, "annotators": ["ann"]}
    settings = {
        "classifier": {"model": "m", "label": "yes"},
        "threshold": {"recall": 0.9, "wave": "people", "feature": "urgent"},
    }
    files = WorkflowProject.create(tmp_path)
    files.write_rows("notes/a.jsonl", [{"id": "n1", "text": "w1"}])
    files.write_study(filter_study(settings, waves={"people": wave}))
    monkeypatch.chdir(tmp_path)
    project = load_project("notes", root=tmp_path)
    asked_for = list(Inputs(project).everything())
    assert project.paths.features("first") in asked_for
    assert project.paths.sample("people") in asked_for
    assert project.paths.features(SIEVE) not in asked_for
    assert project.paths.features("topics") not in asked_for
