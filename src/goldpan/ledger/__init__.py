"""The durable memory of every paid batch and every answer."""

from goldpan.ledger.lock import RunLock
from goldpan.ledger.store import Answer, Ledger, Outcome, Submission

__all__ = ["Answer", "Ledger", "Outcome", "RunLock", "Submission"]
