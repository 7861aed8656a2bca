"""What goes into a bundle, what never does, and when there is none."""

import os

import orjson
import pytest

from goldpan.batches.stage import StageRun
from goldpan.bundle.archive import opened
from goldpan.bundle.make import bundle
from goldpan.bundle.unpack import unpack
from goldpan.errors import GoldpanError
from goldpan.ledger import Ledger
from goldpan.ledger.exchange import import_ledger
from goldpan.providers.replay import ReplayProvider
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from goldpan.stages.rows import read_features
from goldpan.study import load_project
from tests.bundles import bundled, features_of, members_of, replayed_project
from tests.online_service import online_service
from tests.projects import note_rows, notes_study
from tests.stage_builders import STAGE, answer_all, at, make_online, make_stage, records_made


@pytest.fixture
def answered(tmp_path):
    """A small study that is answered to its end."""
    run = make_stage(tmp_path / "project", note_rows(6))
    answer_all(run)
    return run


def refused(run, path, **options):
    """Why a study is not bundled; no archive is left."""
    with pytest.raises(GoldpanError) as raised:
        bundled(run, path, **options)
    assert not path.exists()
    return str(raised.value)


def write(run, name, text):
    path = run.project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def unpacked(path, folder):
    with opened(path) as archive:
        unpack(archive, folder)
    return folder


def replayed(path, folder):
    """The only stage of an unpacked bundle, made again in this process from the answers of its ledger."""
    project = replayed_project(unpacked(path, folder))
    with Ledger(project.ledger) as ledger:
        import_ledger(ledger, folder / "ledger.jsonl.zst")
    run = records_made(StageRun(project, STAGE))
    answer_all(run)
    return run


def test_a_bundle_holds_what_the_study_names_and_nothing_else_of_the_project(answered, tmp_path):
    write(answered, ".env", "OPENAI_API_KEY=nobody-may-see-this\n")
    write(answered, "notes.txt", "private")
    write(answered, "config/studies/other.yaml", "study: other\n")
    assert sorted(members_of(bundled(answered, tmp_path / "b.zip").path)) == [
        *("README.md", "ledger.jsonl.zst", "manifest.json", "project/config/config.yaml"),
        *("project/config/studies/notes.yaml", "project/config/tasks/topic.system.j2"),
        *("project/config/tasks/topic.user.j2", "project/config/tasks/topic.yaml", "project/notes/a.jsonl"),
    ]


def test_the_same_study_gives_the_same_bytes(answered, tmp_path):
    first = bundled(answered, tmp_path / "a.zip").path
    os.utime(answered.project.root / "notes" / "a.jsonl", (1, 1))
    assert bundled(answered, tmp_path / "b.zip").path.read_bytes() == first.read_bytes()


def test_a_replayed_study_has_the_same_features_and_is_bundled_to_the_same_bytes(answered, tmp_path):
    first = bundled(answered, tmp_path / "a.zip")
    again = replayed(first.path, tmp_path / "into")
    for expected in first.manifest.expected:
        of_first = at(answered, answered.paths.base) / expected.path
        assert (at(again, again.paths.base) / expected.path).read_bytes() == of_first.read_bytes()
    assert bundled(again, tmp_path / "b.zip").path.read_bytes() == first.path.read_bytes()


def test_a_bundle_is_the_same_from_whatever_folder_it_is_made(answered, tmp_path, monkeypatch):
    first = bundled(answered, tmp_path / "a.zip").path
    monkeypatch.chdir(tmp_path)
    project = load_project("notes", root="project")
    again = bundle(project, tmp_path / "b.zip", features_of(answered))
    assert again.path.read_bytes() == first.read_bytes()


def test_a_replayed_project_asks_nobody_whatever_its_study_names(answered, tmp_path):
    again = replayed(bundled(answered, tmp_path / "b.zip").path, tmp_path / "into")
    assert isinstance(again.connect(), ReplayProvider)


def test_a_prompt_that_was_changed_after_the_replay_is_told_by_the_first_answer_that_is_lacking(
    answered, tmp_path
):
    again = replayed(bundled(answered, tmp_path / "b.zip").path, tmp_path / "into")
    write(again, "config/tasks/topic.user.j2", "Another note:\n{{ data.text }}")
    with pytest.raises(GoldpanError, match="the ledger has no answer for record 'n0'") as raised:
        again.plan(1)
    # Whoever replays has not published it, and need not import anything.
    assert "as it was when the bundle was made" in str(raised.value) and "import" not in str(raised.value)


