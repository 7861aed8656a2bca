"""The paper kit of a study: numbers, formats, what is not there, the same bytes."""

import csv
import io
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from goldpan.errors import StudyError
from goldpan.html import three_decimals
from goldpan.report.paper.kit import paper_kit, write_paper
from goldpan.report.paper.methods_software import ENVIRONMENT
from goldpan.report.paper.quoting import share_text
from goldpan.study import load_project
from goldpan.waves.agreement.formatting import TITLES
from tests.finished_studies import finished_project, finished_study
from tests.paper_projects import HOSTILE, paper_project, unmade_paper_project

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)*")


def project_at(root):
    return load_project("parks", root=root)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return paper_project(tmp_path_factory.mktemp("paper") / "project")


@pytest.fixture(scope="module")
def kit(made):
    return write_paper(project_at(made.root))


@pytest.fixture(scope="module")
def numbers(kit):
    return json.loads(kit.files["numbers.json"])


def text_of(kit, name):
    return kit.files[name].decode()


def plain_numbers(text):
    """All numbers of a methods text, but for those within names: code, labels, citations, annotators."""
    for part in (
        r"`[^`]*`",
        r"“[^”]*”",
        r"\[@[^\]]*\]",
        r"\bA\d+\b",
        *map(re.escape, TITLES.values()),
        r"F1, macro",
        "SHA-256",
    ):
        text = re.sub(part, " ", text)
    return NUMBER.findall(text)


def test_every_number_of_the_methods_text_says_where_it_stands(kit, numbers):
    quoted = {number for quotation in numbers for number in NUMBER.findall(quotation["text"])}
    found = plain_numbers(text_of(kit, "methods.md"))
    assert len(found) > 60
    assert [number for number in found if number not in quoted] == []


def test_every_quoted_number_is_that_of_its_artifact(made, numbers):
    compared = 0
    for quotation in numbers:
        path = made.root / quotation["artifact"]
        if not path.is_file() or path.suffix != ".json":
            continue
        value = json.loads(path.read_text())
        for step in quotation["key"]:
            # The first annotator of the study is called A1 in the kit.
            value = value[{"A1": "Zoe", "A2": "Ann"}.get(step, step)]
        assert value == quotation["value"]
        shown = {str(value)}
        if isinstance(value, int | float):
            shown |= {f"{value:,}", three_decimals(value), share_text(value), f"{value:.4f}", f"{value:.2f}"}
            shown.add(f"{100 * value:g} %")
        assert quotation["text"] in shown
        compared += 1
    assert compared > 50


def test_numbers_that_are_in_no_json_are_those_of_rows_settings_and_software(numbers):
    others = {q["artifact"] for q in numbers if not q["artifact"].endswith(".json")}
    assert others == {
        "config/studies/parks.yaml",
        "results/parks/stages/kinds/features.jsonl",
        "results/parks/waves/check/gold/",
        "results/parks/waves/check/merged.csv",
        ENVIRONMENT,
    }


def test_gold_counts_are_those_of_the_files(made, kit):
    rows = table(kit, "gold_splits")
    for row in rows:
        file = made.root / f"results/parks/waves/check/gold/{row['split']}.jsonl"
        assert int(row["items"]) == len(file.read_bytes().splitlines())
    assert [row["split"] for row in rows] == ["train", "dev", "test"]


