"""Layouts of batches: in each, a text gets what it would get by itself."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from goldpan.embeddings.layouts import Padded, layout_for
from goldpan.models.packing import pack
from tests.tiny_models import POSITIONS, WORDS, tiny_model

torch = pytest.importorskip("torch", reason="embeddings need the extra `models`")

from goldpan.embeddings.layers.end_to_end import MODELS, EndToEnd  # noqa: E402

NEAR = 2e-5


def made_up_ids(lengths) -> list[np.ndarray]:
    draw = np.random.default_rng(3)
    return [draw.integers(4, 4 + len(WORDS), length).astype(np.int32) for length in lengths]


def trained(family, **settings):
    """A model none of whose weights is 0 or 1: new ones have no biases."""
    model = tiny_model(family, **settings)
    torch.manual_seed(1)
    for weights in model.parameters():
        weights.data += 0.3 * torch.randn_like(weights)
    return model


def layout_of(model, padding="right", layers="auto"):
    return layout_for(model, device="cpu", pad_id=0, padding=padding, layers=layers)


def assert_each_text_is_as_if_alone(layout, model, ids) -> None:
    with torch.inference_mode():
        hidden, lengths, first = layout(ids)
        for place, text in enumerate(ids):
            alone = model(input_ids=torch.from_numpy(text.astype(np.int64))[None]).last_hidden_state[0]
            given = hidden[place, first[place] : first[place] + lengths[place]]
            torch.testing.assert_close(given, alone, rtol=NEAR, atol=NEAR)


@pytest.mark.parametrize(
    "lengths",
    [
        range(1, POSITIONS + 1),
        range(POSITIONS, 0, -1),
        [20, 20, 20],
        [17, 17, 16, 16, 15, 15],
        [5, 5, 5, 5, 5, 5, 5],
        [40, 3],
        [3, 40],
        [7],
        [16],
        [1],
        [1, 1, 1],
    ],
    ids=str,
)
@pytest.mark.parametrize("family", MODELS)
def test_texts_end_to_end_do_not_see_each_other(family, lengths):
    model = trained(family)
    layout = layout_of(copy.deepcopy(model))

    assert isinstance(layout, EndToEnd)
    assert_each_text_is_as_if_alone(layout, model, made_up_ids(lengths))


@pytest.mark.parametrize("family", MODELS)
def test_hand_written_layers_give_what_transformers_own_give(family):
    model = trained(family)
    plain, own = layout_of(copy.deepcopy(model), layers="transformers"), layout_of(copy.deepcopy(model))
    ids = made_up_ids([1, 16, 17, 40, 40, POSITIONS])

    assert isinstance(plain, Padded) and isinstance(own, EndToEnd)
    with torch.inference_mode():
        expected, computed = plain(ids), own(ids)
    assert torch.equal(expected.lengths, computed.lengths)
    for length, of_model, of_layers in zip(expected.lengths, expected.hidden, computed.hidden, strict=True):
        torch.testing.assert_close(of_layers[:length], of_model[:length], rtol=NEAR, atol=NEAR)


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu", "silu"])
def test_each_activation_is_that_of_the_model(activation):
    model = trained("bert", hidden_act=activation)

    assert_each_text_is_as_if_alone(layout_of(copy.deepcopy(model)), model, made_up_ids([9, 30]))


def test_a_batch_leaves_nothing_behind_for_the_next():
    model = trained("bert")
    layout = layout_of(copy.deepcopy(model))

    for lengths in ([5, 6], [60, 60, 60], [5, 6], [1], [60, 3]):
        assert_each_text_is_as_if_alone(layout, model, made_up_ids(lengths))


def test_what_one_batch_gave_is_not_overwritten_by_the_next():
    layout = layout_of(trained("bert"))

    first = layout(made_up_ids([40])).hidden
    kept = first.clone()
    layout([ids + 1 for ids in made_up_ids([40])])

    assert torch.equal(first, kept)


def test_threads_share_a_layout():
    layout = layout_of(trained("bert"))
    batches = [made_up_ids(range(1 + number, 30 + number)) for number in range(16)]
    alone = [layout(ids).hidden for ids in batches]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda ids: layout(ids).hidden, batches * 4))

    assert all(map(torch.equal, together, alone * 4))


def test_a_model_laid_end_to_end_still_works_by_itself():
    model = trained("bert")
    ids = torch.arange(4, 40)[None]
    before = model(input_ids=ids).last_hidden_state

    layout_of(model)

    assert torch.equal(model(input_ids=ids).last_hidden_state, before)


def test_a_bert_of_its_own_code_is_padded():
    class LikeBert(type(tiny_model("bert"))):
        """Says that it is a BERT, as encoders with other positions do."""

    model = LikeBert(tiny_model("bert").config).eval()

    assert model.config.model_type == "bert"
    assert isinstance(layout_of(model), Padded)


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("family", ["albert", "distilbert", "llama"])
def test_padded_texts_do_not_see_each_other(family, padding):
    model = tiny_model(family)
    layout = layout_of(copy.deepcopy(model), padding)

    assert isinstance(layout, Padded)
    assert_each_text_is_as_if_alone(layout, model, made_up_ids([1, 30, 12, 12]))


def test_on_a_gpu_the_budget_counts_texts_padded_to_a_multiple_of_eight():
    layout = layout_for(tiny_model("bert"), device="cuda", pad_id=0, padding="right")

    assert isinstance(layout, Padded)
    for places in pack(np.full(40, 9), 64, layout.cost):
        assert len(places) == 4


def test_a_bert_that_only_looks_back_is_padded():
    assert isinstance(layout_of(tiny_model("bert", is_decoder=True)), Padded)


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_text_that_gives_nan_leaves_its_neighbours_alone(family, bad):
    model = tiny_model(family)
    model.embeddings.word_embeddings.weight.data[50] = bad
    ids = [np.array(text, dtype=np.int32) for text in ([5, 6, 7], [5, 50, 7], [8, 9, 10, 11], [12] * 17)]

    with torch.inference_mode():
        hidden, lengths, _ = layout_of(model)(ids)

    finite = [bool(row[:length].isfinite().all()) for row, length in zip(hidden, lengths, strict=True)]
    assert finite == [True, False, True, True]


def test_half_precision_lies_end_to_end_too():
    model = tiny_model("bert").to(torch.bfloat16)
    layout = layout_of(copy.deepcopy(model))
    ids = made_up_ids([20, 33])

    with torch.inference_mode():
        hidden, *_ = layout(ids)
        alone = model(input_ids=torch.from_numpy(ids[0].astype(np.int64))[None]).last_hidden_state[0]

    assert hidden.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(hidden[0, :20].float(), alone.float(), dim=-1).min() > 0.999