def test_a_prompt_that_was_changed_since_it_was_asked_stops_the_bundle(answered, tmp_path):
    write(answered, "config/tasks/topic.user.j2", "Another note:\n{{ data.text }}")
    said = refused(answered, tmp_path / "b.zip")
    assert "stage topics" in said and "prompt" in said


def test_a_study_that_was_not_run_to_its_end_is_told_what_is_lacking(answered, tmp_path):
    at(answered, answered.paths.summary(STAGE)).unlink()
    assert "the study is not made yet" in refused(answered, tmp_path / "b.zip")


def test_open_batches_stop_the_bundle(tmp_path):
    run = make_stage(tmp_path / "project", note_rows(6))
    answer_all(run)
    rows = orjson.dumps({"id": "n6", "text": "One more: the cat sleeps."})
    with (run.project.root / "notes" / "a.jsonl").open("ab") as notes:
        notes.write(rows + b"\n")
    run = records_made(StageRun(load_project("notes", root=run.project.root), STAGE))
    plan = run.plan(1)
    run.place(1, plan.shards[0].name)
    run.submit(1, plan.shards[0].name)
    assert "1 of its requests are still under way, in 1 open batches" in refused(run, tmp_path / "b.zip")


def test_only_the_answers_that_the_study_uses_are_in_it(answered, tmp_path):
    other = {
        **notes_study(),
        "study": "others",
        "sources": {"notes": {"files": ["more/*.jsonl"], "id": ["id"]}},
    }
    write(answered, "config/studies/others.yaml", orjson.dumps(other).decode())
    write(
        answered,
        "more/b.jsonl",
        "".join(orjson.dumps(row).decode() + "\n" for row in note_rows(8, start=3)),
    )
    others = records_made(StageRun(load_project("others", root=answered.project.root), STAGE))
    answer_all(others)
    made = bundled(others, tmp_path / "b.zip")
    # Three of its rows were paid for by the other study, whose other three are nobody's business.
    assert made.manifest.answers == 8
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        import_ledger(ledger, unpacked(made.path, tmp_path / "into") / "ledger.jsonl.zst")
        assert sum(ledger.counts().values()) == 8


def test_a_study_of_a_shared_ledger_is_repeated_and_bundled_again_to_the_same_bytes(answered, tmp_path):
    """Its submissions have other numbers in a ledger of its own."""
    other = {**notes_study(), "study": "others"}
    other["sources"]["notes"]["files"] = ["more/*.jsonl"]
    write(answered, "config/studies/others.yaml", orjson.dumps(other).decode())
    write(
        answered, "more/b.jsonl", "".join(orjson.dumps(row).decode() + "\n" for row in note_rows(4, start=50))
    )
    others = records_made(StageRun(load_project("others", root=answered.project.root), STAGE))
    answer_all(others)
    first = bundled(others, tmp_path / "a.zip")
    again = replayed(first.path, tmp_path / "into")
    assert bundled(again, tmp_path / "b.zip").path.read_bytes() == first.path.read_bytes()


def test_a_trial_is_not_bundled_as_if_it_were_the_study(tmp_path):
    run = make_stage(tmp_path / "project", note_rows(6))
    limited = load_project("notes", root=run.project.root, limit=2)
    at(run, run.paths.limit("notes")).write_bytes(
        orjson.dumps({"limit": 2, "rows": {"a.jsonl": 2}, "has_more": True})
    )
    at(run, run.paths.limited("notes", "a.jsonl")).touch()
    answer_all(StageRun(limited, STAGE))
    assert "the first 2 rows of notes" in refused(run, tmp_path / "b.zip")


def test_a_stage_that_was_never_answered_blames_no_change(tmp_path):
    run = make_stage(tmp_path / "project", note_rows(3))
    with pytest.raises(GoldpanError) as raised:
        bundle(run.project, tmp_path / "b.zip", targets=[])
    said = str(raised.value)
    assert f"the stage `{STAGE}` was never answered to the end" in said and "changed" not in said
    assert "goldpan run --study notes" in said and not (tmp_path / "b.zip").exists()


def test_a_prompt_that_was_changed_since_it_was_answered_is_said_to_be_so(answered, tmp_path):
    write(answered, "config/tasks/topic.user.j2", "Another note:\n{{ data.text }}")
    said = refused(answered, tmp_path / "b.zip")
    assert "were changed since it was answered" in said and "never answered" not in said


