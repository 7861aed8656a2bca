"""A search in one process, against an endpoint that is right where the prompt has the words for it."""

import shutil
from dataclasses import replace

import orjson
import pytest

from goldpan.errors import GoldpanError, OnlineError, StudyError, TaskError
from goldpan.ledger import Ledger
from goldpan.optimise.proposal import adopt_proposal
from goldpan.optimise.report_files import read_search
from goldpan.optimise.run import optimise_in_project
from goldpan.providers.engine import completion
from goldpan.study import load_project
from goldpan.tasks.task import load_task
from tests.online_service import Say, online_service
from tests.searching import (
    SYSTEM,
    WORDS,
    Remarks,
    answered_online,
    remark_rows,
    search_project,
    search_study,
    with_records,
)

BETTER = "results/remarks/optimised/better"


def files_of(project):
    """The files of the search, as bytes."""
    folder = project.root / BETTER
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def service():
    with online_service(Remarks()) as service:
        service.script = service._script
        yield service


def made(tmp_path, service, number=36, **search):
    service.script.__init__()
    return with_records(search_project(tmp_path / "p", provider_of(service), number, **search))


def provider_of(service):
    return {"kind": "openai", "base_url": service.base_url}


@pytest.fixture(scope="module")
def searched(tmp_path_factory, service):
    """A project with a search that has found something, its report, and how many calls came."""
    priced = {"provider": "service", "model": "improver", "price_usd_per_million": [1.0, 2.0]}
    search = {"methods": ["gepa", "rewrites"], "rewrites": 3, "budget": {"answers": 240}, "improver": priced}
    project = made(tmp_path_factory.mktemp("searched"), service, **search)
    report = optimise_in_project(project, "better")
    return project, report, service.script.asked + service.script.improved


def copy_of(project, folder):
    """The same project in another folder."""
    return load_project(root=shutil.copytree(project.root, folder / "copy", symlinks=True))


def test_it_finds_the_words_within_its_budget_looks_at_test_once_and_pays_nothing_again(
    searched, tmp_path, service
):
    project, report, calls = searched
    parent = load_task("tone", project.tasks)
    assert report.decision.proposed and report.proposed.metric.value == 1.0
    assert all(word in report.proposed.components["system"] for word in WORDS)
    assert all(method.answers <= 240 for method in report.methods)
    assert report.test is not None and report.test.proposed.value == 1.0
    # What it says it cost is what the ledger says was paid.
    with Ledger(project.ledger) as ledger:
        paid = [answer for _, answer in ledger.all_answers()]
    assert len(paid) == calls
    cost = sum(answer.prompt_tokens * 1e-6 + answer.completion_tokens * 2e-6 for answer in paid)
    assert report.spending.answers_usd + report.spending.improver_usd == pytest.approx(cost)
    # The task as it is was not touched, and the proposal says where it comes from.
    assert load_task("tone", project.tasks).hash == parent.hash
    text = (project.root / BETTER / "task" / "tone.yaml").read_text()
    assert any("rows are in dev: by fewer than 20 nothing" in note for note in report.notes)
    assert parent.hash in text and "candidate `gepa-" in text and "before: " in text
    again = copy_of(project, tmp_path)
    shutil.rmtree(again.root / BETTER)
    before = service.script.asked + service.script.improved
    optimise_in_project(again, "better")
    assert service.script.asked + service.script.improved == before
    assert files_of(again) == files_of(project)
    looks_file = again.root / "data" / "remarks.test_looks.jsonl"
    (look,) = map(orjson.loads, looks_file.read_bytes().splitlines())
    assert look["items"] == report.rows.test
    # A look before a label was corrected was a look at these rows all the same.
    before_correction = {**look, "rows": "0" * 64, "asked": "1" * 64}
    looks_file.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in (before_correction, look)))
    told = optimise_in_project(again, "better")
    assert len(told.looks) == 2 and any(note.startswith("1 of the 2 looks") for note in told.notes)
    assert not list((project.ledger.parent / "optimised").rglob("*.yaml"))


