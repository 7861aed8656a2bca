"""Runs of modules: what was asked, answered and measured, kept in a history and compared."""
