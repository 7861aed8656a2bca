"""Which rows differ between two runs, and how."""

import csv
import io
from dataclasses import replace

import orjson
import pytest

from goldpan.cells import csv_text
from goldpan.cli import main
from goldpan.experiments.history import History
from goldpan.experiments.run import PromptTexts
from tests.unit.test_experiments_history import a_run

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
        "other": "otherwise",
    }
    assert found["other_answers"] == ["note"]
    assert found["other_expected"] == ["gold"]
    assert (found["only_first"], found["only_second"]) == (["gone"], ["new"])
    (feature,) = found["features"]
    assert feature["rows"] == 5
    assert feature["mcnemar"] == {"only_first_right": 2, "only_second_right": 1, "p_value": 1.0}
    assert found["cost_usd"] == [0.30000000000000004, 0.5]
    assert "-{{ data.text }}" in found["prompt_diff"] and "+Say {{ data.text }}" in found["prompt_diff"]


def test_the_text_and_the_page_show_the_same_rows(compared, capsys):
    root, command = compared
    page = root / "page.html"
    assert main([*command, "--html", str(page)]) == 0
    text = capsys.readouterr().out
    assert "1 better, 2 worse, 1 changed otherwise; McNemar exact p = 1 (5 rows)" in text
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
