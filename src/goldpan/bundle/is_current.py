"""Whether the results of a study are those of its files as they are now, by Snakemake's own word."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from goldpan.bundle.completeness import never_answered, was_answered
from goldpan.errors import BundleError
from goldpan.experiments.command import options_of
from goldpan.study.load import Project
from goldpan.study.run_again import run_as_usual
from goldpan.workflow.snakemake_command import workflow_options

_SHOWN = 5
_HEADER = "output_file\t"
_CURRENT, _MISSING = "no update", "missing"


def check_is_current(project: Project, settings: Mapping[str, str | None]) -> None:
    """Check that another run of the study would make nothing anew: nothing that results are made of was
    changed since.

    Args:
        settings: of the project, that are not those of its file.

    Raises:
        BundleError: it would, or Snakemake cannot say.
    """
    options = [*workflow_options(project.root), "--summary", *options_of(project, 1, settings)]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options],
        cwd=project.root,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    lines = done.stdout.splitlines()
    header = next((at for at, line in enumerate(lines) if line.startswith(_HEADER)), None)
    if done.returncode or header is None:
        raise BundleError(
            f"Snakemake cannot say whether the results are up to date:\n{done.stderr.strip()}",
            where=str(project.study_file),
            remedy="mend what it says, and bundle again",
        )
    unanswered = [stage for stage in project.study.asked_stages if not was_answered(project, stage)]
    if unanswered:
        raise never_answered(project, unanswered)
    status = lines[header].split("\t").index("status")
    rows = [line.split("\t") for line in lines[header + 1 :] if "\t" in line]
    pending = [row for row in rows if row[-1].strip() != _CURRENT]
    stale = [row[0] for row in pending]
    if stale:
        is_unmade = all(row[status] == _MISSING for row in pending)
        what = "the study was not run to its end" if is_unmade else "something was changed since it was run"
        more = f" and {len(stale) - _SHOWN} others" if len(stale) > _SHOWN else ""
        raise BundleError(
            f"{what}, so a replay would make other results: {', '.join(stale[:_SHOWN])}{more}",
            where=str(project.study_file),
            remedy=f"{run_as_usual(project.study.study)}, then bundle",
        )
