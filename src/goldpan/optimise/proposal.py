"""The winner of a search as a task of its own, and its adoption; never over the task it came from."""

from __future__ import annotations

import glob
import re
import shutil
from pathlib import Path

from goldpan.errors import GoldpanError, StudyError, TaskError
from goldpan.files import write_json
from goldpan.optimise.candidate import Candidate
from goldpan.optimise.report import SearchReport
from goldpan.optimise.report_files import read_search
from goldpan.optimise.task_version import write_task_version
from goldpan.statistics.figures import Estimate
from goldpan.study.base import NAME_PATTERN
from goldpan.study.load import Project
from goldpan.study.run_again import run_command
from goldpan.tasks.proposed import proposed_by
from goldpan.tasks.task import Task, load_task, task_files

PROPOSAL_FILE = "proposal.json"
_FOLDER = "task"


def proposal_folder(project: Project, search: str) -> Path:
    """Where the proposed task of a search lies."""
    return project.root / project.paths.optimised(search, _FOLDER)


def write_proposal(project: Project, task: Task, winner: Candidate | None, report: SearchReport) -> None:
    """Write the proposed task, or remove that of an earlier search where there is none now.

    Args:
        task: whose prompt was improved.
        winner: the candidate that is proposed; None where none is.
        report: of the search.
    """
    folder = proposal_folder(project, report.name)
    shutil.rmtree(folder, ignore_errors=True)
    if winner is None:
        return
    write_task_version(task, winner.components, folder, header=_header(task, winner, report))
    # Last, so that what it stands beside is whole.
    write_json(
        folder / PROPOSAL_FILE,
        {
            "search": report.name,
            "study": project.study.study,
            "parent": task.name,
            "parent_hash": task.hash,
            "hash": load_task(task.name, folder).hash,
            "candidate": winner.name,
            "metric": report.metric,
            "dev_before": _figures(report.seed.metric),
            "dev_after": _figures(report.proposed.metric if report.proposed else None),
            "cost_usd": report.spending.answers_usd,
            "improver_usd": report.spending.improver_usd,
        },
    )


def _figures(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    interval = estimate.interval
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return {"value": estimate.value, "low": ends[0], "high": ends[1]}


def _header(task: Task, winner: Candidate, report: SearchReport) -> str:
    """What the task file says of where it comes from, as comments."""
    after = report.proposed.metric if report.proposed else None
    lines = [
        f"{proposed_by(report.name)}, candidate `{winner.name}` by {winner.method}.",
        f"Parent: task `{task.name}`, SHA-256 {task.hash}.",
        f"{report.metric}{_of_feature(task, report)} on {report.rows.dev} dev rows,"
        f" before: {_text(report.seed.metric)}; after: {_text(after)}.",
        *([_test_line(report)] if report.test else ()),
        f"Cost of the search: {_usd(report.spending.answers_usd)} for answers,"
        f" {_usd(report.spending.improver_usd)} for rewrites{_lost(report)}.",
        "All candidates with their figures are in candidates.jsonl of the search.",
        f"Adopt it under a new name: goldpan optimise adopt {report.name}",
    ]
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)


def _lost(report: SearchReport) -> str:
    lost = report.spending.lost_usd
    return f", and about {_usd(lost)} for calls whose answers were lost" if lost else ""


def _of_feature(task: Task, report: SearchReport) -> str:
    """Of which feature the figures are, and that others were not measured."""
    if report.feature is None:
        return ""
    others = [feature.name for feature in task.features if feature.name != report.feature]
    unmeasured = f" ({', '.join(others)}: not measured)" if others else ""
    return f" of {report.feature}{unmeasured}"


def _test_line(report: SearchReport) -> str:
    assert report.test is not None
    return (
        f"On {report.test.rows} test rows (looks at them so far: {len(report.looks)}), before:"
        f" {_text(report.test.seed)}; after: {_text(report.test.proposed)}."
    )


