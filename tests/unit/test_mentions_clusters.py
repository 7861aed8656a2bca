"""Mentions of one thing are one cluster, which says of each name why it is there, in any order."""

import csv
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldpan.chains.mentions.clusters import cluster
from goldpan.chains.mentions.families import Mention
from goldpan.chains.mentions.names import name_form
from goldpan.chains.mentions.similar_words import SimilarWords, least_similarity
from goldpan.study.local_stage import CLUSTER_THRESHOLD

LABELLED = Path(__file__).parents[1] / "data" / "mentions" / "same_names.csv"


def mentions(*names, documents=None):
    """A mention of each name, in a document each unless they are given."""
    documents = documents or [f"paper{number}" for number in range(len(names))]
    return [
        Mention(f"m{number}", name, None, document)
        for number, (name, document) in enumerate(zip(names, documents, strict=True))
    ]


def parts(found):
    """The names of each cluster, as sets."""
    return {frozenset(member.name for member in one.members) for one in found}


def whys(found):
    return {member.name: member.why for one in found for member in one.members}


def test_names_that_differ_in_what_says_nothing_are_one():
    names = (
        "World Values Survey", "world  values survey", "The World Values Survey", "World-Values Survey data",
        "WORLD VALUES SURVEY dataset", "World Va-\nlues Survey", "“World Values Survey”",
        "World Values Survey.",
    )  # fmt: skip
    (one,) = cluster(mentions(*names))
    assert {member.why for member in one.members} == {"form"}
    assert one.mentions == len(names)


def test_each_name_says_why_it_is_there():
    names = [
        "World Values Survey (WVS)",
        "World Values Survey",
        "World Values Survey",
        "World Value Surveys",
        "WVS",
    ]
    (one,) = cluster(mentions(*names))
    assert one.name == "World Values Survey"
    assert whys([one]) == {
        "World Values Survey": "form",
        "World Values Survey (WVS)": "form",
        "World Value Surveys": "fuzzy",
        "WVS": "acronym",
    }
    scores = {member.name: (member.score, member.to) for member in one.members}
    assert scores["World Value Surveys"] == (0.97, "World Values Survey")


@pytest.mark.parametrize(
    "names",
    [
        ("Landsat 7", "Landsat 8"),
        ("MIMIC-II", "MIMIC-III"),
        ("Austria Labour Force Survey", "Australia Labour Force Survey"),
        ("Niger Survey", "Nigeria Survey"),
        ("PISA", "PISAD"),
        ("WVS", "ESS"),
        ("中国家庭追踪调查", "中国家庭金融调查"),
        ("World Values Survey", "World Values Survey of Mothers"),
        ("a" * 10_000, "a" * 9_999 + "b"),
        ("В\u0412\u0421", "WVS"),
    ],
)
def test_names_of_different_things_stay_apart(names):
    assert len(cluster(mentions(*names))) == 2


def test_a_chain_of_near_names_is_not_one_cluster():
    # Each is like the one before, and the last is nothing like the first.
    chain = ["abcdefghij Survey", "abcdefghijk Survey", "abcdefghijkl Survey", "abcdefghijklm Survey",
             "abcdefghijklmn Survey", "abcdefghijklmno Survey", "abcdefghijklmnop Survey"]  # fmt: skip
    names = [name for number, name in enumerate(chain) for _ in range(len(chain) - number)]
    found = cluster(mentions(*names))
    assert len(found) > 1
    for one in found:
        leader = name_form(one.name).content
        for member in one.members:
            content = name_form(member.name).content
            words = SimilarWords({*leader, *content}, CLUSTER_THRESHOLD)
            assert least_similarity(leader, content, words) >= CLUSTER_THRESHOLD


def test_an_acronym_of_two_things_means_that_of_its_own_paper():
    names = ["Current Population Survey (CPS)", "CPS", "Child Protection Survey (CPS)", "CPS", "CPS"]
    found = cluster(mentions(*names, documents=["a", "a", "b", "b", "c"]))
    by_name = {one.name: one for one in found}
    assert [member.mentions for member in by_name["Current Population Survey (CPS)"].members] == [
        ["m0"],
        ["m1"],
    ]
    assert [member.mentions for member in by_name["Child Protection Survey (CPS)"].members] == [
        ["m2"],
        ["m3"],
    ]
    assert [member.mentions for member in by_name["CPS"].members] == [["m4"]]
    assert by_name["CPS"].could_be == ["Child Protection Survey (CPS)", "Current Population Survey (CPS)"]


def test_an_acronym_given_beside_the_name_counts():
    given_beside = [Mention("1", "Labour Force Survey", "QLFS", "a"), Mention("2", "QLFS", None, "b")]
    assert len(cluster(given_beside)) == 1


def test_an_acronym_defined_nowhere_joins_by_its_initials_only_where_asked():
    two = mentions("World Values Survey", "WVS")
    assert whys(cluster(two))["WVS"] == "initials"
    assert len(cluster(two, use_initials=False)) == 2
    assert len(cluster([*two, Mention("x", "World Vision Survey")])) == 3


def test_names_of_the_same_acronym_are_one_where_one_has_all_words_of_the_other():
    names = (
        "Current Population Survey (CPS)",
        "US Current Population Survey (CPS)",
        "US Current Population Survey",
    )
    assert len(cluster(mentions(*names[:2]))) == 1
    assert len(cluster(mentions("Current Population Survey", names[2]))) == 2


