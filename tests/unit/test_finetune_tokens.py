"""Rows as tokens: only the answer is learned, in every format; a template that would mislead is refused."""

import json

import pytest

from goldpan.errors import FineTuneError
from goldpan.finetune.rows import read_training_rows
from goldpan.finetune.steps import plan_steps, token_batches
from goldpan.finetune.tokens import NOT_LEARNED, RowTokenizer
from tests.finetune_builders import TOOL, write_rows
from tests.tiny_llm import CHAT_TEMPLATE, make_tiny_llm

pytest.importorskip("trl", reason="fine-tuning needs the extra `finetune`")

ASKED = [{"role": "system", "content": "Label it."}, {"role": "user", "content": "Ünïcode \u2028 <b> 😀"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "annotate", "arguments": '{"label": "yes"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
EXAMPLE = [{"role": "user", "content": "first"}, {"role": "assistant", "content": "no"}]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(make_tiny_llm(tmp_path_factory.mktemp("tiny") / "model"))


def with_template(tokenizer, template):
    import copy

    other = copy.deepcopy(tokenizer)
    other.chat_template = template
    return other


def tokenized(tokenizer, tmp_path, row):
    (read,) = read_training_rows(write_rows(tmp_path / "train.jsonl", [row]), "train.jsonl")
    return RowTokenizer(tokenizer)(read)


def learned(tokenizer, row):
    """What the loss is over, as text; the labels of all before it say that it is not learned."""
    first = next(place for place, label in enumerate(row.labels) if label != NOT_LEARNED)
    assert row.labels[first:] == row.ids[first:] and {*row.labels[:first]} <= {NOT_LEARNED}
    return tokenizer.decode(row.labels[first:])


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"messages": [*ASKED, {"role": "assistant", "content": "yes"}]}, "yes<|im_end|>"),
        ({"messages": [*EXAMPLE, *ASKED[1:], {"role": "assistant", "content": "yes"}]}, "yes<|im_end|>"),
        (
            {"prompt": ASKED, "completion": [{"role": "assistant", "content": '{"a": "é"}'}]},
            '{"a": "é"}<|im_end|>',
        ),
        (
            {"messages": [*ASKED, CALLED], "tools": [TOOL], "parallel_tool_calls": False},
            '<tool_call>\n{"name": "annotate", "arguments": {"label": "yes"}}\n</tool_call><|im_end|>',
        ),
        (
            {"prompt": ASKED, "completion": [CALLED], "tools": json.dumps([TOOL])},
            '<tool_call>\n{"name": "annotate", "arguments": {"label": "yes"}}\n</tool_call><|im_end|>',
        ),
        ({"prompt": "Is it good?\n", "completion": " yes"}, " yes<|im_end|>"),
        ({"prompt": "", "completion": "no prompt"}, "no prompt<|im_end|>"),
    ],
    ids=["messages", "with an example", "conversational", "tool call", "tools as text", "text", "no prompt"],
)
def test_the_answer_and_its_end_are_learned_and_nothing_else(tokenizer, tmp_path, row, answer):
    made = tokenized(tokenizer, tmp_path, row)
    assert learned(tokenizer, made) == answer
    if "tools" in row:
        assert "<tools>" in tokenizer.decode(made.ids[: made.prompt_length])


def test_batches_that_the_model_gets_have_the_labels_of_answers_only(tokenizer, tmp_path):
    from goldpan.finetune.token_budget import TokenBudget

    rows = [
        tokenized(tokenizer, tmp_path, {"prompt": "ask " * count, "completion": "yes " * (4 - count)})
        for count in (1, 2, 3)
    ]
    (batch,) = TokenBudget(1000, tokenizer.pad_token_id).batches(rows)
    for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
        row = next(row for row in rows if ids.tolist()[: len(row.ids)] == row.ids)
        expected = [place >= row.prompt_length for place in range(len(row.ids))]
        padding = [False] * (len(labels) - len(row.ids))
        assert (labels != NOT_LEARNED).tolist() == expected + padding
        assert mask.tolist() == [1] * len(row.ids) + [0] * len(padding)


def test_a_prompt_has_the_tokens_it_will_be_asked_with(tokenizer, tmp_path):
    """Where a token would reach from the prompt into the answer, the two are tokenised apart."""
    made = tokenized(tokenizer, tmp_path, {"prompt": "The da", "completion": "taset of data"})
    assert made.ids[: made.prompt_length] == tokenizer("The da")["input_ids"]
    assert tokenizer.decode(made.ids) == "The dataset of data<|im_end|>"


LEAVES_OPEN = CHAT_TEMPLATE.replace(
    "{{- '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}", "{%- endif %}{%- endfor %}"
)


