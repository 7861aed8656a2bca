"""What is told of a training, as `training.json` holds it: losses, data, settings, what it was made with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldpan.files import document_as, of_known_keys


@dataclass(frozen=True)
class TrainedOn:
    """One split of the export.

    Attributes:
        rows: that were trained or measured on.
        tokens: of these, each once.
        completion_tokens: those among them that the loss is over.
        sha256: of the file.
    """

    rows: int
    tokens: int
    completion_tokens: int
    sha256: str


@dataclass(frozen=True)
class LongRow:
    """A row that was left out, as it has more than `max_length` tokens."""

    split: str
    line: int
    tokens: int


@dataclass(frozen=True)
class StepLoss:
    """The loss of a step's rows before the step, in nats per token of the completions.

    Attributes:
        epoch: how often the rows were seen by then, e.g. 1.5.
        grad_norm: Euclidean norm of the gradients, before it was cut to 1.
    """

    step: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float | None


@dataclass(frozen=True)
class ValidLoss:
    """The loss on valid after a step; step 0 is the model as it was."""

    step: int
    loss: float


@dataclass(frozen=True)
class TrainingReport:
    """A training.

    Attributes:
        finetune, export: names in the study.
        model: name as the study gives it, revision, and sha256 of its files.
        adapter_sha256: of the adapter's weights.
        settings: as the study says, defaults included.
        device: such as `cpu`, or the GPU's name.
        compute_dtype: of the weights that stay.
        max_length: in tokens, as it came to be.
        batch_tokens: the budget in the end; less than in the beginning where memory ran out.
        parameters, trained_parameters: of the model, and those that were learned.
        data: by split.
        left_out: rows that are too long.
        planned_steps: of all epochs.
        steps: those that were done.
        best_step: the one whose adapter this is.
        stopped_early: whether the loss on valid had not fallen for too long.
        untuned_valid_loss, valid_loss, merged_valid_loss: of the model as it was, with the adapter, and of
            the merged folder as it was read again.
        tokens: seen in training, padding not counted.
        seconds: of training and evaluation, over all jobs that took part.
        losses, valid_losses: step by step.
        versions: of the packages.
        warnings: for people.
    """

    finetune: str
    export: str
    model: dict[str, Any]
    adapter_sha256: str
    settings: dict[str, Any]
    device: str
    compute_dtype: str
    max_length: int
    batch_tokens: int
    parameters: int
    trained_parameters: int
    data: dict[str, TrainedOn]
    left_out: list[LongRow]
    planned_steps: int
    steps: int
    best_step: int
    stopped_early: bool
    untuned_valid_loss: float
    valid_loss: float
    merged_valid_loss: float
    tokens: int
    seconds: float
    losses: list[StepLoss]
    valid_losses: list[ValidLoss]
    versions: dict[str, str]
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; numbers stay as they are, for learning rates are small."""
        return asdict(self)


def read_training_report(path: Path) -> TrainingReport:
    """The report of a training, as `training.json` holds it.

    Raises:
        SourceError: it is none.
    """
    return document_as(path, _report, "the report of a training", "delete it and run again: it is made anew")


def _report(raw: dict[str, Any]) -> TrainingReport:
    parts = {
        "data": {split: of_known_keys(TrainedOn, counts) for split, counts in raw["data"].items()},
        "left_out": [of_known_keys(LongRow, row) for row in raw["left_out"]],
        "losses": [of_known_keys(StepLoss, loss) for loss in raw["losses"]],
        "valid_losses": [of_known_keys(ValidLoss, loss) for loss in raw["valid_losses"]],
    }
    return of_known_keys(TrainingReport, raw | parts)
