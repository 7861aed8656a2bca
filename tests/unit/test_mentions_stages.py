"""Stages that locate names and put them together, in a project: their files, their counts, their errors."""

import orjson
import pytest

from goldpan.chains.answer import answer_locally
from goldpan.chains.check import check_local_stages
from goldpan.chains.preview import preview
from goldpan.errors import SourceError, StudyError
from goldpan.records.inputs import source_files
from goldpan.records.limit import build_limited_records
from goldpan.stages.make import make_records
from goldpan.study.load import load_project
from goldpan.tasks.features import value_of
from tests.mention_projects import loaded, mentions_project, mentions_study
from tests.projects import WorkflowProject

PAGES = [
    {
        "id": "p1", "document": "one", "start": 100, "text": "cleaned text without names",
        "raw": "We use the World Val-\nues Survey (WVS). It is good. The DHS 2014 is another. Far.\n\nAway.",
        "mentions": [
            {"name": "World Values Survey", "acronym": "WVS"}, {"name": "DHS 2014", "acronym": ""},
            {"name": "not there at all", "acronym": None}, {"name": "", "acronym": ""},
        ],
    },
    {
        "id": "p2", "document": "two", "start": 0, "text": "The WVS and 10.5281/zenodo.77 here.",
        "mentions": [{"name": "WVS", "acronym": ""}, {"name": "10.5281/zenodo.77", "acronym": ""}],
    },
]  # fmt: skip
KNOWN = "id,names,acronyms,doi\nwvs,World Values Survey,WVS,\ntrees,Tree Inventory,,10.5281/zenodo.77\n"


def rows_of(pages):
    """One row for each mention, as explode makes them."""
    return [
        {
            "id": f"{page['id']}_{number}",
            "mention": mention,
            **{key: value for key, value in page.items() if key not in ("id", "mentions")},
        }
        for page in pages
        for number, mention in enumerate(page["mentions"])
    ]


def study(**settings):
    """A study of both kinds of stages; further settings by kind."""
    locate = {"kind": "locate", "input": {"source": "rows"}, "name": ["data.mention.name"], "sentences": 1}
    clusters = {"kind": "clusters", "input": {"stage": "located"}, "name": "data.mention.name"}
    clusters |= {"acronym": "data.mention.acronym", "known": "config/known.csv"}
    return {
        "study": "notes",
        "sources": {"rows": {"files": "rows/*.jsonl", "id": ["id"]}},
        "stages": {
            "located": locate | settings.get("locate", {}),
            "clusters": clusters | settings.get("clusters", {}),
        },
    }


@pytest.fixture
def project(tmp_path):
    """Makes a project of some pages whose records are read."""

    def make(pages=PAGES, known=KNOWN, **settings):
        made = WorkflowProject.create(tmp_path / "project")
        made.write("config/known.csv", known)
        made.write_study(study(**settings))
        made.write_rows("rows/a.jsonl", rows_of(pages))
        return made

    return make


def answered(made):
    """The features of both stages by record id, as plain values, and the clusters by name."""
    loaded = load_project("notes", root=made.root)
    for name, path in source_files(loaded.study.sources["rows"], made.root).items():
        build_limited_records(loaded, "rows", name, path, made.root / loaded.paths.records("rows", name))
    found = {}
    for stage in ("located", "clusters"):
        make_records(loaded, stage)
        answer_locally(loaded, stage)
        rows = map(orjson.loads, (made.root / loaded.paths.features(stage)).read_bytes().splitlines())
        found[stage] = {
            row["id"]: row["features"] and {key: value_of(said) for key, said in row["features"].items()}
            for row in rows
        }
    clusters = map(orjson.loads, (made.root / loaded.paths.clusters("clusters")).read_bytes().splitlines())
    return found["located"], found["clusters"], {row["name"]: row for row in clusters}


def test_each_mention_is_located_in_the_raw_text_of_its_page(project):
    located, _, _ = answered(project())
    raw = PAGES[0]["raw"]
    wvs = located["p1_0"]
    assert (wvs["found"], wvs["match"], wvs["match_score"]) == (True, "normalised", 1.0)
    assert raw[wvs["start"] : wvs["end"]] == "World Val-\nues Survey"
    assert (wvs["document_start"], wvs["document_end"]) == (100 + wvs["start"], 100 + wvs["end"])
    assert wvs["sentence"] == "We use the World Val-\nues Survey (WVS)."


def test_text_without_a_raw_one_is_searched_itself_and_has_no_place_in_the_document(project):
    located, _, _ = answered(project())
    assert located["p2_0"]["match"] == "exact"
    assert located["p2_0"]["document_start"] is None


def test_a_mention_that_is_not_found_is_flagged_and_not_dropped(project):
    located, _, _ = answered(project())
    for mention in ("p1_2", "p1_3"):
        assert located[mention]["found"] is False
        assert (located[mention]["match"], located[mention]["start"]) == ("none", None)
        assert located[mention]["window"] is None


def test_windows_of_one_page_that_overlap_are_one(project):
    located, _, _ = answered(project())
    window = "We use the World Val-\nues Survey (WVS). It is good. The DHS 2014 is another. Far."
    assert located["p1_0"]["window"] == located["p1_1"]["window"] == window
    assert located["p1_0"]["window_mentions"] == 2
    assert located["p1_1"]["sentence"] == "The DHS 2014 is another."


def test_windows_of_pages_of_the_same_text_stay_apart(project):
    pages = [
        {"id": f"p{page}", "document": "one", "page": page, "text": "The WVS.", "mentions": [{"name": "WVS"}]}
        for page in (1, 2)
    ]
    located, _, _ = answered(project(pages))
    assert [said["window_mentions"] for said in located.values()] == [1, 1]


