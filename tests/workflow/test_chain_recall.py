"""A chain from pages to a recall with its interval, where the truth is known: one run, and its sheets."""

from collections import Counter

import pytest

from tests.filled_sheets import fill_csv, read_sheet_rows
from tests.online_service import Call, Say, error_body, online_service
from tests.projects import WorkflowProject

# kind of page -> pages; whether it names a data set; whether the chain says so
PAGES = {
    "found": 24,
    "rescued": 4,
    "false": 6,
    "nothing": 40,
    "unextracted": 3,
    "judged_away": 4,
    "argued_away": 3,
    "out": 150,
    "unkept": 12,
    "refused": 3,
    "undecided": 2,
}
POSITIVE = {"found", "rescued", "unextracted", "judged_away", "argued_away", "unkept", "refused", "undecided"}
SAID_YES = {"found", "rescued", "false"}
LEFT_OUT = {"out", "unkept"}
UNKNOWN = {"refused", "undecided"}
JUDGED_VALID = {"found", "false", "argued_away"}
FEATURE = "has_dataset"


def task(name, feature):
    return {"task": name, "description": name, "prompt": {"user": f"{name}.user.j2"}, "features": [feature]}


MENTIONS = {
    "name": "mentions",
    "type": "extraction",
    "description": "Every data set that is named.",
    "fields": [{"name": "raw_name", "description": "As it stands in the text."}],
}
VERDICT = {
    "name": "verdict",
    "type": "classification",
    "description": "Whether it is one.",
    "labels": ["valid", "invalid"],
}
ASKED = {"provider": "service", "model": "m", "mode": "online", "max_rounds": 1}
WAVE = {
    "stage": "pages",
    "features": [FEATURE],
    "left_out": {FEATURE: False},
    "stratify": {"by": f"features.{FEATURE}", "allocation": {"yes": 30, "no": 50, "(filtered)": 60}},
    "annotators": ["ann", "ben"],
    "formats": ["csv"],
}


def study(base_url, **wave):
    return {
        "study": "recall",
        "sources": {"papers": {"files": "pages/*.jsonl", "id": ["page"], "fields": {"text": "string"}}},
        "providers": {"service": {"kind": "openai", "base_url": base_url}},
        "stages": {
            "prefilter": {"kind": "filter", "input": {"source": "papers"}, "keywords": ["survey"]},
            "extraction": {"input": {"stage": "prefilter"}, "task": "extract", **ASKED},
            "judge": {"input": {"stage": "extraction", "explode": "mentions"}, "task": "judge", **ASKED},
            "reasoning": {"input": {"stage": "judge"}, "task": "reason", **ASKED},
            "pages": {
                "kind": "gather",
                "input": {"stage": "reasoning", "group": {"by": "parent"}},
                "features": {
                    FEATURE: {"any": "verdict == 'valid'"},
                    "datasets": {"count": "verdict == 'valid'"},
                },
            },
        },
        "waves": {"people": {**WAVE, **wave}},
        "evaluations": {"chain": {"wave": "people", "predictions": {"chain": "pages"}}},
    }


def kind_of(page):
    return page.rpartition("-")[0]


def script(call: Call) -> Say:
    """What the service says of a page, by its kind."""
    what = call.body["messages"][-1]["content"].splitlines()[0].split()
    kind = kind_of(call.text.split()[0])
    if what[0] == "EXTRACT":
        if kind == "refused":
            return Say(status=400, body=error_body(400))
        names = {"undecided": ["A", "B"], "nothing": [], "unextracted": []}.get(kind, ["A"])
        return Say(answer={"mentions": [{"raw_name": name} for name in names]})
    if what[0] == "JUDGE":
        return Say(answer={"verdict": "valid" if kind in JUDGED_VALID else "invalid"})
    if kind == "undecided" and what[1] == "B":
        return Say(status=400, body=error_body(400))
    return Say(answer={"verdict": "valid" if kind in SAID_YES else "invalid"})


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The project when the sheets have come back."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("recall") / "project", study="recall")
    for name, feature in (("extract", MENTIONS), ("judge", VERDICT), ("reason", VERDICT)):
        project.write_task(task(name, feature))
    project.write("config/tasks/extract.user.j2", "EXTRACT\n{{ data.text }}")
    project.write("config/tasks/judge.user.j2", "JUDGE {{ item.raw_name }}\n{{ data.text }}")
    project.write("config/tasks/reason.user.j2", "REASON {{ item.raw_name }}\n{{ data.text }}")
    pages = [f"{kind}-{number}" for kind, count in PAGES.items() for number in range(count)]
    project.write_rows(
        "pages/a.jsonl",
        [
            {"page": page, "text": f"{page} {'no word' if kind_of(page) in LEFT_OUT else 'a survey'}"}
            for page in pages
        ],
    )
    with online_service(script) as service:
        project.write_study(study(service.base_url))
        project.run()
        pages_of = {row["item_id"]: row["id"] for row in project.rows("waves/people/sample.jsonl")}
        for name in ("ann", "ben"):
            fill_csv(
                project.artifact(f"waves/people/sheets/{name}.csv"),
                project.root / f"annotations/recall/people/{name}.csv",
                lambda item: {FEATURE: "yes" if kind_of(pages_of[item]) in POSITIVE else "no"},
            )
        project.run()
    return project


