"""An export and a model -> an adapter, the merged model, and what is told of the training."""

from __future__ import annotations

import functools
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import FineTuneError
from goldpan.files import sha256_file, write_bytes, write_json
from goldpan.finetune.base_model import check_layers, lora_config
from goldpan.finetune.checkpoints import CheckpointManifest, Checkpoints, checkpoints_folder
from goldpan.finetune.curve import training_curve
from goldpan.finetune.findings import check_merged, things_to_know
from goldpan.finetune.made_folders import ADAPTER_WEIGHTS, whole_folder, write_adapter, write_merged_model
from goldpan.finetune.model_card import model_card
from goldpan.finetune.setup import TrainingSetup, package_versions, training_setup
from goldpan.finetune.training_report import StepLoss, TrainingReport, ValidLoss
from goldpan.folder_lock import alone_in
from goldpan.models.pretrained import load_causal_weights
from goldpan.models.threads import torch_threads
from goldpan.study.finetune import FineTune

if TYPE_CHECKING:
    from goldpan.finetune.sft import PlannedTrainer, Rhythm
    from goldpan.finetune.token_budget import TokenBudget

_EVALUATIONS = 10


@dataclass(frozen=True)
class _Training:
    """One training on its way.

    Attributes:
        setup: what is trained on what.
        steps: the rows of each step, as numbers of `train`.
        budget: of the tokens that are computed together; it shrinks where memory runs out.
        checkpoints: where it is kept.
        last: the checkpoint that it goes on after.
        say: takes lines about how far it is.
    """

    setup: TrainingSetup
    steps: list[list[int]]
    budget: TokenBudget
    checkpoints: Checkpoints
    last: CheckpointManifest | None
    say: Callable[[str], None]