def test_windows_that_do_not_overlap_stay_apart(project):
    located, _, _ = answered(project(locate={"sentences": 0}))
    assert located["p1_0"]["window"] == located["p1_0"]["sentence"]
    assert located["p1_1"]["window_mentions"] == 1


def test_other_names_are_looked_for_where_the_first_is_not_there(project):
    pages = [{"id": "p", "text": "The WVS.", "mentions": [{"name": "World Values Survey", "acronym": "WVS"}]}]
    located, _, _ = answered(project(pages, locate={"name": ["data.mention.name", "data.mention.acronym"]}))
    assert located["p_0"]["matched_name"] == "WVS"


def test_mentions_of_one_thing_are_one_cluster_over_papers(project):
    _, clustered, clusters = answered(project())
    assert clustered["p1_0"]["cluster"] == clustered["p2_0"]["cluster"]
    row = clusters["World Values Survey"]
    assert (row["mentions"], row["documents"], row["known_id"], row["link_score"]) == (2, 2, "wvs", 1.0)
    assert [(member["name"], member["why"], member["ids"]) for member in row["members"]] == [
        ("World Values Survey", "form", ["p1_0"]),
        ("WVS", "acronym", ["p2_0"]),
    ]
    assert clustered["p2_0"]["cluster_why"].startswith("acronym: WVS is defined elsewhere")


def test_a_cluster_that_is_nothing_known_is_unlinked(project):
    _, clustered, clusters = answered(project())
    assert (clustered["p1_1"]["known_id"], clustered["p1_1"]["link_score"]) == ("unlinked", None)
    assert clusters["DHS 2014"]["link_why"] == "the acronym DHS is not known"


def test_a_doi_in_the_name_links(project):
    _, clustered, clusters = answered(project())
    assert clustered["p2_1"]["known_id"] == "trees"
    assert clustered["p2_1"]["identifiers"] == "doi:10.5281/zenodo.77"
    assert clusters["10.5281/zenodo.77"]["identifiers"] == {"doi:10.5281/zenodo.77": 1}


def test_a_mention_without_a_name_is_a_row_without_a_cluster(project):
    _, clustered, clusters = answered(project())
    assert clustered["p1_3"]["cluster"] is None
    assert clustered["p1_3"]["known_id"] == "unlinked"
    assert sum(row["mentions"] for row in clusters.values()) == len(clustered) - 1


def test_mentions_left_out_by_a_filter_stay_rows_and_are_in_no_cluster(project):
    _, clustered, clusters = answered(project(clusters={"input": {"stage": "located", "where": "found"}}))
    assert len(clustered) == 6
    assert clustered["p1_2"] == {}
    assert "not there at all" not in clusters


def test_the_clusters_do_not_depend_on_the_order_of_papers(project):
    made = project()
    _, forth, _ = answered(made)
    made.write_rows("rows/a.jsonl", rows_of(PAGES)[::-1])
    _, back, _ = answered(made)
    assert back == forth


@pytest.mark.parametrize(
    ("settings", "place", "says"),
    [
        ({"locate": {"name": "dta.mention.name"}}, "stages.located.name", "did you mean `data`?"),
        (
            {"clusters": {"name": "answers.locatd.sentence"}},
            "stages.clusters.name",
            "did you mean `located`?",
        ),
        ({"clusters": {"acronym": "answers.located.sentenc"}}, "stages.clusters.acronym", "`sentence`"),
        ({"clusters": {"identifiers": ["answers.located.x"]}}, "stages.clusters.identifiers", "has no `x`"),
    ],
)
def test_a_misspelled_field_is_told_before_anything_runs(project, settings, place, says):
    made = project(**settings)
    with pytest.raises(StudyError) as error:
        list(check_local_stages(load_project("notes", root=made.root)))
    assert error.value.where.endswith(place)
    assert says in error.value.what


def test_a_bad_table_of_known_things_is_told_before_anything_runs(project):
    made = project(known="id,names\na,One\na,Two\n")
    with pytest.raises(SourceError, match="line 2") as error:
        list(check_local_stages(load_project("notes", root=made.root)))
    assert error.value.where.endswith("known.csv:3")


@pytest.mark.parametrize("value", [0, 1.5, True, None, "high"])
def test_a_threshold_is_a_share(project, value):
    with pytest.raises(StudyError, match="threshold"):
        load_project("notes", root=project(clusters={"threshold": value}).root)


def test_a_plan_leaves_no_clusters_behind(project):
    made = project()
    list(preview(load_project("notes", root=made.root)))
    assert not (made.root / "results").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("item.raw_name", None),
        ("data.anything", None),
        ("item.raw_nam", "`item` has no `raw_nam`; did you mean `raw_name`?"),
        ("answers.extraction.lenth", "`answers.extraction` has no `lenth`; did you mean `length`?"),
        ("itm.raw_name", "there is no `itm`; did you mean `item`?"),
    ],
)
def test_fields_of_items_are_known_before_anything_is_paid(tmp_path, name, says):
    study = mentions_study()
    following = {"input": {"stage": "extraction", "explode": "mentions"}, "kind": "locate", "name": name}
    study["stages"]["located"] = following
    made = loaded(mentions_project(tmp_path / "project", study))
    if says is None:
        assert any("located" in line for line in check_local_stages(made))
        return
    with pytest.raises(StudyError) as error:
        list(check_local_stages(made))
    assert error.value.what == says
