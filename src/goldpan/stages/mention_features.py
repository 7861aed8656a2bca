"""The features of stages that say where a name stands and what it is the name of."""

from __future__ import annotations

from goldpan.tasks.features import Binary, Classification, Feature, Score, Text

_LAST_PLACE = 2**31 - 1


def _place(name: str, description: str) -> Score:
    return Score(name=name, type="score", description=description, min=0, max=_LAST_PLACE, abstain=True)


def is_place(feature: Feature) -> bool:
    """Whether a feature is a place in a text, or a count of places: a number that is no measure."""
    return isinstance(feature, Score) and feature.max == _LAST_PLACE


def _share(name: str, description: str, abstain: bool = False) -> Score:
    return Score(
        name=name, type="score", description=description, min=0, max=1, integer=False, abstain=abstain
    )


def _text(name: str, description: str) -> Text:
    return Text(name=name, type="text", description=description, bare=True, abstain=True)


LOCATE_FEATURES: list[Feature] = [
    Binary(name="found", type="binary", description="The name stands in the text."),
    Classification(
        name="match",
        type="classification",
        description="How it was found.",
        labels={
            "exact": "letter by letter",
            "normalised": "but for case, white space, hyphens and forms of signs",
            "fuzzy": "nearly",
            "none": "it was not found",
        },
    ),
    _share("match_score", "How near what was found is to the name; 0 where nothing was."),
    _text("matched_name", "Which of the names was found."),
    _place("start", "Characters of the text before it."),
    _place("end", "Characters of the text up to its end."),
    _place("document_start", "The same within the document."),
    _place("document_end", "The same within the document."),
    _place("occurrences", "How often the name stands in the text."),
    _text("sentence", "The sentences that it stands in."),
    _text("window", "These with some around, and with those of mentions whose windows overlap."),
    _place("window_start", "Characters of the text before the window."),
    _place("window_mentions", "Mentions that the window is for."),
]

CLUSTER_FEATURES: list[Feature] = [
    _text("cluster", "Id of the cluster that the name is in; none where there is no name."),
    _text("cluster_name", "Its commonest name."),
    _text("cluster_why", "Why the name is in it."),
    _share("cluster_score", "How similar the name is to that of the cluster.", abstain=True),
    _text("known_id", "Which known thing it is; `unlinked` where it is none."),
    _share("link_score", "How surely; none where it is unlinked.", abstain=True),
    _text("identifiers", "DOIs and accession numbers found with it."),
]
