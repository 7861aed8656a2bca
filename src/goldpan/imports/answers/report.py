"""What became of each line of imported answers, in numbers, in words, and line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

ENTERED = ("ok", "invalid", "refused", "truncated")
"""States of answers that are entered in the ledger."""

WHY_NOT = {
    "answered": "the ledger has an answer already, which stays",
    "other_answer": "the ledger has an answer that says something else, which stays",
    "under_way": "the request is under way in a batch of this project",
    "shared": "another row asks exactly the same, and its answer is taken for both",
    "repeated": "the same answer once more",
    "contradicting": "the file has answers to this row that differ; none is taken",
    "no_answer": "the service gave no answer; a run asks it",
    "other_model": "another model answered than the stage asks; --other-model takes it",
    "other_prompt": "something else was asked than the stage asks",
    "unknown_prompt": "nobody can tell which prompt was asked; give --requests FILE, or --prompt-unknown",
    "no_record": "no record of the stage has this key",
    "not_asked": "the stage does not ask this record",
    "ambiguous": "several records have this key",
    "no_key": "the line does not say what the key is of",
    "unreadable": "the line is no answer that can be read",
}
"""Fate of a line that is not entered -> what that means."""

_EXAMPLES = 3


class LineFate(NamedTuple):
    """What became of a line.

    Attributes:
        file, line: where it stands; lines count from 1.
        key: by which it was joined, if it has one.
        record: id of the record that it belongs to, if there is one.
        fate: a state of ENTERED, or a key of WHY_NOT.
        reason: more about it.
    """

    file: str
    line: int
    key: str | None
    record: str | None
    fate: str
    reason: str | None


@dataclass
class ImportReport:
    """What became of all lines; each has one fate, so the counts add up to the lines.

    Attributes:
        stage: that they are answers of.
        asks: the model that the stage asks.
        lines: lines of all files, blank ones apart.
        fates: how many lines had which fate.
        models: how many of the joined answers each model gave, as the service names it.
        examples: for each fate that needs a look, some lines in words.
        requests: how many requests the stage has in all.
        answered: how many of them have a final answer now, or would have after this.
        unreadable_requests: lines of request files that could not be read.
        is_dry_run: nothing was written.
    """

    stage: str
    asks: str
    lines: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    requests: int = 0
    answered: int = 0
    unreadable_requests: int = 0
    is_dry_run: bool = False

    @property
    def entered(self) -> int:
        """How many answers were entered, or would be."""
        return sum(self.fates[state] for state in ENTERED)

    @property
    def needs_a_look(self) -> bool:
        """Whether answers contradict each other, or no line could be joined to a record."""
        known = self.entered + sum(
            self.fates[name] for name in ("answered", "other_answer", "under_way", "shared")
        )
        return bool(self.fates["contradicting"]) or not known

    def add(self, fate: LineFate) -> None:
        """Count a line."""
        self.lines += 1
        self.fates[fate.fate] += 1
        examples = self.examples.setdefault(fate.fate, [])
        # What contradicts itself is named in full: a person has to decide.
        if fate.fate == "contradicting" or len(examples) < _EXAMPLES:
            who = fate.record or fate.key
            about = f" ({who})" if who else ""
            examples.append(
                f"{fate.file}, line {fate.line}{about}" + (f": {fate.reason}" if fate.reason else "")
            )

    def words(self) -> Iterator[str]:
        """Lines for the terminal."""
        would = "would be " if self.is_dry_run else ""
        states = ", ".join(f"{self.fates[state]:,} {state}" for state in ENTERED if self.fates[state])
        yield f"{self.lines:,} lines; {self.entered:,} answers {would}entered as paid elsewhere" + (
            f": {states}" if states else ""
        )
        if self.models:
            models = ", ".join(f"{model} ({count:,})" for model, count in sorted(self.models.items()))
            yield f"answered by {models}; stage `{self.stage}` asks {self.asks}"
        for fate, meaning in WHY_NOT.items():
            if self.fates[fate]:
                yield f"{self.fates[fate]:,} {fate}: {meaning}"
                if fate not in ("answered", "shared", "repeated"):
                    yield from (f"    {example}" for example in self.examples[fate])
        for fate in ENTERED[1:]:
            yield from (f"{fate}: {example}" for example in self.examples.get(fate, ()))
        if self.unreadable_requests:
            yield f"{self.unreadable_requests:,} lines of request files could not be read"
        left, are = self.requests - self.answered, "would be" if self.is_dry_run else "are"
        yield f"of {self.requests:,} requests of the stage {left:,} {are} left for a run to ask"
