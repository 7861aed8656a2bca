"""Annotated files: a row for each record, joined by id, whatever is between; and what is selected of them."""

import gzip
import shutil

import numpy as np
import orjson
import pytest
import zstandard

from goldpan.embeddings.provenance import Provenance
from goldpan.errors import EmbeddingError, HeadError, ReconciliationError, StudyError, WhereError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import read_annotated
from goldpan.heads.annotate import annotate_file
from goldpan.heads.model import HeadModel, Linear
from goldpan.heads.select import select
from goldpan.heads.targets import Target
from goldpan.study.head import Annotated, Selection
from goldpan.waves.items import item_id
from tests.head_builders import (
    PROVENANCE,
    random_vectors,
    read_rows,
    write_embeddings,
    write_records,
    write_rows,
)
from tests.wave_builders import COMPLAINT, STARS, TONE

h5py = pytest.importorskip("h5py")
pytest.importorskip("torch", reason="heads need the extra `models`")

WIDTH = 4
TARGETS = (
    Target("stars", "stars", "ordinal", ("1", "2", "3", "4", "5")),
    Target("tone", "tone", "classification", ("Positive", "Negative", "Neutral")),
    Target("complaint", "complaint", "classification", ("no", "yes")),
    Target("length", "length", "regression"),
)
COLUMNS = [
    "score_stars", "label_stars", "probability_stars", "label_tone", "probability_tone",
    "score_complaint", "label_complaint", "probability_complaint", "score_length",
]  # fmt: skip


def head(name="h", targets=TARGETS, **changes):
    """A head with random weights for embeddings as `write_embeddings` makes them."""
    random = np.random.default_rng(7)
    width = sum(target.width for target in targets)
    layer = Linear(random.normal(size=(width, WIDTH)).astype(np.float32), np.zeros(width, dtype=np.float32))
    thresholds = {"stars": np.array([-2, -1, 0, 1], dtype=np.float32)}
    made = Provenance(**(PROVENANCE | changes), dimension=WIDTH, source_sha256="")
    return HeadModel(name, (layer,), targets, thresholds, made)


def settings(**changes):
    """Settings of annotated files on the CPU."""
    return Annotated(**({"embedding": "small", "heads": ["h"], "device": "cpu"} | changes))


@pytest.fixture
def corpus(tmp_path):
    """Records, of which the third has no text, and their embeddings."""
    rows = [
        {"text": f"text {n}", "url": f"http://x/{n}", "meta": {"year": 2000 + n}}
        | ({"rare": n} if n == 4 else {})
        for n in range(10)
    ]
    records = write_records(tmp_path / "notes/a.jsonl", rows)
    skip = {"d3": "empty_text: there is no text in `text`"}
    return records, write_embeddings(tmp_path / "a.h5", records, random_vectors(9, WIDTH), skip=skip)


def annotate(corpus, output, heads=None, **changes):
    """Annotate the corpus; returns the counts."""
    records, embeddings = corpus
    return annotate_file(settings(**changes), embeddings, records, heads or [head()], output)


