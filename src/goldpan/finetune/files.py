"""Which artifacts fine-tuning is made of: names, which rules ask for, too."""

from __future__ import annotations

from goldpan.study.load import Project

FINETUNED_FOLDERS = ("adapter", "merged")
FINETUNED_FILES = ("training.json", "card.md", "curve.svg")
LEARNED_SPLITS = ("train", "valid")
"""Splits of an export that a training reads; what is in `test` it never sees."""


def training_data(project: Project, finetune: str) -> dict[str, str]:
    """Split -> the artifact that a fine-tuning reads it from."""
    export = project.study.finetunes[finetune].export
    return {split: project.paths.export(export, f"{split}.jsonl") for split in LEARNED_SPLITS}
