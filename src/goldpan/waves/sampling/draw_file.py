"""The draw of a wave: what was given out, in a file beside the filled sheets that no rule makes anew.

It holds all that sheets, answers, labels and gold are made from: the wave's settings, what was asked, the
items with their records, and what the LLM said. So what comes back fits, whatever becomes of corpus, prompt
and study meanwhile, and also where `results/` is gone. The first line is the head; each other is an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import GoldpanError, SourceError
from goldpan.files import canonical_json, iter_lines, of_known_keys, sha256_hex, write_bytes
from goldpan.study.wave import Wave
from goldpan.tasks.features import Exclusive, parse_feature
from goldpan.waves.codebook import Codebook
from goldpan.waves.items import item_id, item_of, repeat_id
from goldpan.waves.sampling.sample import WaveSample, sample_counts

KIND, FORMAT = "goldpan draw", 1
GIVEN_OUT_SETTINGS = frozenset(
    {"stage", "from_", "features", "sample", "seed", "stratify", "shuffle", "annotators", "overlap"}
    | {
        "left_out",
        "among",
        "repeats",
        "order",
        "show",
        "guidelines",
        "cannot_tell",
        "formats",
        "layout",
        "blind",
    }
)
"""Settings of a wave that say what is given out; the others are taken as the study has them."""

_REMEDY = (
    "put the file back as it was (it is one to commit); or move it away, and the sample in results/ is taken"
    " over where it is there"
)


@dataclass(frozen=True)
class EarlierDraws:
    """What was given out before the last redraw, so that answers to it are known when they come back.

    Attributes:
        records: ids of the records drawn then.
        annotators: who got sheets then.
        edited: ids of the records that have been in the wave since then, but said something else at first.
        redraws: how often the wave was drawn anew.
        edits: record id -> the redraws by which its text became another one.
        answered: annotator -> ids on sheets that were answered when the wave was drawn anew last.
    """

    records: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    redraws: int = 0
    edits: dict[str, tuple[int, ...]] = field(default_factory=dict)
    answered: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def shown(self) -> frozenset[str]:
        """The ids under which these records stood on sheets."""
        return frozenset(shown for name in self.records for shown in (item_id(name), repeat_id(name)))


@dataclass(frozen=True)
class DrawHead:
    """What a draw is, without its items.

    Attributes:
        study, wave: whose it is.
        settings: the wave's, those of GIVEN_OUT_SETTINGS.
        show: the fields that the sheets show, worked out; None for all.
        codebook: what is asked.
        fingerprint: see `WaveSample`.
        earlier: what was given out before.
    """

    study: str
    wave: str
    settings: dict[str, Any]
    show: list[str] | None
    codebook: Codebook
    fingerprint: str = ""
    earlier: EarlierDraws = field(default_factory=EarlierDraws)

    def wave_given_out(self, now: Wave) -> Wave:
        """The wave as it was given out; how its answers are read and merged is as the study says now.

        Sheets of another format may be wanted later, unless their layout is another one now.
        """
        return as_given_out(self.settings, now)


@dataclass(frozen=True)
class Draw:
    """What was given out."""

    head: DrawHead
    sample: WaveSample

    def write(self, path: Path) -> None:
        """Write the file; its head says the hash of all that is in it."""
        write_bytes(path, self.as_bytes())

    def as_bytes(self) -> bytes:
        """The bytes of the file."""
        head = self.head
        said = {
            "kind": KIND,
            "format": FORMAT,
            "study": head.study,
            "wave": head.wave,
            "settings": head.settings,
            "show": head.show,
            "codebook": _codebook_as_json(head.codebook),
            "counts": self.sample.counts.as_json(),
            "fingerprint": head.fingerprint,
            "earlier": {
                "records": head.earlier.records,
                "annotators": head.earlier.annotators,
                **{
                    name: value
                    for name in ("edited", "redraws", "edits", "answered")
                    if (value := getattr(head.earlier, name))
                },
            },
        }
        rows: list[dict[str, Any]] = [
            {"item": item.as_json(), "llm": self.sample.llm[name]} for name, item in self.sample.items.items()
        ]
        lines = [{**said, "items": len(rows), "sha256": _hash(said, rows)}, *rows]
        return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def as_given_out(settings: Mapping[str, Any], now: Wave) -> Wave:
    """A wave with the settings it was given out with; see `DrawHead.wave_given_out`."""
    given_out = Wave.model_validate(settings)
    kept = set(Wave.model_fields) - GIVEN_OUT_SETTINGS
    if (now.layout, now.blind) == (given_out.layout, given_out.blind):
        kept.add("formats")
    return given_out.model_copy(update={name: getattr(now, name) for name in kept})


def given_out_settings(wave: Wave) -> dict[str, Any]:
    """The settings of a wave that say what is given out."""
    return wave.model_dump(mode="json", include=set(GIVEN_OUT_SETTINGS), by_alias=True)


def read_draw_head(path: Path, study: str, wave: str) -> DrawHead:
    """The head of a draw; its items are not looked at.

    Raises:
        SourceError: the file is damaged, of a later version of goldpan, or of another wave.
    """
    return _head(path, _first_line(path), study, wave)


def read_draw(path: Path, study: str, wave: str) -> Draw:
    """Read a draw.

    Args:
        path: the file.
        study, wave: whose it must be.

    Raises:
        SourceError: the file is damaged, of a later version of goldpan, or of another wave.
    """
    said = _first_line(path)
    head = _head(path, said, study, wave)
    rows = [_row(path, number, line) for number, line in iter_lines(path) if number > 1]
    content = {key: value for key, value in said.items() if key not in ("items", "sha256")}
    if len(rows) != said.get("items") or _hash(content, rows) != said.get("sha256"):
        raise _damaged(path, "something in it was changed, or it was cut short")
    items = {item.item_id: item for item in (item_of(row["item"]) for row in rows)}
    llm = {row["item"]["item_id"]: row["llm"] for row in rows}
    return Draw(head, WaveSample(items, llm, sample_counts(said["counts"]), head.fingerprint))


def _hash(said: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> str:
    # Over what is said, not over bytes: version control may write line ends of its own.
    return sha256_hex(b"\n".join(canonical_json(value) for value in (said, *rows)))


def _first_line(path: Path) -> dict[str, Any]:
    return _row(path, 1, next((line for _, line in iter_lines(path)), b""))


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict):
        raise _damaged(path, f"line {number} is none of a draw")
    return row


def _head(path: Path, said: Mapping[str, Any], study: str, wave: str) -> DrawHead:
    if said.get("kind") != KIND:
        raise _damaged(path, "line 1 is not the head of a draw")
    if said.get("format") != FORMAT:
        raise SourceError(
            f"this draw has the format {said.get('format')!r}, and this goldpan reads {FORMAT}",
            where=str(path),
            remedy="use the goldpan that wrote it, or a later one",
        )
    if (said.get("study"), said.get("wave")) != (study, wave):
        raise SourceError(
            f"this is the draw of the wave `{said.get('wave')}` of `{said.get('study')}`,"
            f" not of `{wave}` of `{study}`",
            where=str(path),
            remedy="put it where it belongs, or give the wave another folder (`annotations`)",
        )
    try:
        Wave.model_validate(said["settings"])
        return DrawHead(
            study=study,
            wave=wave,
            settings=said["settings"],
            show=said["show"],
            codebook=_codebook(said["codebook"], str(path)),
            fingerprint=said["fingerprint"],
            earlier=of_known_keys(
                EarlierDraws, {key: _tuples(told) for key, told in said["earlier"].items()}
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError, GoldpanError) as error:
        raise _damaged(path, f"its head cannot be read ({error})") from None


def _tuples(told: Any) -> Any:
    """What JSON says of earlier draws, with tuples for its lists."""
    if isinstance(told, dict):
        return {key: tuple(ids) for key, ids in told.items()}
    return told if isinstance(told, int) else tuple(told)


def _damaged(path: Path, what: str) -> SourceError:
    return SourceError(
        f"the draw of the wave is damaged: {what}; nothing was drawn or written",
        where=str(path),
        remedy=_REMEDY,
    )


def _codebook_as_json(codebook: Codebook) -> dict[str, Any]:
    return {
        "features": [feature.model_dump(mode="json", exclude_unset=True) for feature in codebook.features],
        "exclusive": [group.model_dump(mode="json") for group in codebook.exclusive],
        "guidelines": codebook.guidelines,
        "cannot_tell": codebook.cannot_tell,
        "task_hash": codebook.task_hash,
    }


def _codebook(said: Mapping[str, Any], where: str) -> Codebook:
    return Codebook(
        features=tuple(parse_feature(feature, where) for feature in said["features"]),
        task_hash=said["task_hash"],
        exclusive=tuple(Exclusive.model_validate(group) for group in said["exclusive"]),
        guidelines=said["guidelines"],
        cannot_tell=said["cannot_tell"],
    )
