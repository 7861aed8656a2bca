"""Tables by group: counts, shares and means, and intervals as SciPy and statsmodels have them."""

import csv
import re

import pytest
from scipy import stats

from goldpan.chains.tables.groups import RowGroup
from goldpan.chains.tables.joined import ChainRow, StageResult
from goldpan.chains.tables.run import make_table
from goldpan.statistics.mean import RunningMean
from goldpan.tasks.features import Score
from tests.chain_builders import answered, chain_project, failed, loaded, record, skipped, write_stage

FIRST = {
    "task": "first",
    "features": [
        {"name": "yes", "type": "score", "min": 0, "max": 1, "description": "d"},
        {"name": "tone", "type": "classification", "description": "d", "labels": ["good", "bad"]},
    ],
}
SECOND = {
    "task": "second",
    "features": [
        {"name": "depth", "type": "score", "min": 0, "max": 3, "description": "d"},
        {"name": "real", "type": "binary", "description": "d"},
    ],
}
STAGES = {
    "first": {"input": {"source": "notes"}, "task": "first"},
    "second": {"input": {"stage": "first", "where": "yes == 1"}, "task": "second"},
}
# Company, answer of the first stage, tone, depth in the second.
ROWS = [
    ("A", 1, "good", 3),
    ("A", 1, "good", 1),
    ("A", 1, "bad", 2),
    ("A", 0, "bad", None),
    ("B & <b>", 0, "bad", None),
    ("B & <b>", None, None, None),
    (None, 1, "good", 2),
]


@pytest.fixture
def project(tmp_path):
    table = {"stage": "second", "by": "data.company", "format": ["csv", "jsonl"], "plot": True}
    tables = {
        "companies": table,
        "files": {"stage": "second", "by": ["data.fund", "file"], "format": "jsonl"},
        "chosen": {
            "stage": "second",
            "by": "data.company",
            "columns": ["answers.first.yes", "second.state", "line", "source"],
            "format": "jsonl",
        },
    }
    built = chain_project(tmp_path / "project", STAGES, tables, [FIRST, SECOND])
    first, second = [], []
    for at, (company, yes, tone, depth) in enumerate(ROWS):
        given = record(f"r{at}", data={"company": company, "fund": "F" if at == 0 else ""}, line=at + 1)
        if yes is None:
            first.append((given, failed()))
            second.append((given, skipped("upstream: stage first is failed for this record")))
            continue
        first.append((given, answered(yes=("score", yes), tone=("classification", tone))))
        if depth is None:
            second.append((given, skipped("filtered: not (yes == 1)")))
        else:
            second.append((given, answered(depth=("score", depth), real=("binary", depth > 1))))
    write_stage(built, "first", first)
    write_stage(built, "second", second)
    return built


def groups_of(project, table):
    make_table(loaded(project), table)
    rows = project.rows(f"tables/{table}.jsonl")
    return {next(iter(row.values())): row for row in rows}


def test_a_table_of_groups_may_choose_its_figures_and_show_what_its_rows_share(project):
    of_a = groups_of(project, "chosen")["A"]
    assert [name for name in of_a if name.endswith(".answers")] == ["first.yes.answers"]
    assert (of_a["line"], of_a["second.state"], of_a["source"]) == (None, None, "notes")


def test_every_row_is_in_one_group_those_without_a_value_in_one_of_their_own(project):
    groups = groups_of(project, "companies")
    assert {company: group["rows"] for company, group in groups.items()} == {"A": 4, "B & <b>": 2, None: 1}


def test_a_group_has_the_states_of_its_records_in_each_stage(project):
    groups = groups_of(project, "companies")
    states = ("records", "ok", "skipped", "failed")
    assert [groups["B & <b>"][f"first.{state}"] for state in states] == [2, 1, 0, 1]
    assert [groups["A"][f"second.{state}"] for state in (*states, "filtered")] == [4, 3, 1, 0, 1]


def test_the_share_that_filters_let_through_leaves_out_what_they_did_not_decide_on(project):
    groups = groups_of(project, "companies")
    assert groups["A"]["second.asked_share"] == 0.75
    # Of its two rows one failed before.
    assert groups["B & <b>"]["second.asked_share"] == 0
    assert "first.asked_share" not in groups["A"]


def test_a_mean_is_of_what_was_answered_with_the_interval_of_student_s_t(project):
    group = groups_of(project, "companies")["A"]
    low, high = stats.t.interval(0.95, 2, loc=2, scale=stats.sem([3, 1, 2]))
    assert (low, high) != (0, 3)
    assert group["second.depth.answers"] == 3
    assert group["second.depth.mean"] == 2
    assert group["second.depth.mean_low"] == pytest.approx(max(low, 0))
    assert group["second.depth.mean_high"] == 3 < high


def test_labels_are_counted_and_their_shares_have_wilson_s_interval(project):
    group = groups_of(project, "companies")["A"]
    between = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert (group["first.tone.good"], group["first.tone.bad"], group["first.tone.good.share"]) == (2, 2, 0.5)
    assert group["first.tone.good.share_low"] == pytest.approx(between.low)
    assert group["first.tone.good.share_high"] == pytest.approx(between.high)


