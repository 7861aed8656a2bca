"""Which rows differ between two runs, and how."""

import csv
import io
from dataclasses import replace

import orjson
import pytest

from goldpan.cells import csv_text
from goldpan.cli import main
from goldpan.experiments.history import History
from goldpan.experiments.identity import run_id
from goldpan.experiments.run import FeatureMetrics, PromptTexts
from tests.recorded_runs import ROWS, a_run

HEAD = ["id", "state", "reason", "input.text", "expected.f", "answer.f", "right.f", "answer.note"]
LONG = "long " * 40_000
FIRST = [
    ["same", "ok", "", "=1+1", "yes", "yes", "yes", "n"],
    ["better", "ok", "", "two\nlines <b>", "yes", "no", "no", "n"],
    ["worse", "ok", "", LONG, "no", "no", "yes", "n"],
    ["failed", "ok", "", "text", "no", "no", "yes", "n"],
    ["note", "ok", "", "text", "no", "no", "yes", "n"],
    ["gold", "ok", "", "text", "no", "no", "yes", "n"],
    ["other", "ok", "", "text", "", "yes", "", "n"],
    ["gone", "ok", "", "text", "no", "no", "yes", "n"],
]
SECOND = [
    ["same", "ok", "", "=1+1", "yes", "yes", "yes", "n"],
    ["better", "ok", "", "two\nlines <b>", "yes", "yes", "yes", "n"],
    ["worse", "ok", "", LONG, "no", "yes", "no", "n"],
    ["failed", "failed", "timeout", "text", "no", "", "no", ""],
    ["note", "ok", "", "text", "no", "no", "yes", "changed"],
    ["gold", "ok", "", "text", "yes", "no", "no", "n"],
    ["other", "ok", "", "text", "", "no", "", "n"],
    ["new", "ok", "", "text", "no", "no", "yes", "n"],
]


@pytest.fixture
def compared(tmp_path):
    """Two recorded runs, and what the command says of them."""
    history = History(tmp_path / "runs")
    prompts = [PromptTexts("m1", "p2", None, "Say {{ data.text }}", [{"name": "f"}, {"name": "note"}])]
    first, second = (a_run(prompts=[replace(prompts[0], user="{{ data.text }}")]), a_run(prompt="p2"))
    second = replace(second, prompts=prompts, cost_usd=0.5)
    for run, rows in ((first, FIRST), (second, SECOND)):
        history.record(run, csv_text([HEAD, *rows]).encode("utf-8-sig"))
    return tmp_path, ["experiments", "compare", first.id, second.id, "--root", str(tmp_path)]


