"""The sample of a wave, and the files it stands in."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from goldpan.errors import ReconciliationError, SourceError
from goldpan.files import iter_rows, read_json, replacing, write_json
from goldpan.waves.items import Item, read_items, without_empty
from goldpan.waves.sampling.targeted import Targeted

_DAMAGED_COUNTS = (
    "put the file back as it was; if it is lost, delete it: the wave then counts as not given out, and "
    "a run draws it again, as it was if corpus, answers and study are"
)


@dataclass(frozen=True)
class StratumCount:
    """One stratum: how many records it has, and how many of them are in the sample."""

    stratum: str
    population: int
    sampled: int
    inclusion_probability: float


@dataclass
class SampleCounts:
    """What `sample.json` says about a sample.

    Attributes:
        population: records that could be drawn: answered (`ok`), with all the wave's features, and those that
            were left out, where the wave says what they stand for.
        outside: why the other records of the stage could not, and how many.
        stage: whose answers are sampled; empty where they stand in a table.
        asked: items the study asks for (`all`, a number, or a number by stratum).
        sampled: items drawn; fewer than asked when the population is smaller.
        shortfall: strata that have fewer records than the study asks for, and by how many.
        strata: counts of each stratum.
        annotators: items given to each annotator (repeats not counted), and repeats.
        trial: source -> its limit, where only its first rows were there to draw from.
        left_out: code of a skip -> how many records of the population were left out for it.
        targeted: how it is a targeted sample; None where it is none.
    """

    study: str
    wave: str
    stage: str
    seed: int
    features: list[str]
    blind: bool
    layout: str
    population: int
    outside: dict[str, int]
    asked: int | str | dict[str, int]
    sampled: int
    shortfall: dict[str, int]
    strata: list[StratumCount]
    annotators: dict[str, int] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)
    trial: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    targeted: Targeted | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, as earlier versions wrote it where the sample is not targeted."""
        said = asdict(self)
        if self.targeted:
            said["targeted"]["note"] = self.targeted.note
        return without_empty(said, "targeted")


@dataclass(frozen=True)
class SampleFiles:
    """Where a sample goes.

    Attributes:
        sample: `sample.jsonl`, an `Item` a line, in the order of the corpus.
        llm: the LLM's predictions for the items, kept apart so that no blind sheet can show them.
        counts: `sample.json`.
    """

    sample: Path
    llm: Path
    counts: Path


@dataclass(frozen=True)
class WaveSample:
    """The items of a wave.

    Attributes:
        items: by item id, in the order of the corpus.
        llm: item id -> the row of `llm.jsonl`: `item_id`, `id`, `model`, and the LLM's `features`.
        counts: what `sample.json` says.
        fingerprint: of the records that could be drawn (see `Population`); empty where nobody knows it.
    """

    items: dict[str, Item]
    llm: dict[str, dict[str, Any]]
    counts: SampleCounts
    fingerprint: str = ""

    @property
    def shown(self) -> frozenset[str]:
        """The ids under which the items can stand on sheets."""
        return frozenset(name for item in self.items.values() for name in (item.item_id, item.repeat_id))

    def write(self, files: SampleFiles) -> None:
        """Write sample.jsonl, llm.jsonl and sample.json."""
        with replacing(files.sample) as sample, replacing(files.llm) as llm:
            for name, item in self.items.items():
                sample.write(item.as_line())
                llm.write(orjson.dumps(self.llm[name], option=orjson.OPT_APPEND_NEWLINE))
        write_json(files.counts, self.counts.as_json())


def read_sample(files: SampleFiles) -> WaveSample:
    """Read what `Sample.write` wrote.

    Raises:
        ReconciliationError, SourceError: a file is damaged, or they do not belong together.
    """
    items = read_items(files.sample)
    llm = {row["item_id"]: row for _, row in iter_rows(files.llm, SourceError)}
    if llm.keys() != items.keys():
        raise ReconciliationError("the sample and the LLM's answers have other items", where=str(files.llm))
    return WaveSample(items, llm, read_sample_counts(files.counts))


def sample_counts(raw: Any) -> SampleCounts:
    """The counts of a sample from what JSON says of them; keys of a later version are passed over.

    Raises:
        ValueError: it says something else.
    """
    return TypeAdapter(SampleCounts).validate_python(raw)


def read_sample_counts(path: Path) -> SampleCounts:
    """Read `sample.json`.

    Raises:
        SourceError: it is damaged.
    """
    try:
        return sample_counts(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        what = f"these are no counts of a sample ({place}: {first['msg']})"
    except SourceError as error:
        what = error.what
    raise SourceError(what, where=str(path), remedy=_DAMAGED_COUNTS)
