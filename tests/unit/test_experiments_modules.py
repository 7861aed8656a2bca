"""What `goldpan experiments` says of modules and runs, before anything is asked."""

import pytest

from goldpan.cli import main
from goldpan.errors import StudyError
from goldpan.experiments.command import project_to_run, snakemake_arguments, stages_to_run
from goldpan.experiments.derived import derived_study
from goldpan.experiments.history import History
from goldpan.experiments.identity import planned_limits, prompt_hash, run_id, what_is_run
from goldpan.experiments.listing import listed_modules, pending_runs
from goldpan.experiments.record import record_run
from goldpan.study import load_project
from tests.projects import WorkflowProject
from tests.recorded_runs import ROWS, a_run
from tests.workflow.test_experiments import ASKS, STUDY, TABLE, TOPIC, golden_rows


@pytest.fixture
def project(tmp_path):
    project = WorkflowProject.create(tmp_path, study="golden")
    project.write("config/modules.yaml", TABLE)
    project.write("config/studies/golden.yaml", STUDY)
    for task in (TOPIC, ASKS):
        project.write_task(task)
        project.write(f"config/tasks/{task['task']}.user.j2", "{{ data.input.text }}")
        project.write_rows(f"golden/{task['task']}.jsonl", golden_rows(12))
    return project


def load(project, study="golden", **options):
    return load_project(study, root=project.root, **options)


def as_if_run(project):
    """Put a run of each module into the history, as it would be now."""
    loaded = load(project)
    history = History(loaded.runs)
    for stage in loaded.study.stages:
        what = what_is_run(loaded, stage, planned_limits(loaded, stage))
        run = a_run(stage, id=run_id(what), what=what, study="golden", prompt_hash=prompt_hash(what))
        history.record(run, ROWS)
    return history


def test_what_was_never_run_is_pending_and_what_was_run_is_not(project):
    history = History(project.root / "runs")
    assert [(of.stage, of.why) for of in pending_runs(load(project), history)] == [
        ("topic", "never run"),
        ("asks", "never run"),
    ]
    as_if_run(project)
    assert pending_runs(load(project), history) == []
    assert [of.stage for of in pending_runs(load(project, limit=5), history)] == ["topic", "asks"]
    assert pending_runs(load(project, limit=12), history) == []


def test_the_group_of_rows_is_part_of_what_is_run_only_where_it_is_given(project):
    before = what_is_run(load(project), "asks", {})
    project.write("config/studies/golden.yaml", STUDY + "evaluations: {asks: {group: metadata.shop}}\n")
    after = what_is_run(load(project), "asks", {})
    assert "group" not in before["gold"][0]
    assert after == before | {"gold": [before["gold"][0] | {"group": "metadata.shop"}]}


def test_how_often_a_request_may_be_asked_is_part_of_what_is_run_where_it_is_not_the_default(project):
    ids = []
    for rounds in ("", ", max_rounds: 3", ", max_rounds: 1"):
        project.write("config/studies/golden.yaml", STUDY.replace("-1}", f"-1{rounds}}}"))
        what = what_is_run(load(project), "asks", {})
        ids.append(run_id(what))
        assert ("max_rounds" in what["asked"]) == (rounds == ", max_rounds: 1")
    assert ids[0] == ids[1] != ids[2]


def edit_prompt(project):
    project.write("config/tasks/asks.user.j2", "Now: {{ data.input.text }}")


def add_a_row(project):
    project.write_rows("golden/asks.jsonl", golden_rows(13))


def ask_another_model(project):
    project.write("config/studies/golden.yaml", STUDY + "stages: {asks: {model: m2}}")


def measure_by_another_field(project):
    project.write_task(ASKS | {"expected": {"asks": {"field": "metadata.asks"}}})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edit_prompt, "task"),
        (add_a_row, "data"),
        (ask_another_model, "model"),
        (measure_by_another_field, "what is expected"),
    ],
)
def test_what_makes_a_run_another_one_is_named(project, change, why):
    history = as_if_run(project)
    change(project)
    (pending,) = pending_runs(load(project), history)
    assert pending.stage == "asks" and pending.why.endswith(f": {why}")


