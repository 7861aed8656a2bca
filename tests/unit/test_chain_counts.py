"""chain.json: each row of the sources is told from step to step, and what does not add up is an error."""

import orjson
import pytest

from goldpan.chains.counts import final_stages, read_chain, write_chain
from goldpan.cli.chain_table import print_chain
from goldpan.errors import ReconciliationError, SourceError, StudyError
from goldpan.records.read import build_records
from goldpan.stages.make import make_records
from goldpan.stages.upstream import failures_before
from goldpan.study.load import load_project
from tests.mention_projects import mentions_project, mentions_study

PAGES = [{"page": f"p{at}", "text": f"Text of p{at}."} for at in range(5)] + [{"page": "p5", "text": " "}]


def names(*raw):
    return [{"raw_name": name, "context": "primary", "year": None} for name in raw]


ANSWERS = {"p0": names("A", "B", "A"), "p1": [], "p2": None, "p3": "refused", "p4": names("C")}


def write_features(project, stage, row_of):
    """Answer a stage by hand: `row_of` gives state and predictions of a record that is not skipped."""
    paths, root = project.paths, project.root
    lines, states = [], {}
    for line in (root / paths.stage_records(stage)).read_bytes().splitlines():
        record = orjson.loads(line)
        state, predictions = ("skipped", {}) if "skip" in record else row_of(record)
        states[state] = states.get(state, 0) + 1
        place = {key: record[key] for key in ("id", "source", "file")}
        reason = record.get("skip") or (None if state == "ok" else f"{state}: so it is")
        lines.append(orjson.dumps({**place, "state": state, "reason": reason, "features": predictions}))
    (root / paths.features(stage)).write_bytes(b"".join(line + b"\n" for line in lines))
    (root / paths.summary(stage)).write_bytes(orjson.dumps({"states": states}))


def extracted(record):
    answer = ANSWERS[record["data"]["page"]]
    if isinstance(answer, str):
        return answer, {}
    return "ok", {"mentions": {"type": "ExtractionPrediction", "items": answer}}


def judged(record):
    return "ok", {"valid": {"type": "ClassificationPrediction", "label": "yes"}}


def begun(root, study=None):
    """A project whose pages are records, and whose extraction is answered."""
    study = study or mentions_study()
    study["sources"]["pages"]["not_blank"] = ["text"]
    made = mentions_project(root, study)
    made.write_rows("pages/a.jsonl", PAGES[:4])
    made.write_rows("pages/b.jsonl", PAGES[4:])
    project = load_project("mentions", root=root)
    for file in ("a.jsonl", "b.jsonl"):
        output = root / project.paths.records("pages", file)
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(project.study.sources["pages"], "pages", file, root / "pages" / file, output)
    make_records(project, "extraction")
    write_features(project, "extraction", extracted)
    return project


@pytest.fixture
def project(tmp_path):
    """The same with all stages answered."""
    made = begun(tmp_path / "project")
    for stage in ("judge", "paper"):
        make_records(made, stage)
        write_features(made, stage, judged)
    return made


def change(path, old, new):
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))


def test_each_step_says_what_became_of_its_rows(project):
    chain = write_chain(project, "paper")
    (pages,), (extraction, judge, paper) = chain.sources, chain.stages
    assert (pages.files, pages.rows, pages.records, pages.skipped) == (2, 6, 5, {"blank": 1})
    assert extraction.rows == 6
    assert extraction.states == {"ok": 4, "refused": 1, "skipped": 1}
    assert extraction.reasons == {"refused": {"refused": 1}, "skipped": {"blank": 1}}
    made = judge.explode
    assert (made.parents, made.with_items, made.items, made.repeated, made.rows) == (6, 2, 4, 1, 3)
    assert made.without_items == {"no_items": 2, "blank": 1, "upstream": 1}
    assert judge.rows == 7
    assert judge.upstream == {"extraction": {"refused": 1}}
    gathered = paper.group
    assert (gathered.groups, gathered.rows_before, gathered.children, gathered.without_children) == (
        6,
        7,
        3,
        4,
    )
    assert paper.states == {"ok": 4, "skipped": 2}


def test_what_is_written_is_read_again(project):
    chain = write_chain(project, "paper")
    assert read_chain(project.root / project.paths.chain("paper")) == chain


def test_a_chain_of_a_later_version_is_read_and_one_that_is_damaged_is_refused(project):
    write_chain(project, "judge")
    path = project.root / project.paths.chain("judge")
    change(path, b'"format": 1,', b'"format": 1, "more": 2,')
    assert read_chain(path).stage == "judge"
    change(path, b'"sources"', b'"sauces"')
    with pytest.raises(SourceError, match="sources"):
        read_chain(path)


