"""Answers of an own model: as the model alone would give them, held to schemas, limits and seeds."""

import random

import jsonschema
import orjson
import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

from goldpan.errors import EmbeddingError, ProviderError
from goldpan.models.fingerprint import weights_fingerprint
from goldpan.providers.engine.answerers import Request
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.own_model import answerer as answerers
from goldpan.providers.own_model.causal_model import CausalModel
from goldpan.providers.own_model.decoding import Decoder, common_length
from tests.own_models import answered, answerer, said
from tests.tiny_llm import CONTEXT, make_tiny_llm

LABELS = ["yes", "no", "it cannot be said", "é\u2028 \U0001f600"]
SCHEMA = {
    "type": "object",
    "properties": {
        "why": {"type": "string"},
        "label": {"type": ["string", "null"], "enum": [*LABELS, None]},
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "is_named": {"type": ["boolean", "null"]},
        "mentions": {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "kind": {"type": "string", "enum": ["a", "b"]}},
                "required": ["name", "kind"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["why", "label", "score", "share", "is_named", "mentions"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_tiny_llm(tmp_path_factory.mktemp("model"), hidden=32)


def requests_of(texts, **body):
    return [
        Request({"model": "own", "messages": [{"role": "user", "content": text}], **body}, f"row-{number}")
        for number, text in enumerate(texts)
    ]


def schema_format(schema):
    return {"type": "json_schema", "json_schema": {"name": "annotate", "schema": schema}}


def texts_of(count, seed=0):
    draw = random.Random(seed)
    return ["Read this: " + "data " * draw.randint(0, 40) + str(number) for number in range(count)]


# as the model alone would answer


def family(name, folder):
    """A tiny model of a family, some with layers that look back six tokens only."""
    make_tiny_llm(folder, hidden=32)
    size = len(AutoTokenizer.from_pretrained(folder))
    shape = {
        "vocab_size": size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 512,
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    settings = {
        "Mistral": {"sliding_window": 6},
        "Qwen2": {"sliding_window": 6, "use_sliding_window": True, "max_window_layers": 1},
        "Qwen3": {},
        "Gemma2": {"sliding_window": 6, "query_pre_attn_scalar": 8},
        "Gemma3Text": {"sliding_window": 6, "query_pre_attn_scalar": 8},
        "GPTNeoX": {},
        "Mixtral": {"num_local_experts": 4},
    }[name]
    config_class = getattr(transformers, f"{name}Config")
    maker = "Gemma3" if name == "Gemma3Text" else name
    torch.manual_seed(1)
    causal = getattr(transformers, f"{maker}ForCausalLM")(config_class(**shape, **settings))
    causal.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["Mistral", "Qwen2", "Qwen3", "Gemma2", "Gemma3Text", "GPTNeoX", "Mixtral"])
def test_a_batch_answers_as_the_model_does_alone(name, tmp_path):
    folder = family(name, tmp_path)
    requests = requests_of(texts_of(4), max_tokens=12)
    together = answered(folder, requests)
    causal = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, experts_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for request in requests:
        ids = tokenizer.apply_chat_template(
            request.body["messages"], add_generation_prompt=True, return_tensors="pt"
        )
        new = causal.generate(**ids, max_new_tokens=12, do_sample=False, eos_token_id=2, pad_token_id=0)
        text = tokenizer.decode(new[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert said(together[request.custom_id]) == text.strip()


def test_a_model_whose_memory_is_of_another_kind_is_refused(tmp_path):
    make_tiny_llm(tmp_path)
    config = transformers.MambaConfig(vocab_size=500, hidden_size=32, num_hidden_layers=1, state_size=4)
    transformers.MambaForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(ProviderError, match="cannot compute the model in batches") as caught:
        answerer(tmp_path).load()
    assert "vLLM" in str(caught.value)


def test_an_adapter_answers_as_its_merged_model(model, tmp_path):
    peft = pytest.importorskip("peft")
    torch.manual_seed(3)
    causal = AutoModelForCausalLM.from_pretrained(model)
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    tuned = peft.get_peft_model(causal, config)
    tuned.save_pretrained(tmp_path / "adapter")
    merged = tmp_path / "merged"
    tuned.merge_and_unload().save_pretrained(merged)
    AutoTokenizer.from_pretrained(model).save_pretrained(merged)
    requests = requests_of(texts_of(3), max_tokens=20)
    with_adapter = answered(model, requests, adapter=tmp_path / "adapter", compute_dtype="float32")
    of_merged = answered(merged, requests, compute_dtype="float32")
    of_base = answered(model, requests, compute_dtype="float32")
    texts = [
        [said(one[request.custom_id]) for request in requests] for one in (with_adapter, of_merged, of_base)
    ]
    assert texts[0] == texts[1] != texts[2]
    prints = {
        weights_fingerprint(model),
        weights_fingerprint(model, tmp_path / "adapter"),
        weights_fingerprint(merged),
    }
    assert len(prints) == 3


def test_a_fingerprint_changes_with_any_file_that_shapes_answers(tmp_path):
    make_tiny_llm(tmp_path)
    before = weights_fingerprint(tmp_path)
    assert weights_fingerprint(tmp_path) == before
    template = tmp_path / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    assert weights_fingerprint(tmp_path) != before
    with pytest.raises(EmbeddingError, match=r"no adapter_config\.json"):
        weights_fingerprint(tmp_path, tmp_path)


# held to schemas


@pytest.mark.parametrize("temperature", [0, 1.5])
@pytest.mark.parametrize("limit", [60, 110, 600])
def test_answers_fit_their_schema_at_any_limit(model, limit, temperature):
    requests = requests_of(
        texts_of(12, limit), max_tokens=limit, temperature=temperature, response_format=schema_format(SCHEMA)
    )
    for reply in answered(model, requests).values():
        jsonschema.validate(orjson.loads(said(reply)), SCHEMA)
        assert reply["choices"][0]["finish_reason"] == "stop"
        assert reply["usage"]["completion_tokens"] <= limit


def test_a_limit_below_the_shortest_answer_ends_it_with_length(model):
    requests = requests_of(["x"], max_tokens=9, response_format=schema_format(SCHEMA))
    (reply,) = answered(model, requests).values()
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"]["completion_tokens"] == 9


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 2, "maxItems": 9},
        {"type": "array", "items": {"type": "integer", "minimum": 17}, "minItems": 3},
        {"type": "string", "minLength": 7},
        {"type": "string", "pattern": "^[a-z]{3}-[0-9]+$"},
        {"anyOf": [{"type": "null"}, {"type": "array", "items": {"enum": ["a", "ab", "abc"]}}]},
        {"type": "object", "additionalProperties": {"type": ["string", "boolean"]}},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "number"}, "c": {"type": "integer"}},
            "additionalProperties": False,
        },
        {"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"},
    ],
    ids=orjson.dumps,
)
def test_schemas_of_others_are_held_too(model, schema):
    for temperature in (0, 1.9):
        requests = requests_of(
            texts_of(6), max_tokens=60, temperature=temperature, response_format=schema_format(schema)
        )
        for reply in answered(model, requests).values():
            jsonschema.validate(orjson.loads(said(reply)), schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"type": "string", "pattern": "(?=a)b"},
        {"type": "string", "enum": []},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"$ref": "#/nowhere"},
        {"type": "nonsense"},
        {"not": {"type": "string"}},
    ],
    ids=orjson.dumps,
)
def test_a_schema_that_cannot_be_held_fails_its_request_alone(model, schema):
    bad, good = requests_of(["x", "y"], max_tokens=30)
    bad.body["response_format"] = schema_format(schema)
    replies = answered(model, [bad, good._replace(custom_id="good")])
    assert isinstance(replies["row-0"], ServiceError)
    assert replies["row-0"].status == 400
    assert "cannot be held to this JSON schema: " in str(replies["row-0"])
    assert replies["good"]["choices"]


