"""Batches of the trace critic from Python: the steps of a stage whose study is made of the call.

    batch_ids = batch_annotate(segments, "annotations", model="gpt-4.1-mini", temperature=0)
    status, annotations = get_batch_results("annotations")

The folder holds the segments, the study and the files of its stage. What is asked, under way and answered is
in the project's ledger, as it is for the workflow, so nothing is asked twice.
"""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from goldpan.batches.critic_annotations import Annotation, BatchStatus
from goldpan.batches.stage import StageRun
from goldpan.batches.take_in import check_ledger_knows
from goldpan.batches.the_rest import take_over
from goldpan.errors import PendingError, ProviderError, StudyError, TaskError
from goldpan.files import read_json, replacing, write_bytes, write_json
from goldpan.ledger import Ledger, RunLock, Submission
from goldpan.records.read import build_records
from goldpan.stages.plan import Plan, read_plan
from goldpan.stages.rows import read_features
from goldpan.study.load import Project, load_study, project_settings, validate
from goldpan.study.model import Study
from goldpan.study.paths import Paths, studies_folder, tasks_folder
from goldpan.tasks.chat import CHAT_PARAMS
from goldpan.tasks.critic import RUBRIC, RUBRIC_WITH_FOLLOW_UP
from goldpan.tasks.nearest import suggestion

OPENAI: Mapping[str, Any] = {"kind": "openai", "api_key_env": "OPENAI_API_KEY"}
STUDY_FILE, SEGMENTS_FILE, PLACES_FILE = "study.yaml", "segments.jsonl", "places.json"
_STAGE = "critic"


def batch_annotate(
    segments: Iterable[Mapping[str, Any]],
    output_dir: str | Path,
    *,
    model: str,
    provider: Mapping[str, Any] = OPENAI,
    max_requests: int = 50_000,
    max_bytes: int = 200_000_000,
    max_rounds: int = 3,
    budget_usd: float | None = None,
    go_on: bool = False,
    ledger: str | Path | None = None,
    folder: Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    **params: Any,
) -> list[str]:
    """Send segments to a batch service, each request once; called again, what is new or may be asked again.

    Segments that the ledger has answered or under way, also of the workflow or for another folder, are left
    out.

    Args:
        segments: all of them, also in later calls; rows as for `build_request`.
        output_dir: folder of the files; its name becomes that of the study.
        model: name of the annotator model.
        provider: as under `providers` of a study. Keys are read from the environment or the project's `.env`.
        max_requests, max_bytes: of a batch.
        max_rounds: how often a request may be asked in all.
        budget_usd: what would cost more, by its estimate, is not sent.
        go_on: ask also where most answers so far are bad.
        ledger: default that of the project.
        folder: `config/tasks` of the project; default that of the project that one works in.
        parameters: further parameters of the requests, whatever they are called.
        params: likewise, but only those of chat completions, e.g. temperature; a slip in a name is refused.

    Returns:
        Ids of the batches that were sent or are under way; none when all is answered.

    Raises:
        StudyError: an argument does not fit, or a segment is a finished request.
        BudgetError: the estimate is over `budget_usd`; nothing was sent.
        LedgerError: the ledger does not know batches that the folder names, or another call works on the
            folder; nothing was sent.
        MostlyBadError: most answers so far are bad.
        InDoubtError, ProviderError: as for `submit_shard`; call again to go on.
        TaskError: the task files are missing or wrong.
    """
    output_dir = Path(output_dir).resolve()
    stage = {
        "input": {"source": "segments"},
        "task": [
            {"task": RUBRIC_WITH_FOLLOW_UP, "when": "data.trace_segment.follow_up_user_message is not None"},
            {"task": RUBRIC},
        ],
        "provider": "annotator",
        "model": model,
        "params": {**(parameters or {}), **params},
        "limits": {"requests": max_requests, "bytes": max_bytes},
        "max_rounds": max_rounds,
        "wait": False,
        **({} if budget_usd is None else {"budget_usd": budget_usd}),
    }
    source = {"files": [str(output_dir / SEGMENTS_FILE)], "format": "traces", "on_error": "skip"}
    study = {
        "study": _study_name(output_dir),
        "sources": {"segments": source},
        "providers": {"annotator": dict(provider)},
        "stages": {_STAGE: stage},
    }
    checked = validate(Study, study, output_dir / STUDY_FILE, "correct the arguments of batch_annotate")
    if unknown := [name for name in params if name not in CHAT_PARAMS]:
        known = {*inspect.signature(batch_annotate).parameters, *CHAT_PARAMS} - {"params"}
        raise StudyError(
            f"there is no argument `{unknown[0]}`; {suggestion(unknown[0], sorted(known))}",
            where="batch_annotate",
            remedy=f"if the service has such a parameter, give it as `parameters={{'{unknown[0]}': ...}}`",
        )
    root = _root_of(folder or _tasks_of_this_project())
    ledger = ledger or root / project_settings(root, checked.study).ledger
    places = {"root": str(root), "ledger": str(Path(ledger).resolve())}
    project = _project(checked, output_dir, places)
    with RunLock(project.ledger, output_dir):
        _write_segments(segments, output_dir / SEGMENTS_FILE)
        said = yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
        write_bytes(output_dir / STUDY_FILE, said.encode())
        write_json(output_dir / PLACES_FILE, places)
        run = StageRun(project, _STAGE)
        _make_records(run)
        plan = run.plan(1, go_on=go_on)
        batch_ids = []
        for shard in plan.shards:
            run.place(1, shard.name)
            submission = run.submit(1, shard.name)
            batch_ids += [submission.batch_id] if submission.batch_id else []
        return batch_ids


