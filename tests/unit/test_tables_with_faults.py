"""Plain tables with faults that people make: each is told, and none is passed over in silence."""

import csv
import io
import json

import pytest
from openpyxl import Workbook

WIDE = "id,annotator_a,annotator_b\n1,x,x\n2,x,y\n3,y,y\n"


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_an_empty_column_is_no_third_annotator(folder, run):
    (folder / "t.csv").write_text(
        "row_id,annotator_a,annotator_b,annotator_c,llm\n1,1,1,,1\n2,1,0,,1\n3,0,1,,0\n4,0,0,,0\n"
    )
    _, said, _ = run("agreement t.csv")
    assert "Cohen's kappa" in said
    assert "annotator `c` has no answers" in said
    _, said, _ = run("merge t.csv --strategy majority --out m.csv")
    assert "annotator `c` has no answers" in said
    assert [row["final_label"] for row in rows(folder / "m.csv")] == ["1", "1", "0", "0"]
    assert run("gold m.csv --out gold")[0] == 0
    assert "2: a, b" in (folder / "gold" / "card.md").read_text()


def test_a_feature_has_the_annotators_who_answer_it(folder, run):
    (folder / "t.csv").write_text(
        "row_id,annotator_a_tox,annotator_b_tox,llm_tox,annotator_a_tone,annotator_b_tone,annotator_c_tone\n"
        "1,1,0,1,x,y,y\n2,0,0,0,x,x,y\n"
    )
    features = json.loads(run("agreement t.csv --json")[1])["features"]
    assert [len(feature["annotators"]) for feature in features] == [2, 3]
    _, said, _ = run("merge t.csv --strategy majority --out m.csv")
    assert "has no answers" not in said
    assert [row["final_label_tox"] for row in rows(folder / "m.csv")] == ["1", "0"]
    assert [row["final_label_tone"] for row in rows(folder / "m.csv")] == ["y", "x"]


def test_the_strategy_of_one_annotator_counts_columns_also_an_empty_one(folder, run):
    (folder / "t.csv").write_text("id,annotator_a,annotator_b,annotator_c\n1,,x,y\n2,,x,x\n")
    run("merge t.csv --strategy annotator_a --out m.csv")
    assert [row["resolution"] for row in rows(folder / "m.csv")] == ["needs_review", "agreement"]


def fill_in(path, item, label):
    """Fill in a decision as a person does; all else on the list stays."""
    text = path.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    place = lines[0].split(",").index("final_label")
    (number,) = (number for number, line in enumerate(lines) if line.startswith(f"{item},"))
    cells = lines[number].split(",")
    cells[place] = label
    lines[number] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


def test_the_list_of_a_batch_grows_and_keeps_what_is_filled_in(folder, run):
    (folder / "s").mkdir()
    table, listed = folder / "s" / "one.csv", folder / "r" / "one" / "disagreements.csv"
    table.write_text(WIDE + "4,y,x\n")
    run("tables batch s --out r")
    fill_in(listed, 2, "y")
    text = listed.read_text()
    listed.write_text(text.replace("4,label,y,x,,,,", "4,label,y,x,,,ask her,"))
    table.write_text(table.read_text() + "7,x,y\n")
    assert run("tables batch s --out r")[0] == 0
    assert [(row["item_id"], row["final_label"], row["notes"]) for row in rows(listed)] == [
        ("2", "y", ""),
        ("4", "", "ask her"),
        ("7", "", ""),
    ]
    fill_in(listed, 4, "x")
    fill_in(listed, 7, "x")
    before = listed.read_bytes()
    run("tables batch s --out r")
    assert [row["to decide"] for row in rows(folder / "r" / "summary.csv")] == ["0"]
    assert listed.read_bytes() == before