def test_json_without_a_schema_is_an_object(model):
    requests = requests_of(texts_of(3), max_tokens=40, response_format={"type": "json_object"})
    for reply in answered(model, requests).values():
        assert isinstance(orjson.loads(said(reply)), dict)


# limits, seeds, ends


def test_what_does_not_fit_the_context_fails_alone_and_long_texts_are_read_in_parts(model):
    requests = requests_of(["short", "data " * 20_000, "data " * 1500], max_tokens=5)
    replies = answered(model, requests)
    assert replies["row-1"].code == "context_length_exceeded"
    assert str(CONTEXT) in str(replies["row-1"])
    assert replies["row-0"]["usage"]["completion_tokens"] <= 5
    assert replies["row-2"]["usage"]["prompt_tokens"] > 1500
    alone = answered(model, requests[2:])
    assert said(replies["row-2"]) == said(alone["row-2"])


def test_drawn_answers_depend_on_their_request_alone(model):
    requests = requests_of(texts_of(9), max_tokens=15, temperature=1.0, top_p=0.9, seed=7)
    alone = answered(model, requests, batch_tokens=1)
    shuffled = requests[:]
    random.Random(1).shuffle(shuffled)
    together = answered(model, shuffled)
    texts = {name: said(reply) for name, reply in together.items()}
    assert texts == {name: said(reply) for name, reply in alone.items()}
    other_seed = [request._replace(body={**request.body, "seed": 8}) for request in requests]
    changed = answered(model, other_seed)
    assert {name: said(reply) for name, reply in changed.items()} != texts


