"""The results of an error analysis, as they are kept, shown and written to its JSON."""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.as_json import AsJson

FORMAT = "goldpan-errors-1"


@dataclass(frozen=True)
class ErrorReport(AsJson):
    """An error analysis.

    Attributes:
        name: as in the study.
    """

    name: str
