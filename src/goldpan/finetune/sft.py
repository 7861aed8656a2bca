"""TRL's SFTTrainer with planned steps, a token budget that halves, and nothing that leaves this machine.

Imported where a model is trained only: it loads torch, transformers, peft and trl.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from goldpan.crashpoints import reached
from goldpan.errors import FineTuneError
from goldpan.finetune.checkpoints import CheckpointManifest, Checkpoints
from goldpan.finetune.token_budget import TokenBudget, learned_tokens, mean_loss
from goldpan.finetune.tokens import TokenizedRow
from goldpan.models.device import is_out_of_memory


class PlannedTrainer(SFTTrainer):
    """TRL's trainer, whose batches are the rows of a planned step; it splits them itself.

    Args:
        steps: rows of each step, as of `plan_steps`.
        train, valid: the rows.
        budget: of tokens.
        others: what SFTTrainer takes.
    """

    def __init__(
        self,
        *,
        steps: Sequence[Sequence[int]],
        train: Sequence[TokenizedRow],
        valid: Sequence[TokenizedRow],
        budget: TokenBudget,
        **others: Any,
    ):
        self.budget = budget
        self._steps, self._train, self._valid = steps, train, valid
        # It looks at one row to see what kind of data it is; the rows themselves come by the steps.
        sample = Dataset.from_dict({"input_ids": [train[0].ids], "labels": [train[0].labels]})
        super().__init__(train_dataset=sample, eval_dataset=sample, **others)

    def get_train_dataloader(self) -> DataLoader:
        """The steps of all epochs, one after the other; to the trainer they are one epoch."""
        rows: Any = range(len(self._train))
        return DataLoader(rows, batch_sampler=[[*step] for step in self._steps], collate_fn=_as_rows)

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Add up the gradients of a step's rows; the loss is the mean over their completions' tokens."""
        rows = [self._train[row] for row in inputs["rows"]]
        tokens = learned_tokens(rows)
        while True:
            try:
                losses = [
                    super(PlannedTrainer, self).training_step(model, batch, tokens)
                    for batch in self.budget.batches(rows)
                ]
                break
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Nothing of the step that failed may stay in the gradients of its repetition.
            model.zero_grad()
            self.budget.halve(rows, self.args.device)
        loss = torch.stack(losses).sum()
        if not torch.isfinite(loss):
            raise FineTuneError(
                f"the loss of step {self.state.global_step + 1} is not a number any more",
                remedy="lower `learning_rate`"
                + ("" if self.args.fp16 is False else ", or compute in bfloat16 or float32"),
            )
        return loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The loss on valid."""
        loss = self.valid_loss()
        if not math.isfinite(loss):
            raise FineTuneError(
                f"the loss on valid is not a number any more after step {self.state.global_step}",
                remedy="lower `learning_rate`",
            )
        metrics = {"eval_loss": loss}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def valid_loss(self) -> float:
        """The mean loss on valid of the model as it is now."""
        return mean_loss(self.model, self._valid, self.budget, self.compute_loss_context_manager)

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted: what the trainer would count knows nothing of adapters."""
        return 0

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: it would name this machine's folders, and may ask the hub about the model."""

    def _send_telemetry(self) -> None:
        """Nothing leaves this machine."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # The adapter only; the trainer would also pickle its arguments, and copy the tokenizer each time.
        model: Any = self.model
        model.save_pretrained(output_dir or self.args.output_dir, state_dict=state_dict)


def _as_rows(rows: list[int]) -> dict[str, Any]:
    return {"rows": rows}


class Rhythm(TrainerCallback):
    """When the model is evaluated and kept, and when training ends; each checkpoint gets its manifest.

    Args:
        every: steps between two evaluations.
        last: all steps.
        patience: evaluations without a new best one.
        budget: of tokens, as it is stored.
        checkpoints: where they lie.
        say: takes a line after each evaluation.
        seconds: of computing by jobs before this one.

    Attributes:
        seconds: of computing in all.
    """

    def __init__(
        self,
        every: int,
        last: int,
        patience: int,
        budget: TokenBudget,
        checkpoints: Checkpoints,
        *,
        say: Callable[[str], None],
        seconds: float = 0.0,
    ):
        self._say = say
        self._every, self._last, self._patience = every, last, patience
        self._budget, self._checkpoints = budget, checkpoints
        self._seconds, self._began = seconds, time.monotonic()

    @property
    def seconds(self) -> float:
        """Of computing in all."""
        return self._seconds + time.monotonic() - self._began

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Evaluate and save every so many steps, and in the end."""
        is_due = state.global_step % self._every == 0 or state.global_step >= self._last
        control.should_log = True
        control.should_evaluate = control.should_save = is_due
        control.should_training_stop = state.global_step >= self._last

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop where the loss has not fallen for too long."""
        loss = state.log_history[-1]["eval_loss"]
        self._say(f"after step {state.global_step} of {self._last} the loss on valid is {loss:.4f}")
        if self._has_settled(state):
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that the checkpoint is whole."""
        reached("checkpoint_written")
        self._checkpoints.finish(
            CheckpointManifest(
                step=state.global_step,
                best_step=state.best_global_step,
                files={},
                seconds=self.seconds,
                batch_tokens=self._budget.tokens,
                stopped_early=self._has_settled(state) and state.global_step < self._last,
            )
        )
        reached("checkpoint_finished")

    def _has_settled(self, state: Any) -> bool:
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry and entry["step"]]
        return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= self._patience


def sft_arguments(folder: Path, **settings: Any) -> SFTConfig:
    """TRL's settings that are the same for all trainings, and those given: no reports, no hub, no pickles."""
    device = torch.device(settings.pop("device"))
    arguments = SFTConfig(
        output_dir=str(folder),
        use_cpu=device.type == "cpu",
        num_train_epochs=1,
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=1,
        max_length=None,
        lr_scheduler_type="cosine",
        eval_strategy="steps",
        save_strategy="steps",
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        # The best, the one before, and the one that is being written.
        save_total_limit=3,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        report_to="none",
        push_to_hub=False,
        **settings,
    )
    if device.type == "cuda":
        # One GPU, also where the machine has several; and the one that the study names.
        place = torch.device("cuda", device.index or 0)
        assert arguments.device
        arguments.__dict__["_setup_devices"] = place
        arguments._n_gpu = 1
        torch.cuda.set_device(place)
    return arguments
