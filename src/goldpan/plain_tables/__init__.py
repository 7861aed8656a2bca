"""Agreement and merging of plain tables of answers, outside any study."""
