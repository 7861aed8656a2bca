"""Answers as bodies of chat completions, with the tokens they have truly taken."""

from __future__ import annotations

from typing import Any

from goldpan.providers.engine.completions import completion, tool_asked_for
from goldpan.providers.own_model.answer_rows import AnswerRow

CUT_REASON = "near_limit"
"""`stop_reason` of a choice, beside its `finish_reason`, where something was ended near its limit."""


def completion_of(row: AnswerRow, tokenizer: Any, *, shared: int, fingerprint: str) -> dict[str, Any]:
    """The body of a chat completion for an answer that has ended.

    Args:
        shared: tokens of the prompt that were computed once for several requests.
        fingerprint: the `system_fingerprint`.
    """
    asked = row.asked
    text = text_of_answer(row, tokenizer)
    is_call = asked.held is not None and tool_asked_for(asked.body) is not None
    given: dict[str, Any] | str = {} if is_call else text
    body = completion(asked.body, given, asked.custom_id, fingerprint=fingerprint)
    choice = body["choices"][0]
    if is_call:
        choice["message"]["tool_calls"][0]["function"]["arguments"] = text
    if row.finish == "length":
        choice["finish_reason"] = "length"
    elif row.is_cut:
        choice["stop_reason"] = CUT_REASON
    prompt, answered = len(asked.prompt.ids), len(row.answer)
    body["usage"] = {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
        "prompt_tokens_details": {"cached_tokens": shared},
    }
    return body


def text_of_answer(row: AnswerRow, tokenizer: Any) -> str:
    """What an answer says, up to a text at which it was to stop."""
    text = tokenizer.decode(row.answer, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    found = [place for stop in row.asked.stops if (place := text.find(stop)) >= 0]
    text = text[: min(found)] if found else text
    return text if row.asked.held is not None else text.strip()
