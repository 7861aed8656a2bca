"""Each kind of scoring on known answers of a scripted endpoint; what must come out is worked out by hand.

Of eight rows the call of the seventh is refused by the service, and the answers to the eighth lack a field.
"""

import csv

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.preprocessing import MultiLabelBinarizer

from goldpan.experiments.history import History
from goldpan.tracking.tracked import tracked_run
from tests.filled_sheets import fill_csv
from tests.online_service import Say, online_service
from tests.projects import WorkflowProject

TASK = {
    "task": "all",
    "description": "One feature of each kind.",
    "prompt": {"user": "all.user.j2"},
    "features": [
        {"name": "relevance", "type": "classification", "description": "d", "labels": ["R", "S", "C", "N"]},
        {"name": "uses", "type": "multilabel", "description": "d", "labels": ["a", "b", "c"]},
        {"name": "order", "type": "ranking", "description": "d", "items": ["x", "y", "z", "w"]},
        {
            "name": "parts",
            "type": "extraction",
            "description": "d",
            "fields": [{"name": "name"}, {"name": "count", "type": "integer"}],
        },
        {"name": "weight", "type": "score", "description": "d", "min": 0, "max": 10, "integer": False},
        {"name": "gist", "type": "text", "bare": True, "description": "d"},
    ],
    "expected": {
        **{name: {"field": f"expected.{name}"} for name in ("relevance", "uses", "order")},
        "parts": {"field": "expected.parts", "match": ["name"]},
        "weight": {"field": "expected.weight", "tolerance": 0.5},
        "gist": {"judged_by": "judge.right"},
    },
}
JUDGE = {
    "task": "judge",
    "description": "Is the gist right?",
    "prompt": {"user": "judge.user.j2"},
    "features": [{"name": "right", "type": "binary", "description": "The gist says what the text says."}],
}


def part(name, count=1):
    return {"name": name, "count": count}


# relevance, uses, order, parts, weight: what is right, and what the endpoint says.
GOLD = {
    "s1": ("R", ["a", "b"], "xyzw", [part("Lid")], 2.0),
    "s2": ("R", ["a"], "xyzw", [part("Lid"), part("Knob", 2)], 4),
    "s3": ("S", ["c"], "xyzw", [], 1),
    "s4": ("S", [], "xyzw", [part("Pot")], 9),
    "s5": ("C", ["b", "c"], "xyzw", [part("Base")], 0.3),
    "s6": ("N", ["a"], "xyzw", [part("A"), part("B")], 5),
    "s7": ("N", ["a", "b"], "xyzw", [part("Lid")], 3),
    "s8": ("R", ["b"], "xyzw", [], 6),
}
SAID = {
    "s1": ("R", ["b", "a"], "xyzw", [part(" LID ")], 2.5),
    "s2": ("S", ["a", "b"], "yxzw", [part("lid", 3)], 4),
    "s3": ("S", [], "wzyx", [part("Rim")], 1.6),
    "s4": ("C", [], "xywz", [part("pot.")], 8.5),
    "s5": ("C", ["b"], "xyzw", [], 0.8),
    "s6": ("N", ["a"], "xyzw", [part("b"), part("a")], 7),
}
VERDICTS = {
    "s1": True,
    "s2": True,
    "s3": False,
    "s4": True,
    "s5": False,
}  # the judge's call about s6 is refused
PEOPLE = {"s1": True, "s2": False, "s3": False, "s4": True, "s5": False}
STAGE = {"provider": "service", "model": "m", "mode": "online", "max_rounds": 2}


def as_values(row):
    relevance, uses, order, parts, weight = row
    return {"relevance": relevance, "uses": uses, "order": list(order), "parts": parts, "weight": weight}


def script(call):
    about, _, row = call.text.rpartition(" ")
    if about == "judge":
        return Say(answer={"right_detected": VERDICTS[row]}) if row in VERDICTS else Say(status=400)
    if row in SAID:
        return Say(answer={**as_values(SAID[row]), "gist": f"the gist of {row}"})
    return Say(status=400) if row == "s7" else Say(answer={"relevance": "R"})