def test_an_end_is_added_where_the_template_has_none(tokenizer, tmp_path):
    assert LEAVES_OPEN != CHAT_TEMPLATE
    row = {"messages": [*ASKED, {"role": "assistant", "content": "yes"}]}
    assert (
        learned(tokenizer, tokenized(with_template(tokenizer, LEAVES_OPEN), tmp_path, row)) == "yes<|im_end|>"
    )


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (None, "no chat template"),
        # Renders a question otherwise once it was answered, as templates do that drop earlier thoughts.
        (
            CHAT_TEMPLATE.replace(
                "message.content + '<|im_end|>", "message.content + (loop.last|string) + '<|im_end|>"
            ),
            "what would be learned is not what is asked later",
        ),
        (CHAT_TEMPLATE + "{{ raise_exception('no system turns') }}", "no system turns"),
        (
            CHAT_TEMPLATE + "{{ messages.__class__.__mro__[1].__subclasses__() }}",
            "does not take these messages",
        ),
        ("{%- if add_generation_prompt %}{%- endif %}", "leaves the answer out"),
    ],
    ids=["none", "no prefix", "raises", "breaks out", "empty"],
)
def test_a_template_that_would_mislead_is_refused(tokenizer, tmp_path, template, said):
    row = {"messages": [*ASKED, {"role": "assistant", "content": "yes"}]}
    with pytest.raises(FineTuneError, match=said) as error:
        tokenized(with_template(tokenizer, template), tmp_path, row)
    assert "train.jsonl, line 1" in str(error.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": ASKED}, "the last message is of `user`"),
        ({"messages": []}, "not empty"),
        ({"messages": "yes"}, "list of objects"),
        ({"messages": [{"content": "x"}]}, "no `role`"),
        ({"messages": [*ASKED, {"role": "assistant", "content": ""}]}, "the answer is empty"),
        ({"messages": [*ASKED, {**CALLED, "tool_calls": [{"function": {}}]}]}, "no function with a name"),
        (
            {"messages": [*ASKED, {**CALLED, "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]},
            "no JSON",
        ),
        ({"prompt": "a", "completion": ""}, "nothing to learn"),
        ({"prompt": "a", "completion": ASKED}, "`prompt`, `completion`"),
        ({"prompt": ASKED, "completion": ASKED}, "no answer"),
        ({"conversations": [{"from": "human", "value": "x"}]}, "this row has `conversations`"),
        ({}, "this row has nothing"),
    ],
)
def test_a_row_without_an_answer_is_told_with_its_line(tmp_path, row, said):
    path = write_rows(tmp_path / "train.jsonl", [{"prompt": "a", "completion": "b"}, row])
    with pytest.raises(FineTuneError, match=said) as error:
        list(read_training_rows(path, "train.jsonl"))
    assert "train.jsonl, line 2" in str(error.value)


def test_trl_learns_the_same_tokens(tokenizer, tmp_path):
    """TRL prepares the rows as the oracle; it also learns the blanks behind the end."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    class QuietTrainer(SFTTrainer):
        def _send_telemetry(self):
            """Tests ask no network."""

    model = AutoModelForCausalLM.from_pretrained(make_tiny_llm(tmp_path / "model"))
    rows = [
        {"prompt": ASKED, "completion": [{"role": "assistant", "content": "yes"}]},
        {"prompt": ASKED[1:], "completion": [{"role": "assistant", "content": '{"a": 1}'}]},
    ]
    arguments = SFTConfig(str(tmp_path / "out"), use_cpu=True, bf16=False, report_to="none", max_length=None)
    trainer = QuietTrainer(
        model, arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
    for theirs, row in zip(trainer.train_dataset, rows, strict=True):
        ours = tokenized(tokenizer, tmp_path, row)
        assert theirs["input_ids"][: len(ours.ids)] == ours.ids
        assert theirs["labels"][: len(ours.ids)] == ours.labels
        assert tokenizer.decode(theirs["input_ids"][len(ours.ids) :]).strip() == ""


def test_each_row_is_seen_once_in_an_epoch_within_the_budget():
    lengths = [3 + (7 * place) % 50 for place in range(200)] + [400]
    budget = {"batch_tokens": 120, "gradient_accumulation": 3, "epochs": 4}
    steps = plan_steps(lengths, seed=1, **budget)
    rows = [row for step in steps for row in step]
    assert len(rows) == 4 * len(lengths)
    for epoch in range(4):
        assert sorted(rows[epoch * len(lengths) : (epoch + 1) * len(lengths)]) == [*range(len(lengths))]
    assert rows[: len(lengths)] != rows[len(lengths) : 2 * len(lengths)]
    assert steps == plan_steps(lengths, seed=1, **budget) != plan_steps(lengths, seed=2, **budget)
    for step in steps:
        for batch in token_batches(lengths, step, 120):
            size = len(batch) * max(lengths[row] for row in batch)
            assert size <= 120 or len(batch) == 1


def test_little_of_a_batch_is_padding():
    lengths = [10 + (37 * place) % 200 for place in range(2000)]
    steps = plan_steps(lengths, batch_tokens=2048, gradient_accumulation=1, epochs=1, seed=0)
    padded = sum(len(step) * max(lengths[row] for row in step) for step in steps)
    assert sum(lengths) > 0.9 * padded
