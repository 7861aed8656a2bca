"""Two-step scoring with known answers: each score stands beside the paragraph it was given for."""

import csv
import hashlib
import random
import threading
from collections import Counter

import pytest

from goldpan.cells import restore
from goldpan.providers.engine import completion
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.projects import WorkflowProject, shipped_study

FILES = {"banks.csv": 400, "funds.csv": 350, "states.csv": 250}
COLUMNS = {
    "banks.csv": ["report", "page", "paragraph_text", "year"],
    "funds.csv": ["paragraph_text", "fund", "paragraph", "=remark"],
    "states.csv": ["id", "state", "paragraph_text"],
}
CLASSIFY, SCORE = "record_investment_activity", "record_assetization_features"
SHARD_ROWS = 500
# What CSV, JSONL and spreadsheets are apt to take for something else.
AWKWARD = [
    "=SUM(A1:A9) for {}",
    "two\nlines for {}",
    'the "{}", quoted',
    "a line\u2028separator {}",
    "-{} ha",
]


def paragraph(at: int) -> str:
    """The paragraph of a row: none for every 40th, the same as 20 rows before for every 50th."""
    if at % 40 == 7:
        return "" if at % 80 == 7 else "  \n "
    if at % 50 == 27:
        at -= 20
    subject = f"paragraph {at}"
    if at % 9 == 4:
        return AWKWARD[at % len(AWKWARD)].format(subject)
    return f"In {subject} the fund paid {at * 17 % 101} euros for wetland number {at}."


def known_scores(text: str) -> dict:
    """The right answers for a paragraph: a third of them pass the first step."""
    digest = hashlib.sha256(text.encode()).digest()
    scores = {
        "intrinsic_value": digest[1] % 4,
        "cash_flow": digest[2] % 4,
        "ownership_control": digest[3] % 4,
    }
    return {CLASSIFY: {"score": int(digest[0] % 3 == 0)}, SCORE: scores}


def explanation(text: str) -> str:
    return "because of " + hashlib.sha256(text.encode()).hexdigest()


def rows_of(name: str) -> list[list[str]]:
    """The rows of an input file; cells of other columns are what such files hold."""
    start = sum(list(FILES.values())[: list(FILES).index(name)])
    rows = []
    for at in range(start, start + FILES[name]):
        others = iter([f"report {at % 7}", str(at), "-1" if at % 2 else "@x"])
        rows.append(
            [paragraph(at) if column == "paragraph_text" else next(others) for column in COLUMNS[name]]
        )
    return rows


def write_input(project: WorkflowProject, name: str, rows: list[list[str]]) -> None:
    path = project.write(f"paragraphs/{name}", "")
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([COLUMNS[name], *rows])


def table(project: WorkflowProject, stage: str, name: str) -> list[dict[str, str]]:
    """The rows of an output table, with cells as they were before they were made safe for spreadsheets."""
    path = project.artifact(f"stages/{stage}/tables/paragraphs/{name}")
    with path.open(encoding="utf-8", newline="") as handle:
        return [{restore(key): restore(cell) for key, cell in row.items()} for row in csv.DictReader(handle)]


class Annotator:
    """Answers by the paragraph alone, and remembers what it was asked."""

    def __init__(self):
        self.asked: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body, custom_id):
        function = body["tool_choice"]["function"]["name"]
        text = body["messages"][-1]["content"]
        with self._lock:
            self.asked[function, text] += 1
        return completion(body, {"explanation": explanation(text), **known_scores(text)[function]}, custom_id)


@pytest.fixture(scope="module")
def annotator():
    return Annotator()


@pytest.fixture(scope="module")
def server(tmp_path_factory, annotator):
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, answerer=annotator, faults=FaultPlan.of({"fault": "shuffled"})) as running:
        yield running


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server):
    """The shipped study and tasks over 1,000 rows in three files, run to the end."""
    project, study = shipped_study(tmp_path_factory.mktemp("finished") / "project", "two_step")
    study["sources"]["paragraphs"]["files"] = "paragraphs/*.csv"
    study["providers"]["openai"] = {"kind": "openai", "base_url": server.base_url}
    for stage in study["stages"].values():
        stage.update(poll={"first": 0.1, "longest": 0.5}, limits={"requests": SHARD_ROWS})
    project.write_study(study)
    for name in FILES:
        write_input(project, name, rows_of(name))
    project.run()
    return project


