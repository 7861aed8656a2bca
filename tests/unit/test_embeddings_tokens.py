"""Tokenising and packing."""

import itertools

import numpy as np
import pytest

from goldpan.embeddings.tokens import TextTokenizer
from goldpan.models.packing import pack
from tests.tiny_models import WORDS, random_texts, save_encoder

pytest.importorskip("transformers", reason="embeddings need the extra `models`")


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory):
    """A folder with a tokenizer of WORDS."""
    return save_encoder(tmp_path_factory.mktemp("models") / "m")


@pytest.fixture
def load(tokenizer_folder):
    """Loads a tokenizer, or one of several independent copies."""
    from transformers import AutoTokenizer

    return lambda: AutoTokenizer.from_pretrained(tokenizer_folder)


def test_each_text_has_the_ids_that_transformers_gives_it(load):
    texts = random_texts(700, longest=90)

    tokens = TextTokenizer(load(), 50, "truncate", "")(texts)

    expected = load()(texts, truncation=True, max_length=50)["input_ids"]
    assert [ids.tolist() for ids in tokens.ids] == expected
    assert tokens.owner.tolist() == list(range(700))


def test_a_text_is_flagged_only_when_tokens_are_lost(load):
    texts = [" ".join(WORDS[:count]) for count in (47, 48, 49, 150)] + [" " * 100_000 + "w1"]

    tokens = TextTokenizer(load(), 50, "truncate", "")(texts)

    assert tokens.truncated.tolist() == [False, False, True, True, False]


@pytest.mark.parametrize("spaces", [1, 50, 5_000])
def test_reading_only_the_head_of_a_long_text_gives_the_same_tokens(load, spaces):
    text = (" " * spaces).join(WORDS * 3)

    tokens = TextTokenizer(load(), 50, "truncate", "")([text])

    assert tokens.ids[0].tolist() == load()(text, truncation=True, max_length=50)["input_ids"]


def test_a_tokenizer_that_cuts_at_the_left_keeps_the_end(load):
    tokenizer = load()
    tokenizer.truncation_side = "left"

    tokens = TextTokenizer(tokenizer, 10, "truncate", "")([" ".join(WORDS * 50)])

    assert tokens.ids[0].tolist() == load()(" ".join(WORDS[-8:]))["input_ids"]


def test_chunks_hold_every_token_of_a_text_once_and_in_order(load):
    words = WORDS * 4

    tokens = TextTokenizer(load(), 30, "chunk", "")([" ".join(words), "w1"])

    first = [ids for ids, owner in zip(tokens.ids, tokens.owner, strict=True) if owner == 0]
    without_special = np.concatenate([ids[1:-1] for ids in first]).tolist()
    assert without_special == load()(" ".join(words), add_special_tokens=False)["input_ids"]
    assert all(len(ids) <= 30 for ids in tokens.ids)
    assert not tokens.truncated.any()


def padded(length: int, longest: int) -> int:
    return longest


def end_to_end(length: int, longest: int) -> int:
    return length


@pytest.mark.parametrize("cost", [padded, end_to_end])
def test_batches_hold_each_text_once_and_stay_within_the_budget(cost):
    lengths = np.array([5, 300, 7, 120, 7, 9, 64, 2] * 20)

    batches = pack(lengths, 256, cost)

    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for places in batches:
        longest = lengths[places].max()
        assert len(places) == 1 or sum(cost(length, longest) for length in lengths[places]) <= 256


@pytest.mark.parametrize("cost", [padded, end_to_end])
def test_a_batch_ends_only_where_the_next_text_would_not_fit(cost):
    lengths = np.random.default_rng(0).integers(3, 256, 500)

    batches = pack(lengths, 512, cost)

    for places, following in itertools.pairwise(batches):
        longest = lengths[places].max()
        one_more = [*lengths[places], lengths[following[0]]]
        assert sum(cost(length, longest) for length in one_more) > 512


def test_batches_are_padded_little():
    lengths = np.random.default_rng(0).integers(3, 256, 2048)

    size = sum(lengths[places].max() * len(places) for places in pack(lengths, 512, padded))

    assert size < 1.05 * lengths.sum()


def test_no_texts_make_no_batches():
    assert pack(np.array([], dtype=np.int64), 512, padded) == []
