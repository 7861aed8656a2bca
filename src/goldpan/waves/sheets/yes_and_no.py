"""Words for yes and no, in the languages that people who keep spreadsheets speak; the one list of them.

No word of one language means the opposite in another one of the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

TRUE = frozenset({"true", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar"})
"""What spreadsheets show for a truth value; all words are folded (see `spreadsheet.fold`)."""
FALSE = frozenset({"false", "falsch", "faux", "falso", "onwaar"})

_LANGUAGES = tuple(
    (frozenset(yes.split()), frozenset(no.split()))
    for yes, no in (
        ("yes", "no"),
        ("ja", "nein"),
        ("oui", "non"),
        ("sí si", "no"),
        ("sì si", "no"),
        ("sim", "não nao"),
        ("ja", "nee"),
        ("ja jo", "nej nei"),
        ("tak", "nie"),
        ("так", "ні"),
        ("ano", "ne"),
        ("áno ano", "nie"),
        ("da", "ne nu"),
        ("да", "нет не"),
        ("igen", "nem"),
        ("kyllä", "ei"),
        ("evet", "hayır hayir"),
        ("ναι", "οχι όχι"),
        ("はい", "いいえ"),
        ("是", "否"),
        ("예 네", "아니요 아니오"),
        ("sand", "falsk"),
        ("sant", "falskt"),
        ("prawda", "fałsz"),
        ("pravda", "nepravda"),
        ("igaz", "hamis"),
        ("tosi", "epätosi"),
        ("doğru", "yanlış"),
        ("истина", "ложь"),
    )
)
_EVERY_YES = TRUE.union(*(yes for yes, _ in _LANGUAGES))
_EVERY_NO = FALSE.union(*(no for _, no in _LANGUAGES))


def means_yes(word: str) -> bool | None:
    """Whether a word means yes where yes or no is asked for; None for one that is neither."""
    return True if word in _EVERY_YES else False if word in _EVERY_NO else None


def surely_meant(words: Iterable[str]) -> dict[str, bool]:
    """The words for yes and no among some labels, each with whether it means yes.

    Truth values and English ones always are such. Those of another language are where
    both are there: `da` or `ei` alone may be anything.
    """
    present = set(words)
    surely = present & (TRUE | FALSE | {"yes", "no"})
    for yes, no in _LANGUAGES:
        if present & yes and present & no:
            surely |= present & (yes | no)
    return {word: word in _EVERY_YES for word in surely}


def are_of_one_kind(words: Iterable[str]) -> bool:
    """Whether some words for yes and no are all truth values, or all of one language."""
    present = set(words)
    return present <= TRUE | FALSE or any(present <= yes | no for yes, no in _LANGUAGES)


def same_meaning(word: str, labels: Mapping[str, str]) -> list[str]:
    """The labels that mean yes or no as `word` does; none where they do not hold both.

    Args:
        word: folded.
        labels: folded label -> label.
    """
    meant = surely_meant(labels)
    meaning = means_yes(word)
    if meaning is None or len(set(meant.values())) < 2:
        return []
    return [labels[other] for other, truth in meant.items() if truth is meaning]
