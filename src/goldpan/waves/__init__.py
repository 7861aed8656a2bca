"""Waves: samples given to annotators, sheets out and in, agreement, merged answers and the gold set."""
