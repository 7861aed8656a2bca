"""The answers that a study uses, whoever paid for them: its own part of a ledger that studies share."""

from __future__ import annotations

from goldpan.ledger import Ledger
from goldpan.ledger.exchange import ExportSelection
from goldpan.stages.rows import read_asked
from goldpan.study.load import Project


def answers_used(project: Project, ledger: Ledger) -> ExportSelection:
    """The requests that the study's results name; of a stage without any, what it paid for."""
    keys: set[bytes] = set()
    submissions: set[int] = set()
    for stage in project.study.asked_stages:
        asked = project.root / project.paths.asked(stage, 1)
        if asked.exists():
            keys.update(bytes.fromhex(row["key"]) for _, row in read_asked(asked) if "key" in row)
        else:
            submissions.update(row.id for row in ledger.submissions(study=project.study.study, stage=stage))
    return ExportSelection(keys, submissions)