def write_project(root, base_url):
    project = WorkflowProject.create(root, study="scoring")
    project.write_task(TASK)
    project.write_task(JUDGE)
    project.write("config/tasks/all.user.j2", "About {{ data.input.text }}")
    project.write("config/tasks/judge.user.j2", "{{ answers.all.gist }}\njudge {{ data.input.text }}")
    project.write("config/modules.yaml", "modules: {all: {name: All, kind: extraction, funnel: one}}")
    rows = [
        {"id": row, "input": {"text": row}, "expected": as_values(gold), "metadata": {}}
        for row, gold in GOLD.items()
    ]
    project.write_rows("golden/all.jsonl", rows)
    project.write_study(
        {
            "study": "scoring",
            "modules": {"table": "config/modules.yaml", "data": "golden", "stage": STAGE},
            "providers": {"service": {"kind": "openai", "base_url": base_url, "patience_seconds": 1}},
            "stages": {"judge": {"input": {"stage": "all"}, "task": "judge", **STAGE}},
            "waves": {
                "people": {
                    "stage": "judge",
                    "features": ["right"],
                    "sample": 5,
                    "annotators": ["ann"],
                    "formats": ["csv"],
                }
            },
            "evaluations": {
                "judge_and_people": {"wave": "people", "predictions": "judge"},
                "all": {"judged": {"gist": {"by": "judge.right", "measured": "judge_and_people"}}},
            },
        }
    )
    return project


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The project after its run; nobody has filled in the sheet about the judge."""
    with online_service(script) as service:
        project = write_project(tmp_path_factory.mktemp("scoring") / "project", service.base_url)
        project.run()
    return project


def raw_figures(project):
    """feature -> figure -> its value over the items as they are."""
    report = project.json("evaluation/all.json")
    measured = {feature["feature"]: feature["models"][0]["figures"] for feature in report["features"]} | {
        text["feature"]: text["figures"] for text in report["judged"]
    }
    return {
        name: {figure["name"]: figure["raw"]["value"] for figure in figures}
        for name, figures in measured.items()
    }


def feature_of(project, name):
    (found,) = [of for of in project.json("evaluation/all.json")["features"] if of["feature"] == name]
    return found


def test_failed_calls_and_answers_without_a_field_are_wrong_for_every_feature(answered):
    for feature in answered.json("evaluation/all.json")["features"]:
        assert feature["items"]["evaluated"] == 8
        assert feature["models"][0]["failed"] == {"failed": 1, "invalid": 1}


def test_labels_have_accuracy_f1_of_each_and_macro_f1_and_stay_four(answered):
    # Right: s1, s3, s5, s6. R: 1 right of 1 predicted and 3 gold; S: 1 of 2 and 2; C: 1 of 2 and 1; N: 1 of 1
    # and 2.
    figures = raw_figures(answered)["relevance"]
    assert figures["accuracy"] == 0.5
    assert figures["f1_macro"] == 0.583333
    model = feature_of(answered, "relevance")["models"][0]
    assert {
        label["label"]: [figure["raw"]["value"] for figure in label["figures"]] for label in model["labels"]
    } == {
        "R": [1.0, 0.333333, 0.5],
        "S": [0.5, 0.5, 0.5],
        "C": [0.5, 1.0, 0.666667],
        "N": [1.0, 0.5, 0.666667],
    }
    assert model["confusion"] == {
        "gold": ["R", "S", "C", "N"],
        "predicted": ["R", "S", "C", "N", "(failed)"],
        "counts": [[1, 1, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]],
    }


def test_the_majority_and_intervals_stand_beside(answered):
    (baseline,) = feature_of(answered, "relevance")["baselines"]
    assert (baseline["name"], baseline["answer"]) == ("majority", "R")
    assert baseline["figures"][0]["raw"]["value"] == 0.375
    # Clopper and Pearson's interval of 4 of 8.
    interval = feature_of(answered, "relevance")["models"][0]["figures"][0]["raw"]["interval"]
    assert (interval["low"], interval["high"]) == pytest.approx((0.157, 0.843), abs=5e-4)


def test_sets_have_precision_recall_and_f1_whatever_the_order_of_their_labels(answered):
    # Right: 2 + 1 + 0 + 0 + 1 + 1 = 5; wrong: b of s2; left out: 1 of s3, s5 and s8 each, 2 of s7.
    figures = raw_figures(answered)["uses"]
    assert figures["precision_micro"] == 0.833333
    assert figures["recall_micro"] == 0.5
    assert figures["f1_micro"] == 0.625
    assert figures["exact_match"] == 0.375  # s1, s4, s6


def test_rankings_have_the_correlation_of_ranks_and_what_stands_on_top(answered):
    # Tau 1, 4/6, -1, 4/6, 1, 1, and -1 for each failure; of the first three all, all, 2/3, 2/3, all, all.
    figures = raw_figures(answered)["order"]
    assert figures["kendall_tau"] == 0.166667
    assert figures["top_1"] == 0.5
    assert figures["top_3"] == 0.666667
    assert figures["exact_match"] == 0.375


def test_extracted_objects_match_by_the_declared_key_whatever_case_and_edges(answered):
    # By name 1 + 1 + 0 + 1 + 0 + 2 = 5 are right, Rim is wrong, Knob, Base and the Lid of s7 are left out.
    figures = raw_figures(answered)["parts"]
    assert figures["precision_micro"] == 0.833333
    assert figures["recall_micro"] == 0.625
    assert figures["f1_micro"] == 0.714286
    # With the count as well the lid of s2 is wrong, and so left out, too.
    assert figures["whole_precision_micro"] == 0.666667
    assert figures["whole_recall_micro"] == 0.5
    assert figures["whole_f1_micro"] == 0.571429


def test_a_number_is_right_within_the_declared_tolerance_and_that_is_the_figure_of_the_run(answered):
    # Off by 0.5, 0, 0.6, 0.5, 0.5, 2; the failures by 7 and 6, as far as one can be.
    figures = raw_figures(answered)["weight"]
    assert figures["accuracy_within_tolerance"] == 0.5
    assert figures["accuracy"] == 0.125
    assert figures["mae"] == 2.1375
    assert right(answered, "weight") == ["yes", "yes", "no", "yes", "yes", "no", "no", "no"]


def test_a_text_is_right_where_the_judge_says_so_of_all_rows(answered):
    (judged,) = answered.json("evaluation/all.json")["judged"]
    assert (judged["items"], judged["right"], judged["wrong"]) == (8, 3, 2)
    assert (judged["failed"], judged["not_judged"]) == ({"failed": 1, "invalid": 1}, {"failed": 1})
    assert judged["measured"] is None and [figure["name"] for figure in judged["figures"]] == ["judged_right"]
    assert judged["figures"][0]["raw"]["value"] == 0.375
    # Clopper and Pearson's interval of 3 of 8.
    interval = judged["figures"][0]["raw"]["interval"]
    assert (interval["low"], interval["high"]) == pytest.approx((0.0852, 0.7551), abs=5e-4)
    assert right(answered, "gist") == ["yes", "yes", "no", "yes", "no", "no", "no", "no"]
    assert "nobody has measured it" in answered.artifact("evaluation/all.html").read_text()


def test_the_mean_of_the_scores_at_a_tracker_is_the_figure_that_the_guide_says(answered):
    history = History(answered.root / "runs")
    run = next(run for run in history.read().runs if run.module == "all")
    rows = tracked_run(history, run).rows
    scores = {
        name: [row.scores[name] for row in rows if name in row.scores] for name in raw_figures(answered)
    }
    means = {name: sum(of) / len(of) for name, of in scores.items()}
    figures = raw_figures(answered)
    assert means["relevance"] == figures["relevance"]["accuracy"]
    assert means["weight"] == figures["weight"]["accuracy_within_tolerance"]
    for name in ("uses", "order", "parts"):
        assert means[name] == figures[name]["exact_match"], name
    # Also the text that nobody judged counts.
    assert means["gist"] == figures["gist"]["judged_right"] == 3 / 8


def right(project, feature):
    with project.artifact("runs/all.csv").open(encoding="utf-8-sig", newline="") as handle:
        return [row[f"right.{feature}"] for row in csv.DictReader(handle)]


def as_others_compute_it(table):
    """feature -> figure -> its value, from the rows of a run alone, with scikit-learn, SciPy and pandas."""
    rows = pd.read_csv(table, encoding="utf-8-sig", keep_default_na=False)
    labels = [rows["expected.relevance"], rows["answer.relevance"].replace("", "(failed)")]
    sets = [
        [[label for label in cell.split("; ") if label not in ("", "(none)")] for cell in rows[column]]
        for column in ("expected.uses", "answer.uses")
    ]
    members = MultiLabelBinarizer(classes=["a", "b", "c"])
    sets = [members.fit_transform(side) for side in sets]
    orders = zip(rows["expected.order"], rows["answer.order"], strict=True)
    numbers = [pd.to_numeric(rows[column]) for column in ("expected.weight", "answer.weight")]
    return {
        "relevance": {
            "accuracy": accuracy_score(*labels),
            "f1_macro": f1_score(*labels, labels=["R", "S", "C", "N"], average="macro"),
        },
        "uses": {
            "precision_micro": precision_score(*sets, average="micro"),
            "recall_micro": recall_score(*sets, average="micro"),
            "f1_micro": f1_score(*sets, average="micro"),
        },
        "order": {"kendall_tau": np.mean([tau(right, said) for right, said in orders])},
        "weight": {"accuracy_within_tolerance": np.mean(abs(numbers[0] - numbers[1]) <= 0.5)},
        "gist": {"judged_right": (rows["right.gist"] == "yes").mean()},
    }


def tau(right, said):
    if not said:
        return -1
    places = [order.split(" > ") for order in (right, said)]
    return kendalltau(*([order.index(item) for item in "xyzw"] for order in places)).statistic


def test_figures_can_be_computed_from_the_rows_of_the_run_by_other_people_s_software(answered):
    ours = raw_figures(answered)
    for feature, figures in as_others_compute_it(answered.artifact("runs/all.csv")).items():
        assert figures == pytest.approx({name: ours[feature][name] for name in figures}, abs=1e-6), feature


def test_a_module_whose_expected_field_is_missing_is_refused_before_anything_is_asked(tmp_path):
    with online_service(script) as service:
        project = write_project(tmp_path / "project", service.base_url)
        file = project.root / "golden" / "all.jsonl"
        file.write_text(file.read_text().replace('"uses":', '"use":'))
        refused = project.run(check=False)
    assert refused.returncode and not service.calls
    assert "golden/all.jsonl:1" in refused.stdout
    assert "record `s1`, field `expected.uses`: `uses`: there is no value" in refused.stdout


def test_once_people_have_judged_too_the_judge_s_kappa_stands_beside_its_figure(answered, tmp_path):
    # Of five the judge and the person agree on four; by chance 0.6 * 0.4 + 0.4 * 0.6 = 0.48. So kappa is
    # (0.8 - 0.48) / 0.52.
    project = answered.copy(tmp_path / "project")
    row_of = {item["item_id"]: item["id"] for item in project.rows("waves/people/sample.jsonl")}
    fill_csv(
        project.artifact("waves/people/sheets/ann.csv"),
        project.root / "annotations" / "scoring" / "people" / "ann.csv",
        lambda item: {"right": "yes" if PEOPLE[row_of[item]] else "no"},
    )
    project.run()
    (judged,) = project.json("evaluation/all.json")["judged"]
    assert judged["measured"] == {"evaluation": "judge_and_people", "items": 5}
    assert {figure["name"]: figure["raw"]["value"] for figure in judged["figures"]} == {
        "judged_right": 0.375,
        "judge_cohen_kappa": 0.615385,
    }
    (metrics,) = [of for of in project.json("runs/all.json")["metrics"] if of["feature"] == "gist"]
    assert [figure["name"] for figure in metrics["figures"]] == ["judged_right", "judge_cohen_kappa"]
    shown = project.goldpan("experiments", "show", project.json("runs/all.json")["id"]).stdout
    assert "judged_right 0.38 [0.09, 0.76]\n" in shown and "judge_cohen_kappa 0.62" in shown
    listed = project.goldpan("experiments", "list").stdout
    assert "gist: judged_right 0.38 [0.09, 0.76] (the judge's kappa 0.62" in listed
