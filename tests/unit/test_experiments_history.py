"""The history of runs and its registry: what a kill, a cut and an edit do to them."""

import subprocess

import pytest

from goldpan.cli import main
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import SourceError, StudyError
from goldpan.experiments.figures import grade
from goldpan.experiments.git_state import git_state
from goldpan.experiments.history import REGISTRY, History
from goldpan.experiments.identity import run_id
from goldpan.experiments.run import read_run
from goldpan.files import read_json
from tests.recorded_runs import ROWS, a_run, contents


@pytest.fixture
def history(tmp_path):
    """Two prompts of one module and another module, all recorded in the same moment."""
    history = History(tmp_path / "runs")
    for run in (a_run(), a_run(prompt="p2"), a_run("m2")):
        history.record(run, ROWS)
    return history


def registry(history):
    return (history.folder / REGISTRY).read_bytes()


def rebuilt(history):
    assert main(["experiments", "rebuild", "--root", str(history.folder.parent)]) == 0
    return registry(history)


def test_a_registry_that_is_gone_or_was_edited_is_rebuilt_to_the_same_bytes(history):
    written = registry(history)
    assert len(read_json(history.folder / REGISTRY)["runs"]) == 3
    assert rebuilt(history) == written
    (history.folder / REGISTRY).unlink()
    assert rebuilt(history) == written
    (history.folder / REGISTRY).write_text('{"runs": []}')
    assert rebuilt(history) == written
    (history.folder / REGISTRY).write_bytes(written[:50])
    assert rebuilt(history) == written


def test_the_order_of_recording_does_not_matter_to_runs_of_one_moment(history, tmp_path):
    other = History(tmp_path / "other")
    for run in (a_run("m2"), a_run(prompt="p2"), a_run()):
        other.record(run, ROWS)
    assert registry(other) == registry(history)


def test_a_kill_between_the_run_and_the_registry_loses_nothing(history):
    def kill(name):
        if name == "run_written":
            raise Killed

    run = a_run(prompt="p3", at="2026-01-02T00:00:00.000000Z")
    before = registry(history)
    with on_reaching(kill), pytest.raises(Killed):
        history.record(run, ROWS)
    assert registry(history) == before
    after = rebuilt(history)
    assert run.id.encode() in after
    history.record(run, ROWS)
    assert registry(history) == after


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-40], lambda text: text.replace(b"0.1", b"0.2"), bytes]
)
def test_a_damaged_run_is_named_and_passed_over_and_kept_when_it_is_recorded_anew(history, damage, capsys):
    run = a_run(prompt="p2")
    path = history.run_file(run.id)
    whole, damaged = path.read_bytes(), damage(path.read_bytes())
    path.write_bytes(damaged if damaged != whole else b"")
    rebuilt(history)
    found = read_json(history.folder / REGISTRY)
    assert run.id not in [of["id"] for of in found["runs"]] and len(found["runs"]) == 2
    assert [of["file"] for of in found["unreadable"]] == [path.name]
    assert f"passed over {path.name}" in capsys.readouterr().out
    history.record(run, ROWS)
    assert read_run(path).prompt_hash == "p2"
    assert len(list(history.folder.glob(f"{path.name}.damaged-*"))) == 1
    assert read_json(history.folder / REGISTRY)["unreadable"] == []


def test_recording_the_same_run_again_changes_no_byte(history):
    before = contents(history.folder)
    later = a_run(at="2027-01-01T00:00:00.000000Z", goldpan_version="2", git={"commit": "c", "dirty": True})
    assert history.record(later, ROWS).recorded_at == a_run().recorded_at
    assert contents(history.folder) == before


def test_a_run_whose_answers_came_later_is_replaced_and_keeps_its_version_and_time(history):
    run = a_run(at="2027-01-01T00:00:00.000000Z", states={"failed": 1})
    kept = history.record(run, ROWS + b"r2,ok,,b,no,no,yes\n")
    assert (kept.recorded_at, kept.states) == (a_run().recorded_at, {"failed": 1})
    assert history.rows_of(kept).read_bytes().endswith(b"r2,ok,,b,no,no,yes\n")
    assert len(history.read().runs) == 3