def passing() -> set[str]:
    texts = {paragraph(at) for at in range(1000)}
    return {text for text in texts if text.strip() and known_scores(text)[CLASSIFY]["score"] == 1}


def wrong_scores(project: WorkflowProject) -> list[tuple[str, str, str]]:
    """(stage, file, record) of every row whose scores are not those of the paragraph beside them."""
    wrong = []
    for stage, function in (("relevance", CLASSIFY), ("assetization", SCORE)):
        for name in FILES:
            for row in table(project, stage, name):
                text = row["paragraph_text"]
                expected = {"explanation": "", **dict.fromkeys(known_scores(text)[function], "")}
                if text in passing() or (stage == "relevance" and text.strip()):
                    expected = {"explanation": explanation(text), **known_scores(text)[function]}
                if {key: row[key] for key in expected} != {key: str(cell) for key, cell in expected.items()}:
                    wrong.append((stage, name, row["record_id"]))
    return wrong


def test_no_score_stands_beside_a_wrong_paragraph(finished):
    assert wrong_scores(finished) == []


@pytest.mark.parametrize("stage", ["relevance", "assetization"])
@pytest.mark.parametrize("name", FILES)
def test_each_table_has_every_row_of_its_file_once_with_its_columns(name, stage, finished):
    rows = table(finished, stage, name)
    assert [[row[column] for column in COLUMNS[name]] for row in rows] == rows_of(name)
    assert {row["source_file"] for row in rows} == {name}
    assert len({row["record_id"] for row in rows}) == FILES[name]


def test_a_third_passes_and_the_second_task_is_asked_of_exactly_those(finished, annotator):
    asked = {text for function, text in annotator.asked if function == SCORE}
    assert asked == passing()
    assert 280 < len(asked) < 380


def test_each_text_is_asked_once_though_some_stand_in_several_rows(finished, annotator):
    assert set(annotator.asked.values()) == {1}
    texts = [text for at in range(1000) if (text := paragraph(at)).strip()]
    asked = [text for function, text in annotator.asked if function == CLASSIFY]
    assert sorted(asked) == sorted(set(texts))
    assert len(asked) < len(texts)
    plan = finished.json("stages/relevance/round1/requests/plan.json")
    assert plan["requests"]["shared"] == len(texts) - len(asked)
    assert len(plan["shards"]) == -(-len(asked) // SHARD_ROWS)


def test_the_counts_say_what_became_of_every_row(finished):
    texts = [paragraph(at) for at in range(1000)]
    blank = sum(not text.strip() for text in texts)
    passed = sum(text in passing() for text in texts)
    first = finished.json("stages/relevance/summary.json")
    second = finished.json("stages/assetization/summary.json")
    assert first["records"] == second["records"] == 1000
    assert {state: n for state, n in first["states"].items() if n} == {"ok": 1000 - blank, "skipped": blank}
    assert first["reasons"] == {"skipped": {"blank": blank}}
    assert {state: n for state, n in second["states"].items() if n} == {
        "ok": passed,
        "skipped": 1000 - passed,
    }
    assert second["reasons"] == {"skipped": {"filtered": 1000 - blank - passed, "blank": blank}}
    assert first["labels"]["score"] == {"0": 1000 - blank - passed, "1": passed}


def test_a_filtered_row_says_why_it_has_no_scores(finished):
    rows = {row["record_id"]: row for row in table(finished, "assetization", "banks.csv")}
    for first in table(finished, "relevance", "banks.csv"):
        if first["score"] == "0":
            row = rows[first["record_id"]]
            assert (row["state"], row["reason"]) == ("skipped", "filtered: not (score == 1)")


def test_rows_reordered_and_removed_pay_nothing_and_the_others_keep_their_scores(
    finished, annotator, tmp_path
):
    project = finished.copy(tmp_path / "project")
    before, asked = project.paid(), annotator.asked.total()
    kept = {name: rows_of(name) for name in FILES}
    kept["funds.csv"] = kept["funds.csv"][::-3]
    for name, rows in kept.items():
        random.Random(name).shuffle(rows)
        write_input(project, name, rows)
    project.run()
    assert project.paid() == before
    assert annotator.asked.total() == asked
    assert wrong_scores(project) == []
    assert len(table(project, "relevance", "funds.csv")) == len(kept["funds.csv"])
    order = [row["paragraph_text"] for row in table(project, "assetization", "banks.csv")]
    assert order != [row["paragraph_text"] for row in table(finished, "assetization", "banks.csv")]