def recorded_by_another_study(project):
    """A run of `asks` over the golden rows as they are now, which another study has made."""
    loaded = load(project)
    history = History(loaded.runs)
    what = what_is_run(loaded, "asks", {})
    run = a_run("asks", id=run_id(what), what=what, study="other", data_hash=what["data"])
    history.record(run, ROWS)
    return history, run


def test_a_run_of_another_study_over_the_same_data_set_is_listed(project):
    history, run = recorded_by_another_study(project)
    listed = {module.id: module.last for module in listed_modules(load(project), history.read())}
    assert listed["asks"] and listed["asks"].id == run.id
    assert listed["topic"] is None


def test_after_a_new_version_of_the_data_set_only_the_data_have_changed_since_that_run(project):
    history, run = recorded_by_another_study(project)
    project.write_rows("golden/asks.v2.jsonl", golden_rows(11))
    why = {of.stage: of.why for of in pending_runs(load(project), history)}
    assert why["asks"] == f"since run {run.id}: data"


def test_a_run_of_another_study_over_another_data_set_is_not_the_last_one(project):
    history, _ = recorded_by_another_study(project)
    project.write_rows("golden/asks.jsonl", golden_rows(11))
    why = {of.stage: of.why for of in pending_runs(load(project), history)}
    assert why["asks"] == "never run"


def test_names_of_files_and_studies_are_not_part_of_what_is_run(project):
    other = STUDY.replace("study: golden", "study: twin").replace("data: golden", "data: copies")
    project.write("config/studies/twin.yaml", other)
    for module in ("topic", "asks"):
        project.write_rows(f"copies/{module}.jsonl", golden_rows(12))
    ids = {run_id(what_is_run(load(project, study), "asks", {})) for study in ("golden", "twin")}
    assert len(ids) == 1


def test_list_shows_all_modules_of_the_table(project, capsys):
    project.write(
        "config/modules.yaml", TABLE + "  idle: {name: Idle, kind: ranking, funnel: x, enabled: false}\n"
    )
    as_if_run(project)
    assert main(["experiments", "list", "--root", str(project.root)]) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["topic"][1:6] == ["ClassifyTopic", "classification", "first", "yes", "12"]
    assert lines["topic"][7:10] == ["f:", "accuracy", "1.00"]
    assert lines["idle"][4] == "no" and lines["idle"][-3:] == ["never", "run", "-"]


def test_a_run_that_another_study_made_first_is_listed_and_kept(project, capsys):
    history = History(project.root / "runs")
    run = history.record(a_run("topic", study="gone"), ROWS)
    project.write("results/golden/runs/topic.json", history.run_file(run.id).read_text())
    root = ["--root", str(project.root)]
    assert main(["experiments", "list", *root]) == 0
    assert run.id in capsys.readouterr().out
    assert main(["experiments", "cleanup", *root]) == 0
    assert "nothing to clean up" in capsys.readouterr().out


def test_run_names_the_run_files_as_targets(project):
    loaded = load(project)
    assert snakemake_arguments(loaded, stages_to_run(loaded, None), cores=3) == [
        *("results/golden/runs/topic.json", "results/golden/runs/asks.json"),
        *("--cores", "3", "--config", "study=golden"),
    ]
    with pytest.raises(StudyError, match="did you mean `topic`"):
        stages_to_run(loaded, ["topics"])
    with pytest.raises(StudyError, match="no module is named"):
        stages_to_run(loaded, [])


