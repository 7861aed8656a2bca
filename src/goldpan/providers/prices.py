"""What a model costs, how much it can read, and how its tokens are counted: from litellm's table, offline."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.providers.baseline import BASELINE_MODEL
from goldpan.providers.model_table import litellm_folder, table_entry, without_route
from goldpan.study.stage import FLEX

if TYPE_CHECKING:
    import tiktoken

# OpenAI and Azure publish half the ordinary price for batches.
_HALF_PRICE = frozenset({"openai", "text-completion-openai", "azure"})
# The files of tiktoken's cache are named by the SHA-1 of the address each vocabulary comes from.
_VOCABULARIES = {
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "o200k_harmony": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "p50k_base": "ec7223a39ce59f226a68acc30dc1af2788490e15",
    "p50k_edit": "ec7223a39ce59f226a68acc30dc1af2788490e15",
}
_STAND_IN = "o200k_base"
_BYTES_PER_TOKEN = 4
# Longer texts are counted in slices, which bounds memory and adds at most one token for each.
_SLICE = 1 << 16


@dataclass(frozen=True)
class Price:
    """What a model's tokens cost.

    Attributes:
        prompt, completion: USD for one token.
        rule: where the numbers come from, for people.
        cached, cache_write: USD for a prompt token that was read from the service's cache or written to it;
            None where that makes no difference, or nobody says.
    """

    prompt: float
    completion: float
    rule: str
    cached: float | None = None
    cache_write: float | None = None

    def cost(
        self,
        prompt_tokens: float,
        completion_tokens: float,
        cached_tokens: int = 0,
        cache_write_tokens: int = 0,
    ) -> float:
        """USD for so many tokens.

        Args:
            prompt_tokens: in all, cached and cache-write tokens among them.
            completion_tokens: in all, reasoning tokens among them: they are paid as completion.
        """
        cached = self.prompt if self.cached is None else self.cached
        cache_write = self.prompt if self.cache_write is None else self.cache_write
        plain = prompt_tokens - cached_tokens - cache_write_tokens
        prompt = plain * self.prompt + cached_tokens * cached + cache_write_tokens * cache_write
        return prompt + completion_tokens * self.completion


def price_of(model: str, *, is_online: bool = False, tier: str | None = None) -> Price | None:
    """The price of `model` in a batch, or online; None when litellm's table does not know the model.

    Online it is the table's ordinary price, or that of the tier `flex`. In a batch:

    The table's batch price, where it has one; else half the ordinary price for OpenAI's models, whose batches
    are sold so; else the ordinary price, which is then rather too high than too low. Cached prompt tokens are
    cheaper in a batch where the table has a price for that, and never dearer than others. Surcharges for very
    long prompts are left out.
    """
    if model == BASELINE_MODEL:
        return Price(0.0, 0.0, "the embedded baseline costs nothing")
    entry = table_entry(model)
    ordinary = _rates(entry, "")
    if is_online and tier == FLEX:
        at_flex = _rates(entry, "_flex")
        if at_flex is not None:
            return Price(*at_flex, "litellm's table: flex price", *_cache_rates(entry, "_flex"))
        rule = "litellm's table: ordinary price, no flex price known"
        return ordinary and Price(*ordinary, rule, *_cache_rates(entry, ""))
    if is_online:
        return ordinary and Price(*ordinary, "litellm's table: ordinary price", *_cache_rates(entry, ""))
    in_batches = _rates(entry, "_batches")
    if in_batches is not None:
        return Price(*in_batches, "litellm's table: batch price", *_cache_rates(entry, "_batches"))
    if ordinary is None:
        return None
    cached, cache_write = _cache_rates(entry, "")
    if entry.get("litellm_provider") in _HALF_PRICE:
        prompt, completion = ordinary[0] / 2, ordinary[1] / 2
        cached = None if cached is None else min(cached, prompt)
        return Price(prompt, completion, "litellm's table: half the ordinary price", cached, cache_write)
    rule = "litellm's table: ordinary price, no batch price known"
    return Price(*ordinary, rule, cached, cache_write)


def has_flex_price(model: str) -> bool:
    """Whether litellm's table has a price for `model` at the tier `flex`."""
    return _rates(table_entry(model), "_flex") is not None