def test_the_first_prompt_is_asked_as_the_stage_asks_it(tmp_path, service):
    """So what a stage has answered is not paid for again by a search."""
    project = made(tmp_path, service, methods=["rewrites"], budget={"answers": 240})
    answered_online(project)
    assert service.script.asked == 36
    optimise_in_project(project, "better")
    assert SYSTEM not in service.script.prompts[36:]


def test_without_a_better_prompt_the_first_stays_and_test_is_not_looked_at(tmp_path, service):
    project = made(tmp_path, service, methods=["rewrites", "few_shot"], budget={"answers": 240}, rewrites=2)
    report = optimise_in_project(project, "better")
    assert report.decision.proposed is None and report.test is None and report.looks == ()
    assert not list(project.root.glob("data/*looks*")) and not (project.root / BETTER / "task").exists()
    with pytest.raises(StudyError, match="proposes nothing"):
        adopt_proposal(project, "better")


@pytest.mark.parametrize("usd", [0.004, 0.008])
def test_the_money_of_a_search_holds_and_a_replay_stops_at_the_same_place(tmp_path, service, usd):
    project = made(
        tmp_path,
        service,
        methods=["gepa", "few_shot"],
        budget={"answers": 240, "usd": usd},
        improver={"provider": "service", "model": "improver", "price_usd_per_million": [1.0, 2.0]},
    )
    report = optimise_in_project(project, "better")
    assert report.spending.answers_usd + report.spending.improver_usd <= usd
    assert report.spending.ended_early
    asked, first = (service.script.asked, service.script.improved), files_of(project)
    optimise_in_project(project, "better")
    assert (service.script.asked, service.script.improved) == asked and files_of(project) == first


def test_a_limit_that_the_first_prompt_alone_exceeds_is_an_error_before_anything_is_asked(tmp_path, service):
    project = made(tmp_path, service, budget={"answers": 240, "usd": 0.0001})
    with pytest.raises(StudyError, match="first prompt alone"):
        optimise_in_project(project, "better")
    assert service.script.asked == 0


def test_an_unknown_price_cannot_be_limited(tmp_path, service):
    project = made(tmp_path, service, methods=["gepa"], budget={"answers": 240, "usd": 5})
    with pytest.raises(StudyError, match="no price is known for model `improver`"):
        optimise_in_project(project, "better")


def test_failed_answers_are_wrong_ones_and_end_nothing(tmp_path, service):
    said = service.script

    class Broken(Remarks):
        def __call__(self, call):
            say = super().__call__(call)
            return Say(answer={"tone": "no label"}) if "kind0" in call.text else say

    service._script = Broken()
    settings = {"methods": ["rewrites"], "rewrites": 2, "budget": {"answers": 240}}
    try:
        project = with_records(search_project(tmp_path / "p", provider_of(service), 36, **settings))
        report = optimise_in_project(project, "better")
    finally:
        service._script = said
    assert report.seed.metric.value == 0.0
    assert report.seed.valid_share == pytest.approx(0.75, abs=0.15)


class BadImprover(Remarks):
    """Improves in its own way; `says` is what becomes of a request to it."""

    says = Say(status=500)

    def __call__(self, call):
        before = self.improved
        say = super().__call__(call)
        return self.says if self.improved > before else say


@pytest.fixture
def bad_improver(tmp_path, service):
    said, service._script = service.script, BadImprover()
    settings = {"methods": ["rewrites"], "rewrites": 4, "budget": {"answers": 240}}
    provider = {**provider_of(service), "patience_seconds": 0}
    yield service._script, with_records(search_project(tmp_path / "p", provider, 36, **settings))
    service._script = said


