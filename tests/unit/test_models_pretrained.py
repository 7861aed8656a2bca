"""What is said of a folder whose model cannot be loaded: which file, and what is wrong with it."""

import orjson
import pytest

from goldpan.embeddings.loading import load_model
from goldpan.errors import EmbeddingError
from goldpan.models.pretrained import load_causal_weights
from goldpan.providers.own_model.causal_model import CausalModel
from goldpan.study.embedding import Embedding
from tests.tiny_llm import make_tiny_llm
from tests.tiny_models import save_encoder

pytest.importorskip("torch", reason="models need the extra `models`")


@pytest.fixture
def folder(tmp_path):
    return make_tiny_llm(tmp_path / "model", hidden=32)


def refusal(load) -> EmbeddingError:
    """The error of what cannot be loaded."""
    with pytest.raises(EmbeddingError) as failed:
        load()
    return failed.value


def load_llm(folder):
    return load_causal_weights(folder, "auto", trust_remote_code=False)


def load_encoder(folder):
    return load_model(Embedding(source="notes", model=str(folder), pooling="mean"))


def cut_short(file, size):
    file.write_bytes(file.read_bytes()[:size])
    return file


def change_config(folder, **keys):
    config = orjson.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_bytes(orjson.dumps(config | keys))


def is_said_to_be_cut_short(error, file) -> bool:
    return (
        error.where == str(file)
        and "cut short or damaged" in error.what
        and "copy the file again" in error.remedy
        and "trust_remote_code" not in str(error)
    )


@pytest.mark.parametrize("size", [0, 5, 300, 20_000])
def test_weights_that_are_cut_short_are_named(folder, size):
    file = cut_short(folder / "model.safetensors", size)
    assert is_said_to_be_cut_short(refusal(lambda: load_llm(folder)), file)


def test_of_several_files_the_damaged_one_is_named(folder):
    load_llm(folder).save_pretrained(folder, max_shard_size="40KB")
    (folder / "model.safetensors").unlink()
    files = sorted(folder.glob("model-*.safetensors"))
    assert len(files) > 2
    cut_short(files[1], files[1].stat().st_size - 1)
    assert is_said_to_be_cut_short(refusal(lambda: load_llm(folder)), files[1])


def test_weights_of_an_encoder_that_are_cut_short_are_named(tmp_path):
    folder = save_encoder(tmp_path / "m")
    file = cut_short(folder / "model.safetensors", 5_000)
    assert is_said_to_be_cut_short(refusal(lambda: load_encoder(folder)), file)


def test_an_adapter_that_is_cut_short_is_named(folder, tmp_path):
    peft = pytest.importorskip("peft")
    adapter = tmp_path / "adapter"
    peft.get_peft_model(load_llm(folder), peft.LoraConfig(target_modules=["q_proj"], r=2)).save_pretrained(
        adapter
    )
    file = cut_short(adapter / "adapter_model.safetensors", 900)
    error = refusal(lambda: CausalModel(folder, adapter=adapter, device="cpu"))
    assert is_said_to_be_cut_short(error, file) and "the adapter cannot be loaded" in error.what


def test_a_folder_without_damaged_weights_is_told_as_before(folder):
    change_config(folder, model_type="homemade")
    error = refusal(lambda: load_llm(folder))
    assert error.where == str(folder) and "trust_remote_code" in error.remedy


def test_a_config_that_does_not_fit_the_weights_is_said_with_a_tensor(folder):
    change_config(folder, hidden_size=64)
    error = refusal(lambda: load_llm(folder))
    assert error.where == str(folder)
    assert "its weights have other shapes than config.json says: " in error.what
    assert "32] by the weights, " in error.what and "64] by config.json" in error.what
    assert "config.json and the weights of the same model" in error.remedy
    assert "ignore_mismatched_sizes" not in str(error) and "trust_remote_code" not in str(error)


def test_a_config_of_an_encoder_that_does_not_fit_is_said_with_a_tensor(tmp_path):
    folder = save_encoder(tmp_path / "m")
    intermediate = orjson.loads((folder / "config.json").read_bytes())["intermediate_size"]
    change_config(folder, intermediate_size=2 * intermediate)
    error = refusal(lambda: load_encoder(folder))
    assert f"[{intermediate}] by the weights, [{2 * intermediate}] by config.json" in error.what


def test_a_config_that_does_not_name_its_class_does_without_the_tensor(folder):
    change_config(folder, hidden_size=64, architectures=["NotHere"])
    assert refusal(lambda: load_llm(folder)).what.endswith(
        "its weights have other shapes than config.json says"
    )
