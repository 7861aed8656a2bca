"""A chain as a table for the terminal: from the rows of its sources to those of its last stage."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from goldpan.chains.counts import Chain, SourceCounts, StageCounts
from goldpan.cli.tables import print_table

_WIDTH = 80
_LEAST = 24
"""Columns that are left for words where names and numbers are long."""
HEAD = ("step", "rows", "ok", "what became of them")


def print_chain(chain: Chain) -> None:
    """Print a row for each step of a chain, as wide as a terminal."""
    print(f"chain to {chain.stage}:")
    steps = [*map(_of_source, chain.sources), *map(_of_stage, chain.stages)]
    names = max(len(str(step[0])) for step in steps)
    numbers = sum(max(len(str(step[at])) for step in [HEAD, *steps]) for at in (1, 2))
    room = max(_LEAST, _WIDTH - names - numbers - 6)
    print_table(HEAD, [row for step in steps for row in _wrapped(step, room)], empty="")


def _wrapped(step: list[Any], room: int) -> Iterator[list[Any]]:
    first, *others = textwrap.wrap(step[3], room) or [""]
    yield [*step[:3], first]
    yield from (["", "", "", line] for line in others)


def _of_source(counts: SourceCounts) -> list[Any]:
    files = "1 file" if counts.files == 1 else f"{counts.files:,} files"
    words = [files, *_numbers(counts.skipped)]
    return [counts.source, f"{counts.rows:,}", f"{counts.records:,}", ", ".join(words)]


def _of_stage(counts: StageCounts) -> list[Any]:
    words = []
    if made := counts.explode:
        words.append(f"{made.items:,} items of {made.with_items:,} of {made.parents:,} records")
        words += [f"{made.repeated:,} repeated"] if made.repeated else []
    if gathered := counts.group:
        words.append(f"{gathered.children:,} gathered into {gathered.groups:,}")
    if counts.shared:
        words.append(f"{counts.shared:,} share an answer")
    failed = {state: count for state, count in counts.states.items() if state not in ("ok", "skipped")}
    words += [*_numbers(failed), *_numbers(counts.reasons.get("skipped", {}))]
    return [counts.stage, f"{counts.rows:,}", f"{counts.states.get('ok', 0):,}", ", ".join(words) or "-"]


def _numbers(counts: dict[str, int]) -> list[str]:
    return [f"{count:,} {name}" for name, count in counts.items()]
