"""Several plain tables at once, gold sets of merged tables, and what is refused, from the command line."""

import bz2
import csv
import gzip
import io
import json
import lzma

import pytest
import zstandard
from openpyxl import Workbook

WIDE = "id,text,annotator_a,annotator_b\n1,one,x,x\n2,two,x,y\n3,three,y,y\n"
LONG = """\
item_id,annotator,label,feature,text
1,a,x,topic,one
1,b,y,topic,one
2,a,x,topic,two
2,b,x,topic,two
"""


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def gold_items(folder):
    lines = [line for name in ("train", "dev", "test") for line in (folder / f"{name}.jsonl").open()]
    return {item["item_id"]: item for item in map(json.loads, lines)}


def test_several_files_are_several_tables_unless_they_are_pooled(folder, run):
    (folder / "one.csv").write_text(WIDE)
    (folder / "two.csv").write_text(
        WIDE.replace("\n1,", "\n7,").replace("\n2,", "\n8,").replace("\n3,", "\n9,")
    )
    code, apart, _ = run("agreement one.csv two.csv --json")
    assert [table["features"][0]["items"] for table in json.loads(apart)["tables"]] == [3, 3]
    _, pooled, _ = run("agreement one.csv two.csv --json --pool")
    assert (code, json.loads(pooled)["features"][0]["items"]) == (0, 6)


def test_a_folder_stands_for_the_tables_in_it_and_one_summary_tells_of_all(folder, run):
    (folder / "in").mkdir()
    (folder / "in" / "one.csv").write_text(WIDE)
    (folder / "in" / "two.tsv").write_text(WIDE.replace(",", "\t"))
    (folder / "in" / "notes.md").write_text("no table")
    (folder / "in" / ".hidden.csv").write_text(WIDE)
    code, said, _ = run("tables list in")
    assert code == 0
    assert [line.split()[0] for line in said.splitlines()] == ["table", "one.csv", "two.tsv"]
    _, said, _ = run("agreement in --html pages")
    assert said.count("Cohen's kappa") == 2
    assert sorted(path.name for path in (folder / "pages").iterdir()) == ["one.html", "two.html"]


def test_batch_makes_everything_of_each_table_and_names_the_one_that_cannot_be_used(folder, run):
    (folder / "in").mkdir()
    (folder / "in" / "one.csv").write_text(WIDE)
    (folder / "in" / "long.csv").write_text(LONG)
    (folder / "in" / "wrong.csv").write_text("a,b\n1,2\n")
    code, said, _ = run("tables batch in --out out --strategy conservative")
    assert code == 1
    assert "no columns of answers are found" in said.split("! in/wrong.csv")[1]
    summary = {row["table"]: row for row in rows(folder / "out" / "summary.csv")}
    assert [summary["one.csv"][name] for name in ("items", "to decide", "gold")] == ["3", "1", "2"]
    assert "no columns of answers" in summary["wrong.csv"]["failed"]
    for table in ("one", "long"):
        made = {path.name for path in (folder / "out" / table).iterdir()}
        tables = {"merged.csv", "merged.csv.sha256", "disagreements.csv"}
        assert made == {"agreement.json", "agreement.html", *tables, "gold"}


def test_what_was_decided_holds_when_a_batch_is_run_again(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("tables batch one.csv --out out")
    listed = folder / "out" / "one" / "disagreements.csv"
    filled = listed.read_text(encoding="utf-8-sig").replace("2,label,x,y,,", "2,label,x,y,Y,")
    listed.write_text(filled)
    for _ in range(2):
        assert run("tables batch one.csv --out out")[0] == 0
        assert listed.read_text() == filled
        assert [row["final_label"] for row in rows(folder / "out" / "one" / "merged.csv")] == ["x", "y", "y"]


def test_merging_several_tables_writes_a_file_for_each_and_never_over_them(folder, run):
    (folder / "one.csv").write_text(WIDE)
    (folder / "two.csv").write_text(WIDE)
    assert run("merge one.csv two.csv --out merged --disagreements open")[0] == 0
    assert sorted(path.name for path in (folder / "merged").iterdir()) == ["one.csv", "two.csv"]
    assert [row["item_id"] for row in rows(folder / "open" / "two.csv")] == ["2"]
    code, _, said = run("merge one.csv two.csv --out .")
    assert (code, (folder / "one.csv").read_text()) == (1, WIDE)
    assert "a file of its own" in said
    for wrong in ("--out one.csv", "--out merged --decisions nowhere"):
        assert "is a folder with" in run(f"merge one.csv two.csv {wrong}")[2]


def test_a_folder_with_one_table_is_treated_as_one_with_several(folder, run):
    (folder / "in").mkdir()
    (folder / "in" / "one.csv").write_text(WIDE)
    assert run("merge in --out merged")[0] == 0
    assert run("gold merged --out gold")[0] == 0
    assert (folder / "gold" / "one" / "card.md").is_file()


def test_tables_of_one_name_are_refused_before_anything_is_written(folder, run):
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "one.csv").write_text(WIDE)
    code, _, said = run("merge a b --out merged")
    assert (code, (folder / "merged").exists()) == (1, False)
    assert "several tables are called `one`" in said


