"""Embeddings that are there already, through Snakemake: from HDF5 of the classic system to annotated rows."""

import shutil

import numpy as np
import pytest

from tests.classic_files import write_classic
from tests.projects import WorkflowProject, ran

pytest.importorskip("torch", reason="heads need the extra `models`")

WIDTH = 12
DIRECTION = np.linspace(-1, 1, WIDTH)


def vectors_of(count, seed):
    """[count, WIDTH] float16, as jobs store them."""
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float16)


def add_file(project, name, seed, count=60):
    """A file of documents with a score that their vectors tell, and its HDF5, in another order."""
    vectors = vectors_of(count, seed)
    scores = vectors.astype(float) @ DIRECTION
    ids = [f"{name}-{number}" for number in range(count)]
    project.write_rows(
        f"data/{name}.jsonl",
        [
            {"id": id, "kind": "web", "text": "w " * 600, "score": round(float(score), 4)}
            for id, score in zip(ids, scores, strict=True)
        ],
    )
    shuffled = np.random.default_rng(seed + 1).permutation(count)
    # The classic writer numbers the parts of a file.
    write_classic(
        project.root / f"old/000_{name}.h5",
        [f"{ids[row]}__web" for row in shuffled],
        vectors[shuffled],
        group="validation",
        labels=scores[shuffled].astype(np.int8),
    )


