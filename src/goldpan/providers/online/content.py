"""The content of an answer as UTF-8, however it was sent: compressed, in another encoding, after a mark."""

from __future__ import annotations

import codecs
import contextlib
import zlib
from collections.abc import Iterator, Mapping
from email.message import Message

ACCEPTED_ENCODING = "gzip"
"""What `as_utf8` undoes, as the value of Accept-Encoding."""
# zlib's word for gzip or zlib, whichever it is.
_EITHER = 47
# And for deflate without a head, which some servers send.
_BARE = -15
_LONGEST = 1 << 27


def as_utf8(content: bytes, headers: Mapping[str, str]) -> bytes:
    """What came, as far as it came, without a byte order mark.

    Args:
        content: as it came over the wire; it may break off anywhere.
        headers: that came with it. Where they say what is not so, `content` is taken as it is.
    """
    encoding = (headers.get("content-encoding") or "identity").strip().lower()
    if encoding != "identity":
        content = _decompressed(content)
    charset = _charset(headers.get("content-type") or "")
    if charset not in ("utf-8", "utf-8-sig"):
        with contextlib.suppress(UnicodeDecodeError):
            text = content.decode(charset)
            if text.lstrip()[:1] in ("{", "["):
                content = text.encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _decompressed(content: bytes) -> bytes:
    """What lacks its end is given as far as it goes; no more than a service can mean."""
    for form in (_EITHER, _BARE):
        with contextlib.suppress(zlib.error):
            return b"".join(_members(content, form))[:_LONGEST]
    return content


def _members(content: bytes, form: int) -> Iterator[bytes]:
    """The parts that were each compressed by themselves, as servers do that send as they write."""
    left = _LONGEST
    while content and left > 0:
        member = zlib.decompressobj(form)
        piece = member.decompress(content, left)
        left -= len(piece)
        content = member.unused_data
        yield piece


def _charset(content_type: str) -> str:
    """The name of the encoding that a Content-Type says; `utf-8` where it says none, or none that is one."""
    said = Message()
    said["Content-Type"] = content_type
    try:
        charset = said.get_content_charset("utf-8")
        "".encode(charset)
        return codecs.lookup(charset).name
    except (LookupError, ValueError, UnicodeError):
        return "utf-8"
