"""Rows in batches under a budget of tokens that halves when memory runs out, and their loss.

Imported where a model is trained only: it loads torch and trl.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from goldpan.errors import FineTuneError
from goldpan.finetune.steps import token_batches
from goldpan.finetune.tokens import TokenizedRow
from goldpan.models.device import is_out_of_memory


class TokenBudget:
    """Rows through a model under a number of tokens that halves when memory runs out.

    Args:
        tokens: of a batch, padding included.
        pad_token: what rows are padded with.

    Attributes:
        tokens: as it is now.
    """

    def __init__(self, tokens: int, pad_token: int):
        self.tokens = tokens
        self._pad_token = pad_token

    def batches(self, rows: Sequence[TokenizedRow]) -> list[dict[str, torch.Tensor]]:
        """The rows as padded batches: `input_ids`, `attention_mask`, `labels`, each [rows, longest]."""
        lengths = [len(row.ids) for row in rows]
        packed = token_batches(lengths, range(len(rows)), self.tokens)
        return [self._padded([rows[place] for place in places]) for places in packed]

    def halve(self, rows: Sequence[TokenizedRow], device: torch.device) -> None:
        """Halve the budget, after memory has run out with these rows.

        Raises:
            FineTuneError: each of them went alone already.
        """
        longest = max(len(row.ids) for row in rows)
        largest = max(batch["input_ids"].numel() for batch in self.batches(rows))
        if device.type == "cuda":
            torch.cuda.empty_cache()
        if largest <= longest:
            raise FineTuneError(
                f"memory does not suffice for one row of {longest} tokens",
                where=f"the model on {device}",
                remedy="lower `max_length`, set `gradient_checkpointing: true`, or take a larger machine",
            )
        self.tokens = max(longest, largest // 2)

    def _padded(self, rows: Sequence[TokenizedRow]) -> dict[str, torch.Tensor]:
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

        collate = DataCollatorForLanguageModeling(pad_token_id=self._pad_token)
        return dict(collate([{"input_ids": row.ids, "labels": row.labels} for row in rows]))


def learned_tokens(rows: Sequence[TokenizedRow]) -> int:
    """How many tokens the loss is over. The first of a row has nothing before it, so it is not predicted."""
    return sum(row.completion_length - (row.prompt_length == 0) for row in rows)


def mean_loss(model: Any, rows: Sequence[TokenizedRow], budget: TokenBudget, context: Any) -> float:
    """The loss of each token of the completions, in nats, in the mean over all rows' tokens.

    Args:
        model: with TRL's fused output head, which never holds the scores of a whole vocabulary at once.
        context: gives the context manager of the forward pass, as for autocast.
    """
    model.eval()
    device = next(model.parameters()).device
    while True:
        try:
            total = 0.0
            for batch in budget.batches(rows):
                on_device = {name: tensor.to(device) for name, tensor in batch.items()}
                with torch.no_grad(), context():
                    total -= model(**on_device, fused_lm_head=True).log_probs.double().sum().item()
            return total / learned_tokens(rows)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside of `except`: the error holds on to the tensors of the pass that failed.
        budget.halve(rows, device)
