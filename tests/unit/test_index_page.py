"""The study on one page: what it shows, that it is the same each time, and what it says of what is amiss."""

import csv
import os
import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import orjson
import pytest

from goldpan.batches.summary import Summary
from goldpan.cli import main
from goldpan.report.index.bars import Bar, Segment, bars
from goldpan.report.index.page import write_index, write_index_of_now
from goldpan.report.index.part import estimate_text
from goldpan.report.paper.kit import paper_kit
from goldpan.stages.columns import columns_of
from goldpan.tasks.features import parse_feature
from goldpan.waves.agreement.wave import ORDERS
from tests.finished_studies import NAMES, finished_project, finished_study

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"
JSON_ARTIFACTS = (
    "stages/relevance/summary.json",
    "stages/assetization/chain.json",
    "stages/relevance/round1/requests/plan.json",
    "waves/check/sample.json",
    "waves/check/status.json",
    "waves/check/changes.json",
    "waves/check/agreement.json",
    "evaluation/baseline.json",
    "evaluation/head.json",
    "heads/invests/metrics.json",
    "embeddings/minilm/summary.json",
    "annotated/scored/summary.json",
    "selections/likely.jsonl.counts.json",
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The four studies; not to be changed."""
    return finished_project(tmp_path_factory.mktemp("finished") / "project")


@pytest.fixture
def root(kept, tmp_path):
    """A copy of them to change."""
    return Path(shutil.copytree(kept, tmp_path / "project"))


def page_of(root, name="quickstart", write=write_index):
    """The page of a study, as text."""
    project = finished_study(root, name)
    return (project.root / write(project)).read_text(encoding="utf-8")


def words(page):
    """What a page says, without its marks."""
    return re.sub(
        r"\s+",
        " ",
        unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.S))),
    )


def changed(root, name, change):
    """Change a JSON artifact of the quickstart."""
    path = root / "results" / "quickstart" / name
    value = orjson.loads(path.read_bytes())
    change(value)
    path.write_bytes(orjson.dumps(value))


def set_newer(path, than):
    """Let a file be a minute newer than another."""
    time = than.stat().st_mtime + 60
    os.utime(path, (time, time))


def test_the_page_says_what_was_asked_of_what_and_what_became_of_it(kept):
    said = words(page_of(kept))
    assert "examples/paragraphs/*.csv 3 60 56" in said
    assert "investment_activity_classification baseline (local) goldpan-baseline-1 2b207fd65dbe" in said
    assert "assetization 60 31 29 25 filtered, 4 blank" in said
    assert "relevance 56 54,151 0 1,889 0 0.0000" in said


def test_the_page_says_how_well_people_agree_and_how_good_predictions_are(kept):
    said = words(page_of(kept))
    assert "score Cohen's kappa Substantial 0.660 [0.255, 0.864] 0.833 [0.641, 0.933] 24" in said
    assert "24 items (11 train, 4 dev, 9 test)" in said
    assert "score relevance Mean absolute error 0.342 [0.141, 0.565] 0.435 [0.201, 0.656] 24" in said
    assert "score Kappa, quadratic weights 0.270 (no interval: 1 group, 5 are needed)" in said
    assert "15 of 60 rows, where score_invests >= 0.5" in said


def test_a_label_stands_with_its_share_as_corrected_by_people(kept):
    page = page_of(kept)
    assert "0: 0.565, 95 % interval 0.433 to 0.691; hollow: 0.446" in page
    assert "relevance score 0.554 0.435 [0.232, 0.656]" in words(page)


def test_shares_are_of_all_answered_records_also_of_sets_and_of_scores_of_any_number(root):
    """39 records: 32 have no addressee, 7 have the police; 16 have a score of 1, the others a fraction."""
    shares = [1.0] * 16 + [0.9282] * 22 + [0.0]
    features = [
        parse_feature({"name": name, "description": "d", **keys}, "test")
        for name, keys in (
            ("addressees", {"type": "multilabel", "labels": ["Police", "Council"], "min_labels": 0}),
            ("part", {"type": "score", "min": 0, "max": 1, "integer": False}),
            ("urgent", {"type": "binary"}),
        )
    ]
    values = [
        {
            "addressees": {"type": "MultilabelPrediction", "labels": ["Police"] if number < 7 else []},
            "part": {"type": "ScorePrediction", "score": share},
            "urgent": {"type": "BinaryPrediction", "detected": number < 13},
        }
        for number, share in enumerate(shares)
    ]
    rows = [{"id": str(n), "state": "ok", "model": "m", "features": of} for n, of in enumerate(values)]
    with Summary("quickstart", "relevance", None, []) as counts:
        counts.add(rows, columns_of(rows, features), [], lambda answer: None)
        made = counts.as_dict()
    changed(root, "stages/relevance/summary.json", lambda summary: summary.update(made))
    page = page_of(root)
    assert "addressees: 39 answered records" in page and "Yes-or-no features, of 39 answered records" in page
    assert "Police: –; hollow: 0.179" in page and "(none): –; hollow: 0.821" in page
    assert "part: " not in page and f"relevance part {sum(shares) / 39:.3f}" in words(page)
    kit = paper_kit(finished_study(root, "quickstart"))
    rows = csv.DictReader(kit.files["tables/labels.csv"].decode().splitlines())
    of_stage = [row for row in rows if row["stage"] == "relevance"]
    assert {(row["feature"], row["label"]): (row["records"], row["share"]) for row in of_stage} == {
        ("addressees", "(none)"): ("32", "0.820513"),
        ("addressees", "Police"): ("7", "0.179487"),
        ("urgent", "no"): ("26", "0.666667"),
        ("urgent", "yes"): ("13", "0.333333"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_same_artifacts_give_the_same_bytes_wherever_they_lie(kept, root, name):
    assert page_of(root, name) == page_of(kept, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_no_folder_of_this_machine(kept, name):
    page = page_of(kept, name)
    assert str(kept) not in page and str(kept.parent) not in page


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_or_a_place_that_is_there(kept, name):
    page = page_of(kept, name)
    links = [unescape(link) for link in re.findall(r'<a href="([^"]*)"', page)]
    assert len(links) > 5
    folder = kept / "results" / name
    for link in links:
        is_there = f'id="{link[1:]}"' in page if link.startswith("#") else (folder / unquote(link)).exists()
        assert is_there, link


def test_a_study_of_which_nothing_is_made_says_what_to_do(root):
    shutil.rmtree(root / "results")
    said = words(page_of(root, write=write_index_of_now))
    assert "relevance has no features yet: run the study as usual" in said
    assert "(e.g. `goldpan run --study quickstart`) to make them." in said
    assert "3 of 3 stages without features yet" in said
    assert "Not drawn yet." in said
    assert "it waits for the filled sheets of wave check." in said
    assert "Stale" not in said and "cannot" not in said


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"format": 1}', b"null", b"\xff"])
@pytest.mark.parametrize("name", JSON_ARTIFACTS)
def test_a_damaged_artifact_is_named_and_the_rest_is_shown(root, name, damage):
    (root / "results" / "quickstart" / name).write_bytes(damage)
    said = words(page_of(root))
    assert said.count("cannot be read") == said.count(f"results/quickstart/{name} cannot be read") > 0
    assert "This part cannot be shown" not in said
    assert "examples/traces/*.jsonl" in said and "critic" in said


@pytest.mark.parametrize("name", JSON_ARTIFACTS)
def test_no_loss_of_a_key_within_an_artifact_takes_the_page_away(root, name):
    path = root / "results" / "quickstart" / name
    whole = orjson.loads(path.read_bytes())
    for key in whole:
        path.write_bytes(orjson.dumps({**whole, key: 7}))
        assert "critic" in words(page_of(root)), key


def test_hostile_texts_are_shown_as_text(root):
    def labels(summary):
        summary["labels"]["score"] = {HOSTILE: 30, "1": 26}
        summary["labels"][HOSTILE] = {"true": 1, "false": 2}
        summary["reasons"]["skipped"] = {HOSTILE: 4}
        summary["messages"] = [{"state": "failed", "reason": HOSTILE, "count": 2}]

    def annotators(status):
        status["annotators"] = {HOSTILE: status["annotators"]["ann"]}

    changed(root, "stages/relevance/summary.json", labels)
    changed(root, "waves/check/status.json", annotators)
    changed(root, "evaluation/baseline.json", lambda made: made["notes"].append(HOSTILE))
    study = root / "config" / "studies" / "quickstart.yaml"
    text = re.sub(
        r"^description: .*$",
        lambda _: f"description: '{HOSTILE.replace(chr(39), chr(39) * 2)}'",
        study.read_text(),
        flags=re.M,
    )
    study.write_text(text)
    page = page_of(root)
    assert page.count("alert(") > 8 and "<script>alert" not in page and "<img" not in page
    assert len(re.findall(r"<script[^>]*>", page)) == len(re.findall(r"</script>", page))
    assert words(page).count(HOSTILE) >= 4


def test_what_is_older_than_its_inputs_is_marked_by_the_command(root):
    results = root / "results" / "quickstart"
    features = results / "stages" / "relevance" / "features.jsonl"
    features.write_bytes(b"")
    set_newer(features, than=results / "evaluation" / "baseline.json")
    said = words(page_of(root, write=write_index_of_now))
    assert "Stale: results/quickstart/evaluation/baseline.json" in said
    assert "Stale: results/quickstart/heads" not in said


def test_a_run_marks_nothing_for_its_time_as_it_has_looked_at_the_contents(root):
    results = root / "results" / "quickstart"
    features = results / "stages" / "relevance" / "features.jsonl"
    features.write_bytes(b"")
    set_newer(features, than=results / "evaluation" / "baseline.json")
    assert "Stale" not in words(page_of(root))


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        ({"value": 0.8571, "interval": {"low": 0.25, "high": 1}}, "0.857 [0.250, 1.000]"),
        ({"value": -0.0004, "interval": {"low": -0.0001, "high": 0.5}}, "0.000 [0.000, 0.500]"),
        ({"value": 1.0, "interval": None, "reason": "no interval: 3 items"}, "1.000 (no interval: 3 items)"),
        ({"value": None, "interval": None, "reason": "all alike"}, "– (all alike)"),
        (None, "–"),
    ],
)
def test_a_figure_says_how_sure_it_is_or_why_nobody_knows(estimate, text):
    assert estimate_text(estimate) == text


def test_a_run_does_not_ask_for_another_for_its_time(root):
    stage = root / "results" / "quickstart" / "stages" / "relevance"
    (stage / "records.jsonl").touch()
    set_newer(stage / "records.jsonl", than=stage / "summary.json")
    asked_again = "stage relevance has other records than when it was asked"
    assert asked_again not in words(page_of(root))
    assert asked_again in words(page_of(root, write=write_index_of_now))


def test_a_prompt_that_was_edited_since_it_was_asked_is_told(root):
    prompt = root / "config" / "tasks" / "investment_activity_classification.system.j2"
    prompt.write_text(prompt.read_text() + "\nBe strict.")
    said = words(page_of(root))
    edited = "the task investment_activity_classification or its prompts were edited"
    assert f"Stale: results/quickstart/stages/relevance/features.jsonl : {edited}" in said
    assert said.count("Stale") == 1


def test_a_model_or_condition_that_the_study_names_anew_is_told(root):
    study = root / "config" / "studies" / "quickstart.yaml"
    text = study.read_text().replace("model: goldpan-baseline-1", "model: goldpan-baseline-2", 1)
    study.write_text(text.replace("score_invests >= 0.5", "score_invests >= 0.7"))
    said = words(page_of(root))
    assert "answered by goldpan-baseline-1; the study names goldpan-baseline-2 now" in said
    assert "selected by another condition than the study has now, score_invests >= 0.7" in said


def test_a_stage_that_waits_says_so_and_counts_what_is_answered_so_far(root):
    stage = root / "results" / "quickstart" / "stages" / "critic"
    partial = stage / "partial" / "summary.json"
    partial.parent.mkdir()
    summary = orjson.loads((stage / "summary.json").read_bytes())
    summary["states"] |= {"ok": 5, "pending": 7}
    partial.write_bytes(orjson.dumps(summary))
    (stage / "round1" / "waiting.json").write_bytes(
        orjson.dumps({"stage": "critic", "round": 1, "open": "1 of 1 batches are still open"})
    )
    said = words(page_of(root, write=write_index_of_now))
    assert "critic: 7 records are not answered yet." in said
    assert "critic, round 1: 1 of 1 batches are still open." in said
    assert "critic 12 5" in said


def test_a_path_outside_the_project_is_named_by_its_end(root):
    study = root / "config" / "studies" / "trace_critic.yaml"
    study.write_text(study.read_text().replace("examples/traces/*.jsonl", "/home/someone/traces/*.jsonl"))
    page = page_of(root, "trace_critic")
    assert "/home/someone" not in page and "…/*.jsonl" in page


def test_the_command_writes_the_page_and_says_where(root, capsys):
    assert main(["report", "two_step", "--root", str(root)]) == 0
    assert capsys.readouterr().out == "results/two_step/index.html\n"
    assert "<h1>two_step</h1>" in (root / "results/two_step/index.html").read_text()


def test_bars_are_as_long_as_what_they_show():
    drawn = bars(
        [
            Bar("a", [Segment(30, "ok", "x"), Segment(10, "skipped", "y")], ""),
            Bar("b", [Segment(20, "ok", "z")], ""),
        ],
        "d",
    )
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', drawn)]
    assert widths == [270.0, 90.0, 180.0]


def test_without_numpy_until_there_is_calibration(kept):
    """What takes long to load is loaded where it is needed: the page is one more job in each run."""
    import subprocess
    import sys

    code = (
        "import sys; from goldpan.study import load_project;"
        "from goldpan.report.index.page import write_index;"
        f"write_index(load_project('two_step', root={str(kept)!r}));"
        "print([name for name in ('numpy', 'scipy', 'sklearn', 'pandas', 'litellm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_an_evaluation_says_of_its_features_stands_on_the_page(root):
    pooled = "Gold items predicted 1 or 0 are taken together."

    def note(made):
        made["features"][0]["models"][0]["prevalence"]["notes"] = [pooled]

    changed(root, "evaluation/head.json", note)
    said = words(page_of(root))
    assert "score: Only 9 items are evaluated: too few to tell good from middling models." in said
    assert f"score, prevalence by minilm: {pooled}" in said


def test_the_order_of_a_wave_stands_on_the_page(root):
    changed(root, "waves/check/agreement.json", lambda made: made["notes"].append(ORDERS["uncertain"]))
    said = words(page_of(root))
    assert ORDERS["uncertain"] in said
    assert "score: The 24 items come in 3 groups by `file`, too few to draw groups again" in said


def test_a_head_has_learned_from_the_records_of_train(root):
    splits = {"train": 1_053, "dev": 4, "test": 3}
    changed(root, "heads/invests/metrics.json", lambda made: made.update(splits=splits, labelled=1_060))
    assert "Learned from 1,053 records (4 dev, 3 test); measured on " in words(page_of(root))


def test_one_head_is_no_learning_curve(root):
    page = page_of(root)
    said = words(page)
    assert "score: no learning curve, for each share of the labels holds the same 11 records" in said
    assert "11 labels (" not in page


def test_a_learning_curve_shows_each_head_once(root):
    def divide(made):
        made["targets"]["score"]["learning_curve"]["points"][0]["records"] = 5

    changed(root, "heads/invests/metrics.json", divide)
    shown = re.findall(r"(\d+) labels \((\d+)%\)", words(page_of(root)))
    assert list(dict.fromkeys(shown)) == [("5", "12"), ("11", "100")]