def test_gold_labels_are_weighted_by_the_inverse_of_the_inclusion_probability(made, kit):
    items = [
        json.loads(line)
        for file in (made.root / "results/parks/waves/check/gold").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    total = sum(1 / item["inclusion_probability"] for item in items)
    for row in table(kit, "gold_labels"):
        label = row["label"].removeprefix("'")
        weight = sum(1 / item["inclusion_probability"] for item in items if item["labels"]["kind"] == label)
        assert float(row["weighted"]) == pytest.approx(weight / total, abs=1e-6)


def test_items_without_a_gold_label_are_made_up_for_by_others_of_their_stratum(made, tmp_path):
    """20 records of `rare` (10 drawn) and 100 of `common` (20 drawn), whatever of them has a label."""
    root = shutil.copytree(made.root, tmp_path / "project")
    files = sorted((root / "results/parks/waves/check/gold").glob("*.jsonl"))
    rows = {file: [json.loads(line) for line in file.read_text().splitlines()] for file in files}
    undecided = [row["id"] for of_file in rows.values() for row in of_file if row["stratum"] == "rare"][:7]
    for file, of_file in rows.items():
        kept = [row for row in of_file if row["id"] not in undecided]
        file.write_text("".join(json.dumps(row) + "\n" for row in kept))
        rows[file] = kept
    labelled = [row for of_file in rows.values() for row in of_file]
    for row in table(paper_kit(project_at(root)), "gold_labels"):
        having = [item for item in labelled if item["labels"]["kind"] == row["label"].removeprefix("'")]
        of_strata = {
            stratum: sum(item["stratum"] == stratum for item in having)
            / sum(item["stratum"] == stratum for item in labelled)
            for stratum in ("rare", "common")
        }
        expected = (20 * of_strata["rare"] + 100 * of_strata["common"]) / 120
        assert float(row["weighted"]) == pytest.approx(expected, abs=1e-6)


def test_the_methods_text_has_models_days_prompts_and_the_sampling_design(kit):
    text = text_of(kit, "methods.md")
    for said in (
        "`gpt-4o-mini-2024-07-18` (122 rows) answered, on 2026-09-21 (UTC)",
        "30 items were drawn from the 120 records",
        "20 of 100 in stratum “common” (inclusion probability 0.200)",
        "temperature = 0",
        "cost 0.0314 USD",
        "Annotators saw neither the model's answers nor each other's.",
    ):
        assert said in text


def test_names_of_annotators_and_accounts_stay_out_of_the_kit(kit):
    for name, content in kit.files.items():
        for private in (b"Zoe", b"somebody@example.org", b"SECRET_OF_PARKS"):
            assert private not in content, name


def test_no_path_of_this_machine_stands_in_the_kit(made, kit):
    for name, content in kit.files.items():
        assert str(made.root).encode() not in content, name


def test_the_same_artifacts_give_the_same_bytes(made, kit):
    assert paper_kit(project_at(made.root)).files == kit.files


def table(kit, name):
    return list(csv.DictReader(io.StringIO(text_of(kit, f"tables/{name}.csv"))))


def test_a_table_has_the_digits_of_its_artifact_in_csv_and_rounded_elsewhere(made, kit):
    agreement = json.loads((made.root / "results/parks/waves/check/agreement.json").read_text())
    kappa = agreement["features"][0]["coefficients"][0]
    (row,) = [row for row in table(kit, "agreement") if row["coefficient"] == "Cohen's kappa"]
    column = "value and 95 % interval"
    assert [float(row[f"{column}{end}"]) for end in ("", " low", " high")] == [
        kappa["value"],
        kappa["interval"]["low"],
        kappa["interval"]["high"],
    ]
    assert f"{kappa['value']:.3f} [{kappa['interval']['low']:.3f}," in text_of(kit, "tables/agreement.tex")


def test_all_tables_have_the_same_rows_in_all_three_formats(kit):
    names = {name.split("/")[1].split(".")[0] for name in kit.files if name.startswith("tables/")}
    assert {"funnel", "states", "cost", "agreement", "gold_splits", "evaluation", "prevalence"} <= names
    for name in names:
        rows = len(table(kit, name))
        assert text_of(kit, f"tables/{name}.tex").count(r" \\") == rows + 1, name
        lines = text_of(kit, f"tables/{name}.md").splitlines()[2:]
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(lines) == rows + 2 and len(widths) == 1, name


@pytest.mark.parametrize("suffix", [".tex", ".md", ".csv", ".svg"])
def test_labels_are_text_in_every_format(kit, suffix):
    for name, content in kit.files.items():
        if not name.endswith(suffix) or name == "prompts":
            continue
        text = content.decode()
        if suffix == ".tex":
            assert r"\input{/" not in text and not re.search(r"(?<!\\)[$#]", text), name
        elif suffix == ".svg":
            ElementTree.fromstring(text)
            assert "<script" not in text, name
        elif suffix == ".md":
            assert not re.search(r"(?<!\\)<script", re.sub(r"`[^`]*`", "", text)), name
        else:
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [cell for cell in cells if cell.startswith("=")], name


def test_figures_stand_alone(kit):
    figures = [name for name in kit.files if name.endswith(".svg")]
    assert {name.split("/")[1].split("_")[0] for name in figures} == {
        *("annotators", "confusion", "calibration", "evaluation", "prevalence")
    }
    for name in figures:
        picture = ElementTree.fromstring(kit.files[name])
        assert picture.get("font-family")
        for part in picture.iter():
            assert "class" not in part.attrib, name
            if part.tag.endswith("}circle"):
                assert part.get("fill"), name
            if part.tag.endswith("}line"):
                assert part.get("stroke"), name


def test_a_figure_as_pdf_holds_its_texts_and_embeds_all_its_fonts(kit):
    import pypdfium2

    for name in [name for name in kit.files if name.endswith(".pdf")]:
        drawn = pypdfium2.PdfDocument(kit.files[name])[0].get_textpage().get_text_range()
        picture = ElementTree.fromstring(kit.files[name.replace(".pdf", ".svg")])
        texts = [part.text for part in picture.iter() if part.tag.endswith("}text") and part.text]
        assert texts and [text for text in texts if text.replace(" ", "") not in drawn.replace(" ", "")] == []
        assert kit.files[name].count(b"/FontFile2") == kit.files[name].count(b"/FontDescriptor ")
        assert b"/BaseFont /Helvetica" not in kit.files[name]
        assert b"/CreationDate (D:2000" in kit.files[name]


def test_letters_that_the_font_lacks_are_told(tmp_path):
    made = paper_project(tmp_path / "project", labels=("公園", "forest"))
    kit = paper_kit(project_at(made.root))
    notes = " ".join(kit.notes)
    assert "the font lacks 公園" in notes and "--font" in notes
    assert notes.split(": ")[0] in text_of(kit, "README.md").replace("\\", "")
    assert "公園" in next(text_of(kit, name) for name in kit.files if name.startswith("figures/confusion"))


def test_a_font_that_is_none_is_refused(made, tmp_path):
    font = tmp_path / "font.ttf"
    font.write_bytes(b"no font")
    with pytest.raises(StudyError, match=r"cannot be used"):
        paper_kit(project_at(made.root), font)


def test_citations_of_the_text_stand_in_the_reference_list(kit):
    cited = set(re.findall(r"@([a-z0-9]+)", text_of(kit, "methods.md")))
    assert cited and cited <= set(re.findall(r"^@\w+\{(\w+),", text_of(kit, "references.bib"), re.MULTILINE))


def test_the_prompts_are_those_that_were_asked(made, kit):
    assert kit.files["prompts/kind/user.j2"] == (made.root / "config/tasks/kind.user.j2").read_bytes()


def test_a_prompt_that_was_changed_since_is_not_given_for_the_one_that_was_asked(tmp_path):
    made = paper_project(tmp_path / "project")
    made.write("config/tasks/kind.user.j2", "Another one: {{ data.text }}")
    kit = paper_kit(project_at(made.root))
    assert not [name for name in kit.files if name.startswith("prompts/")]
    assert "task kind was changed since it was asked" in " ".join(kit.notes)
    assert [row["prompt files"] for row in table(kit, "prompts")] == ["changed since"]


def test_parts_that_are_not_made_yet_are_said_with_what_to_do(tmp_path):
    project = unmade_paper_project(tmp_path / "project")
    kit = paper_kit(project_at(project.root))
    text = text_of(kit, "methods.md")
    for said in (
        "the answers of stage kinds: not made yet (`results/parks/stages/kinds/summary.json`)",
        "the sample of wave check: not made yet",
        "the evaluation quality: not made yet",
        "To do: run the study as usual (e.g. \\`goldpan run --study parks\\`)",
    ):
        assert said in text
    assert not [name for name in kit.files if name.startswith("figures/")]


def test_sheets_that_are_out_are_asked_for(tmp_path):
    made = paper_project(tmp_path / "project")
    (made.root / "results/parks/waves/check/agreement.json").unlink()
    text = text_of(paper_kit(project_at(made.root)), "methods.md")
    assert "the agreement of wave check: not made yet" in text
    assert "put the filled sheets into \\`annotations/parks/check/\\`" in text


def test_an_artifact_that_is_damaged_is_named(tmp_path):
    made = paper_project(tmp_path / "project")
    (made.root / "results/parks/evaluation/quality.json").write_text("{")
    kit = paper_kit(project_at(made.root))
    assert "the evaluation quality: cannot be read (`results/parks/evaluation/quality.json`)" in text_of(
        kit, "methods.md"
    )


def test_an_artifact_of_another_form_is_named(tmp_path):
    made = paper_project(tmp_path / "project")
    for name in ("evaluation/quality", "waves/check/sample", "stages/kinds/chain"):
        (made.root / f"results/parks/{name}.json").write_text('{"format": "of old"}')
    text = text_of(paper_kit(project_at(made.root)), "methods.md")
    for part in ("the evaluation quality", "the sample of wave check", "the counts of the chain to kinds"):
        assert f"{part}: cannot be read" in text


def test_answers_of_the_baseline_are_no_results(tmp_path):
    made = paper_project(tmp_path / "project")
    path = made.root / "results/parks/stages/kinds/summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"baseline": True}))
    assert "Not for a paper as it is" in text_of(paper_kit(project_at(made.root)), "methods.md")


def test_files_of_an_earlier_kit_go_and_others_stay(tmp_path):
    made = paper_project(tmp_path / "project")
    folder = made.root / write_paper(project_at(made.root)).folder
    (folder / "my_notes.md").write_text("mine")
    (made.root / "results/parks/evaluation/quality.json").unlink()
    write_paper(project_at(made.root))
    assert not list(folder.glob("figures/confusion*"))
    assert (folder / "my_notes.md").read_text() == "mine"


def test_labels_of_the_test_are_hostile_indeed():
    assert any(r"\input" in label for label in HOSTILE) and any("<script" in label for label in HOSTILE)


def test_the_methods_text_says_which_labels_are_corrected_together(tmp_path):
    made = paper_project(tmp_path / "project")
    file = made.root / "results/parks/evaluation/quality.json"
    found = json.loads(file.read_bytes())
    note = "Gold items predicted a or b are taken together."
    for model in found["features"][0]["models"]:
        model["prevalence"]["notes"] = [note]
    file.write_text(json.dumps(found))
    assert note in text_of(write_paper(project_at(made.root)), "methods.md")


def test_one_head_is_no_learning_curve_in_the_paper(tmp_path):
    root = finished_project(tmp_path / "project")
    assert not [
        name for name in paper_kit(finished_study(root, "quickstart")).files if "learning_curve" in name
    ]
    metrics = root / "results/quickstart/heads/invests/metrics.json"
    made = json.loads(metrics.read_bytes())
    made["targets"]["score"]["learning_curve"]["points"][0]["records"] = 5
    metrics.write_text(json.dumps(made))
    kit = paper_kit(finished_study(root, "quickstart"))
    assert len(table(kit, "learning_curves")) == 2
    assert any(name.startswith("figures/learning_curve") for name in kit.files)
