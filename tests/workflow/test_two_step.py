"""Two-step scoring with known answers: each score stands beside the paragraph it was given for."""

import csv
import hashlib
import random
import threading
from collections import Counter

import pytest
from scipy import stats

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
SHARD_ROWS = 300
ASKED = ("relevance", "assetization")
# What CSV, JSONL and spreadsheets are apt to take for something else; the second and the last not of nature.
AWKWARD = [
    "=SUM(A1:A9) for the forest of {}",
    "two\nlines for {}",
    'the "{}", quoted by a river',
    "a lake\u2028separator {}",
    "-{} ha of Wald",
    "+{} per cent",
]


def paragraph(at: int) -> str:
    """The paragraph of a row: none for every 40th, for every 25th the same as 20 rows before, half of these
    with other spaces; some hold no word of nature."""
    if at % 40 == 7:
        return "" if at % 80 == 7 else "  \n "
    if at % 50 == 27:
        at -= 20
    if at % 50 == 31:
        return f"  {paragraph(at - 20).replace(' ', '  ', 2)}\u00a0"
    subject = f"paragraph {at}"
    if at % 9 == 4:
        return AWKWARD[at % len(AWKWARD)].format(subject)
    thing = "desk" if at % 7 == 5 else "wetland"
    return f"In {subject} the fund paid {at * 17 % 101} euros for {thing} number {at}."


def same(text: str) -> str:
    """What texts have in common that are asked once."""
    return " ".join(text.split())


def is_of_nature(text: str) -> bool:
    return any(word in text for word in ("wetland", "forest", "river", "lake", "Wald"))


def digest_of(text: str) -> bytes:
    return hashlib.sha256(same(text).encode()).digest()


def known_scores(text: str) -> dict:
    """The right answers for a paragraph: a third of them pass the first step."""
    digest = digest_of(text)
    scores = {
        "intrinsic_value": digest[1] % 4,
        "cash_flow": digest[2] % 4,
        "ownership_control": digest[3] % 4,
    }
    return {CLASSIFY: {"score": int(digest[0] % 3 == 0)}, SCORE: scores}


def fate(text: str, function: str) -> str:
    """What becomes of a request: most are answered at once, some refused or cut off, some at first wrong."""
    number = digest_of(text)[4 if function == CLASSIFY else 5]
    return {0: "refused", 1: "refused", 2: "truncated", 3: "truncated", 4: "wrong", 5: "wrong"}.get(
        number % 50, "ok"
    )


def explanation(text: str) -> str:
    return "because of " + hashlib.sha256(same(text).encode()).hexdigest()


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
            self.asked[function, same(text)] += 1
            is_first = self.asked[function, same(text)] == 1
        becomes = fate(text, function)
        scores = known_scores(text)[function]
        if becomes == "wrong" and is_first:
            scores = dict.fromkeys(scores, 9)
        made = completion(body, {"explanation": explanation(text), **scores}, custom_id)
        if becomes == "refused":
            made["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I will not."}
        if becomes == "truncated":
            (call,) = made["choices"][0]["message"]["tool_calls"]
            call["function"]["arguments"] = call["function"]["arguments"][:20]
            made["choices"][0]["finish_reason"] = "length"
        return made


@pytest.fixture(scope="module")
def annotator():
    return Annotator()


@pytest.fixture(scope="module")
def server(tmp_path_factory, annotator):
    folder = tmp_path_factory.mktemp("server")
    faults = FaultPlan.of({"fault": "shuffled"}, {"fault": "expired", "batches": [1], "after": 150})
    with running_server(folder, answerer=annotator, faults=faults) as running:
        yield running


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server):
    """The shipped study and tasks over 1,000 rows in three files, run to the end."""
    project, study = shipped_study(tmp_path_factory.mktemp("finished") / "project", "two_step")
    study["sources"]["paragraphs"]["files"] = "paragraphs/*.csv"
    del study["sources"]["reports"]
    study["stages"]["nature"]["input"]["source"] = "paragraphs"
    study["providers"]["annotator"] = {"kind": "openai", "base_url": server.base_url}
    for stage in ASKED:
        study["stages"][stage].update(
            poll={"first": 0.1, "longest": 0.5},
            limits={"requests": SHARD_ROWS},
            price_usd_per_million=[1.0, 4.0],
        )
    study["tables"]["companies"]["by"] = "file"
    study["tables"]["companies"]["format"] = "jsonl"
    project.write_study(study)
    for name in FILES:
        write_input(project, name, rows_of(name))
    project.run()
    return project


