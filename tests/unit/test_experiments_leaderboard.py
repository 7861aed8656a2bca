"""The leaderboard of a module: who stands where, what may be ranked together, and what its page shows."""

import re
from dataclasses import replace

import pytest

from goldpan.cells import csv_text
from goldpan.cli import main
from goldpan.errors import SourceError
from goldpan.experiments.history import LEADERBOARDS, History
from goldpan.experiments.leaderboard_page import leaderboard_page, page_name
from goldpan.experiments.rows import read_run_rows, right_of_rows
from goldpan.experiments.run import prompt_versions
from goldpan.experiments.standings import boards_of, standings_of
from tests.recorded_runs import ROWS, measured_run


def boards(*runs):
    return boards_of(list(standings_of(runs, prompt_versions(runs))))


def page_of(*runs):
    return leaderboard_page(runs, prompt_versions(runs))


def test_runs_are_ranked_by_their_value_and_equal_ones_share_a_place():
    runs = [measured_run(1, 0.6), measured_run(2, 0.9), measured_run(3, None), measured_run(4, 0.9)]
    (board,) = boards(*runs)
    ranked = board.ranked()
    assert [(of.place, of.number, of.standing.run.id) for of in ranked] == [
        *((1, 2, runs[1].id), (1, 4, runs[3].id), (3, 1, runs[0].id), (None, 3, runs[2].id)),
    ]


def rows_of_run(right):
    """The table of a run, from the ids of its rows to whether they are right."""
    head = ["id", "state", "reason", "input.text", "expected.f", "answer.f", "right.f"]
    rows = [[row, "ok", "", "t", "yes", is_right, is_right] for row, is_right in right.items()]
    return csv_text([head, *rows]).encode("utf-8-sig")


def test_runs_whose_intervals_overlap_are_told_apart_by_the_rows_that_only_one_has_right(tmp_path, capsys):
    history = History(tmp_path / "runs")
    yes = {f"r{n}": "yes" for n in range(100)}
    first, second = measured_run(1, 0.8), measured_run(2, 0.7)
    history.record(first, rows_of_run(yes | {f"r{n}": "no" for n in range(20)}))
    history.record(second, rows_of_run(yes | {f"r{n}": "no" for n in (*range(2, 20), *range(20, 32))}))
    history.record(measured_run(3, 0.6), rows_of_run({"r1": "yes"}))
    page = history.leaderboard_file("m1").read_text()
    cells = [re.sub("<.*?>", "", cell) for cell in re.findall(r"<td.*?</td>", page.split("<svg")[-1])]
    assert [cells[start + 5] for start in (0, 14, 28)] == ["–", "0.0129", "–"]
    assert "overlaps first" not in page.lower()
    assert main(["experiments", "leaderboard", "m1", "--root", str(tmp_path)]) == 0
    assert re.search(rf"{second.id} .* 0\.0129 ", capsys.readouterr().out)


def test_the_right_answers_of_a_table_are_those_that_its_rows_have(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(rows_of_run({"=1+1": "yes", "'=a": "no", "two\nlines": "yes", "not evaluated": ""}))
    features = ["f", "not measured"]
    rows = read_run_rows(path, features)
    assert right_of_rows(path, features) == {
        name: {row.id: row.right[name] for row in rows.values() if name in row.right} for name in features
    }
    assert list(right_of_rows(path, ["f"])["f"].values()) == [True, False, True]
    path.write_bytes(b"id,other")
    with pytest.raises(SourceError, match="is no table of the rows of a run"):
        right_of_rows(path, ["f"])


def test_a_history_reads_the_right_answers_of_a_table_once_and_sees_when_it_is_gone(tmp_path):
    history = History(tmp_path / "runs")
    run = history.record(measured_run(1, 0.7), rows_of_run({"r1": "yes"}))
    assert history.right_by_run()(run) is history.right_by_run()(run)
    history.rows_file(run.id).unlink()
    assert history.right_by_run()(run) == {}


def test_of_runs_that_stand_alone_on_their_boards_no_table_is_read():
    (board,) = boards(measured_run(1, 0.7))

    def right(run):
        raise AssertionError("is read")

    assert [ranked.p_against_first for ranked in board.ranked(right)] == [None]


def test_a_run_whose_rows_are_gone_is_ranked_and_not_tested(tmp_path):
    history = History(tmp_path / "runs")
    for number in (1, 2):
        history.record(measured_run(number, 0.6 + number / 10), rows_of_run({"r1": "yes"}))
    history.rows_file(measured_run(1, 0.7).id).unlink()
    history.rebuild()
    assert '<td class="number">–</td>' in history.leaderboard_file("m1").read_text()
    assert history.behind(history.read()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"data_hash": "other"},
        {"limit": {"rows": 5}},
        {"what": {"gold": [{"fields": {"f": "expected.other"}}]}},
    ],
    ids=["other data", "a trial", "other gold"],
)
def test_runs_that_were_not_asked_and_measured_alike_are_not_ranked_together(changed):
    runs = [measured_run(1, 0.6), measured_run(2, 0.9, **changed), measured_run(3, 0.7)]
    found = boards(*runs)
    assert sorted([[of.run.id for of in board.standings] for board in found], key=len) == [
        [runs[1].id],
        [runs[0].id, runs[2].id],
    ]
    assert "Figures of two parts cannot be compared" in page_of(*runs)


