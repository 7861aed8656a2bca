"""Dataset mentions with known answers: each verdict on its own mention, and only changes are paid for."""

import csv
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from goldpan.cells import restore
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.projects import CHECKOUT, WorkflowProject, shipped_study
from tests.scripted_mentions import (
    EXTRACT,
    JUDGE,
    REVIEW,
    KnownPage,
    MentionAnnotator,
    attempts,
    expected_rows,
    fate,
    known_pages,
    more_pages,
    write_papers,
)

# Some 3,000 requests in rounds, where other tests have the other core.
pytestmark = pytest.mark.timeout(1200)
JUDGE_ROUNDS, REVIEW_ROUNDS = 3, 2
VERDICT_COLUMNS = ("judge.state", "judge.verdict", "judge.invalid_reason", "judge.rationale")
REVIEW_COLUMNS = tuple(f"reasoning.{name}" for name in (
    "state", "counter_argument", "weighing", "verdict", "invalid_reason", "overrides", "override_reason",
    "would_change_my_mind",
))  # fmt: skip


@pytest.fixture(scope="module")
def annotator():
    return MentionAnnotator()


@pytest.fixture(scope="module")
def server(tmp_path_factory, annotator):
    # The second batch is that of the judge: its other rows are asked in the next round.
    faults = FaultPlan.of({"fault": "shuffled"}, {"fault": "expired", "batches": [2], "after": 700})
    with running_server(tmp_path_factory.mktemp("server"), answerer=annotator, faults=faults) as running:
        yield running


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server):
    """The shipped study behind a filter, over 300 pages, run to its end. Not to be changed."""
    project, study = shipped_study(tmp_path_factory.mktemp("finished") / "project", "dataset_mentions")
    study["sources"]["papers"]["files"] = "papers/*.pdf"
    study["providers"] = {"annotator": {"kind": "openai", "base_url": server.base_url}}
    stages = study["stages"]
    prefilter = {"kind": "filter", "input": {"source": "papers"}, "keywords": ["data"]}
    study["stages"] = {"prefilter": prefilter, **stages}
    stages["extraction"]["input"] = {"stage": "prefilter"}
    for name, rounds in (("extraction", 1), ("judge", JUDGE_ROUNDS), ("reasoning", REVIEW_ROUNDS)):
        stages[name].update(poll={"first": 0.1, "longest": 0.5}, max_rounds=rounds)
    project.write_study(study)
    shutil.copy(CHECKOUT / "config" / "known_datasets.csv", project.root / "config")
    write_papers(project.root / "papers")
    project.run()
    return project


def mentions(project: WorkflowProject) -> dict[tuple[str, int, str], dict[str, Any]]:
    """The rows of the final table that are mentions, by document, page and name."""
    rows = [row for row in project.rows("tables/mentions.jsonl") if row["item.raw_name"] is not None]
    by_place = {(row["document"], row["page"], row["item.raw_name"]): row for row in rows}
    assert len(by_place) == len(rows)
    return by_place


def differing(project: WorkflowProject, pages=None, version: str = "") -> list[Any]:
    """Mentions of which the final table says something else than it should, or that only one of them has."""
    found, wrong = mentions(project), []
    for known in expected_rows(pages, version):
        row = found.pop((known["document"], known["page"], known["raw_name"]), None)
        if row is None:
            wrong.append(("missing", known))
            continue
        says = {key: row.get(key) for key in (*VERDICT_COLUMNS, *REVIEW_COLUMNS)}
        says |= {"count": row["count"], "found": row["located.found"]}
        should = {key: known.get(key) for key in (*VERDICT_COLUMNS, *REVIEW_COLUMNS, "count", "found")}
        if says != should:
            wrong.append((known["document"], known["page"], known["raw_name"], says, should))
    return wrong + [("too many", place) for place in found]


# Each verdict on its own mention


def test_of_a_thousand_mentions_none_has_the_verdict_of_another(finished):
    assert len(list(expected_rows())) > 1000
    assert differing(finished) == []


def test_the_known_answers_hold_every_kind_of_trouble():
    states = Counter((row["judge.state"], row["reasoning.state"]) for row in expected_rows())
    assert {state for state, _ in states} == {"ok", "invalid", "refused", "truncated"}
    assert {state for _, state in states} == {"ok", "invalid", "refused", "truncated", "skipped"}
    assert min(states.values()) > 5


def test_the_table_for_spreadsheets_says_the_same(finished):
    path = finished.artifact("tables/mentions.csv")
    with path.open(encoding="utf-8", newline="") as handle:
        cells = [{restore(key): restore(cell) for key, cell in row.items()} for row in csv.DictReader(handle)]
    rows = finished.rows("tables/mentions.jsonl")
    for name in ("id", "document", "item.raw_name", "judge.verdict", "reasoning.counter_argument"):
        assert [row[name] for row in cells] == [row[name] or "" for row in rows]


def test_every_page_without_a_mention_is_a_row_with_its_reason(finished):
    rows = [row for row in finished.rows("tables/mentions.jsonl") if row["item.raw_name"] is None]
    codes = {(row["document"], row["page"]): row["located.reason"].partition(":")[0] for row in rows}
    expected = {"off_topic": "filtered", "empty": "no_items"}
    assert {place: code for place, code in codes.items() if code in expected.values()} == {
        (page.document, page.number): expected[page.kind] for page in known_pages() if page.kind in expected
    }
    assert len(rows) == sum(page.kind != "full" for page in known_pages())