def _text(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "not known"
    if estimate.interval is None:
        return f"{estimate.value:.3f}"
    interval = estimate.interval
    return f"{estimate.value:.3f} (95 % interval {interval.low:.3f} to {interval.high:.3f})"


def _usd(cost: float | None) -> str:
    return "unknown" if cost is None else f"{cost:.4f} USD"


def adopt_proposal(project: Project, search: str, new_name: str | None = None) -> list[Path]:
    """Copy the proposed task of a search to the project's tasks, under a new name.

    Args:
        new_name: of the task; default the parent's with `_v2`, `_v3`, ... behind it.

    Returns:
        The files written, the YAML file first.

    Raises:
        StudyError: there is no such search, it has proposed nothing, or the name is taken.
        TaskError: the parent, or the proposal, is no longer as it was.
    """
    project.named("search", project.study.optimised, search)
    folder = proposal_folder(project, search)
    if not (folder / PROPOSAL_FILE).exists():
        file = project.root / project.paths.optimised(search, "search.json")
        if not file.exists():
            raise StudyError(
                f"the search `{search}` has not ended yet",
                where=str(file),
                remedy="run it: "
                + run_command(project.study.study, project.paths.optimised(search, "search.json")),
            )
        why = read_search(file).decision.why
        raise StudyError(f"the search `{search}` proposes nothing: {why}", where=str(file))
    says = _proposal(folder)
    task = load_task(says["parent"], project.tasks)
    if task.hash != says["parent_hash"]:
        raise TaskError(
            f"the task `{task.name}` was changed since the search: what was measured is not what it says now",
            where=str(project.tasks / f"{task.name}.yaml"),
            remedy=f"run the search again, or take the change back; the proposal lies in {folder}",
        )
    proposed = load_task(task.name, folder)
    if proposed.hash != says["hash"]:
        raise TaskError(
            "the proposed task was changed since the search: it is not what was measured",
            where=str(folder),
            remedy="delete the folder and run the search again: nothing is paid again",
        )
    return _copy(project, task, proposed, new_name)


def _proposal(folder: Path) -> dict[str, str]:
    from goldpan.stages.documents import read_document

    return read_document(
        folder / PROPOSAL_FILE,
        "a proposal",
        "delete its folder and run the search again: nothing is paid again",
    )


def _copy(project: Project, parent: Task, proposed: Task, new_name: str | None) -> list[Path]:
    tasks = project.tasks
    name = new_name or _free_name(tasks, parent.name)
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise StudyError(f"`{name}` is no name of a task", remedy="letters, digits, `_` and `-`")
    components = {"user": proposed.user_template}
    if proposed.system_template is not None:
        components["system"] = proposed.system_template
    if new_name is None and (same := _adopted_as(project, parent, proposed)):
        raise StudyError(
            f"the proposal was adopted already, as `{same}`",
            where=str(tasks),
            remedy="write `task: " + same + "` in the stage; to have it twice give another name: --as NAME",
        )
    if taken := [path for path in _named_files(tasks, name) if path.exists()]:
        raise StudyError(
            f"there is a file {taken[0].name} already",
            where=str(tasks),
            remedy="give another name: --as NAME",
        )
    header = _comments(proposed)
    written = write_task_version(proposed, components, tasks, name=name, header=header)
    return [Path(path) for path in dict.fromkeys([str(written), *task_files(name, tasks)])]


def _adopted_as(project: Project, parent: Task, proposed: Task) -> str | None:
    """The task that was written when this proposal was adopted, as it still is; None where there is none."""
    for path in sorted(project.tasks.glob(f"{glob.escape(_base(parent.name))}_v*.yaml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if text.startswith(_comments(proposed)):
            try:
                if load_task(path.stem, project.tasks).hash == proposed.hash:
                    return path.stem
            except GoldpanError:
                continue
    return None


def _base(name: str) -> str:
    return re.sub(r"_v\d+\Z", "", name)


def _comments(proposed: Task) -> str:
    """The comment lines that the file of a proposed task begins with."""
    lines = proposed.files[0].read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("#"))


def _named_files(tasks: Path, name: str) -> list[Path]:
    return [tasks / f"{name}{ending}" for ending in (".yaml", ".system.j2", ".user.j2", ".py")]


def _free_name(tasks: Path, parent: str) -> str:
    """`PARENT_v2`, or the first number after it that no file has."""
    base, number = re.fullmatch(r"(.*?)(?:_v(\d+))?", parent).groups()  # type: ignore[union-attr]
    number = int(number or 1) + 1
    while any(path.exists() for path in _named_files(tasks, f"{base}_v{number}")):
        number += 1
    return f"{base}_v{number}"
