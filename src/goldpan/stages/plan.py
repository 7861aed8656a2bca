"""plan.json: what a round asks, in which shards, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import ReconciliationError
from goldpan.stages.documents import as_type, read_document, unreadable, write_document

_WHAT = "a plan"
_REMEDY = "delete the file and run again: it is planned anew, and what was paid is in the ledger"


@dataclass
class Shard:
    """One request file of a round.

    Attributes:
        name: of the file; `p` and a hash for a shard that is under way from an earlier plan.
        hash: SHA-256 over `shard_row` of its rows; what the ledger knows the shard by.
        pending: it was submitted before this plan was made.
    """

    name: str
    hash: str
    requests: int
    bytes: int
    prompt_tokens: int
    pending: bool = False


@dataclass(frozen=True)
class Plan:
    """What `plan.json` says; see `read_plan`.

    Attributes:
        estimate: a `CostEstimate` of what this round asks.
        spent: USD that the stage has cost so far (`settled_usd`), and that are under way (`open_usd`).
        unpriced: models that have answered, and whose price nobody knows.
        over_budget: why the round must not be sent, if it must not.
    """

    study: str
    stage: str
    round: int
    provider: str
    model: str
    tasks: dict[str, str]
    records: int
    skipped: dict[str, int]
    requests: dict[str, int]
    shards: list[Shard]
    estimate: dict[str, Any]
    budget_usd: float | None
    over_budget: str | None
    spent: dict[str, float] = field(default_factory=dict)
    endpoint: str = "/v1/chat/completions"
    output: str = "tool"
    notes: list[str] = field(default_factory=list)
    unpriced: list[str] = field(default_factory=list)

    def cost_of(self, shard: Shard) -> float | None:
        """The estimated USD of a shard that is not sent yet: its share of the plan's; None when not known."""
        cost, asked = self.estimate["cost_usd"], self.requests.get("asked", 0)
        if cost is None or not asked:
            return cost
        return round(cost * shard.requests / asked, 6)

    def shard(self, name: str) -> Shard:
        """The shard of that name. Raises ReconciliationError when the plan has none."""
        for shard in self.shards:
            if shard.name == name:
                return shard
        raise ReconciliationError(
            f"the plan of round {self.round} of stage {self.stage} has no shard {name!r};"
            f" it has: {', '.join(shard.name for shard in self.shards) or 'none'}",
            remedy="name one of its shards; a plan whose requests the ledger has all answered has none",
        )


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan.json."""
    write_document(path, asdict(plan))


def read_plan(path: Path, stage: str, round: int) -> Plan:
    """Read the plan.json of a round, of this or an earlier version; keys of a later one are passed over.

    Raises:
        SourceError: it is damaged, of a newer format, lacks what a plan must have, or is of another round.
    """
    plan = as_type(Plan, read_document(path, _WHAT, _REMEDY), path, _WHAT, _REMEDY)
    if (plan.stage, plan.round) != (stage, round):
        raise unreadable(path, _WHAT, _REMEDY, f"it is of round {plan.round} of stage `{plan.stage}`")
    return plan


def task_hashes(tasks: Mapping[str, str]) -> str:
    """The hashes of a stage's tasks (name -> hash), as a submission has them."""
    return " ".join(tasks[name] for name in sorted(tasks))


def shard_row(custom_id: str, key_hex: str, attempts: int) -> bytes:
    """What a request adds to its shard's hash.

    The attempts are part of it: a shard asked again after it failed is another shard, and one that was
    settled is never submitted again under its old hash.
    """
    return f"{custom_id} {key_hex} {attempts}\n".encode()


def pending_name(shard: str) -> str:
    """Name of a shard that is under way from an earlier plan."""
    return f"p{shard[:12]}"
