"""Annotations of other tools, read from their exports: joined by a stated key, never by position."""