def becomes(text: str) -> dict[str, tuple[str, str | None]]:
    """Stage -> (state, code of a skip) of a paragraph, by what is known of it."""
    if not text.strip():
        return dict.fromkeys(("nature", *ASKED), ("skipped", "blank"))
    left_out = ("skipped", "filtered")
    if not is_of_nature(text):
        return {"nature": ("ok", None), **dict.fromkeys(ASKED, left_out)}
    first = fate(text, CLASSIFY)
    if first in ("refused", "truncated"):
        return {"nature": ("ok", None), "relevance": (first, None), "assetization": ("skipped", "upstream")}
    states = {"nature": ("ok", None), "relevance": ("ok", None), "assetization": left_out}
    if known_scores(text)[CLASSIFY]["score"] == 1:
        second = fate(text, SCORE)
        states["assetization"] = (second, None) if second in ("refused", "truncated") else ("ok", None)
    return states


def answers(text: str) -> dict[str, dict]:
    """Stage -> what it answered; nothing unless it is ok."""
    functions = {"relevance": CLASSIFY, "assetization": SCORE}
    return {
        stage: {"explanation": explanation(text), **known_scores(text)[function]}
        if becomes(text)[stage][0] == "ok"
        else dict.fromkeys(["explanation", *known_scores(text)[function]])
        for stage, function in functions.items()
    }


def texts_of(*names: str) -> list[str]:
    """The paragraphs of some input files; of all without a name."""
    return [row[COLUMNS[name].index("paragraph_text")] for name in names or FILES for row in rows_of(name)]


def wrong_scores(project: WorkflowProject) -> list[tuple[str, str, str]]:
    """(stage, file, record) of every row whose scores are not those of the paragraph beside them."""
    wrong = []
    for stage in ASKED:
        for name in FILES:
            for row in table(project, stage, name):
                expected = answers(row["paragraph_text"])[stage]
                shown = {key: "" if value is None else str(value) for key, value in expected.items()}
                if {key: row[key] for key in expected} != shown:
                    wrong.append((stage, name, row["record_id"]))
    return wrong


def expected_rows(files: dict[str, list[list[str]]]) -> list[dict]:
    """The rows of the combined table as they must be, but for what names and prices only a run knows."""
    expected = []
    for name, rows in files.items():
        for line, row in enumerate(rows):
            data = dict(zip(COLUMNS[name], row, strict=True))
            text = data["paragraph_text"]
            row_expected = {"file": name, "row": line, "data": data}
            for stage, (state, code) in becomes(text).items():
                row_expected[stage] = (state, code)
            row_expected["nature.kept"] = is_of_nature(text) if text.strip() else None
            for stage, answer in answers(text).items():
                row_expected |= {f"{stage}.{feature}": value for feature, value in answer.items()}
            expected.append(row_expected)
    return expected


def combined_rows(project: WorkflowProject) -> list[dict]:
    """The rows of the combined table, in the form of `expected_rows`."""
    found, lines = [], Counter()
    for row in project.rows("tables/paragraphs.jsonl"):
        name = row["file"]
        # A column of the input that is called as one of ours has its whole name.
        data = {column: row.get(f"data.{column}", row.get(column)) for column in COLUMNS[name]}
        made = {"file": name, "row": lines[name], "data": data, "nature.kept": row["nature.kept"]}
        lines[name] += 1
        for stage in ("nature", *ASKED):
            reason = row[f"{stage}.reason"]
            state = row[f"{stage}.state"]
            made[stage] = (state, reason.partition(":")[0] if state == "skipped" else None)
        for stage, answer in answers("").items():
            made |= {f"{stage}.{feature}": row[f"{stage}.{feature}"] for feature in answer}
        found.append(made)
    return found


def test_no_score_stands_beside_a_wrong_paragraph(finished):
    assert wrong_scores(finished) == []


@pytest.mark.parametrize("stage", ["relevance", "assetization"])
@pytest.mark.parametrize("name", FILES)
def test_each_table_has_every_row_of_its_file_once_with_its_columns(name, stage, finished):
    rows = table(finished, stage, name)
    assert [[row[column] for column in COLUMNS[name]] for row in rows] == rows_of(name)
    assert {row["source_file"] for row in rows} == {name}
    assert len({row["record_id"] for row in rows}) == FILES[name]


def test_the_combined_table_equals_what_is_known_of_every_paragraph(finished):
    found, expected = combined_rows(finished), expected_rows({name: rows_of(name) for name in FILES})
    assert len(found) == 1000
    assert [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]] == []