def chain(project):
    """What the evaluation says of the chain."""
    (feature,) = project.json("evaluation/chain.json")["features"]
    return feature["models"][0]


def figure_of_yes(project, name):
    (yes,) = (label for label in chain(project)["labels"] if label["label"] == "yes")
    return next(figure["weighted"] for figure in yes["figures"] if figure["name"] == name)


def drawn(project):
    """Kind of page -> records that its drawn pages stand for."""
    weights = Counter()
    for row in project.rows("waves/people/sample.jsonl"):
        weights[kind_of(row["id"])] += 1 / row["inclusion_probability"]
    return weights


def test_each_page_comes_to_what_is_known_of_it(measured):
    rows = {row["id"]: row for row in measured.rows("stages/pages/features.jsonl")}
    assert len(rows) == sum(PAGES.values())
    for page, row in rows.items():
        kind = kind_of(page)
        state = "ok" if kind not in LEFT_OUT | UNKNOWN else "skipped"
        assert row["state"] == state, (page, row)
        if state == "ok":
            assert row["features"][FEATURE]["detected"] is (kind in SAID_YES)
            assert row["features"]["datasets"]["score"] == int(kind in SAID_YES)
        else:
            code = row["reason"].partition(":")[0]
            assert code == ("filtered" if kind in LEFT_OUT else "upstream")


def test_pages_that_were_left_out_are_a_stratum_with_its_counts_and_failed_ones_are_outside(measured):
    counts = measured.json("waves/people/sample.json")
    strata = {row["stratum"]: (row["population"], row["sampled"]) for row in counts["strata"]}
    assert strata == {"yes": (34, 30), "no": (50, 50), "(filtered)": (162, 60)}
    assert counts["outside"] == {"skipped": 5} and counts["left_out"] == {"filtered": 162}


def test_nothing_on_a_sheet_tells_which_pages_were_left_out(measured):
    sample = {row["item_id"]: row for row in measured.rows("waves/people/sample.jsonl")}
    rows = read_sheet_rows(measured.artifact("waves/people/sheets/ann.csv"))
    kept, left_out = (
        {tuple(row) for row in rows if (sample[row["item_id"]]["stratum"] == "(filtered)") is side}
        for side in (False, True)
    )
    assert kept == left_out and not any("filter" in str(list(row.values())) for row in rows)


def test_recall_and_precision_are_those_of_the_design_and_their_intervals_hold_the_truth(measured):
    weights = drawn(measured)
    asked = {kind: count for kind, count in PAGES.items() if kind not in UNKNOWN}
    for name, whole in (("recall", POSITIVE), ("precision", SAID_YES)):
        right, counted = POSITIVE & SAID_YES, whole - UNKNOWN
        estimate = figure_of_yes(measured, name)
        by_design = sum(weights[kind] for kind in right) / sum(weights[kind] for kind in counted)
        assert estimate["value"] == pytest.approx(by_design, abs=1e-6)
        truth = sum(asked[kind] for kind in right) / sum(asked[kind] for kind in counted)
        assert estimate["interval"]["low"] < truth < estimate["interval"]["high"], name
    assert figure_of_yes(measured, "recall")["interval"]["low"] > 0.3


def test_prevalence_is_that_of_all_pages_the_left_out_ones_too(measured):
    (yes,) = (row for row in chain(measured)["prevalence"]["labels"] if row["label"] == "yes")
    asked = sum(count for kind, count in PAGES.items() if kind not in UNKNOWN)
    truth = sum(count for kind, count in PAGES.items() if kind in POSITIVE - UNKNOWN) / asked
    assert chain(measured)["prevalence"]["records"] == asked
    assert yes["corrected"]["interval"]["low"] < truth < yes["corrected"]["interval"]["high"]


def test_each_positive_that_was_lost_is_put_down_to_the_step_that_lost_it(measured):
    kinds = Counter(kind_of(row["id"]) for row in measured.rows("waves/people/sample.jsonl"))
    steps = {(step["stage"], step["how"]): step for step in chain(measured)["lost"]["steps"]}
    assert {at: step["items"] for at, step in steps.items() if step["items"]} == {
        ("prefilter", "left out"): kinds["unkept"],
        ("extraction", "no items"): kinds["unextracted"],
        ("judge", "said no"): kinds["judged_away"],
        ("reasoning", "said no"): kinds["argued_away"],
        ("found", ""): kinds["found"] + kinds["rescued"],
    }
    assert sum(step["weighted"]["value"] for step in steps.values()) == pytest.approx(1, abs=1e-5)
    assert steps["found", ""]["weighted"] == figure_of_yes(measured, "recall")
    lost_by_filter = steps["prefilter", "left out"]["weighted"]
    assert lost_by_filter["interval"]["low"] < 12 / 50 < lost_by_filter["interval"]["high"]


def test_the_page_and_the_notes_say_what_was_left_out_and_what_could_not_be_drawn(measured):
    notes = " ".join(measured.json("evaluation/chain.json")["notes"])
    assert "162 of the 246 records that the wave was drawn from were left out by a filter" in notes
    assert "5 more records could not be drawn (skipped 5)" in notes
    page = measured.artifact("evaluation/chain.html").read_text()
    assert "Where positives were lost" in page and "has_dataset: no" in page