def test_a_mention_that_is_on_the_page_is_found_where_it_says(finished):
    records = {record["id"]: record for record in finished.rows("stages/located/records.jsonl")}
    located = [row for row in mentions(finished).values() if row["located.found"]]
    assert located
    for row in located:
        raw = records[row["id"]]["data"]["raw"][int(row["located.start"]) : int(row["located.end"])]
        letters = "".join(filter(str.isalnum, raw))
        assert letters == "".join(filter(str.isalnum, row["item.raw_name"]))


def test_the_counts_of_every_stage_add_up(finished):
    kinds = Counter(page.kind for page in known_pages())
    items = len(list(expected_rows()))
    extraction, judge, reasoning = (
        finished.json(f"stages/{stage}/summary.json") for stage in ("extraction", "judge", "reasoning")
    )
    assert extraction["records"] == len(known_pages())
    assert extraction["states"]["ok"] == kinds["full"] + kinds["empty"]
    states = Counter(row["judge.state"] for row in expected_rows())
    assert judge["records"] == reasoning["records"] == items + len(known_pages()) - kinds["full"]
    assert {state: judge["states"].get(state, 0) for state in states} == dict(states)


# Requests paid after an edit


@pytest.fixture
def copy(finished, tmp_path):
    return finished.copy(tmp_path / "project")


def append(project: WorkflowProject, name: str, text: str) -> None:
    path = project.root / "config" / "tasks" / name
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def asked(project: WorkflowProject, annotator: MentionAnnotator) -> dict[str, int]:
    """Run, and count what the service is asked, by function."""
    before = annotator.asked.copy()
    project.run()
    return dict(annotator.asked - before)


def pages_asked(pages: Iterable[KnownPage]) -> int:
    """Requests for mentions: pages with the same text share one."""
    return len({page.token for page in pages if page.kind in ("full", "empty")})


def judgements_asked(pages: Iterable[KnownPage]) -> int:
    """Requests for judgements, wrong ones as often as there are rounds."""
    questions = {(page.token, mention.name) for page in pages for mention in page.mentions}
    return sum(attempts(fate(JUDGE, *question), JUDGE_ROUNDS) for question in questions)


def reviews_asked(pages: Iterable[KnownPage]) -> int:
    """Requests for reviews of what was judged; no two pages have the same neighbours."""
    return sum(
        attempts(fate(REVIEW, page.token, mention.name), REVIEW_ROUNDS)
        for page in pages
        for mention in page.mentions
        if fate(JUDGE, page.token, mention.name) in ("ok", "late")
    )


def test_an_edited_judge_prompt_pays_for_judge_and_reasoning_only(copy, annotator):
    append(copy, "dataset_judge.system.j2", "\nVersion two\n")
    paid = asked(copy, annotator)
    assert paid == {JUDGE: judgements_asked(known_pages()), REVIEW: reviews_asked(known_pages())}
    assert differing(copy, version="Version two") == []


def test_an_added_paper_pays_for_its_own_pages_only(copy, annotator):
    write_papers(copy.root / "papers", more_pages())
    paid = asked(copy, annotator)
    assert paid == {
        EXTRACT: pages_asked(more_pages()),
        JUDGE: judgements_asked(more_pages()),
        REVIEW: reviews_asked(more_pages()),
    }
    assert differing(copy, (*known_pages(), *more_pages())) == []


def test_mentions_that_moved_within_the_answer_pay_for_nothing(copy, annotator):
    append(copy, "dataset_extraction.system.j2", "\nVersion two\n")
    annotator.backwards = True
    try:
        paid = asked(copy, annotator)
    finally:
        annotator.backwards = False
    assert paid == {EXTRACT: pages_asked(known_pages())}
    assert differing(copy) == []


def test_removed_and_reordered_pages_pay_for_changed_neighbours_only_and_keep_their_verdicts(copy, annotator):
    kept = [page for page in known_pages() if page.document == "paper01.pdf" and page.number % 4][::-1]
    reordered = tuple(replace(page, number=number) for number, page in enumerate(kept, 1))
    shutil.rmtree(copy.root / "papers")
    write_papers(copy.root / "papers", reordered)
    assert set(asked(copy, annotator)) == {REVIEW}
    assert differing(copy, reordered) == []


def test_one_more_field_of_a_mention_needs_one_edited_file(copy, annotator):
    path = copy.root / "config/tasks/dataset_extraction.yaml"
    head, signed = path.read_text(encoding="utf-8").split("      # - name: geography", 1)
    path.write_text(f"{head}      - name: geography" + signed.replace("\n      # ", "\n      "))
    few = tuple(page for page in known_pages() if page.document == "paper01.pdf" and page.number <= 12)
    shutil.rmtree(copy.root / "papers")
    write_papers(copy.root / "papers", few)
    copy.run()
    row = next(iter(mentions(copy).values()))
    assert row["item.geography"] == f"geography of {row['item.raw_name']}"
    assert {row["item.access"] for row in mentions(copy).values()} == {"public"}
    assert differing(copy, few) == []
