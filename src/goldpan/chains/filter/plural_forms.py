"""Plural forms of English words, for keywords that are given in the singular.

A form too many does no harm, as nobody writes `photoes`; one too few loses records. So where English has
two ways both are made, and a word with a plural of its own gets the regular one as well.
"""

from __future__ import annotations

import re
import unicodedata

_PAIRS = """
child:children foot:feet tooth:teeth goose:geese mouse:mice louse:lice ox:oxen person:people die:dice
criterion:criteria phenomenon:phenomena medium:media datum:data bacterium:bacteria stratum:strata
curriculum:curricula memorandum:memoranda referendum:referenda symposium:symposia spectrum:spectra
aquarium:aquaria ovum:ova corpus:corpora genus:genera opus:opera fungus:fungi nucleus:nuclei
stimulus:stimuli cactus:cacti radius:radii locus:loci focus:foci terminus:termini syllabus:syllabi
alga:algae larva:larvae pupa:pupae formula:formulae antenna:antennae vertebra:vertebrae index:indices
appendix:appendices matrix:matrices vertex:vertices vortex:vortices codex:codices axis:axes taxon:taxa
quiz:quizzes leaf:leaves loaf:loaves half:halves calf:calves wolf:wolves shelf:shelves self:selves
elf:elves thief:thieves knife:knives life:lives wife:wives hoof:hooves scarf:scarves wharf:wharves
sheaf:sheaves bureau:bureaux plateau:plateaux tableau:tableaux
"""
_IRREGULAR = dict(pair.split(":") for pair in _PAIRS.split())
_NOT_LIKE_MAN = ("human", "german", "roman", "shaman", "ottoman", "norman", "caiman", "talisman")
_SIBILANT = re.compile(r"(?:s|x|z|ch|sh)$")


def plural_forms(phrase: str) -> list[str]:
    """The plurals of the last word of a folded phrase, each with the words before it; the phrase may have a
    hyphen in place of a space. None for what does not end in a Latin letter.

    Args:
        phrase: such as `protected area`, in lower case.
    """
    start = max(phrase.rfind(" "), phrase.rfind("-"), phrase.rfind("'")) + 1
    before, word = phrase[:start], phrase[start:]
    if not word or not _is_latin(word[-1]):
        return []
    return [before + plural for plural in _plurals(word)]


def _plurals(word: str) -> list[str]:
    irregular = [_IRREGULAR[word]] if word in _IRREGULAR else []
    if word.endswith("man") and not word.endswith(_NOT_LIKE_MAN):
        irregular = [f"{word[:-3]}men"]
    if len(word) > 4 and word.endswith("sis"):
        irregular = [f"{word[:-3]}ses"]
    return [*irregular, *_regular(word)]


def _regular(word: str) -> list[str]:
    has_consonant_before = len(word) > 1 and word[-2] not in "aeiou"
    if word[-1] == "y" and (has_consonant_before or word.endswith("quy")):
        return [f"{word[:-1]}ies"]
    if word[-1] == "o" and has_consonant_before:
        return [f"{word}s", f"{word}es"]
    if word.endswith("ch"):
        return [f"{word}es", f"{word}s"]
    return [f"{word}es" if _SIBILANT.search(word) else f"{word}s"]


def _is_latin(character: str) -> bool:
    return "a" <= unicodedata.normalize("NFD", character)[0] <= "z"
