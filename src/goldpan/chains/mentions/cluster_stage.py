"""What a stage that puts names together says of each record, and its table of clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from goldpan.chains.mentions.clusters import Cluster, Member, cluster
from goldpan.chains.mentions.families import Mention
from goldpan.chains.mentions.fields import check_paths, first_text, text_at
from goldpan.chains.mentions.identifiers import identifiers_in
from goldpan.chains.mentions.known import UNLINKED, KnownTable, Link, read_known
from goldpan.chains.predictions import Predictions
from goldpan.files import replacing
from goldpan.records.model import Record
from goldpan.study.load import Project
from goldpan.study.local_stage import ClustersStage
from goldpan.tasks.features import prediction_of


def known_table(project: Project, stage: str, settings: ClustersStage) -> list[str]:
    """The table of known things, which the stage reads besides its records."""
    return [] if settings.known is None else [settings.known]


def check_clusters(project: Project, stage: str, settings: ClustersStage) -> None:
    """Check the fields that the stage names, and its table of known things.

    Raises:
        StudyError: the records will not have a field.
        SourceError: the table cannot be used; with the line that is wrong.
    """
    for key in ("name", "acronym", "document", "identifiers"):
        if key in settings.model_fields_set and getattr(settings, key) is not None:
            named = getattr(settings, key)
            check_paths(project, stage, key, [named] if isinstance(named, str) else named)
    if settings.known is not None:
        read_known(project.root / settings.known)


def clustered(
    project: Project, stage: str, settings: ClustersStage, records: Iterator[Record]
) -> Iterator[Predictions]:
    """Which cluster the name of each record is in; writes the table of the clusters first."""
    mentions, identifiers = _read(settings, records)
    clusters = cluster(mentions, settings.threshold, settings.editions, settings.initials)
    found = _identifiers_of(clusters, identifiers)
    links = _links(project, settings, clusters, found)
    _write(project.root / project.paths.clusters(stage), clusters, links, found)
    places = {
        mention: (number, member)
        for number, one in enumerate(clusters)
        for member in one.members
        for mention in member.mentions
    }
    for mention in mentions:
        number, member = places.get(mention.id, (None, None))
        said = identifiers.get(mention.id, [])
        if number is None or member is None:
            yield _predictions(None, None, Link(UNLINKED, None, "there is no name"), said)
        else:
            yield _predictions(clusters[number], member, links[number], said)


def _read(settings: ClustersStage, records: Iterator[Record]) -> tuple[list[Mention], dict[str, list[str]]]:
    """The mentions in their order, and the identifiers of those that have any."""
    mentions: list[Mention] = []
    identifiers: dict[str, list[str]] = {}
    for record in records:
        acronym = text_at(record, settings.acronym) if settings.acronym else ""
        document = text_at(record, settings.document) or text_at(record, "parent")
        mentions.append(
            Mention(record["id"], first_text(record, settings.name), acronym or None, document or None)
        )
        texts = {text_at(record, path): None for path in settings.identifiers or settings.name}
        found = {str(one): None for text in texts for one in identifiers_in(text)}
        if found:
            identifiers[record["id"]] = list(found)
    return mentions, identifiers


def _identifiers_of(clusters: list[Cluster], identifiers: dict[str, list[str]]) -> list[dict[str, int]]:
    """Of each cluster its identifiers, with how many mentions have them."""
    return [
        dict(
            sorted(
                Counter(
                    found
                    for member in one.members
                    for mention in member.mentions
                    for found in identifiers.get(mention, ())
                ).items()
            )
        )
        for one in clusters
    ]


def _links(
    project: Project, settings: ClustersStage, clusters: list[Cluster], found: list[dict[str, int]]
) -> list[Link]:
    if settings.known is None:
        return [Link(UNLINKED, None, "no known things are given")] * len(clusters)
    table = KnownTable(read_known(project.root / settings.known), clusters, settings.threshold)
    return [
        table.link(one, [each.removeprefix("doi:") for each in mine if each.startswith("doi:")])
        for one, mine in zip(clusters, found, strict=True)
    ]


def _write(path: Path, clusters: list[Cluster], links: list[Link], found: list[dict[str, int]]) -> None:
    with replacing(path) as out:
        for one, link, identifiers in zip(clusters, links, found, strict=True):
            row = {
                "cluster": one.id,
                "name": one.name,
                "mentions": one.mentions,
                "documents": one.documents,
                "known_id": link.known_id,
                "link_score": link.score,
                "link_why": link.why,
                "could_be": one.could_be,
                "identifiers": identifiers,
                "members": [_member(member) for member in one.members],
            }
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _member(member: Member) -> dict[str, Any]:
    ids = member.mentions
    return {**asdict(member), "mentions": len(ids), "ids": ids}


def _predictions(
    one: Cluster | None, member: Member | None, link: Link, identifiers: list[str]
) -> Predictions:
    return {
        "cluster": prediction_of("text", one.id if one else None),
        "cluster_name": prediction_of("text", one.name if one else None),
        "cluster_why": prediction_of("text", why_in_words(member) if member else None),
        "cluster_score": prediction_of("score", member.score if member else None),
        "known_id": prediction_of("text", link.known_id),
        "link_score": prediction_of("score", link.score),
        "identifiers": prediction_of("text", "; ".join(identifiers) or None),
    }


def why_in_words(member: Member) -> str:
    """Why a name is in its cluster, for a cell of a table."""
    if member.detail:
        return f"{member.why}: {member.detail}"
    if member.why == "form":
        return (
            "form: the name itself"
            if member.name == member.to
            else f"form: `{member.to}` in another spelling"
        )
    if member.why == "acronym":
        return f"acronym: the same as of `{member.to}`, and its words"
    return f"{member.why}: {member.score:g} to `{member.to}`"
