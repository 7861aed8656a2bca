"""`goldpan agreement` and `goldpan merge` on plain tables outside any study."""

import csv
import io
import json

import pytest

from goldpan.cli.plain_tables import agreement_command, merge_command
from goldpan.errors import GoldpanError, SheetError, SourceError, StudyError
from goldpan.plain_tables.agreement import agreement_of_files
from goldpan.plain_tables.columns import Layout
from goldpan.plain_tables.merging import merge_of_files
from goldpan.plain_tables.table import read_table_answers
from goldpan.plain_tables.values import Values

USUAL = Layout()
WIDE = "id,text,annotator_a,annotator_b\n1,one,x,x\n2,two,x,y\n3,three,y,y\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="answers.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def ratings(path, layout=USUAL):
    return read_table_answers([path], layout).ratings


def test_a_wide_table_is_read_by_the_usual_names(file):
    answers = read_table_answers([file(WIDE)], USUAL)
    assert answers.annotators == ["a", "b"]
    assert answers.ratings == {
        "label": {"1": {"a": "x", "b": "x"}, "2": {"a": "x", "b": "y"}, "3": {"a": "y", "b": "y"}}
    }
    assert answers.fields["2"] == {"text": "two"}


SAME = {"1": {"a": "x", "b": "x"}, "2": {"a": "x", "b": "y"}}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("id,annotator_a,annotator_b\n1,x,x\n2,x,y\n", "t.csv"),
        ("id;annotator_a;annotator_b\r\n1;x;x\r\n2;x;y\r\n", "t.csv"),
        ("\ufeffid\tannotator_a\tannotator_b\n1\tx\tx\n2\tx\ty\n", "t.tsv"),
        ("sep=;\nid;annotator_a;annotator_b\n1;x;x\n2;x;y\n", "t.csv"),
        ('id\tannotator_a\tannotator_b\n1\t"x"\tx\n2\tx\ty\n', "t.csv"),
        ("annotator_b,id,annotator_a\nx,1,x\ny,2,x\n", "t.csv"),
        ("item_id,annotator,label\n2,b,y\n1,a,x\n1,b,x\n2,a,x\n", "t.csv"),
        ("id\tannotator\tvalue\n2\tb\ty\n1\ta\tx\n1\tb\tx\n2\ta\tx\n", "t.tsv"),
    ],
)
def test_the_same_answers_are_read_from_every_form(file, text, name):
    assert ratings(file(text, name)) == {"label": SAME}


def test_several_features_and_the_llm_are_read_from_a_side_by_side_table(file):
    path = file(
        "id,annotator_a_topic,annotator_b_topic,annotator_a_tone,annotator_b_tone,llm_topic\n1,x,y,p,,x\n"
    )
    answers = read_table_answers([path], USUAL)
    assert answers.ratings == {"topic": {"1": {"a": "x", "b": "y"}}, "tone": {"1": {"a": "p"}}}
    assert answers.llm == {"topic": {"1": "x"}}


def test_an_annotator_of_several_features_is_counted_once(file):
    path = file(
        "id,annotator_a_tone,annotator_b_tone,annotator_a_uses,annotator_b_uses\n1,p,n,x,x\n2,p,p,x,y\n"
    )
    assert read_table_answers([path], USUAL).annotators == ["a", "b"]
    for feature in agreement_of_files([path], USUAL, Values()).features:
        assert [one.name for one in feature.annotators] == ["a", "b"]
        assert "cohen_kappa" in [one.name for one in feature.coefficients]
    with pytest.raises(StudyError, match="majority"):
        merge_of_files([path], USUAL, Values(), "majority")


def test_columns_that_goldpan_writes_are_nobodys_answers(file):
    path = file("id,annotator_a,annotator_b,annotator_agreement,llm_decided\n1,x,x,yes,no\n2,x,y,no,no\n")
    answers = read_table_answers([path], USUAL)
    assert answers.annotators == ["a", "b"]
    assert answers.llm == {}


