"""Where a data set with known answers has the right ones for a task, and how they are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from goldpan.errors import TaskError
from goldpan.study.base import Model, Tolerance
from goldpan.tasks.features import Extraction, Feature, Score, Text
from goldpan.tasks.nearest import suggestion


class Expected(Model):
    """Of one feature; what a task does not list is not measured.

    Attributes:
        field: of a row, `a.b` goes inside.
        judged_by: in place of a field, `STAGE.FEATURE` of who judges a free text.
        match: of an extraction, the fields that tell whether two objects are the same; default all.
        tolerance: of a score, how far off an answer may be that counts as right; default not at all.
    """

    field: str | None = Field(None, min_length=1)
    judged_by: str | None = Field(None, min_length=1)
    match: list[str] | None = Field(None, min_length=1)
    tolerance: Tolerance | None = None


def check_expected(expected: Mapping[str, Expected], features: Sequence[Feature]) -> None:
    """Check that what a task expects can be compared.

    Raises:
        TaskError: it names what is no feature, a free text, or fields that an extraction has not.
    """
    known = {feature.name: feature for feature in features}
    for name, says in expected.items():
        feature = known.get(name)
        if feature is None:
            raise TaskError(f"expected: there is no feature `{name}`; {suggestion(name, known)}")
        if isinstance(feature, Text) and says.judged_by is None:
            raise TaskError(
                f"expected.{name}: a free text cannot be compared",
                remedy=f"leave it out, or let another stage judge it: `{name}: {{judged_by: STAGE.FEATURE}}`",
            )
        if says.judged_by is not None and (not isinstance(feature, Text) or says.field is not None):
            raise TaskError(
                f"expected.{name}.judged_by: goes with a free text, and takes the place of `field`",
                remedy="a free text is judged; all else is compared with the right answer in a field",
            )
        if says.field is None and says.judged_by is None:
            raise TaskError(f"expected.{name}.field: this key is required")
        if says.tolerance is not None and not isinstance(feature, Score):
            raise TaskError(f"expected.{name}.tolerance: goes with a score, not with a {feature.type}")
        if says.match is None:
            continue
        if not isinstance(feature, Extraction):
            raise TaskError(f"expected.{name}.match: goes with an extraction, not with a {feature.type}")
        fields = [field.name for field in feature.fields]
        for field in says.match:
            if field not in fields:
                raise TaskError(
                    f"expected.{name}.match: there is no field `{field}`; {suggestion(field, fields)}"
                )
