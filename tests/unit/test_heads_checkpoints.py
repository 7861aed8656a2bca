"""Heads as files: goldpan's own, those made elsewhere, and what is refused; several applied at once."""

import itertools
import pickle
import shutil

import numpy as np
import orjson
import pytest

from goldpan.embeddings.provenance import Provenance
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.errors import HeadError
from goldpan.heads.checkpoint import load_head, save_head
from goldpan.heads.external import load_external_head
from goldpan.heads.fused import FusedHeads
from goldpan.heads.load import load_heads
from goldpan.heads.model import HeadModel, Linear
from goldpan.heads.targets import Target
from tests.head_builders import PROVENANCE, random_vectors, write_embeddings, write_records

torch = pytest.importorskip("torch", reason="heads need the extra `models`")

WIDTH = 8
MADE = Provenance(**PROVENANCE, dimension=WIDTH, source_sha256="")


def random_layers(*widths, seed=0):
    """Linear layers of these widths with random weights."""
    random = np.random.default_rng(seed)
    pairs = itertools.pairwise(widths)
    return tuple(
        Linear(random.normal(size=(b, a)).astype(np.float32), random.normal(size=b).astype(np.float32))
        for a, b in pairs
    )


def head_model(name="h", hidden=(), seed=0):
    """A head with a target of each kind and random weights."""
    targets = (
        Target("length", f"{name}_length", "regression"),
        Target("stars", f"{name}_stars", "ordinal", ("1", "2", "3")),
        Target("topic", f"{name}_topic", "classification", ("law", "art")),
    )
    thresholds = {"stars": np.array([-1, 1], dtype=np.float32)}
    return HeadModel(name, random_layers(WIDTH, *hidden, 4, seed=seed), targets, thresholds, MADE)


def torch_head(outputs=1, hidden=16, seed=0):
    """A head as it is written elsewhere: `head.mlp` of Linear, ReLU, Linear."""
    torch.manual_seed(seed)
    model = torch.nn.Module()
    model.head = torch.nn.Module()
    model.head.mlp = torch.nn.Sequential(
        torch.nn.Linear(WIDTH, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, outputs)
    )
    return model


