"""Names of one thing in all its spellings and editions: which mention belongs to which family, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from goldpan.chains.mentions.names import NameForm, acronym_of, name_form
from goldpan.chains.mentions.similar_words import SimilarWords, least_similarity, share_of

Why = Literal["form", "fuzzy", "acronym", "initials"]

_FEWEST_INITIALS = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention of a thing.

    Attributes:
        id: of its record.
        name: as it is to be compared; a blank one is in no cluster.
        acronym: given beside the name, if any.
        document: within which an acronym has one meaning; None where nobody knows.
    """

    id: str
    name: str
    acronym: str | None = None
    document: str | None = None


@dataclass(slots=True, eq=False)
class SameName:
    """All mentions whose names are equal in form; of an acronym those of one meaning.

    Attributes:
        form: that of the name.
        mentions: with the form of each, which may have another edition.
        acronyms: that stand for it, as the mentions define them.
    """

    form: NameForm
    mentions: list[tuple[Mention, NameForm]] = field(default_factory=list)
    acronyms: set[str] = field(default_factory=set)

    @property
    def commonest(self) -> str:
        """The spelling that most mentions have."""
        spellings = Counter(mention.name.strip() for mention, _ in self.mentions)
        return min(spellings, key=lambda name: (-spellings[name], name))


@dataclass(slots=True, eq=False)
class NameFamily:
    """Names of one thing in all its editions.

    Attributes:
        leader: the name that all others are like.
        joined: the names, itself among them, each with why it is here, with what score, and that in words.
        could_be: of an acronym that could mean several things, their names.
    """

    leader: SameName
    joined: list[tuple[SameName, Why, float, str]]
    could_be: list[str] = field(default_factory=list)


def families_of(mentions: Iterable[Mention], threshold: float, use_initials: bool) -> list[NameFamily]:
    """The families of some mentions; arguments as of `cluster`."""
    full, bare = _names(mentions)
    families = _families(full, threshold)
    _join_acronyms(families, bare, use_initials)
    return families


def _names(mentions: Iterable[Mention]) -> tuple[list[SameName], dict[str, list[tuple[Mention, NameForm]]]]:
    """Mentions by form: those with a name, and by acronym those that have nothing else."""
    full: dict[str, SameName] = {}
    bare: dict[str, list[tuple[Mention, NameForm]]] = defaultdict(list)
    for mention in mentions:
        form = name_form(mention.name)
        if not form.key:
            continue
        if form.is_acronym and form.acronym is not None:
            bare[form.acronym].append((mention, form))
            continue
        name = full.setdefault(form.key, SameName(form))
        # Of equal keys one may part its words elsewhere; which is taken must not depend on the order.
        name.form = min(name.form, form, key=lambda one: (-len(one.words), one.words))
        name.mentions.append((mention, form))
        for acronym in (form.acronym, acronym_of(mention.acronym or "")):
            if acronym is not None:
                name.acronyms.add(acronym)
    return list(full.values()), bare


def _families(names: list[SameName], threshold: float) -> list[NameFamily]:
    """Each name with the leader that it is most similar to; leaders are like none that is commoner."""
    words = SimilarWords((word for name in names for word in name.form.content), threshold)
    leaders: list[NameFamily] = []
    by_word: dict[tuple[str, int], list[int]] = defaultdict(list)
    by_acronym: dict[str, list[int]] = defaultdict(list)
    for name in sorted(names, key=lambda one: (-len(one.mentions), one.form.key)):
        best = _most_similar(name, leaders, by_word, words) or _of_same_acronym(
            name, leaders, by_acronym, words
        )
        if best is not None:
            family, why, score = best
            family.joined.append((name, why, score, ""))
        else:
            leaders.append(NameFamily(name, [(name, "form", 1.0, "")]))
            number = len(leaders) - 1
            for word in set(name.form.content):
                by_word[word, len(name.form.content)].append(number)
            for acronym in name.acronyms:
                by_acronym[acronym].append(number)
    return leaders


