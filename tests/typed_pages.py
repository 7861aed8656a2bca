"""Pages of docs/ that are typed as they stand: their commands, files and what a person does in between.

A page shows commands as `$ …` in blocks `console`, with what they say below them, where `…` stands for
anything. A block `yaml` whose first line is a comment `# FILE` is a file of the project, and one with `#
FILE, at its end` a part that is added to it. What a person does elsewhere is a comment `<!-- a person …
-->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^```console\n(?P<typed>.*?)^```$"
    r"|^```yaml\n# (?P<name>[^\s,]+\.yaml)(?P<added>, at its end)?\n(?P<text>.*?)^```$"
    r"|^<!-- (?P<person>a person .*?) -->$"
    r"|^!\[[^\]]*\]\(images/(?P<picture>\w+)\.png\)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Typed:
    """A command, and what the page shows of what it says, line by line."""

    command: str
    shown: list[str]

    def assert_shown(self, said: str) -> None:
        """Hold that the shown lines are in the output in their order; `…` stands for anything."""
        lines = iter(said.splitlines())
        for line in filter("…".__ne__, self.shown):
            pattern = re.compile(".*".join(map(re.escape, line.rstrip().split("…"))))
            assert any(pattern.fullmatch(told.rstrip()) for told in lines), (
                f"{self.command}: `{line}` is not in\n{said}"
            )


@dataclass(frozen=True)
class Written:
    """A file that the reader writes, by its path in the project; or what is added to it."""

    name: str
    text: str
    is_added: bool

    def write(self, project: Path) -> None:
        """Write it, as the page says."""
        path = project / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") + "\n" if self.is_added else ""
        path.write_text(before + self.text, encoding="utf-8")


@dataclass(frozen=True)
class DoneByHand:
    """What a person does, as the comment says it."""

    what: str


@dataclass(frozen=True)
class Picture:
    """A picture of what is there by then: `docs/images/NAME.png`."""

    name: str


Step = Typed | Written | DoneByHand | Picture


def steps_of(page: Path) -> Iterator[Step]:
    """The steps of a page, in its order."""
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["person"]:
            yield DoneByHand(block["person"])
        elif block["picture"]:
            yield Picture(block["picture"])
        elif block["name"]:
            yield Written(block["name"], block["text"], bool(block["added"]))
        else:
            for part in re.split(r"^\$ ", block["typed"], flags=re.M)[1:]:
                command, *shown = part.splitlines()
                yield Typed(command, shown)