def test_prompt_versions_count_the_distinct_prompts_of_a_module_in_the_order_of_time(tmp_path):
    history = History(tmp_path)
    days = {"p1": 1, "p2": 2, "p3": 3}
    for prompt, day in days.items():
        history.record(a_run(prompt=prompt, at=f"2026-01-0{day}T00:00:00.000000Z"), ROWS)
    what = {**a_run(prompt="p1").what, "data": "e"}
    again = a_run(prompt="p1", at="2026-01-04T00:00:00.000000Z", what=what, id=run_id(what))
    assert history.record(again, ROWS).prompt_version == 1
    assert [run.prompt_version for run in history.read().runs] == [1, 2, 3, 1]


def test_rows_that_were_changed_or_are_gone_are_named(history):
    run = a_run()
    path = history.rows_file(run.id)
    path.write_bytes(ROWS + b"r2,ok,,,,,\n")
    with pytest.raises(SourceError, match="was changed after it was written") as refused:
        history.rows_of(read_run(history.run_file(run.id)))
    assert refused.value.where == str(path)
    path.unlink()
    with pytest.raises(SourceError, match="is gone"):
        history.rows_of(read_run(history.run_file(run.id)))


def test_a_run_is_named_by_how_its_id_begins(history):
    run = a_run()
    assert history.named(run.id[:6]).id == run.id
    with pytest.raises(StudyError, match="there is no run `zz`"):
        history.named("zz")
    with pytest.raises(StudyError, match="there is no run ``"):
        history.named("")


def test_the_commit_is_recorded_and_whether_files_differ_from_it(tmp_path):
    assert git_state(tmp_path, tmp_path / "runs") is None

    def git(*arguments):
        who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "runs").mkdir()
    (tmp_path / "prompt.j2").write_text("one")
    (tmp_path / "runs" / "registry.json").write_text("one")
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    clean = git_state(tmp_path, tmp_path / "runs")
    assert clean is not None and len(clean["commit"]) == 40 and clean["dirty"] is False
    (tmp_path / "runs" / "registry.json").write_text("two")
    assert git_state(tmp_path, tmp_path / "runs") == clean
    (tmp_path / "prompt.j2").write_text("two")
    assert git_state(tmp_path, tmp_path / "runs") == {**clean, "dirty": True}


def test_grades_change_at_their_bounds():
    values = (1.0, 0.9, 0.899, 0.8, 0.7, 0.6, 0.599, None)
    assert [grade(value) for value in values] == ["A", "A", "B", "B", "C", "D", "F", "-"]


def test_stats_name_each_run_of_a_module_with_its_grade(history, capsys):
    root = str(history.folder.parent)
    assert main(["experiments", "stats", "m1", "--root", root]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all(" A " in line for line in lines[1:])
    assert main(["experiments", "stats", "m3", "--root", root]) == 1
    assert main(["experiments", "stats", "m1", "--study", "another", "--root", root]) == 1
    assert "in study `another`; there are runs of it in " in capsys.readouterr().err
    assert main(["experiments", "show", a_run().id[:8], "--root", root]) == 0
    assert "prompt version 1" in capsys.readouterr().out


def test_a_run_that_is_recorded_again_in_another_mode_stays_as_it_was(tmp_path):
    history = History(tmp_path / "runs")
    first = history.record(a_run(mode="batch", requests_paid=4), ROWS)
    before = contents(history.folder)
    assert history.record(a_run(mode="online", requests_paid=4), ROWS).mode == first.mode == "batch"
    assert contents(history.folder) == before
    assert read_json(history.run_file(first.id))["requests_paid"] == 4


def test_a_run_that_is_replaced_keeps_what_was_true_when_it_was_recorded_first(history):
    first = history.record(a_run(prompt="p4", mode="batch"), ROWS)
    later = a_run(
        prompt="p4", mode="online", study="s2", stage="st2", goldpan_version="2", states={"failed": 1}
    )
    kept = history.record(later, ROWS)
    assert (kept.states, kept.goldpan_version) == ({"failed": 1}, "2")
    assert (kept.mode, kept.study, kept.stage) == (first.mode, first.study, first.stage)


def test_a_run_of_before_requests_were_counted_is_not_written_anew_for_their_number(history):
    before = contents(history.folder)
    assert history.record(a_run(requests_paid=4), ROWS).requests_paid is None
    assert contents(history.folder) == before
