"""Embeddings, heads and annotated files through Snakemake: what is made, and what a change makes stale."""

import hashlib
import os
import signal
import time

import numpy as np
import orjson
import pytest

from goldpan.cli import main
from goldpan.files import iter_lines
from tests.corpus_projects import MODEL, corpus_project, corpus_rows, corpus_study
from tests.projects import ran
from tests.tiny_models import save_encoder

pytest.importorskip("torch", reason="embeddings need the extra `models`")

FILES = ("2023__a.jsonl", "2024__a.jsonl")
ANNOTATED = [f"annotated/all/notes/{file}" for file in FILES]
EMBEDDINGS = [f"embeddings/tiny/notes/{file}.h5" for file in FILES]
TO_EMBED = [f"results/corpus/{name}" for name in EMBEDDINGS]
AFTER_HEAD = {"annotate", "annotated_summary", "selection"}


def digests(project, names):
    """Hashes of some artifacts."""
    return {name: hashlib.sha256(project.artifact(name).read_bytes()).hexdigest() for name in names}


def settings_changed(project, **parts):
    """Write the study anew, with changes."""
    project.write_study(corpus_study(**parts))


def vectors_and_layers(path):
    """The vectors of an embeddings file, and whose layers it says that they come from."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        return file["train/embeddings"][:], file["train"].attrs.get("layers")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project run to its end; not to be changed."""
    project = corpus_project(tmp_path_factory.mktemp("corpus") / "project")
    project.run()
    return project


@pytest.fixture
def project(made, tmp_path):
    """A copy of it to change."""
    return made.copy(tmp_path / "project")


def test_each_record_is_annotated_once_under_its_own_id(made):
    rows = [row for name in ANNOTATED for row in made.rows(name)]
    given = {row["id"]: row["text"] for row in corpus_rows(60)}
    assert {row["id"]: row["text"] for row in rows} == given
    assert len(rows) == len(given)
    assert all(isinstance(row["score_length"], float) for row in rows)


def test_counts_add_up_from_the_records_to_the_selection(made):
    embedded, annotated = made.json("embeddings/tiny/summary.json"), made.json("annotated/all/summary.json")
    selected = made.json("selections/long.jsonl.counts.json")
    assert embedded["rows"] == annotated["rows"] == selected["rows"] == 60
    assert embedded["embedded"] == annotated["annotated"] == 60
    assert selected["selected"] == len(made.rows("selections/long.jsonl"))
    assert all(row["score_length"] >= 20 for row in made.rows("selections/long.jsonl"))


def test_a_second_run_has_nothing_to_do(made):
    assert "Nothing to be done" in made.run().stdout


def test_the_same_bytes_come_from_a_run_on_a_fresh_clone(made, tmp_path):
    again = corpus_project(tmp_path / "project")
    again.run()
    names = [*EMBEDDINGS, *ANNOTATED, "heads/length/model.safetensors", "heads/length/metrics.json"]
    assert digests(again, names) == digests(made, names)


def test_an_edited_head_is_trained_again_and_nothing_is_embedded(project):
    settings_changed(project, heads={"length": {"max_epochs": 6}})
    assert ran(project.run()) == {"head", *AFTER_HEAD}


def test_an_edited_file_alone_is_embedded_again(project):
    before = digests(project, EMBEDDINGS)
    project.write_rows("notes/2024/a.jsonl", corpus_rows(31, start=30))
    done = project.run()
    assert ran(done) == {"records", "embed", "embedding_summary", "head", *AFTER_HEAD}
    after = digests(project, EMBEDDINGS)
    assert [before[name] == after[name] for name in EMBEDDINGS] == [True, False]
    (log,) = project.artifact("logs/embeddings/tiny").glob("*of1.log")
    assert "notes/2023__a.jsonl: 30 records" in log.read_text()
    assert "30 done by an earlier run" in log.read_text(), "it was embedded again"
    assert not list(project.artifact("embeddings").rglob(".*"))
    assert project.json("annotated/all/summary.json")["rows"] == 61


def test_another_model_in_the_folder_makes_the_embeddings_stale(project):
    save_encoder(project.root / MODEL, seed=1)
    assert "embed" in ran(project.run(*TO_EMBED))


def test_one_annotated_file_is_rebuilt_by_naming_it(project):
    before = digests(project, ANNOTATED)
    project.artifact(ANNOTATED[1]).unlink()
    assert ran(project.run(f"results/corpus/{ANNOTATED[1]}")) == {"annotate"}
    assert digests(project, ANNOTATED) == before


def test_annotated_files_are_compressed_as_the_study_says_and_another_name_is_refused(project):
    settings_changed(project, annotated={"all": {"compression": "zstd"}})
    project.run(f"results/corpus/annotated/all/notes/{FILES[0]}.zst")
    lines = [
        orjson.loads(line)
        for _, line in iter_lines(project.artifact(f"annotated/all/notes/{FILES[0]}.zst"))
    ]
    assert len(lines) == 30
    refused = project.run("results/corpus/annotated/all/notes/2023__a.jsonl.gz", check=False)
    assert refused.returncode != 0
    assert "files of annotated.all end in .jsonl.zst" in refused.stdout


def test_shards_give_the_same_embeddings_as_files_one_by_one(project):
    before = digests(project, EMBEDDINGS)
    for name in EMBEDDINGS:
        project.artifact(name).unlink()
    settings_changed(project, embeddings={"tiny": {"shards": 1}})
    assert ran(project.run(*TO_EMBED)) == {"embed_tiny_0"}
    assert digests(project, EMBEDDINGS) == before


