"""The durable memory of every paid batch and every answer."""

from goldpan.ledger.lock import RunLock
from goldpan.ledger.rows import Answer, Asked, BatchName, Orphan, Outcome, Spent, Submission
from goldpan.ledger.store import Ledger

__all__ = ["Answer", "Asked", "BatchName", "Ledger", "Orphan", "Outcome", "RunLock", "Spent", "Submission"]
