"""Answers that were made, and paid for, elsewhere, as the ledger holds them.

A file of such answers is a settled submission whose batch id begins with `imported_`. Its tokens and those of
its answers are 0, and so is `paid`: nothing was spent here. What an answer took its line says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import orjson

from goldpan.crashpoints import reached
from goldpan.ledger.database import LOOKUP_SIZE
from goldpan.ledger.lines import SAMPLE
from goldpan.ledger.rows import Outcome, Submission
from goldpan.ledger.store import Ledger

# What is answered here stays. A failure, or an answer that is not final, may be bettered by a final one; what
# its attempts have cost stays with it. One more attempt is counted, and forgiven: it was none of the rounds
# that a stage allows.
_ENTER = (
    "INSERT INTO answers (key, state, reason, retryable, attempts, forgiven, prompt_tokens,"
    " completion_tokens, submission, line) VALUES (?, ?, ?, ?, 1, ?, 0, 0, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
    " retryable = excluded.retryable, attempts = attempts + 1, forgiven = forgiven + 1,"
    " submission = excluded.submission, line = excluded.line"
    " WHERE (retryable OR state = 'failed') AND NOT excluded.retryable"
)


def note_of_import(file: str, sha256: str, service: str, prompt: str) -> str:
    """The note of a submission that stands for a file: its name, its hash, who answered, and whether what was
    asked could be compared (`compared` or `unknown`)."""
    return orjson.dumps(
        {"imported": {"file": file, "sha256": sha256, "service": service, "prompt": prompt}}
    ).decode()


def enter_imported(ledger: Ledger, submission: Submission, outcomes: Iterable[Outcome]) -> set[bytes]:
    """Enter the answers of one file, all of them or none, with the submission that stands for it.

    Args:
        submission: `requests` is the number of outcomes; its number is chosen here. Where nothing is entered
            it is not, either.
        outcomes: each request at most once. Their tokens are passed over.

    Returns:
        Keys of the requests that were passed over, as they are answered, or under way, by now.
    """
    passed_over: set[bytes] = set()
    with ledger.transaction():
        number = ledger.insert_submission(submission, None)
        entering = _not_under_way(ledger, outcomes, passed_over)
        first = list(islice(entering, SAMPLE))
        pack = ledger.lines.packer_for([o.line for o in first if o.line is not None], submission.requests)
        for outcome in chain(first, entering):
            line = None if outcome.line is None else pack(outcome.line)
            values = (outcome.key, outcome.state, outcome.reason, outcome.retryable, outcome.retryable)
            if ledger.db.execute(_ENTER, (*values, number, line)).rowcount < 1:
                passed_over.add(outcome.key)
        if entered := submission.requests - len(passed_over):
            ledger.db.execute("UPDATE submissions SET requests = ? WHERE id = ?", (entered, number))
        else:
            ledger.db.execute("DELETE FROM submissions WHERE id = ?", (number,))
        reached("importing")
    return passed_over


def _not_under_way(ledger: Ledger, outcomes: Iterable[Outcome], passed_over: set[bytes]) -> Iterator[Outcome]:
    outcomes = iter(outcomes)
    while part := list(islice(outcomes, LOOKUP_SIZE)):
        under_way = ledger.under_way([outcome.key for outcome in part])
        passed_over.update(under_way)
        yield from (outcome for outcome in part if outcome.key not in under_way)
