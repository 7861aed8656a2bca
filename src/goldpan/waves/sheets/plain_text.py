"""An item as one text, for tools that show nothing else."""

from __future__ import annotations

from goldpan.waves.answer_text import field_text
from goldpan.waves.sheets.sheet import SheetRow


def plain_text(row: SheetRow) -> str:
    """The fields of an item one below the other, each under its name; a single field stands alone."""
    if len(row.fields) == 1:
        return field_text(next(iter(row.fields.values())))
    return "\n\n".join(f"{name}:\n{field_text(value)}" for name, value in row.fields.items())