def test_all_ways_in_which_a_paragraph_ends_occur(finished):
    ends = {tuple(becomes(text).values()) for text in texts_of()}
    assert len(ends) == 8


def test_the_costs_of_the_combined_table_add_up_to_those_of_the_stages(finished):
    rows = finished.rows("tables/paragraphs.jsonl")
    for stage in ASKED:
        cost = finished.json(f"stages/{stage}/summary.json")["cost_usd"]
        assert cost > 0
        assert sum(row[f"{stage}.cost_usd"] for row in rows) == pytest.approx(cost, abs=1e-5)


def test_each_file_has_its_counts_and_the_mean_of_its_scores_with_an_interval(finished):
    for group in finished.rows("tables/companies.jsonl"):
        texts = texts_of(group["file"])
        ok = [text for text in texts if becomes(text)["assetization"][0] == "ok"]
        flows = [known_scores(text)[SCORE]["cash_flow"] for text in ok]
        assert (group["rows"], group["assetization.ok"]) == (len(texts), len(ok))
        assert group["assetization.cash_flow.mean"] == pytest.approx(sum(flows) / len(flows))
        half = stats.t.ppf(0.975, len(flows) - 1) * stats.sem(flows)
        assert group["assetization.cash_flow.mean_high"] == pytest.approx(sum(flows) / len(flows) + half)
    assert finished.artifact("tables/companies.html").read_text(encoding="utf-8").count("<svg") >= 4


def test_the_second_task_is_asked_of_exactly_those_that_passed_the_first(finished, annotator):
    asked = {text for function, text in annotator.asked if function == SCORE}
    texts = texts_of()
    passed = {same(text) for text in texts if answers(text)["relevance"]["score"] == 1}
    assert asked == passed
    assert 150 < len(asked) < 350


def test_what_the_filter_leaves_out_is_asked_of_nobody(finished, annotator):
    assert not [text for _, text in annotator.asked if not is_of_nature(text)]


def test_each_text_is_asked_once_though_some_stand_in_several_rows_or_in_other_spaces(finished, annotator):
    texts = texts_of()
    of_nature = [text for text in texts if text.strip() and is_of_nature(text)]
    asked = [text for function, text in annotator.asked if function == CLASSIFY]
    assert sorted(asked) == sorted(set(map(same, of_nature)))
    assert len(set(of_nature)) > len(asked)
    plan = finished.json("stages/relevance/round1/requests/plan.json")
    assert plan["requests"]["asked"] == len(asked)
    assert plan["requests"]["shared"] == len(of_nature) - len(asked)


def test_the_counts_say_what_became_of_every_row(finished):
    texts = texts_of()
    for stage in ("nature", *ASKED):
        summary = finished.json(f"stages/{stage}/summary.json")
        states = Counter(becomes(text)[stage][0] for text in texts)
        reasons = Counter(becomes(text)[stage][1] for text in texts if becomes(text)[stage][0] == "skipped")
        assert summary["records"] == 1000
        assert {state: count for state, count in summary["states"].items() if count} == states
        assert summary["reasons"]["skipped"] == reasons


def test_a_filtered_row_says_why_it_has_no_scores(finished):
    rows = {row["record_id"]: row for row in table(finished, "assetization", "banks.csv")}
    filtered = [
        row
        for row in table(finished, "relevance", "banks.csv")
        if (row["score"], row["state"]) == ("0", "ok")
    ]
    assert filtered
    for first in filtered:
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
    found, expected = combined_rows(project), expected_rows(kept)
    assert [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]] == []
    assert len(table(project, "relevance", "funds.csv")) == len(kept["funds.csv"])
    order = [row["paragraph_text"] for row in table(project, "assetization", "banks.csv")]
    assert order != [row["paragraph_text"] for row in table(finished, "assetization", "banks.csv")]


def test_an_edited_paragraph_is_asked_alone_and_its_scores_stand_beside_it(finished, annotator, tmp_path):
    project = finished.copy(tmp_path / "project")
    kept = {name: rows_of(name) for name in FILES}
    edited = next(row for row in kept["banks.csv"] if answers(row[2])["relevance"]["score"] == 1)
    edited[2] = "A new paragraph on the river bank that nobody has asked about."
    write_input(project, "banks.csv", kept["banks.csv"])
    before = set(annotator.asked)
    project.run()
    assert {text for _, text in set(annotator.asked) - before} == {edited[2]}
    found, expected = combined_rows(project), expected_rows(kept)
    assert [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]] == []