EDITIONS = (
    "DHS 2014", "DHS 2018", "Demographic and Health Survey (DHS)", "Demographic and Health Survey 2014",
    "2014 Demographic and Health Survey data",
)  # fmt: skip


def test_years_are_together_by_themselves():
    assert len(cluster(mentions(*EDITIONS))) == 1


def test_years_are_apart_where_asked_and_keep_their_acronym():
    found = parts(cluster(mentions(*EDITIONS), editions="apart"))
    assert found == {
        frozenset(
            {"DHS 2014", "Demographic and Health Survey 2014", "2014 Demographic and Health Survey data"}
        ),
        frozenset({"DHS 2018"}),
        frozenset({"Demographic and Health Survey (DHS)"}),
    }


@pytest.mark.parametrize(
    ("name", "edition"),
    [
        ("World Values Survey wave 7", ("no7",)),
        ("World Values Survey, Wave VII", ("no7",)),
        ("the seventh wave of the World Values Survey", ("no7",)),
        ("World Values Survey 2013-14", ("2013-2014",)),
        ("World Values Survey (2013–2014)", ("2013-2014",)),
        ("World Values Survey v2.1", ("no2.1",)),
        ("World Values Survey round 3 (2001)", ("2001", "no3")),
        ("World Values Survey", ()),
        ("World Values Survey of 12000 homes", ()),
    ],
)
def test_years_waves_and_versions_are_told_from_names(name, edition):
    assert name_form(name).edition == edition
    assert name_form(name).words[:3] == ("world", "values", "survey")


def test_what_stands_in_brackets_is_no_acronym_of_words_that_lack_its_letters():
    assert name_form("World Values Survey (GHANA)").words == ("world", "values", "survey", "ghana")
    assert name_form("World Values Survey (WVS)").acronym == "WVS"
    assert name_form("WVS (World Values Survey)").acronym == "WVS"


@pytest.mark.parametrize("name", ["2014", "GSE2000", "wave 7"])
def test_a_name_that_is_nothing_but_a_number_keeps_it(name):
    assert name_form(name).key and not name_form(name).edition


@pytest.mark.parametrize("name", ["", " ", "...", "\u200b", "()"])
def test_a_blank_name_is_in_no_cluster(name):
    assert cluster(mentions(name)) == []


@pytest.mark.parametrize(
    "name", ["a" * 10_000, "(" * 500, "A (" * 200, "WVS (" * 100 + ")" * 100, "[.*", "\0", "\ud800"]
)
def test_any_name_is_in_one_cluster(name):
    found = cluster(mentions(name, "World Values Survey"))
    assert sum(one.mentions for one in found) in (1, 2)


def test_the_id_of_a_cluster_stays_when_papers_are_added():
    before = mentions("World Values Survey", "World Values Survey", "WVS", "Penn World Table")
    after = [
        *before,
        Mention("n1", "World Value Surveys", None, "new"),
        Mention("n2", "Human Mortality Database"),
    ]
    ids = {one.id for one in cluster(before)}
    assert ids < {one.id for one in cluster(after)}
    assert sorted(ids)[1].startswith("world_values_survey-")


def test_labelled_names_are_told_apart():
    with LABELLED.open(newline="") as rows:
        pairs = [(row["one"], row["other"], row["same"] == "yes") for row in csv.DictReader(rows)]
    found = [(len(cluster(mentions(one, other))) == 1, same) for one, other, same in pairs]
    wrong = [pair for pair, (told, same) in zip(pairs, found, strict=True) if told and not same]
    assert wrong == []
    assert sum(told for told, same in found if same) >= 0.8 * sum(same for _, same in found)


NAMES = st.sampled_from(
    [
        *EDITIONS, "World Values Survey", "World Value Survey", "World Value Surveys", "Wrld Values Survey",
        "WVS", "World Values Survey (WVS)", "World Vision Survey (WVS)", "WVS 2014", "wvs", "CPS", "", "Data",
        "Current Population Survey (CPS)", "US Current Population Survey (CPS)", "data base of homes",
        "data bases of homes",
        "database of homes", "WVS (World Values Survey)", "Current Population Surveys",
    ]
)  # fmt: skip


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["a", "b", None])), max_size=25),
    st.sampled_from(["together", "apart"]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_mentions_changes_nothing(rows, editions, chance):
    given_rows = [Mention(f"m{number}", name, None, document) for number, (name, document) in enumerate(rows)]
    mixed = list(given_rows)
    chance.shuffle(mixed)
    found = cluster(given_rows, editions=editions)
    assert found == cluster(mixed, editions=editions)
    ids = [each for one in found for member in one.members for each in member.mentions]
    assert sorted(ids) == sorted(row.id for row in given_rows if row.name)


def test_words_are_compared_as_all_pairs_would_be():
    from rapidfuzz.distance import Indel

    chance = random.Random(5)
    words = ["".join(chance.choices("abc", k=chance.randint(3, 12))) for _ in range(300)]
    similar = SimilarWords(words, 0.85)
    for one in set(words):
        expected = {
            other
            for other in set(words) - {one}
            if min(len(one), len(other)) >= 4
            and one[0] == other[0]
            and Indel.normalized_similarity(one, other) >= 0.85
        }
        assert set(similar.of(one)) == expected
