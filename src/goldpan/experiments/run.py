"""A run as it stands in `runs/{id}.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.experiments.identity import run_id
from goldpan.files import canonical_json, sha256_hex
from goldpan.stages.documents import FORMAT, as_type, read_document, unreadable

_WHAT = "a run"
_REMEDY = "run again, which records it again (nothing is paid again), or take the file from a backup"
_CHECK = "content_sha256"


@dataclass(frozen=True)
class PromptTexts:
    """A task as it was asked.

    Attributes:
        task, hash: its name and hash.
        system, user: its templates, before a record is put in.
        features: what was asked for, as in its file.
    """

    task: str
    hash: str
    system: str | None
    user: str
    features: list[dict[str, Any]]


@dataclass(frozen=True)
class FeatureMetrics:
    """How good a run is on one feature, as its evaluation says.

    Attributes:
        feature, type, kind: as in the evaluation.
        evaluation: its name.
        items: what became of the gold items; `evaluated` remain.
        figures: name, and `raw` with value and interval.
        baselines: what one gets without a model, the majority baseline first.
        failed: evaluated items without a prediction, by state.
        over_baseline: the run against the majority baseline.
    """

    feature: str
    type: str
    kind: str
    evaluation: str
    items: dict[str, Any]
    figures: list[dict[str, Any]]
    baselines: list[dict[str, Any]]
    failed: dict[str, int]
    over_baseline: dict[str, Any] | None = None


@dataclass(frozen=True)
class Run:
    """What was asked, answered and measured.

    Attributes:
        id: a hash of `what`.
        module: whose run it is; `name` and `kind` stand in the table of modules, if it is from one.
        study, stage: where it was run first.
        what: see `identity.what_is_run`.
        prompt_hash, prompt_version: the tasks, and their place among those of the module, as of recording.
        prompts: the texts of the tasks.
        data_hash: of the files it was asked about.
        model: as the study names it; `answered_by` counts rows by what the service called it.
        mode: how was asked when the run was recorded first, `batch` or `online`.
        requests_paid: how often a service was asked in all; what is above one for each row and sample is what
            failed or was invalid, and was asked again.
        limit: source -> rows, of a trial.
        metrics: a feature each.
        records, states: rows, and what they came to.
        cost_usd: of all attempts; None where no price is known.
        answered_at: Unix seconds of the newest answer.
        recorded_at: when the run was recorded first, in UTC.
        rows_sha256: of the file with its rows.
        git: commit, and whether files differed from it; None outside a repository.
    """

    id: str
    module: str
    study: str
    stage: str
    what: dict[str, Any]
    prompt_hash: str
    prompt_version: int
    prompts: list[PromptTexts]
    data_hash: str
    provider_kind: str
    service: str
    model: str
    params: dict[str, Any]
    samples: int
    metrics: list[FeatureMetrics]
    records: int
    states: dict[str, int]
    tokens: dict[str, int]
    cost_usd: float | None
    recorded_at: str
    rows_sha256: str
    goldpan_version: str
    name: str | None = None
    kind: str | None = None
    limit: dict[str, int] = field(default_factory=dict)
    answered_by: dict[str, int] = field(default_factory=dict)
    answered_at: int | None = None
    baseline: bool = False
    mode: str | None = None
    requests_paid: int | None = None
    git: dict[str, Any] | None = None


_OF_FIRST_RECORD = frozenset({"study", "stage", "recorded_at", "prompt_version", "mode"})
"""What stays as it was when a run is recorded again, also where what was answered or measured is new."""
_OF_THE_MOMENT = _OF_FIRST_RECORD | {"goldpan_version", "git"}
"""What makes no other record of a run: all this, and who wrote it from which commit."""


def is_same(run: Run, former: Run) -> bool:
    """Whether a run says the same of what was asked, answered and measured as its former record.

    A record of before requests were counted stays as it is: their number alone is nothing new.
    """
    now, before = asdict(run), asdict(former)
    passed_over = _OF_THE_MOMENT | ({"requests_paid"} if former.requests_paid is None else set())
    return all(now[key] == before[key] for key in now.keys() - passed_over)


def of_first_record(former: Run) -> dict[str, Any]:
    """What a run keeps of its former record; the rest is as it is recorded now."""
    return {name: getattr(former, name) for name in _OF_FIRST_RECORD}


def run_bytes(run: Run) -> bytes:
    """A run as its file holds it, with a hash by which a changed file is known."""
    content = {"format": FORMAT, **asdict(run)}
    content[_CHECK] = sha256_hex(canonical_json(content))
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_run(path: Path) -> Run:
    """Read a run.

    Raises:
        SourceError: it is damaged, was changed after it was written, is of a newer format, or has another
            run's name.
    """
    document = read_document(path, _WHAT, _REMEDY)
    check = document.pop(_CHECK, None)
    if check != sha256_hex(canonical_json(document)):
        raise unreadable(path, _WHAT, _REMEDY, "it was changed after it was written")
    run: Run = as_type(Run, document, path, _WHAT, _REMEDY)
    if run.id != path.stem or run.id != run_id(run.what):
        raise unreadable(path, _WHAT, _REMEDY, f"it holds run `{run.id}`")
    return run


def content_of(path: Path) -> str:
    """The hash of what a run's file says, by which another content is known. Raises SourceError."""
    document = read_document(path, _WHAT, _REMEDY)
    if not isinstance(document.get(_CHECK), str):
        raise unreadable(path, _WHAT, _REMEDY, f"it has no {_CHECK}")
    return str(document[_CHECK])


def prompt_versions(runs: Sequence[Run]) -> dict[tuple[str, str], int]:
    """(module, prompt hash) -> version: the distinct hashes of a module in the order of time, from 1.

    Args:
        runs: in the order in which they were recorded.
    """
    versions: dict[tuple[str, str], int] = {}
    counts: dict[str, int] = {}
    for run in runs:
        if (run.module, run.prompt_hash) not in versions:
            counts[run.module] = counts.get(run.module, 0) + 1
            versions[run.module, run.prompt_hash] = counts[run.module]
    return versions