def test_rows_are_told_by_what_became_of_them(compared, capsys):
    _, command = compared
    assert main([*command, "--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert {row["id"]: row["changes"]["f"] for row in found["changed"]} == {
        "better": "better",
        "worse": "worse",
        "failed": "worse",
        "other": "in no count",
    }
    assert found["other_answers"] == ["note"]
    assert found["other_expected"] == ["gold"]
    assert (found["only_first"], found["only_second"]) == (["gone"], ["new"])
    (feature,) = found["features"]
    assert feature["rows"] == 5 and feature["right"] == [4, 3]
    assert feature["mcnemar"] == {"only_first_right": 2, "only_second_right": 1, "p_value": 1.0}
    assert found["cost_usd"] == [0.30000000000000004, 0.5]
    assert "-{{ data.text }}" in found["prompt_diff"] and "+Say {{ data.text }}" in found["prompt_diff"]


def test_the_text_and_the_page_show_the_same_rows(compared, capsys):
    root, command = compared
    page = root / "page.html"
    assert main([*command, "--html", str(page)]) == 0
    text = capsys.readouterr().out
    assert "right 4 -> 3 of 5 rows; 1 better, 2 worse, 0 changed otherwise;" in text
    assert "1 more changed in no count; McNemar exact p = 1" in text
    assert "failed  f: no -> (failed) (expected no): worse" in text
    assert "0.3000 -> 0.5000 USD (+0.2000)" in text
    html = page.read_text()
    assert all(f"<span>{name}</span>" in html for name in ("better", "worse", "failed", "other"))
    assert "<span>same</span>" not in html and "<span>note</span>" not in html
    assert "two\nlines &lt;b&gt;" in html
    assert "<ins>+Say {{ data.text }}\n</ins>" in html


def test_a_run_compared_with_itself_has_not_changed(compared, capsys):
    _, command = compared
    assert main([*command[:3], command[2], *command[4:]]) == 0
    text = capsys.readouterr().out
    assert "8 rows in both; 0 changed" in text and "the prompts are the same" in text


def test_a_table_that_was_changed_by_hand_is_not_compared(compared, capsys):
    root, command = compared
    path = root / "runs" / f"{command[2]}.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    rows[1][5] = "no"
    path.write_bytes(csv_text(rows).encode("utf-8-sig"))
    assert main(command) == 1
    assert f"{path}" in capsys.readouterr().err


def compared_texts(tmp_path, capsys, first, second, first_rows, second_rows):
    """What the command prints of two runs, what it says as JSON, and its page."""
    history = History(tmp_path / "runs")
    for run, rows in ((first, first_rows), (second, second_rows)):
        history.record(run, rows if isinstance(rows, bytes) else csv_text(rows).encode("utf-8-sig"))
    page = tmp_path / "page.html"
    command = ["experiments", "compare", first.id, second.id, "--root", str(tmp_path), "--html", str(page)]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    return text, orjson.loads(capsys.readouterr().out), page.read_text()


HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e<!-- </pre>"


def test_texts_that_are_markup_or_move_the_cursor_are_shown_as_text(tmp_path, capsys):
    identity = f"r'\"\x1b[31m{HOSTILE}"
    head = HEAD[:7]
    rows = [
        [identity, "ok", "", HOSTILE, "yes", answer, right]
        for answer, right in (("no", "no"), ("yes", "yes"))
    ]
    prompts = [PromptTexts("m1", "p2", None, f"{HOSTILE}\n\tend", [{"name": "f"}])]
    second = a_run(prompt="p2", prompts=prompts, model=HOSTILE)
    text, found, page = compared_texts(tmp_path, capsys, a_run(), second, [head, rows[0]], [head, rows[1]])
    assert found["features"][0]["better"] == [identity]
    assert all(line.isprintable() for line in text.splitlines()) and "1 better" in text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page and "<!-- " not in page


def test_rows_that_are_numbered_alike_but_ask_about_other_things_are_in_no_count(tmp_path, capsys):
    head = HEAD[:7]
    first = [head, ["r1", "ok", "", "a cat", "yes", "no", "no"], ["r2", "ok", "", "same", "yes", "no", "no"]]
    second = [
        head,
        ["r1", "ok", "", "a dog", "yes", "yes", "yes"],
        ["r2", "ok", "", "same", "yes", "yes", "yes"],
    ]
    other = a_run(prompt="p2", data_hash="other")
    text, found, page = compared_texts(tmp_path, capsys, a_run(), other, first, second)
    assert found["other_input"] == ["r1"]
    assert (found["features"][0]["rows"], found["features"][0]["better"]) == (1, ["r2"])
    for said in (text, page):
        assert "1 with another input in B, so in no count of better and worse: r1" in said
        assert "the data are not the same" in said


def test_a_field_or_metadata_that_were_added_make_no_other_rows(tmp_path, capsys):
    first = [HEAD[:7], ["r1", "ok", "", "a cat", "yes", "no", "no"]]
    head = [*HEAD[:4], "input.brand", "input.metadata.by", *HEAD[4:7], "before.m0.brand"]
    second = [head, ["r1", "ok", "", "a cat", "acme", "me", "yes", "yes", "yes", "b"]]
    _, found, _ = compared_texts(tmp_path, capsys, a_run(), a_run(prompt="p2"), first, second)
    assert found["other_input"] == [] and found["features"][0]["better"] == ["r1"]


def test_a_trial_beside_a_whole_run_is_said_to_be_one(tmp_path, capsys):
    head = HEAD[:7]
    rows = [[f"r{number}", "ok", "", "text", "yes", "yes", "yes"] for number in range(3)]
    whole, trial = a_run(records=3), a_run(prompt="p2", limit={"rows": 1})
    text, found, page = compared_texts(tmp_path, capsys, whole, trial, [head, *rows], [head, rows[0]])
    assert found["only_first"] == ["r1", "r2"]
    assert "cost: 0.3000 for 3 rows -> 0.3000 for 1 rows, in USD" in text
    for said in (text, page):
        assert "B is a trial: only the first 1 rows of rows" in said
        assert "the figures of A and B are each of its own rows" in said


def test_runs_without_a_common_row_or_feature_are_said_to_be_so(tmp_path, capsys):
    other = a_run("m2", metrics=[replace(a_run().metrics[0], feature="g")])
    other = replace(other, prompts=[PromptTexts("m2", "p1", None, "Say", [{"name": "g"}])])
    rows = ROWS.replace(b"r1", b"q1").replace(b".f", b".g")
    text, found, page = compared_texts(tmp_path, capsys, a_run(), other, ROWS, rows)
    assert found["rows"] == 0 and found["features"] == []
    for said in (text, page):
        assert "these are runs of two modules, m1 and m2" in said
        assert "the runs have no row in common: nothing is compared" in said
        assert "measured only in A: f" in said and "measured only in B: g" in said
    assert "Two runs of m1 and m2" in page


def test_prompt_versions_are_counted_as_in_lists_of_runs(tmp_path, capsys):
    later, earlier = a_run(prompt="p1"), a_run(prompt="p2", at="2025-01-01T00:00:00.000000Z")
    text, _, page = compared_texts(tmp_path, capsys, later, earlier, ROWS, ROWS)
    assert f"{later.id}: m1, prompt version 2" in text and f"{earlier.id}: m1, prompt version 1" in text
    assert "<td>2 (p1)</td>" in page


BINARY = {"name": "f", "type": "binary", "description": "d"}


def run_of(feature, figure, prompt="p1", **changed):
    """A run of one feature whose main figure is `figure`."""
    figures = [{"name": figure, "raw": {"value": 0.5, "interval": None, "reason": None}}]
    kind = changed.pop("kind", "nominal")
    metrics = [FeatureMetrics("f", feature["type"], kind, "m1", {"evaluated": 20}, figures, [], {})]
    prompts = [PromptTexts("m1", prompt, None, "u", [feature])]
    return replace(a_run(prompt=prompt), prompts=prompts, metrics=metrics, **changed)


def table(*rows):
    """(expected, answer, right) as rows of a run; no answer is a failure."""
    return [
        HEAD[:7],
        *(
            [f"r{n}", "ok" if answer else "failed", "", "t", expected, answer, right]
            for n, (expected, answer, right) in enumerate(rows)
        ),
    ]


def difference_of(found):
    (feature,) = found["features"]
    return feature["difference"]


def test_the_difference_of_the_figures_has_a_paired_interval(tmp_path, capsys):
    rows = [[("yes", "yes", "yes")] * 80 + [("yes", "no", "no")] * 20 for _ in range(2)]
    rows[1][:12] = [("yes", "no", "no")] * 12
    rows[1][80:82] = [("yes", "yes", "yes")] * 2
    runs = [run_of(BINARY, "accuracy", prompt) for prompt in ("p1", "p2")]
    text, found, page = compared_texts(tmp_path, capsys, *runs, *(table(*each) for each in rows))
    assert difference_of(found)["value"] == -0.1
    interval = difference_of(found)["interval"]
    # Of the same rows: narrower than of two samples of 100, where it holds 0.
    assert -0.2 < interval["low"] < -0.1 < interval["high"] < 0
    for said in (text, page):
        assert f"-0.10 [{interval['low']:+.2f}, {interval['high']:+.2f}]" in said


def test_the_difference_of_rankings_is_that_of_tau_while_the_test_is_of_whole_answers(tmp_path, capsys):
    ranking = {"name": "f", "type": "ranking", "description": "d", "items": ["a", "b", "c"]}
    runs = [run_of(ranking, "kendall_tau", prompt, kind="ranking") for prompt in ("p1", "p2")]
    rows = [[("a > b > c", answer, "no")] * 10 for answer in ("c > b > a", "b > a > c")]
    rows[1][0] = ("a > b > c", "", "no")
    text, found, _ = compared_texts(tmp_path, capsys, *runs, *(table(*each) for each in rows))
    # From -1 to 1/3, one failed: -1.
    assert difference_of(found)["value"] == pytest.approx((1 / 3 + 1) * 0.9, abs=1e-5)
    assert "McNemar exact p = 1 (of exactly right answers); B minus A +1.20 [" in text


def test_the_difference_of_sets_is_that_of_their_f1(tmp_path, capsys):
    sets = {"name": "f", "type": "multilabel", "description": "d", "labels": ["law", "tax"]}
    runs = [run_of(sets, "f1_micro", prompt, kind="set") for prompt in ("p1", "p2")]
    rows = [[("law; tax", "law", "no")] * 6, [("law; tax", "tax; law", "yes")] * 6]
    _, found, _ = compared_texts(tmp_path, capsys, *runs, *(table(*each) for each in rows))
    assert difference_of(found)["value"] == pytest.approx(1 - 2 / 3, abs=1e-5)


def test_the_difference_of_judged_texts_is_that_of_the_shares_judged_right(tmp_path, capsys):
    text = {"name": "f", "type": "text", "description": "d"}
    runs = [run_of(text, "judged_right", prompt, kind="judged") for prompt in ("p1", "p2")]
    rows = [[("", "a", "no")] * 8, [("", "b", "yes")] * 2 + [("", "b", "no")] * 6]
    _, found, _ = compared_texts(tmp_path, capsys, *runs, *(table(*each) for each in rows))
    assert difference_of(found)["value"] == 0.25


def test_where_rows_were_measured_in_another_way_no_difference_is_made_up(tmp_path, capsys):
    runs = [run_of(BINARY, "accuracy", prompt) for prompt in ("p1", "p2")]
    rows = [[("yes", "no", "yes")] * 6, [("yes", "yes", "yes")] * 6]
    text, found, _ = compared_texts(tmp_path, capsys, *runs, *(table(*each) for each in rows))
    assert difference_of(found)["value"] is None
    assert "B minus A not given: the rows of the runs were not measured as they would be now" in text


def in_groups_of_ten(expected, right):
    """The table of 100 rows about products p0 to p9, each product answered all rightly or all wrongly."""
    rows = [
        [f"r{n}", "ok", "", "t", f"p{n // 10}", expected, "yes" if right(n // 10) else "no"]
        for n in range(100)
    ]
    return [[*HEAD[:4], "input.metadata.product", *HEAD[4:7]], *([*row, row[-1]] for row in rows)]


def gold_of(run, **entry):
    """The run, as it was measured by an evaluation with this gold."""
    what = run.what | {"gold": [{"match": {}, **entry}]}
    return replace(run, what=what, id=run_id(what))


@pytest.mark.parametrize(
    ("feature", "figure", "kind", "expected", "fields"),
    [
        (BINARY, "accuracy", "nominal", "yes", {"f": "expected.f"}),
        ({"name": "f", "type": "text", "description": "d"}, "judged_right", "judged", "", {}),
    ],
)
def test_the_difference_is_of_groups_where_the_runs_were_measured_so(
    tmp_path, capsys, feature, figure, kind, expected, fields
):
    rights = (lambda product: product < 6, lambda product: product < 4 or product == 9)
    widths = []
    for gold in ({}, {"group": "metadata.product"}):
        runs = [
            gold_of(run_of(feature, figure, prompt, kind=kind), fields=fields, **gold)
            for prompt in ("p1", "p2")
        ]
        folder = tmp_path / str(len(gold))
        folder.mkdir()
        tables = (in_groups_of_ten(expected, right) for right in rights)
        _, found, _ = compared_texts(folder, capsys, *runs, *tables)
        interval = difference_of(found)["interval"]
        widths.append(interval["high"] - interval["low"])
    assert widths[1] > 2 * widths[0]


def test_runs_that_were_measured_in_other_groups_have_no_difference_and_it_is_said_why(tmp_path, capsys):
    first, second = (run_of(BINARY, "accuracy", prompt) for prompt in ("p1", "p2"))
    fields = {"f": "expected.f"}
    runs = (gold_of(first, fields=fields), gold_of(second, fields=fields, group="metadata.product"))
    rows = in_groups_of_ten("yes", lambda product: product < 6)
    text, found, _ = compared_texts(tmp_path, capsys, *runs, rows, rows)
    assert difference_of(found)["value"] is None
    assert "B minus A not given: the two runs do not have the same groups of rows" in text
