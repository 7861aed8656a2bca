"""The tables of hard cases in docs/chains.md are what happens, and the page names all there is."""

import re
from pathlib import Path

import pytest

from goldpan.chains.mentions.clusters import cluster
from goldpan.chains.mentions.families import Mention
from goldpan.chains.mentions.locate import locate
from goldpan.stages.mention_features import CLUSTER_FEATURES, LOCATE_FEATURES

PAGE = (Path(__file__).parents[2] / "docs" / "chains.md").read_text()


def table(heading):
    """The rows of the table whose first line is this, as lists of cells; `\\|` stays one cell."""
    lines = PAGE.partition(f"{heading}\n")[2].splitlines()[1:]
    rows = lines[: next(at for at, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def written(cell):
    """The text between backticks, with its escapes."""
    found = re.search("`(.*?)`", cell)
    return re.sub(r"\\(u[0-9a-f]{4}|n)", lambda one: _escaped(one[1]), found[1]) if found else None


def _escaped(sign):
    return "\n" if sign == "n" else chr(int(sign[1:], 16))


LOCATED = table("| name | text | match | what is found |")
NAMES = table("| names | what becomes of them |")


def test_there_are_enough_hard_cases():
    assert len(LOCATED) >= 12 and len(NAMES) >= 12


@pytest.mark.parametrize("row", LOCATED, ids=lambda row: row[0])
def test_a_name_is_found_as_the_table_says(row):
    name, text, kind, there = written(row[0]), written(row[1]), row[2], written(row[3])
    match = locate(text, [name])
    assert (match.kind, None if match.start is None else text[match.start : match.end]) == (kind, there)


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row[0])
def test_names_are_put_together_as_the_table_says(row):
    expected = {frozenset(part.strip().split("; ")) for part in written(row[1]).split("\\|")}
    names = sorted(name for names in expected for name in names)
    found = cluster([Mention(name, name) for name in names])
    assert {frozenset(member.name for member in one.members) for one in found} == expected


@pytest.mark.parametrize("feature", [feature.name for feature in (*LOCATE_FEATURES, *CLUSTER_FEATURES)])
def test_every_feature_is_named(feature):
    assert f"`{feature}`" in PAGE
