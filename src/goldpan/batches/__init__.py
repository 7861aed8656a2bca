"""Asking a stage in batches: planning, request files, submission, waiting, fetching, settling, features."""