def get_batch_results(output_dir: str | Path, *, wait: bool = False) -> tuple[BatchStatus, list[Annotation]]:
    """Take in what has come back of a folder's batches; sends nothing that is paid for.

    Args:
        output_dir: the folder given to `batch_annotate`.
        wait: wait until all batches have come back; else look once.

    Returns:
        How far it is, and what came of each segment, in their order; `pending` where nothing is known yet.

    Raises:
        StudyError: `batch_annotate` has sent nothing in this folder.
        LedgerError: `batch_annotate` works on it.
        InDoubtError, ProviderError: as for the steps `wait` and `fetch`; call again to go on.
    """
    output_dir = Path(output_dir).resolve()
    study_file, places = output_dir / STUDY_FILE, output_dir / PLACES_FILE
    if not places.exists():
        raise _not_sent(output_dir)
    study = load_study(study_file)
    stages = {_STAGE: study.asked_stages[_STAGE].model_copy(update={"wait": wait})}
    study = study.model_copy(update={"stages": stages})
    project = _project(study, output_dir, read_json(places))
    with RunLock(project.ledger, output_dir, is_shared=True):
        return _results(StageRun(project, _STAGE), output_dir)


def _results(run: StageRun, output_dir: Path) -> tuple[BatchStatus, list[Annotation]]:
    plan_file = run.project.root / run.paths.plan(_STAGE, 1)
    if not plan_file.exists():
        raise _not_sent(output_dir)
    plan = read_plan(plan_file, _STAGE, 1)
    status = _take_in(run, plan)
    has_ended = status == "completed"
    summary = run.consolidate() if has_ended else run.consolidate_so_far()
    features = run.paths.features(_STAGE) if has_ended else run.paths.partial(_STAGE, "features.jsonl")
    annotations = [Annotation(dict(row)) for _, row in read_features(run.project.root / features)]
    counts = {state: count for state, count in summary.states.items() if count}
    with Ledger(run.project.ledger) as ledger:
        batch_ids = [str(of_shard.batch_id) for of_shard in _submissions(ledger, plan) if of_shard.batch_id]
    return BatchStatus(status, batch_ids, {"total": len(annotations), **counts}), annotations


def _take_in(run: StageRun, plan: Plan) -> str:
    """Bring the answers there are into the ledger; returns the status."""
    batch_files = [run.project.root / run.paths.batch(_STAGE, 1, shard.name) for shard in plan.shards]
    if not all(file.exists() for file in batch_files):
        # Sending was stopped, or refused, between two batches.
        _take_in_ended(run, plan)
        return "incomplete"
    try:
        run.wait(1, lambda progress: None)
    except PendingError:
        _take_in_ended(run, plan)
        return "in_progress"
    for shard in plan.shards:
        run.fetch(1, shard.name)
    return "incomplete" if run.settle(1).left else "completed"


