"""What is wrong with a search is said by `goldpan validate`, and before a run, when nothing was asked yet."""

import json

import pytest

from goldpan.__main__ import main
from goldpan.errors import GoldpanError
from goldpan.optimise import check
from goldpan.study import load_project
from goldpan.workflow.before_run import check_before_run
from tests.searching import remark_rows, search_project, search_study

PROVIDER = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}
PRICED = {"provider": "service", "model": "improver", "price_usd_per_million": [1.0, 2.0]}


def project_with(tmp_path, number=36, **search):
    return search_project(tmp_path / "p", PROVIDER, number, **search)


def validated(project, capsys):
    """Exit status of `goldpan validate`, and all that it says."""
    status = main(["validate", "--root", str(project.root)])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_a_sound_search_has_a_line(tmp_path, capsys):
    status, said = validated(project_with(tmp_path), capsys)
    assert status == 0
    assert "search better: gepa, rewrites, few_shot, up to 900 answers each" in said


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"feature": "tune"}, "no gold for a feature `tune`"),
        ({"task": "topic"}, "does not ask the task `topic`"),
        ({"improver": {"provider": "service"}}, "needs a model"),
        ({"budget": {"answers": 100}}, "at least 15 times as many"),
        ({"budget": {"answers": 900, "usd": 5}}, "no price is known for model `improver`"),
        ({"split": {"train": 0.5, "dev": 0, "test": 0.5}}, "no row with gold is in dev"),
        ({"improves": "descriptions", "ceiling": "people"}, "asks people for none of tone, but for mood"),
    ],
)
def test_what_a_search_would_stop_at_is_said_before_anything_is_asked(tmp_path, capsys, search, said):
    project = project_with(tmp_path, **search)
    if "ceiling" in search:
        study = search_study(PROVIDER, **search)
        study["stages"]["moods"] = {**study["stages"]["tones"], "task": "mood"}
        study["waves"] = {"people": {"stage": "moods", "annotators": ["a", "b"], "sample": 5}}
        project.write_study(study)
        mood = {"name": "mood", "type": "classification", "labels": ["good", "bad"], "description": "Mood."}
        prompt = {"user": "tone.user.j2"}
        task = {"task": "mood", "description": "Mood.", "prompt": prompt, "features": [mood]}
        project.write("config/tasks/mood.yaml", json.dumps(task))
    status, text = validated(project, capsys)
    assert status != 0 and said in " ".join(text.split())
    with pytest.raises(GoldpanError, match=said.split("`")[0]):
        check_before_run(load_project(root=project.root))


def test_near_duplicates_of_test_rows_are_said_and_several_faults_together(tmp_path, capsys):
    project = project_with(tmp_path)
    rows = remark_rows(36)
    project.write_rows("data/b.jsonl", [{**row, "key": f"again-{row['key']}"} for row in rows])
    assert "say what test rows say" in validated(project, capsys)[1]
    project.write_study(search_study(PROVIDER, feature="tune", budget={"answers": 900, "usd": 1}))
    said = validated(project, capsys)[1]
    assert "no gold for a feature `tune`" in said and "no price is known" in said


def test_a_search_whose_proposal_is_asked_is_held_against_nothing(tmp_path, capsys):
    project = project_with(tmp_path, task="tone")
    study = search_study(PROVIDER, task="tone")
    study["stages"]["tones"]["task"] = "tone_v2"
    project.write_study(study)
    task = (
        (project.root / "config" / "tasks" / "tone.yaml").read_text().replace("task: tone", "task: tone_v2")
    )
    project.write(
        "config/tasks/tone_v2.yaml", f"# Proposed by the search `better` (goldpan), candidate\n{task}"
    )
    status, said = validated(project, capsys)
    assert status == 0 and "search better: what it proposed is asked" in said


def test_a_method_that_is_not_installed_is_said_before_the_first_prompt_is_asked(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(check, "find_spec", lambda name: None)
    status, said = validated(project_with(tmp_path), capsys)
    assert status == 0 and "note: the method `gepa` needs gepa, which is not installed" in said
    with pytest.raises(GoldpanError, match="needs gepa"):
        check.check_methods_installed(["rewrites", "gepa"])


def test_a_plan_says_what_a_search_may_cost_at_most(tmp_path, capsys):
    project = project_with(tmp_path, improver=PRICED, methods=["gepa", "rewrites"])
    assert main(["plan", "--root", str(project.root)]) == 0
    said = capsys.readouterr().out
    (line,) = (line for line in said.splitlines() if line.startswith("search better: "))
    assert "up to 1,800 answers (900 for each of gepa, rewrites)" in line and "no limit in USD is set" in line
    plan = json.loads(run_json(project, capsys))[0]["plan"]["estimate"]
    alone = (plan["prompt_tokens"] * 1e-6 + plan["completion_tokens"] * 2e-6) / 36
    assert float(line.split("about ")[1].split(" USD")[0]) == pytest.approx(1800 * alone, abs=1e-4)
    project.write_study(search_study(PROVIDER, improver=PRICED, budget={"answers": 900, "usd": 0.5}))
    main(["plan", "--root", str(project.root)])
    assert "in all at most 0.5000 USD by `budget.usd`" in capsys.readouterr().out


def run_json(project, capsys):
    main(["plan", "--json", "--root", str(project.root)])
    return capsys.readouterr().out