def fine_tune(
    name: str,
    settings: FineTune,
    data: dict[str, Path],
    folder: Path,
    *,
    root: Path = Path(),
    threads: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> TrainingReport:
    """Train an adapter, and leave it and what is told of it in a folder.

    A training that was broken off goes on after its last checkpoint, and ends as if it had not been. On a CPU
    the same settings, data, model and packages give the same adapter, byte for byte.

    Args:
        name: of the fine-tuning.
        settings: what the study says.
        data: `train` and `valid`, the files of an export.
        folder: where the FINETUNED_FOLDERS and FINETUNED_FILES of `files` are put; one process at a time.
        root: where a relative folder of the model starts.
        threads: of the CPU.
        say: takes lines about how far it is.

    Raises:
        FineTuneError: there is nothing to learn, the model does not fit, the loss is no number, or
            memory runs out.
        EmbeddingError: the model cannot be loaded, or there is no such device.
    """
    with torch_threads(threads), alone_in(checkpoints_folder(folder)):
        setup = training_setup(name, settings, data, root)
        checkpoints = Checkpoints(checkpoints_folder(folder), setup.fingerprint())
        return _trained(_begun(setup, checkpoints, say), folder)


def _begun(setup: TrainingSetup, checkpoints: Checkpoints, say: Callable[[str], None]) -> _Training:
    from goldpan.finetune.token_budget import TokenBudget

    last = checkpoints.last()
    tokens = setup.batch_tokens if last is None else last.batch_tokens
    budget = TokenBudget(tokens, setup.tokenizer.pad_token_id)
    training = _Training(setup, setup.steps, budget, checkpoints, last, say)
    counts = setup.splits["train"].counts
    begin = "" if last is None else f"; goes on after step {last.step}"
    say(f"{counts.rows} rows, {len(training.steps)} steps on {setup.device}{begin}")
    return training


def _trained(training: _Training, folder: Path) -> TrainingReport:
    setup, checkpoints, budget = training.setup, training.checkpoints, training.budget
    # The trainer, and with it the model, is gone before the base is loaded once more.
    measured = _measured(training)
    done = checkpoints.last()
    assert done is not None
    with whole_folder(folder / "adapter") as adapter, whole_folder(folder / "merged") as merged:
        write_adapter(
            checkpoints.place(done.best_step), adapter, base=setup.base_name, revision=setup.files.revision
        )
        trusted = setup.settings.trust_remote_code
        write_merged_model(setup.files.folder, adapter, merged, trust_remote_code=trusted)
        report = TrainingReport(
            adapter_sha256=sha256_file(adapter / ADAPTER_WEIGHTS),
            merged_valid_loss=_loss_of_folder(merged, setup, budget),
            batch_tokens=budget.tokens,
            steps=done.step,
            best_step=done.best_step,
            stopped_early=done.stopped_early,
            seconds=round(done.seconds, 3),
            **measured,
            **_told_of(setup),
        )
        check_merged(report)
        report.warnings.extend(things_to_know(report))
        card = model_card(report).encode()
        for made in (adapter, merged):
            write_bytes(made / "README.md", card)
    write_bytes(folder / "card.md", card)
    write_bytes(folder / "curve.svg", f"{training_curve(report)}\n".encode())
    write_json(folder / "training.json", report.as_json())
    return report


def _measured(training: _Training) -> dict[str, Any]:
    """Train to the end, and give what the report tells of it."""
    from transformers.trainer_callback import TrainerState

    steps, checkpoints, last = training.steps, training.checkpoints, training.last
    trainer, rhythm = _trainer(training)
    model: Any = trainer.model
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    del model
    is_through = last is not None and (last.stopped_early or last.step >= len(steps))
    if not is_through:
        trainer.add_callback(rhythm)
        _train(trainer, None if last is None else checkpoints.place(last.step))
    done = checkpoints.last()
    assert done is not None
    # As the last checkpoint has it, so that the same is told by a job that finds the training finished.
    history = TrainerState.load_from_json(
        str(checkpoints.place(done.step) / "trainer_state.json")
    ).log_history
    lengths = [len(row.ids) for row in training.setup.splits["train"].rows]
    seen = [row for step in steps[: done.step] for row in step]
    valid = [ValidLoss(entry["step"], entry["eval_loss"]) for entry in history if "eval_loss" in entry]
    return {
        "parameters": sum(count for count, _ in sizes),
        "trained_parameters": sum(count for count, is_trained in sizes if is_trained),
        "planned_steps": len(steps),
        "untuned_valid_loss": valid[0].loss,
        "valid_loss": min(loss.loss for loss in valid[1:]),
        "tokens": sum(lengths[row] for row in seen),
        "losses": _step_losses(history, steps, len(lengths)),
        "valid_losses": valid,
    }


def _train(trainer: PlannedTrainer, checkpoint: Path | None) -> None:
    """Train, after a checkpoint where there is one.

    Raises:
        FineTuneError: the checkpoint holds something else than numbers and their names, which is not loaded.
    """
    try:
        with warnings.catch_warnings():
            # Of what transformers, trl and peft do among themselves.
            warnings.simplefilter("ignore", FutureWarning)
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    except pickle.UnpicklingError as error:
        raise FineTuneError(
            f"the checkpoint holds something that is no state of a training: {str(error).splitlines()[0]}",
            where=None if checkpoint is None else checkpoint.name,
            remedy="remove the folder `.checkpoints` beside the model; training begins anew",
        ) from None


def _step_losses(history: list[dict[str, Any]], steps: list[list[int]], rows: int) -> list[StepLoss]:
    seen, losses = 0, []
    for entry in history:
        if "loss" in entry:
            seen += len(steps[entry["step"] - 1])
            losses.append(
                StepLoss(
                    step=entry["step"],
                    epoch=seen / rows,
                    loss=entry["loss"],
                    learning_rate=entry["learning_rate"],
                    grad_norm=entry.get("grad_norm"),
                )
            )
    return losses


def _trainer(training: _Training) -> tuple[PlannedTrainer, Rhythm]:
    from transformers.trainer_callback import DefaultFlowCallback, PrinterCallback

    from goldpan.finetune.sft import PlannedTrainer, Rhythm, sft_arguments

    setup, steps, last = training.setup, training.steps, training.last
    settings = setup.settings
    model = load_causal_weights(
        setup.files.folder, setup.compute_dtype, trust_remote_code=settings.trust_remote_code
    )
    check_layers(model, settings.lora)
    every = settings.eval_steps or max(1, len(steps) // _EVALUATIONS)
    arguments = sft_arguments(
        training.checkpoints.folder,
        device=setup.device,
        seed=settings.seed,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=round(settings.warmup * len(steps)),
        gradient_checkpointing=settings.gradient_checkpointing,
        bf16=setup.compute_dtype == "bfloat16",
        fp16=setup.compute_dtype == "float16",
        # Of the model as it was; a job that goes on has it from the one before.
        eval_on_start=last is None,
    )
    trainer = PlannedTrainer(
        steps=steps,
        train=setup.splits["train"].rows,
        valid=setup.splits["valid"].rows,
        budget=training.budget,
        model=model,
        args=arguments,
        processing_class=setup.tokenizer,
        peft_config=lora_config(settings, model),
    )
    tuned: Any = trainer.model
    for parameter in tuned.parameters():
        # What is learned is kept in float32: in half precision small steps would round to none.
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    # Ours says when to evaluate, save and stop; what is told goes through `say`.
    for callback in (DefaultFlowCallback, PrinterCallback):
        trainer.remove_callback(callback)
    seconds = 0.0 if last is None else last.seconds
    rhythm = Rhythm(
        every,
        len(steps),
        settings.patience,
        training.budget,
        training.checkpoints,
        say=training.say,
        seconds=seconds,
    )
    return trainer, rhythm


def _loss_of_folder(folder: Path, setup: TrainingSetup, budget: TokenBudget) -> float:
    """The loss on valid of the model in a folder, as any program would load it."""
    import torch
    from trl.trainer.utils import add_fused_lm_head

    from goldpan.finetune.token_budget import mean_loss

    model = load_causal_weights(
        folder, setup.compute_dtype, trust_remote_code=setup.settings.trust_remote_code
    )
    add_fused_lm_head(model)
    context = functools.partial(
        torch.autocast,
        setup.device.partition(":")[0],
        dtype=getattr(torch, setup.compute_dtype),
        enabled=setup.compute_dtype != "float32",
    )
    return mean_loss(model.to(setup.device), setup.splits["valid"].rows, budget, context)


def _told_of(setup: TrainingSetup) -> dict[str, Any]:
    """What the report tells of the setup."""
    import torch

    is_gpu = setup.device.startswith("cuda")
    return {
        "finetune": setup.name,
        "export": setup.settings.export,
        "model": {
            "name": setup.base_name,
            "revision": setup.files.revision,
            "sha256": setup.files.sha256,
        },
        "settings": setup.settings.model_dump(mode="json") | {"model": setup.base_name},
        "device": torch.cuda.get_device_name(setup.device) if is_gpu else setup.device,
        "compute_dtype": setup.compute_dtype,
        "max_length": setup.max_length,
        "data": {split: rows.counts for split, rows in setup.splits.items()},
        "left_out": setup.left_out,
        "versions": package_versions(),
    }
