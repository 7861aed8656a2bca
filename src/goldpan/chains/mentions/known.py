"""A table of known datasets, and which of them a cluster is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from goldpan.cells import restore
from goldpan.chains.mentions.clusters import Cluster
from goldpan.chains.mentions.identifiers import doi_of
from goldpan.chains.mentions.names import NameForm, acronym_of, name_form
from goldpan.chains.mentions.similar_words import SimilarWords, least_similarity
from goldpan.errors import SourceError
from goldpan.records.tables import read_csv
from goldpan.study.local_stage import CLUSTER_THRESHOLD

UNLINKED = "unlinked"
"""The id of what is none of the known datasets."""

_COLUMNS = ("id", "names")
_ACRONYM_SCORE = 0.9
"""Of a cluster that is only ever called by an acronym, which something unknown may have, too."""


@dataclass(frozen=True, slots=True)
class Known:
    """A known dataset.

    Attributes:
        id: in the table.
        names: at least one.
        acronyms: as the table has them, in capitals without full stops.
        doi: in small letters, or None.
    """

    id: str
    names: tuple[str, ...]
    acronyms: tuple[str, ...] = ()
    doi: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Which known dataset a cluster is.

    Attributes:
        known_id: its id, or `unlinked`.
        score: 1 for its DOI or name, else how similar the names are; None where it is unlinked.
        why: in words.
    """

    known_id: str
    score: float | None
    why: str


def read_known(path: Path) -> list[Known]:
    """Read a CSV with the columns `id` and `names`, and perhaps `acronyms` and `doi`; others are passed over.

    Several names or acronyms of one cell are parted by `;`.

    Raises:
        SourceError: the file is no such table, a row lacks its id or names, holds something else than a DOI,
            is called `unlinked`, or has the id of another row; the row is named.
    """
    known: list[Known] = []
    lines: dict[str, int] = {}
    for row in read_csv(path, ",", "utf-8", list(_COLUMNS)):
        where = f"{path}:{row.line}"
        if row.error is not None:
            raise SourceError(row.error.what, where=where, remedy=row.error.remedy)
        one = _known({column: restore(str(cell)).strip() for column, cell in row.data.items()}, where)
        if one.id in lines:
            raise SourceError(
                f"the id `{one.id}` is that of line {lines[one.id]}, too",
                where=where,
                remedy="write all names of a dataset into one row, parted by `;`",
            )
        lines[one.id] = row.line
        known.append(one)
    if not known:
        raise SourceError(
            "the table has no row", where=str(path), remedy="leave `known` out where nothing is known"
        )
    return known


def _known(cells: dict[str, str], where: str) -> Known:
    if not cells["id"]:
        raise SourceError("the cell of column `id` is empty", where=where, remedy="give each dataset an id")
    if cells["id"] == UNLINKED:
        raise SourceError(
            f"`{UNLINKED}` cannot be an id: it is what clusters have that are none of these",
            where=where,
            remedy="give the dataset another id",
        )
    names = _parts(cells["names"])
    if not names:
        raise SourceError("the cell of column `names` is empty", where=where, remedy="give at least one name")
    doi = doi_of(cells.get("doi", "")) if cells.get("doi") else None
    if cells.get("doi") and doi is None:
        raise SourceError(
            f"{cells['doi']!r} is no DOI",
            where=where,
            remedy="write it as 10.1234/abc, or leave the cell empty",
        )
    acronyms = [acronym_of(part) or part.upper() for part in _parts(cells.get("acronyms", ""))]
    return Known(cells["id"], tuple(names), tuple(dict.fromkeys(acronyms)), doi)


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


class KnownTable:
    """Finds which known dataset a cluster is.

    Args:
        known: the table.
        clusters: all that will be looked up.
        threshold: as for `cluster`.
    """

    def __init__(
        self, known: Iterable[Known], clusters: Iterable[Cluster], threshold: float = CLUSTER_THRESHOLD
    ):
        self._dois: dict[str, set[str]] = defaultdict(set)
        self._acronyms: dict[str, set[str]] = defaultdict(set)
        self._forms: dict[str, list[tuple[NameForm, str, str]]] = defaultdict(list)
        self._by_word: dict[tuple[str, int], list[tuple[NameForm, str, str]]] = defaultdict(list)
        for one in known:
            if one.doi:
                self._dois[one.doi].add(one.id)
            for acronym in one.acronyms:
                self._acronyms[acronym].add(one.id)
            for name in one.names:
                form = name_form(name)
                if form.acronym is not None:
                    self._acronyms[form.acronym].add(one.id)
                if not form.is_acronym and form.key:
                    self._forms[form.key].append((form, one.id, name))
                    for word in set(form.content):
                        self._by_word[word, len(form.content)].append((form, one.id, name))
        words = {word for forms in self._forms.values() for form, *_ in forms for word in form.content}
        words |= {word for made in clusters for form in made.forms for word in form.content}
        self._words = SimilarWords(words, threshold)

    def link(self, cluster: Cluster, dois: Iterable[str] = ()) -> Link:
        """The known dataset that a cluster is: by a DOI, by a name, or by the acronym where it has no name.

        Where two known datasets fit equally well it is neither.

        Args:
            cluster: one of those given.
            dois: found with its mentions.
        """
        by_doi = {known_id for doi in dois for known_id in self._dois.get(doi, ())}
        if by_doi:
            return _link(by_doi, 1.0, "its DOI")
        names = [form for form in cluster.forms if not form.is_acronym]
        if not names:
            acronyms = {form.acronym for form in cluster.forms if form.acronym}
            ids = {known_id for acronym in acronyms for known_id in self._acronyms.get(acronym, ())}
            if cluster.could_be:
                return Link(UNLINKED, None, f"the acronym of several: {', '.join(cluster.could_be)}")
            return _link(ids, _ACRONYM_SCORE, f"the acronym {', '.join(sorted(acronyms))}")
        return self._by_name(names)

    def _by_name(self, names: list[NameForm]) -> Link:
        found: list[tuple[float, bool, str, str]] = []
        for form in names:
            for known, known_id, name in self._candidates(form):
                if known.edition and form.edition and known.edition != form.edition:
                    continue
                score = (
                    1.0
                    if known.key == form.key
                    else least_similarity(form.content, known.content, self._words)
                )
                if score:
                    found.append((score, known.edition == form.edition, known_id, name))
        if not found:
            return Link(UNLINKED, None, "no known name is like it")
        score, same_edition = max(one[:2] for one in found)
        best = [one for one in found if one[:2] == (score, same_edition)]
        return _link({one[2] for one in best}, score, f"the name {min(one[3] for one in best)}")

    def _candidates(self, form: NameForm) -> list[tuple[NameForm, str, str]]:
        content = form.content
        choices = [
            [
                one
                for near in (word, *self._words.of(word))
                for one in self._by_word.get((near, len(content)), ())
            ]
            for word in content
        ]
        return [*self._forms.get(form.key, ()), *min(choices, key=len)]


def _link(ids: set[str], score: float, why: str) -> Link:
    if not ids:
        return Link(UNLINKED, None, f"{why} is not known")
    if len(ids) > 1:
        return Link(UNLINKED, None, f"{why} is that of several: {', '.join(sorted(ids))}")
    return Link(min(ids), score, why)
