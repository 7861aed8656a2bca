"""Rows as tokens, by the model's tokenizer and chat template, with the place where the answer begins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from goldpan.errors import FineTuneError
from goldpan.finetune.rows import Messages, TrainingRow

NOT_LEARNED = -100
"""The label of tokens that are no part of the loss, as PyTorch's cross entropy ignores it."""


@dataclass(frozen=True)
class TokenizedRow:
    """A row as the model sees it.

    Attributes:
        ids: of the prompt, then of the completion with the token that ends it.
        prompt_length: tokens before the completion.
    """

    ids: list[int]
    prompt_length: int

    @property
    def labels(self) -> list[int]:
        """As many as `ids`: the tokens of the completion, before them NOT_LEARNED."""
        return [NOT_LEARNED] * self.prompt_length + self.ids[self.prompt_length :]

    @property
    def completion_length(self) -> int:
        """Tokens that are learned."""
        return len(self.ids) - self.prompt_length


class RowTokenizer:
    """Turns rows into tokens.

    What a model is asked later is a prompt that ends with the template's opening of an answer. So the prompt
    is rendered in this way, and the completion is what the rendering of the whole adds to it; no template
    needs marks of `{% generation %}`. Tokens after the one that ends the answer are left out, and it is added
    where a template does not.

    Args:
        tokenizer: of the model, from transformers.
        stop_ids: tokens with any of which the model ends an answer, as its generation_config.json says.
    """

    def __init__(self, tokenizer: Any, stop_ids: Collection[int] = ()):
        self._tokenizer = tokenizer
        end = tokenizer.eos_token_id
        self._stop_ids = frozenset(stop_ids) | (frozenset() if end is None else {end})
        first = end if end is not None else min(self._stop_ids, default=None)
        if first is None:
            raise FineTuneError(
                "the tokenizer names no token that ends an answer (`eos_token`)",
                remedy="say it in the model's tokenizer_config.json",
            )
        self._end: int = first

    def __call__(self, row: TrainingRow) -> TokenizedRow:
        """Tokens of a row.

        Raises:
            FineTuneError: the model has no chat template, it does not take the messages, or what it makes of
                the prompt is not how the whole begins.
        """
        if isinstance(row.prompt, str):
            assert isinstance(row.completion, str)
            prompt, completion, special = row.prompt, row.completion, True
        else:
            assert not isinstance(row.completion, str)
            prompt, completion = self._rendered(row, row.prompt, row.completion)
            special = False
        ids, length = self._encoded(prompt, completion, special)
        ids = self._ended(ids, length)
        if len(ids) == length + 1 and ids[-1] == self._end and not completion.strip():
            raise FineTuneError("the chat template leaves the answer out", where=row.where)
        return TokenizedRow(ids, length)

    def _rendered(self, row: TrainingRow, prompt: Messages, completion: Messages) -> tuple[str, str]:
        if not getattr(self._tokenizer, "chat_template", None):
            raise FineTuneError(
                "the model has no chat template, and the export holds conversations",
                where=row.where,
                remedy="take an instruction-tuned model, or export as `format: trl_prompt_completion`",
            )
        opened = self._template(row, prompt, add_generation_prompt=True)
        whole = self._template(row, [*prompt, *completion], add_generation_prompt=False)
        if not whole.startswith(opened):
            place = _first_difference(opened, whole)
            raise FineTuneError(
                "the model's chat template renders a prompt otherwise when an answer follows, so that"
                f" what would be learned is not what is asked later: {opened[place - 20 : place + 40]!r}"
                f" becomes {whole[place - 20 : place + 40]!r}",
                where=row.where,
                remedy="take a model whose template does not, or export as `format: trl_prompt_completion`",
            )
        return opened, whole[len(opened) :]

    def _template(self, row: TrainingRow, messages: Messages, *, add_generation_prompt: bool) -> str:
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    messages, tools=row.tools, tokenize=False, add_generation_prompt=add_generation_prompt
                )
            )
        except Exception as error:  # a template is a program: jinja's errors, and those of Python inside it
            raise FineTuneError(
                f"the model's chat template does not take these messages: {error or type(error).__name__}",
                where=row.where,
                remedy="see which roles, and whether tools, the model was made for",
            ) from None

    def _encoded(self, prompt: str, completion: str, special: bool) -> tuple[list[int], int]:
        """Tokens of both together, and how many are the prompt's.

        Together where that keeps the prompt's tokens, as a later prompt is tokenised alone; else one by one.
        """
        before = self._ids(prompt, special)
        if special and before[-1:] == [self._tokenizer.eos_token_id]:
            before.pop()
        together = self._ids(prompt + completion, special)
        if together[: len(before)] == before and len(together) > len(before):
            return together, len(before)
        return [*before, *self._ids(completion, special=False)], len(before)

    def _ids(self, text: str, special: bool) -> list[int]:
        # A row may be longer than the tokenizer's own limit; that is told by who counts.
        return [*self._tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"]]

    def _ended(self, ids: list[int], prompt_length: int) -> list[int]:
        """The tokens with one that ends the answer, and nothing but blanks cut off behind it."""
        last = max((place for place, token in enumerate(ids) if token in self._stop_ids), default=-1)
        if last >= prompt_length and not self._tokenizer.decode(ids[last + 1 :]).strip():
            return ids[: last + 1]
        return [*ids, self._end]


def _first_difference(text: str, other: str) -> int:
    pairs = enumerate(zip(text, other, strict=False))
    return max(20, next((place for place, (a, b) in pairs if a != b), min(len(text), len(other))))
