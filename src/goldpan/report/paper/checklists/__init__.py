"""Reporting checklists by item id: what artifacts answer, what the study states, and what is left."""
