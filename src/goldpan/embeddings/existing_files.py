"""Which HDF5 files made elsewhere belong to which records files: by their names, or as the study says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from goldpan.errors import GoldpanError, StudyError
from goldpan.records.inputs import files_of_sources, source_files
from goldpan.study.embedding import Embedding
from goldpan.study.load import Project
from goldpan.study.model import Source
from goldpan.tasks.nearest import suggestion

Place = tuple[str, str]

_HDF5 = re.compile(r"\.(h5|hdf5|hdf)$", re.IGNORECASE)
_DATA = re.compile(
    r"\.(jsonl|ndjson|json|csv|tsv|parquet|xlsx|h5|hdf5|hdf)(\.(gz|gzip|zst|zstd|bz2|xz))?$", re.IGNORECASE
)
_PART = re.compile(r"^([0-9]{3,})_(?=.)")
"""datatrove numbers the parts of a file that it writes: `000_part0.h5`, and `001_part0.h5` above 5 GB."""
_SHOWN = 5


def existing_files(
    project: Project, name: str, places: Mapping[Place, Path] | None = None
) -> dict[Place, list[Path]]:
    """The HDF5 files of each records file of an embedding that is there already. No file is opened.

    Without a mapping in the study a file is found by its name: `part0.h5`, `part0.jsonl.h5` and the parts
    `000_part0.h5`, `001_part0.h5` are of `part0.jsonl`; where folders lie under the pattern, they count, too.
    Where there is one records file and no name fits, all are its.

    Args:
        project: the project.
        name: of the embedding.
        places: (source, file) -> the user's file, where they are known already.

    Raises:
        StudyError: a pattern matches nothing, a records file has no HDF5 file, or whose one is is not known.
    """
    settings = project.study.embeddings[name]
    assert settings.files is not None
    if places is None:
        places = files_of_sources(project, settings.source)
    where = f"embeddings.{name}.files"
    if isinstance(settings.files, dict):
        found = _as_said(project, settings.files, places, where)
    else:
        found = _by_name(project, settings, settings.files, places, where)
    without = [place for place in places if not found.get(place)]
    if without:
        raise StudyError(
            f"{len(without)} of {len(places)} files of the source have no embeddings here: {_shown(without)}",
            where=where,
            remedy="name their HDF5 files, also as `files: {FILE OF THE SOURCE: HDF5 FILE}`; or leave these"
            " files out of the source, or embed them in an embedding of its own",
        )
    return found


def shared_files(found: Mapping[Place, list[Path]]) -> set[Path]:
    """HDF5 files that hold the embeddings of several records files."""
    of_all = [path for paths in found.values() for path in paths]
    return {path for path in of_all if of_all.count(path) > 1} if len(set(of_all)) < len(of_all) else set()


def _as_said(
    project: Project, said: Mapping[str, list[str]], places: Mapping[Place, Path], where: str
) -> dict[Place, list[Path]]:
    names: dict[str, list[Place]] = {}
    for source, file in places:
        names.setdefault(f"{source}/{file}", []).append((source, file))
        names.setdefault(file, []).append((source, file))
    found: dict[Place, list[Path]] = {}
    for file, patterns in said.items():
        meant = names.get(file, [])
        if len(meant) != 1:
            what = (
                f"two sources have a file `{file}`; write SOURCE/{file}"
                if meant
                else f"the sources have no file `{file}`; {suggestion(file, names)}"
            )
            raise StudyError(what, where=where)
        found.setdefault(meant[0], []).extend(_matching(project, patterns, where).values())
    return found


def _by_name(
    project: Project,
    settings: Embedding,
    patterns: list[str],
    places: Mapping[Place, Path],
    where: str,
) -> dict[Place, list[Path]]:
    files = _matching(project, patterns, where)
    ways = [
        _places_by(places, lambda file, path: file),
        _places_by(places, lambda file, path: _DATA.sub("", file)),
        _places_by(places, lambda file, path: _DATA.sub("", path.name)),
    ]
    found: dict[Place, list[Path]] = {}
    lost: list[Path] = []
    for short, path in files.items():
        whole = _HDF5.sub("", short)
        place = _place_of(whole, _HDF5.sub("", path.name), ways, where)
        if place is None:
            lost.append(path)
        else:
            found.setdefault(place, []).append(path)
    if not found and len(places) == 1:
        return {next(iter(places)): sorted(files.values(), key=_part_of)}
    if lost and settings.on_error == "stop":
        raise StudyError(
            f"{len(lost)} of {len(files)} HDF5 files belong to no file of the source, by their names:"
            f" {_shown(str(path) for path in lost)}",
            where=where,
            remedy="name fewer, or say whose they are: `files: {FILE OF THE SOURCE: HDF5 FILE}`; with"
            " `on_error: skip` they are passed over",
        )
    return {place: sorted(paths, key=_part_of) for place, paths in found.items()}


def _places_by(places: Mapping[Place, Path], name_of: object) -> dict[str, list[Place]]:
    by_name: dict[str, list[Place]] = {}
    for (source, file), path in places.items():
        by_name.setdefault(name_of(file, path), []).append((source, file))  # type: ignore[operator]
    return by_name


def _place_of(whole: str, last: str, ways: list[dict[str, list[Place]]], where: str) -> Place | None:
    """The records file that an HDF5 file is about: the closest name counts."""
    for name in dict.fromkeys([whole, _without_part(whole), last, _without_part(last)]):
        for way in ways:
            meant = way.get(name, [])
            if len(meant) > 1:
                raise StudyError(
                    f"`{last}` may be of {_shown(meant)}",
                    where=where,
                    remedy="say whose it is: `files: {FILE OF THE SOURCE: HDF5 FILE}`; several may name one",
                )
            if meant:
                return meant[0]
    return None


def _without_part(name: str) -> str:
    """A short name without the number of a part, which stands before its last piece (`sub__000_part0`)."""
    folder, joint, last = name.rpartition("__")
    return f"{folder}{joint}{_PART.sub('', last)}" if joint else _PART.sub("", name)


def _part_of(path: Path) -> tuple[int, str]:
    number = _PART.match(path.name)
    return (int(number[1]) if number else -1, str(path))


def _matching(project: Project, patterns: list[str], where: str) -> dict[str, Path]:
    try:
        return source_files(Source(files=patterns), project.root)
    except GoldpanError as error:
        raise StudyError(error.what, where=where, remedy="paths start from the project root") from None


def _shown(many: Iterable[Place | str]) -> str:
    names = ["/".join(one) if isinstance(one, tuple) else one for one in many]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