def test_gold_of_a_folder_takes_the_merged_tables_only(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("merge one.csv --out merged.csv --disagreements open.csv")
    run("merge one.csv --strategy annotator_a --out second.csv")
    assert run("gold . --out gold")[0] == 0
    assert sorted(path.name for path in (folder / "gold").iterdir()) == ["merged", "second"]
    assert gold_items(folder / "gold" / "second")["2"]["labels"] == {"label": "x"}


def test_a_label_that_is_filled_in_by_hand_is_adjudicated(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("merge one.csv --out merged.csv")
    merged = folder / "merged.csv"
    merged.write_text(merged.read_text().replace("2,two,x,y,,", "2,two,x,y,Y ,"))
    run("gold merged.csv --out gold --description 'Ours.'")
    item = gold_items(folder / "gold")["2"]
    assert (item["labels"], item["resolutions"]) == ({"label": "y"}, {"label": "adjudicated"})
    assert "Ours." in (folder / "gold" / "card.md").read_text()


def test_gold_of_a_long_table_and_of_several_features(folder, run):
    (folder / "long.csv").write_text(LONG)
    run("merge long.csv --strategy annotator_b --out merged.csv")
    run("gold merged.csv --out gold")
    assert {item: found["labels"] for item, found in gold_items(folder / "gold").items()} == {
        "1": {"topic": "y"}, "2": {"topic": "x"},
    }  # fmt: skip
    assert gold_items(folder / "gold")["1"]["data"] == {"text": "one"}
    (folder / "two.csv").write_text(
        "id,annotator_a_tone,annotator_b_tone,annotator_a_grade,annotator_b_grade\n1,p,n,1,1.0\n2,p,p,2.5,3\n"
    )
    run("merge two.csv --out merged.csv")
    header = rows(folder / "merged.csv")[0]
    assert {"final_label_tone", "final_label_grade", "llm_decided_grade"} <= header.keys()
    run("gold merged.csv --out both")
    assert {item: found["labels"] for item, found in gold_items(folder / "both").items()} == {
        "1": {"grade": 1}, "2": {"tone": "p"},
    }  # fmt: skip


def test_groups_stay_in_one_split_and_shares_are_as_wished(folder, run):
    lines = "".join(f"{number},t{number // 10},x,x,0.25\n" for number in range(200))
    (folder / "one.csv").write_text(f"id,topic,annotator_a,annotator_b,inclusion_probability\n{lines}")
    run("merge one.csv --out merged.csv")
    run("gold merged.csv --out gold --group topic --split 0.5 0.25 0.25 --seed 3")
    items = gold_items(folder / "gold").values()
    assert len({(item["data"]["topic"], item["split"]) for item in items}) == 20
    assert {item["split"] for item in items} == {"train", "dev", "test"}
    assert {item["inclusion_probability"] for item in items} == {0.25}
    assert "add up to 1" in run("gold merged.csv --out gold --split 0.5 0.5 0.5")[2]
    assert "no column `topics`" in run("gold merged.csv --out gold --group topics")[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((",agreement,1,0,", ",decided,1,0,"), "`decided` is no resolution"),
        (("x,x,x,agreement", "x,x,,agreement"), "has no label"),
        (('"{""x"":1.0}"', "{"), "no JSON object"),
        (("final_label", "final"), "no table of merged labels"),
    ],
)
def test_a_merged_table_that_contradicts_itself_is_refused_with_its_place(folder, run, change, said):
    (folder / "one.csv").write_text(WIDE)
    run("merge one.csv --out merged.csv")
    merged = folder / "merged.csv"
    assert change[0] in merged.read_text()
    merged.write_text(merged.read_text().replace(*change))
    code, _, error = run("gold merged.csv --out gold")
    assert code == 1
    assert said in error
    assert "merged.csv" in error


def test_a_gold_set_is_not_written_over_the_table_it_is_made_of(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("merge one.csv --out gold.csv")
    assert "a file of its own" in run("gold gold.csv --out .")[2]


def test_a_workbook_is_read_with_what_a_spreadsheet_made_of_the_labels(folder, run):
    book = Workbook()
    for row in (
        ["item_id", "annotator_a", "annotator_b"],
        [1, 1, "1"],
        [None, None, None],
        [2, 0.5, "50%"],
        [3, 2.0, 2],
    ):
        book.active.append(row)
    book.save(folder / "sheet.xlsx")
    report = json.loads(run("agreement sheet.xlsx --json")[1])["features"][0]
    assert (report["items"], report["observed_agreement"]["value"]) == (3, 1.0)
    book.active["B2"] = "=1+1"
    book.save(folder / "sheet.xlsx")
    assert "row 2" in run("agreement sheet.xlsx")[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item_id,annotator_a,annotator_b\n1,x,y\n,x,y\n", "nothing in column `item_id`"),
        ("item_id,annotator,label\n1,,x\n", "nothing in column `annotator`"),
        ("item_id,annotator,label\n1,llm,x\n1,llm,y\n", "the LLM answers"),
        (
            "id,annotator_a_p,annotator_b_p,annotator_a_q,annotator_b_q,gpt\n1,x,x,y,y,x\n",
            "call the LLM's columns",
        ),
    ],
)
def test_a_row_that_cannot_be_joined_is_refused_by_its_row(folder, run, text, said):
    (folder / "one.csv").write_text(text)
    code, _, error = run("agreement one.csv" + (" --llm gpt" if "gpt" in text else ""))
    assert code == 1
    assert said in error
    assert "one.csv" in error


def test_a_row_without_id_and_answers_is_named_and_no_item(folder, run):
    (folder / "one.csv").write_text("item_id,text,annotator_a,annotator_b\n1,a,x,y\n,Total: 1,,\n")
    report = json.loads(run("agreement one.csv --json")[1])
    assert report["features"][0]["items"] == 1
    assert "row 3: neither an item id nor an answer" in report["notes"][0]


def test_ids_that_became_floats_still_meet_their_decisions(folder, run):
    (folder / "one.csv").write_text(WIDE.replace("\n1,", "\n1.0,").replace("\n2,", "\n2.0,"))
    run("merge one.csv --out merged.csv --disagreements open.csv")
    listed = folder / "open.csv"
    listed.write_text(listed.read_text(encoding="utf-8-sig").replace("2,label,x,y,,", "2.0,label,x,y,y,"))
    assert run("merge one.csv --out merged.csv --decisions open.csv")[0] == 0
    assert rows(folder / "merged.csv")[1]["resolution"] == "adjudicated"


def test_notes_of_spellings_are_printed_with_the_labels(folder, run):
    (folder / "one.csv").write_text(WIDE.replace("2,two,x,y", "2,two,X,x"))
    code, said, _ = run("merge one.csv --out merged.csv")
    assert code == 0
    assert "! label: `X` is taken as `x`: these differ in case" in said
    _, exact, _ = run("merge one.csv --out merged.csv --exact")
    assert "awaiting_adjudication" in exact


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}


