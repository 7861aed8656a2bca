"""Messages that tell of no job: shown where they are news."""

from __future__ import annotations

import logging

from snakemake_logger_plugin_goldpan.quiet import Shown
from snakemake_logger_plugin_goldpan.screen import Screen
from snakemake_logger_plugin_goldpan.snakemake_words import is_news


def show_message(screen: Screen, shown: Shown, record: logging.LogRecord) -> None:
    """Show a warning, or a message that is news; messages for debugging only with `--verbose`."""
    text = str(record.msg or "")
    if record.levelno >= logging.WARNING:
        if is_news(text):
            screen.error(text)
    elif record.levelno >= logging.INFO:
        if shown.ending and (is_news(text) or (shown.details and text)):
            screen.line(text)
    elif shown.details and text:
        screen.line(text)


def show_error(screen: Screen, lines: list[str]) -> None:
    """Show an error of Snakemake's own."""
    for at, line in enumerate(lines):
        if at:
            screen.line(line)
        else:
            screen.error(f"error: {line}")