@pytest.mark.parametrize("files", ["/data/corpus/*.jsonl", "../corpus/*.jsonl", "~/corpus/*.jsonl"])
def test_sources_outside_of_the_project_are_refused_with_what_to_do(answered, tmp_path, files):
    study = notes_study()
    study["sources"]["notes"]["files"] = ["notes/*.jsonl", files]
    write(answered, "config/studies/notes.yaml", orjson.dumps(study).decode())
    said = refused(answered, tmp_path / "b.zip")
    assert f"`{files}` leads out of the project" in said and "ln -s" in said


def test_a_file_that_is_a_link_is_bundled_as_what_it_leads_to(answered, tmp_path):
    notes = answered.project.root / "notes" / "a.jsonl"
    notes.rename(tmp_path / "far.jsonl")
    notes.symlink_to(tmp_path / "far.jsonl")
    made = bundled(answered, tmp_path / "b.zip")
    assert made.links == ("project/notes/a.jsonl",)
    into = unpacked(made.path, tmp_path / "into")
    assert not (into / "project/notes/a.jsonl").is_symlink()
    assert (into / "project/notes/a.jsonl").read_bytes() == (tmp_path / "far.jsonl").read_bytes()
    assert str(tmp_path).encode() not in b"".join(members_of(made.path).values())


@pytest.mark.parametrize("name", ["notes/a.jsonl", "config/tasks/topic.system.j2"])
def test_a_file_that_holds_a_key_of_this_machine_is_refused_without_telling_it(answered, tmp_path, name):
    write(answered, ".env", "MY_SERVICE_TOKEN=uvwxyz-0123456789\n")
    path = answered.project.root / name
    path.write_text(path.read_text() + ' {"id": "k", "text": "uvwxyz-0123456789"}\n'[1:])
    said = refused(answered, tmp_path / "b.zip")
    assert f"project/{name}: it holds the value of the variable MY_SERVICE_TOKEN" in said
    assert "uvwxyz" not in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# sk-abcdefghijklmnopqrstuvwx", "it holds what looks like a key (`sk-abc…`, line"),
        ("# https://ann:secret@example.org/v1", "an address in it holds a password (line"),
    ],
)
def test_what_looks_like_a_key_or_a_password_in_a_study_is_refused(answered, tmp_path, text, told):
    path = answered.project.root / "config/studies/notes.yaml"
    path.write_text(f"{path.read_text()}{text}\n")
    said = refused(answered, tmp_path / "b.zip")
    assert told in said and "secret" not in said and "abcdefgh" not in said


def test_a_path_of_this_machine_in_a_study_is_refused(answered, tmp_path):
    path = answered.project.root / "config/studies/notes.yaml"
    path.write_text(f"{path.read_text()}# see {answered.project.root}/notes\n")
    assert "it names a path of this machine (line" in refused(answered, tmp_path / "b.zip")


def test_an_address_that_stands_in_the_environment_only_is_refused_where_it_shapes_requests(
    answered, tmp_path
):
    study = notes_study({"kind": "openai"})
    write(answered, "config/studies/notes.yaml", orjson.dumps(study).decode())
    write(answered, ".env", "OPENAI_BASE_URL=https://somebody.openai.azure.com/openai/v1\n")
    assert "its address stands in the environment only" in refused(answered, tmp_path / "b.zip")


def test_sources_that_are_left_out_are_named_with_their_hashes_and_asked_for(answered, tmp_path):
    made = bundled(answered, tmp_path / "b.zip", with_sources=False)
    (left_out,) = made.manifest.left_out
    assert left_out.path == "project/notes/a.jsonl"
    assert "project/notes/a.jsonl" not in members_of(made.path)
    assert left_out.sha256.encode() in members_of(made.path)["README.md"]
    with pytest.raises(GoldpanError) as raised:
        unpacked(made.path, tmp_path / "into")
    assert f"project/notes/a.jsonl ({left_out.bytes:,} bytes, SHA-256 {left_out.sha256})" in str(raised.value)


def test_a_source_that_is_put_in_its_place_is_checked_before_anything_runs(answered, tmp_path):
    path = bundled(answered, tmp_path / "b.zip", with_sources=False).path
    place = tmp_path / "into" / "project" / "notes" / "a.jsonl"
    place.parent.mkdir(parents=True)
    original = (answered.project.root / "notes" / "a.jsonl").read_bytes()
    place.write_bytes(original.replace(b"cat", b"dog"))
    with pytest.raises(GoldpanError, match="this is not the source that was bundled"):
        unpacked(path, tmp_path / "into")
    place.write_bytes(original)
    unpacked(path, tmp_path / "into")


