"""Whether annotated rows would have two columns of one name, found before anything is embedded.

What a target writes may hang on labels that are not there yet; then all that it may write must be free.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from goldpan.batches.stage import StageRun
from goldpan.errors import ErrorGatherer, GoldpanError, StudyError
from goldpan.heads.output_keys import ALWAYS, STATE_KEYS
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


def check_columns(project: Project) -> None:
    """Check the columns of all annotated files.

    Raises:
        StudyError: two columns may have one name; SeveralErrors where it is more than one.
    """
    wrong = ErrorGatherer()
    for name, annotated in project.study.annotated.items():
        for what, key in _collisions(project, annotated):
            wrong.add(
                StudyError(
                    what,
                    where=f"annotated.{name}.{key}",
                    remedy=_REMEDIES[key],
                )
            )
    wrong.finish()


def _collisions(project: Project, annotated: Annotated) -> Iterator[tuple[str, str]]:
    """What collides, and the key of the study that says it."""
    own = list(_columns_of_heads(project, annotated))
    owners: dict[str, str] = {}
    for column, target in own:
        if owners.setdefault(column, target) != target:
            yield f"{owners[column]} and {target} would both write the column `{column}`", "heads"
        elif outside := _external_that_may_write(annotated, column):
            yield f"{target} and the checkpoint `{outside}` may both write the column `{column}`", "heads"
    for place, key in enumerate(annotated.output_keys):
        if key in annotated.output_keys[:place]:
            yield f"`{key}` is named twice", "output_keys"
        elif key in (*ALWAYS, *STATE_KEYS):
            yield f"every annotated row has a column `{key}` of its own", "output_keys"
        elif key in owners:
            yield f"{owners[key]} may write the column `{key}`, too", "output_keys"
        elif outside := _external_that_may_write(annotated, key):
            yield f"the checkpoint `{outside}` may write the column `{key}`, too", "output_keys"


def _columns_of_heads(project: Project, annotated: Annotated) -> Iterator[tuple[str, str]]:
    """Each column that the study's heads may write, and the target that does."""
    for name in annotated.heads:
        head = project.study.heads[name]
        for target in head.targets:
            written = _prefixes(project, head, target)
            for prefix in PREFIXES:
                if prefix in written and (prefix != PROBABILITIES or annotated.probabilities):
                    yield prefix + head.column_of(name, target), f"target `{target}` of head `{name}`"


def _prefixes(project: Project, head: Head, target: str) -> set[str]:
    """How the columns begin that a target may write (see `heads.columns.Columns`)."""
    settings = head.targets[target]
    if settings.kind == "regression":
        return {SCORE}
    labels, kind = settings.labels and set(settings.labels), settings.kind
    if kind == "auto":
        learned = _type_of(project, head, target)
        if labels is not None or learned in ("classification", "string"):
            kind = "classification"
        elif learned in ("score", "number", "integer"):
            return {SCORE}
    # `yes` and `no` have the probability of `yes` as their score, whoever says them.
    if kind == "classification" and labels is not None and labels != _YES_NO:
        return {LABEL, PROBABILITY, PROBABILITIES}
    return set(PREFIXES)


def _type_of(project: Project, head: Head, target: str) -> str | None:
    """The type of what a target is learned from: of its feature, or of the field that the source declares."""
    field, labels = head.field_of(target), head.labels
    types: set[str | None] = {project.study.sources[name].fields.get(field) for name in labels.source or []}
    # What is wrong with a task or a wave is told by their own checks.
    with suppress(GoldpanError, OSError):
        features = [StageRun(project, stage).features() for stage in labels.stage or []]
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
