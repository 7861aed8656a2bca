"""What an answer may look like: JSON schemas as grammars over a model's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from goldpan.providers.engine.refusal import ServiceError

if TYPE_CHECKING:
    import numpy as np

Schema = dict[str, Any]

_LARGEST_NUMBER = 10**15
# As `json.dumps` and services write strings, less `\u`: with it a model could write half a surrogate pair,
# or NUL.
_ESCAPES = '"\\bfnrt'


class Grammars:
    """Matchers of a model's tokenizer for JSON schemas.

    llguidance is used because it refuses what it cannot hold an answer to, where others compile it away.

    Args:
        tokenizer: a fast one of transformers.
        vocabulary: columns of the model's logits, which may be more than the tokenizer has tokens.
        ends: tokens that end an answer.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, ends: list[int]):
        from llguidance.hf import from_tokenizer

        size = max(vocabulary, len(tokenizer))
        self.tokens = from_tokenizer(tokenizer, n_vocab=size, eos_token=ends)
        self.words = -(-size // 32)

    def matcher(self, schema: Schema, separators: tuple[str, str] = (",", ":")) -> Any:
        """A matcher at the beginning of an answer that fits the schema, in JSON without free spaces.

        Args:
            separators: between items, and between a key and its value.

        Raises:
            ServiceError: 400, the schema is wrong, or says what cannot be held.
        """
        from llguidance import LLMatcher

        options: Any = {
            "whitespace_flexible": False,
            "item_separator": separators[0],
            "key_separator": separators[1],
            "json_allowed_escapes": _ESCAPES,
        }
        try:
            text = orjson.dumps(_with_finite_numbers(schema)).decode()
            grammar = LLMatcher.grammar_from_json_schema(text, overrides=options)
        except (TypeError, ValueError) as error:
            raise _unusable(str(error)) from None
        matcher = LLMatcher(self.tokens, grammar, log_level=0)
        if matcher.is_error():
            raise _unusable(matcher.get_error())
        return matcher

    def allowed(self, matchers: list[Any | None]) -> np.ndarray:
        """Which tokens may come next.

        Args:
            matchers: one for each row; None for a row that may say anything.

        Returns:
            [B, words] int32, a bit for each token, the lowest bit of a word first.
        """
        import numpy as np

        bits = np.full((len(matchers), self.words), -1, np.int32)
        for row, matcher in zip(bits, matchers, strict=True):
            if matcher is not None:
                matcher.unsafe_compute_mask_ptr(row.ctypes.data, row.nbytes)
        return bits


def _with_finite_numbers(node: Any) -> Any:
    """The schema with bounds for numbers that have none: JSON may say 1e999, which is a number to nobody."""
    if isinstance(node, list):
        return [_with_finite_numbers(part) for part in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _with_finite_numbers(part) for key, part in node.items()}
    kinds = node.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(kinds, list) and ("number" in kinds or "integer" in kinds):
        if not {"minimum", "exclusiveMinimum"} & node.keys():
            changed["minimum"] = -_LARGEST_NUMBER
        if not {"maximum", "exclusiveMaximum"} & node.keys():
            changed["maximum"] = _LARGEST_NUMBER
    return changed


def _unusable(why: str) -> ServiceError:
    first = " ".join(why.split())[:500]
    return ServiceError(
        400, f"Answers cannot be held to this JSON schema: {first}", code="invalid_schema", param="schema"
    )
