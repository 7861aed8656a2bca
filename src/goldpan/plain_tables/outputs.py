"""Files that commands on plain tables write: none of those that people have filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from goldpan.errors import StudyError

_JSON_LINES = (".jsonl", ".ndjson")
_CSV = (".csv", ".txt", "")


def check_written_formats(merged: str | Path, disagreements: str | Path | None) -> None:
    """Raise StudyError for names of other formats than are written: CSV, and JSON Lines of merged labels."""
    for option, path in (("merged labels", merged), ("disagreements", disagreements)):
        suffix = Path(path or "").suffix.lower()
        if suffix in _CSV or (option == "merged labels" and suffix in _JSON_LINES):
            continue
        also = " or JSON Lines (`.jsonl`)" if option == "merged labels" else ""
        raise StudyError(
            f"{option} are written as CSV{also}, not as `{suffix}`; nothing is written",
            where=str(path),
            remedy="end the name in `.csv`; spreadsheets open such a file",
        )


def is_json_lines(path: str | Path) -> bool:
    """Whether a file of this name is JSON Lines."""
    return Path(path).suffix.lower() in _JSON_LINES


def check_outputs(
    outputs: Mapping[str, str | Path | None], inputs: Mapping[str, Sequence[str | Path]]
) -> None:
    """Refuse to write over what people have filled in, under whatever name it is given.

    Args:
        outputs: option -> file that it is to write.
        inputs: what it is -> files that are read.

    Raises:
        StudyError: a file to write is also one that is read, or two are one file.
    """
    taken = [(name, Path(path)) for name, paths in inputs.items() for path in paths]
    for name, output in outputs.items():
        if output is None:
            continue
        path = Path(output)
        if also := next((other for other, there in taken if _is_same_file(path, there)), None):
            raise StudyError(
                f"`{name}` would overwrite this file, which is also given as {also}; nothing is written",
                where=str(path),
                remedy=f"give `{name}` a file of its own",
            )
        taken.append((name, path))


def _is_same_file(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()


def check_folders(folders: Mapping[str, Path | None], names: Iterable[str]) -> None:
    """Raise StudyError where a file stands for the folder that several tables need."""
    for option, folder in folders.items():
        # Those that are written to are made; one that is read from is there.
        if folder is not None and not folder.is_dir() and (folder.exists() or option == "--decisions"):
            raise StudyError(
                f"of several tables, `{option}` is a folder with {', '.join(names)}",
                where=str(folder),
                remedy="name a folder, or say `--pool` if the files are parts of one table",
            )
