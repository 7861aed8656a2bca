"""What a stage is to be asked: the records of its sources, or those an earlier stage answered."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from pathlib import Path

import orjson

from goldpan.errors import GoldpanError, SourceError
from goldpan.files import replacing
from goldpan.records.read import iter_heads, iter_records
from goldpan.records.seen import SeenIds
from goldpan.stages.features import KEPT
from goldpan.stages.rows import with_features
from goldpan.study.load import Project
from goldpan.tasks.features import Feature, value_of
from goldpan.tasks.prompt_names import rationales_named
from goldpan.tasks.task import load_task
from goldpan.tasks.where import Where, values_of_row


def rationales_carried(project: Project, stage: str) -> set[str]:
    """The rationales of the stage before (`FEATURE_rationale`) that a stage's records hold.

    They are those that prompts name, of this stage and of later ones, whose records are made from its
    records. Tasks with errors name none.
    """
    stages, earlier = project.study.stages, project.study.stages[stage].input.stage
    readers = [name for name in stages if stage in project.study.stages_to(name)]
    named: set[str] = set()
    asked = project.study.asked_stages
    for task in {choice.task for name in readers if name in asked for choice in asked[name].task}:
        with contextlib.suppress(GoldpanError):
            pairs = rationales_named(load_task(task, project.tasks))
            named |= {rationale for of_stage, rationale in pairs if of_stage == earlier}
    return named


def gather_records(files: Iterable[Path], output: Path) -> int:
    """Put the records files of a stage's sources together, refusing an id that occurs in two of them.

    Returns:
        Number of rows written.

    Raises:
        SourceError: two records share an id; both places are named.
    """
    rows = 0
    with replacing(output) as out, SeenIds() as seen:
        for path in files:
            for head, line in iter_heads(path):
                place = f"{head['source']}/{head['file']}:{head['line']}"
                earlier = seen.add(head["id"], place)
                if earlier is not None:
                    raise SourceError(
                        f"the id {head['id']!r} occurs twice: here and at {earlier}",
                        where=place,
                        remedy="name more fields under `id:` of the source, so that ids tell all rows apart",
                    )
                out.write(line + b"\n")
                rows += 1
    return rows


def follow_stage(
    earlier: str,
    records: Path,
    features: Path,
    output: Path,
    *,
    where: str | None,
    schema: Iterable[Feature],
    rationales: Collection[str] = (),
    is_filter: bool = False,
) -> int:
    """Make the records of a stage that asks about what an earlier stage answered.

    Every record of the earlier stage has a row here. One that was not answered there, or that `where`
    leaves out, is skipped with that reason. The answers travel with the record under `answers`.

    Args:
        earlier: name of the earlier stage.
        records, features: its records and features files, in the same order.
        where: filter over its features; None takes all that are answered.
        schema: the features of its tasks.
        rationales: those of its answers that travel along, `FEATURE_rationale`. They stand apart from the
            answers, so that a prompt which writes all of these stays as it was.
        is_filter: the earlier stage decides which records go on.

    Returns:
        Number of rows written.

    Raises:
        WhereError: the filter does not fit the schema.
        ReconciliationError: the two files do not hold the same ids in the same order.
    """
    condition = Where.parse(where, schema) if where else None
    rows = 0
    with replacing(output) as out:
        for record, row in with_features(iter_records(records), features):
            if "skip" not in record:
                if row["state"] != "ok":
                    record["skip"] = f"upstream: stage {earlier} is {row['state']} for this record"
                else:
                    predictions = row["features"]
                    if is_filter and not value_of(predictions[KEPT]):
                        record["skip"] = f"filtered: stage {earlier} does not keep it"
                    elif condition and not condition.matches(values_of_row(dict(record), predictions)):
                        record["skip"] = f"filtered: not ({where})"
                    values = {name: value_of(prediction) for name, prediction in predictions.items()}
                    record.setdefault("answers", {})[earlier] = values
                    reasons = {f"{name}_rationale": said for name, said in predictions.items()}
                    named = {key: said.get("rationale") for key, said in reasons.items() if key in rationales}
                    if named:
                        record.setdefault("rationales", {})[earlier] = named
            out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            rows += 1
    return rows
