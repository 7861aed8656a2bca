"""Whether annotated rows would have two columns of one name, found before anything is embedded.

What a target writes may hang on labels that are not there yet. A collision that hangs on them is a note, for
the study may be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from goldpan.errors import ErrorGatherer, GoldpanError, StudyError
from goldpan.heads.output_keys import ALWAYS, STATE_KEYS
from goldpan.stages.features import features_of_stage
from goldpan.study.head import Annotated, Head
from goldpan.study.load import Project
from goldpan.waves.steps.run import WaveRun

SCORE, LABEL, PROBABILITY, PROBABILITIES = PREFIXES = ("score_", "label_", "probability_", "probabilities_")
_YES_NO = {"yes", "no"}
_REMEDIES = {
    "heads": "give one of the heads another name",
    "output_keys": "take the field out, give the head another name, or say the `kind` and `labels` of its"
    " target where it writes something else",
}


@dataclass(frozen=True)
class _Collision:
    """Two columns of one name.

    Attributes:
        what: collides, in words.
        key: of the study that says it.
        is_certain: whether it does so whatever the labels and the heads made elsewhere are.
    """

    what: str
    key: str
    is_certain: bool


@dataclass(frozen=True)
class _Written:
    """A column that a target writes, or may write."""

    column: str
    target: str
    is_certain: bool


def check_annotated_columns(project: Project) -> list[str]:
    """Check the columns of all annotated files.

    Returns:
        What may collide, with its place.

    Raises:
        StudyError: two columns have one name; SeveralErrors where it is more than one.
    """
    wrong = ErrorGatherer()
    notes = []
    for name, annotated in project.study.annotated.items():
        for collision in _collisions(project, annotated):
            where = f"annotated.{name}.{collision.key}"
            error = StudyError(collision.what, where=where, remedy=_REMEDIES[collision.key])
            if collision.is_certain:
                wrong.add(error)
            else:
                notes.append(str(error))
    wrong.finish()
    return notes


def _collisions(project: Project, annotated: Annotated) -> Iterator[_Collision]:
    owners: dict[str, _Written] = {}
    for own in _columns_of_heads(project, annotated):
        column, target = own.column, own.target
        other = owners.setdefault(column, own)
        if other.target != target:
            is_certain = own.is_certain and other.is_certain
            what = f"{other.target} and {target} {_would(is_certain)} both write the column `{column}`"
            yield _Collision(what, "heads", is_certain)
        elif outside := _external_that_may_write(annotated, column):
            what = f"{target} and the checkpoint `{outside}` may both write the column `{column}`"
            yield _Collision(what, "heads", False)
    for place, key in enumerate(annotated.output_keys):
        if key in annotated.output_keys[:place]:
            yield _Collision(f"`{key}` is named twice", "output_keys", True)
        elif key in (*ALWAYS, *STATE_KEYS):
            yield _Collision(f"every annotated row has a column `{key}` of its own", "output_keys", True)
        elif key in owners:
            owner = owners[key]
            what = f"{owner.target} {_would(owner.is_certain)} write the column `{key}`, too"
            yield _Collision(what, "output_keys", owner.is_certain)
        elif outside := _external_that_may_write(annotated, key):
            what = f"the checkpoint `{outside}` may write the column `{key}`, too"
            yield _Collision(what, "output_keys", False)


def _would(is_certain: bool) -> str:
    return "would" if is_certain else "may"


def _columns_of_heads(project: Project, annotated: Annotated) -> Iterator[_Written]:
    """Each column that the study's heads write or may write, and the target that does."""
    for name in annotated.heads:
        head = project.study.heads[name]
        for target in head.targets:
            certain, possible = _prefixes(project, head, target)
            for prefix in PREFIXES:
                if prefix in possible and (prefix != PROBABILITIES or annotated.probabilities):
                    column = prefix + head.column_of(name, target)
                    yield _Written(column, f"target `{target}` of head `{name}`", prefix in certain)


def _prefixes(project: Project, head: Head, target: str) -> tuple[set[str], set[str]]:
    """How the columns begin that a target writes in any case, and those that it may write (see
    `heads.columns.Columns`)."""
    settings = head.targets[target]
    labels, kind = settings.labels and set(settings.labels), settings.kind
    every = set(PREFIXES)
    if kind == "auto":
        learned = _type_of(project, head, target)
        if labels is not None or learned in ("classification", "string"):
            kind = "classification"
        elif learned in ("score", "number", "integer"):
            kind = "regression"
        elif learned in ("binary", "boolean"):
            kind, labels = "classification", _YES_NO
    if kind == "auto":
        return set(), every
    if kind == "regression":
        return {SCORE}, {SCORE}
    # `yes` and `no` have the probability of `yes` as their score, whoever says them.
    if kind == "ordinal" or labels == _YES_NO:
        return every, every
    return every - {SCORE}, every if labels is None else every - {SCORE}


def _type_of(project: Project, head: Head, target: str) -> str | None:
    """The type of what a target is learned from: of its feature, or of the field that the source declares."""
    field, labels = head.field_of(target), head.labels
    types: set[str | None] = {project.study.sources[name].fields.get(field) for name in labels.source or []}
    # What is wrong with a task or a wave is told by their own checks.
    with suppress(GoldpanError, OSError):
        features = [features_of_stage(project, stage) for stage in labels.stage or []]
        if labels.wave:
            features.append(list(WaveRun(project, labels.wave).codebook.features))
        types |= {feature.type for some in features for feature in some if feature.name == field}
    return types.pop() if len(types) == 1 else None


def _external_that_may_write(annotated: Annotated, column: str) -> str | None:
    """The head made elsewhere that may write a column; how many outputs it has is known once it is read."""
    for name in annotated.regression_head_checkpoints:
        if re.fullmatch(rf"score_{re.escape(name)}(_[0-9]+)?", column):
            return name
    return None
