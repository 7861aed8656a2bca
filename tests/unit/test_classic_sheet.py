"""The classic sheet, from the command line: read for what it is, and brought to a gold set."""

import csv
import io
import json
import re
import shlex

import pytest

from goldpan.cli import main
from goldpan.cli.plain_table_options import STRATEGIES

SHEET = """\
row_id,asin,keyword,title,llm_violates,llm_confidence,llm_reasoning,annotator_a_violates,annotator_a_reasoning,\
annotator_b_violates,annotator_b_reasoning,agreement,notes
1,B01,nike shoes,Shoe,1,0.9,names a brand,1,brand,1,brand,,
2,B02,red shoes,Shoe,0,0.8,plain,0,,0,,,
3,B03,adidas,Shoe,1,0.7,brand,1,brand,0,unclear,,hard
4,B04,"cup, big",Cup,0,0.9,plain,1,,0,,,
5,B05,mug,Mug,,,,0,,0,,,
6,B06,lamp,Lamp,1,0.6,,1,,1,,,
7,B07,desk,Desk,,,,1,,0,,,
"""
COLUMNS = SHEET.splitlines()[0].split(",")
LABELS = {
    "adjudicate": "1 0 - - 0 1 -",
    "majority": "1 0 1 0 0 1 -",
    "majority_llm": "1 0 1 0 0 1 -",
    "conservative": "1 0 - - 0 1 -",
    "annotator_a": "1 0 1 1 0 1 1",
    "annotator_b": "1 0 0 0 0 1 0",
}
"""The final label of each row by each strategy that goes with two annotators; `-` where there is none."""


