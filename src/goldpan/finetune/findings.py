"""What the figures of a training say: whether merging worked, and what to know before the model is used."""

from __future__ import annotations

from goldpan.errors import FineTuneError
from goldpan.finetune.training_report import TrainingReport

_MERGED_MAY_DIFFER = 0.05
"""In nats per token: what rounding the merged weights to the base's type may change."""


def check_merged(report: TrainingReport) -> None:
    """Check that the merged model is the one that was trained, by its loss.

    Raises:
        FineTuneError: it is another.
    """
    if abs(report.merged_valid_loss - report.valid_loss) > _MERGED_MAY_DIFFER * max(1.0, report.valid_loss):
        raise FineTuneError(
            f"the merged model has a loss of {report.merged_valid_loss:.4f} on valid, with the adapter it is"
            f" {report.valid_loss:.4f}: merging does not do justice to this kind of model",
            where=report.model["name"],
            remedy="leave `modules_to_save` out, or name `target_modules`",
        )


def things_to_know(report: TrainingReport) -> list[str]:
    """What people should know before they use the model, in sentences."""
    known = []
    if report.valid_loss >= report.untuned_valid_loss:
        known.append(
            f"The loss on valid never fell below that of the model as it was"
            f" ({report.untuned_valid_loss:.4f}): it has learned nothing that helps. Try a lower learning"
            " rate, or more rows."
        )
    elif report.best_step == report.planned_steps:
        known.append(
            "The loss on valid was lowest after the last step: with more epochs it may fall further."
        )
    if report.left_out:
        known.append(
            f"{len(report.left_out)} rows were left out, as they have more than {report.max_length} tokens;"
            " training.json lists them."
        )
    if report.batch_tokens < (report.settings["batch_tokens"] or 0):
        known.append(f"Memory ran out: batches were halved to {report.batch_tokens} tokens.")
    return known
