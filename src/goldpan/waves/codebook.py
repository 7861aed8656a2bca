"""What annotators are asked: features, their answers with a key each, guidelines, and the hash of it all."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from goldpan.errors import StudyError
from goldpan.files import sha256_hex
from goldpan.tasks.features import Binary, Exclusive, Feature, Labelled, Multilabel, Ranking, Score
from goldpan.tasks.nearest import suggestion

CANNOT_TELL = "(cannot tell)"
"""How an annotator abstains, where an answer is text."""

NONE_OF_THEM = "(none)"
"""How an empty list is written, where an answer is text; an empty cell is no answer."""

FIXED_COLUMNS = ("item_id", "sheet", "flag", "notes", "agreement")
"""Columns of a sheet that no feature may be called like."""

CANNOT_TELL_KEY = "x"
PAGE_KEYS = frozenset({CANNOT_TELL_KEY, "c", "f", "g", "m", "s"})
"""Keys of the annotation page that no label can have."""

_LABEL_KEYS = string.digits[1:] + "0" + "".join(c for c in "qwertyuiopadhjklzvbn" if c not in PAGE_KEYS)
_MOST_SCORE_BUTTONS = 11
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True)
class Choice:
    """One answer an annotator can pick.

    Attributes:
        value: the answer itself: a bool, a label or a number.
        text: how it is written on sheets.
        description: what it means, from the task.
        key: the key that picks it on the page; None when there are more answers than keys.
    """

    value: bool | str | int
    text: str
    description: str
    key: str | None


@dataclass(frozen=True)
class Codebook:
    """What the sheets of a wave ask.

    Attributes:
        features: in the order they are asked.
        task_hash: hash of the task the LLM was asked; it may differ from wave to wave with one codebook.
        exclusive: groups of binary features of which at most one may hold.
        guidelines: text shown to annotators.
        cannot_tell: whether each feature may be answered with "cannot tell".

    Raises:
        StudyError: a feature or label cannot stand on a sheet.
    """

    features: tuple[Feature, ...]
    task_hash: str
    exclusive: tuple[Exclusive, ...] = ()
    guidelines: str = ""
    cannot_tell: bool = True

    def __post_init__(self) -> None:
        for feature in self.features:
            if feature.name in FIXED_COLUMNS:
                raise StudyError(
                    f"feature `{feature.name}` has the name of a column of the sheets",
                    remedy="rename it in the task, or leave it out of the wave's `features`",
                )
            for text in labels(feature):
                if text in (CANNOT_TELL, NONE_OF_THEM) or not text.strip() or _CONTROL.search(text):
                    raise StudyError(
                        f"feature `{feature.name}`: the label {text!r} cannot stand on a sheet",
                        remedy="labels need something to read, and no line breaks or control characters",
                    )

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of everything an annotator is told or may answer."""
        content = {
            "features": [
                feature.model_dump(exclude={"rationale", "abstain"}, exclude_defaults=True)
                for feature in self.features
            ],
            "exclusive": [group.order for group in self.exclusive],
            "guidelines": self.guidelines,
            "cannot_tell": self.cannot_tell,
        }
        # Not canonical_json: it sorts keys, and the order of labels is part of what is asked.
        return sha256_hex(orjson.dumps(content))

    @property
    def short_hash(self) -> str:
        """The first twelve digits of the hash, as they stand on sheets."""
        return self.hash[:12]

    @cached_property
    def by_name(self) -> dict[str, Feature]:
        """The features by name."""
        return {feature.name: feature for feature in self.features}


def wave_features(
    names: Sequence[str] | None, tasks: Iterable[Mapping[str, Feature]], where: str
) -> dict[str, Feature]:
    """The features a wave asks for, from the tasks of its stage.

    Args:
        names: those the study names, in its order; None for all.
        tasks: the features by name of each task of the stage.
        where: place of the wave in the study, for errors.

    Raises:
        StudyError: no task has a feature of that name, or two tasks mean different things by it.
    """
    known: dict[str, Feature] = {}
    for features in tasks:
        for name, feature in features.items():
            if what_is_asked(known.setdefault(name, feature)) != what_is_asked(feature):
                raise StudyError(
                    f"feature `{name}` is not the same in all tasks of the stage",
                    where=where,
                    remedy="leave it out of the wave's `features`, or make two stages",
                )
    for name in names or []:
        if name not in known:
            raise StudyError(
                f"there is no feature `{name}`; {suggestion(name, known)}", where=f"{where}.features"
            )
    return {name: known[name] for name in (names or known)}


def choices(feature: Feature) -> list[Choice] | None:
    """The answers to pick from, in order, each with its key; None when the answer is not picked from a list.

    Binary features have the keys y and n; a score from 0 to 9 or less has its own digits, up to eleven
    other whole scores the digits in turn; labels have digits, then letters.
    """
    if isinstance(feature, Binary):
        return [Choice(True, "yes", "", "y"), Choice(False, "no", "", "n")]
    if isinstance(feature, Labelled):
        described = feature.labels if isinstance(feature.labels, dict) else dict.fromkeys(feature.labels, "")
        return [Choice(label, label, about, _key(n)) for n, (label, about) in enumerate(described.items())]
    if isinstance(feature, Ranking):
        return [Choice(label, label, "", _key(n)) for n, label in enumerate(feature.items)]
    if isinstance(feature, Score) and feature.integer and feature.max - feature.min < _MOST_SCORE_BUTTONS:
        scores = range(int(feature.min), int(feature.max) + 1)
        own_digits = scores[0] >= 0 and scores[-1] <= 9
        return [Choice(s, str(s), "", str(s) if own_digits else _key(n)) for n, s in enumerate(scores)]
    return None


def texts_to_pick(feature: Feature, cannot_tell: bool) -> list[str] | None:
    """What other tools offer as answers, with what stands for none and for abstaining; None where one types.

    Args:
        feature: what is asked.
        cannot_tell: whether it may be abstained from.
    """
    options = None if isinstance(feature, Ranking) else choices(feature)
    if options is None:
        return None
    none_of_them = [NONE_OF_THEM] if isinstance(feature, Multilabel) else []
    return [option.text for option in options] + none_of_them + ([CANNOT_TELL] if cannot_tell else [])


def _key(number: int) -> str | None:
    return _LABEL_KEYS[number] if number < len(_LABEL_KEYS) else None


def labels(feature: Feature) -> list[str]:
    """The labels or ranked items of a feature; empty for the other types."""
    if isinstance(feature, Labelled):
        return feature.label_list
    return feature.items if isinstance(feature, Ranking) else []


def what_is_asked(feature: Feature) -> dict[str, Any]:
    """What people are asked: what the LLM is asked besides makes no difference to them."""
    return feature.model_dump(exclude={"rationale", "abstain"})