def test_a_sample_and_another_model_make_a_study_of_their_own(project):
    loaded = load(project)
    derived = project_to_run(loaded, ["topic"], samples=4, seed=7, model="other/model")
    arguments = snakemake_arguments(derived, ["topic"])
    assert arguments[-1].startswith("study=config/studies/derived/")
    assert derived.root.resolve() == project.root.resolve()
    assert derived.paths.base != loaded.paths.base and derived.runs == loaded.runs
    assert {stage.model for stage in derived.study.stages.values()} == {"other/model"}
    assert arguments[0] == derived.paths.run("topic", "json")
    (source,) = derived.study.sources["topic"].files
    lines = (project.root / source).read_text().splitlines()
    whole = (project.root / "golden" / "topic.jsonl").read_text().splitlines()
    assert len(lines) == 4 and [line for line in whole if line in lines] == lines
    more = load(project, derived_study(loaded, ["topic"], samples=6, seed=7, model=None))
    larger = (project.root / more.study.sources["topic"].files[0]).read_text().splitlines()
    assert set(lines) < set(larger)
    other = load(project, derived_study(loaded, ["topic"], samples=4, seed=8, model=None))
    assert (project.root / other.study.sources["topic"].files[0]).read_text().splitlines() != lines


def test_a_derived_study_that_is_made_again_is_the_same_file(project):
    arguments = {"samples": 4, "seed": 7, "model": None}
    path = project.root / derived_study(load(project), ["topic"], **arguments)
    before = path.stat().st_mtime_ns, path.read_bytes()
    derived_study(load(project), ["topic"], **arguments)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_cleanup_moves_what_nothing_refers_to_and_removes_nothing(project, capsys):
    history = as_if_run(project)
    gone = history.record(a_run("removed", study="golden"), ROWS)
    history.rows_file("f" * 16).write_bytes(ROWS)
    command = ["experiments", "cleanup", "--root", str(project.root)]
    before = {path.name for path in history.folder.iterdir()}
    assert main(command) == 0
    assert "nothing was moved" in capsys.readouterr().out
    assert {path.name for path in history.folder.iterdir()} == before
    assert main([*command, "--apply"]) == 0
    moved = {f"{gone.id}.json", f"{gone.id}.csv", f"{'f' * 16}.csv"}
    assert {path.name for path in (history.folder / "unreferenced").iterdir()} == moved
    assert {path.name for path in history.folder.iterdir()} == (before - moved) | {"unreferenced"}
    assert [run.module for run in history.read().runs if run.id == gone.id] == []


def test_runs_of_a_study_that_cannot_be_read_stay(project, capsys):
    as_if_run(project)
    History(project.root / "runs").record(a_run("m9", study="broken"), ROWS)
    project.write("config/studies/broken.yaml", "study: [")
    assert main(["experiments", "cleanup", "--root", str(project.root)]) == 0
    said = capsys.readouterr().out
    assert "study broken cannot be read: " in said and "nothing to clean up" in said


def test_a_stage_that_nothing_measures_has_no_runs(project):
    with pytest.raises(StudyError, match="there is no stage `nothing`"):
        record_run(load(project), "nothing")
    with pytest.raises(StudyError, match="is not so far yet"):
        record_run(load(project), "topic")


def test_runs_of_a_study_that_is_not_here_stay(project, capsys):
    as_if_run(project)
    History(project.root / "runs").record(a_run("m9", study="golden-of-a-colleague"), ROWS)
    assert main(["experiments", "cleanup", "--root", str(project.root)]) == 0
    said = capsys.readouterr().out
    assert "study golden-of-a-colleague is not here; its runs stay" in said and "nothing to clean up" in said


def test_a_derived_study_is_found_by_name_and_those_left_out_are_told(project, capsys):
    derived = project_to_run(load(project), ["topic"], model="other")
    assert load(project, derived.study.study).study_file.samefile(derived.study_file)
    history = as_if_run(project)
    history.record(a_run("topic", study=derived.study.study), ROWS)
    assert main(["experiments", "stats", "topic", "--study", "golden", "--root", str(project.root)]) == 0
    assert f"not shown: 1 run of study {derived.study.study}" in capsys.readouterr().out


def test_a_trial_is_listed_as_one(project, capsys):
    as_if_run(project)
    History(project.root / "runs").record(a_run("topic", study="golden", limit={"topic": 5}), ROWS)
    assert main(["experiments", "list", "--root", str(project.root)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("topic ")]
    assert "a trial: " in line
