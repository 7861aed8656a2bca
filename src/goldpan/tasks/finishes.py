"""Why a model stopped writing, in the words of many services.

Sources: the references of OpenAI (`finish_reason`, `incomplete_details.reason`), Anthropic (`stop_reason`),
Google (`Candidate.FinishReason`), Mistral, Zhipu, DeepSeek, Cohere, Bedrock, vLLM and OpenRouter. Words that
are not known decide nothing: then the answer is read, and only if there is none does the reason name them.
"""

from __future__ import annotations

import re
from typing import Any, Literal

Stopped = Literal["answered", "truncated", "refused", "failed", "invalid"]

_WORDS: dict[Stopped, str] = {
    "answered": """stop stop_sequence end_turn eos eos_token complete completed tool_calls tool_call tool_use
        function_call finish_reason_unspecified""",
    "truncated": """length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_length
        model_length token_limit model_context_window_exceeded context_length_exceeded compaction""",
    "refused": """content_filter content_filtered safety sensitive refusal recitation blocklist
        prohibited_content spii language image_safety image_prohibited_content image_recitation model_armor
        escalation guardrail_intervened guardrails error_toxic content_policy_violation moderation""",
    "failed": """error network_error insufficient_system_resource abort aborted cancelled canceled user_cancel
        timeout error_limit other image_other no_image""",
    # What the model wrote is no call as it was asked for; it may get it right the next time.
    "invalid": """malformed_function_call malformed_response malformed_tool_call unexpected_tool_call
        too_many_tool_calls missing_thought_signature repetition""",
}
_MEANS: dict[str, Stopped] = {word: means for means, words in _WORDS.items() for word in words.split()}


def how_it_stopped(word: Any) -> Stopped | None:
    """What a finish reason means; None for none and for words that are not known."""
    if not isinstance(word, str):
        return None
    return _MEANS.get(word) or _MEANS.get(re.sub(r"[^a-z]+", "_", word.lower().rpartition(".")[2]).strip("_"))