def test_a_score_of_0_or_1_has_the_interval_of_a_share(project):
    group = groups_of(project, "companies")["A"]
    between = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert group["first.yes.mean"] == 0.75
    assert group["first.yes.mean_low"] == pytest.approx(between.low)


def test_one_answer_has_a_mean_and_no_interval(project):
    group = groups_of(project, "companies")[None]
    assert (group["second.depth.mean"], group["second.depth.mean_low"]) == (2, None)


def test_a_group_without_answers_has_no_figures(project):
    group = groups_of(project, "companies")["B & <b>"]
    assert (group["second.depth.answers"], group["second.depth.mean"], group["second.real.share"]) == (
        0,
        None,
        None,
    )


def test_of_several_columns_the_first_that_a_row_has_a_value_in_is_its_group(project):
    assert {value: group["rows"] for value, group in groups_of(project, "files").items()} == {
        "F": 1,
        "a.jsonl": 6,
    }


def test_all_groups_have_the_same_columns_in_csv_too(project):
    groups = groups_of(project, "companies")
    with project.artifact("tables/companies.csv").open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    assert header[:3] == ["company", "rows", "files"]
    assert {tuple(group) for group in groups.values()} == {tuple(header)}
    assert [row[0] for row in rows] == ["A", "B & <b>", ""]


def test_a_record_of_an_earlier_stage_counts_once_however_many_items_of_it_are_in_a_group():
    counts = RowGroup({"pages": []}, frozenset())
    for id_, parent in (("a", "p"), ("b", "p"), ("c", "q")):
        row = ChainRow(record(id_, parent=parent, item="x"))
        row.results["pages"] = StageResult(parent, "ok", None, None, {})
        counts.add(row)
    cells = counts.cells(with_items=True)
    assert (cells["rows"], cells["items"], cells["pages.records"]) == (3, 3, 2)


@pytest.mark.parametrize("scores", [[0, 1], [0, 3, 3, 2], [1.5, 1.25, 2.75] * 20])
def test_the_interval_of_a_mean_is_that_of_scipy(scores):
    mean = RunningMean()
    for score in scores:
        mean.add(score)
    expected = stats.t.interval(0.95, len(scores) - 1, loc=sum(scores) / len(scores), scale=stats.sem(scores))
    # A scale so narrow that what was not seen could not move the mean by more.
    interval = mean.interval(min(expected[0], *scores), max(expected[1], *scores))
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_one_score_that_differs_does_not_make_an_interval_narrower():
    alike, nearly = RunningMean(), RunningMean()
    for score in [0] * 29:
        alike.add(score)
        nearly.add(score)
    alike.add(0)
    nearly.add(1)
    assert nearly.interval(0, 3).high > alike.interval(0, 3).high


@pytest.mark.parametrize("count", [2, 10, 500])
def test_scores_that_are_all_alike_do_not_claim_to_be_sure(count):
    mean = RunningMean()
    for _ in range(count):
        mean.add(1)
    interval = mean.interval(0, 3)
    others = stats.binomtest(0, count).proportion_ci(method="exact").high
    assert interval.low == pytest.approx(1 - others)
    assert interval.high == pytest.approx(1 + 2 * others)


def test_the_page_escapes_names_needs_no_script_and_allows_none_but_that_which_copies(project):
    make_table(loaded(project), "companies")
    page = project.artifact("tables/companies.html").read_text(encoding="utf-8")
    assert "B &amp; &lt;b&gt;" in page and "B & <b>" not in re.sub(
        r"<script.*?</script>", "", page, flags=re.S
    )
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert "default-src &#39;none&#39;" in policy and "unsafe-inline" not in policy
    assert " style=" not in page and " onclick=" not in page
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)
    assert "<svg" in body and "0.750" in body


def test_each_picture_says_in_words_what_it_shows(project):
    make_table(loaded(project), "companies")
    page = project.artifact("tables/companies.html").read_text(encoding="utf-8")
    labels = re.findall(r'<svg[^>]* role="img" aria-label="([^"]+)"', page)
    assert len(labels) == page.count("<svg") == 4
    assert labels[2].startswith("second.depth.mean of A")
    assert "<title>A (3): 2.000, 95 % interval" in page


def test_the_same_files_give_the_same_page(project):
    make_table(loaded(project), "companies")
    before = project.artifact("tables/companies.html").read_bytes()
    make_table(loaded(project), "companies")
    assert project.artifact("tables/companies.html").read_bytes() == before


def test_a_table_by_group_without_rows_has_its_columns(project):
    write_stage(project, "first", [])
    write_stage(project, "second", [])
    make_table(loaded(project), "companies")
    with project.artifact("tables/companies.csv").open(encoding="utf-8") as handle:
        (header,) = csv.reader(handle)
    assert header[:2] == ["company", "rows"] and "second.depth.mean" in header


def test_a_score_knows_whether_it_is_a_share():
    counts = RowGroup({"s": [Score(name="x", type="score", description="d", min=0, max=2)]}, frozenset())
    row = ChainRow(record("a"))
    row.results["s"] = StageResult("a", "ok", None, None, {"x": 1})
    counts.add(row)
    ((_, figure, low, high),) = counts.figures()
    assert (figure.interval, low, high) == (None, 0, 2)
