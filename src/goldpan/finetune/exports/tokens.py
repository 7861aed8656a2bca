"""How many tokens a row has for the model that learns from it, and which of its texts hold special tokens."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from goldpan.errors import StudyError
from goldpan.finetune.exports.formats import TaughtExample
from goldpan.models.folders import PACKAGE, local_model
from goldpan.models.pretrained import load_fast_tokenizer, not_loaded
from goldpan.providers.prices import TokenCounter, is_known_to_tiktoken
from goldpan.study.export import Export, ExportFormat
from goldpan.tasks.chat import plain_prompt

_CHARACTERS_PER_TOKEN = 4
# What OpenAI's models add for each message, and before an answer, by
# https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken.
_TOKENS_PER_MESSAGE, _TOKENS_BEFORE_ANSWER = 3, 3
_USUAL = re.compile(
    r"<\|[A-Za-z0-9_▁]{1,40}\|>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|<｜[^｜<>]{1,40}｜>|</?s>"
    r"|<(?:bos|eos|pad|unk)>"
)
"""Special tokens of the chat templates that are in use."""


class TokenCounts(NamedTuple):
    """Tokens of a row: of its prompt, and of all of it."""

    prompt: int
    total: int


class ExampleCounter(Protocol):
    """Counts the tokens of examples.

    Attributes:
        name: what counts, for people.
    """

    name: str

    def count(self, example: TaughtExample) -> TokenCounts:
        """The tokens of an example."""

    def special_tokens(self, texts: Iterable[str]) -> list[str]:
        """The special tokens that some texts hold, each once."""


def example_counter(settings: Export, root: Path, where: str) -> ExampleCounter:
    """What counts the tokens of an export.

    Args:
        root: where relative folders start.
        where: the place of the export in the study, for errors.

    Raises:
        StudyError: the tokenizer cannot be had.
        EmbeddingError: its files cannot be loaded.
    """
    name = settings.tokenizer
    if name is None:
        return _Characters()
    if _is_tiktokens(name, root):
        return _Tiktoken(name)
    where = f"{where}.tokenizer"
    _check_transformers(name, where)
    return _HuggingFace(name, _tokenizer(_folder(name, root), name, settings.revision), settings.format)


def check_tokenizer(settings: Export, root: Path, where: str) -> None:
    """Check that the tokenizer of an export can be had, as far as that is known without loading it.

    Raises:
        StudyError: transformers is not installed, and needed.
        EmbeddingError: the name can only mean a folder or package, and there is no model.
    """
    name = settings.tokenizer
    if name is not None and not _is_tiktokens(name, root):
        _check_transformers(name, f"{where}.tokenizer")
        _folder(name, root)


def _is_tiktokens(name: str, root: Path) -> bool:
    is_folder = name.startswith(PACKAGE) or (root / name).exists()
    return not is_folder and is_known_to_tiktoken(name)


def _folder(name: str, root: Path) -> Path | None:
    """The folder of a tokenizer; None for one of the hub."""
    if (root / name / "tokenizer.json").is_file():
        return root / name
    return local_model(name, root)


def _check_transformers(name: str, where: str) -> None:
    if importlib.util.find_spec("transformers") is None:
        raise StudyError(
            f"the tokenizer `{name}` needs transformers, not installed in this environment",
            where=where,
            remedy="pip install 'goldpan[models]', or leave `tokenizer` out: then 4 characters are a token",
        )


def _tokenizer(folder: Path | None, name: str, revision: str | None) -> Any:
    if folder is not None:
        return load_fast_tokenizer(folder, trust_remote_code=False)
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain Exception
        raise not_loaded("tokenizer", Path(name), error) from None


def _usual_special_tokens(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found for text in texts for found in _USUAL.findall(text)))


def _message_texts(example: TaughtExample) -> list[str]:
    return [*(message["content"] for message in example.messages), example.answer_text]


class _Characters:
    """Four characters to a token."""

    name = f"characters / {_CHARACTERS_PER_TOKEN}, an estimate: no tokenizer is named"

    def count(self, example: TaughtExample) -> TokenCounts:
        *prompt, answer = map(len, _message_texts(example))
        if example.tool is not None:
            prompt.append(len(orjson.dumps(example.tool)))
        tokens = -(-sum(prompt) // _CHARACTERS_PER_TOKEN)
        return TokenCounts(tokens, tokens - (-answer // _CHARACTERS_PER_TOKEN))

    def special_tokens(self, texts: Iterable[str]) -> list[str]:
        return _usual_special_tokens(texts)


class _Tiktoken:
    """By an encoding of OpenAI's models. Tools are not counted: how they are written is not published."""

    def __init__(self, model: str):
        self._counter = TokenCounter(model)
        self.name = f"{self._counter.name}, with 3 tokens for each message and without tools"

    def count(self, example: TaughtExample) -> TokenCounts:
        *prompt, answer = map(self._counter.count, _message_texts(example))
        tokens = sum(prompt) + _TOKENS_PER_MESSAGE * len(prompt) + _TOKENS_BEFORE_ANSWER
        return TokenCounts(tokens, tokens + answer)

    def special_tokens(self, texts: Iterable[str]) -> list[str]:
        return _usual_special_tokens(texts)


class _HuggingFace:
    """By a model's own tokenizer, and its chat template where it has one and the format has messages."""

    def __init__(self, name: str, tokenizer: Any, format: ExportFormat):
        self._tokenizer = tokenizer
        by_template = bool(tokenizer.chat_template) and format != "trl_prompt_completion"
        self._tokens = self._by_template if by_template else self._plain
        self.name = f"{name}, {'by its chat template' if by_template else 'without a chat template'}"
        added = tokenizer.added_tokens_decoder.values()
        special = {*tokenizer.all_special_tokens, *(token.content for token in added if token.special)}
        longest_first = sorted(special, key=lambda token: (-len(token), token))
        self._special = re.compile("|".join(map(re.escape, longest_first))) if special else None

    def count(self, example: TaughtExample) -> TokenCounts:
        return TokenCounts(*self._tokens(example))

    def special_tokens(self, texts: Iterable[str]) -> list[str]:
        if self._special is None:
            return []
        return list(dict.fromkeys(found for text in texts for found in self._special.findall(text)))

    def _by_template(self, example: TaughtExample) -> tuple[int, int]:
        tools = None if example.tool is None else [example.tool]
        write: Callable[..., str] = self._tokenizer.apply_chat_template
        whole = [*example.messages, example.answer_message(example.arguments)]
        try:
            prompt = write(example.messages, tools=tools, tokenize=False, add_generation_prompt=True)
            text = write(whole, tools=tools, tokenize=False)
        except Exception as error:  # templates raise what they like
            raise StudyError(
                f"the chat template of the tokenizer refuses the messages: {str(error).strip()}",
                where=self.name,
                remedy="give the export a prompt that it takes, e.g. one without a system message",
            ) from None
        # The template writes what a tokenizer would add.
        return self._length(prompt, add=False), self._length(text, add=False)

    def _plain(self, example: TaughtExample) -> tuple[int, int]:
        prompt = plain_prompt(example.messages)
        # One more for the end of the answer, which trainers add.
        return self._length(prompt, add=True), self._length(prompt + example.answer_text, add=True) + 1

    def _length(self, text: str, *, add: bool) -> int:
        return len(self._tokenizer(text, add_special_tokens=add)["input_ids"])