def test_without_layers_of_our_own_the_vectors_are_the_same_but_for_rounding(project):
    before = [vectors_and_layers(project.artifact(name)) for name in EMBEDDINGS]
    settings_changed(project, embeddings={"tiny": {"layers": "transformers"}})

    assert "embed" in ran(project.run(*TO_EMBED))

    after = [vectors_and_layers(project.artifact(name)) for name in EMBEDDINGS]
    assert [layers for _, layers in before + after] == [None, None, "transformers", "transformers"]
    for (own, _), (transformers, _) in zip(before, after, strict=True):
        np.testing.assert_allclose(own, transformers, rtol=1e-4, atol=1e-5)


def test_of_a_killed_shard_the_files_that_were_done_are_not_embedded_again(project):
    for name in EMBEDDINGS:
        project.artifact(name).unlink()
    settings_changed(project, embeddings={"tiny": {"shards": 1}})
    marker = project.root / "stopped"
    process = project.start(GOLDPAN_STOP_AT="embedding_file_done", GOLDPAN_STOP_FILE=str(marker))
    while not (marker.exists() and marker.read_text()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    os.kill(int(marker.read_text()), signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert not any(project.artifact(name).exists() for name in EMBEDDINGS)

    project.run(*TO_EMBED)
    log = project.artifact("logs/embeddings/tiny/shard-0.log").read_text()
    assert sorted(line.rpartition("; ")[2] for line in log.splitlines() if "; " in line) == [
        "0 done by an earlier run",
        "30 done by an earlier run",
    ]
    assert not list(project.artifact("embeddings").rglob(".*"))


def test_a_head_made_elsewhere_annotates_beside_the_studys_own(project):
    import torch

    torch.save({"weight": torch.ones(1, 32), "bias": torch.zeros(1)}, project.root / "models" / "sum.pt")
    settings_changed(project, annotated={"all": {"regression_head_checkpoints": {"sum": "models/sum.pt"}}})
    project.run()
    assert all({"score_length", "score_sum"} <= row.keys() for row in project.rows(ANNOTATED[0]))
    torch.save({"weight": torch.zeros(1, 32), "bias": torch.zeros(1)}, project.root / "models" / "sum.pt")
    assert ran(project.run()) == AFTER_HEAD
    assert {row["score_sum"] for row in project.rows(ANNOTATED[0])} == {0.0}


def test_a_head_trained_on_other_embeddings_is_refused_with_what_differs(project):
    study = corpus_study()
    study["embeddings"]["cls"] = {**study["embeddings"]["tiny"], "pooling": "cls"}
    study["annotated"]["wrong"] = {"embedding": "cls", "heads": "length", "device": "cpu"}
    project.write_study(study)
    refused = project.run(check=False)
    assert refused.returncode != 0
    assert "pooling" in refused.stdout and "'cls'" in refused.stdout and "'mean'" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert not project.artifact(f"annotated/wrong/notes/{FILES[0]}.jsonl").exists()


def test_a_head_that_learns_a_gold_set_waits_for_its_sheets(project):
    study = corpus_study()
    study["stages"] = {
        "topics": {
            "input": {"source": "notes"},
            "task": "topic",
            "provider": "main",
            "model": "goldpan-baseline-1",
        }
    }
    study["waves"] = {"check": {"stage": "topics", "features": ["topic"], "sample": 9, "annotators": ["ann"]}}
    study["heads"]["topic"] = {"embedding": "tiny", "labels": {"wave": "check"}, "targets": "topic"}
    study["annotated"]["topics"] = {"embedding": "tiny", "heads": "topic", "device": "cpu"}
    study["selections"]["animals"] = {"annotated": "topics", "where": "label_topic == 'animals'"}
    study["evaluations"] = {
        "head": {"wave": "check", "split": "test", "predictions": {"head": {"annotated": "topics"}}}
    }
    project.write_study(study)
    project.artifact("selections/long.jsonl").unlink()
    project.run()
    assert project.artifact("selections/long.jsonl").exists()
    assert not project.artifact("heads/topic").exists()
    assert "Nothing to be done" in project.run().stdout
    assert "waits for the sheets of check" in project.goldpan("summary").stdout


def test_summary_shows_what_the_models_made(made):
    shown = made.goldpan("summary").stdout
    assert "words: spearman" in shown
    assert "results/corpus/selections/long.jsonl" in shown


def test_the_steps_by_hand_leave_what_the_rules_leave(project, monkeypatch, capsys):
    def by_hand(*arguments):
        assert main(["models", *arguments]) == 0
        return capsys.readouterr().out

    monkeypatch.chdir(project.root)
    names = [*EMBEDDINGS, "heads/length/metrics.json", *ANNOTATED, "selections/long.jsonl"]
    before = digests(project, names)
    for name in names:
        project.artifact(name).unlink()
    assert "30 records, 30 embedded" in by_hand("embed", "tiny")
    assert "words: spearman" in by_hand("train", "length")
    by_hand("annotate", "all", "--file", f"notes/{FILES[0]}")
    assert not project.artifact(ANNOTATED[1]).exists()
    by_hand("annotate", "all", "--file", f"notes/{FILES[1]}")
    assert "of 60 rows: score_length >= 20" in by_hand("select", "long")
    assert digests(project, names) == before


def test_a_file_that_is_not_there_is_answered_with_the_nearest(project):
    done = project.goldpan("models", "embed", "tiny", "--file", "notes/2023__b.jsonl", check=False)
    assert done.returncode == 1
    assert "there is no file `notes/2023__b.jsonl` here; did you mean `notes/2023__a.jsonl`?" in done.stdout
