"""The durable memory of every paid batch and every answer."""

from goldpan.ledger.lock import RunLock
from goldpan.ledger.rows import Answer, Asked, Outcome, Submission
from goldpan.ledger.store import Ledger

__all__ = ["Answer", "Asked", "Ledger", "Outcome", "RunLock", "Submission"]