def test_an_improver_that_is_out_ends_the_search_which_goes_on_later(bad_improver):
    script, project = bad_improver
    with pytest.raises(OnlineError, match="answered none of the last 2 requests"):
        optimise_in_project(project, "better")
    assert script.improved == 2
    script.says = Say(answer="Label remarks with care.")
    report = optimise_in_project(project, "better")
    # What failed is told, and not asked again; the other two are the same text.
    assert script.improved == 4 and len(report.candidates) == 5


def test_a_rewrite_without_a_text_is_paid_once(bad_improver):
    script, project = bad_improver
    script.says = Say(answer="")
    report = optimise_in_project(project, "better")
    assert script.improved == 4
    assert {each.refused for each in report.candidates[1:]} == {"no text came back: invalid"}


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"budget": {"answers": 20}}, "at least 15 times"),
        ({"split": {"train": 0.0, "dev": 1.0, "test": 0.0}}, "no row with gold is in train"),
        ({"task": "topic"}, "does not ask the task `topic`"),
        ({"feature": "tune"}, "no gold for a feature `tune`"),
        ({"improver": {"provider": "service"}}, "needs a model"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_asked(tmp_path, service, search, said):
    project = made(tmp_path, service, **search)
    with pytest.raises(GoldpanError, match=said):
        optimise_in_project(project, "better")
    assert service.script.asked == service.script.improved == 0


def test_near_duplicates_of_test_rows_are_refused_by_id_or_left_out(tmp_path, service):
    project = search_project(tmp_path / "p", provider_of(service), methods=["rewrites"])
    rows = remark_rows(60)
    copies = [
        {**row, "key": f"copy-{row['key']}", "text": row["text"].replace(" ", ", ") + "!"}
        for row in rows[:30]
    ]
    project.write_rows("data/a.jsonl", [*rows, *copies])
    with pytest.raises(StudyError, match=r"say what test rows say: `(copy-)?r0\d\d` \((train|dev)\)"):
        optimise_in_project(with_records(project), "better")
    settings = {"methods": ["rewrites"], "near_duplicates": "leave_out"}
    project.write_study(search_study(provider_of(service), **settings))
    report = optimise_in_project(load_project(root=project.root), "better")
    assert report.rows.train + report.rows.dev + report.rows.test < 90
    assert any("that say what test rows say are left out" in note for note in report.notes)


def test_what_is_proposed_is_adopted_under_a_new_name_and_only_as_it_was_measured(searched, tmp_path):
    project, report = copy_of(searched[0], tmp_path), searched[1]
    assert adopt_proposal(project, "better")[0].name == "tone_v2.yaml"
    adopted = load_task("tone_v2", project.tasks)
    assert adopted.system_template == report.proposed.components["system"]
    # The function is called as it was, so the requests are those that the search has asked.
    assert adopted.hash == load_task("tone", project.root / BETTER / "task").hash
    with pytest.raises(StudyError, match="was adopted already, as `tone_v2`"):
        adopt_proposal(project, "better")
    # Once it was changed it is another task.
    (project.tasks / "tone_v2.system.j2").write_text("Changed.")
    assert adopt_proposal(project, "better")[0].name == "tone_v3.yaml"
    with pytest.raises(StudyError, match=r"there is a file tone_v2\.yaml already"):
        adopt_proposal(project, "better", "tone_v2")
    with pytest.raises(StudyError, match="there is a file tone"):
        adopt_proposal(project, "better", "tone")
    with pytest.raises(StudyError, match="no name of a task"):
        adopt_proposal(project, "better", "../tone")
    (project.root / BETTER / "task" / "tone.system.j2").write_text("Other.")
    with pytest.raises(TaskError, match="proposed task was changed"):
        adopt_proposal(project, "better")
    (project.tasks / "tone.system.j2").write_text("Changed.")
    with pytest.raises(TaskError, match="was changed since the search"):
        adopt_proposal(project, "better")
    shutil.rmtree(project.root / BETTER)
    with pytest.raises(StudyError, match="has not ended yet"):
        adopt_proposal(project, "better")


def test_a_search_report_reads_as_it_was_written(searched):
    project, report, _ = searched
    folder = project.root / BETTER
    again = read_search(folder / "search.json", folder / "candidates.jsonl")
    assert again.decision.proposed == report.decision.proposed and again.decision.why == report.decision.why
    assert [each.components for each in again.candidates] == [each.components for each in report.candidates]


PRICED = {"provider": "service", "model": "improver", "price_usd_per_million": [1.0, 2.0]}


class Unusual(Remarks):
    """As `Remarks`, of a bad service: `spoil` changes what becomes of a call."""

    def __init__(self, spoil):
        super().__init__()
        self.spoil, self.billed = spoil, 0.0

    def __call__(self, call):
        say = super().__call__(call)
        body = completion(call.body, say.answer, call.text)
        used = body["usage"]
        self.billed += used["prompt_tokens"] * 1e-6 + used["completion_tokens"] * 2e-6
        return self.spoil(call, replace(say, body=body))


def spoiled(tmp_path, spoil, usd):
    script = Unusual(spoil)
    with online_service(script) as service:
        provider = {**provider_of(service), "patience_seconds": 2, "timeout_seconds": 5}
        search = {"methods": ["rewrites", "few_shot"], "rewrites": 6, "improver": PRICED}
        budget = {"answers": 240, "usd": usd}
        project = with_records(search_project(tmp_path / "p", provider, 36, budget=budget, **search))
        report = optimise_in_project(project, "better")
        calls = len(service.calls)
        optimise_in_project(project, "better")
        assert len(service.calls) == calls, "made again it asks nobody"
    return script, report, project


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": -7, "completion_tokens": -1, "total_tokens": -8}])
def test_answers_that_do_not_say_what_they_cost_count_as_planned(tmp_path, usage):
    def spoil(call, say):
        return replace(say, body={**say.body, "usage": usage})

    script, report, _ = spoiled(tmp_path, spoil, 0.02)
    assert report.spending.ended_early
    assert 0.005 < report.spending.answers_usd <= 0.02
    assert script.billed <= 0.02
    assert any("do not say how many tokens" in note for note in report.notes)


def test_calls_whose_answers_are_lost_are_held_against_the_limit_and_told(tmp_path):
    def spoil(call, say):
        if call.number % 4 == 0:
            return replace(say, cut=20)
        return replace(say, body="<html>sorry</html>") if call.number % 7 == 0 else say

    script, report, project = spoiled(tmp_path, spoil, 0.01)
    told = report.spending.answers_usd + report.spending.improver_usd + report.spending.lost_usd
    assert report.spending.ended_early and report.spending.lost_usd > 0
    assert script.billed <= 0.0105
    assert told == pytest.approx(script.billed, rel=0.25)
    assert "whose answers were lost may have cost" in (project.root / BETTER / "search.html").read_text()


def test_answers_of_another_model_are_told(tmp_path, capsys):
    def spoil(call, say):
        return replace(say, body={**say.body, "model": "evil-<b>" if call.number % 2 else call.body["model"]})

    _, report, project = spoiled(tmp_path, spoil, 1.0)
    (note,) = (note for note in report.notes if "another model" in note and "answers" in note)
    assert "`evil-<b>` (" in note and "than `m`, which was asked" in note
    assert "evil-&lt;b&gt;" in (project.root / BETTER / "search.html").read_text()
    said = capsys.readouterr().err
    assert "note: Of " in said
    # A line for each prompt that was asked all of dev.
    lines = [line for line in said.splitlines() if "better, rewrites: " in line and "has 0." in line]
    of_rewrites = [each for each in report.candidates if each.method == "rewrites" and not each.refused]
    assert len(lines) == 2 * len(of_rewrites) and "the best so far 0." in lines[0]
    assert all("/240 answers, " in line and "USD so far" in line for line in lines)
