"""Requests to models that take what they always took are what they always were, to the byte."""

import pytest

from goldpan.batches.questions import Questioner
from goldpan.study.stage import Stage
from tests.projects import WorkflowProject
from tests.provider_settings import provider_settings

GIST = {
    "task": "gist",
    "description": "A note in a sentence.",
    "prompt": {"user": "topic.user.j2"},
    "features": [{"name": "gist", "type": "text", "bare": True, "description": "The note in a sentence."}],
}
# Written down from the version before stages had an endpoint (commit 8786769).
KEYS = [
    ("gpt-4.1-mini", {}, "5062d60dbae81376b7f3b13996bd8a6583f230c5fa946a03b6d375b060ed1166"),
    (
        "gpt-4.1-mini",
        {"params": {"temperature": 0, "max_completion_tokens": 300}},
        "5a35bab1347e4f3b25a5594dac83f17ee855558b03ee5e2600d9ca68a9988cf4",
    ),
    (
        "gpt-4.1-nano",
        {"output": "json_schema"},
        "b33bc509877c2ab760ec87778916cc4f28f51d9575f90c45a87054e526c16561",
    ),
    (
        "gpt-4.1-nano",
        {"output": "text", "task": "gist"},
        "c170aa36ec9621f488328235c6d46032004fee2f9337c4e98de63a6d89dfcc9e",
    ),
    (
        "gpt-4o",
        {"samples": 2, "params": {"parallel_tool_calls": False}},
        "2ba057d0969b8b2087daded9d0d7e19cc0361356866925ca6988ed0c7de4e0ac",
    ),
    ("gpt-5-mini", {}, "a848f0d1d00ed8fec47dd38a3000e22ade96d63df423b45c9cf01ccb61be2529"),
    ("gpt-5.4-mini", {}, "a0148787774d2d258e2fbbc30a71c01a994a065a767a04b7e15078c58c18eba8"),
    (
        "o4-mini",
        {"params": {"reasoning_effort": "low"}},
        "df857babd8cfb5e6d366c02fa4cfa0423f433b9ac5a4106685e79b1e46524334",
    ),
    ("goldpan-baseline-1", {}, "d83c5bd2fe4663236a742e3dc3d1575a30f253a7c8ccf67a2744da45a1afe03e"),
    (
        "my-own-model",
        {"params": {"top_k": 3}},
        "6955b2089a917fc5dbd472c6d4f29e80de43ed1fefdffbde9e55b254aafe5874",
    ),
    ("openai/gpt-4o-mini", {}, "f1ee5818319e572fe0bbde54145db18c657fa3c003f721f38c8e61aef1b88ca5"),
    ("gpt-3.5-turbo", {}, "8c052598de8cc2eb7196f3da14879f9ead8431383ba3f003070ef5b2c19b824d"),
]
FINE_TUNE = "ft:gpt-4o-mini-2024-07-18:org::abc"
KEY_OF_FINE_TUNE = "e84abd35d893dde651bec41afab19ec0202a1097ba9929863860d76fc1938773"


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    project = WorkflowProject.create(tmp_path_factory.mktemp("tasks") / "project")
    project.write_task(GIST)
    return project.root / "config" / "tasks"


def ask(tasks, model, provider=None, **settings):
    given = {"input": {"source": "notes"}, "task": "topic", "provider": "main", "model": model, **settings}
    record = {"id": "n1", "source": "notes", "file": "a", "line": 1, "data": {"text": "Grüße, \U0001f408"}}
    settings = provider_settings(**provider) if provider else None
    return Questioner(Stage.model_validate(given), tasks, None, settings).ask(record)[-1]


@pytest.mark.parametrize(("model", "settings", "key"), KEYS, ids=[f"{row[0]} {row[1]}" for row in KEYS])
def test_a_key_is_as_it_was_before_there_was_a_choice(model, settings, key, tasks):
    assert ask(tasks, model, **settings).key.hex() == key


def test_a_fine_tune_is_known_by_its_former_key_too(tasks):
    question = ask(tasks, FINE_TUNE)
    assert question.key.hex() != KEY_OF_FINE_TUNE
    assert [key.hex() for key in question.former_keys] == [KEY_OF_FINE_TUNE]


def test_what_azure_is_asked_is_known_by_its_former_key_and_in_a_replay(tasks):
    azure = {"kind": "litellm", "custom_llm_provider": "azure", "base_url": "https://x.openai.azure.com"}
    now = ask(tasks, "azure/gpt-4o-mini", azure)
    before = ask(tasks, "azure/gpt-4o-mini")
    replayed = ask(tasks, "azure/gpt-4o-mini", {"kind": "replay"})
    assert now.key != before.key
    assert before.key in now.former_keys
    assert {now.key, before.key} <= {replayed.key, *replayed.former_keys}


def test_a_model_that_no_longer_gets_tools_at_chat_is_known_by_its_former_key(tasks):
    former = ask(tasks, "gpt-5.6-luna", endpoint="chat", output="tool")
    assert ask(tasks, "gpt-5.6-luna").former_keys == (former.key,)


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-5-mini", "my-own-model"])
def test_other_models_have_no_former_keys_to_be_looked_up(model, tasks):
    assert ask(tasks, model).former_keys == ()