def write_checkpoints(folder):
    """Heads as the classic system leaves them: a `save_pretrained` folder, and a checkpoint of Lightning."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    mlp = torch.nn.Sequential(torch.nn.Linear(WIDTH, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    tensors = {f"head.mlp.{name}": value.detach().clone() for name, value in mlp.state_dict().items()}
    (folder / "final").mkdir(parents=True)
    save_file(tensors, folder / "final/model.safetensors", metadata={"format": "pt"})
    (folder / "final/config.json").write_text(
        f'{{"architectures": ["EmbeddingRegressionModel"], "embedding_dim": {WIDTH}, "hidden_dim": 5,'
        ' "num_tasks": 1, "num_targets_per_task": [6]}'
    )
    torch.save({"epoch": 3, "state_dict": tensors}, folder / "edu.ckpt")
    return mlp


STUDY = {
    "study": "scored",
    "sources": {"docs": {"files": "data/*", "id": ["id"]}},
    "embeddings": {
        "classic": {
            "source": "docs",
            "files": "old/*.h5",
            "layout": "ml_filter",
            "group": "validation",
            "document_id": ["id", "kind"],
            "model": "jhu-clsp/mmBERT-base",
            "pooling": "mean",
            "max_length": 8192,
        }
    },
    "heads": {
        "own": {"embedding": "classic", "labels": {"source": "docs"}, "targets": {"score": "regression"}}
    },
    "annotated": {
        "all": {
            "embedding": "classic",
            "heads": "own",
            "regression_head_checkpoints": {"edu": "ckpt/final", "old": "ckpt/edu.ckpt"},
            "output_keys": ["kind", "score"],
        },
        "outside": {"embedding": "classic", "regression_head_checkpoints": {"edu": "ckpt/final"}},
    },
    "selections": {"good": {"annotated": "all", "where": "score_own >= 1"}},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project run to its end, and the classic head; not to be changed."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("existing") / "project", study="scored")
    project.write_study(STUDY)
    for seed, name in enumerate(("part0", "part1")):
        add_file(project, name, 10 * seed)
    head = write_checkpoints(project.root / "ckpt")
    project.rules = ran(project.run())
    project.head = head
    return project


@pytest.fixture
def project(made, tmp_path):
    """A copy of it to change."""
    return made.copy(tmp_path / "project")


def test_rows_are_scored_by_their_own_vectors(made):
    import torch

    assert "take_embeddings" in made.rules and not any(rule.startswith("embed_") for rule in made.rules)
    for seed, name in enumerate(("part0", "part1")):
        rows = made.rows(f"annotated/all/docs/{name}.jsonl")
        assert [row["id"] for row in rows] == [f"{name}-{number}" for number in range(60)]
        with torch.no_grad():
            expected = made.head(torch.from_numpy(vectors_of(60, 10 * seed).astype("f4")))[:, 0].numpy()
        for column in ("score_edu", "score_old"):
            np.testing.assert_allclose([row[column] for row in rows], expected, atol=2e-5)
        own = np.corrcoef([row["score_own"] for row in rows], [row["score"] for row in rows])[0, 1]
        assert own > 0.99


def test_what_is_made_is_small_and_says_where_the_vectors_lie(made):
    summary = made.json("embeddings/classic/summary.json")
    assert (summary["rows"], summary["embedded"]) == (120, 120)
    (model,) = summary["models"]
    assert (model["model"], model["layout"], model["max_length"]) == (
        "jhu-clsp/mmBERT-base",
        "ml_filter",
        8192,
    )


def test_a_second_run_has_nothing_to_do_and_validate_tells_of_the_files(made, capsys):
    from goldpan.cli import main

    assert "Nothing to be done" in made.run().stdout
    assert main(["validate", "scored", "--root", str(made.root)]) == 0
    assert "2 HDF5 files (layout ml_filter) are here for 2 files" in capsys.readouterr().out


def test_growth_by_a_file_makes_only_what_is_new(project):
    kept = [project.artifact(f"annotated/outside/docs/part{number}.jsonl") for number in (0, 1)]
    before = [path.stat().st_mtime_ns for path in kept]
    add_file(project, "part2", 20)
    made = ran(project.run("results/scored/annotated/outside/summary.json"))
    assert len(project.rows("annotated/outside/docs/part2.jsonl")) == 60
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert "take_embeddings" in made and "head" not in made


def test_a_file_without_its_hdf5_stops_the_run_before_anything_is_made(project):
    add_file(project, "part2", 20)
    (project.root / "old/000_part2.h5").unlink()
    run = project.run(check=False)
    assert run.returncode != 0
    assert "1 of 3 files of the source have no embeddings here: docs/part2.jsonl" in run.stdout


def test_a_changed_hdf5_is_taken_anew_and_a_foreign_one_is_refused_by_the_head(project):
    vectors = vectors_of(60, 99)
    write_classic(
        project.root / "old/000_part0.h5", [f"part0-{n}__web" for n in range(60)], vectors, group="validation"
    )
    before = project.rows("annotated/outside/docs/part0.jsonl")
    assert "take_embeddings" in ran(project.run("results/scored/annotated/outside/summary.json"))
    assert project.rows("annotated/outside/docs/part0.jsonl") != before
    study = {
        **STUDY,
        "embeddings": {
            "classic": STUDY["embeddings"]["classic"],
            "other": {**STUDY["embeddings"]["classic"], "pooling": "cls"},
        },
    }
    study["annotated"] = {"all": STUDY["annotated"]["all"], "wrong": {"embedding": "other", "heads": "own"}}
    project.write_study(study)
    run = project.run("results/scored/annotated/wrong/summary.json", check=False)
    assert (
        "the head `own` was trained on other embeddings; these have pooling: 'cls', not 'mean'" in run.stdout
    )
    assert not project.artifact("annotated/wrong/docs").exists() or not any(
        project.artifact("annotated/wrong/docs").iterdir()
    )


def test_files_annotated_before_an_upgrade_keep_their_rows_under_the_new_name(project):
    folder = project.artifact("annotated/all/docs")
    before = {}
    for path in sorted(folder.iterdir()):
        name = path.name.replace(".jsonl", ".jsonl.jsonl", 1)
        before[path.name] = (path.read_bytes(), path.stat().st_mtime_ns)
        path.rename(folder / name)

    dry = project.run("--dry-run")
    assert "2 annotated files of an earlier goldpan get the names" in dry.stdout + dry.log
    assert all(".jsonl.jsonl" in path.name for path in folder.iterdir())

    run = project.run()
    assert "2 annotated files of an earlier goldpan have got the names" in run.stdout + run.log
    assert "Nothing to be done" in run.stdout
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    again = project.run()
    assert "earlier goldpan" not in again.stdout and "Nothing to be done" in again.stdout


def test_a_csv_beside_a_jsonl_of_one_stem_changes_no_name(project):
    shutil.copy(project.root / "old/000_part0.h5", project.root / "old/part0.jsonl.h5")
    (project.root / "old/000_part0.h5").unlink()
    project.write("data/part0.csv", "id,kind,text,score\nc1,web,w,1.5\n")
    write_classic(project.root / "old/part0.csv.h5", ["c1__web"], vectors_of(1, 5), group="validation")
    project.run("results/scored/annotated/outside/summary.json")
    assert len(project.rows("annotated/outside/docs/part0.jsonl")) == 60
    assert [row["id"] for row in project.rows("annotated/outside/docs/part0.csv.jsonl")] == ["c1"]


def test_an_hdf5_may_be_the_source_itself(project):
    study = {
        "study": "bare",
        "sources": {"rows": {"files": "old/*.h5", "format": "hdf5"}},
        "embeddings": {
            "classic": {**STUDY["embeddings"]["classic"], "source": "rows", "document_id": "document_id"}
        },
        "annotated": {
            "all": {
                "embedding": "classic",
                "regression_head_checkpoints": {"edu": "ckpt/final"},
                "output_keys": ["document_id", "labels"],
            }
        },
    }
    project.write_study(study)
    project.study = "bare"
    project.run("--config", "study=bare")
    rows = project.rows("annotated/all/rows/000_part0.jsonl")
    assert len(rows) == 60 and rows[0]["id"] == rows[0]["document_id"] and isinstance(rows[0]["labels"], int)


def test_a_bundle_holds_the_hdf5_and_asks_for_no_model(made):
    from goldpan.bundle.models_used import models_used
    from goldpan.bundle.named_files import named_files
    from goldpan.study.load import load_project

    project = load_project("scored", root=made.root)
    held = {path.name for _, path in named_files(project).values()}
    assert {"000_part0.h5", "000_part1.h5", "part0.jsonl", "part1.jsonl"} <= held
    assert models_used(project) == []
