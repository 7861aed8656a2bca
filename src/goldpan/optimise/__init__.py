"""Searches for better prompts, through the ledger."""