def test_an_answer_ends_before_its_stop(model):
    (request,) = requests_of(["x"], max_tokens=30)
    (reply,) = answered(model, [request]).values()
    stop = said(reply)[4:7]
    stopped = request._replace(body={**request.body, "stop": [stop, "never"]})
    (shorter,) = answered(model, [stopped]).values()
    assert said(shorter) == said(reply)[: said(reply).index(stop)].strip()
    assert shorter["choices"][0]["finish_reason"] == "stop"


def test_tokens_are_counted_and_the_shared_beginning_is_told(model):
    requests = requests_of(texts_of(3), max_tokens=7)
    tokenizer = AutoTokenizer.from_pretrained(model)
    for request in requests:
        reply = answered(model, requests)[request.custom_id]
        ids = tokenizer.apply_chat_template(
            request.body["messages"], add_generation_prompt=True, return_dict=False
        )
        usage = reply["usage"]
        assert usage["prompt_tokens"] == len(ids)
        assert usage["total_tokens"] == len(ids) + usage["completion_tokens"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == len("<|im_start|>") * 0 + _shared(
            tokenizer, requests
        )


def _shared(tokenizer, requests):
    prompts = [
        tokenizer.apply_chat_template(request.body["messages"], add_generation_prompt=True, return_dict=False)
        for request in requests
    ]
    length = common_length(prompts)
    return length if length >= 16 else 0


def test_when_memory_runs_out_batches_are_halved_and_the_answers_are_the_same(model, monkeypatch):
    requests = requests_of(texts_of(8), max_tokens=6)
    wanted = {name: said(reply) for name, reply in answered(model, requests).items()}
    decode = Decoder.decode

    def small_memory(self, batch, prefix):
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(self, batch, prefix)

    monkeypatch.setattr(Decoder, "decode", small_memory)
    told = []
    halved = answered(model, requests, say=told.append)
    assert {name: said(reply) for name, reply in halved.items()} == wanted
    assert "memory ran out with 8 requests at once" in told[0]
    monkeypatch.setattr(Decoder, "decode", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA")))
    with pytest.raises(ProviderError, match="does not suffice for one request"):
        answered(model, requests)


def test_a_model_that_is_not_there_or_broken_is_said(tmp_path):
    with pytest.raises(EmbeddingError, match="no model here"):
        answered(tmp_path, requests_of(["x"]))
    make_tiny_llm(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"{}")
    with pytest.raises(EmbeddingError, match="the model cannot be loaded"):
        answered(tmp_path, requests_of(["x"]))
    with pytest.raises(ProviderError, match="no type to compute with"):
        CausalModel(tmp_path, compute_dtype="int8")


def test_a_shard_that_is_larger_than_what_is_taken_at_once(model, monkeypatch):
    monkeypatch.setattr(answerers, "_TAKEN_AT_ONCE", 3)
    requests = requests_of(texts_of(7), max_tokens=3)
    assert answered(model, requests).keys() == {request.custom_id for request in requests}