def test_a_note_alone_on_the_list_of_a_batch_is_not_lost(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("tables batch one.csv --out r")
    listed = folder / "r" / "one" / "disagreements.csv"
    listed.write_text(listed.read_text().replace("2,label,x,y,,,,", "2,label,x,y,,,ask her,"))
    run("tables batch one.csv --out r")
    assert [row["notes"] for row in rows(listed)] == ["ask her"]


def decided(folder, run, label="x"):
    (folder / "t.csv").write_text(WIDE)
    run("merge t.csv --out m.csv --disagreements d.csv")
    fill_in(folder / "d.csv", 2, label)
    return folder / "d.csv"


def test_two_decisions_that_contradict_each_other_are_refused_with_both_rows(folder, run):
    listed = decided(folder, run)
    line = listed.read_text().splitlines()[1]
    listed.write_text(listed.read_text() + line + "\n")
    assert run("merge t.csv --out m.csv --decisions d.csv")[0] == 0
    listed.write_text(listed.read_text() + line.replace(",x,y,x,", ",x,y,y,") + "\n")
    code, _, said = run("merge t.csv --out m2.csv --decisions d.csv")
    assert code != 0
    assert "d.csv, row 4" in said
    assert "in row 3" in said
    assert not (folder / "m2.csv").exists()


def test_a_decision_on_answers_that_have_changed_holds_and_is_named(folder, run):
    decided(folder, run)
    assert "were others" not in run("merge t.csv --out m.csv --decisions d.csv")[1]
    (folder / "t.csv").write_text(WIDE.replace("2,x,y", "2,y,y"))
    _, said, _ = run("merge t.csv --out m.csv --decisions d.csv")
    assert "item `2` (a: x, b: y; now a: y, b: y)" in said
    assert rows(folder / "m.csv")[1]["resolution"] == "adjudicated"


def test_a_decision_with_a_label_that_nobody_gave_is_named_with_the_nearest(folder, run):
    decided(folder, run, "yy")
    _, said, _ = run("merge t.csv --out m.csv --decisions d.csv")
    assert "`yy` (item `2`; did you mean `y`?)" in said
    decided(folder, run, "Y")
    assert "nobody" not in run("merge t.csv --out m.csv --decisions d.csv")[1]


def test_a_batch_says_what_it_says_of_decisions(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("tables batch one.csv --out r")
    fill_in(folder / "r" / "one" / "disagreements.csv", 2, "yy")
    assert "! one.csv: label: decided with a label that nobody gave" in run("tables batch one.csv --out r")[2]


def changed_by_hand(folder, old, new):
    text = (folder / "m.csv").read_text()
    assert text.count(old) == 1
    (folder / "m.csv").write_text(text.replace(old, new))


def gold_items(folder):
    lines = [line for name in ("train", "dev", "test") for line in (folder / f"{name}.jsonl").open()]
    return {item["item_id"]: item for item in map(json.loads, lines)}


def test_a_label_that_was_changed_by_hand_is_adjudicated_and_named(folder, run):
    (folder / "t.csv").write_text(WIDE)
    run("merge t.csv --out m.csv --strategy annotator_b")
    assert "by hand" not in run("gold m.csv --out gold")[1]
    changed_by_hand(folder, "1,x,x,x,", "1,x,x,xx,")
    changed_by_hand(folder, "2,x,y,y,", "2,x,y,x,")
    code, said, _ = run("gold m.csv --out gold")
    assert code == 0
    assert (
        "m.csv, item `1` (`xx`; `agreement` gives `x`), m.csv, item `2` (`x`; `annotator_b` gives `y`)"
        in said
    )
    assert "labels were set by hand in the merged table" in (folder / "gold" / "card.md").read_text()
    items = gold_items(folder / "gold")
    assert items["1"]["resolutions"] == items["2"]["resolutions"] == {"label": "adjudicated"}
    assert [items[item]["soft_labels"]["label"] for item in "123"] == [{"xx": 1.0}, {"x": 1.0}, {"y": 1.0}]
    assert json.loads(run("gold m.csv --out gold --json")[1])["tables"][0]["notes"]


@pytest.mark.parametrize("strategy", ["majority", "majority_llm", "annotator_a", "dawid_skene", "adjudicate"])
@pytest.mark.parametrize(
    ("yes", "no"), [("yes", "no"), ("Y", "N"), ("TRUE", "FALSE"), ("1,5", "2"), ("(cannot tell)", "x")]
)
def test_labels_as_merge_wrote_them_are_not_set_by_hand(folder, run, strategy, yes, no):
    third = "annotator_c" if strategy == "dawid_skene" else "llm"
    line = "{},{},{},{}".format
    pairs = [(yes, yes, yes), (yes, no, no), (no, no, yes), (no, yes, yes), (no, "", yes), (yes, yes, no)] * 6
    lines = [line(item, *(f'"{cell}"' for cell in row)) for item, row in enumerate(pairs)]
    (folder / "t.csv").write_text("\n".join([f"id,annotator_a,annotator_b,{third}", *lines]) + "\n")
    assert run(f"merge t.csv --strategy {strategy} --out m.csv")[0] == 0
    assert "by hand" not in run("gold m.csv --out gold")[1]


def test_a_gold_set_without_any_label_says_so(folder, run):
    (folder / "t.csv").write_text("id,annotator_a,annotator_b\n1,x,y\n2,x,y\n")
    run("merge t.csv --out m.csv")
    assert "no item has a label, so the gold set is empty" in run("gold m.csv --out gold")[1]


@pytest.mark.parametrize("name", ["m.xlsx", "m.csv.gz", "m.parquet", "m.tsv"])
def test_a_format_that_is_not_written_is_refused_with_what_is_possible(folder, run, name):
    (folder / "t.csv").write_text(WIDE)
    for options in (f"--out {name}", f"--out m.csv --disagreements {name}"):
        code, _, said = run(f"merge t.csv {options}")
        assert code != 0
        assert "written as CSV" in said
    assert [path.name for path in folder.iterdir()] == ["t.csv"]


def test_notes_on_words_for_yes_and_no_do_not_contradict_each_other(folder, run):
    (folder / "t.csv").write_text("id,annotator_a,annotator_b\n1,yes,Y\n2,no,N\n3,1,yes\n4,maybe,maybe\n")
    _, said, _ = run("merge t.csv --out m.csv")
    (apart,) = (line for line in said.splitlines() if "stay apart" in line)
    assert "`1` may mean the same as `N`, `Y`, `no`, `yes`" in apart
    assert "the numbers stay apart" in apart
    assert "`Y` is taken as `yes`" in said


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_json_lines_come_back_with_the_types_of_their_values(folder, run):
    given = [
        {"id": 1, "annotator_a": 1, "annotator_b": 1, "flag": True, "none": None, "n": 1, "list": [1, "é"]},
        {"id": 2, "annotator_a": 0, "annotator_b": 1, "flag": False, "text": "=1", "n": 1.5},
    ]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    run("merge t.jsonl --out m.jsonl")
    merged = lines_of(folder / "m.jsonl")
    assert [{name: row[name] for name in old} for row, old in zip(merged, given, strict=True)] == given
    assert merged[0].keys() - given[0].keys() == {
        "final_label", "resolution", "annotator_agreement", "llm_decided", "soft_label", "strategy"
    }  # fmt: skip
    assert [row["final_label"] for row in merged] == [1, None]
    assert run("gold m.jsonl --out gold")[0] == 0
    run("merge t.jsonl --out m.csv")
    assert [(row["flag"], row["none"]) for row in rows(folder / "m.csv")] == [("TRUE", ""), ("FALSE", "")]


def test_long_json_lines_keep_the_types_of_other_columns(folder, run):
    given = [{"item_id": 1, "annotator": name, "label": "x", "flag": True, "none": None} for name in "ab"]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    run("merge t.jsonl --out m.jsonl")
    (row,) = lines_of(folder / "m.jsonl")
    assert (row["flag"], row["none"], row["final_label"]) == (True, None, "x")


def test_a_label_without_a_place_in_the_order_is_named_with_its_row(folder, run):
    (folder / "t.csv").write_text("id,annotator_a,annotator_b\n1,low,low\n2,mid,middle\n3,high,mid\n")
    code, _, said = run("agreement t.csv --order low mid high")
    assert code != 0
    assert "`middle` (t.csv, row 3, annotator `b`)" in said
    assert "did you mean `mid`?" in said
    assert "`low` (t.csv, row 2, annotator `a`)" in run("agreement t.csv --scale ordered")[2]


def workbook(path, pages):
    book = Workbook()
    book.remove(book.active)
    for title, lines in pages.items():
        page = book.create_sheet(title)
        for line in lines:
            page.append(line)
    book.save(path)


ANSWERS = [["id", "annotator_a", "annotator_b"], [1, "x", "x"], [2, "x", "y"]]


def test_a_workbook_that_begins_with_another_page_names_both_and_page_reads_the_other(folder, run):
    workbook(folder / "t.xlsx", {"Readme": [["How to read this"], ["Thanks"]], "Answers": ANSWERS})
    code, _, said = run("agreement t.xlsx")
    assert code != 0
    assert "page `Readme` is read, there are also `Answers`, and `--page`" in said
    assert json.loads(run("agreement t.xlsx --page Answers --json")[1])["features"][0]["items"] == 2
    assert "there is no page `Answer`" in run("agreement t.xlsx --page Answer")[2]


def test_a_title_above_the_names_of_the_columns_is_told(folder, run):
    workbook(folder / "t.xlsx", {"Answers": [["My study"], *ANSWERS]})
    code, _, said = run("agreement t.xlsx")
    assert code != 0
    assert "My study" in said
    assert "a title above it must go" in said


def test_names_of_annotators_may_have_signs_and_blanks(folder, run):
    (folder / "t.csv").write_text(
        "id,annotator_Anna-Lena_tox,annotator_J. Roe_tox,annotator_J. Roe_tox_notes,"
        "annotator_J. Roe comments\n"
        "1,x,x,,hm\n2,x,y,n,ha\n"
    )
    (feature,) = json.loads(run("agreement t.csv --json")[1])["features"]
    assert [annotator["name"] for annotator in feature["annotators"]] == ["Anna-Lena", "J. Roe"]


def test_the_lock_of_an_open_workbook_is_passed_over(folder, run):
    (folder / "in").mkdir()
    workbook(folder / "in" / "t.xlsx", {"Answers": ANSWERS})
    (folder / "in" / "~$t.xlsx").write_bytes(b"\x05Anna")
    code, said, _ = run("tables list in")
    assert (code, "~$" in said) == (0, False)


@pytest.mark.parametrize("strategy", ["majority_llm", "annotator_b"])
def test_a_long_merged_table_tells_changed_labels_from_those_it_was_given(folder, run, strategy):
    lines = ["1,b,x", "2,a,x", "2,b,y", "2,llm,y", "3,a,y", "3,b,y"]
    (folder / "t.csv").write_text("\n".join(["item_id,annotator,label", *lines]) + "\n")
    run(f"merge t.csv --strategy {strategy} --out m.csv")
    assert "by hand" not in run("gold m.csv --out gold")[1]
    changed_by_hand(folder, "3,label,y,agreement", "3,label,z,agreement")
    assert "1 labels were set by hand" in run("gold m.csv --out gold")[1]


def test_majority_without_an_llm_still_goes_where_two_of_three_answer_a_feature(folder, run):
    (folder / "t.csv").write_text("id,annotator_a,annotator_b,annotator_c\n1,x,x,\n2,x,y,\n")
    code, said, _ = run("merge t.csv --strategy majority --out m.csv")
    assert code == 0
    assert "annotator `c` has no answers" in said
    assert [row["resolution"] for row in rows(folder / "m.csv")] == ["agreement", "needs_review"]
    (folder / "t.csv").write_text("id,annotator_a,annotator_b,annotator_c,llm\n1,x,x,,x\n2,x,y,,y\n")
    assert run("merge t.csv --strategy majority_llm --out m.csv")[0] == 0
    assert [row["resolution"] for row in rows(folder / "m.csv")] == ["agreement", "majority_b_llm"]
