"""Keeping the names of annotators out of a paper: in sentences that other parts of goldpan wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def without_names(made: Any, names: Mapping[str, str]) -> Any:
    """A JSON document with what stands for names in all texts under `notes`.

    Args:
        made: the document; it is left as it is.
        names: name -> what stands for it.
    """
    match made:
        case dict():
            return {
                key: _renamed(value, names) if key == "notes" else without_names(value, names)
                for key, value in made.items()
            }
        case list():
            return [without_names(value, names) for value in made]
    return made


def _renamed(made: Any, names: Mapping[str, str]) -> Any:
    match made:
        case str():
            # The longest first, so that no name is taken for the begin of another.
            known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            return re.sub(rf"(?<!\w)(?:{known})(?!\w)", lambda name: names[name[0]], made) if known else made
        case list():
            return [_renamed(value, names) for value in made]
        case dict():
            return {key: _renamed(value, names) for key, value in made.items()}
    return made
