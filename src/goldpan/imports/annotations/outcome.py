"""What came of an import: each annotation that was read is in one of the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from goldpan.errors import ReconciliationError, SheetError
from goldpan.imports.annotations.exported import ToolExport
from goldpan.imports.annotations.times import TimeReader
from goldpan.imports.annotations.values import ValueReader

_MOST_LISTED = 10


@dataclass(frozen=True)
class PlacedFault:
    """Something of an export that does not fit.

    Attributes:
        place: file and row.
        what: does not fit.
    """

    place: str
    what: str


@dataclass
class ImportOutcome:
    """What came of an import of annotations.

    Attributes:
        files: name of each file -> its format.
        key: by which rows were joined.
        read: annotations and rows without any.
        taken: of these, those that are labels here now.
        left_out: why others are no answers -> how many.
        not_joined: why others are about no row here -> how many.
        unfit: annotations with something that does not fit.
        not_taken: id of a golden row -> why it has no label of the import, although annotations fit.
        examples: of what was not joined, the first of each kind.
        faults: all that does not fit.
        times: kind -> times that were kept.
        refused_times: why -> times that were not kept.
        unused: questions of the export that no feature is read from -> their answers.
        notes: what else is to be known.
        written: files that were written, or would be.
        unchanged: files that have the same from an earlier time.
    """

    files: dict[str, str] = field(default_factory=dict)
    key: str = ""
    read: int = 0
    taken: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    not_joined: Counter[str] = field(default_factory=Counter)
    unfit: int = 0
    not_taken: dict[str, str] = field(default_factory=dict)
    examples: dict[str, PlacedFault] = field(default_factory=dict)
    faults: list[PlacedFault] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    refused_times: dict[str, int] = field(default_factory=dict)
    unused: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, exports: Sequence[ToolExport]) -> ImportOutcome:
        """Nothing yet, of these exports."""
        outcome = cls(files={export.file: export.format for export in exports})
        outcome.notes += [note for export in exports for note in export.notes]
        return outcome

    def add_not_joined(self, place: str, why: str, what: str) -> None:
        """Count an annotation that is about no row here."""
        self.not_joined[why] += 1
        self.examples.setdefault(why, PlacedFault(place, what))

    def add_unfit(self, place: str, faults: Sequence[str]) -> None:
        """Count an annotation with something that does not fit."""
        self.unfit += 1
        self.faults += [PlacedFault(place, fault) for fault in faults]

    def tell_of(self, values: ValueReader, times: TimeReader, compared: int) -> None:
        """Take over what readers have counted; of `compared` annotations a text was compared with ours."""
        if self.taken > compared:
            few = f" in {self.taken - compared:,} of {self.taken:,} annotations" if compared else ""
            self.notes.append(
                f"no text of the export was compared with ours{few}: no field has a text of ours, and"
                " `texts` of a map pairs none"
            )
        self.times, self.refused_times = dict(times.kept), dict(times.refused)
        self.unused = dict(values.unused.most_common())
        self.notes += [
            f"`{name}`: {count:,} answers are not written as the label they mean, as {values.example[name]}"
            for name, count in values.repaired.items()
        ]

    def check_adds_up(self) -> None:
        """Raise ReconciliationError where an annotation is in no count, or in two."""
        told = self.taken + self.left_out.total() + self.not_joined.total() + self.unfit
        if told != self.read:
            raise ReconciliationError(
                f"{self.read} annotations were read, and {told} are accounted for",
                remedy="this is a fault of goldpan: please report it with the command",
            )

    def check_fits(self, leaves_out: bool) -> None:
        """Check that something was joined, and that all of it fits.

        Args:
            leaves_out: whether what does not fit may be left out.

        Raises:
            SheetError: nothing is left, or something does not fit; up to ten faults are listed.
        """
        if self.unfit and not leaves_out:
            lines = [f"{fault.place}: {fault.what}" for fault in self.faults[:_MOST_LISTED]]
            if len(self.faults) > _MOST_LISTED:
                lines.append(f"and {len(self.faults) - _MOST_LISTED:,} more")
            what = f"{self.unfit:,} of {self.read:,} annotations do not fit, so nothing is written:"
            raise SheetError(
                "\n  ".join([what, *lines]),
                remedy="say with --map how their names and labels are called; --leave-out imports the rest",
            )
        if not self.taken:
            reasons = self.not_joined + self.left_out
            lines = [f"{count:,} {why}" for why, count in reasons.most_common()]
            lines += [f"such as {example.place}: {example.what}" for example in self.examples.values()]
            lines += [f"{fault.place}: {fault.what}" for fault in self.faults[:1]]
            raise SheetError(
                "\n  ".join([f"of {self.read:,} annotations none can be taken:", *lines[:_MOST_LISTED]]),
                where=", ".join(list(self.files)[:_MOST_LISTED]),
                remedy="see whether it is the right file and the right --key",
            )

    def as_json(self) -> dict[str, Any]:
        """Its parts as JSON values."""
        # `asdict` makes counts of the pairs of a Counter.
        plain = replace(self, left_out=Counter(), not_joined=Counter())
        return asdict(plain) | {"left_out": dict(self.left_out), "not_joined": dict(self.not_joined)}
