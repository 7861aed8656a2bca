"""DOIs and accession numbers of data in a text, found by pattern; rather one too few than one too many.

Forms: the DOI as Crossref recommends it for scraping
(crossref.org/blog/dois-and-matching-regular-expressions); accession numbers as the registry identifiers.org
has them (geo, bioproject, insdc.sra, arrayexpress, pdb, uniprot, clinicaltrials), which are made for a field
that holds nothing else. In running text those that are as short as a word (PDB, UniProt, numbers of the UK
Data Archive) count only right after the name of their archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEFORE = r"(?<![A-Za-z0-9_./-])"
_AFTER = r"(?![A-Za-z0-9_])"
_DOI = re.compile(r"(?<![\w.])10\.\d{4,9}(?:\.\d+)*/[-._;()/:A-Z0-9<>+&\[\]~%#]+", re.IGNORECASE)
_NEXT_LINE = re.compile(r"\r?\n[^\S\n]*([\w.()/-]*\d[\w.()/-]*)")
_URL_REST = re.compile(r"[?#&].*|(?:/(?:abstract|full|pdf|epdf|meta|files))+$", re.IGNORECASE)
_CLOSING = {")": "(", "]": "[", ">": "<"}

_ACCESSIONS = {
    # Series, samples, platforms and curated sets of the Gene Expression Omnibus.
    "geo": r"G(?:SE|SM|PL|DS)\d{2,8}",
    "bioproject": r"PRJ(?:NA|EB|DB|EA|DA)\d{2,8}",
    "biosample": r"SAM(?:N|EA|D)\d{5,12}",
    # Studies, samples, experiments, runs, analyses, submissions at NCBI, EBI and DDBJ.
    "sra": r"[SED]R[APRSXZ]\d{6,9}",
    "arrayexpress": r"[AE]-[A-Z]{4}-\d{1,6}",
    "clinicaltrials": r"NCT\d{8}",
    "dbgap": r"phs\d{6}(?:\.v\d+(?:\.p\d+)?)?",
    "ega": r"EGA[SDCNR]\d{11}",
    "proteomexchange": r"R?PXD\d{6}",
}
_NAMED = {
    "icpsr": (r"ICPSR(?:\s+(?:study|dataset|data\s+set))?\s*(?:no\.?|number|\#)?\s*:?\s*", r"\d{4,5}"),
    "ukda": (
        r"(?:UK\s+Data\s+(?:Archive|Service)|UKDA|UKDS)(?:[^\n.;]{0,40}?\bSN)?\s*(?:no\.?|number)?\s*[:#-]?\s*",
        r"\d{3,5}",
    ),
    "pdb": (
        r"(?:\bPDB|\bProtein\s+Data\s+Bank)(?:\s+(?:ID|IDs|code|codes|entry|entries|accession))*\s*[:#]?\s*",
        r"[1-9][A-Za-z0-9]{3}",
    ),
    "uniprot": (
        r"(?:UniProt(?:KB)?|Swiss-Prot)(?:\s+(?:ID|IDs|accession|entry|number|no\.))*\s*[:#]?\s*",
        r"(?:[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z0-9]{2}\d){1,2})",
    ),
}
_PLAIN = re.compile(
    "|".join(f"(?P<{kind}>{_BEFORE}{pattern}{_AFTER})" for kind, pattern in _ACCESSIONS.items())
)
_AFTER_NAMES = {
    kind: re.compile(
        rf"(?:{name})\(?(?P<id>{pattern}){_AFTER}", re.IGNORECASE if kind in ("icpsr", "ukda") else 0
    )
    for kind, (name, pattern) in _NAMED.items()
}


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """An identifier found in a text.

    Attributes:
        start, end: the range in the text that is it.
        kind: `doi`, or the archive, such as `geo`.
        value: in one form: a DOI in small letters, others in capitals as the archive writes them.
    """

    start: int
    end: int
    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def identifiers_in(text: str) -> list[Identifier]:
    """The identifiers in a text, in its order; each occurrence is one."""
    found = [*_dois(text), *_accessions(text)]
    dois = [one for one in found if one.kind == "doi"]
    return sorted(
        one for one in found if one.kind == "doi" or not any(doi.start <= one.start < doi.end for doi in dois)
    )


def doi_of(text: str) -> str | None:
    """The DOI that a cell holds, bare, as `doi:...` or as an address; None where it holds something else."""
    bare = re.sub(r"^(?:https?://)?(?:dx\.)?(?:doi\.org/|doi:?\s*)", "", text.strip(), flags=re.IGNORECASE)
    found = _DOI.fullmatch(bare)
    return None if found is None else bare.lower()


def _dois(text: str) -> Iterator[Identifier]:
    for found in _DOI.finditer(text):
        whole, end = found[0], found.end()
        if (rest := _NEXT_LINE.match(text, end)) and _is_broken_off(whole):
            written = _without_what_closes(whole + rest[1])
            yield Identifier(
                found.start(), rest.end() - len(whole + rest[1]) + len(written), "doi", written.lower()
            )
            continue
        value = _without_what_closes(_URL_REST.sub("", whole))
        if value.partition("/")[2]:
            yield Identifier(found.start(), found.start() + len(value), "doi", value.lower())


def _is_broken_off(doi: str) -> bool:
    """Whether a DOI at a line end goes on in the next line: after a sign that ends no sentence, or without
    number.

    All archives that end theirs in a full stop and a number (Zenodo, Dryad, Figshare) have no digit before
    that.
    """
    return doi[-1] in "/-_" or (
        doi[-1] == "." and not re.search(r"\d", doi.partition("/")[2].replace("m9.", ""))
    )


def _without_what_closes(doi: str) -> str:
    """A DOI without the punctuation of the sentence behind it, or a bracket that it does not open."""
    while doi:
        last = doi[-1]
        if (
            last in ".,;:-_&"
            or (last in _CLOSING and doi.count(last) > doi.count(_CLOSING[last]))
            or last in "([<"
        ):
            doi = doi[:-1]
        else:
            break
    return doi


def _accessions(text: str) -> Iterator[Identifier]:
    for found in _PLAIN.finditer(text):
        assert found.lastgroup is not None
        yield Identifier(found.start(), found.end(), found.lastgroup, found[0])
    for kind, pattern in _AFTER_NAMES.items():
        for found in pattern.finditer(text):
            value = found["id"].upper()
            # Four digits are a year, and `21st` is a word.
            if kind == "pdb" and not any(map(str.isupper, found["id"])):
                continue
            yield Identifier(found.start("id"), found.end("id"), kind, value)