def save_pretrained(model, folder, **config):
    """A `save_pretrained` folder of a model."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_bytes(orjson.dumps({"embedding_dim": WIDTH, **config}))
    return folder


def expected(model, vectors):
    """What PyTorch makes of vectors."""
    with torch.no_grad():
        return model.head.mlp(torch.from_numpy(vectors)).numpy()


def scores(head, vectors):
    """Scores of all targets of a head, [n, targets]."""
    found = FusedHeads([head]).predict(vectors)
    return np.stack([one.predicted.score for one in found], axis=1)


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_a_saved_head_predicts_what_it_did(tmp_path, hidden):
    head, vectors = head_model(hidden=hidden), random_vectors(20)
    save_head(tmp_path, head)
    again = load_head(tmp_path)
    assert (again.name, again.targets, again.embedding) == (head.name, head.targets, head.embedding)
    for one, two in zip(
        FusedHeads([head]).predict(vectors), FusedHeads([again]).predict(vectors), strict=True
    ):
        assert np.array_equal(one.predicted.probabilities, two.predicted.probabilities)
        assert one.predicted.score is two.predicted.score is None or np.array_equal(
            one.predicted.score, two.predicted.score
        )


def test_the_configuration_names_the_embedding(tmp_path):
    save_head(tmp_path, head_model())
    named = orjson.loads((tmp_path / "config.json").read_bytes())["embedding"]
    for key in ("model", "revision", "model_sha256", "pooling", "normalize", "max_length", "prefix"):
        assert named[key] == getattr(MADE, key)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("model_sha256", "cd" * 32),
        ("pooling", "cls"),
        ("normalize", True),
        ("max_length", 64),
        ("prefix", "query: "),
        ("on_long", "chunk"),
    ],
)
def test_embeddings_made_otherwise_are_refused_with_what_differs(attribute, value):
    given = Provenance(**{**PROVENANCE, attribute: value}, dimension=WIDTH, source_sha256="")
    with pytest.raises(HeadError, match=f"these have {attribute}: {value!r}, not "):
        head_model().check_fits(given, "a.h5")


def test_embeddings_of_another_text_or_batch_are_not_refused():
    other = {**PROVENANCE, "text": ("title",), "batch_tokens": 9, "storage_dtype": "float16"}
    head_model().check_fits(Provenance(**other, dimension=WIDTH, source_sha256="x"), "a.h5")


def test_a_head_made_elsewhere_is_refused_for_another_dimension(tmp_path):
    head = load_external_head("edu", save_pretrained(torch_head(), tmp_path / "m"))
    wide = Provenance(**PROVENANCE, dimension=9, source_sha256="")
    with pytest.raises(HeadError, match="dimension: 9, not 8"):
        head.check_fits(wide, "a.h5")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "config.json").unlink(), "cannot be read"),
        (lambda folder: (folder / "config.json").write_bytes(b"{"), "not valid JSON"),
        (lambda folder: (folder / "config.json").write_bytes(b"{}"), "not a head that goldpan trained"),
        (lambda folder: (folder / "model.safetensors").unlink(), "there is no such file"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(
                (folder / "model.safetensors").read_bytes()[:-9]
            ),
            "not a whole safetensors file",
        ),
    ],
)
def test_a_damaged_head_is_an_error_with_its_name(tmp_path, damage, problem):
    save_head(tmp_path / "h", head_model())
    damage(tmp_path / "h")
    with pytest.raises(HeadError, match=problem) as caught:
        load_head(tmp_path / "h")
    assert str(tmp_path / "h") in caught.value.where


def test_weights_of_another_head_are_noticed(tmp_path):
    save_head(tmp_path / "one", head_model())
    save_head(tmp_path / "two", head_model(hidden=(5,)))
    shutil.copy(tmp_path / "one" / "model.safetensors", tmp_path / "two" / "model.safetensors")
    with pytest.raises(HeadError, match="not those that its configuration is about"):
        load_head(tmp_path / "two")


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    head = head_model()
    head.layers[0].weight[1, 2] = np.nan
    save_head(tmp_path, head)
    with pytest.raises(HeadError, match="NaN or infinity"):
        load_head(tmp_path)


def test_a_save_pretrained_folder_is_read(tmp_path):
    model, vectors = torch_head(), random_vectors(30)
    head = load_external_head("edu", save_pretrained(model, tmp_path / "m", hidden_dim=16))
    assert [target.column for target in head.targets] == ["edu"]
    assert scores(head, vectors) == pytest.approx(expected(model, vectors), abs=1e-6)


def test_several_outputs_are_several_columns(tmp_path):
    model, vectors = torch_head(outputs=3), random_vectors(30)
    head = load_external_head("edu", save_pretrained(model, tmp_path / "m"))
    assert [target.column for target in head.targets] == ["edu_0", "edu_1", "edu_2"]
    assert scores(head, vectors) == pytest.approx(expected(model, vectors), abs=1e-6)


@pytest.mark.parametrize("name", ["head.pt", "head.ckpt", "head.safetensors"])
def test_single_files_are_read(tmp_path, name):
    from safetensors.torch import save_file

    model, vectors = torch_head(), random_vectors(30)
    state = model.state_dict()
    if name.endswith("pt"):
        torch.save({"epoch": 3, "state_dict": state} if name == "head.ckpt" else state, tmp_path / name)
    else:
        save_file(state, tmp_path / name)
    head = load_external_head("edu", tmp_path / name)
    assert scores(head, vectors) == pytest.approx(expected(model, vectors), abs=1e-6)


def test_a_bare_linear_layer_in_half_precision_is_read(tmp_path):
    layer, vectors = torch.nn.Linear(WIDTH, 1).half(), random_vectors(5)
    torch.save(layer.state_dict(), tmp_path / "linear.pt")
    head = load_external_head("edu", tmp_path / "linear.pt")
    with torch.no_grad():
        truth = layer.float()(torch.from_numpy(vectors)).numpy()
    assert scores(head, vectors) == pytest.approx(truth, abs=1e-6)


class _Evil:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path):
    torch.save({"weight": _Evil(tmp_path / "ran")}, tmp_path / "evil.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(_Evil(tmp_path / "ran"), protocol=2))
    for name in ("evil.pt", "plain.pt"):
        with pytest.raises(HeadError, match="cannot be loaded as plain weights"):
            load_external_head("edu", tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state | {"head.scaling.scaling_constants": torch.ones(1)},
        lambda state: state | {"encoder.weight": torch.ones(3, 3)},
        lambda state: (
            {name: value for name, value in state.items() if "mlp.0" not in name} | {"x": torch.ones(1)}
        ),
        lambda state: state | {"head.mlp.2.weight": torch.ones(1, 7)},
        lambda state: state | {"head.mlp.2.bias": torch.ones(4)},
        lambda state: {},
    ],
)
def test_tensors_that_are_no_such_head_are_refused(tmp_path, change):
    torch.save(change(dict(torch_head().state_dict())), tmp_path / "head.pt")
    with pytest.raises(HeadError, match="not the tensors of a regression head"):
        load_external_head("edu", tmp_path / "head.pt")


def test_another_activation_is_refused(tmp_path):
    folder = save_pretrained(torch_head(), tmp_path / "m", activation="gelu")
    with pytest.raises(HeadError, match="its `activation` is 'gelu', not ReLU"):
        load_external_head("edu", folder)


def test_all_heads_together_say_what_each_says_alone(tmp_path):
    heads = [head_model("a"), head_model("b", hidden=(6,), seed=1), head_model("c", hidden=(3,), seed=2)]
    save_head(tmp_path / "a", heads[0])
    heads += load_heads({"a2": tmp_path / "a"}, {"edu": save_pretrained(torch_head(2), tmp_path / "m")})
    vectors = random_vectors(50)
    for head, together in zip(heads, FusedHeads(heads).outputs(vectors), strict=True):
        (alone,) = FusedHeads([head]).outputs(vectors)
        hidden = vectors @ head.layers[0].weight.T + head.layers[0].bias
        if len(head.layers) == 2:
            hidden = np.maximum(hidden, 0) @ head.layers[1].weight.T + head.layers[1].bias
        assert together == pytest.approx(alone, abs=1e-5)
        assert together == pytest.approx(hidden, abs=1e-4)


def test_embeddings_files_know_how_they_were_made(tmp_path):
    records = write_records(tmp_path / "a.jsonl", [{"text": "x"}])
    with EmbeddingFile(write_embeddings(tmp_path / "a.h5", records, random_vectors(1))) as file:
        head_model().check_fits(file.provenance, "a.h5")
