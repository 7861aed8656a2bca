"""A table of known datasets is read with care, and gives clusters their ids or none."""

import pytest

from goldpan.chains.mentions.clusters import cluster
from goldpan.chains.mentions.families import Mention
from goldpan.chains.mentions.known import Known, KnownTable, read_known
from goldpan.errors import SourceError

TABLE = [
    Known("wvs", ("World Values Survey",), ("WVS",), "10.14281/18241.20"),
    Known("dhs", ("Demographic and Health Surveys", "DHS Program"), ("DHS",)),
    Known("cps", ("Current Population Survey",), ("CPS",)),
    Known("cps2", ("Child Protection Survey",), ("CPS",)),
]


def linked(*names, known=TABLE, editions="together", dois=()):
    """(id, score) of each cluster, by its name."""
    clusters = cluster(
        [Mention(str(number), name, None, "a") for number, name in enumerate(names)], editions=editions
    )
    table = KnownTable(known, clusters)
    return {one.name: (link := table.link(one, dois)) and (link.known_id, link.score) for one in clusters}


def test_a_name_links_with_all_there_is_to_it():
    assert linked("the world-values survey data") == {"the world-values survey data": ("wvs", 1.0)}


def test_a_near_name_links_with_its_score():
    assert linked("World Value Survey") == {"World Value Survey": ("wvs", 0.97)}


def test_what_is_like_no_known_name_is_unlinked():
    assert linked("Human Mortality Database") == {"Human Mortality Database": ("unlinked", None)}


def test_an_acronym_alone_links_with_less():
    assert linked("DHS 2014") == {"DHS 2014": ("dhs", 0.9)}


def test_an_acronym_of_two_known_datasets_links_to_neither():
    assert linked("CPS") == {"CPS": ("unlinked", None)}
    clusters = cluster([Mention("1", "CPS")])
    why = KnownTable(TABLE, clusters).link(clusters[0]).why
    assert "cps, cps2" in why


def test_an_acronym_does_not_link_a_name_that_is_another():
    assert linked("World Vision Survey (WVS)") == {"World Vision Survey (WVS)": ("unlinked", None)}


def test_a_doi_links_whatever_the_name_is():
    assert linked("some survey", dois=["10.14281/18241.20"]) == {"some survey": ("wvs", 1.0)}


def test_of_two_editions_that_are_known_each_has_its_own():
    known = [
        Known("dhs14", ("Demographic and Health Survey 2014",)),
        Known("dhs18", ("Demographic and Health Survey 2018",)),
    ]
    names = ("Demographic and Health Survey 2014", "Demographic and Health Survey 2018")
    assert linked(*names, known=known, editions="apart") == {
        names[0]: ("dhs14", 1.0),
        names[1]: ("dhs18", 1.0),
    }
    assert list(linked(*names, known=known).values()) == [("unlinked", None)]


def write(folder, text, encoding="utf-8"):
    path = folder / "known.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_table_is_read(tmp_path):
    path = write(
        tmp_path,
        "\ufeffid,names,acronyms,doi,note\n"
        'wvs,"World Values Survey; Values Survey, World",WVS;W.V.S.,https://doi.org/10.14281/18241.20,x\n'
        "dhs,Demographic and Health Surveys,,,\n",
    )
    assert read_known(path) == [
        Known("wvs", ("World Values Survey", "Values Survey, World"), ("WVS",), "10.14281/18241.20"),
        Known("dhs", ("Demographic and Health Surveys",)),
    ]


@pytest.mark.parametrize(
    ("rows", "line", "says"),
    [
        ("a,One,,\nb,Two,,\na,Three,,\n", 4, "line 2"),
        ("a,One,,\n,Two,,\n", 3, "`id` is empty"),
        ("a,,,\n", 2, "`names` is empty"),
        ("a, ; ,,\n", 2, "`names` is empty"),
        ("a,One,,not a doi\n", 2, "no DOI"),
        ("a,One\n", 2, "2 cells"),
        ("a,One, two,,\n", 2, "5 cells"),
        ("unlinked,One,,\n", 2, "unlinked"),
        ('a,"One,,\n', 2, "quote"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, rows, line, says):
    path = write(tmp_path, f"id,names,acronyms,doi\n{rows}")
    with pytest.raises(SourceError) as error:
        read_known(path)
    assert error.value.where == f"{path}:{line}"
    assert says in error.value.what


@pytest.mark.parametrize(
    ("text", "says"), [("id,name\na,b\n", "`names`"), ("id,names\n", "no row"), ("", "no row")]
)
def test_a_table_without_its_columns_or_rows_is_refused(tmp_path, text, says):
    with pytest.raises(SourceError, match=says):
        read_known(write(tmp_path, text))


def test_a_table_in_another_encoding_is_refused_by_its_line(tmp_path):
    path = write(tmp_path, "id,names\na,Enquête\n", "latin-1")
    with pytest.raises(SourceError, match="encoding") as error:
        read_known(path)
    assert error.value.where == f"{path}:2"