def test_a_file_that_merge_has_written_is_refused_and_the_right_one_named(file, tmp_path):
    merged, open_rows = tmp_path / "merged.csv", tmp_path / "open.csv"
    merge_command([file(WIDE)], USUAL, Values(), "adjudicate", merged, open_rows)
    for path, said in ((merged, "merged from"), (open_rows, "--decisions")):
        with pytest.raises(SourceError, match=said) as error:
            read_table_answers([path], USUAL)
        assert path.name in str(error.value)


def test_columns_can_be_named_or_numbered(file):
    path = file("text,ann,ben\none,x,y\n")
    for columns in (("ann", "ben"), ("2", "3")):
        assert ratings(path, Layout(columns=columns)) == {
            "label": {"answers.csv:2": {"ann": "x", "ben": "y"}}
        }


def test_a_table_without_a_header_is_read_by_number(file):
    path = file('He said "no" .\t1\t2\n"Quoted" at the start\t2\t2\n', "levels.txt")
    answers = read_table_answers([path], Layout(columns=("2", "3"), header=False))
    assert answers.ratings["label"] == {
        "levels.txt:1": {"a": "1", "b": "2"},
        "levels.txt:2": {"a": "2", "b": "2"},
    }
    assert answers.fields["levels.txt:2"] == {"1": '"Quoted" at the start'}


