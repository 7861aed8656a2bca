"""Which mentions name the same thing: one cluster for each, with the reason why each name is in it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from goldpan.chains.mentions.families import Mention, NameFamily, Why, families_of
from goldpan.chains.mentions.names import NameForm
from goldpan.files import sha256_hex
from goldpan.study.local_stage import CLUSTER_THRESHOLD, Editions

_LONGEST_SLUG = 40


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
    families = families_of(mentions, threshold, use_initials)
    made = [one for family in families for one in _clusters_of(family, editions)]
    return sorted(made, key=lambda one: (-one.mentions, one.id))


def _clusters_of(family: NameFamily, editions: Editions) -> list[Cluster]:
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
    family: NameFamily,
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
