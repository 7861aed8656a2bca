"""Fine-tuning data where they are used: `datasets`, trl's checks, a real chat template, OpenAI's rules."""

import os

import orjson
import pytest

from goldpan.errors import StudyError
from goldpan.finetune.exports.openai_rules import file_faults, row_faults
from goldpan.finetune.exports.run import export_in_project
from tests.chat_tokenizers import save_chat_tokenizer
from tests.export_projects import answer_in, note_text, provenance, read_export
from tests.unit.test_exports import STAGE, built, made, notes

os.environ["HF_HUB_OFFLINE"] = "1"
FORMATS = {
    "openai_chat": {},
    "trl_conversational": {},
    "trl_tools": {"format": "trl_conversational", "answer": "tool"},
    "trl_prompt_completion": {},
    "sharegpt": {},
    "sharegpt_tools": {"format": "sharegpt", "answer": "tool"},
}
HOSTILE = {
    "n050": note_text("n050") + " \u2028\x00\x1b\u202e \\ud800 \U0001f600 \"}\n{'a': 1}",
    "n051": note_text("n051") + " long" * 4_000,
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from transformers import AutoTokenizer

    folder = save_chat_tokenizer(tmp_path_factory.mktemp("tokenizer"))
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def exports(tmp_path_factory, tokenizer):
    """Name of the format -> the project with its export."""
    folder = tmp_path_factory.mktemp("exports")
    found = {}
    for name, settings in FORMATS.items():
        whole = {"format": name, **settings, **STAGE, "tokenizer": tokenizer.name_or_path, "group": "id"}
        found[name] = made(folder / name, whole, notes(**HOSTILE))[3]
    return found


@pytest.fixture(params=FORMATS)
def name(request):
    return request.param


@pytest.fixture
def project(name, exports):
    return exports[name]


@pytest.fixture
def loaded(project, tmp_path):
    """The export as `datasets` loads it."""
    from datasets import load_dataset

    files = {
        split: str(project.artifact(f"finetune/made/{split}.jsonl")) for split in ("train", "valid", "test")
    }
    return load_dataset("json", data_files=files, cache_dir=str(tmp_path))


def test_datasets_loads_what_was_written(project, loaded):
    for split, rows in read_export(project, "made").items():
        assert list(loaded[split]) == rows, split
        assert len(rows) > 3


def test_trl_knows_what_they_are_and_the_chat_template_writes_them(name, project, loaded, tokenizer):
    from trl.data_utils import (
        is_conversational,
        is_conversational_from_value,
        maybe_apply_chat_template,
        maybe_convert_to_chatml,
    )

    known = provenance(project, "made")
    by_place = {(one["split"], one["row"]): one for one in known.values()}
    for number, row in enumerate(loaded["train"], 1):
        if name.startswith("sharegpt"):
            assert is_conversational_from_value(row)
            if name == "sharegpt":
                row = maybe_convert_to_chatml(row)
                # trl leaves the names of the roles as they are.
                assert [message["role"] for message in row["messages"]] == ["system", "human", "gpt"]
            continue
        assert is_conversational(row) == (name != "trl_prompt_completion")
        written = maybe_apply_chat_template(_for_templates(row), tokenizer, tools=row.get("tools"))
        tokens = by_place["train", number]["tokens"]
        if "completion" in written:
            assert answer_in(row)["topic"] in written["completion"]
            # What the model learns from is the answer alone, and all of it is counted.
            assert not written["completion"].startswith(written["prompt"])
            whole = written["prompt"] + written["completion"]
        else:
            whole = written["text"]
        extra = 1 if name == "trl_prompt_completion" else 0
        assert len(tokenizer(whole)["input_ids"]) + extra == tokens["total"]
        if name in ("trl_conversational", "trl_tools"):
            assert len(tokenizer(written["prompt"])["input_ids"]) == tokens["prompt"]
            assert written["completion"].endswith("<|im_end|>\n")


def _for_templates(row):
    """Chat templates take arguments as objects; OpenAI's files hold them as text."""
    if "messages" not in row:
        return row
    *before, last = row["messages"]
    function = last["tool_calls"][0]["function"]
    as_object = {**function, "arguments": orjson.loads(function["arguments"])}
    return {
        **row,
        "messages": [*before, {**last, "tool_calls": [{**last["tool_calls"][0], "function": as_object}]}],
    }


def test_what_a_tokenizer_reads_back_is_the_text_itself(project, loaded, tokenizer, name):
    if name != "trl_conversational":
        return
    for row in loaded["train"]:
        text = row["prompt"][-1]["content"]
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_each_row_of_a_chat_file_keeps_openais_rules(exports):
    for rows in read_export(exports["openai_chat"], "made").values():
        assert [row_faults(row) for row in rows] == [[]] * len(rows)


def test_special_tokens_are_those_of_the_tokenizer(tmp_path, tokenizer):
    texts = notes(n060=note_text("n060") + "<|endoftext|>", n061=note_text("n061") + " </s> [INST]")
    settings = {**STAGE, "tokenizer": tokenizer.name_or_path}
    _, _, known, project = made(tmp_path, settings, texts)
    listed = [
        row for row in project.rows("finetune/made/left_out.jsonl") if row["reason"] == "control_tokens"
    ]
    assert [(row["id"], row["why"]) for row in listed] == [("n060", "its texts hold <|endoftext|>")]
    assert "n061" in known, "for this model these are words like others"


def test_a_tokenizer_of_openai_an_own_one_without_a_template_and_one_that_is_not_there(tmp_path):
    counted = {}
    for tokenizer in ("o200k_base", "gpt-4.1-mini", None):
        keys = {} if tokenizer is None else {"tokenizer": tokenizer}
        card, _, _, _ = made(tmp_path / str(tokenizer), {**STAGE, **keys})
        counted[tokenizer] = (card["tokens"]["counted_by"], card["splits"]["train"]["tokens"]["total"])
    assert counted["o200k_base"] == counted["gpt-4.1-mini"]
    assert counted["o200k_base"][0].startswith("o200k_base, with 3 tokens for each message")
    assert "an estimate: no tokenizer is named" in counted[None][0]
    save_chat_tokenizer(tmp_path / "plain" / "base", template=None)
    card, rows, known, _ = made(tmp_path / "plain", {**STAGE, "tokenizer": "base"})
    assert card["tokens"]["counted_by"] == "base, without a chat template"
    one = known["n000"]
    row = rows[one["split"]][one["row"] - 1]
    texts = [*(message["content"] for message in row["prompt"]), row["completion"][0]["content"]]
    # A token for each byte, two line breaks after each message of the prompt, and the end.
    assert one["tokens"]["total"] == len("\n\n".join(texts).encode()) + 1
    with pytest.raises(Exception, match="there is no model here"):
        made(tmp_path / "none", {**STAGE, "tokenizer": "./nowhere"})


def test_a_chat_template_that_refuses_the_messages_is_told(tmp_path):
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('No system message') }}{% endif %}x"
    save_chat_tokenizer(tmp_path / "strict", template=strict)
    _, loaded = built(tmp_path, {**STAGE, "tokenizer": "strict"})
    with pytest.raises(StudyError, match="refuses the messages: No system message"):
        export_in_project(loaded, "made")


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
USER = {"role": "user", "content": "hello"}
GOOD = {"messages": [USER, {"role": "assistant", "content": "yes"}]}
CALLED = {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}], "tools": [TOOL]}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (GOOD, None),
        (CALLED, None),
        ({**CALLED, "parallel_tool_calls": False}, None),
        ({"messages": [{"role": "developer", "content": "be"}, *GOOD["messages"]]}, None),
        ({"messages": [USER, {"role": "assistant", "content": "a", "weight": 0}, *GOOD["messages"]]}, None),
        ({}, "`messages` is no list"),
        ({**GOOD, "id": 3}, "unknown keys: id"),
        ({"messages": [USER]}, "the last message is not the assistant's"),
        ({"messages": [{"role": "assistant", "content": "yes"}]}, "no message of the user"),
        ({"messages": [USER, {"role": "gpt", "content": "yes"}]}, "'gpt' is no role"),
        ({"messages": [USER, {"role": "assistant", "content": ""}]}, "it has no text"),
        ({"messages": [USER, {"role": "assistant", "content": {"a": 1}}]}, "no text"),
        ({"messages": [{**USER, "label": 1}, GOOD["messages"][1]]}, "message 0: unknown keys: label"),
        ({"messages": [USER, {"role": "assistant", "content": "a", "weight": 0}]}, "weight 0"),
        ({"messages": [USER, {"role": "assistant", "content": "a", "weight": 2}]}, "neither 0 nor 1"),
        ({**CALLED, "tools": []}, "list of 1 to 128 tools"),
        ({**CALLED, "tools": [TOOL, TOOL]}, "two functions are called `f`"),
        ({**CALLED, "tools": [{**TOOL, "function": {"name": "a b"}}]}, "no name of a function"),
        ({"messages": CALLED["messages"]}, "calls `f`, which is not among the tools"),
        ({**GOOD, "parallel_tool_calls": False}, "goes with `tools`"),
        (
            {**CALLED, "messages": [USER, {"role": "assistant", "tool_calls": [{**CALL, "id": ""}]}]},
            "a call is not",
        ),
        (
            {
                **CALLED,
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"a": 1}}}],
                    },
                ],
            },
            "no JSON object as text",
        ),
    ],
)
def test_rules_of_openai_for_a_row(row, fault):
    faults = row_faults(row)
    assert (not faults) if fault is None else any(fault in said for said in faults), faults


def test_rules_of_openai_for_a_file(tmp_path):
    assert file_faults("train.jsonl", 9, 100, is_train=True) == [
        "train.jsonl has 9 examples; OpenAI takes 10 at least"
    ]
    assert file_faults("valid.jsonl", 1, 100, is_train=False) == []
    assert "OpenAI takes 512,000,000 at most" in file_faults("t", 10, 512_000_001, is_train=True)[0]
    few = {id: text for id, text in notes().items() if id < "n010"}
    card, _, _, project = made(tmp_path, {**STAGE, "format": "openai_chat", "group": "id"}, few)
    rows = card["splits"]["train"]["rows"]
    assert f"OpenAI would refuse this: train.jsonl has {rows} examples" in " ".join(card["notes"])
    assert "OpenAI would refuse this" in project.artifact("finetune/made/card.md").read_text()
