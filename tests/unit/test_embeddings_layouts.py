"""Layouts of batches and the faster parts that a model gets on a CPU: they give what the model gave."""

import copy

import numpy as np
import pytest

from goldpan.embeddings.layouts import Padded, layout_for
from tests.tiny_models import POSITIONS, WORDS, tiny_model

torch = pytest.importorskip("torch", reason="embeddings need the extra `models`")

from goldpan.embeddings import packed_layers  # noqa: E402
from goldpan.embeddings.end_to_end import EndToEnd  # noqa: E402
from goldpan.embeddings.packed_layers import PackedLinear, pack_linear_layers  # noqa: E402

NEAR = 2e-5


def made_up_ids(lengths) -> list[np.ndarray]:
    draw = np.random.default_rng(3)
    return [draw.integers(4, 4 + len(WORDS), length).astype(np.int32) for length in lengths]


def layout_of(model, padding="right"):
    return layout_for(model, device="cpu", pad_id=0, padding=padding)


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
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_texts_end_to_end_do_not_see_each_other(family, lengths):
    model = tiny_model(family)
    layout = layout_of(copy.deepcopy(model))

    assert isinstance(layout, EndToEnd)
    assert_each_text_is_as_if_alone(layout, model, made_up_ids(lengths))


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("family", ["albert", "distilbert", "llama"])
def test_padded_texts_do_not_see_each_other(family, padding):
    model = tiny_model(family)
    layout = layout_of(copy.deepcopy(model), padding)

    assert isinstance(layout, Padded)
    assert_each_text_is_as_if_alone(layout, model, made_up_ids([1, 30, 12, 12]))


def test_a_bert_that_only_looks_back_is_padded():
    assert isinstance(layout_of(tiny_model("bert", is_decoder=True)), Padded)


def test_half_precision_lies_end_to_end_too():
    model = tiny_model("bert").to(torch.bfloat16)
    layout = layout_of(copy.deepcopy(model))
    ids = made_up_ids([20, 33])

    with torch.inference_mode():
        hidden, *_ = layout(ids)
        alone = model(input_ids=torch.from_numpy(ids[0].astype(np.int64))[None]).last_hidden_state[0]

    assert hidden.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(hidden[0, :20].float(), alone.float(), dim=-1).min() > 0.999
    assert not any(isinstance(part, PackedLinear) for part in model.modules())


def packed_names(model) -> set[str]:
    return {name.rsplit(".", 1)[-1] for name, part in model.named_modules() if isinstance(part, PackedLinear)}


@pytest.mark.parametrize(
    ("family", "before_gelu"), [("bert", "dense"), ("distilbert", "lin1"), ("albert", "ffn")]
)
def test_the_exact_gelu_of_a_family_is_computed_with_its_layer(family, before_gelu):
    model = tiny_model(family)

    pack_linear_layers(model)

    fused = [name for name, part in model.named_modules() if getattr(part, "_activation", None) == "gelu"]
    assert fused and {name.rsplit(".", 1)[-1] for name in fused} == {before_gelu}


@pytest.mark.parametrize("activation", ["gelu_new", "relu", "silu", "gelu_pytorch_tanh"])
def test_another_activation_stays_as_it_is(activation):
    model = tiny_model("bert", hidden_act=activation)
    layout = layout_of(copy.deepcopy(model))

    assert_each_text_is_as_if_alone(layout, model, made_up_ids([30, 12]))


@pytest.mark.parametrize("tokens", [1, 7, 512, 3000])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_gives_what_the_layer_gave(bias, tokens):
    layer = torch.nn.Linear(48, 80, bias=bias)
    packed = PackedLinear(layer)
    values = torch.randn(2, 48, tokens).transpose(1, 2)

    with torch.inference_mode():
        torch.testing.assert_close(packed(values), layer(values))
        torch.testing.assert_close(packed.weight, layer.weight)


def test_where_pytorch_has_no_such_operators_layers_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(packed_layers, "_OPERATORS", ("no_such_operator",))
    model = tiny_model("bert")
    layout = layout_of(copy.deepcopy(model))

    assert not packed_names(layout._model)
    assert_each_text_is_as_if_alone(layout, model, made_up_ids([30, 12]))


def test_a_layer_of_another_class_stays_as_it_is():
    class Scaled(torch.nn.Linear):
        def forward(self, values):
            return 2 * super().forward(values)

    model = torch.nn.Sequential(Scaled(8, 8), torch.nn.Linear(8, 8))

    pack_linear_layers(model)

    assert [type(part) for part in model] == [Scaled, PackedLinear]
