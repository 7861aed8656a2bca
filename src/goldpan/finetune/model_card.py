"""The card of a fine-tuned model: what it learned from what, how well, and what to know before it is used."""

from __future__ import annotations

from goldpan.finetune.training_report import TrainingReport
from goldpan.markdown import markdown_code, markdown_table, markdown_text


def model_card(report: TrainingReport) -> str:
    """The card as Markdown; it names no folder of the machine it was made on."""
    lora = report.settings["lora"]
    targets = lora["target_modules"]
    revision = report.model["revision"]
    saved = lora["modules_to_save"]
    facts = [
        ("Base model", markdown_code(report.model["name"]) + (f", commit {revision}" if revision else "")),
        ("Files of the base model", f"SHA-256 {report.model['sha256']}"),
        ("Adapter", f"SHA-256 {report.adapter_sha256}"),
        ("Export", markdown_code(report.export)),
        (
            "LoRA",
            f"rank {lora['rank']}, alpha {lora['alpha']:g}, dropout {lora['dropout']:g}, on "
            + (targets if isinstance(targets, str) else ", ".join(map(markdown_code, targets)))
            + (f"; trained whole: {', '.join(map(markdown_code, saved))}" if saved else ""),
        ),
        ("Parameters", f"{report.trained_parameters:,} trained, of {report.parameters:,}"),
        (
            "Steps",
            f"{report.steps:,} of {report.planned_steps:,}"
            + (", stopped early" if report.stopped_early else "")
            + f"; taken: step {report.best_step:,}",
        ),
        ("Learning rate", f"{report.settings['learning_rate']:g}, seed {report.settings['seed']}"),
        ("Longest row", f"{report.max_length:,} tokens; {len(report.left_out):,} longer rows were left out"),
        ("Computed", f"{report.device}, {report.compute_dtype}, {report.seconds:,.0f} s"),
    ]
    losses = [
        ("the model as it was", f"{report.untuned_valid_loss:.4f}"),
        ("with the adapter", f"{report.valid_loss:.4f}"),
        ("merged", f"{report.merged_valid_loss:.4f}"),
    ]
    data = [
        (split, f"{counts.rows:,}", f"{counts.tokens:,}", f"{counts.completion_tokens:,}")
        for split, counts in report.data.items()
    ]
    return "\n".join(
        [
            f"# {markdown_text(report.finetune)}",
            "",
            "A causal language model, fine-tuned with LoRA on answers of a study; made by goldpan.",
            "",
            markdown_table(["what", "is"], facts),
            "",
            "## What it learned from",
            "",
            "Only the completions are learned; prompts are read.",
            "",
            markdown_table(["split", "rows", "tokens", "of these learned"], data, [False, True, True, True]),
            "",
            "## How well it fits",
            "",
            "The loss on `valid`, in nats per token of the completions, by which the step was"
            " chosen. It says nothing of right and wrong answers: evaluate the model against gold that it"
            " has not learned from.",
            "",
            markdown_table(["model", "loss on valid"], losses, [False, True]),
            *(
                ["", "## To know", "", *(f"- {markdown_text(line)}" for line in report.warnings)]
                if report.warnings
                else []
            ),
            "",
            "## Before it is used or given away",
            "",
            "The licence of the base model holds for this one, too, and so may the terms of whoever made the"
            " answers that it learned from. Weights may tell of texts they were trained on.",
            "",
            "Made with " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + ".",
            "",
        ]
    )