def forms_of_wide():
    """The table WIDE as each kind of file."""
    table = list(csv.reader(io.StringIO(WIDE)))
    book, saved = Workbook(), io.BytesIO()
    for row in table:
        book.active.append(row)
    book.save(saved)
    lines = [json.dumps(dict(zip(table[0], row, strict=True))) for row in table[1:]]
    return {
        "csv": WIDE.encode(),
        "tsv": WIDE.replace(",", "\t").encode(),
        "jsonl": "\n".join(lines).encode(),
        "xlsx": saved.getvalue(),
    }


@pytest.mark.parametrize("packing", PACKED)
def test_compressed_tables_say_what_they_say_unpacked(folder, run, packing):
    (folder / "plain.csv").write_text(WIDE)
    _, expected, _ = run("agreement plain.csv --json")
    for kind, content in forms_of_wide().items():
        (folder / f"t.{kind}.{packing}").write_bytes(PACKED[packing](content))
        code, said, _ = run(f"agreement t.{kind}.{packing} --json")
        assert code == 0 and json.loads(said)["features"] == json.loads(expected)["features"], kind
    assert run(f"merge t.csv.{packing} --strategy annotator_a --out merged.csv")[0] == 0
    (folder / f"merged.csv.{packing}").write_bytes(PACKED[packing]((folder / "merged.csv").read_bytes()))
    assert run(f"gold merged.csv.{packing} --out gold")[0] == 0
    assert gold_items(folder / "gold").keys() == {"1", "2", "3"}