def _most_similar(
    name: SameName, leaders: list[NameFamily], by_word: dict[tuple[str, int], list[int]], words: SimilarWords
) -> tuple[NameFamily, Why, float] | None:
    content = name.form.content
    # All words must be in pairs, so the names that share the rarest are all there can be.
    choices = [
        [by_word.get((near, len(content)), []) for near in (word, *words.of(word))] for word in content
    ]
    rarest = min(choices, key=lambda lists: sum(len(numbers) for numbers in lists))
    best: tuple[float, int] | None = None
    for number in chain.from_iterable(rarest):
        score = least_similarity(content, leaders[number].leader.form.content, words)
        if score and (best is None or (-score, number) < best):
            best = (-score, number)
    return None if best is None else (leaders[best[1]], "fuzzy", -best[0])


def _of_same_acronym(
    name: SameName, leaders: list[NameFamily], by_acronym: dict[str, list[int]], words: SimilarWords
) -> tuple[NameFamily, Why, float] | None:
    """The first leader of the same acronym of which one name has all words of the other."""
    numbers = {number for acronym in name.acronyms for number in by_acronym.get(acronym, ())}
    for number in sorted(numbers):
        short, long = sorted((name.form.content, leaders[number].leader.form.content), key=len)
        if share_of(short, long, words):
            return leaders[number], "acronym", round(len("".join(short)) / len("".join(long)), 4)
    return None


def _join_acronyms(
    families: list[NameFamily], bare: dict[str, list[tuple[Mention, NameForm]]], use_initials: bool
) -> None:
    """Put each mention that is an acronym with the family it means in its document; others are families."""
    meant: dict[str, set[int]] = defaultdict(set)
    meant_in: dict[tuple[str, str], set[int]] = defaultdict(set)
    initials: dict[str, set[int]] = defaultdict(set)
    for number, family in enumerate(families):
        for name, *_ in family.joined:
            for acronym in name.acronyms & bare.keys():
                meant[acronym].add(number)
            for mention, form in name.mentions:
                for given in (form.acronym, acronym_of(mention.acronym or "")):
                    if given in bare and given is not None and mention.document is not None:
                        meant_in[mention.document, given].add(number)
        for made in family.leader.form.initials:
            if len(made) >= _FEWEST_INITIALS and made in bare:
                initials[made].add(number)
    for acronym in sorted(bare):
        _join_acronym(families, acronym, bare[acronym], meant, meant_in, initials if use_initials else {})


def _join_acronym(
    families: list[NameFamily],
    acronym: str,
    mentions: list[tuple[Mention, NameForm]],
    meant: dict[str, set[int]],
    meant_in: dict[tuple[str, str], set[int]],
    initials: dict[str, set[int]],
) -> None:
    placed: dict[tuple[int | None, Why, str], SameName] = {}
    could_be: set[int] = set()
    for mention, form in mentions:
        here = meant_in.get((mention.document, acronym), set()) if mention.document is not None else set()
        anywhere = meant.get(acronym, set())
        place: tuple[int | None, Why, str]
        if len(here) == 1:
            place = (min(here), "acronym", f"{acronym} is defined in the same document")
        elif not here and len(anywhere) == 1:
            place = (min(anywhere), "acronym", f"{acronym} is defined elsewhere, for this alone")
        elif not anywhere and len(initials.get(acronym, ())) == 1:
            place = (min(initials[acronym]), "initials", f"{acronym} are the initials of no other name")
        else:
            place = (None, "form", "")
            could_be |= here or anywhere or initials.get(acronym, set())
        name = placed.setdefault(place, SameName(form))
        name.form = min(name.form, form, key=lambda one: (one.words, one.edition))
        name.mentions.append((mention, form))
    for (number, why, detail), name in sorted(placed.items(), key=lambda item: str(item[0])):
        if number is None:
            alone = NameFamily(name, [(name, "form", 1.0, "")])
            alone.could_be = sorted(families[other].leader.commonest for other in could_be)
            families.append(alone)
        else:
            families[number].joined.append((name, why, 1.0, detail))
