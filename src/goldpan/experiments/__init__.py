"""Modules: whether what they are measured by can be relied on, and the history and comparison of runs."""
