"""One search for a better prompt of a project, from the files it reads to the files it leaves."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

from goldpan.clock import SYSTEM_CLOCK
from goldpan.crashpoints import reached
from goldpan.errors import StudyError
from goldpan.files import canonical_json, sha256_file, sha256_hex, write_bytes
from goldpan.folder_lock import alone_in
from goldpan.ledger import Ledger
from goldpan.optimise.asking import Asking, Candidates, work_folder
from goldpan.optimise.candidate import Candidate, Components, ScoredAnswers
from goldpan.optimise.ceiling import answers_of_wave, human_ceiling
from goldpan.optimise.check import check_answerers, check_methods_installed, check_rows
from goldpan.optimise.comparison import ComparedRows, metric_difference, metric_estimate, paired_tests
from goldpan.optimise.decide import JudgedCandidates, MethodSpending, judge
from goldpan.optimise.few_shot import few_shot
from goldpan.optimise.gepa_search import search_with_gepa
from goldpan.optimise.gold_rows import SearchData, read_search_data
from goldpan.optimise.headroom import headroom
from goldpan.optimise.improver import PromptImprover
from goldpan.optimise.improver_stage import improver_stage
from goldpan.optimise.ledger_stage import LedgerStage
from goldpan.optimise.money import ANSWERS, REWRITES, Money
from goldpan.optimise.page import search_page
from goldpan.optimise.problem import BudgetSpentError, Method, Problem
from goldpan.optimise.prompt_faults import length_fault
from goldpan.optimise.proposal import write_proposal
from goldpan.optimise.report import (
    CandidateReport,
    Ceiling,
    FiguresOnTest,
    Headroom,
    MethodReport,
    SearchReport,
    SearchRows,
    SearchSpending,
)
from goldpan.optimise.report_files import write_search
from goldpan.optimise.rewrites import FIRST_REWRITES, rewrites, some_rewrites
from goldpan.optimise.search_progress import SearchProgress
from goldpan.optimise.task_version import components_hash, components_of
from goldpan.optimise.training_text import TrainingText
from goldpan.providers.patience import say_on_stderr
from goldpan.records.test_looks import LookAtTest, hash_of_rows, looks, looks_file, record_look
from goldpan.report_provenance import ReportProvenance, report_input
from goldpan.statistics.bootstrap import REPLICATES
from goldpan.study.evaluation import Evaluation
from goldpan.study.load import Project
from goldpan.study.optimised import Method as MethodName
from goldpan.study.stage import TaskChoice


def optimise_in_project(project: Project, name: str) -> SearchReport:
    """Search, and write what was found; goes on where a search of the same settings was stopped.

    Raises:
        StudyError: there is no such search; its budget is too small; train or dev has no rows; or they say
            what test rows say.
        OnlineError, ProviderError, LedgerError: nobody could be asked; a later run goes on.
    """
    project.named("search", project.study.optimised, name)
    check_answerers(project, name)
    data = read_search_data(project, name)
    check_rows(project, name, data)
    check_methods_installed(project.study.optimised[name].methods)
    folder = work_folder(project.ledger.parent, project.study.study, name)
    with alone_in(folder.parent):
        search = _Search(project, name, data)
        report, winner = search.run()
        paths = [project.root / project.paths.optimised(name, f"{file}") for file in _FILES]
        write_proposal(project, data.task, winner, report)
        write_bytes(paths[2], search_page(report).encode())
        write_search(report, paths[0], paths[1])
        shutil.rmtree(folder, ignore_errors=True)
    say_on_stderr(f"{name}: {report.decision.why if not report.headroom.stops else report.headroom.why}")
    for note in report.notes:
        say_on_stderr(f"{name}: note: {note}")
    return report


_FILES = ("search.json", "candidates.jsonl", "search.html")


@dataclass(frozen=True)
class _Done:
    """What one method did."""

    method: MethodName
    asks: Asking
    candidates: list[Candidate]
    note: str


class _Search:
    """One search; what it asks is in the ledger, so that the next one goes the same way."""

    def __init__(self, project: Project, name: str, data: SearchData):
        self.project, self.name, self.data = project, name, data
        self.settings = project.study.optimised[name]
        stage = project.study.asked_stages[self.settings.stage]
        self.asked_stage = stage.model_copy(update={"task": [TaskChoice(task=data.task.name)]})
        self.money = Money(self.settings.budget.usd)
        folder = work_folder(project.ledger.parent, project.study.study, name)
        own = f"optimise-{name}"
        asked = LedgerStage(project, own, self.asked_stage, ANSWERS, folder, self.money)
        self.candidates = Candidates(
            asked, data.task, data.values, data.gold, data.records, self.settings.metric
        )
        self.seed, self.parts = components_of(data.task, self.settings.improves, f"optimised.{name}")
        self.train, self.dev = data.of_split("train"), data.of_split("dev")
        allowed = self.train if self.settings.allow_training_text else ()
        training = TrainingText(data.rows, self.seed, allowed)

        def fault(components: Components) -> str:
            return (
                self.candidates.fault(components)
                or length_fault(self.seed, components, self.settings.max_growth)
                or training.fault(components)
            )

        improves = improver_stage(project, name)
        rewriting = LedgerStage(project, f"{own}-improver", improves, REWRITES, folder, self.money)
        self.improver = PromptImprover(rewriting, fault)
        self.ledger_stages = (asked, rewriting)
        # The first prompt and the proposed one are asked all of test.
        self.money.kept_back = 2 * len(data.of_split("test"))

    def run(self) -> tuple[SearchReport, Candidate | None]:
        """Search; returns the report, and the candidate that is proposed."""
        say_on_stderr(
            f"{self.name}: {len(self.train)} rows to learn from, {len(self.dev)} to choose by; up to"
            f" {self.settings.budget.answers:,} answers for each of {', '.join(self.settings.methods)}"
        )
        try:
            seed_dev = self.candidates.with_budget(None).ask(self.seed, self.dev)
        except BudgetSpentError as error:
            raise StudyError(
                f"the first prompt alone costs more than the search may: {error}",
                where=f"optimised.{self.name}.budget.usd",
                remedy="raise it, or make dev smaller",
            ) from None
        reached("seed_asked")
        gain, first = self._headroom(seed_dev)
        done = [] if gain.stops else [self._method(method, seed_dev) for method in self.settings.methods]
        candidates = [candidate for each in done for candidate in each.candidates] or first
        judged = judge(
            self.settings, self.seed, seed_dev, candidates, self.train, self.dev, self._spent(done)
        )
        winner = next((each for each in candidates if each.name == judged.decision.proposed), None)
        on_test, notes = (None, []) if winner is None else self._on_test(winner)
        return self._report(gain, done, judged, on_test, notes), winner

    def _problem(self, seed_dev: ScoredAnswers, asks: Asking) -> Problem:
        return Problem(
            self.settings, self.seed, self.parts, self.train, self.dev, seed_dev, asks, self.improver
        )

    def _asks(self, method: str, seed_dev: ScoredAnswers) -> Asking:
        """A budget of answers for a method, of which is said how it is spent."""
        answers = self.settings.budget.answers
        title = f"{self.name}, {method}"
        return self.candidates.with_budget(
            answers, SearchProgress(title, answers, seed_dev, self.money, say_on_stderr)
        )

    def _headroom(self, seed_dev: ScoredAnswers) -> tuple[Headroom, list[Candidate]]:
        """What there is to gain, and the rewrites that were tried for it: the first of all."""
        asks = self._asks("headroom", seed_dev)
        first = some_rewrites(self._problem(seed_dev, asks), FIRST_REWRITES)
        compared = ComparedRows.of(self.settings.metric, self.dev, seed_dev, self.settings.seed)
        ceiling = self._ceiling()
        why = "" if ceiling else "the gold stands in fields, and `ceiling` names no wave"
        may_stop = self.settings.headroom == "stop"
        return headroom(compared, seed_dev, first, ceiling, why, may_stop=may_stop), first

    def _ceiling(self) -> Ceiling | None:
        """How well people do on dev; None where no wave is known that they answered."""
        wave = self.settings.ceiling or self._evaluation.wave
        if wave is None:
            return None
        of_gold = answers_of_wave(self.project, wave)
        answers = {own: of_gold.get(name, {}) for own, name in self.data.gold_names.items()}
        return human_ceiling(
            wave, answers, self.data.values, self.dev, self.settings.metric, self.settings.seed
        )

    def _method(self, method: MethodName, seed_dev: ScoredAnswers) -> _Done:
        asks = self._asks(method, seed_dev)
        before = self.money.is_spent
        candidates = [] if before else _methods()[method](self._problem(seed_dev, asks))
        reached(f"searched_{method}")
        note = ""
        if before:
            note = "it was not begun: the money of the search was spent"
        elif self.money.is_spent:
            note = "it ended early: the money of the search was spent"
        accepted = sum(candidate.is_accepted for candidate in candidates)
        said = f"{method} tried {len(candidates)} prompts and kept {accepted}, by {asks.looked_at:,} answers"
        say_on_stderr(f"{self.name}: {said}" + (f"; {note}" if note else ""))
        return _Done(method, asks, candidates, note)

    def _spent(self, done: list[_Done]) -> dict[str, MethodSpending]:
        return {
            candidate.name: MethodSpending(*each.asks.progress[components_hash(candidate.components)])
            for each in done
            for candidate in each.candidates
            if components_hash(candidate.components) in each.asks.progress
        }

    def _on_test(self, winner: Candidate) -> tuple[FiguresOnTest | None, list[str]]:
        """The one look at the test split; it is counted before anybody sees a figure."""
        rows = self.data.of_split("test")
        if not rows:
            return None, ["No row with gold is in test, so the proposed prompt is measured on dev alone."]
        asks = self.candidates.with_budget(None)
        self.money.kept_back = 0
        try:
            seed, proposed = (asks.ask(texts, rows) for texts in (self.seed, winner.components))
        except BudgetSpentError as error:
            return None, [f"The test split was not looked at: {error}."]
        reached("test_asked")
        record_look(self._looks_file(), self._look(winner))
        compared = ComparedRows.of(self.settings.metric, rows, seed, self.settings.seed)
        figures = FiguresOnTest(
            seed=metric_estimate(compared, seed),
            proposed=metric_estimate(compared, proposed),
            difference=metric_difference(compared, seed, proposed),
            p_value=paired_tests(compared, seed, [proposed]).p_values[0],
            rows=len(rows),
        )
        return figures, []

    @property
    def _evaluation(self) -> Evaluation:
        return self.project.study.evaluations[self.settings.evaluation or self.settings.stage]

    def _looks_file(self) -> Path:
        return looks_file(self.project, self._evaluation)

    def _rows_hash(self) -> str:
        """The hash of the test rows, as evaluations of this gold have it."""
        wave = self._evaluation.wave
        if wave is not None:
            return sha256_file(self.project.root / self.project.paths.gold(wave, "test.jsonl"))
        return hash_of_rows({row.id: dict(row.gold) for row in self.data.of_split("test")})

    def _look(self, winner: Candidate) -> LookAtTest:
        asked = self.asked_stage.model_dump(
            mode="json", include={"provider", "model", "params", "output", "endpoint"}
        )
        texts = [components_hash(self.seed), components_hash(winner.components)]
        day = datetime.datetime.fromtimestamp(SYSTEM_CLOCK.now(), datetime.UTC).date()
        return LookAtTest(
            by=f"{self.project.study.study}: search {self.name}",
            asked=sha256_hex(canonical_json([self.data.task.hash, texts, asked])),
            rows=self._rows_hash(),
            items=len(self.data.of_split("test")),
            day=str(day),
            what=f"the first prompt of `{self.data.task.name}` and {winner.name}, by {self.settings.metric}",
        )

    def _report(
        self,
        gain: Headroom,
        done: list[_Done],
        judged: JudgedCandidates,
        on_test: FiguresOnTest | None,
        notes: list[str],
    ) -> SearchReport:
        by_name = {candidate.name: candidate for candidate in judged.candidates}
        with Ledger(self.project.ledger) as ledger:
            lost = self.money.lost(ledger)
        spending = SearchSpending(
            answers_usd=self.money.spent_on(ANSWERS),
            improver_usd=self.money.spent_on(REWRITES),
            limit_usd=self.settings.budget.usd,
            ended_early="the money of the search was spent" if self.money.is_spent else "",
            lost_usd=lost,
        )
        about = [
            note for stage in self.ledger_stages for note in (stage.note_on_models(), stage.note_on_usage())
        ]
        notes = [*notes, *filter(None, about)]
        if self.asked_stage.samples > 1:
            notes = [*notes, "The stage asks each record several times; the search asks once."]
        seen, test_rows = looks(self._looks_file()), self._rows_hash()
        if otherwise := sum(look.rows != test_rows for look in seen):
            notes = [
                *notes,
                f"{otherwise} of the {len(seen)} looks at test were at rows with other labels, or drawn"
                " otherwise: the gold, `split` or `group` has changed since. What was chosen by them has seen"
                " rows of this test split, or such as are in train or dev now.",
            ]
        return SearchReport(
            name=self.name,
            stage=self.settings.stage,
            task=self.data.task.name,
            model=self.asked_stage.model,
            evaluation=self.settings.evaluation or self.settings.stage,
            metric=self.settings.metric,
            feature=self.settings.feature,
            rows=SearchRows(
                len(self.train), len(self.dev), len(self.data.of_split("test")), self.data.gold_text
            ),
            headroom=gain,
            methods=tuple(self._of_method(each, by_name) for each in done),
            candidates=judged.candidates,
            decision=judged.decision,
            test=on_test,
            looks=seen,
            spending=spending,
            provenance=self._provenance(),
            notes=(*self.data.notes, *notes),
        )

    def _of_method(self, done: _Done, by_name: dict[str, CandidateReport]) -> MethodReport:
        told = [by_name[candidate.name] for candidate in done.candidates]
        measured = [candidate for candidate in told if candidate.metric.value is not None]
        best = max(measured, key=lambda candidate: candidate.metric.value or 0.0, default=None)
        refused: dict[str, int] = {}
        for candidate in told:
            if candidate.refused:
                refused[candidate.refused] = refused.get(candidate.refused, 0) + 1
        return MethodReport(
            method=done.method,
            tried=len(told),
            refused=refused,
            accepted=sum(candidate.is_accepted for candidate in told),
            best=best.name if best else None,
            best_metric=best.metric if best else None,
            difference=best.difference if best else None,
            answers=done.asks.looked_at,
            budget=self.settings.budget.answers,
            cost_usd=done.asks.spent_usd,
            note=done.note,
        )

    def _provenance(self) -> ReportProvenance:
        task, gold = self.data.task.files, self.data.gold_paths
        inputs = [report_input(path, f"{path.parent.name}/{path.name}") for path in (*gold, *task)]
        seed = "made from the answers" if self.settings.seed == 0 else f"{self.settings.seed}"
        return ReportProvenance(tuple(inputs), REPLICATES, seed, ())


def _methods() -> dict[MethodName, Method]:
    """Method -> what searches by it."""

    def dspy_copro(problem: Problem) -> list[Candidate]:
        from goldpan.optimise.dspy_search import search_with_copro

        return search_with_copro(problem)

    return {
        "gepa": search_with_gepa,
        "rewrites": rewrites,
        "few_shot": few_shot,
        "dspy_copro": dspy_copro,
    }
