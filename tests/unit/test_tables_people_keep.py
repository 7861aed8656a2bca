"""Small tables as people keep them give the value that stands beside them, from the command line."""

import contextlib
import io
import json
from pathlib import Path

import pytest

from goldpan.cli import main

CASES = Path(__file__).parents[1] / "cases" / "tables"
EXPECTED = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))


def report(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["agreement", *map(str, arguments), "--json"]) == 0
    return json.loads(out.getvalue())


def test_every_case_has_a_value_and_every_value_a_case():
    assert {path.name for path in CASES.glob("*.csv")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_table_gives_the_value_that_stands_beside_it(name):
    (feature,) = report(CASES / name)["features"]
    expected = EXPECTED[name]
    if "kappa" in expected:
        kappa = next(found for found in feature["coefficients"] if found["name"] == "cohen_kappa")
        assert kappa["value"] == pytest.approx(expected["kappa"])
    if "items" in expected:
        assert feature["items"] == feature["paired_items"] == expected["items"]
    if "note" in expected:
        assert any("a spreadsheet turned into dates" in note for note in feature["notes"])
    if "or" in expected:
        assert any("is taken as" in note for note in feature["notes"])


@pytest.mark.parametrize("name", EXPECTED)
def test_merging_a_table_leaves_one_row_for_each_of_its_rows(name, tmp_path, capsys):
    out = tmp_path / "merged.jsonl"
    assert main(["merge", str(CASES / name), "--strategy", "conservative", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    (feature,) = report(CASES / name)["features"]
    assert len(rows) == feature["items"]
