"""What becomes of each line that is joined: entered as an answer to a request of the stage, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

import orjson

from goldpan.batches.answered_twice import differing_answers
from goldpan.batches.outcomes import KnownLine, read_outcomes
from goldpan.errors import AnswerError
from goldpan.imports.answers.asked_text import asked_text, prompt_difference
from goldpan.imports.answers.gathered import GatheredLines
from goldpan.imports.answers.joined_lines import JoinedLine
from goldpan.imports.answers.model_names import is_same_model
from goldpan.imports.answers.report import ENTERED
from goldpan.imports.answers.service_lines import ServiceLine, read_service_line
from goldpan.ledger import Answer, Ledger
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.batch_lines import BatchLine, read_batch_line, row_failure

_CHUNK = 64
_KEY_BYTES = 32


@dataclass(frozen=True)
class Allowed:
    """What a person takes on their word.

    Attributes:
        unknown_prompt: answers of which nobody can tell what was asked.
        other_model: answers of other models than the stage asks.
    """

    unknown_prompt: bool = False
    other_model: bool = False


class _Read(NamedTuple):
    """A line, read: as the service has it, as the ledger would hold it, and that read again."""

    line: JoinedLine
    of_service: ServiceLine
    stored: bytes
    row: BatchLine


class FateDecider:
    """Decides on the lines that were gathered.

    Args:
        gathered: the lines, with the requests that they may belong to.
        ledger: what is known so far; nothing is written to it.
        model: that the stage asks.
        readers: task -> reader of its answers.
        max_rounds: how often the stage asks a request.
        allowed: what is taken on a person's word.

    Attributes:
        newly_answered: requests that a run need not ask any more, once what is taken is entered.
    """

    def __init__(
        self,
        gathered: GatheredLines,
        ledger: Ledger,
        model: str,
        readers: Mapping[str, AnswerReader],
        max_rounds: int,
        allowed: Allowed,
    ):
        self._gathered, self._ledger, self._model = gathered, ledger, model
        self._readers, self._max_rounds, self._allowed = readers, max_rounds, allowed
        self.newly_answered = 0

    def decide_all(self) -> None:
        """Give each joined line its fate, and take what is to be entered."""
        chosen = (read for group in self._gathered.joined() if (read := self._chosen(group)) is not None)
        while chunk := list(islice(chosen, _CHUNK)):
            self._judge(list(self._not_known(chunk)))

    def _chosen(self, group: list[JoinedLine]) -> _Read | None:
        """The line of a key that may be its answer; the others have their fate after this."""
        first = group[0]
        fate: tuple[str, str | None] | None = None
        if first.record is None:
            fate = ("no_record", None)
        elif first.other is not None:
            fate = ("ambiguous", f"{first.record!r} and {first.other!r}")
        elif first.skip is not None:
            fate = ("not_asked", first.skip)
        if fate is not None:
            for line in group:
                self._gathered.decide(line, *fate)
            return None
        return self._one_of(self._answers(group))

    def _answers(self, group: list[JoinedLine]) -> Iterator[_Read]:
        """Those that say something: an answer, or that the service refused to give one."""
        for line in group:
            try:
                of_service = read_service_line(self._gathered.content(line.number))
                file = self._gathered.files[line.file].name
                told = {"file": file, "line": line.line, "service": line.service, "key": line.key}
                stored = of_service.stored(line.custom_id, told)
                row = read_batch_line(stored)
            except AnswerError as error:
                self._gathered.decide(line, "unreadable", error.what)
                continue
            failure = row_failure(row)
            if failure is not None and failure.state != "refused":
                self._gathered.decide(line, "no_answer", f"{failure.state}: {failure.reason}")
            else:
                yield _Read(line, of_service, stored, row)

    def _one_of(self, answers: Iterator[_Read]) -> _Read | None:
        """The first answer, or the first refusal; where answers differ none."""
        read = list(answers)
        answered = [one for one in read if row_failure(one.row) is None]
        if len(answered) > 1 and any(
            differing_answers(((one.line.key, one.row.body) for one in answered), {answered[0].line.key})
        ):
            places = " and ".join(
                f"{self._gathered.files[one.line.file].name} line {one.line.line}" for one in answered[:2]
            )
            for one in read:
                self._gathered.decide(one.line, "contradicting", f"{places} differ")
            return None
        chosen = next(chain(answered, read), None)
        for one in read:
            if one is not chosen:
                self._gathered.decide(one.line, "repeated")
        if chosen is None or not self._is_of_the_stage(chosen):
            return None
        return chosen

    def _is_of_the_stage(self, read: _Read) -> bool:
        """Whether the model that the stage asks was asked what the stage asks, or a person takes it so."""
        line, model = read.line, read.line.model
        if not self._allowed.other_model:
            if model is None:
                self._gathered.decide(line, "other_model", "the answer does not say which model gave it")
                return False
            if not is_same_model(self._model, model):
                self._gathered.decide(line, "other_model", f"{model}, where the stage asks {self._model}")
                return False
        if self._prompt(read) == "unknown" and not self._allowed.unknown_prompt:
            self._gathered.decide(line, "unknown_prompt")
            return False
        if differs := self._prompt_difference(read):
            self._gathered.decide(line, "other_prompt", differs)
            return False
        return True

    def _prompt(self, read: _Read) -> str:
        if read.of_service.request is not None:
            return "compared"
        return "unknown" if self._gathered.asked_of(read.line.service_id)[0] is None else "compared"

    def _prompt_difference(self, read: _Read) -> str | None:
        echo = read.of_service.request
        asked, is_clear = (
            self._gathered.asked_of(read.line.service_id) if echo is None else (asked_text(echo), True)
        )
        if not is_clear:
            return "the request files have two requests of this id that differ"
        return None if asked is None else prompt_difference(asked, orjson.loads(read.line.text))

    def _not_known(self, chunk: list[_Read]) -> Iterator[_Read]:
        """Those to whose requests the ledger has no answer and no batch, each request once."""
        former = {read.line.number: _keys(read.line.former_keys) for read in chunk}
        keys = [read.line.request_key for read in chunk]
        keys += [key for of_line in former.values() for key in of_line]
        outcomes, under_way = self._ledger.answers(keys), self._ledger.under_way(keys)
        here: set[bytes] = set()
        for read in chunk:
            line = read.line
            own = (line.request_key, *former[line.number])
            known = next(
                (outcomes[key] for key in own if key in outcomes and _is_answered(outcomes[key])), None
            )
            if known is not None:
                fate = "other_answer" if _says_else(read.row, known.line) else "answered"
                self._gathered.decide(line, fate, f"it is {known.state}")
            elif any(key in under_way for key in own):
                self._gathered.decide(line, "under_way")
            elif line.request_key in here or self._gathered.is_taken(line.request_key):
                self._gathered.decide(line, "shared")
            else:
                here.add(line.request_key)
                yield read

    def _judge(self, reads: list[_Read]) -> None:
        """Check answers against their tasks, and take those that the ledger is to have."""
        known = [KnownLine(read.row, read.stored, read.line.request_key, read.line.task) for read in reads]
        before = self._ledger.outcomes([read.line.request_key for read in reads])
        outcomes = read_outcomes(known, self._readers.get)
        for read, (_, outcome) in zip(reads, outcomes, strict=True):
            earlier = before.get(outcome.key)
            if outcome.state not in ENTERED:
                self._gathered.decide(read.line, "no_answer", f"{outcome.state}: {outcome.reason}")
            elif earlier is not None and outcome.retryable:
                self._gathered.decide(
                    read.line, "answered", f"it is {earlier.state}, and this one is {outcome.state}"
                )
            else:
                self._gathered.take(read.line, outcome, self._prompt(read))
                may_be_asked = earlier is None or earlier.may_be_asked(self._max_rounds)
                self.newly_answered += may_be_asked and not outcome.retryable


def _keys(joined: bytes) -> list[bytes]:
    return [joined[at : at + _KEY_BYTES] for at in range(0, len(joined), _KEY_BYTES)]


def _says_else(row: BatchLine, stored: bytes | None) -> bool:
    """Whether a line says something else than the one that the ledger holds, as far as it can be read."""
    if stored is None:
        return False
    try:
        known = read_batch_line(stored)
    except AnswerError:
        return False
    if row_failure(row) is not None or row_failure(known) is not None:
        return (row_failure(row) is None) != (row_failure(known) is None)
    return any(differing_answers(((row.custom_id, known.body), (row.custom_id, row.body)), {row.custom_id}))


def _is_answered(answer: Answer) -> bool:
    """Whether an answer is there that stays; a failure is none, and one that is not final may be bettered."""
    return answer.state != "failed" and not answer.retryable
