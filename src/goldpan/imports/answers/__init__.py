"""Answers of batch services, made elsewhere, into the ledger: joined by a stated key, each marked."""
