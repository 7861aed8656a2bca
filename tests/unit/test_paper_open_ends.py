"""What the paper kit says of a study that is not perfect: open answers, notes, stale parts, one annotator."""

import csv
import io
import json

import pytest

from goldpan.report.paper.document import LinesAsWritten, as_latex, as_markdown, bullets
from goldpan.report.paper.kit import paper_kit
from goldpan.study import load_project
from tests.paper_projects import paper_project, paper_study, undecided, write_merges

WAVE = "results/parks/waves/check"


@pytest.fixture
def made(tmp_path):
    return paper_project(tmp_path / "project")


def kit_of(made):
    return paper_kit(load_project("parks", root=made.root))


def methods_of(made):
    return kit_of(made).files["methods.md"].decode()


def rows_of(kit, name):
    return list(csv.DictReader(io.StringIO(kit.files[f"tables/{name}.csv"].decode())))


def changed(made, path, **changes):
    """An artifact with other values under some keys."""
    file = made.root / path
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_items_of_which_nothing_is_decided_are_counted_as_the_run_counts_them(made):
    write_merges(made.root, [undecided(number) for number in range(5)])
    kit = kit_of(made)
    assert [(row["resolution"], row["items"]) for row in rows_of(kit, "gold_resolutions")] == [
        ("awaiting adjudication", "5")
    ]
    text = kit.files["methods.md"].decode()
    assert "without a label: 5 awaiting adjudication." in text
    assert "Answers that a person has yet to decide: 5." in text
    quoted = json.loads(kit.files["numbers.json"])
    assert {"artifact": f"{WAVE}/disagreements.csv", "key": ["to_decide"], "text": "5", "value": 5} in quoted
    assert "5 answers of wave check are to be decided" in text


def test_resolutions_of_a_feature_add_up_to_the_items_of_the_wave(made):
    sampled = json.loads((made.root / f"{WAVE}/sample.json").read_text())["sampled"]
    assert sum(int(row["items"]) for row in rows_of(kit_of(made), "gold_resolutions")) == sampled


def test_the_readme_asks_for_decisions_and_is_not_done(made):
    assert "are to be decided" not in kit_of(made).files["README.md"].decode()
    write_merges(made.root, [undecided(1)])
    text = kit_of(made).files["README.md"].decode()
    assert "Everything that the study asks for is there." not in text
    assert "1 answers of wave check are to be decided" in text and "adjudication.html" in text


@pytest.mark.parametrize("file", ["README.md", "methods.md"])
def test_a_wave_that_was_given_out_before_a_change_is_called_stale(made, file):
    note = "what annotators are asked is not what it was"
    made.write(f"{WAVE}/changes.json", json.dumps({"study_notes": [note], "record_notes": []}))
    text = kit_of(made).files[file].decode()
    assert "the wave check: stale, given out before the study or its records changed" in text


def test_a_wave_of_which_somebody_is_not_done_says_who_without_a_name(made):
    people = json.loads((made.root / f"{WAVE}/status.json").read_text())["annotators"]
    people["Ann"] |= {"answered": 20, "left": 10}
    changed(made, f"{WAVE}/status.json", annotators=people, state="partial")
    text = kit_of(made).files["README.md"].decode()
    assert "the answers of wave check: not complete, A2 did not answer all items" in text


def test_notes_of_evaluations_waves_and_heads_are_limits_in_text_and_table(made):
    changed(made, "results/parks/evaluation/quality.json", notes=["Cannot be compared with this gold."])
    changed(made, f"{WAVE}/agreement.json", notes=["Partial: Ann has not fully answered 3 of 30 items."])
    kit = kit_of(made)
    text = kit.files["methods.md"].decode()
    section = text.partition("## Limits said by goldpan")[2].partition("\n## ")[0]
    limits = {(row["of"], row["limit"]) for row in rows_of(kit, "limits")}
    for about, said in (
        ("evaluation quality", "Cannot be compared with this gold."),
        ("wave check", "Partial: A2 has not fully answered 3 of 30 items."),
    ):
        assert f"- {about}: {said}" in section
        assert (about, said) in limits


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("uncertain", "Items came in the order of the model's confidence, the least sure first"),
        ("choice", "annotators could have the items first of which the model was least sure"),
    ],
)
def test_an_order_by_the_model_s_confidence_is_named_in_the_methods(made, order, said):
    assert said not in methods_of(made)
    changed(made, f"{WAVE}/status.json", order=order)
    assert said in methods_of(made)


def test_agreement_of_annotators_with_themselves_is_told_without_their_names(made):
    kit = kit_of(made)
    (observed,) = [
        row for row in rows_of(kit, "self_agreement") if row["coefficient"] == "Observed agreement"
    ]
    assert (observed["annotator"], observed["items shown twice"]) == ("A1", "6")
    assert float(observed["value and 95 % interval"]) == 1.0
    assert "agreed with themselves" in kit.files["methods.md"].decode()
    assert "A1 on kind 1.000" in kit.files["methods.md"].decode()


