"""Which mentions name the same thing: one cluster for each, with the reason why each name is in it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from goldpan.chains.mentions.names import NameForm, acronym_of, name_form
from goldpan.chains.mentions.similar_words import SimilarWords, least_similarity, share_of
from goldpan.files import sha256_hex

Editions = Literal["together", "apart"]
Why = Literal["form", "fuzzy", "acronym", "initials"]

CLUSTER_THRESHOLD = 0.94
"""The least similarity of two words of names that are one; measured on tests/data/mentions/same_names.csv."""

_FEWEST_INITIALS = 3
_LONGEST_SLUG = 40


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


@dataclass(slots=True)
class Member:
    """One spelling within a cluster.

    Attributes:
        name: the spelling.
        why: `form`: it is the cluster's name but for what `NameForm.key` passes over; `fuzzy`: its words are
            nearly those; `acronym`: it stands for it, or has the same acronym and its words; `initials`: it
            is made of its initials.
        score: 1, or of `fuzzy` the similarity of the least similar words, of `acronym` between names their
            share.
        to: the name it was compared with.
        detail: in words, where there is more to say.
        mentions: their ids, sorted.
        documents: how many of them there are.
    """

    name: str
    why: Why
    score: float
    to: str
    detail: str = ""
    mentions: list[str] = field(default_factory=list)
    documents: int = 0


@dataclass(slots=True)
class Cluster:
    """Names of one thing.

    Attributes:
        id: of the name that most mentions have, so that it stays as others come; readable.
        name: the commonest spelling of that name.
        members: sorted by how many mentions they have.
        forms: of the members, each once.
        documents: how many documents have a mention of it.
        could_be: names of clusters whose acronym it is, where there are several and so it is none of them.
    """

    id: str
    name: str
    members: list[Member]
    forms: list[NameForm]
    documents: int
    could_be: list[str] = field(default_factory=list)

    @property
    def mentions(self) -> int:
        """How many mentions it has."""
        return sum(len(member.mentions) for member in self.members)


@dataclass(slots=True, eq=False)
class _Name:
    """All mentions whose names are equal in form; of an acronym those of one meaning."""

    form: NameForm
    mentions: list[tuple[Mention, NameForm]] = field(default_factory=list)
    acronyms: set[str] = field(default_factory=set)

    @property
    def commonest(self) -> str:
        spellings = Counter(mention.name.strip() for mention, _ in self.mentions)
        return min(spellings, key=lambda name: (-spellings[name], name))


@dataclass(slots=True, eq=False)
class _Family:
    """Names of one thing in all its editions: the leader, and who is with it and why."""

    leader: _Name
    joined: list[tuple[_Name, Why, float, str]]
    could_be: list[str] = field(default_factory=list)


def cluster(
    mentions: Iterable[Mention],
    threshold: float = CLUSTER_THRESHOLD,
    editions: Editions = "together",
    use_initials: bool = True,
) -> list[Cluster]:
    """Put mentions of the same thing together.

    Names of one form are one. From the commonest on, each name joins the name it is most similar to among
    those that stand for themselves, or stands for itself: so all names of a cluster are similar to one, and
    there is no chain from one to the next. An acronym joins the name that it is defined for in its document,
    else anywhere, else whose initials it is; where there are several it joins none. The result does not
    depend on the order of the mentions.

    Args:
        mentions: with ids that differ.
        threshold: the least similarity of two words in a pair, from 0 to 1; see `similar_words`.
        editions: whether names that differ in year, wave or version only are together or apart.
        use_initials: whether an acronym that is defined nowhere may join a name by its initials.

    Returns:
        The clusters, those with most mentions first. Mentions whose name is blank are in none.
    """
    full, bare = _names(mentions)
    families = _families(full, threshold)
    _join_acronyms(families, bare, use_initials)
    made = [one for family in families for one in _clusters_of(family, editions)]
    return sorted(made, key=lambda one: (-one.mentions, one.id))


def _names(mentions: Iterable[Mention]) -> tuple[list[_Name], dict[str, list[tuple[Mention, NameForm]]]]:
    """Mentions by form: those with a name, and by acronym those that have nothing else."""
    full: dict[str, _Name] = {}
    bare: dict[str, list[tuple[Mention, NameForm]]] = defaultdict(list)
    for mention in mentions:
        form = name_form(mention.name)
        if not form.key:
            continue
        if form.is_acronym and form.acronym is not None:
            bare[form.acronym].append((mention, form))
            continue
        name = full.setdefault(form.key, _Name(form))
        # Of equal keys one may part its words elsewhere; which is taken must not depend on the order.
        name.form = min(name.form, form, key=lambda one: (-len(one.words), one.words))
        name.mentions.append((mention, form))
        for acronym in (form.acronym, acronym_of(mention.acronym or "")):
            if acronym is not None:
                name.acronyms.add(acronym)
    return list(full.values()), bare


def _families(names: list[_Name], threshold: float) -> list[_Family]:
    """Each name with the leader that it is most similar to; leaders are like none that is commoner."""
    words = SimilarWords((word for name in names for word in name.form.content), threshold)
    leaders: list[_Family] = []
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
            leaders.append(_Family(name, [(name, "form", 1.0, "")]))
            number = len(leaders) - 1
            for word in set(name.form.content):
                by_word[word, len(name.form.content)].append(number)
            for acronym in name.acronyms:
                by_acronym[acronym].append(number)
    return leaders


def _most_similar(
    name: _Name, leaders: list[_Family], by_word: dict[tuple[str, int], list[int]], words: SimilarWords
) -> tuple[_Family, Why, float] | None:
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
    name: _Name, leaders: list[_Family], by_acronym: dict[str, list[int]], words: SimilarWords
) -> tuple[_Family, Why, float] | None:
    """The first leader of the same acronym of which one name has all words of the other."""
    numbers = {number for acronym in name.acronyms for number in by_acronym.get(acronym, ())}
    for number in sorted(numbers):
        short, long = sorted((name.form.content, leaders[number].leader.form.content), key=len)
        if share_of(short, long, words):
            return leaders[number], "acronym", round(len("".join(short)) / len("".join(long)), 4)
    return None


def _join_acronyms(
    families: list[_Family], bare: dict[str, list[tuple[Mention, NameForm]]], use_initials: bool
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
    families: list[_Family],
    acronym: str,
    mentions: list[tuple[Mention, NameForm]],
    meant: dict[str, set[int]],
    meant_in: dict[tuple[str, str], set[int]],
    initials: dict[str, set[int]],
) -> None:
    placed: dict[tuple[int | None, Why, str], _Name] = {}
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
        name = placed.setdefault(place, _Name(form))
        name.form = min(name.form, form, key=lambda one: (one.words, one.edition))
        name.mentions.append((mention, form))
    for (number, why, detail), name in sorted(placed.items(), key=lambda item: str(item[0])):
        if number is None:
            alone = _Family(name, [(name, "form", 1.0, "")])
            alone.could_be = sorted(families[other].leader.commonest for other in could_be)
            families.append(alone)
        else:
            families[number].joined.append((name, why, 1.0, detail))


def _clusters_of(family: _Family, editions: Editions) -> list[Cluster]:
    """The one cluster of a family, or one for each edition."""
    own = family.leader.commonest
    by_edition: dict[tuple[str, ...], dict[tuple[str, str, str], Member]] = defaultdict(dict)
    forms: dict[tuple[str, ...], set[NameForm]] = defaultdict(set)
    documents: dict[tuple[str, ...], dict[tuple[str, str, str], set[str | None]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for name, why, score, detail in family.joined:
        for mention, form in name.mentions:
            edition = form.edition if editions == "apart" else ()
            spelling = (mention.name.strip(), why, detail)
            member = by_edition[edition].setdefault(spelling, Member(spelling[0], why, score, own, detail))
            member.mentions.append(mention.id)
            documents[edition][spelling].add(mention.document)
            forms[edition].add(form)
    return [
        _cluster(family, edition, members, forms[edition], documents[edition])
        for edition, members in by_edition.items()
    ]


def _cluster(
    family: _Family,
    edition: tuple[str, ...],
    members: dict[tuple[str, str, str], Member],
    forms: set[NameForm],
    documents: dict[tuple[str, str, str], set[str | None]],
) -> Cluster:
    for spelling, member in members.items():
        member.mentions.sort()
        member.documents = len(documents[spelling] - {None})
    ranked = sorted(
        members.values(),
        key=lambda one: (one.why != "form", -len(one.mentions), one.name, one.why, one.detail),
    )
    return Cluster(
        id="-".join([_id(family.leader.form), *edition]),
        name=ranked[0].name,
        members=ranked,
        forms=sorted(forms, key=lambda form: (form.words, form.edition, form.acronym or "")),
        documents=len(set().union(*documents.values()) - {None}),
        could_be=family.could_be,
    )


def _id(form: NameForm) -> str:
    """What a cluster is called after its leader: the words that are plain letters, and a hash of the key."""
    key = form.key if not form.is_acronym else f"acronym {form.acronym}"
    slug = re.sub(r"[^a-z0-9]+", "_", " ".join(form.content))[:_LONGEST_SLUG].strip("_")
    return f"{slug or 'name'}-{sha256_hex(key.encode())[:8]}"
