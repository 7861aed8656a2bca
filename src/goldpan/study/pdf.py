"""How PDFs of a source are cut into records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from goldpan.study.base import Model, RowLimit, no_number

Megabytes = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(no_number)]


class PdfSettings(Model):
    """How PDFs are cut into records, and how large they may be."""

    unit: Literal["page", "window", "paragraph"] = Field(
        "page", description="What becomes a record: a page, so many `pages` together, or a paragraph."
    )
    pages: RowLimit | None = Field(None, description="Pages of a window; required for `unit: window` only.")
    furniture: Literal["drop", "keep"] = Field(
        "drop",
        description="Whether running heads, footers and page numbers that recur on most pages are left out of"
        " the text.",
    )
    most_pages: RowLimit = Field(5_000, description="A file with more pages is skipped: too_many_pages.")
    most_megabytes: Megabytes = Field(
        500, description="A file with more than so many million bytes is skipped: too_large."
    )

    @model_validator(mode="after")
    def _pages_are_of_a_window(self) -> PdfSettings:
        if (self.unit == "window") != (self.pages is not None):
            raise ValueError(
                "`pages` says how many pages a window has"
                + ("" if self.unit == "window" else f"; `unit: {self.unit}` has no windows")
            )
        return self