def context_window(model: str) -> int | None:
    """Tokens `model` takes as its prompt; None when litellm's table does not say."""
    window = table_entry(model).get("max_input_tokens")
    return window if isinstance(window, int) and window > 0 else None


class TokenCounter:
    """Counts tokens as `model` does, or as nearly as can be done without the network.

    Args:
        model: its name.
        tokenizer: the file of its tokenizer (`tokenizer.json`), of a model of one's own.

    Attributes:
        name: the encoding that counts, and whether it is the model's own or a stand-in.
    """

    def __init__(self, model: str, tokenizer: Path | None = None):
        self._own: Any = None
        self._encoding: tiktoken.Encoding | None = None
        if model == BASELINE_MODEL:
            self.name = f"bytes/{_BYTES_PER_TOKEN}"
            return
        if tokenizer is not None and (own_tokenizer := _tokenizer_of(tokenizer)) is not None:
            self._own, self.name = own_tokenizer, f"{model}'s own"
            return
        own = _own_encoding(model)
        self._encoding = _load_encoding(own or _STAND_IN)
        if self._encoding is None:
            self.name = f"bytes/{_BYTES_PER_TOKEN} (approximation: litellm bundles no vocabulary)"
        elif own is None:
            self.name = f"{_STAND_IN} (approximation: the tokenizer of {model} is not bundled)"
        else:
            self.name = own

    def count(self, text: str) -> int:
        """Tokens of `text` alone; what a service adds for each message is not in it."""
        if self._own is not None:
            return len(self._own.encode(text, add_special_tokens=False).ids)
        if self._encoding is None:
            return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
        encode = self._encoding.encode_ordinary
        return sum(len(encode(text[start : start + _SLICE])) for start in range(0, len(text), _SLICE))


def _rates(entry: dict[str, Any], suffix: str) -> tuple[float, float] | None:
    prompt = entry.get(f"input_cost_per_token{suffix}")
    completion = entry.get(f"output_cost_per_token{suffix}")
    if prompt is None or completion is None:
        return None
    return float(prompt), float(completion)


def _tokenizer_of(path: Path) -> Any:
    """The tokenizer of a file; None where it cannot be had."""
    try:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(path))
    except Exception:  # The library raises a bare one for a file that it cannot read.
        return None


def _own_encoding(model: str) -> str | None:
    """The name of a model's own encoding, if it is one of those bundled, or the encoding itself."""
    import tiktoken

    if model in _VOCABULARIES:
        return model
    try:
        name = tiktoken.encoding_name_for_model(without_route(model))
    except KeyError:
        return None
    return name if name in _VOCABULARIES else None


def is_known_to_tiktoken(name: str) -> bool:
    """Whether a name is that of an encoding of tiktoken, or of a model whose encoding it knows."""
    import tiktoken

    if name in tiktoken.list_encoding_names():
        return True
    try:
        tiktoken.encoding_name_for_model(name)
    except KeyError:
        return False
    return True


def _cache_rates(entry: dict[str, Any], suffix: str) -> tuple[float | None, float | None]:
    """USD for a prompt token read from the cache, and for one written to it."""
    names = ("cache_read_input_token_cost", "cache_creation_input_token_cost")
    cached, cache_write = (entry.get(name + suffix) for name in names)
    return None if cached is None else float(cached), None if cache_write is None else float(cache_write)


@cache
def _load_encoding(name: str) -> tiktoken.Encoding | None:
    import tiktoken

    folder = litellm_folder() / "litellm_core_utils" / "tokenizers"
    if not (folder / _VOCABULARIES[name]).exists():
        # tiktoken would fetch it.
        return None
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    try:
        return tiktoken.get_encoding(name)
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before