@pytest.mark.parametrize(
    ("stage", "artifact", "old", "new", "says"),
    [
        (
            "judge",
            "stage_records",
            b'"count":2',
            b'"count":3',
            "5 items, but the answers of extraction hold 4",
        ),
        ("paper", "stage_records", b'"rows":2', b'"rows":3', "8 records gathered, but judge gives 7"),
        (
            "judge",
            "stage_records",
            b'"parent":"p1"',
            b'"parent":"p0"',
            "rows of 5 parents, but extraction gives 6",
        ),
    ],
)
def test_counts_that_do_not_fit_are_an_error_with_step_and_numbers(project, stage, artifact, old, new, says):
    change(project.root / getattr(project.paths, artifact)(stage), old, new)
    with pytest.raises(ReconciliationError, match=says) as error:
        write_chain(project, "paper")
    assert error.value.where == f"stage {stage}"
    assert not (project.root / project.paths.chain("paper")).exists()


def test_a_row_of_a_source_that_never_reached_the_stage_is_an_error(project):
    path = project.root / project.paths.records("pages", "b.jsonl")
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(ReconciliationError, match="6 rows, but pages gives 5") as error:
        write_chain(project, "judge")
    assert error.value.where == "stage extraction"


def test_a_row_without_its_features_is_an_error(project):
    path = project.root / project.paths.features("judge")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(ReconciliationError, match="does not fit its records"):
        write_chain(project, "paper")


def test_an_artifact_that_is_not_there_is_named(project):
    (project.root / project.paths.features("judge")).unlink()
    with pytest.raises((StudyError, SourceError), match="judge"):
        write_chain(project, "paper")


def test_stages_that_are_united_are_counted_beside_each_other(tmp_path):
    study = mentions_study(judge={"stage": ["extraction", "extraction_b"]})
    second = {**study["stages"]["extraction"]}
    study["stages"] = {"extraction": second, "extraction_b": second, **study["stages"]}
    project = begun(tmp_path / "project", study)
    make_records(project, "extraction_b")
    write_features(
        project,
        "extraction_b",
        lambda record: ("ok", {"mentions": {"type": "ExtractionPrediction", "items": names("A", "Z")}}),
    )
    make_records(project, "judge")
    write_features(project, "judge", judged)
    chain = write_chain(project, "judge")
    assert [step.stage for step in chain.stages] == ["extraction", "extraction_b", "judge"]
    made = chain.stages[-1].explode
    assert (made.items_before, made.items, made.rows, made.parents) == (14, 14, 12, 6)


def test_only_stages_that_nothing_reads_are_final(project):
    assert final_stages(project) == ["paper"]
    assert project.study.chain_to("judge") == ["extraction", "judge"]


def test_the_table_is_as_wide_as_a_terminal_and_has_each_step(project, capsys):
    chain = write_chain(project, "paper")
    chain.stages[0].reasons["skipped"] = {f"reason_number_{at}": at for at in range(12)}
    print_chain(chain)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line[0] != " "] == [
        "chain",
        "step",
        "pages",
        "extraction",
        "judge",
        "paper",
    ]
    judge = next(line for line in lines if line.startswith("judge"))
    assert "4 items of 2 of 6 records" in judge


def test_a_stage_goes_on_without_records_that_failed_and_says_how_many(tmp_path):
    project = begun(tmp_path / "project")
    made = make_records(project, "judge")
    assert made.failed == {"extraction": {"refused": 1}}
    assert "1 record of stage extraction failed (1 refused)" in str(made)
    assert failures_before(project, "judge") == made.failed
    assert failures_before(project, "extraction") == {}


def test_a_stage_that_is_to_stop_names_counts_and_what_to_do(tmp_path):
    study = mentions_study()
    study["stages"]["judge"]["upstream"] = "stop"
    project = begun(tmp_path / "project", study)
    with pytest.raises(StudyError, match=r"1 record of stage extraction failed \(1 refused\)") as error:
        make_records(project, "judge")
    assert "goldpan retry extraction --study mentions" in error.value.remedy
    assert "upstream: go_on" in error.value.remedy
    assert error.value.where.startswith("stage judge")
    assert not (project.root / project.paths.stage_records("judge")).exists()


def test_a_stage_that_is_to_stop_goes_on_where_none_failed(tmp_path):
    study = mentions_study()
    study["stages"]["judge"]["upstream"] = "stop"
    project = begun(tmp_path / "project", study)
    write_features(
        project,
        "extraction",
        lambda record: ("ok", {"mentions": {"type": "ExtractionPrediction", "items": []}}),
    )
    assert make_records(project, "judge").failed == {}


def test_another_word_than_go_on_and_stop_is_refused(tmp_path):
    study = mentions_study()
    study["stages"]["judge"]["upstream"] = "halt"
    with pytest.raises(StudyError, match=r"stages\.judge\.upstream"):
        begun(tmp_path / "project", study)
