"""The models of one's own: what they learned from, and how far their loss fell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.finetune.check import training_in_words
from goldpan.finetune.files import FINETUNED_FILES
from goldpan.html import Markup, element, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import Links, Part, text_paragraph, told
from goldpan.study.run_again import run_as_usual


def finetunes_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Each fine-tuning: what is trained on what, and what came of it."""
    content: list[Markup] = []
    for name, settings in artifacts.study.finetunes.items():
        content.append(element("h3", f"Model {name}", id=f"finetune-{name}"))
        content.append(text_paragraph(f"{training_in_words(settings)}."))
        missing = f"Not trained yet: {run_as_usual(artifacts.study.study)} to train it."
        content += told(artifacts.training(name), _training, missing=missing)
        content.append(links.list(*(artifacts.paths.finetuned(name, file) for file in FINETUNED_FILES)))
    return Part("finetunes", "Fine-tuned models", content)


def _training(made: Any) -> Iterator[Markup]:
    rows = made["data"]
    early = ", stopped early" if made["stopped_early"] else ""
    yield text_paragraph(
        f"Learned from {rows['train']['rows']:,} rows, {made['steps']:,} of {made['planned_steps']:,}"
        f" steps{early}; taken: step {made['best_step']:,}, by {rows['valid']['rows']:,} rows of valid."
        f" {made['seconds']:,.0f} s on {made['device']}."
    )
    for warning in made["warnings"]:
        yield text_paragraph(warning, class_="warn")
    losses = [
        ["as it was", f"{made['untuned_valid_loss']:.4f}"],
        ["with the adapter", f"{made['valid_loss']:.4f}"],
        ["merged", f"{made['merged_valid_loss']:.4f}"],
    ]
    yield table(["Model", "Loss on valid"], losses, caption="Loss in nats per token of the answers")
