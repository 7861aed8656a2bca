"""What an export of a tool says, before it is joined to anything: one annotation at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MarkedSpan:
    """A place that somebody marked in a text.

    Attributes:
        label: as the tool calls it; empty where it has none.
        start, end: offsets in the text, in the tool's own units.
        text: what is marked, where the export tells it.
    """

    label: str
    start: int
    end: int
    text: str | None = None


@dataclass
class ExportedAnnotation:
    """What one annotator said about one row of a tool.

    Attributes:
        place: where it stands, such as `export.json, task 3, annotation 2`.
        data: the fields of the row that were given to the tool, and what may serve as a key.
        markable: those fields in which the tool lets one mark; none where that is not known.
        answers: question -> what was said: text, a number, a truth value, or a list of labels.
        spans: question -> what was marked.
        unreadable: question -> why its answer cannot be read.
        unanswered: questions without a label, of which the tool does not tell whether anybody looked at them.
        annotator: who said it, as the tool calls them; empty where it does not tell.
        may_be_annotator: a name that may be the annotator's, such as that of the file.
        flag, note: as on sheets.
        seconds, answered_at: the time spent and when, as they stand in the export.
        left_out: why it is no answer at all; empty where it is one.
    """

    place: str
    data: dict[str, Any] = field(default_factory=dict)
    markable: tuple[str, ...] = ()
    answers: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, list[MarkedSpan]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    annotator: str = ""
    may_be_annotator: str = ""
    flag: bool = False
    note: str = ""
    seconds: Any = None
    answered_at: Any = None
    left_out: str = ""

    @property
    def questions(self) -> set[str]:
        """All that it has an answer to."""
        return self.answers.keys() | self.spans.keys() | self.unreadable.keys()


@dataclass(frozen=True)
class ExportRow:
    """A row of an export.

    Attributes:
        place: where it stands, for messages.
        row: as the file has it.
        stem: name of the file without its endings.
        is_text: whether all of its cells are text, as in CSV.
    """

    place: str
    row: dict[str, Any]
    stem: str = ""
    is_text: bool = False


@dataclass
class ToolExport:
    """What one file of an export holds.

    Attributes:
        file: its name, as it was named.
        format: in which it is written.
        sha256: of its bytes; of a folder those of its files.
        annotations: in the order of the file.
        notes: what is to be known of it.
    """

    file: str
    format: str
    sha256: str
    annotations: list[ExportedAnnotation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
