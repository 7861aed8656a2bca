"""The name of the built-in weak annotator, as every artifact it makes gives it."""

BASELINE_MODEL = "goldpan-baseline-1"