def test_a_file_that_was_changed_after_it_was_unpacked_is_named(answered, tmp_path):
    path = bundled(answered, tmp_path / "b.zip").path
    prompt = unpacked(path, tmp_path / "into") / "project/config/tasks/topic.user.j2"
    prompt.write_text("Another note")
    with pytest.raises(GoldpanError, match=r"topic\.user\.j2: this task or prompt was changed since"):
        unpacked(path, tmp_path / "into")


def test_a_bundle_says_when_the_licence_of_the_data_is_not_stated(answered, tmp_path):
    assert b"Not stated" in members_of(bundled(answered, tmp_path / "b.zip").path)["README.md"]


def same_as_before(run, made, folder):
    """Whether a replay has the artifacts of the bundle, to the byte."""
    again = replayed(made.path, folder)
    results = [at(run, run.paths.base), at(again, again.paths.base)]
    return all(
        (results[0] / expected.path).read_bytes() == (results[1] / expected.path).read_bytes()
        for expected in made.manifest.expected
    )


def test_what_a_service_answered_in_batches_is_replayed_without_its_key_and_without_it(tmp_path, monkeypatch):
    """In two rounds: three rows fail at first, and one of them for good."""
    monkeypatch.setenv("BUNDLE_TEST_KEY", "key-of-the-service-1")
    faults = FaultPlan.of(
        {"fault": "row_error", "rows": "n[012]$", "batches": [1]},
        {"fault": "row_error", "rows": "n0$", "batches": [2]},
    )
    folder = tmp_path / "server"
    with running_server(folder, faults=faults, api_key="key-of-the-service-1") as server:
        provider = {"kind": "openai", "base_url": server.base_url, "api_key_env": "BUNDLE_TEST_KEY"}
        poll = {"first": 0.1, "longest": 0.5}
        run = make_stage(tmp_path / "project", note_rows(9), provider, model="m", poll=poll, max_rounds=2)
        answer_all(run)
    rows = [row for _, row in read_features(at(run, run.paths.features(STAGE)))]
    assert {row["id"]: (row["state"], row["round"]) for row in rows[:4]} == {
        "n0": ("failed", 2),
        "n1": ("ok", 2),
        "n2": ("ok", 2),
        "n3": ("ok", 1),
    }
    made = bundled(run, tmp_path / "b.zip")
    assert b"key-of-the-service-1" not in made.path.read_bytes()
    monkeypatch.delenv("BUNDLE_TEST_KEY")
    assert same_as_before(run, made, tmp_path / "into")


def test_what_a_service_answered_online_is_replayed_without_it(tmp_path):
    with online_service() as service:
        run = make_online(tmp_path / "project", service, 5)
        answer_all(run)
    assert same_as_before(run, bundled(run, tmp_path / "b.zip"), tmp_path / "into")


@pytest.mark.parametrize("word", ["yes", "1", "on", 1])
def test_a_run_that_is_told_to_replay_in_another_word_does_not_start(answered, word):
    """It would ask and pay otherwise."""
    with pytest.raises(GoldpanError, match="whether a run replays is `true` or `false`"):
        load_project("notes", root=answered.project.root, replay=word)


@pytest.mark.parametrize("word", [True, "true", "True"])
def test_a_run_that_replays_asks_for_nothing_that_the_ledger_has_not(answered, word):
    write(answered, "notes/b.jsonl", '{"id": "new", "text": "a new cat"}\n')
    run = records_made(StageRun(load_project("notes", root=answered.project.root, replay=word), STAGE))
    with pytest.raises(GoldpanError, match="the ledger has no answer for record 'new'"):
        run.plan(1)


def test_paths_and_keys_in_the_notes_of_a_submission_are_not_published(answered, tmp_path):
    project = answered.project
    with Ledger(project.ledger) as ledger, ledger.transaction():
        ledger.db.execute("UPDATE submissions SET note = ?", (f"see {project.root.resolve()}/notes",))
    made = bundled(answered, tmp_path / "b.zip")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        import_ledger(ledger, unpacked(made.path, tmp_path / "into") / "ledger.jsonl.zst")
        assert {submission.note for submission in ledger.submissions()} == {"see notes"}
