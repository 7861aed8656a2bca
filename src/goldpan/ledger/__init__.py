"""The durable memory of every paid batch and every answer."""

from goldpan.ledger.lock import RunLock
from goldpan.ledger.store import Answer, Asked, Ledger, Outcome, Submission

__all__ = ["Answer", "Asked", "Ledger", "Outcome", "RunLock", "Submission"]
