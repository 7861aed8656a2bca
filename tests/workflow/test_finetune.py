"""Fine-tuning in a run of Snakemake: killed, gone on with, told of, and not done again without need."""

import os
import signal

import pytest

from goldpan.finetune.train import fine_tune
from goldpan.finetune.training_report import read_training_report
from goldpan.report.index.page import write_index_of_now
from goldpan.study import load_project
from goldpan.study.finetune import FineTune
from tests.finetune_builders import toy_settings, write_toy_data
from tests.projects import WorkflowProject, note_rows, notes_study, until
from tests.tiny_llm import make_tiny_llm

pytest.importorskip("trl", reason="fine-tuning needs the extra `finetune`")

MADE = "results/notes/finetuned/toy/training.json"
# The export lies there as if it had been made: what is looked at here begins after it.
# One thread, for with more of them so small a model is slower.
ONLY = ("--set-threads", "finetune=1", "--allowed-rules", "finetune", "--", MADE)


def study_with(**changed):
    study = notes_study()
    study["exports"] = {"answers": {"stage": "topics"}}
    study["finetunes"] = {"toy": toy_settings("models/tiny", epochs=6, **changed)}
    return study


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A project whose training was killed after its first checkpoint, as the run of it told."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("finetune") / "project")
    project.write_study(study_with())
    project.write_rows("notes/a.jsonl", note_rows(3))
    make_tiny_llm(project.root / "models" / "tiny")
    write_toy_data(project.artifact("finetune/answers"))
    stopped = project.root / "stopped"
    run = project.start(*ONLY, GOLDPAN_STOP_AT="checkpoint_finished", GOLDPAN_STOP_FILE=str(stopped))
    until(lambda: stopped.exists() and stopped.read_text() != "", run)
    os.kill(int(stopped.read_text()), signal.SIGKILL)
    printed, _ = run.communicate(timeout=300)
    assert run.returncode != 0, printed
    assert not project.artifact("finetuned/toy/adapter").exists()
    assert project.artifact("finetuned/toy/.checkpoints").is_dir()
    return project


@pytest.fixture(scope="module")
def trained(killed, tmp_path_factory):
    """The same, after the same command was given once more."""
    killed.run(*ONLY)
    return killed


def test_a_job_that_was_killed_goes_on_and_gives_the_same_adapter(trained, tmp_path):
    log = trained.artifact("logs/finetuned/toy.log").read_text()
    assert "goes on after step 12" in log
    data = {split: trained.artifact(f"finetune/answers/{split}.jsonl") for split in ("train", "valid")}
    settings = FineTune.model_validate(study_with()["finetunes"]["toy"])
    undisturbed = fine_tune("toy", settings, data, tmp_path / "toy", root=trained.root)
    report = read_training_report(trained.artifact("finetuned/toy/training.json"))
    assert report.adapter_sha256 == undisturbed.adapter_sha256
    assert report.losses == undisturbed.losses
    adapter = (trained.artifact("finetuned/toy/adapter") / "adapter_config.json").read_bytes()
    assert adapter == (tmp_path / "toy" / "adapter" / "adapter_config.json").read_bytes()
    assert b'"models/tiny"' in adapter


def test_checkpoints_are_gone_once_a_run_has_succeeded(trained):
    folder = trained.artifact("finetuned/toy")
    assert {path.name for path in folder.iterdir()} == {
        "adapter",
        "merged",
        "card.md",
        "curve.svg",
        "training.json",
    }


def test_it_is_told_of(trained):
    line = "finetune toy: models/tiny learns from export answers: LoRA of rank 16 on all-linear and all of"
    assert line in trained.goldpan("validate").stdout
    assert line in trained.goldpan("plan").stdout
    report = read_training_report(trained.artifact("finetuned/toy/training.json"))
    assert (
        f"{report.valid_loss:.4f}, untuned {report.untuned_valid_loss:.4f}"
        in trained.goldpan("summary").stdout
    )
    project = load_project("notes", root=trained.root)
    page = (trained.root / write_index_of_now(project)).read_text()
    assert (
        "Model toy" in page
        and f"{report.valid_loss:.4f}" in page
        and 'href="finetuned/toy/curve.svg"' in page
    )


@pytest.mark.parametrize(
    ("changed", "is_stale"), [({}, False), ({"device": "auto"}, False), ({"seed": 3}, True)]
)
def test_it_is_trained_anew_only_where_what_it_learns_changes(trained, changed, is_stale):
    trained.write_study(study_with(**changed))
    assert ("Fine-tuning toy" in trained.run("-n", *ONLY).stdout) == is_stale


def test_new_weights_of_the_base_make_it_stale(trained):
    trained.write_study(study_with())
    make_tiny_llm(trained.root / "models" / "tiny", seed=9)
    assert "Fine-tuning toy" in trained.run("-n", *ONLY).stdout


@pytest.fixture
def without_base(trained):
    """The project of somebody who was given what was learned, and not the base."""
    trained.write_study(study_with())
    base, away = trained.root / "models" / "tiny", trained.root / "models" / "away"
    base.rename(away)
    yield trained
    away.rename(base)
    trained.write_study(study_with())
    assert (trained.artifact("finetuned/toy/merged") / "config.json").is_file()


def test_a_base_that_is_gone_stops_nothing_as_long_as_nothing_is_to_be_learned(without_base):
    told = without_base.run("-n").stdout
    assert "Consolidating" in told and "Fine-tuning toy" not in told
    assert "its base `models/tiny` is not here; what was learned is used as it is" in (
        without_base.goldpan("validate").stdout
    )


def test_a_base_that_is_gone_is_told_before_what_was_learned_is_removed(without_base):
    without_base.write_study(study_with(seed=3))
    for made in (without_base.goldpan("validate", check=False), without_base.run(*ONLY, check=False)):
        assert made.returncode != 0
        assert "finetunes.toy.model: the folder `models/tiny`, which `toy` has learned from" in made.stdout


@pytest.mark.parametrize(
    ("part", "changed", "said"),
    [
        ("finetunes", {"export": "nothing"}, "finetunes.toy.export: there is no export `nothing`"),
        ("exports", {"format": "sharegpt"}, "`format: sharegpt`, which is for other programs"),
        ("finetunes", {"model": "./models/none"}, "there is no model here"),
        (
            "finetunes",
            {"model": "notes/none"},
            "there is no folder `notes/none`, though there is a folder `notes`",
        ),
        ("finetunes", {"lora": {"rank": 0}}, "rank"),
        ("finetunes", {"device": "cpu", "compute_dtype": "float16"}, "float16"),
    ],
)
def test_a_study_that_cannot_work_is_told_before_anything_runs(trained, tmp_path, part, changed, said):
    project = WorkflowProject.create(tmp_path / "project")
    study = study_with()
    study[part]["answers" if part == "exports" else "toy"] |= changed
    project.write_study(study)
    project.write_rows("notes/a.jsonl", note_rows(3))
    made = project.goldpan("validate", check=False)
    assert made.returncode != 0 and said in made.stdout
