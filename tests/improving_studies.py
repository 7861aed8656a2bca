"""A shipped study with an error analysis and a search for a better prompt, as their rules leave them."""

from __future__ import annotations

from pathlib import Path

import orjson

from goldpan.error_analysis.report import ErrorReport
from goldpan.optimise.report import SearchReport
from goldpan.optimise.report_files import write_search
from tests.error_reports import error_report
from tests.finished_studies import finished_project
from tests.search_reports import search_report

SECTIONS = """
errors:
  baseline: {smallest_slice: 10}

optimised:
  better_complaints:
    stage: relevance
    evaluation: baseline
    improver: {provider: baseline}
    budget: {answers: 900}
"""
ERRORS, SEARCH = "errors/baseline.json", "optimised/better_complaints/search.json"


def improving_project(root: Path) -> Path:
    """The project of the finished studies, with both in the quickstart, and nothing made of them yet."""
    finished_project(root)
    study = root / "config" / "studies" / "quickstart.yaml"
    study.write_text(study.read_text(encoding="utf-8") + SECTIONS, encoding="utf-8")
    return root


def write_made(root: Path, errors: ErrorReport | None = None, search: SearchReport | None = None) -> Path:
    """Leave what the two rules leave; the folder of the quickstart's results."""
    results = root / "results" / "quickstart"
    for name in (ERRORS, SEARCH):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
    (results / ERRORS).write_bytes(orjson.dumps((errors or error_report()).as_json()))
    (results / "errors" / "baseline.html").write_text("page")
    folder = results / "optimised" / "better_complaints"
    write_search(search or search_report(), folder / "search.json", folder / "candidates.jsonl")
    (folder / "search.html").write_text("page")
    return results
