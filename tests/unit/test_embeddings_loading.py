"""Finding and loading a model; each way it can fail is an error that names the place."""

import os
import subprocess
import sys

import orjson
import pytest

from goldpan.embeddings.loading import load_model
from goldpan.embeddings.modules import read_modules
from goldpan.errors import EmbeddingError
from goldpan.models.folders import find_model
from goldpan.study.embedding import Embedding
from tests.tiny_models import POSITIONS, save_encoder, save_modules

pytest.importorskip("torch", reason="embeddings need the extra `models`")


def settings(model, **given) -> Embedding:
    return Embedding(source="notes", model=str(model), **given)


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    """A plain encoder, without modules.json; not to be changed."""
    return save_encoder(tmp_path_factory.mktemp("models") / "encoder")


def test_a_folder_that_does_not_say_how_it_is_pooled_needs_the_study_to(encoder_folder):
    with pytest.raises(EmbeddingError, match=r"no modules\.json") as caught:
        load_model(settings(encoder_folder))
    assert "pooling: mean" in str(caught.value)


def test_the_limit_is_the_smallest_of_the_folders(tmp_path):
    folder = save_modules(
        save_encoder(tmp_path / "m"), {"pooling_mode": "mean"}, normalize=True, max_length=17
    )
    assert load_model(settings(folder)).max_length == 17


def test_more_tokens_than_the_model_has_positions_for_are_refused(encoder_folder):
    with pytest.raises(EmbeddingError, match=f"positions for {POSITIONS} tokens"):
        load_model(settings(encoder_folder, pooling="mean", max_length=POSITIONS + 1))


def test_positions_of_the_roberta_family_begin_after_the_padding_token(tmp_path):
    folder = save_encoder(tmp_path / "m", "roberta")
    assert load_model(settings(folder, pooling="mean", max_length=POSITIONS)).max_length == POSITIONS
    with pytest.raises(EmbeddingError, match="positions"):
        load_model(settings(folder, pooling="mean", max_length=POSITIONS + 1))


def test_a_limit_without_room_for_text_is_refused(tmp_path):
    folder = save_modules(
        save_encoder(tmp_path / "m"), {"pooling_mode": "mean"}, normalize=True, max_length=2
    )
    with pytest.raises(EmbeddingError, match="special tokens"):
        load_model(settings(folder))


def test_a_device_that_is_not_there_is_an_error(encoder_folder):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EmbeddingError, match="no device `cuda`"):
        load_model(settings(encoder_folder, pooling="mean", device="cuda"))


def test_a_checkpoint_that_lacks_weights_is_an_error_not_random_vectors(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = save_encoder(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(EmbeddingError, match=r"lacks 1 .* encoder\.layer\.1\.output\.dense\.weight"):
        load_model(settings(folder, pooling="mean"))


def test_damaged_weights_are_an_error_with_the_folders_name(tmp_path):
    folder = save_encoder(tmp_path / "m")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])

    with pytest.raises(EmbeddingError, match="cannot be loaded") as caught:
        load_model(settings(folder, pooling="mean"))
    assert str(folder) in str(caught.value)


def test_a_damaged_tokenizer_is_an_error_with_the_folders_name(tmp_path):
    folder = save_encoder(tmp_path / "m")
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": {}}')

    with pytest.raises(EmbeddingError, match="tokenizer cannot be loaded") as caught:
        load_model(settings(folder, pooling="mean"))
    assert str(folder) in str(caught.value)


def test_code_in_a_models_folder_is_not_run_unless_the_study_says_so(tmp_path):
    folder = save_encoder(tmp_path / "m")
    config = orjson.loads((folder / "config.json").read_bytes())
    config |= {"model_type": "homemade", "auto_map": {"AutoModel": "m.M", "AutoConfig": "m.C"}}
    (folder / "config.json").write_bytes(orjson.dumps(config))
    (folder / "m.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")

    with pytest.raises(EmbeddingError, match="trust_remote_code"):
        load_model(settings(folder, pooling="mean"))
    assert not (tmp_path / "ran").exists()


def test_a_model_that_keeps_its_prompt_out_of_the_pooling_is_refused_with_a_prefix(tmp_path):
    folder = save_encoder(tmp_path / "m")
    save_modules(folder, {"pooling_mode": "mean", "include_prompt": False}, normalize=True)
    with pytest.raises(EmbeddingError, match="out of the pooling"):
        load_model(settings(folder, prefix="query: "))
    assert load_model(settings(folder)).prefix == ""


def test_modules_that_are_not_known_are_named(tmp_path):
    modules = [{"path": "", "type": "x.Transformer"}, {"path": "1", "type": "x.LSTM"}]
    (tmp_path / "modules.json").write_bytes(orjson.dumps(modules))
    with pytest.raises(EmbeddingError, match="Transformer, LSTM"):
        read_modules(tmp_path)


def test_a_package_is_found_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "carries_a_model"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "model" / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path)

    assert find_model("package:carries-a-model").folder == package / "model"


@pytest.mark.parametrize(
    "name", ["package:no_such_package", "package:json.tool", "./nowhere", "/nowhere/model"]
)
def test_a_model_that_is_not_there_is_named(name):
    with pytest.raises(EmbeddingError) as caught:
        find_model(name)
    assert caught.value.where == name


def test_a_package_without_a_model_says_so():
    with pytest.raises(EmbeddingError, match="carries 0 models"):
        find_model("package:email")


def test_the_hub_is_not_asked_offline():
    with pytest.raises(EmbeddingError, match="hub") as caught:
        find_model("nobody/no-such-model")
    assert "package:NAME" in str(caught.value)


def test_a_model_of_the_hub_that_was_downloaded_before_is_found_offline(tmp_path):
    snapshot = tmp_path / "hub" / "models--someone--tiny" / "snapshots" / ("ab" * 20)
    save_encoder(snapshot)
    refs = tmp_path / "hub" / "models--someone--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text("ab" * 20)

    program = "from goldpan.models.folders import find_model; print(find_model('someone/tiny'))"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert f"revision='{'ab' * 20}'" in found
    assert str(snapshot) in found


def test_a_revision_goes_with_the_hub_only(encoder_folder):
    with pytest.raises(EmbeddingError, match="revision"):
        find_model(str(encoder_folder), revision="main")


def test_the_hash_of_a_model_changes_with_its_weights_and_configuration_but_not_its_readme(tmp_path):
    folder = save_encoder(tmp_path / "m")
    before = find_model(str(folder)).sha256

    (folder / "README.md").write_text("something")
    assert find_model(str(folder)).sha256 == before

    save_modules(folder, {"pooling_mode": "mean"}, normalize=True)
    with_modules = find_model(str(folder)).sha256
    assert with_modules != before

    save_encoder(folder, seed=1)
    assert find_model(str(folder)).sha256 not in (before, with_modules)