def test_every_record_has_one_row_in_its_order(corpus, tmp_path):
    counts = annotate(corpus, tmp_path / "out.jsonl")
    rows = read_rows(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [f"d{n}" for n in range(1, 11)]
    assert counts.as_json() == {"rows": 10, "annotated": 9, "skipped": {"empty_text": 1}, "missing_keys": {}}
    assert {tuple(row) for row in rows if row["state"] == "ok"} == {
        ("id", "source", "file", "state", *COLUMNS)
    }


def test_a_record_without_an_embedding_says_why_and_has_no_prediction(corpus, tmp_path):
    annotate(corpus, tmp_path / "out.jsonl")
    row = read_rows(tmp_path / "out.jsonl")[2]
    assert (row["state"], row["reason"]) == ("skipped", "empty_text: there is no text in `text`")
    assert all(row[column] is None for column in COLUMNS)


def test_predictions_are_those_of_the_records_own_embedding(corpus, tmp_path):
    annotate(corpus, tmp_path / "out.jsonl")
    rows = [row for row in read_rows(tmp_path / "out.jsonl") if row["state"] == "ok"]
    outputs = random_vectors(9, WIDTH) @ head().layers[0].weight.T
    assert [row["score_length"] for row in rows] == pytest.approx(outputs[:, -1].tolist(), abs=2e-6)
    names = [TARGETS[1].labels[place] for place in outputs[:, 1:4].argmax(axis=1)]
    assert [row["label_tone"] for row in rows] == names


def test_the_probability_is_that_of_the_label(corpus, tmp_path):
    annotate(corpus, tmp_path / "out.jsonl", probabilities=True)
    for row in read_rows(tmp_path / "out.jsonl"):
        if row["state"] == "ok":
            for column in ("stars", "tone", "complaint"):
                all_of_them = row[f"probabilities_{column}"]
                assert row[f"probability_{column}"] == all_of_them[str(row[f"label_{column}"])]
                assert sum(all_of_them.values()) == pytest.approx(1, abs=1e-5)
            assert row["score_complaint"] == row["probabilities_complaint"]["yes"]


def test_fields_of_the_original_rows_are_carried_over(corpus, tmp_path):
    keys = ["url", "meta.year", "rare", "line"]
    counts = annotate(corpus, tmp_path / "out.jsonl", output_keys=keys)
    rows = read_rows(tmp_path / "out.jsonl")
    assert [rows[4][key] for key in keys] == ["http://x/4", 2004, 4, 5]
    assert [rows[2][key] for key in keys] == ["http://x/2", 2002, None, 3]
    assert counts.missing_keys == {"rare": 9}


@pytest.mark.parametrize(
    ("compression", "opened"),
    [("none", bytes), ("gzip", gzip.decompress), ("zstd", lambda data: zstandard.decompress(data, 1 << 20))],
)
def test_compressed_files_hold_the_same_and_are_the_same_again(corpus, tmp_path, compression, opened):
    annotate(corpus, tmp_path / "plain")
    for name in ("one", "two"):
        annotate(corpus, tmp_path / name, compression=compression)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert opened((tmp_path / "one").read_bytes()) == (tmp_path / "plain").read_bytes()


def test_a_head_of_another_embedding_is_refused_and_nothing_is_written(corpus, tmp_path):
    with pytest.raises(HeadError, match=r"the head `h` .* pooling: 'mean', not 'cls'"):
        annotate(corpus, tmp_path / "out.jsonl", [head(pooling="cls")])
    assert not (tmp_path / "out.jsonl").exists()


def test_nan_among_the_embeddings_is_refused_and_nothing_is_written(corpus, tmp_path):
    _, embeddings = corpus
    with h5py.File(embeddings, "r+") as file:
        file["train/embeddings"][5, 1] = np.nan
    with pytest.raises(EmbeddingError, match="'d7' holds NaN"):
        annotate(corpus, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: [lines[1], lines[0], *lines[2:]], "record 'd2' has no embedding"),
        (lambda lines: lines[:4] + lines[5:], "record 'd6' has no embedding"),
        (lambda lines: lines[:-1], "record 'd10' has an embedding but is not there"),
        (lambda lines: lines[:2] + lines[3:], "record 'd3' was skipped but is not there"),
        (lambda lines: [*lines, lines[0].replace(b'"d1"', b'"d11"')], "record 'd11' has no embedding"),
        (lambda lines: [lines[0].replace(b'"d1"', b'"e1"'), *lines[1:]], "record 'e1' has no embedding"),
    ],
)
def test_records_that_are_not_those_embedded_are_an_error(corpus, tmp_path, change, problem):
    records, _ = corpus
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(change(lines)))
    with pytest.raises(ReconciliationError, match=problem):
        annotate(corpus, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_ids_with_slashes_and_unicode_are_joined(tmp_path):
    ids = ["a/b", "ä ö\u2028", "../x", "日本", "a\0b"]
    records = write_records(tmp_path / "a.jsonl", [{"id": id} for id in ids])
    skip = {"a\0b": "bad_id: the id holds a NUL character"}
    embeddings = write_embeddings(tmp_path / "a.h5", records, random_vectors(4, WIDTH), skip=skip)
    annotate((records, embeddings), tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_bytes().rstrip(b"\n").split(b"\n")
    assert [orjson.loads(line)["id"] for line in lines] == ids


def test_more_records_than_a_block_are_all_annotated(tmp_path):
    records = write_records(tmp_path / "a.jsonl", ({} for _ in range(20_000)))
    embeddings = write_embeddings(tmp_path / "a.h5", records, random_vectors(20_000, WIDTH))
    counts = annotate((records, embeddings), tmp_path / "out.jsonl", [head(targets=TARGETS[3:])])
    assert counts.annotated == 20_000
    scores = np.array([row["score_length"] for row in read_rows(tmp_path / "out.jsonl")])
    expected = random_vectors(20_000, WIDTH) @ head(targets=TARGETS[3:]).layers[0].weight[0]
    assert scores == pytest.approx(expected, abs=2e-6)


def test_a_file_without_records_gives_a_file_without_rows(tmp_path):
    records = write_records(tmp_path / "a.jsonl", [])
    embeddings = write_embeddings(tmp_path / "a.h5", records, random_vectors(0, WIDTH))
    assert annotate((records, embeddings), tmp_path / "out.jsonl").rows == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_two_columns_of_one_name_are_an_error(corpus, tmp_path):
    with pytest.raises(StudyError, match="two columns called `score_stars`"):
        annotate(corpus, tmp_path / "out.jsonl", [head("a"), head("b")])
    with pytest.raises(StudyError, match="two columns called `score_length`"):
        annotate(corpus, tmp_path / "out.jsonl", output_keys=["score_length"])


def test_evaluation_reads_what_heads_write(corpus, tmp_path):
    annotate(corpus, tmp_path / "out.jsonl")
    values = {one.name: FeatureValues(one) for one in (STARS, TONE, COMPLAINT)}
    found = read_annotated("heads", [tmp_path / "out.jsonl"], values, [item_id("d1"), item_id("d3")], {})
    row = read_rows(tmp_path / "out.jsonl")[0]
    assert found.of("stars", item_id("d1")).value == row["score_stars"]
    assert found.of("tone", item_id("d1")).value == row["label_tone"]
    assert found.of("tone", item_id("d1")).confidence == row["probability_tone"]
    assert found.of("complaint", item_id("d1")).value == (row["label_complaint"] == "yes")
    assert found.of("tone", item_id("d3")).state == "missing"


@pytest.fixture
def annotated(tmp_path):
    """Two annotated files of different sources with one name."""
    for source in ("one", "two"):
        rows = [
            {
                "id": f"{source}{n}",
                "state": "ok",
                "score_quality": n / 2,
                "label_topic": ["law", "art"][n % 2],
            }
            for n in range(10)
        ]
        rows.append(
            {
                "id": f"{source}x",
                "state": "skipped",
                "reason": "r",
                "score_quality": None,
                "label_topic": None,
            }
        )
        write_rows(tmp_path / source / "a.jsonl", rows)
    return [tmp_path / "one/a.jsonl", tmp_path / "two/a.jsonl"]


def selected(annotated, tmp_path, where, **changes):
    """Ids that are selected, and the counts file."""
    given = Selection(annotated="all", where=where, **changes)
    counts = select(given, annotated, tmp_path / "out.jsonl", tmp_path / "counts.json")
    assert orjson.loads((tmp_path / "counts.json").read_bytes()) == counts.as_json()
    return [row["id"] for row in read_rows(tmp_path / "out.jsonl")], counts.as_json()


def test_a_threshold_selects_rows_and_counts_them(annotated, tmp_path):
    ids, counts = selected(annotated, tmp_path, "score_quality >= 4")
    assert ids == ["one8", "one9", "two8", "two9"]
    assert counts == {
        "where": "score_quality >= 4",
        "rows": 22,
        "selected": 4,
        "files": {"one/a.jsonl": {"rows": 11, "selected": 2}, "two/a.jsonl": {"rows": 11, "selected": 2}},
    }


def test_selected_rows_stand_as_they_were(annotated, tmp_path):
    selected(annotated[:1], tmp_path, "score_quality >= 4 and label_topic == 'law'")
    assert (tmp_path / "out.jsonl").read_bytes() == annotated[0].read_bytes().splitlines(keepends=True)[8]


def test_skipped_records_are_selected_only_if_asked_for(annotated, tmp_path):
    assert selected(annotated, tmp_path, "score_quality < 99")[1]["selected"] == 20
    assert selected(annotated, tmp_path, "state == 'skipped' and reason == 'r'")[0] == ["onex", "twox"]


def test_compressed_files_are_selected_from(annotated, tmp_path):
    with annotated[0].open("rb") as plain, gzip.open(tmp_path / "one/a.jsonl.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    assert selected([tmp_path / "one/a.jsonl.gz"], tmp_path, "score_quality >= 4")[0] == ["one8", "one9"]


def test_a_name_that_rows_do_not_have_is_an_error(annotated, tmp_path):
    with pytest.raises(WhereError, match="did you mean `score_quality`"):
        selected(annotated, tmp_path, "score_qualty >= 4")


def test_nothing_is_selected_from_nothing(tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert selected([tmp_path / "empty.jsonl"], tmp_path, "score_quality >= 4")[1]["selected"] == 0