@pytest.fixture
def sheet(tmp_path, monkeypatch):
    """The sheet as `sheet.csv` in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheet.csv").write_text(SHEET)
    return tmp_path / "sheet.csv"


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def run(command, capsys):
    assert main(shlex.split(command)) == 0
    return capsys.readouterr().out


def documented(project):
    """The four commands of docs/agreement.md."""
    page = (project / "docs" / "agreement.md").read_text(encoding="utf-8")
    block = re.search(r"from a sheet to a gold set in four commands:\n\n```sh\n(.*?)```", page, re.DOTALL)
    return [line.partition("#")[0].strip().removeprefix("goldpan ") for line in block[1].splitlines()]


@pytest.mark.parametrize("strategy", LABELS)
def test_four_commands_of_the_docs_lead_from_the_sheet_to_a_gold_set(sheet, strategy, project, capsys):
    agreement, merge, decide, gold = documented(project)
    assert "Cohen's kappa" in run(agreement, capsys)
    assert (sheet.parent / "agreement.html").is_file()

    run(merge.replace("adjudicate", strategy), capsys)
    merged, opened = sheet.parent / "merged.csv", sheet.parent / "open.csv"
    assert " ".join(row["final_label"] or "-" for row in rows(merged)) == LABELS[strategy]

    table = list(csv.reader(io.StringIO(opened.read_bytes().decode("utf-8-sig"), newline="")))
    place = table[0].index("final_label")
    for row in table[1:]:
        row[place] = "1"
    with opened.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(table)
    run(decide.replace("adjudicate", strategy), capsys)
    labels = LABELS[strategy].replace("-", "1").split()
    assert [row["final_label"] for row in rows(merged)] == labels

    run(gold, capsys)
    folder = sheet.parent / "gold"
    items = [
        json.loads(line) for name in ("train", "dev", "test") for line in (folder / f"{name}.jsonl").open()
    ]
    assert {item["item_id"]: item["labels"]["violates"] for item in items} == {
        str(number): int(label) for number, label in enumerate(labels, 1)
    }
    assert len(rows(folder / "gold.csv")) == 7
    card = (folder / "card.md").read_text()
    assert "Cohen's kappa" in card
    assert strategy.removesuffix("_llm") in card


def test_every_strategy_is_tried_and_the_one_for_three_is_refused(sheet, capsys):
    of_models = {name for name in STRATEGIES if name.startswith("dawid_skene")}
    assert {*LABELS, *of_models} == set(STRATEGIES)
    assert main(shlex.split("merge sheet.csv --strategy dawid_skene --out merged.csv")) == 1
    assert "needs at least 3 annotators" in capsys.readouterr().err
    assert not (sheet.parent / "merged.csv").exists()


def test_reasons_confidence_and_notes_are_no_features_and_are_named(sheet, capsys):
    report = json.loads(run("agreement sheet.csv --json", capsys))
    assert [feature["feature"] for feature in report["features"]] == ["violates"]
    for column in ("annotator_a_reasoning", "annotator_b_reasoning", "llm_confidence", "llm_reasoning"):
        assert f"`{column}`" in report["notes"][0]


def test_reasons_are_measured_where_they_are_named(sheet, capsys):
    columns = "--columns annotator_a_reasoning annotator_b_reasoning"
    report = json.loads(run(f"agreement sheet.csv {columns} --json", capsys))
    assert report["features"][0]["annotators"][0]["answered"] == 2


def test_merging_adds_columns_to_the_sheet_one_row_for_each_row(sheet, capsys):
    run("merge sheet.csv --strategy majority --out merged.csv", capsys)
    merged, before = rows(sheet.parent / "merged.csv"), rows(sheet)
    assert list(merged[0]) == [
        *COLUMNS,
        *("final_label", "resolution", "annotator_agreement", "llm_decided", "soft_label", "strategy"),
    ]
    assert [{name: row[name] for name in COLUMNS} for row in merged] == before
    assert [row["annotator_agreement"] for row in merged] == ["1", "1", "0", "0", "1", "1", "0"]
    assert [row["llm_decided"] for row in merged] == ["0", "0", "1", "1", "0", "0", "0"]


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("TRUE", "FALSE"), ("1.0", "0.0"), ("Y", "N")])
def test_however_yes_and_no_are_spelled_1_and_0_are_written(sheet, yes, no, capsys):
    spelled = [line.split(",") for line in SHEET.replace('"cup, big"', "cup").splitlines()]
    for line in spelled[1:]:
        line[7] = {"1": yes, "0": no}[line[7]]
    sheet.write_text("\n".join(map(",".join, spelled)))
    run("merge sheet.csv --strategy majority --out merged.csv", capsys)
    assert [row["final_label"] or "-" for row in rows(sheet.parent / "merged.csv")] == LABELS[
        "majority"
    ].split()


def test_cannot_tell_is_neither_yes_nor_no(sheet, capsys):
    sheet.write_text(SHEET.replace("1,,0,,,\n5", "(cannot tell),,0,,,\n5"))
    run("merge sheet.csv --strategy annotator_a --out merged.csv", capsys)
    row = rows(sheet.parent / "merged.csv")[3]
    assert (row["final_label"], json.loads(row["soft_label"])) == (
        "(cannot tell)",
        {"(cannot tell)": 0.5, "0": 0.5},
    )
    run("gold merged.csv --out gold", capsys)
    (line,) = [row for row in rows(sheet.parent / "gold" / "gold.csv") if row["item_id"] == "4"]
    assert line["label.violates"] == "(cannot tell)"


def test_json_lines_are_written_where_they_are_asked_for(sheet, capsys):
    run("merge sheet.csv --strategy majority --out merged.jsonl", capsys)
    merged = [json.loads(line) for line in (sheet.parent / "merged.jsonl").open()]
    assert [row["final_label"] for row in merged] == [1, 0, 1, 0, 0, 1, None]
    assert merged[3]["keyword"] == "cup, big"
    assert merged[3]["soft_label"] == {"0": 0.5, "1": 0.5}
    run("gold merged.jsonl --out gold", capsys)
    assert len(rows(sheet.parent / "gold" / "gold.csv")) == 6


def test_majority_of_two_asks_the_llm_and_says_so(sheet, capsys):
    said = run("merge sheet.csv --strategy majority --out merged.csv", capsys)
    assert "! violates: two annotators have no majority, so the LLM's answer decides" in said
    by_llm = run("merge sheet.csv --strategy majority_llm --out other.csv", capsys)
    assert "two annotators have no majority" not in by_llm
    assert "decided 2 of 7 rows" in said and "decided 2 of 7 rows" in by_llm
    assert "MOST rows" not in said
    assert (sheet.parent / "merged.csv").read_text() == (sheet.parent / "other.csv").read_text()


def test_a_column_of_the_llm_that_no_feature_takes_is_named(sheet, capsys):
    sheet.write_text(SHEET.replace("llm_violates", "llm_label"))
    said = run("agreement sheet.csv", capsys)
    assert "`llm_label`: no feature takes these answers of the LLM" in said
    assert main(shlex.split("merge sheet.csv --strategy majority --out merged.csv")) == 1
    capsys.readouterr()
    run("merge sheet.csv --strategy majority --llm llm_label --out merged.csv", capsys)
    assert rows(sheet.parent / "merged.csv")[2]["resolution"] == "majority_a_llm"


def test_a_column_in_whose_place_the_labels_would_stand_is_refused(sheet, capsys):
    sheet.write_text(SHEET.replace("agreement,notes", "agreement,final_label"))
    assert main(shlex.split("merge sheet.csv --out merged.csv")) == 1
    assert "rename that column" in capsys.readouterr().err


def test_a_list_on_which_somebody_has_decided_is_not_written_over(sheet, capsys):
    run("merge sheet.csv --out merged.csv --disagreements open.csv", capsys)
    opened = sheet.parent / "open.csv"
    filled = opened.read_text(encoding="utf-8-sig").replace(",1,0,,", ",1,0,1,")
    opened.write_text(filled)
    assert main(shlex.split("merge sheet.csv --out merged.csv --disagreements open.csv")) == 1
    assert "--decisions" in capsys.readouterr().err
    assert opened.read_text() == filled