def _take_in_ended(run: StageRun, plan: Plan) -> None:
    """Settle those batches of a round that have ended, while others are open."""
    provider = run.connect()
    with Ledger(run.project.ledger) as ledger:
        ended = []
        for submission in _submissions(ledger, plan):
            if submission.is_open and submission.batch_id:
                try:
                    batch = provider.retrieve(submission.batch_id)
                except ProviderError:
                    continue  # The next call looks again.
                ended += [(submission.id, batch)] if batch.is_terminal else []
        take_over(ledger, run.project, provider, ended, patience=0.0)


def _submissions(ledger: Ledger, plan: Plan) -> list[Submission]:
    latest = [ledger.latest_submission(shard.hash) for shard in plan.shards]
    return [submission for submission in latest if submission is not None]


def _make_records(run: StageRun) -> None:
    """Write the records, and remove what came of earlier ones: what was paid is in the ledger."""
    with Ledger(run.project.ledger) as ledger:
        check_ledger_knows(ledger, run.project, _STAGE)
    shutil.rmtree(run.project.root / run.paths.stage(_STAGE), ignore_errors=True)
    for (source, file), path in run.input_files().items():
        output = run.project.root / run.paths.records(source, file)
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(run.project.study.sources[source], source, file, path, output)
    run.make_records()


def _write_segments(segments: Iterable[Mapping[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as out:
        for number, segment in enumerate(segments, 1):
            if not isinstance(segment, Mapping) or "messages" in segment:
                raise StudyError(
                    "this is a request, or bare messages, and not a segment",
                    where=f"segment {number}",
                    remedy="give the segments themselves, or `segment_of_messages(messages, tools)`:"
                    " batch_annotate builds the requests",
                )
            try:
                out.write(orjson.dumps(dict(segment), option=orjson.OPT_APPEND_NEWLINE))
            except TypeError as error:
                raise StudyError(
                    f"this cannot be written as JSON: {error}",
                    where=f"segment {number}",
                    remedy="give dicts, lists, text and numbers; `segment_of_messages` takes SDK objects",
                ) from None


def _not_sent(output_dir: Path) -> StudyError:
    return StudyError("no batch was sent from here", where=str(output_dir), remedy="call batch_annotate")


def _study_name(output_dir: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", output_dir.name)[:50]
    return name if re.match(r"[A-Za-z]", name) else f"critic_{name}"


def _tasks_of_this_project() -> Path:
    """`config/tasks` of the project that one works in. Another project's would do for the requests, but what
    is paid must be in the ledger of this one."""
    here = Path.cwd()
    for root in (here, *here.parents):
        if (tasks_folder(root) / f"{RUBRIC}.yaml").is_file():
            return tasks_folder(root)
        if (root / "config" / "config.yaml").is_file() or studies_folder(root).is_dir():
            raise TaskError(
                f"this project has no task `{RUBRIC}`",
                where=str(tasks_folder(root)),
                remedy="copy goldpan's config/tasks/trace_critic* there, or pass `folder`: what is paid goes"
                " to the ledger of the project that it belongs to",
            )
    raise TaskError(
        "this folder is in no goldpan project, so there is no ledger for what is paid",
        where=str(here),
        remedy=f"work within a project that has config/tasks/{RUBRIC}.yaml, or pass its `folder`",
    )


def _root_of(folder: Path) -> Path:
    """The project whose task files lie in a folder."""
    folder = folder.resolve()
    if folder.parts[-2:] != ("config", "tasks"):
        raise TaskError(
            "batches need the task folder of a project, `config/tasks`",
            where=str(folder),
            remedy="move the rubrics to PROJECT/config/tasks and pass that folder",
        )
    return folder.parent.parent


def _project(study: Study, output_dir: Path, places: Mapping[str, str]) -> Project:
    return Project(
        root=Path(places["root"]),
        study=study,
        study_file=output_dir / STUDY_FILE,
        ledger=Path(places["ledger"]),
        paths=Paths(str(output_dir), study.study),
    )
