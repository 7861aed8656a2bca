"""One error analysis of a project, from the files it reads to the files it leaves."""

from __future__ import annotations

from goldpan.error_analysis.report import ErrorReport
from goldpan.study.load import Project


def analyse_errors_in_project(project: Project, name: str) -> ErrorReport:
    """Write the JSON, the page and the table of rows of the error analysis `name`."""
    raise NotImplementedError(project, name)
