"""The work on one batch that is answered online: what the ledger, the budget and whoever watches are told.

The ledger is told before a request goes out and soon after its answer came, the budget is held against what
was truly spent, and it is said how it goes.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from goldpan.batches.budget import spending_of
from goldpan.batches.estimate import LEARN_FROM, stage_price
from goldpan.batches.outcomes import KnownLine, Readers, read_outcomes
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, BudgetError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.online.watch import Traffic
from goldpan.providers.patience import say_on_stderr
from goldpan.study.load import Project
from goldpan.study.stage import FLEX
from goldpan.tasks.batch_lines import read_batch_line, row_failure
from goldpan.tasks.usage import service_tier, usage_of

# How often answers are taken into the ledger, and how often it is said how it goes, in seconds.
TAKE_SECONDS, SAY_SECONDS = 0.5, 5.0
# The rate is that of the last so many times it was said.
_RATE_OVER = 12


class _Look(NamedTuple):
    """How many requests were done at some time, in seconds of the clock."""

    at: float
    done: int


class OnlineWork:
    """What the ledger, the budget and whoever watches are told of the work on one batch (a `Watch`).

    Args:
        stage_name: of the study that works on it; the batch may have been made by another.
        submission: an open one.

    Attributes:
        done: requests that are answered or have failed for now, in all runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        project: Project,
        stage_name: str,
        submission: Submission,
        *,
        say: Callable[[str], None] = say_on_stderr,
        clock: Clock = SYSTEM_CLOCK,
    ):
        self._ledger, self._submission, self._say, self._clock = ledger, submission, say, clock
        self._study, self._stage_name = project.study.study, stage_name
        self._stage = project.study.asked_stages[stage_name]
        self._asked = ledger.asked_by(submission.id)
        self._readers = Readers(project, asked_stage(self._stage).output, submission)
        self._tier = self._stage.asked_tier
        self._prices = {
            tier: stage_price(self._stage, is_free=submission.is_free, is_online=True, tier=tier)
            for tier in (None, FLEX)
        }
        self._price = self._prices[self._tier]
        self._untaken: list[KnownLine] = []
        self._title = f"{stage_name}, round {submission.round}"
        self.done = self._failed = self._answered_here = 0
        # `_cost_as_asked` is what the answers would have cost at the tier that is asked for.
        self._spent_before = self._cost = self._cost_as_asked = 0.0
        self._falling_back: set[str] = set()
        self._fell_back = self._lost = 0
        self._lacks_usage = False
        self._other_tiers: Counter[str] = Counter()
        self._taken_at = self._said_at = clock.monotonic()
        self._looks: deque[_Look] = deque(maxlen=_RATE_OVER)

    def resumed(self, lines: Iterator[bytes]) -> None:
        """As `Watch.resumed`: take what a run that was stopped had no time to."""
        sent = self._ledger.sent(self._submission.id)
        for line in lines:
            self.done += 1
            known = self._known(line)
            if known is None:
                continue
            self._failed += row_failure(known.row) is not None
            if sent.pop(known.row.custom_id, None) is not None:
                self._untaken.append(known)
        self.take()
        if sent:
            self._say(
                f"{self._title}: {len(sent)} requests were under way when the run before this one was"
                " stopped, or about to be: their answers are lost, and may have to be paid. They are asked"
                " again"
            )
            self._ledger.record_lost_calls(self._submission.id, len(sent))
            self._ledger.record_unsent(self._submission.id, list(sent))
        spending = spending_of(self._ledger, self._study, self._stage_name, self._stage)
        self._spent_before, self._cost, self._cost_as_asked = spending.total_usd, 0.0, 0.0
        self._looks.append(_Look(self._clock.monotonic(), self.done))

    def may_send(self, in_hand: int, standard: int = 0) -> bool:
        """As `Watch.may_send`: whether the budget holds by what is spent, and what is under way may cost."""
        budget = self._stage.budget_usd
        if budget is None or self._submission.is_free:
            return True
        under_way = (in_hand - standard + standard * self._times_dearer) * self._expected
        return self._spent + under_way <= budget

    @property
    def _spent(self) -> float:
        """USD that are spent in all runs, or may be."""
        return self._spent_before + self._cost + self._lost * self._expected

    @property
    def _times_dearer(self) -> float:
        """How much more a request costs that is not at the tier; 1 where nobody knows, or there is none."""
        here, ordinary = self._prices[self._tier], self._prices[None]
        if here is None or ordinary is None or not (here.prompt and here.completion):
            return 1.0
        return max(ordinary.prompt / here.prompt, ordinary.completion / here.completion)

    @property
    def _expected(self) -> float:
        """USD for one request: by the answers of this run of few of them not less than planned."""
        planned = (self._submission.estimated_usd or 0.0) / max(1, self._submission.requests)
        if not self._answered_here:
            return planned
        mean = self._cost_as_asked / self._answered_here
        return mean if self._answered_here >= LEARN_FROM else max(planned, mean)

    def refusal(self) -> BudgetError:
        """As `Watch.refusal`."""
        return BudgetError(
            f"{self._spent:.4f} USD are spent, and another request, for about {self._expected:.4f} USD, would"
            f" go above the budget of {self._stage.budget_usd or 0:.4f} USD; {self.done:,} of"
            f" {self._submission.requests:,} requests of this batch are done, and that is kept",
            where=f"stage {self._stage_name}",
            remedy="raise `budget_usd` and run again, which asks the others; or"
            f" `goldpan features {self._stage_name} --study {self._study}` makes the features of what is"
            " answered so far",
        )

    def sending(self, custom_ids: Sequence[str]) -> None:
        """As `Watch.sending`."""
        self._ledger.record_sent(self._submission.id, custom_ids)
        reached("sending")

    def refused(self, custom_ids: Sequence[str]) -> None:
        """As `Watch.refused`."""
        self._ledger.record_unsent(self._submission.id, custom_ids)

    def falling_back(self, custom_ids: Sequence[str]) -> None:
        """As `Watch.falling_back`."""
        self._falling_back.update(custom_ids)
        self._fell_back += len(custom_ids)

    def written(self, custom_id: str, line: bytes) -> None:
        """As `Watch.written`."""
        reached("answer_written")
        self.done += 1
        known = self._known(line)
        if known is None:
            return
        failure = row_failure(known.row)
        self._failed += failure is not None
        if failure is None:
            self._count(known)
        self._falling_back.discard(custom_id)
        self._untaken.append(known)

    def _count(self, known: KnownLine) -> None:
        """Count what an answer has cost, at the tier that it was made at."""
        tier, tokens = service_tier(known.row.body), usage_of(known.row.body)[:4]
        paid = self._prices[FLEX if tier == FLEX else None]
        if not any(tokens):
            self._cost += self._expected
            if not self._lacks_usage:
                self._say(
                    f"{self._title}: an answer does not say how many tokens it took (`usage`): what it cost"
                    " is not known, and the budget is held by what was planned"
                )
            self._lacks_usage = True
        elif self._price is not None and paid is not None:
            self._answered_here += 1
            self._cost += paid.cost(*tokens)
            self._cost_as_asked += self._price.cost(*tokens)
        if self._tier is None or tier == self._tier or known.row.custom_id in self._falling_back:
            return
        if not self._other_tiers:
            says = f"says that it was answered at `{tier}`" if tier else "does not say at which tier it was"
            self._say(
                f"{self._title}: a request was asked at the tier `{self._tier}`, and the answer {says}: it is"
                " reckoned at the ordinary price"
            )
        self._other_tiers[tier or "no tier"] += 1

    def _known(self, line: bytes) -> KnownLine | None:
        try:
            row = read_batch_line(line)
        except AnswerError:
            return None
        asked = self._asked.get(row.custom_id)
        return None if asked is None else KnownLine(row, line.rstrip(b"\n"), *asked)

    def look(self, traffic: Traffic) -> None:
        """As `Watch.look`."""
        # Read once: another thread counts on meanwhile.
        lost = traffic.lost
        if lost > self._lost:
            self._ledger.record_lost_calls(self._submission.id, lost - self._lost)
            self._lost = lost
        now = self._clock.monotonic()
        if now - self._taken_at >= TAKE_SECONDS:
            self.take()
        if now - self._said_at >= SAY_SECONDS:
            self._said_at = now
            self._say(self._progress(_Look(now, self.done), traffic))

    def take(self) -> None:
        """Take what came since the last time into the ledger."""
        if self._untaken:
            outcomes = [outcome for _, outcome in read_outcomes(self._untaken, self._readers.get)]
            self._ledger.take(self._submission.id, outcomes)
            self._untaken.clear()
            reached("taken")
        self._taken_at = self._clock.monotonic()

    def _progress(self, look: _Look, traffic: Traffic) -> str:
        before = self._looks[0] if self._looks else look
        self._looks.append(look)
        rate = (look.done - before.done) / max(1e-9, look.at - before.at)
        total = self._submission.requests
        parts = [f"{look.done:,}/{total:,} requests", f"{rate:.1f} a second"]
        quiet = round(max(0.0, traffic.quiet_until - time.monotonic()))
        if rate:
            minutes, seconds = divmod(round((total - look.done) / rate) + quiet, 60)
            parts.append(f"{minutes}:{seconds:02d} left")
        if self._price is not None and not self._submission.is_free:
            parts.append(f"{self._spent:.4f} USD so far")
        if self._failed:
            parts.append(f"{self._failed:,} failed")
        if self._fell_back:
            parts.append(f"{self._fell_back:,} asked without `tier: {self._tier}` for lack of room")
        if self._other_tiers:
            parts.append(f"{self._other_tiers.total():,} answered at another tier than `{self._tier}`")
        parts.append(f"up to {traffic.at_once} at once")
        if quiet:
            parts.append(f"quiet for {quiet} seconds as the service asks")
        refusals = [f"{count} x {kind}" for kind, count in sorted(traffic.refusals.items())]
        return f"{self._title}: {', '.join(parts)}" + (
            f" (asked again: {', '.join(refusals)})" if refusals else ""
        )
