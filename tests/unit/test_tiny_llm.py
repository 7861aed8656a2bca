"""The tiny model that tests train and ask: it reads any text and renders tool calls."""

import pytest

from goldpan.files import sha256_file
from tests.tiny_llm import make_tiny_llm


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_llm(tmp_path_factory.mktemp("tiny") / "model")


def test_the_same_seed_makes_the_same_model_and_another_does_not(folder, tmp_path):
    again, other = make_tiny_llm(tmp_path / "again"), make_tiny_llm(tmp_path / "other", seed=1)
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
    assert all(sha256_file(folder / name) == sha256_file(again / name) for name in names)
    assert sha256_file(folder / "model.safetensors") != sha256_file(other / "model.safetensors")


def test_any_text_decodes_to_itself_and_a_call_renders(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text in (
        '{"a": [1, "é", "漢字", "\u2028", "😀"]}',
        "  spaces \n\n\t and <|im_end|> marks",
        "\x00\x7f",
    ):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    calls = [{"type": "function", "function": {"name": "annotate", "arguments": '{"label": "yes"}'}}]
    tool = {"type": "function", "function": {"name": "annotate", "parameters": {"type": "object"}}}
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U"},
        {"role": "assistant", "content": None, "tool_calls": calls},
    ]
    whole = tokenizer.apply_chat_template(messages, tools=[tool], tokenize=False)
    prompt = tokenizer.apply_chat_template(
        messages[:2], tools=[tool], tokenize=False, add_generation_prompt=True
    )
    assert whole.startswith(prompt)
    assert whole[len(prompt) :] == (
        '<tool_call>\n{"name": "annotate", "arguments": {"label": "yes"}}\n</tool_call><|im_end|>\n'
    )
    model = AutoModelForCausalLM.from_pretrained(folder)
    asked = tokenizer(prompt, return_tensors="pt")
    assert model.generate(**asked, max_new_tokens=4).shape[1] == asked["input_ids"].shape[1] + 4
