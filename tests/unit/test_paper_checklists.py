"""Reporting checklists: their items, and that nothing in them is made up."""

import csv
import io
import re

import pytest
import yaml

from goldpan.errors import StudyError
from goldpan.report.paper.checklists.checklist import NOT_ANSWERED
from goldpan.report.paper.checklists.facts import DESIGN
from goldpan.report.paper.kit import CHECKLISTS, paper_kit
from goldpan.report.paper.methods_software import ENVIRONMENT
from goldpan.study import load_project
from goldpan.study.statement import AnnotatorStatement, Statement
from tests.paper_projects import paper_project, unmade_paper_project
from tests.projects import CHECKOUT

GUIDE_CORE = [
    f"{section}.{number}"
    for section, count in zip("ABCDEFG", (2, 5, 2, 1, 2, 1, 1), strict=True)
    for number in range(1, count + 1)
]
ACL = [
    f"{section}{number}"
    for section, count in zip("ABCDE", (2, 6, 4, 5, 1), strict=True)
    for number in range(1, count + 1)
]
BY_NAME = {checklist.name: checklist for checklist in CHECKLISTS}


def kit_at(root):
    return paper_kit(load_project("parks", root=root))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return paper_project(tmp_path_factory.mktemp("paper") / "project")


@pytest.fixture(scope="module")
def kit(made):
    return kit_at(made.root)


def test_guide_llm_has_its_14_core_and_8_optional_items():
    items = BY_NAME["guide_llm"].items
    assert [item.id for item in items if item.level == "core"] == GUIDE_CORE
    assert len([item for item in items if item.level == "optional"]) == 8


def test_the_acl_checklist_has_its_items():
    assert [item.id for item in BY_NAME["acl"].items] == ACL


def test_items_of_llm_guidelines_are_numbered_within_their_guideline():
    items = BY_NAME["llm_guidelines"].items
    assert len({item.id for item in items}) == len(items) == 82
    assert len({item.group for item in items}) == 8
    assert [item.id for item in items if item.group == "Open LLM"] == ["Open-LLM-1", "Open-LLM-2"]


def test_every_key_of_the_statement_answers_an_item():
    known = {*Statement.model_fields, *(f"annotators.{key}" for key in AnnotatorStatement.model_fields)}
    used = {key for checklist in CHECKLISTS for item in checklist.items for key in item.stated}
    assert used == known - {"annotators", "checklists"}


def test_every_sentence_from_an_artifact_names_one_that_is_there(made, kit):
    told = [fact for answers in kit.answers.values() for answer in answers for fact in answer.facts]
    assert len(told) > 40
    for fact in told:
        assert fact.path in (DESIGN, ENVIRONMENT) or (
            (made.root / fact.path).exists() or fact.path.endswith(("errors.csv", "sheets", "merged.csv"))
        ), fact


def test_without_artifacts_and_statement_only_what_holds_for_all_studies_is_answered(tmp_path):
    kit = kit_at(unmade_paper_project(tmp_path / "project").root)
    for answers in kit.answers.values():
        for answer in answers:
            paths = {fact.path for fact in answer.facts}
            assert paths <= {DESIGN, ENVIRONMENT, "config/tasks/kind.yaml", "config/studies/parks.yaml"}
            assert not answer.stated


def test_what_nobody_has_answered_is_listed_and_holds_no_answer(kit):
    text = kit.files["checklists/acl.md"].decode()
    (listed,) = [line for line in text.splitlines() if line.startswith("Not answered: ")]
    unanswered = [answer.item.id for answer in kit.answers["acl"] if answer.status == NOT_ANSWERED]
    assert listed == f"Not answered: {', '.join(unanswered)}."
    assert {"A1", "B4", "D2", "D4", "E1"} - set(unanswered) == {"E1"}
    section = text.partition("### D4 ")[2].partition("\n### ")[0]
    assert section.splitlines()[1:] == [
        "",
        "D. Annotators and participants. Answered by: nobody yet.",
        "",
        "- To be stated by the authors: `statement.ethics_review`.",
    ]


def test_the_study_s_own_words_stand_where_they_belong_as_they_are(tmp_path):
    statement = {
        "funding": "Grant 12 | of <nobody>",
        "annotators": {"pay": "15 EUR an hour"},
        "checklists": {"acl": {"C2": "Only temperature 0 was tried."}},
    }
    kit = kit_at(paper_project(tmp_path / "project", statement=statement).root)
    text = kit.files["checklists/acl.md"].decode()
    assert "- 15 EUR an hour (`statement.annotators.pay`)" in text.partition("### D2 ")[2]
    assert "- Only temperature 0 was tried. (`statement.checklists`)" in text.partition("### C2 ")[2]
    rows = csv.DictReader(io.StringIO(kit.files["checklists/guide_llm.csv"].decode()))
    (interests,) = [row for row in rows if row["item"] == "G.1"]
    assert (interests["stated"], interests["answered by"]) == ("Grant 12 | of <nobody>", "the statement")
    assert interests["statement could say"] == "competing_interests"
    assert r"Funding: Grant 12 \| of \<nobody\>" in kit.files["methods.md"].decode()


def test_an_item_that_a_checklist_does_not_have_is_named_with_the_nearest(tmp_path):
    statement = {"checklists": {"guide_llm": {"A.3": "Something."}}}
    root = unmade_paper_project(tmp_path / "project", statement=statement).root
    with pytest.raises(StudyError, match=r"guide_llm: there is no item `A\.3`; did you mean `[AB]\.\d`"):
        kit_at(root)


def test_each_checklist_says_where_its_items_are_from(kit):
    for checklist in CHECKLISTS:
        head = kit.files[f"checklists/{checklist.name}.md"].decode().split("###")[0]
        assert "https://" in head and "in our words" in head
        assert f"{{{checklist.source.key}," in kit.files["references.bib"].decode()


@pytest.mark.parametrize("page", ["paper.md", "study.md"])
def test_the_statements_of_the_docs_are_good_ones(page, tmp_path):
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    blocks = [
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(statement:.*?)^```", text, re.M | re.S)
    ]
    assert len(blocks) == 1
    kit_at(unmade_paper_project(tmp_path / "project", statement=blocks[0]["statement"]).root)
