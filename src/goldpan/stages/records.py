"""What a stage is to be asked: the records of its sources, or those an earlier stage answered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import orjson

from goldpan.compressed import damage_errors, damaged, open_decompressed
from goldpan.errors import GoldpanError, SourceError
from goldpan.files import replacing
from goldpan.records.read import iter_heads
from goldpan.records.seen import SeenIds
from goldpan.stages.earlier import EarlierStage, skip_by_condition
from goldpan.study.load import Project
from goldpan.tasks.prompt_names import rationales_named
from goldpan.tasks.task import load_task
from goldpan.tasks.where import Where, values_of_row

_BLOCK = 1 << 20


def rationales_carried(project: Project, stage: str) -> set[str]:
    """The rationales of the stage before, or of several, (`FEATURE_rationale`) that a stage's records hold.

    They are those that prompts name, of this stage and of later ones, whose records are made from its
    records. Tasks with errors name none.
    """
    stages, earlier = project.study.stages, project.study.stages[stage].input.stages
    readers = [name for name in stages if stage in project.study.stages_to(name)]
    named: set[str] = set()
    asked = project.study.asked_stages
    for task in {choice.task for name in readers if name in asked for choice in asked[name].task}:
        with contextlib.suppress(GoldpanError):
            pairs = rationales_named(load_task(task, project.tasks))
            named |= {rationale for of_stage, rationale in pairs if of_stage in earlier}
    return named


def gather_records(files: Iterable[Path], output: Path) -> int:
    """Put the records files of a stage's sources together, refusing an id that occurs in two of them.

    Returns:
        Number of rows written.

    Raises:
        SourceError: two records share an id; both places are named. Or a records file is missing or damaged.
    """
    files = list(files)
    if len(files) == 1:
        # Within one file ids were told apart when it was made.
        return _copy(files[0], output)
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


def _copy(records: Path, output: Path) -> int:
    """Write the lines of a records file to another file, and count them."""
    rows = 0
    with replacing(output) as out, open_decompressed(records) as lines:
        try:
            while block := lines.read(_BLOCK):
                rows += block.count(b"\n")
                out.write(block)
        except damage_errors() as error:
            raise damaged(str(records), error) from None
    return rows


def follow_stage(earlier: EarlierStage, output: Path, *, where: Where | None = None) -> int:
    """Make the records of a stage that asks about what an earlier stage answered.

    Every record of the earlier stage has a row here. One that was not answered there, or that `where`
    leaves out, is skipped with that reason. The answers travel with the record under `answers`.

    Args:
        earlier: the earlier stage.
        output: the records file to write.
        where: filter over its features and all else of the record; None takes all that are answered.

    Returns:
        Number of rows written.

    Raises:
        WhereError: a value of the data cannot be compared as the filter does.
        ReconciliationError: records and features of the stage do not hold the same ids in the same order.
    """
    rows = 0
    with replacing(output) as out:
        for record, row in earlier.rows():
            if "skip" not in record:
                skip = earlier.skip_of(row)
                if row["state"] == "ok":
                    earlier.hand_on(record, row)
                    if skip is None and where and not where.matches(values_of_row(record, row["features"])):
                        skip = skip_by_condition(where)
                if skip is not None:
                    record["skip"] = skip
            out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            rows += 1
    return rows
