"""Who writes new prompts: a model, each of whose texts is a request of its own in the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import cast

from goldpan.errors import OnlineError, PromptError
from goldpan.files import sha256_hex, write_bytes
from goldpan.optimise.candidate import Components
from goldpan.optimise.ledger_stage import LedgerStage
from goldpan.optimise.problem import Example, RefusedPromptError
from goldpan.optimise.prompt_faults import character_fault
from goldpan.optimise.task_version import about_component
from goldpan.providers.local.improving import (
    ANSWER_TAG,
    EXAMPLE_TAG,
    IMPROVER_INSTRUCTIONS,
    RIGHT_TAG,
    SHOWN_TAG,
    TEXT_TAG,
    tagged,
)
from goldpan.records.model import Record
from goldpan.tasks.features import value_of

IMPROVER_TASK = "goldpan_improver"
_TASK_FILE = f"""task: {IMPROVER_TASK}
description: A better version of a text of a prompt.
prompt: {{system: {IMPROVER_TASK}.system.j2, user: {IMPROVER_TASK}.user.j2}}
features:
  - {{name: text, type: text, bare: true, description: The new version of the text.}}
"""
_LONGEST_SHOWN = 4_000
_OUTAGE = 2
"""Requests that fail one after another, each for as long as its provider is waited for, end the search. What
fails alone may be that request's own fault, and another follows."""
_FENCE = re.compile(r"\A```[^\n`]*\n(.*?)\n?```\Z", re.DOTALL)


class PromptImprover:
    """As `problem.Improves`: asks a model for new texts.

    Args:
        stage: that asks it, with the task `IMPROVER_TASK` and `output: text`.
        fault: why a prompt with a new text may not be tried; empty where it may.

    Attributes:
        asked: how many texts were asked for.
    """

    def __init__(self, stage: LedgerStage, fault: Callable[[Components], str]):
        self._stage, self._fault = stage, fault
        self._tasks = stage.folder / "improver"
        self._failed = 0
        self.asked = 0

    def improve(
        self, components: Components, examples: Sequence[Example], part: str, *, number: int = 0
    ) -> str:
        """As of `Improves`; raises OnlineError, too, where the improver does not answer."""
        request = request_for(components, examples, part, number)
        self._write_task()
        name = f"rewrite-{sha256_hex(request.encode())[:32]}"
        record = {
            "id": name,
            "source": "rewrites",
            "file": "rewrites",
            "line": 1,
            "data": {"request": request},
        }
        self.asked += 1
        before = self._stage.asked
        try:
            (answer,) = self._stage.answers(self._tasks, [cast(Record, record)])
        except PromptError as error:
            raise RefusedPromptError(f"nothing could be asked: {error.what}") from None
        if answer.state != "failed":
            self._failed = 0
        elif self._stage.asked > before:
            self._count_failure(answer.reason)
        if answer.state != "ok":
            raise RefusedPromptError(f"no text came back: {answer.state}")
        text = without_fence(str(value_of(answer.predictions["text"])))
        new = {**components, part: text}
        if not text:
            raise RefusedPromptError("no text came back: it is empty")
        if text == components[part]:
            raise RefusedPromptError("it is the text as it was", new)
        if fault := character_fault(text, components) or self._fault(new):
            raise RefusedPromptError(fault, new)
        return text

    def _count_failure(self, reason: str) -> None:
        """Count a request that failed now; what failed in an earlier run is no outage of this one."""
        self._failed += 1
        if self._failed == _OUTAGE:
            stage = self._stage.stage
            raise OnlineError(
                f"the improver, `{stage.model}` of `{stage.provider}`, has answered none of the last"
                f" {self._failed} requests; at last: {reason}",
                remedy="run the same command again later: the search goes on where this stopped, and nothing"
                " that was answered is lost",
            )

    def _write_task(self) -> None:
        if not self._tasks.exists():
            write_bytes(self._tasks / f"{IMPROVER_TASK}.system.j2", IMPROVER_INSTRUCTIONS.encode())
            write_bytes(self._tasks / f"{IMPROVER_TASK}.user.j2", b"{{ data.request }}")
            write_bytes(self._tasks / f"{IMPROVER_TASK}.yaml", _TASK_FILE.encode())


def request_for(components: Components, examples: Sequence[Example], part: str, number: int) -> str:
    """What an improver is shown; the same arguments give the same text.

    Args:
        number: of this request among those that are otherwise the same, from 0.
    """
    others = [
        f"{name}:\n{text}"
        for name, text in components.items()
        if name != part and not name.startswith("label.")
    ]
    pieces = [
        f"The text is {about_component(part)}:",
        tagged(TEXT_TAG, components[part]),
        *(["The rest of the prompt, which stays as it is:", *others] if others else []),
    ]
    if examples:
        pieces.append("Rows that were answered with it:")
        pieces += [tagged(EXAMPLE_TAG, _example(example)) for example in examples]
    if number:
        pieces.append(f"This is rewrite number {number}: write one that differs from the obvious one.")
    return "\n\n".join(pieces)


def _example(example: Example) -> str:
    shown = example.row.own or example.row.text
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]} […]"
    answers = [f"{name}: {answer or 'no answer'}" for name, answer in example.predicted.items()]
    return "\n".join(
        [
            tagged(SHOWN_TAG, shown),
            tagged(ANSWER_TAG, "\n".join(answers)),
            tagged(RIGHT_TAG, "\n".join(f"{name}: {answer}" for name, answer in example.row.gold.items())),
            *([tagged("reasons", example.note)] if example.note else []),
        ]
    )


def without_fence(text: str) -> str:
    """An answer without the code fence that models put around texts, in one form of line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").strip()
    fenced = _FENCE.match(text)
    return fenced[1].strip() if fenced else text
