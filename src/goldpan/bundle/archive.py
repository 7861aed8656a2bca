"""The archive of a bundle: a ZIP, as it opens everywhere; the same files give the same bytes.

What is read may come from anybody. A name that leads out, a link, a name that stands there twice, more files
or bytes than an archive of this size has: all of it is refused before anything is written.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from goldpan.bundle.manifest import MANIFEST, BundledFile, Manifest, fault_of_member, read_manifest
from goldpan.errors import BundleError
from goldpan.files import part_of, replacing

MOST_FILES = 200_000
_LARGEST_DIRECTORY = MOST_FILES * 600
_LARGEST_MANIFEST = 256 << 20
# A corpus of plain text shrinks to a tenth; what repeats itself more than this is no corpus.
UNPACKED_TIMES, UNPACKED_ANYWAY = 200, 256 << 20
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_IS_COMPRESSED = frozenset(
    {".gz", ".zst", ".bz2", ".xz", ".zip", ".parquet", ".pdf", ".xlsx", ".xlsm", ".safetensors"}
)
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_GET_ANEW = "do not trust this file; get the bundle anew from where it was published"


class Content(NamedTuple):
    """What a file of a bundle holds: bytes, or those of a file."""

    file: BundledFile
    source: Path | bytes


def write_archive(path: Path, manifest: Manifest, contents: Iterable[Content]) -> None:
    """Write a bundle: the manifest first, then its files by name, all without times, owners or rights.

    Raises:
        BundleError: a file has changed since its hash was taken; nothing is written.
    """
    with replacing(path) as out, zipfile.ZipFile(out, "w") as archive:
        archive.writestr(_entry(MANIFEST), manifest.as_bytes())
        for content in sorted(contents, key=lambda content: content.file.path):
            _write(archive, content)


def _write(archive: zipfile.ZipFile, content: Content) -> None:
    digest = hashlib.sha256()
    entry = _entry(content.file.path)
    entry.file_size = content.file.bytes
    with archive.open(entry, "w", force_zip64=content.file.bytes > 1 << 31) as member:
        for chunk in _chunks(content.source):
            digest.update(chunk)
            member.write(chunk)
    if digest.hexdigest() != content.file.sha256:
        raise BundleError(
            "this file was changed while it was bundled; nothing was written",
            where=content.file.path,
            remedy="end what writes to it, and bundle again",
        )


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            yield chunk


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    is_compressed = Path(name).suffix.lower() in _IS_COMPRESSED
    entry.compress_type = zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED
    return entry


class Archive:
    """A bundle that is open for reading, and whose manifest and names are sound.

    Attributes:
        path: the file.
        manifest: what it says of itself.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self.path, self._archive = path, archive
        self._entries = _sound_entries(path, archive)
        self.manifest = read_manifest(self._manifest_bytes(), str(path))
        self._check_names_and_sizes()

    def _manifest_bytes(self) -> bytes:
        entry = self._entries.get(MANIFEST)
        if entry is None:
            raise BundleError(
                f"this is no bundle: it has no {MANIFEST}",
                where=str(self.path),
                remedy="make one with `goldpan bundle STUDY`",
            )
        if entry.file_size > _LARGEST_MANIFEST:
            raise _hostile(f"its {MANIFEST} has {entry.file_size:,} bytes", self.path)
        with _damage_named(self.path, MANIFEST):
            return self._archive.read(entry)

    def _check_names_and_sizes(self) -> None:
        """The archive holds what the manifest lists, and nothing else."""
        listed = {file.path: file for file in self.manifest.files}
        if len(listed) < len(self.manifest.files):
            raise _hostile(f"its {MANIFEST} lists a file twice", self.path)
        present = self._entries.keys() - {MANIFEST}
        for what, names in (
            (f"holds files that its {MANIFEST} does not list", present - listed.keys()),
            (f"lacks files that its {MANIFEST} lists", listed.keys() - present),
        ):
            if names:
                shown = ", ".join(sorted(names)[:5])
                raise BundleError(f"{what}: {shown}", where=str(self.path), remedy=_GET_ANEW)
        wrong = [name for name, file in listed.items() if self._entries[name].file_size != file.bytes]
        if wrong:
            shown = ", ".join(sorted(wrong)[:5])
            raise BundleError(
                f"files are not as long as its {MANIFEST} says: {shown}",
                where=str(self.path),
                remedy=_GET_ANEW,
            )

    def unpack(self, file: BundledFile, target: Path) -> bool:
        """Write a file of the bundle to `target`, which is not there, in whole or not at all.

        Returns:
            Whether it has the hash that the manifest says; where not, nothing is written.
        """
        part = part_of(target)
        digest, left = hashlib.sha256(), file.bytes
        try:
            with (
                _damage_named(self.path, file.path),
                part.open("xb") as out,
                self._archive.open(self._entries[file.path]) as member,
            ):
                while chunk := member.read(min(_CHUNK, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        return False
                    digest.update(chunk)
                    out.write(chunk)
            if digest.hexdigest() != file.sha256:
                return False
            part.replace(target)
            return True
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a bundle.

    Raises:
        BundleError: it is none, of another format, or made to do harm; nothing was written.
    """
    if not path.is_file():
        raise BundleError("there is no such file", where=str(path), remedy="give the path of a bundle")
    with path.open("rb") as handle:
        _check_directory(handle, path)
        with _damage_named(path, "its directory"):
            archive = zipfile.ZipFile(handle)
        with archive:
            yield Archive(path, archive)


def _check_directory(handle: BinaryIO, path: Path) -> None:
    """The list of files, which is read as a whole, is no longer than one of MOST_FILES."""
    handle.seek(0, 2)
    size = handle.tell()
    start = max(0, size - (1 << 16) - 22)
    handle.seek(start)
    tail = handle.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise BundleError("this is no ZIP archive, or it was cut short", where=str(path), remedy=_GET_ANEW)
    (length,) = struct.unpack_from("<I", tail, at + 12)
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator.startswith(_LOCATOR_64):
        (place,) = struct.unpack_from("<Q", locator, 8)
        handle.seek(min(place, size))
        record = handle.read(56)
        if len(record) == 56 and record.startswith(_END_64):
            (length,) = struct.unpack_from("<Q", record, 40)
    if length > _LARGEST_DIRECTORY:
        raise _hostile(f"its list of files has {length:,} bytes", path)
    handle.seek(0)


def _sound_entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise _hostile(f"it holds {len(entries):,} files, and a bundle {MOST_FILES:,} at most", path)
    for entry in entries:
        mode = entry.external_attr >> 16
        # What Python cut off at a zero byte is told by the name that stands in the archive.
        if (fault := fault_of_member(entry.orig_filename)) is not None:
            raise _hostile(f"it holds a file called {entry.orig_filename[:200]!r}: {fault}", path)
        if entry.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
            raise _hostile(f"{entry.filename!r} is no file but a link, a folder or a device", path)
        if entry.flag_bits & 0x1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _hostile(f"{entry.filename!r} is encrypted, or packed in a way no bundle is", path)
    check_names_differ([entry.filename for entry in entries], str(path))
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max(UNPACKED_ANYWAY, path.stat().st_size * UNPACKED_TIMES):
        raise _hostile(f"it unpacks to {unpacked:,} bytes, which no bundle does that has its size", path)
    return {entry.filename: entry for entry in entries}


def check_names_differ(names: Sequence[str], where: str) -> None:
    """Check that files can be unpacked beside each other, also where names that differ in case only are one.

    Raises:
        BundleError: two are called alike, or one is called as the folder of another.
    """
    known = {name.casefold() for name in names}
    if len(known) < len(names):
        twice = next(name for name, count in Counter(name.casefold() for name in names).items() if count > 1)
        raise BundleError(
            f"two files are called `{twice}`, by letters that many systems take for the same",
            where=where,
            remedy="rename one of them",
        )
    for name in known:
        folder = name.rpartition("/")[0]
        while folder:
            if folder in known:
                raise BundleError(
                    f"`{folder}` is a file and a folder", where=where, remedy="rename one of them"
                )
            folder = folder.rpartition("/")[0]


@contextmanager
def _damage_named(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise _damaged(path, what, error) from None


def _damaged(path: Path, what: str, error: Exception) -> BundleError:
    return BundleError(f"the archive is damaged at {what}: {error}", where=str(path), remedy=_GET_ANEW)


def _hostile(what: str, path: Path) -> BundleError:
    return BundleError(
        f"no bundle is like this: {what}; nothing was unpacked", where=str(path), remedy=_GET_ANEW
    )


def check_space(folder: Path, needed: int) -> None:
    """Check that the disk of a folder takes so many bytes. Raises BundleError where it does not."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BundleError(
            f"the bundle unpacks to {needed:,} bytes, and the disk has {free:,} free",
            where=str(folder),
            remedy="make room, or name a folder on another disk with --into",
        )
