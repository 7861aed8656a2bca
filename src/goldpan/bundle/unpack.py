"""From a bundle to a project folder that has what the bundle says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from goldpan.bundle.archive import Archive, check_space
from goldpan.bundle.manifest import MANIFEST, BundledFile, Manifest
from goldpan.errors import BundleError, ErrorGatherer
from goldpan.files import sha256_file, write_bytes
from goldpan.study.load import Project

_SHOWN = 20


def unpack(archive: Archive, folder: Path) -> None:
    """Write what a bundle holds below a folder, and check what was put there by hand.

    What lies there already is kept where it has the right hash, so that a replay may be run again.

    Args:
        folder: a new or empty one, or that of an earlier replay of the same bundle.

    Raises:
        BundleError: a file of the bundle, or one in the folder, is not what the manifest says, or a source
            that was left out is not there; SeveralErrors where there are several.
    """
    manifest = archive.manifest
    _check_folder(folder, manifest, archive.path)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in manifest.files if not _place(folder, file).exists()]
    check_space(folder, sum(file.bytes for file in missing))
    # First of all: with it the folder is known as that of this bundle when it is stopped here.
    write_bytes(folder / MANIFEST, manifest.as_bytes())
    wrong = ErrorGatherer()
    for file in manifest.files:
        with wrong.gather():
            _put(archive, file, folder)
    wrong.finish()
    _check_left_out(manifest.left_out, folder)


def check_sources(project: Project, manifest: Manifest, members: Iterable[str]) -> None:
    """Check that the study's patterns find no other files than those that were bundled.

    Args:
        members: names in the bundle of what they find.

    Raises:
        BundleError: they do.
    """
    known = {file.path for file in (*manifest.files, *manifest.left_out)}
    others = sorted(set(members) - known)
    if others:
        raise BundleError(
            f"the study would read files that are not of this bundle: {', '.join(others[:_SHOWN])}",
            where=str(project.root),
            remedy="move them away",
        )


def _check_folder(folder: Path, manifest: Manifest, path: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BundleError("this is no folder", where=str(folder), remedy="name a new one with --into")
    if not folder.exists() or not any(folder.iterdir()):
        return
    told = folder / MANIFEST
    if told.is_file() and told.read_bytes() == manifest.as_bytes():
        return
    left_out = {file.path for file in manifest.left_out}
    present = {str(found.relative_to(folder).as_posix()) for found in folder.rglob("*") if not found.is_dir()}
    if present and present <= left_out:
        return
    raise BundleError(
        f"there are other files in this folder, and they are not of {path.name}",
        where=str(folder),
        remedy="name a new or empty folder with --into",
    )


def _place(folder: Path, file: BundledFile) -> Path:
    return folder / file.path


def _put(archive: Archive, file: BundledFile, folder: Path) -> None:
    target = _place(folder, file)
    _check_no_link(folder, target)
    if target.exists():
        if not target.is_file() or sha256_file(target) != file.sha256:
            raise BundleError(
                f"this {_called(file)} was changed since the bundle was unpacked",
                where=str(target),
                remedy="move it away, and the bundle's own is put there; or name another folder with --into",
            )
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not archive.unpack(file, target):
        raise BundleError(
            f"the {_called(file)} {file.path} is not the one that was bundled: its hash is another one",
            where=str(archive.path),
            remedy="somebody changed the archive, or it was damaged on its way; get it anew",
        )


def _check_no_link(folder: Path, target: Path) -> None:
    """Nothing is written through a link, wherever it lies on the way from the folder."""
    for place in (target, *target.parents):
        if place == folder:
            return
        if place.is_symlink():
            raise BundleError(
                "there is a link here, through which nothing is written",
                where=str(place),
                remedy="move it away, or name another folder with --into",
            )


def _check_left_out(files: Iterable[BundledFile], folder: Path) -> None:
    missing: list[BundledFile] = []
    wrong = ErrorGatherer()
    for file in files:
        target = _place(folder, file)
        if not target.exists():
            missing.append(file)
        elif sha256_file(target) != file.sha256:
            wrong.add(
                BundleError(
                    f"this is not the source that was bundled: its SHA-256 is not {file.sha256}",
                    where=str(target),
                    remedy="put the version there that the authors had",
                )
            )
    if missing:
        lines = [f"{file.path} ({file.bytes:,} bytes, SHA-256 {file.sha256})" for file in missing[:_SHOWN]]
        if len(missing) > _SHOWN:
            lines.append(f"and {len(missing) - _SHOWN} more, see {MANIFEST}")
        wrong.add(
            BundleError(
                "\n  ".join(
                    [f"{len(missing)} sources were left out of the bundle and are not here:", *lines]
                ),
                where=str(folder),
                remedy="put each at its place below this folder, and run the same command again",
            )
        )
    wrong.finish()


def _called(file: BundledFile) -> str:
    return {"ledger": "ledger", "source": "source", "task": "task or prompt"}.get(file.role, "file")