def test_a_drawn_sample_does_not_come_before_all_rows():
    small = measured_run(2, 0.9, data_hash="drawn")
    small = replace(small, metrics=[replace(small.metrics[0], items={"evaluated": 5})])
    assert [board.data_hash for board in boards(small, measured_run(1, 0.6))] == ["d", "drawn"]


def test_trials_come_after_whole_runs_and_are_called_so():
    runs = [measured_run(1, 0.6), measured_run(2, 0.9, limit={"rows": 5})]
    assert [bool(board.limit) for board in boards(*runs)] == [False, True]
    page = page_of(*runs)
    assert "1 of them trials" in page and "a trial: only the first 5 rows of rows" in page


def test_the_page_has_every_number_of_its_plots_in_a_table():
    runs = [measured_run(1, 0.612, cost_usd=0.02), measured_run(2, 0.9, cost_usd=None), measured_run(3, 0.4)]
    page = page_of(*runs)
    assert page.count("<svg") == 2 + 1  # two plots, and a mark in the legend
    rows = re.findall(r"<tr>(?:<td.*?)</tr>", page.split("<svg")[-1])
    cells = [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<td.*?</td>", row)] for row in rows]
    assert [row[:10] for row in cells] == [
        ["1", "2", "0.900 [0.800, 1.000]", "0.500", "A", "–", "not known", "2", "model-1", "40"],
        ["2", "1", "0.612 [0.512, 0.712]", "0.500", "D", "–", "0.020000", "1", "model-1", "40"],
        ["3", "3", "0.400 [0.300, 0.500]", "0.500", "F", "–", "0.300000", "3", "model-1", "40"],
    ]
    assert all(run.id in page and f"v{number}</text>" in page for number, run in enumerate(runs, 1))
    assert "Of 1 run the cost is not known." in page


def test_costs_of_zero_and_unknown_costs_make_no_plot_of_costs():
    zero = page_of(measured_run(1, 0.6, cost_usd=0.0))
    unknown = page_of(measured_run(1, 0.6, cost_usd=None))
    assert "All of these runs cost 0 USD" in zero and "Of no run is the cost known" in unknown
    assert zero.count("<svg") == unknown.count("<svg") == 2


def test_a_cost_of_zero_stands_beside_costs_that_lie_far_apart():
    costs = (0.0, 0.001, 0.4, 30.0)
    page = page_of(*(measured_run(at, at / 10, cost_usd=cost) for at, cost in enumerate(costs, 1)))
    ticks = re.findall(r'class="tick">([\d.e-]+)<', page.split("against cost in USD</title>")[1])
    assert ticks[6:] == ["0", "0.001", "0.01", "0.1", "1", "10", "100"]


def test_names_from_outside_cannot_break_the_page_or_leave_its_folder():
    run = measured_run(1, 0.6, model="<script>alert(1)</script>", study='"><img src=x>', name="</title><b>")
    page = page_of(run)
    assert "<script>alert" not in page and "<img" not in page and "</title><b>" not in page
    for name in ("../../etc/passwd", "", "a/b", ".hidden", "x" * 300, "m1\n"):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*-[0-9a-f]{8}\.html", page_name(name))
    assert page_name("shop.notes") == "shop.notes.html"


def test_the_page_is_made_with_each_run_and_asks_for_nothing_outside(tmp_path):
    history = History(tmp_path / "runs")
    for number in (1, 2):
        history.record(measured_run(number, 0.6), ROWS)
        page = (tmp_path / "runs" / LEADERBOARDS / "m1.html").read_text()
        assert f"{number} run" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_the_command_prints_the_ranking_and_says_where_the_page_is(tmp_path, capsys):
    history = History(tmp_path / "runs")
    for number, value in ((1, 0.6), (2, 0.9)):
        history.record(measured_run(number, value), ROWS)
    history.record(measured_run(3, 0.95, data_hash="other-data"), ROWS)
    command = ["experiments", "leaderboard", "--root", str(tmp_path)]
    assert main([*command, "m1", "--html", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out
    places = [line.split()[:2] for line in said.splitlines() if re.match(r"\s*\d ", line)]
    assert places == [
        ["1", measured_run(2, 0.9).id],
        ["2", measured_run(1, 0.6).id],
        ["1", measured_run(3, 0.95).id],
    ]
    assert "data other-da" in said and f"page: {tmp_path / 'page.html'}" in said
    assert (tmp_path / "page.html").read_bytes() == history.leaderboard_file("m1").read_bytes()
    assert main([*command, "--all"]) == 0
    assert capsys.readouterr().out == f"{history.leaderboard_file('m1')}\n"
    for wrong in ([], ["m1", "--all"], ["--all", "--html", "x.html"], ["m9"]):
        assert main([*command, *wrong]) == 1


def test_stats_say_on_which_data_each_run_was_made(tmp_path, capsys):
    history = History(tmp_path / "runs")
    history.record(measured_run(1, 0.6, data_hash="0123456789"), ROWS)
    assert main(["experiments", "stats", "m1", "--root", str(tmp_path)]) == 0
    assert " 01234567 " in capsys.readouterr().out