def test_compressed_tables_of_a_folder_are_among_the_many(folder, run):
    (folder / "in").mkdir()
    (folder / "in" / "one.csv").write_text(WIDE)
    (folder / "in" / "two.csv.gz").write_bytes(gzip.compress(WIDE.encode()))
    (folder / "in" / "other.gz").write_bytes(gzip.compress(b"no table"))
    assert run("tables batch in --out out --strategy annotator_a")[0] == 0
    assert [row["table"] for row in rows(folder / "out" / "summary.csv")] == ["one.csv", "two.csv.gz"]
    assert (folder / "out" / "two" / "gold" / "card.md").is_file()
    (folder / "in" / "one.csv.xz").write_bytes(lzma.compress(WIDE.encode()))
    code, said, _ = run("tables batch in --out out")
    assert code != 0 and "called `one`" in said


@pytest.mark.parametrize("packing", PACKED)
def test_a_compressed_table_that_breaks_off_is_named(folder, run, packing):
    content = "id,annotator_a,annotator_b\n" + "".join(f"{n},x{n * 7919 % 1000},y\n" for n in range(2000))
    packed = PACKED[packing](content.encode())
    (folder / f"cut.csv.{packing}").write_bytes(packed[: len(packed) // 2])
    code, _, error = run(f"agreement cut.csv.{packing}")
    assert code != 0 and f"cut.csv.{packing}" in error and "breaks off or is damaged" in error


def test_a_batch_does_not_write_over_merged_labels_that_somebody_has_changed(folder, run):
    (folder / "one.csv").write_text(WIDE)
    (folder / "two.csv").write_text(WIDE)
    run("tables batch one.csv two.csv --out out")
    merged = folder / "out" / "one" / "merged.csv"
    changed = merged.read_text().replace("1,one,x,x,", "1,one (see the mail),x,x,")
    merged.write_text(changed)
    made = {path: path.read_bytes() for path in merged.parent.rglob("*") if path.is_file()}
    (folder / "one.csv").write_text(WIDE + "4,four,x,x\n")
    code, said, _ = run("tables batch one.csv two.csv --out out")
    assert code == 1 and "somebody has changed this table" in said and "move it away" in said
    assert made == {path: path.read_bytes() for path in merged.parent.rglob("*") if path.is_file()}
    assert [row["table"] for row in rows(folder / "out" / "summary.csv") if row["items"]] == ["two.csv"]
    merged.rename(folder / "kept.csv")
    assert run("tables batch one.csv two.csv --out out")[0] == 0
    assert len(rows(merged)) == 4


@pytest.mark.parametrize(
    ("strategy", "before", "after"),
    [
        ("adjudicate", "2,two,x,y,,", "2,two,x,y,y,"),
        ("annotator_a", "2,two,x,y,x,", "2,two,x,y,y,"),
        ("adjudicate", "1,one,x,x,x,", "1,one,x,x,,"),
    ],
)
def test_labels_set_in_a_merged_table_are_not_written_over(folder, run, strategy, before, after):
    (folder / "one.csv").write_text(WIDE)
    command = f"merge one.csv --out merged.csv --strategy {strategy}"
    assert [run(command)[0] for _ in range(2)] == [0, 0]
    merged = folder / "merged.csv"
    changed = merged.read_text().replace(before, after)
    assert changed != merged.read_text()
    merged.write_text(changed)
    code, _, error = run(command)
    assert code == 1 and "somebody has changed this table" in error
    assert merged.read_text() == changed
    # As an earlier version left it, without a hash.
    (folder / "out" / "one").mkdir(parents=True)
    (folder / "out" / "one" / "merged.csv").write_text(changed)
    assert run("tables batch one.csv --out out")[0] == 1
    assert (folder / "out" / "one" / "merged.csv").read_text() == changed


def test_a_decision_on_an_item_that_is_gone_is_named_and_the_rest_is_merged(folder, run):
    (folder / "one.csv").write_text(WIDE)
    run("tables batch one.csv --out out")
    listed = folder / "out" / "one" / "disagreements.csv"
    filled = listed.read_text(encoding="utf-8-sig").replace("2,label,x,y,,", "2,label,x,y,y,")
    listed.write_text(filled)
    (folder / "one.csv").write_text(WIDE.replace("2,two,x,y\n", "5,five,x,y\n6,six,y,x\n"))
    assert "none of these decisions" in run("tables batch one.csv --out out")[1]
    decision = filled.splitlines()[1].replace("2,label,x,y,y,", "5,label,x,y,x,")
    listed.write_text(f"{filled}{decision}\n")
    code, _, said = run("tables batch one.csv --out out")
    assert code == 0
    assert "1 decisions are about items or features that are not in the table" in said
    assert "row 2: item `2`" in said
    labels = {row["id"]: row["final_label"] for row in rows(folder / "out" / "one" / "merged.csv")}
    assert labels == {"1": "x", "5": "x", "6": "", "3": "y"}
    assert [row["item_id"] for row in rows(listed)] == ["2", "5", "6"]


def test_the_names_of_a_long_table_are_read_in_any_case(folder, run):
    (folder / "low.csv").write_text(LONG)
    (folder / "high.csv").write_text(
        LONG.replace("item_id,annotator,label,feature", "Item,Annotator,Label,Feature")
    )
    low, high = (json.loads(run(f"agreement {name}.csv --json")[1])["features"] for name in ("low", "high"))
    assert low == high
    run("merge high.csv --out merged.csv --strategy annotator_a")
    run("gold merged.csv --out gold")
    assert gold_items(folder / "gold")["1"]["labels"] == {"topic": "x"}
    (folder / "other.csv").write_text("Sentence,Annotator,Label\n1,a,x\n")
    assert "the columns are: Sentence, Annotator, Label" in run("agreement other.csv")[2]


def test_names_of_annotators_may_have_two_parts(folder, run):
    (folder / "one.csv").write_text(
        "id,annotator_anna_smith_violates,annotator_anna_smith_is_rude,annotator_anna_smith_notes,"
        "annotator_ben_de_wit_violates,annotator_ben_de_wit_is_rude\n1,x,p,,x,q\n2,x,p,hm,y,p\n"
    )
    report = json.loads(run("agreement one.csv --json")[1])
    assert [feature["feature"] for feature in report["features"]] == ["violates", "is_rude"]
    assert [feature["observed_agreement"]["value"] for feature in report["features"]] == [0.5, 0.5]
    assert [found["name"] for found in report["features"][1]["annotators"]] == ["anna_smith", "ben_de_wit"]
    assert "`anna_smith`, `ben_de_wit`: taken for names of annotators" in report["notes"]
    run("merge one.csv --out merged.csv --strategy annotator_b")
    run("gold merged.csv --out gold")
    assert gold_items(folder / "gold")["1"]["labels"] == {"violates": "x", "is_rude": "q"}


def test_a_feature_whose_name_has_two_parts_is_no_name_of_an_annotator(folder, run):
    (folder / "one.csv").write_text(
        "id,annotator_a_tone,annotator_b_tone,annotator_a_sub_tone\n1,x,x,p\n2,x,y,p\n"
    )
    report = json.loads(run("agreement one.csv --json")[1])
    assert [feature["feature"] for feature in report["features"]] == ["tone", "sub_tone"]
    (folder / "two.csv").write_text("id,annotator_anna_smith,annotator_ben_jones\n1,x,x\n")
    assert "no feature has answers of two annotators" in run("agreement two.csv")[1]


def test_a_decimal_comma_in_an_inclusion_probability_is_read(folder, run):
    (folder / "one.csv").write_text(
        "id;annotator_a;annotator_b;inclusion_probability\n1;x;x;0,25\n2;x;x;0.5\n"
    )
    run("merge one.csv --out merged.csv")
    assert run("gold merged.csv --out gold")[0] == 0
    items = gold_items(folder / "gold")
    assert [items[item]["inclusion_probability"] for item in ("1", "2")] == [0.25, 0.5]
