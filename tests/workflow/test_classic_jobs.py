"""Jobs of ml_filter, converted and run from Python: from JSONL to HDF5 to annotated rows."""

import numpy as np
import pytest

import goldpan
from goldpan.errors import GoldpanError, StudyError
from tests.classic_files import write_classic
from tests.classic_jobs import ANNOTATION_LOCAL, EMBEDDING_LOCAL
from tests.projects import WorkflowProject
from tests.tiny_models import WIDTH, random_texts, save_encoder, save_modules

pytest.importorskip("torch", reason="embeddings need the extra `models`")
h5py = pytest.importorskip("h5py")

COUNT = 40


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with both jobs, their input, a model and a head; the embedding job is run."""
    import torch
    from safetensors.torch import save_file

    project = WorkflowProject.create(tmp_path_factory.mktemp("jobs") / "project", study="embedding_job")
    project.write("embedding_job.yaml", EMBEDDING_LOCAL)
    project.write("annotation_job.yaml", ANNOTATION_LOCAL)
    for part in (0, 1):
        texts = random_texts(COUNT, seed=part)
        project.write_rows(
            f"corpus/web/part{part}.jsonl",
            [
                {"doc": f"p{part}-{n}", "lang": "de", "body": text, "score": n % 6}
                for n, text in enumerate(texts)
            ],
        )
    save_modules(
        save_encoder(project.root / "models/tiny"), {"pooling_mode_mean_tokens": True}, normalize=True
    )
    (project.root / "ckpt/final").mkdir(parents=True)
    torch.manual_seed(0)
    tensors = {
        "head.mlp.0.weight": torch.randn(7, WIDTH),
        "head.mlp.0.bias": torch.randn(7),
        "head.mlp.2.weight": torch.randn(1, 7),
        "head.mlp.2.bias": torch.randn(1),
    }
    save_file(tensors, project.root / "ckpt/final/model.safetensors", metadata={"format": "pt"})
    project.tensors = {name.removeprefix("head.mlp."): value.numpy() for name, value in tensors.items()}
    project.embedded = goldpan.run_embedding_pipeline(
        project.root / "embedding_job.yaml", root=project.root, options=["--cores", "2"]
    )
    return project


def vectors_of(project, part):
    """Document id -> vector of a part that was embedded."""
    path = project.root / f"results/embedding_job/embeddings/classic/docs/part{part}.jsonl.h5"
    with h5py.File(path) as file:
        return dict(zip(file["train/document_id"].asstr()[:], file["train/embeddings"][:], strict=True))


def test_the_embedding_job_makes_what_it_would_make(project):
    summary = project.embedded["classic"]
    assert (summary["rows"], summary["embedded"]) == (2 * COUNT, 2 * COUNT)
    with h5py.File(project.root / "results/embedding_job/embeddings/classic/docs/part1.jsonl.h5") as file:
        group = file["train"]
        assert group["document_id"].asstr()[3] == "p1-3__de"
        assert group["labels"].dtype == np.int8 and group["labels"][:].tolist() == [
            n % 6 for n in range(COUNT)
        ]
        assert group["embeddings"].compression == "gzip" and group.attrs["max_length"] == 48


def test_the_annotation_job_scores_hdf5_of_the_classic_layout_and_grows(project):
    head = project.tensors

    def expected(vectors):
        hidden = np.maximum(vectors @ head["0.weight"].T + head["0.bias"], 0)
        return (hidden @ head["2.weight"].T + head["2.bias"])[:, 0]

    def scored(part):
        rows = {}
        path = project.root / f"results/annotation_job/annotated/scored/rows/part{part}.jsonl"
        for _, row in goldpan_rows(path):
            rows[row["id"]] = row
        return rows

    for part in (0, 1):
        vectors = vectors_of(project, part)
        labels = np.arange(COUNT, dtype=np.int8) % 6
        write_classic(
            project.root / f"made/web_vectors/part{part}.h5",
            [*vectors],
            np.stack([*vectors.values()]),
            labels=labels,
        )
        summary = goldpan.run_annotation_pipeline(
            project.root / "annotation_job.yaml", root=project.root, options=["--cores", "2"]
        )["scored"]
        assert (summary["rows"], summary["annotated"]) == ((part + 1) * COUNT, (part + 1) * COUNT)
        rows = scored(part)
        assert list(rows) == list(vectors)
        for column in ("score_Edu_Gemma", "score_Edu_Llama"):
            given = np.array([rows[id][column] for id in vectors])
            np.testing.assert_allclose(given, expected(np.stack([*vectors.values()])), atol=1e-5)
        assert [row["labels"] for row in rows.values()] == labels.tolist()
        assert {row["document_id"] for row in rows.values()} == set(vectors)


def goldpan_rows(path):
    """Number and row of each line of a JSONL file."""
    import orjson

    return enumerate(map(orjson.loads, path.read_bytes().splitlines()))


def test_a_study_is_run_as_it_is_and_what_is_made_is_not_made_again(project):
    vectors = vectors_of(project, 0)
    path = project.root / "results/embedding_job/embeddings/classic/docs/part0.jsonl.h5"
    before = path.stat().st_mtime_ns
    study = project.root / "config/studies/embedding_job.yaml"
    assert goldpan.run_embedding_pipeline(study)["classic"]["embedded"] == 2 * COUNT
    assert path.stat().st_mtime_ns == before and len(vectors) == COUNT
    with pytest.raises(StudyError, match="the study has no annotated files"):
        goldpan.run_annotation_pipeline("embedding_job", root=project.root)


def test_a_study_that_was_changed_is_not_replaced_and_a_failed_run_is_an_error(project):
    study = project.root / "config/studies/annotation_job.yaml"
    text = study.read_text() if study.exists() else "study: annotation_job\n"
    study.write_text(text + "# mine\n")
    with pytest.raises(StudyError, match="says something else; nothing was written"):
        goldpan.run_annotation_pipeline(project.root / "annotation_job.yaml", root=project.root)
    study.write_text(text)
    write_classic(project.root / "made/web_vectors/bad.h5", ["x", "x"], np.zeros((2, WIDTH), "f4"))
    with pytest.raises(GoldpanError, match="the run ended with exit code 1"):
        goldpan.run_annotation_pipeline("annotation_job", root=project.root)
