"""litellm's table of models, read as a file: importing litellm takes more than a second and may call out."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from goldpan.providers.baseline import BASELINE_MODEL

_TABLE = "model_prices_and_context_window_backup.json"
# Prefixes by which litellm routes a call; behind them stands the name the table may know. `hosted_vllm/` is
# not among them: a model on one's own hardware costs what the hardware costs, whatever others charge for it.
_ROUTES = ("openai/", "azure/", "vertex_ai/", "gemini/", "litellm_proxy/")
# A name with the hash of its weights (`own_model.identity`): whatever services call alike is another model.
_OWN_WEIGHTS = re.compile(r".+@[0-9a-f]{12}")


def is_own_model(model: str) -> bool:
    """Whether a model is one of our own, by its name, and no service's."""
    return model == BASELINE_MODEL or _OWN_WEIGHTS.fullmatch(model) is not None


@cache
def table_entry(model: str) -> dict[str, Any]:
    """The table's entry for a model, for a fine-tune (`ft:base:org::id`) that of its base; empty for none.

    It is the cache's own object: to be read, never to be changed.
    """
    if is_own_model(model):
        return {}
    # Only the entry is kept: the whole table takes tens of megabytes.
    table: dict[str, dict[str, Any]] = orjson.loads((litellm_folder() / _TABLE).read_bytes())
    for name in (model, without_route(model)):
        for known in (name, ":".join(name.split(":")[:2])):
            if known in table:
                return table[known]
    return {}


def without_route(model: str) -> str:
    """The model's name without the prefix by which litellm routes a call to it."""
    for route in _ROUTES:
        if model.startswith(route):
            return model.removeprefix(route)
    return model


@cache
def litellm_folder() -> Path:
    """Where litellm is installed, found without importing it."""
    # importlib.resources would import the package to find it.
    spec = importlib.util.find_spec("litellm")
    assert spec is not None and spec.submodule_search_locations, "litellm is one of goldpan's dependencies"
    return Path(next(iter(spec.submodule_search_locations)))
