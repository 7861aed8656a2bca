"""Characters that nobody sees: taken out of labels and ids, named by code point, and kept off terminals."""

from __future__ import annotations

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point, and the controls that are no white space.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_MISLEADING = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls, and what turns the direction of all that follows."""
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Chooses how the character before it looks, if that is a symbol or an ideograph."""
_WITH_LOOKS = ("So", "Sm", "Po", "Lo")
_WORD = re.compile(r"\S+")
_JOINERS = "\u200c\u200d"
_FLAG_OF_A_REGION = re.compile("\U0001f3f4[\U000e0020-\U000e007f]*")
"""A black flag and tags, which have no sight of their own."""
_LETTERS_THAT_JOIN = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010800-\U00011fff\U0001e900-\U0001e95f]"
)
"""Scripts in which a joiner changes how a word is written: Arabic, Syriac, N'Ko, those of South and
South-East Asia, Mongolian."""
_LONGEST_EMOJI = 16
"""Characters before a joiner or tag that are looked at."""
_MODIFIERS = "\ufe0e\ufe0f\u20e3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def visible(text: str) -> str:
    """`text` without characters that nobody sees; joiners stay within emoji and in scripts that need them."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub(lambda found: found[0] if _is_needed(text, found.start()) else "", text)


def without_invisible(text: str) -> str:
    """`text` without any such character: what two spellings are compared by."""
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub("", text)


def with_controls_named(text: str) -> str:
    """`text` with controls and turns of direction as in `<U+202E>`: they would hide or reorder what is around
    them. All else stays, line ends and tabs too."""
    if text.isascii() and text.isprintable():
        return text
    return _MISLEADING.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def code_points(text: str) -> list[str]:
    """The invisible characters of a text, each once, as in `U+200E`."""
    return [f"U+{ord(sign):04X}" for sign in dict.fromkeys(_INVISIBLE.findall(text))]


def with_code_points(text: str, joiners: bool = False) -> str:
    """`text` with each invisible character as in `<U+200E>`, and letters named that only look like others.

    These are, in a word of several scripts, those of the rarer one: a Cyrillic letter among Latin ones.

    Args:
        text: such as a label.
        joiners: whether also those are named that change what is seen.
    """
    return _WORD.sub(lambda word: _with_code_points(word[0], joiners), text)


def _with_code_points(word: str, joiners: bool) -> str:
    scripts = [_script(sign) for sign in word]
    known = [script for script in scripts if script]
    rare = min(sorted(set(known)), key=known.count) if len(set(known)) > 1 else None
    shown = []
    for at, (sign, script) in enumerate(zip(word, scripts, strict=True)):
        is_seen = not _INVISIBLE.match(sign) or (not joiners and _is_needed(word, at))
        shown.append(sign if is_seen else "")
        if not is_seen or (script and script == rare):
            shown.append(f"<U+{ord(sign):04X}>")
    return "".join(shown)


def printable(text: str) -> str:
    """One line without control characters: names and labels must not move a terminal's cursor.

    Bytes of a file's name that are not UTF-8 are shown as in `\\xff`.
    """
    if text.isprintable():
        return text
    return "".join(
        sign
        if sign.isprintable()
        else f"\\x{ord(sign) - 0xDC00:02x}"
        if "\udc80" <= sign <= "\udcff"
        else "\N{REPLACEMENT CHARACTER}"
        for sign in text
    )


def _is_needed(text: str, at: int) -> bool:
    """Whether the invisible character at a place changes what is seen."""
    before, sign, after = text[max(0, at - _LONGEST_EMOJI) : at], text[at], text[at + 1 : at + 2]
    if _SELECTOR.match(sign):
        base = before[-1:]
        has_looks = bool(base) and not base.isascii() and unicodedata.category(base) in _WITH_LOOKS
        return has_looks or after == "\u20e3"
    if sign >= "\U000e0020":
        return any(flag.end() == len(before) for flag in _FLAG_OF_A_REGION.finditer(before))
    if "\u180b" <= sign <= "\u180e":
        return bool(_LETTERS_THAT_JOIN.match(before[-1:]))
    if sign not in _JOINERS or not before or not after:
        return False
    if _LETTERS_THAT_JOIN.match(before[-1]):
        return bool(_LETTERS_THAT_JOIN.match(after))
    base = before.rstrip(_MODIFIERS)[-1:]
    return sign == "\u200d" and all(one and unicodedata.category(one) == "So" for one in (base, after))


def _script(sign: str) -> str | None:
    """The script of a letter, of those whose letters are taken for one another."""
    if not sign.isalpha():
        return None
    name = unicodedata.name(sign, "").split(" ", 1)[0]
    return name if name in ("LATIN", "CYRILLIC", "GREEK") else None


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; of a longer one the beginning, and dots."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
