"""A text of the paper kit: one content, written as Markdown and as LaTeX, everything in it plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldpan.latex import latex_text
from goldpan.markdown import markdown_code, markdown_line, markdown_text


@dataclass(frozen=True)
class Code:
    """A name that stands in the text as code: a file, a model, a hash."""

    text: str


@dataclass(frozen=True)
class Cite:
    """Works of the reference list by their keys."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class LinesAsWritten:
    """Somebody's own words: their lines and paragraphs stay what they are."""

    text: str

    def paragraphs(self) -> list[list[str]]:
        """The lines of each paragraph; none is blank."""
        told: list[list[str]] = [[]]
        for line in self.text.splitlines():
            if line.strip():
                told[-1].append(line)
            elif told[-1]:
                told.append([])
        return [lines for lines in told if lines]


Inline = str | Code | Cite | LinesAsWritten


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is that of the whole text."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Text in one block."""

    parts: tuple[Inline, ...]


@dataclass(frozen=True)
class Bullets:
    """A list of points."""

    points: tuple[tuple[Inline, ...], ...]


Block = Heading | Paragraph | Bullets
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}


def paragraph(*parts: Inline) -> Paragraph:
    """A paragraph of some parts."""
    return Paragraph(parts)


def bullets(points: Sequence[Sequence[Inline] | str]) -> Bullets:
    """A list of points, each a text or parts of one."""
    return Bullets(tuple((point,) if isinstance(point, str) else tuple(point) for point in points))


def as_markdown(blocks: Sequence[Block]) -> str:
    """The text as Markdown, citations as `[@key]`, with a final newline."""
    return "\n\n".join(_markdown_block(block) for block in blocks) + "\n"


def as_latex(blocks: Sequence[Block]) -> str:
    r"""The text as LaTeX to be read with `\input`, citations as `\cite{key}`, with a final newline."""
    return "\n\n".join(_latex_block(block) for block in blocks) + "\n"


def _markdown_block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {markdown_text(block.text)}"
        case Paragraph():
            return _markdown_parts(block.parts)
        case Bullets():
            return "\n".join(f"- {_markdown_parts(point)}" for point in block.points)


def _markdown_parts(parts: Sequence[Inline]) -> str:
    return "".join(_markdown_part(part, is_first=not place) for place, part in enumerate(parts))


def _markdown_part(part: Inline, is_first: bool) -> str:
    match part:
        case Code():
            return markdown_code(part.text)
        case Cite():
            return f"[{'; '.join(f'@{key}' for key in part.keys)}]" if part.keys else ""
        case LinesAsWritten():
            return _markdown_lines(part, is_first)
    # A part's own spaces at its ends keep it apart from its neighbours.
    before, after = part[:1].isspace() and not is_first, part[-1:].isspace()
    text = markdown_line(part) if is_first else markdown_text(part)
    return f"{' ' * before}{text}{' ' * (after and bool(text))}"


def _markdown_lines(lines: LinesAsWritten, is_first: bool) -> str:
    """Lines with hard breaks between them, indented so that they stay within a point of a list."""
    paragraphs = [[markdown_line(line) for line in lines_of] for lines_of in lines.paragraphs()]
    if paragraphs and not is_first:
        paragraphs[0][0] = markdown_text(lines.paragraphs()[0][0])
    return "\n\n  ".join("\\\n  ".join(lines_of) for lines_of in paragraphs)


def _latex_block(block: Block) -> str:
    match block:
        case Heading():
            return rf"\{_SECTIONS[min(block.level, 3)]}{{{latex_text(block.text)}}}"
        case Paragraph():
            return _latex_parts(block.parts)
        case Bullets():
            items = "\n".join(rf"\item {{}}{_latex_parts(point)}" for point in block.points)
            return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"


def _latex_parts(parts: Sequence[Inline]) -> str:
    return "".join(map(_latex_part, parts))


def _latex_part(part: Inline) -> str:
    match part:
        case Code():
            return rf"\texttt{{{latex_text(part.text)}}}" if part.text.strip() else ""
        case Cite():
            return rf"\cite{{{','.join(part.keys)}}}" if part.keys else ""
        case LinesAsWritten():
            paragraphs = [map(latex_text, lines) for lines in part.paragraphs()]
            return "\n\n".join("\\newline\n".join(lines) for lines in paragraphs)
    before, after = part[:1].isspace(), part[-1:].isspace()
    text = latex_text(part)
    return f"{' ' * before}{text}{' ' * (after and bool(text))}"
