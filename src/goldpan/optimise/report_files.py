"""The files of a search: search.json, and candidates.jsonl with a line for each candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from goldpan.files import document_as, of_known_keys, replacing, rows_as, write_json
from goldpan.optimise.report import (
    FORMAT,
    CandidateReport,
    Ceiling,
    FiguresOnTest,
    Headroom,
    MethodReport,
    SearchDecision,
    SearchReport,
    SearchRows,
    SearchSpending,
)
from goldpan.records.test_looks import LookAtTest
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.figures import Estimate
from goldpan.statistics.interval import Interval

_REMEDY = "delete it and run again: all that was answered is in the ledger, and nothing is paid again"


def write_search(report: SearchReport, search_file: Path, candidates_file: Path) -> None:
    """Write search.json and candidates.jsonl."""
    with replacing(candidates_file) as handle:
        for candidate in report.candidates:
            handle.write(orjson.dumps(candidate.as_json(), option=orjson.OPT_APPEND_NEWLINE))
    write_json(search_file, report.as_json())


def read_search(search_file: Path, candidates_file: Path | None = None) -> SearchReport:
    """Read what `write_search` wrote; without the second file there are no candidates in it.

    Raises:
        SourceError, ReconciliationError: one of the files is damaged, or of another format.
    """
    report = document_as(search_file, _search, "the report of a search", _REMEDY)
    if candidates_file is None:
        return report
    candidates = tuple(rows_as(candidates_file, _candidate, "a candidate of a search", _REMEDY))
    return replace(report, candidates=candidates)


def _search(raw: Mapping[str, Any]) -> SearchReport:
    if raw["format"] != FORMAT:
        raise TypeError(f"its format is {raw['format']!r}, not {FORMAT!r}")
    provenance = raw["provenance"]
    inputs = tuple(of_known_keys(ReportInput, item) for item in provenance["inputs"])
    parts = {
        "rows": of_known_keys(SearchRows, raw["rows"]),
        "headroom": _headroom(raw["headroom"]),
        "methods": tuple(_with_estimates(MethodReport, item) for item in raw["methods"]),
        "candidates": (),
        "decision": of_known_keys(SearchDecision, raw["decision"]),
        "test": None if raw["test"] is None else _with_estimates(FiguresOnTest, raw["test"]),
        "looks": tuple(of_known_keys(LookAtTest, item) for item in raw["looks"]),
        "spending": of_known_keys(SearchSpending, raw["spending"]),
        "provenance": of_known_keys(
            ReportProvenance,
            {**provenance, "inputs": inputs, "references": tuple(provenance["references"])},
        ),
        "notes": tuple(raw["notes"]),
    }
    return of_known_keys(SearchReport, {**raw, **parts})


def _headroom(raw: Mapping[str, Any]) -> Headroom:
    ceiling = raw["ceiling"]
    if ceiling is not None:
        ceiling = _with_estimates(Ceiling, {**ceiling, "annotators": tuple(ceiling["annotators"])})
    return _with_estimates(Headroom, {**raw, "rewrites": tuple(raw["rewrites"]), "ceiling": ceiling})


def _candidate(raw: dict[str, Any]) -> CandidateReport:
    return _with_estimates(CandidateReport, {**raw, "parents": tuple(raw["parents"])})


_ESTIMATES = frozenset(
    ("agreement", "pairwise", "seed", "best_rewrite", "metric", "difference", "best_metric", "proposed")
)


def _with_estimates(kind: Any, raw: Mapping[str, Any]) -> Any:
    """A dataclass of which some fields are estimates."""
    estimates = {key: _estimate(value) for key, value in raw.items() if key in _ESTIMATES}
    return of_known_keys(kind, {**raw, **estimates})


def _estimate(raw: Mapping[str, Any] | None) -> Estimate | None:
    if raw is None:
        return None
    interval = raw["interval"] and of_known_keys(Interval, raw["interval"])
    return Estimate(raw["value"], interval, raw["reason"])