def test_labels_that_look_like_nothing_are_kept_and_empty_cells_are_no_answer(file):
    path = file("id,annotator_a,annotator_b\n1,NA,None\n2,null,\n3,TRUE,1.0\n4,'=x,(cannot tell)\n")
    assert ratings(path)["label"] == {
        "1": {"a": "NA", "b": "None"},
        "2": {"a": "null"},
        "3": {"a": "TRUE", "b": "1.0"},
        "4": {"a": "=x", "b": None},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,x,y\n1,a,b\n", "annotator_a"),
        ("id,annotator_a,annotator_b\n1,x,y\n1,x,x\n", "row 3"),
        ("id,annotator,label\n1,a,x\n1,a,y\n", "twice"),
        ("id,annotator_a,annotator_a\n1,x,y\n", "two columns"),
        ("id,annotator_a,annotator_b\n1,x,y,z\n", "4 cells"),
        ("annotator,label\na,x\n", "item_id"),
        (b"id,annotator_a,annotator_b\n1,\xe4,y\n", "UTF-8"),
        ("", "empty"),
        ("", "save it again"),
        ("id,annotator_a,annotator_b\n", "give the table that was filled in"),
        ("item_id,annotator,label\n", "--no-header"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_place(file, text, said):
    with pytest.raises(GoldpanError) as error:
        ratings(file(text))
    assert said in str(error.value)
    assert "answers.csv" in str(error.value)


def test_a_tab_separated_file_that_is_not_utf8_is_refused_by_line(file):
    with pytest.raises(SourceError, match="line 2"):
        ratings(file(b"id\tannotator_a\tannotator_b\n1\t\xe4\tx\n", "t.tsv"))


def test_a_misspelled_column_is_suggested(file):
    with pytest.raises(SourceError, match="annotator_b"):
        ratings(file(WIDE), Layout(columns=("annotator_a", "anotator_b")))


def test_the_same_item_in_two_files_is_refused(file):
    paths = [file(WIDE, "one.csv"), file(WIDE, "two.csv")]
    with pytest.raises(SourceError, match=r"two\.csv"):
        read_table_answers(paths, USUAL)


def test_three_different_numbers_are_an_ordered_scale_and_two_are_labels(file):
    scores = file("annotator_a,annotator_b\n1,2\n3,3\n", "scores.csv")
    yes_or_no = file("annotator_a,annotator_b\n1,0\n0,0\n", "binary.csv")
    kinds = [agreement_of_files([path], USUAL, Values()).features[0].kind for path in (scores, yes_or_no)]
    assert kinds == ["ordered", "nominal"]
    assert agreement_of_files([scores], USUAL, Values("nominal")).features[0].kind == "nominal"


def test_an_order_of_labels_makes_them_ordered(file):
    path = file("annotator_a,annotator_b\nB1,A2\nC1,C1\nA2,A2\n")
    report = agreement_of_files([path], USUAL, Values(order=("A2", "B1", "C1")))
    assert report.features[0].coefficient("cohen_kappa_quadratic").value > 0.5
    with pytest.raises(SheetError, match="C1"):
        agreement_of_files([path], USUAL, Values(order=("A2", "B1")))


def test_the_command_prints_text_or_json_and_writes_a_page(file, tmp_path):
    path = file(WIDE)
    assert "Cohen's kappa" in agreement_command([path], USUAL, Values())
    printed = agreement_command([path], USUAL, Values(), as_json=True, page=tmp_path / "page.html")
    assert json.loads(printed)["features"][0]["feature"] == "label"
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_the_kappas_of_the_real_annotators_come_from_their_files_as_they_are(shared_data):
    paths = sorted((shared_data / "two_annotators").glob("*.txt"))
    report = agreement_of_files(paths, Layout(columns=("2", "3"), header=False), Values())
    (feature,) = report.features
    found = [feature.coefficient(f"cohen_kappa{weights}").value for weights in ("", "_linear", "_quadratic")]
    assert (feature.items, found) == (7453, pytest.approx([0.1944, 0.4530, 0.6952], abs=5e-5))


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_merging_writes_the_labels_beside_the_fields(file, tmp_path):
    out = tmp_path / "merged.csv"
    said = merge_command([file(WIDE)], USUAL, Values(), "conservative", out)
    assert [(row["id"], row["final_label"], row["resolution"], row["text"]) for row in table(out)] == [
        ("1", "x", "agreement", "one"),
        ("2", "", "needs_review", "two"),
        ("3", "y", "agreement", "three"),
    ]
    assert "agreement            2" in said


def test_merging_with_the_llm_names_whom_it_supported(file):
    path = file("id,annotator_a,annotator_b,llm\n1,x,y,x\n2,x,y,y\n3,x,y,z\n4,x,y,\n")
    rows = merge_of_files([path], USUAL, Values(), "majority_llm").rows
    assert [row.resolution for row in rows] == [
        "majority_a_llm",
        "majority_b_llm",
        "needs_review",
        "needs_review",
    ]


def test_filled_disagreements_are_decisions(file, tmp_path):
    open_file = tmp_path / "disagreements.csv"
    merge_command([file(WIDE)], USUAL, Values(), "adjudicate", tmp_path / "m.csv", open_file)
    rows = table(open_file)
    assert [row["item_id"] for row in rows] == ["2"]
    text = open_file.read_bytes().decode("utf-8-sig")
    decided = file(text.replace("2,label,x,y,,", "2,label,x,y,y,"), "decided.csv")
    merged = merge_of_files([file(WIDE)], USUAL, Values(), "adjudicate", decided).rows
    assert [(row.final_label, row.resolution) for row in merged][1] == ("y", "adjudicated")


def test_a_decision_about_an_unknown_item_is_refused(file):
    decided = file("item_id,feature,final_label\n9,label,x\n", "decided.csv")
    with pytest.raises(SourceError, match="row 2"):
        merge_of_files([file(WIDE)], USUAL, Values(), "adjudicate", decided)


def test_a_strategy_for_three_is_refused_for_two(file):
    with pytest.raises(StudyError, match="majority"):
        merge_of_files([file(WIDE)], USUAL, Values(), "majority")


def test_a_summary_can_be_json(file, tmp_path):
    printed = merge_command([file(WIDE)], USUAL, Values(), "adjudicate", tmp_path / "m.csv", as_json=True)
    assert json.loads(printed) == {
        "strategy": "adjudicate",
        "rows": 3,
        "resolutions": {"agreement": 2, "awaiting_adjudication": 1},
        "notes": [],
    }


def test_merging_by_a_model_says_which_and_when_there_are_too_few_answers_for_it(file, tmp_path):
    def printed(items, strategy="dawid_skene_full", **more):
        rows = "".join(f"{number},x,x,{'xy'[number % 2]}\n" for number in range(items))
        path = file(f"id,annotator_a,annotator_b,annotator_c\n{rows}")
        return merge_command([path], USUAL, Values(), strategy, tmp_path / "m.csv", **more)

    few = printed(116)
    assert "! label: `dawid_skene_full` is the full model, with 348 answers for 7 free parameters" in few
    assert "Below 50 it is surer of itself than it is right" in few
    assert "surer" not in printed(117)
    # For the one-coin model, which has less to learn, far fewer suffice.
    assert "surer" not in printed(67, "dawid_skene_one_coin")
    chosen = json.loads(printed(99, "dawid_skene", as_json=True))
    assert "(chosen: it foretells held-out answers best)" in chosen["notes"][0]
    assert "dawid_skene_" in (tmp_path / "m.csv").read_text(), "the sheet names the model"


@pytest.mark.parametrize(
    ("out", "disagreements"),
    [
        ("answers.csv", None),
        ("link.csv", None),
        ("folder/../answers.csv", None),
        ("decided.csv", None),
        ("new.csv", "answers.csv"),
        ("new.csv", "decided.csv"),
        ("new.csv", "new.csv"),
    ],
)
def test_merging_never_writes_over_what_people_filled_in(file, tmp_path, out, disagreements):
    decided = file("item_id,feature,final_label\n2,label,x\n", "decided.csv")
    (tmp_path / "link.csv").symlink_to(file(WIDE))
    (tmp_path / "folder").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.glob("*.csv")}
    with pytest.raises(StudyError, match="a file of its own"):
        merge_command(
            [tmp_path / "answers.csv"],
            USUAL,
            Values(),
            "adjudicate",
            tmp_path / out,
            tmp_path / disagreements if disagreements else None,
            decided,
        )
    assert {path: path.read_bytes() for path in tmp_path.glob("*.csv")} == before


def test_the_page_is_not_written_over_the_answers(file):
    path = file(WIDE)
    with pytest.raises(StudyError, match="--html"):
        agreement_command([path], USUAL, Values(), page=path)
    assert path.read_text() == WIDE


def sheet_of(spellings_of_a, spellings_of_b):
    rows = [
        f"{row},{spellings_of_a[row % 2]},{spellings_of_b[row % 2]},{spellings_of_a[row % 2]}"
        for row in range(8)
    ]
    return "\n".join(["item_id,annotator_a,annotator_b,llm", *rows, ""])


@pytest.mark.parametrize(
    ("spellings_of_a", "spellings_of_b"),
    [
        (("nein", "ja"), ("0", "1")),
        (("FALSCH", "WAHR"), ("nein", "ja")),
        (("non", "oui"), ("FALSE", "TRUE")),
        (("no", "sí"), ("FALSO", "VERDADERO")),
    ],
)
def test_annotators_who_write_yes_and_no_in_their_languages_agree_and_it_is_told(
    file, spellings_of_a, spellings_of_b
):
    (feature,) = agreement_of_files(
        [file(sheet_of(spellings_of_a, spellings_of_b))], USUAL, Values()
    ).features
    assert feature.observed.value == 1.0
    assert any("are words for yes and no" in note for note in feature.notes)


def test_annotators_without_a_common_label_are_told_so_instead_of_what_to_settle(file, tmp_path):
    path = file(sheet_of(("schlecht", "gut"), ("bad", "good")))
    said = agreement_command([path], USUAL, Values())
    assert "a and b have NO LABEL IN COMMON: a gives `gut`, `schlecht`, b gives `bad`, `good`" in said
    assert "Settle with them" not in said
    merged = merge_command([path], USUAL, Values(), "majority", tmp_path / "merged.csv")
    assert "NO LABEL IN COMMON" in merged
    assert "decided 8 of 8 rows; these are MOST rows" in merged


def test_numbers_on_one_scale_and_few_items_need_no_common_label(file):
    few = file("item_id,annotator_a,annotator_b\n1,x,y\n2,x,y\n", "few.csv")
    numbers = file(sheet_of(("1", "2"), ("3", "4")), "numbers.csv")
    for path in (few, numbers):
        assert "NO LABEL IN COMMON" not in agreement_command([path], USUAL, Values())
