"""Looking for what must not be published: keys, passwords, and paths that tell who somebody is.

A bundle is refused, not mended: what holds a key has been in other hands already, and it is to be revoked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from goldpan.compressed import open_decompressed
from goldpan.errors import BundleError
from goldpan.providers.scrubber import REPLACEMENT, Scrubber

_TELLS_A_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_CHUNK = 1 << 20
# Longer than any spelling of a key: what lies across two chunks is seen whole in the window.
_OVERLAP = 1 << 14
_KEY_SHAPES = re.compile(
    rb"\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b|\bhf_[A-Za-z0-9]{30,}|\bgh[pousr]_[A-Za-z0-9]{36}"
    rb"|\bAIza[0-9A-Za-z_-]{35}|\bxox[baprs]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_PASSWORD_IN_ADDRESS = re.compile(rb"[a-z][a-z0-9+]*://[^/\s:@\"'{}<>]+:[^/\s@\"'{}<>]+@")


class SecretFinder:
    """Looks through files for the keys of this machine, and for whose machine it is.

    Args:
        root: the project's folder, whose `.env` counts.
        names: environment variables that hold keys, whatever they are called.
    """

    def __init__(self, root: Path, names: Iterable[str]):
        known = {name: value for name, value in _variables(root) if _TELLS_A_SECRET.search(name)}
        known |= {name: value for name, value in _variables(root) if name in set(names)}
        self._scrubbers = {name: Scrubber([value]) for name, value in sorted(known.items())}
        self._all = Scrubber(known.values())
        self._places = _private_places(root)

    def check_value(self, file: str, source: Path | bytes) -> None:
        """Check that a file, of whatever kind, does not hold the value of a key of this machine.

        Raises:
            BundleError: it does; the variable is named, its value is not.
        """
        for window in _windows(source):
            if self._all.content(window) != window:
                raise _refused(f"it holds the value of {self._name_in(window)}", file, _REVOKE)

    def check_text(self, file: str, content: bytes) -> None:
        """Check that a text which somebody wrote for goldpan holds nothing that looks like a key, no password
        in an address, and no path of this machine.

        Raises:
            BundleError: it does.
        """
        self.check_value(file, content)
        if found := _KEY_SHAPES.search(content):
            begin = found.group()[:6].decode(errors="replace")
            raise _refused(
                f"it holds what looks like a key (`{begin}…`, line {_line(content, found)})", file, _REVOKE
            )
        if found := _PASSWORD_IN_ADDRESS.search(content):
            raise _refused(f"an address in it holds a password (line {_line(content, found)})", file, _REVOKE)
        for place in self._places:
            if (at := content.find(place)) >= 0:
                line = content.count(b"\n", 0, at) + 1
                raise _refused(
                    f"it names a path of this machine (line {line})", file, "name it relative to the project"
                )

    def without_places(self, text: str) -> str:
        """A text of goldpan's own without paths of this machine and without keys."""
        content = self._all.content(text.encode())
        for place in self._places:
            content = content.replace(place, b"")
        return content.replace(REPLACEMENT, b"[key]").decode(errors="replace")

    def _name_in(self, window: bytes) -> str:
        names = [name for name, scrubber in self._scrubbers.items() if scrubber.content(window) != window]
        return f"the variable {names[0]}" if names else "a variable of this machine"


_REVOKE = "take it out; if the file was shared before, revoke the key"


def _variables(root: Path) -> Iterator[tuple[str, str]]:
    """The variables of `.env` and of the environment."""
    from dotenv import dotenv_values

    file = root / ".env"
    if file.is_file():
        for name, value in dotenv_values(file, interpolate=False).items():
            if value and value.strip():
                yield name, value.strip()
    for name, value in os.environ.items():
        if value.strip():
            yield name, value.strip()


def _private_places(root: Path) -> list[bytes]:
    """Paths that tell of this machine, each with the slash behind it, the longest first."""
    places = {str(root.absolute()), str(root.resolve()), str(Path.home())}
    # A folder right below the root may be anybody's: `/data/` in a text is no trace of this machine.
    return sorted(
        (f"{place}/".encode() for place in places if place.count("/") > 1 or place == "/root"),
        key=len,
        reverse=True,
    )


def _windows(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    # A compressed file is looked through as what it unpacks to.
    with open_decompressed(source) as handle:
        tail = b""
        while chunk := handle.read(_CHUNK):
            yield tail + chunk
            tail = (tail + chunk)[-_OVERLAP:]


def _line(content: bytes, found: re.Match[bytes]) -> int:
    return content.count(b"\n", 0, found.start()) + 1


def _refused(what: str, file: str, remedy: str) -> BundleError:
    return BundleError(f"{what}, so it is not bundled", where=file, remedy=remedy)
