"""Evaluation: predictions of stages and heads held against a gold set, as JSON and as a page."""