def test_the_methods_say_how_answers_were_merged(made):
    assert "merged by the strategy adjudicate: where annotators differ, a person decides" in methods_of(made)


def test_one_annotator_leaves_no_sentence_about_several(tmp_path):
    waves = paper_study()["waves"]
    waves["check"]["annotators"] = ["Zoe"]
    made = paper_project(tmp_path / "project", waves=waves)
    status = json.loads((made.root / f"{WAVE}/status.json").read_text())
    changed(made, f"{WAVE}/status.json", annotators={"Zoe": status["annotators"]["Zoe"]})
    agreement = json.loads((made.root / f"{WAVE}/agreement.json").read_text())
    changed(made, f"{WAVE}/agreement.json", provenance=agreement["provenance"] | {"references": []})
    kit = kit_of(made)
    text = kit.files["methods.md"].decode()
    section = text.partition("## Annotation by people")[2].partition("\n## ")[0]
    assert "The annotator did not see the model's answers." in section
    assert "agreement between people cannot be measured" in section
    for said in ("each other", "two annotators", "follow .", "annotators differ"):
        assert said not in section
    checklists = b"".join(kit.files[f"checklists/{name}.md"] for name in ("acl", "guide_llm")).decode()
    assert "1 annotator, who did not see the model's answers" in checklists
    assert "1 annotators" not in checklists


def test_lines_of_a_statement_stay_lines_within_their_point(tmp_path):
    said = "First line\n- one | two\n# three\n\nSecond paragraph"
    made = paper_project(tmp_path / "project", statement={"limitations": said})
    point = "Limitations: First line\\\n  \\- one \\| two\\\n  \\# three\n\n  Second paragraph\n"
    assert f"- {point}" in methods_of(made)
    acl = kit_of(made).files["checklists/acl.md"].decode()
    assert "- First line\\\n  \\- one" in acl
    assert "Second paragraph (`statement.limitations`)" in acl


def test_lines_are_lines_in_latex():
    blocks = [bullets([["Risks: ", LinesAsWritten("a\n[b] & c\n\nd")]])]
    assert "Risks: a\\newline\n{}[b] \\& c\n\nd" in as_latex(blocks)
    assert as_markdown([bullets([[LinesAsWritten("1. a\n\u200b\n2. b")]])]).startswith("- 1\\. a")


@pytest.mark.parametrize("item", ["Benchmarks-and-Metrics-11", "Human-Validation-4", "Traces-1"])
def test_items_that_ask_for_more_than_artifacts_say_are_answered_in_part(made, item):
    answers = {answer.item.id: answer for answer in kit_of(made).answers["llm_guidelines"]}
    assert answers[item].status == "artifacts, in part"
    assert "checklists" in answers[item].could_state


def test_such_an_item_is_answered_by_its_id(tmp_path):
    statement = {
        "checklists": {"llm_guidelines": {"Benchmarks-and-Metrics-11": "Temperature 0: once is enough."}}
    }
    made = paper_project(tmp_path / "project", statement=statement)
    answers = {answer.item.id: answer for answer in kit_of(made).answers["llm_guidelines"]}
    assert answers["Benchmarks-and-Metrics-11"].status == "artifacts and the statement"


def test_how_answers_were_merged_is_told_to_the_checklist(made):
    answers = {answer.item.id: answer for answer in kit_of(made).answers["llm_guidelines"]}
    told = " ".join(fact.text for fact in answers["Human-Validation-6"].facts)
    assert "merged by the strategy adjudicate" in told and "30 by agreement" in told


def test_comparisons_of_one_model_are_no_tests_of_models(made):
    answers = {answer.item.id: answer for answer in kit_of(made).answers["llm_guidelines"]}
    assert answers["Benchmarks-and-Metrics-18"].status == "nobody yet"


def test_a_pair_of_predictions_is_compared_in_the_methods_and_tested_in_the_checklist(made):
    features = json.loads((made.root / "results/parks/evaluation/quality.json").read_text())["features"]
    pair = features[0]["models"][0]["over_baseline"] | {"first": "large", "second": "small"}
    features[0]["comparisons"] = [pair]
    changed(made, "results/parks/evaluation/quality.json", features=features)
    kit = kit_of(made)
    difference = next(one for one in pair["differences"] if one["name"] == "accuracy")["weighted"]["value"]
    tested = f"McNemar's test: p {pair['mcnemar']['p_value']:.3f}."
    (sentence,) = [line for line in kit.files["methods.md"].decode().splitlines() if "`large` less" in line]
    assert f"`small` on kind, Accuracy: {difference:.3f} (" in sentence and sentence.endswith(tested)
    answers = {answer.item.id: answer for answer in kit.answers["llm_guidelines"]}
    (fact,) = answers["Benchmarks-and-Metrics-18"].facts
    assert f"Accuracy of large less that of small {difference:.3f} (" in fact.text
