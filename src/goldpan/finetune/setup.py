"""All that a training depends on: the model's files, the rows as tokens, device, limits and fingerprint."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.errors import FineTuneError
from goldpan.files import canonical_json, read_json, sha256_file, sha256_hex
from goldpan.finetune.base_model import load_tokenizer, positions_of, stop_tokens
from goldpan.finetune.exports.files import CARD_JSON
from goldpan.finetune.rows import read_training_rows
from goldpan.finetune.steps import plan_steps
from goldpan.finetune.tokens import RowTokenizer, TokenizedRow
from goldpan.finetune.training_report import LongRow, TrainedOn
from goldpan.models.device import available_device
from goldpan.models.folders import ModelFiles, find_model
from goldpan.study.finetune import FineTune

_GPU_BUDGET, _CPU_BUDGET = 16_384, 2048
_NO_LIMIT = 1_000_000
_PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate")


@dataclass(frozen=True)
class TokenizedSplit:
    """The rows of one split that are trained or measured on."""

    rows: list[TokenizedRow]
    counts: TrainedOn


@dataclass(frozen=True)
class TrainingSetup:
    """All that a training depends on, once it is known.

    Attributes:
        name: of the fine-tuning.
        settings: what the study says.
        files: of the model.
        tokenizer: of the model.
        device: in PyTorch's words.
        compute_dtype: of the weights that stay.
        max_length: in tokens.
        splits: `train` and `valid`.
        left_out: rows that are too long.
    """

    name: str
    settings: FineTune
    files: ModelFiles
    tokenizer: Any
    device: str
    compute_dtype: str
    max_length: int
    splits: dict[str, TokenizedSplit]
    left_out: list[LongRow]

    @property
    def base_name(self) -> str:
        """The base model as the study names it; of a folder somewhere on this machine, its last part."""
        name = self.settings.model
        return Path(name).name if Path(name).is_absolute() or name.startswith("~") else name

    @property
    def steps(self) -> list[list[int]]:
        """The planned steps."""
        return plan_steps(
            [len(row.ids) for row in self.splits["train"].rows],
            batch_tokens=self.batch_tokens,
            gradient_accumulation=self.settings.gradient_accumulation,
            epochs=self.settings.epochs,
            seed=self.settings.seed,
        )

    @property
    def batch_tokens(self) -> int:
        """The token budget to begin with."""
        return self.settings.batch_tokens or (_CPU_BUDGET if self.device == "cpu" else _GPU_BUDGET)

    def fingerprint(self) -> str:
        """SHA-256 over all that shapes the adapter; checkpoints of another one are never gone on with."""
        described = {
            "settings": self.settings.as_setting(),
            "data": {split: rows.counts.sha256 for split, rows in self.splits.items()},
            "model": self.files.sha256,
            "device": self.device.partition(":")[0],
            "compute_dtype": self.compute_dtype,
            "max_length": self.max_length,
            "versions": package_versions(),
        }
        return sha256_hex(canonical_json(described))


def package_versions() -> dict[str, str]:
    """Versions of the packages that shape a training."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def training_setup(
    name: str, settings: FineTune, data: dict[str, Path], root: Path = Path()
) -> TrainingSetup:
    """Read the model's files but for its weights, and the rows.

    Args:
        name: of the fine-tuning.
        data: split -> file of the export.
        root: where a relative folder of the model starts.

    Raises:
        FineTuneError: there are no rows, or they or the model do not fit the settings.
        EmbeddingError: the model cannot be loaded, or there is no such device.
    """
    files = find_model(
        settings.model, root=root, revision=settings.revision, trust_remote_code=settings.trust_remote_code
    )
    device = available_device(settings.device)
    tokenizer = load_tokenizer(files.folder, settings.trust_remote_code)
    max_length = _max_length(settings, files.folder, tokenizer)
    as_tokens = RowTokenizer(tokenizer, stop_tokens(files.folder))
    left_out: list[LongRow] = []
    splits = {
        split: _rows_of(split, path, as_tokens, max_length, settings, left_out)
        for split, path in data.items()
    }
    return TrainingSetup(
        name=name,
        settings=settings,
        files=files,
        tokenizer=tokenizer,
        device=device,
        compute_dtype=_compute_dtype(settings, device),
        max_length=max_length,
        splits=splits,
        left_out=left_out,
    )


def _max_length(settings: FineTune, folder: Path, tokenizer: Any) -> int:
    positions = positions_of(folder, settings.trust_remote_code)
    own = min(positions or _NO_LIMIT, tokenizer.model_max_length)
    if settings.max_length is None and own >= _NO_LIMIT:
        raise FineTuneError(
            "the model does not say how long its texts may be",
            where=settings.model,
            remedy="set `max_length`",
        )
    if positions is not None and (settings.max_length or 0) > positions:
        raise FineTuneError(
            f"max_length is {settings.max_length}, but the model has positions for {positions} tokens",
            where=settings.model,
            remedy=f"set `max_length` to at most {positions}",
        )
    return int(settings.max_length or own)


def _compute_dtype(settings: FineTune, device: str) -> str:
    import torch

    if settings.compute_dtype != "auto":
        return settings.compute_dtype
    has_bfloat16 = device.startswith("cuda") and torch.cuda.get_device_capability(device) >= (8, 0)
    return "bfloat16" if has_bfloat16 else "float32"


def _check_as_exported(path: Path) -> None:
    """Check a file against the card of its export, where there is one.

    Raises:
        FineTuneError: it is not what was exported.
    """
    card = path.with_name(CARD_JSON)
    if not card.is_file():
        return
    said = read_json(card).get("files", {}).get(path.name, {}).get("sha256")
    if said is not None and said != sha256_file(path):
        raise FineTuneError(
            f"the file is not what was exported: its hash is not that of {CARD_JSON}",
            where=path.name,
            remedy="delete it, and the next run exports it again; to learn from rows of your own, correct"
            " what they are made from",
        )


def _rows_of(
    split: str,
    path: Path,
    as_tokens: RowTokenizer,
    max_length: int,
    settings: FineTune,
    left_out: list[LongRow],
) -> TokenizedSplit:
    """The rows of a file that are not too long; the others are put into `left_out`."""
    _check_as_exported(path)
    rows, long_rows = [], []
    for row in read_training_rows(path, path.name):
        tokens = as_tokens(row)
        if len(tokens.ids) <= max_length:
            rows.append(tokens)
        else:
            long_rows.append(LongRow(split, int(row.where.rpartition(" ")[2]), len(tokens.ids)))
    total = len(rows) + len(long_rows)
    if long_rows and settings.on_long == "stop":
        shown = ", ".join(f"line {row.line} ({row.tokens} tokens)" for row in long_rows[:5])
        more = f" and {len(long_rows) - 5} more" if len(long_rows) > 5 else ""
        raise FineTuneError(
            f"{len(long_rows)} of {total} rows have more than {max_length} tokens: {shown}{more}",
            where=path.name,
            remedy="raise `max_length`, shorten the prompt of the export, or leave them out: `on_long: skip`",
        )
    if not rows:
        what = "to learn from" if split == "train" else "to measure on, which says when to stop"
        reason = f"all {total} rows are too long" if total else "the file is empty"
        raise FineTuneError(
            f"the export has no rows {what}: {reason}",
            where=path.name,
            remedy="see the card of the export; more rows, or other shares of the splits, may help",
        )
    left_out += long_rows
    counts = TrainedOn(
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        completion_tokens=sum(row.completion_length for row in rows),
        sha256=sha256_file(path),
    )
    return TokenizedSplit(rows, counts)
