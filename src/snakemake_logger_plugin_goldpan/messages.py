"""Messages that tell of no job: shown where they are news."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial

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


def pass_over_a_full_disk(logger: logging.Logger) -> None:
    """Let log files that the disk does not take miss what they cannot hold. Python's logging would print a
    traceback for each message, below the error that says what is wrong."""
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handleError = partial(_unless_of_the_disk, handler.handleError)  # type: ignore[method-assign]


def _unless_of_the_disk(handle: Callable[[logging.LogRecord], None], record: logging.LogRecord) -> None:
    if not isinstance(sys.exc_info()[1], OSError):
        handle(record)
