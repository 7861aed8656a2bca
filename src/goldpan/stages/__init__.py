"""Stages: the files that a stage leaves for others to read, with one reader and one writer of each.

`documents` has what JSON documents share, `rows` the rows of features.jsonl and asked.jsonl, `plan` has
plan.json, `records` what a stage is asked, `columns` and `tables` its features as Parquet and CSV.
"""
