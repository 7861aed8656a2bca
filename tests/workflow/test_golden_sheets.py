"""Sheets of two modules, filled in by two people, and what they decided in the golden set of the next run."""

import orjson
import pytest

from goldpan.cli import main
from goldpan.experiments.history import History
from goldpan.experiments.listing import pending_runs
from goldpan.files import read_json
from goldpan.study import load_project
from tests.filled_sheets import read_sheet_rows, write_sheet_rows
from tests.projects import WorkflowProject
from tests.workflow.test_experiments import ASKS, STUDY, TABLE, TOPIC, golden_rows

SHEETS = "golden_sheets"
ALL = ("--all", "--sample", "8", "--seed", "1", "--annotators", "anna,ben")
OF_ASKS, OF_TOPIC = "asks-n8-s1-anna-ben", "topic-n8-s1-anna-ben"
ORDERED = "asks-n20-s42-ordered"


def sheet_of(project, wave):
    return project.root / "results" / SHEETS / "waves" / wave / "sheets" / "side_by_side.csv"


def returned(project, wave):
    return project.root / "annotations" / SHEETS / wave


def right_answers(module):
    return {row["input"]["text"]: row["expected"][module] for row in golden_rows(12)}


def fill(project, wave, module, others):
    """Each of the two fills in their own column of a copy; they answer as the golden rows do, but for row 0,
    where both say `others`, and row 1, where only the second does."""
    rows, right = read_sheet_rows(sheet_of(project, wave)), right_answers(module)
    for letter, name in (("a", "anna"), ("b", "ben")):
        mine = [dict(row) for row in rows]
        for place, row in enumerate(mine):
            answer = right[row["input.text"]]
            if place == 0 or (place == 1 and letter == "b"):
                answer = others(answer)
            row[f"annotator_{letter}_{module}"] = str(answer)
        write_sheet_rows(returned(project, wave) / f"{name}.csv", mine)
    return [row["input.text"].split(":")[0].replace("Note ", "r") for row in rows]


def other_topic(topic):
    return "rain" if topic != "rain" else "cat"


def said(project, *arguments):
    """What a command of `goldpan experiments` prints; it must succeed."""
    return project.goldpan("experiments", *arguments).stdout


def lines_of(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The project after sheets were made and filled in, and the workflow has made their gold sets; with the
    ids of the rows in the order of the sheet of `asks`."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("sheets"), study="golden")
    project.write("config/modules.yaml", TABLE)
    project.write("config/studies/golden.yaml", STUDY)
    for task in (TOPIC, ASKS):
        project.write_task(task)
        project.write(f"config/tasks/{task['task']}.user.j2", "{{ data.input.text }}")
        project.write_rows(f"golden/{task['task']}.jsonl", golden_rows(12))
    said(project, "sheets", "asks", "--sample", "20", "--no-shuffle")
    said(project, "sheets", *ALL)
    order = fill(project, OF_ASKS, "asks", lambda answer: not answer)
    fill(project, OF_TOPIC, "topic", other_topic)
    project.run("--config", f"study={SHEETS}")
    return project, order


@pytest.fixture
def project(filled, tmp_path):
    """A copy of it for one test."""
    return filled[0].copy(tmp_path / "project")


@pytest.fixture
def order(filled):
    return filled[1]


@pytest.mark.timeout(900)
def test_sheets_show_the_input_and_ask_what_is_measured_and_give_no_right_answer_away(filled):
    project, _ = filled
    for wave, module in ((OF_ASKS, "asks"), (OF_TOPIC, "topic")):
        rows = read_sheet_rows(sheet_of(project, wave))
        assert list(rows[0]) == [
            *("item_id", "input.text", "input.tags", f"llm_{module}"),
            *(f"annotator_a_{module}", f"annotator_b_{module}", "agreement", "notes", "sheet"),
        ]
        assert len(rows) == 8
        assert not any("plain" in cell for row in rows for cell in row.values())


def test_without_shuffle_rows_are_in_the_order_of_the_data_and_else_they_are_not(filled, order):
    project, _ = filled
    texts = [row["input.text"] for row in read_sheet_rows(sheet_of(project, ORDERED))]
    assert texts == [row["input"]["text"] for row in golden_rows(12)]
    assert order != sorted(order, key=lambda name: int(name[1:]))


def test_the_same_arguments_are_the_same_wave_and_write_over_nothing(project):
    rows = read_sheet_rows(sheet_of(project, OF_ASKS))
    rows[0]["annotator_a_asks"] = "yes"
    write_sheet_rows(sheet_of(project, OF_ASKS), rows)
    study_file = project.root / "config" / "studies" / f"{SHEETS}.yaml"
    study = study_file.read_text().replace("    sample: 8\n", "    sample: 8\n    strategy: annotator_a\n")
    study_file.write_text(study)
    given_out = (project.root / "results" / SHEETS / "waves", project.root / "annotations")
    before = [snapshot(folder) for folder in given_out]
    assert "nothing is written over" in said(project, "sheets", *ALL)
    assert [snapshot(folder) for folder in given_out] == before
    assert study_file.read_text() == study


def test_a_wave_that_was_drawn_anew_with_another_sample_says_so(project):
    assert "asked for here" not in said(project, "sheets", *ALL)
    study_file = project.root / "config" / "studies" / f"{SHEETS}.yaml"
    study_file.write_text(study_file.read_text().replace("sample: 8", "sample: 10"))
    project.goldpan("waves", "redraw", OF_ASKS, "--study", SHEETS)
    printed = said(project, "sheets", "asks", *ALL[1:])
    assert f"asks: wave {OF_ASKS}, 10 rows of 12" in printed
    assert "drawn with sample 10 as its study says, not with the 8 asked for here" in printed


def test_other_arguments_are_another_wave_beside_it(project):
    before = snapshot(project.root / "annotations")
    said(project, "sheets", "asks", "--sample", "8", "--seed", "2", "--blind", "--dry-run")
    waves = load_project(SHEETS, root=project.root).study.waves
    assert {*waves} == {ORDERED, OF_ASKS, OF_TOPIC, "asks-n8-s2-blind"}
    assert waves["asks-n8-s2-blind"].blind and not waves[OF_ASKS].blind
    assert snapshot(project.root / "annotations") == before


def test_agreement_is_measured_on_what_the_two_have_said(filled):
    project, _ = filled
    report = read_json(project.root / "results" / SHEETS / "waves" / OF_ASKS / "agreement.json")
    (feature,) = report["features"]
    assert feature["paired_items"] == 8
    assert feature["observed_agreement"]["value"] == pytest.approx(7 / 8)


def test_what_people_decided_is_a_new_version_and_all_else_stays(project, order):
    folder = project.root / "golden"
    before = {name: (folder / name).read_bytes() for name in ("asks.jsonl", "topic.jsonl")}
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    was = {row["id"]: row["expected"]["asks"] for row in golden_rows(12)}
    changed, disputed = order[:2]
    now, then = (str(answer).lower() for answer in (not was[changed], was[changed]))
    assert f"{changed}: asks {then} -> {now}\n" in printed
    assert f"{disputed}: stays as it is; no answer to it is decided yet" in printed
    assert "1 answers changed, 6 confirmed, 0 rows added\n" in printed
    assert {path.name for path in folder.iterdir()} == {"asks.jsonl", "topic.jsonl", "asks.v2.jsonl"}
    assert {name: (folder / name).read_bytes() for name in before} == before
    old, new = ((folder / name).read_bytes().splitlines() for name in ("asks.jsonl", "asks.v2.jsonl"))
    differ = [(orjson.loads(a), orjson.loads(b)) for a, b in zip(old, new, strict=True) if a != b]
    ((row, other),) = differ
    assert row["id"] == changed
    assert other["expected"] == row["expected"] | {"asks": not was[changed]}
    (decided,) = other["metadata"].pop("people")
    assert other["metadata"] == row["metadata"]
    assert decided["wave"] == OF_ASKS and decided["was"] == {"asks": was[changed]}
    card = (project.root / "results" / SHEETS / "waves" / OF_ASKS / "gold" / "card.md").read_text()
    assert decided["gold"] in card


def test_asked_twice_nothing_changes_and_the_same_gold_gives_the_same_bytes(project, filled, tmp_path):
    said(project, "golden", "asks", "--from", OF_ASKS)
    version = (project.root / "golden" / "asks.v2.jsonl").read_bytes()
    assert "nothing was written" in said(project, "golden", "asks", "--from", OF_ASKS)
    assert (project.root / "golden" / "asks.v2.jsonl").read_bytes() == version
    assert not (project.root / "golden" / "asks.v3.jsonl").exists()
    other = filled[0].copy(tmp_path / "other")
    said(other, "golden", "asks", "--from", OF_ASKS)
    assert (other.root / "golden" / "asks.v2.jsonl").read_bytes() == version


def rewritten(path, change):
    """Write the rows of a file anew, each as `change` leaves it."""
    rows = lines_of(path)
    for row in rows:
        change(row)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def test_an_answer_taken_over_before_and_edited_since_is_named(project, order):
    said(project, "golden", "asks", "--from", OF_ASKS)
    version = project.root / "golden" / "asks.v2.jsonl"
    was = {row["id"]: row["expected"]["asks"] for row in golden_rows(12)}[order[0]]
    rewritten(version, lambda row: row["expected"].update({"asks": was}) if row["id"] == order[0] else None)
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    then, now = (str(answer).lower() for answer in (was, not was))
    why = f"`asks`: it is {then}, although {now} was taken over from wave `{OF_ASKS}` before"
    assert f"{order[0]}: stays as it is; {why}" in printed
    assert not (project.root / "golden" / "asks.v3.jsonl").exists()


def test_a_later_wave_may_have_changed_what_was_taken_over(project, order):
    said(project, "golden", "asks", "--from", OF_ASKS)
    version = project.root / "golden" / "asks.v2.jsonl"

    def decide(row):
        if row["id"] == order[0]:
            now = row["expected"]["asks"]
            row["metadata"]["people"].append({"wave": "later", "gold": "x", "was": {"asks": now}})
            row["expected"]["asks"] = not now

    rewritten(version, decide)
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    assert f"{order[0]}:" not in printed and "1 taken over before" in printed


def test_each_row_of_the_golden_set_is_in_one_count(project):
    rows = "12 rows of golden/asks.jsonl: 1 changed, 6 confirmed, 0 taken over before, 1 left as they are,"
    assert f"{rows} 4 not in the wave\n" in said(project, "golden", "asks", "--from", OF_ASKS)
    rows = "12 rows of golden/asks.v2.jsonl: 0 changed, 6 confirmed, 1 taken over before, 1 left as they are,"
    assert f"{rows} 4 not in the wave\n" in said(project, "golden", "asks", "--from", OF_ASKS)


def test_an_id_that_stands_twice_in_the_golden_set_is_refused_with_both_lines(project, order):
    other = {"id": order[0], "input": {"text": "Another."}, "expected": {"asks": True}}
    path = project.root / "golden" / "asks.jsonl"
    place = 1 + [row["id"] for row in lines_of(path)].index(order[0])
    path.write_bytes(b"\n" + path.read_bytes() + orjson.dumps(other) + b"\n")
    done = project.goldpan("experiments", "golden", "asks", "--from", OF_ASKS, check=False)
    assert done.returncode == 1 and f"`{order[0]}` stands twice, in lines {place + 1} and 14" in done.stdout
    assert not (project.root / "golden" / "asks.v2.jsonl").exists()


def test_lines_that_are_no_rows_are_named_and_stay(project):
    path = project.root / "golden" / "asks.jsonl"
    path.write_bytes(b"# golden\n" + path.read_bytes() + b'{"input": {"text": "No id."}}\n')
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    assert "golden/asks.jsonl: lines 1, 14 are no rows with an id; they stay as they are" in printed
    lines = (project.root / "golden" / "asks.v2.jsonl").read_bytes().splitlines()
    assert (lines[0], lines[-1]) == (b"# golden", b'{"input": {"text": "No id."}}')


def test_an_answer_that_the_task_does_not_know_is_kept_as_what_was_there_before(project):
    (first, *_) = read_sheet_rows(sheet_of(project, OF_TOPIC))
    name = first["input.text"].split(":")[0].replace("Note ", "r")
    path = project.root / "golden" / "topic.jsonl"
    rewritten(path, lambda row: row["expected"].update(topic="storm") if row["id"] == name else None)
    assert f'{name}: topic "storm" -> ' in said(project, "golden", "topic", "--from", OF_TOPIC)
    new = {row["id"]: row for row in lines_of(path.with_name("topic.v2.jsonl"))}
    assert new[name]["metadata"]["people"][0]["was"] == {"topic": "storm"}


def test_the_next_run_is_pending_and_measures_against_the_new_version(project, order):
    golden = load_project("golden", root=project.root)
    history = History(golden.runs)
    assert pending_runs(golden, history) == []
    said(project, "golden", "asks", "--from", OF_ASKS)
    assert "golden asks: 12 rows" in said(project, "check")
    pending = pending_runs(load_project("golden", root=project.root), history)
    assert [of.stage for of in pending] == ["asks"]
    paid = project.paid()
    said(project, "run", "asks")
    assert project.paid() == paid
    rows = {row["id"]: row for row in read_sheet_rows(project.artifact("runs/asks.csv"))}
    was = {row["id"]: row["expected"]["asks"] for row in golden_rows(12)}
    differing = [name for name, row in rows.items() if (row["expected.asks"] == "yes") != was[name]]
    assert differing == [order[0]]
    assert pending_runs(load_project("golden", root=project.root), history) == []


def test_a_study_may_stay_with_an_earlier_version(project):
    said(project, "golden", "asks", "--from", OF_ASKS)
    pinned = STUDY.replace("study: golden", "study: pinned").replace(
        "data: golden", "data: golden\n  versions: {asks: 1}"
    )
    project.write("config/studies/pinned.yaml", pinned)
    files = {
        name: load_project(name, root=project.root).study.sources["asks"].files
        for name in ("golden", "pinned")
    }
    assert files == {"golden": ["golden/asks.v2.jsonl"], "pinned": ["golden/asks.jsonl"]}
    assert "pinned asks: 12 rows" in said(project, "check")


def test_by_a_study_that_stays_behind_the_newest_version_nothing_is_taken_over(project):
    said(project, "golden", "asks", "--from", OF_ASKS)
    pinned = STUDY.replace("data: golden", "data: golden\n  versions: {asks: 1}")
    project.write("config/studies/golden.yaml", pinned)
    done = project.goldpan("experiments", "golden", "asks", "--from", OF_ASKS, check=False)
    assert done.returncode == 1 and "stays with golden/asks.jsonl, and there is version 2" in done.stdout


def test_what_only_one_of_two_has_answered_is_not_decided(project, order):
    (returned(project, OF_ASKS) / "ben.csv").unlink()
    project.run(f"results/{SHEETS}/waves/{OF_ASKS}/gold/card.md", "--config", f"study={SHEETS}")
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    assert printed.count("stays as it is; `asks`: only one of 2 annotators has answered") == len(order)
    assert "nothing was written" in printed


def test_a_decision_later_on_makes_the_next_version(project, order):
    said(project, "golden", "asks", "--from", OF_ASKS)
    open_rows = project.root / "results" / SHEETS / "waves" / OF_ASKS / "disagreements.csv"
    rows = read_sheet_rows(open_rows)
    was = {row["id"]: row["expected"]["asks"] for row in golden_rows(12)}
    rows[0]["final_label"] = "no" if was[order[1]] else "yes"
    write_sheet_rows(returned(project, OF_ASKS) / "decided.csv", rows)
    stale = project.goldpan("experiments", "golden", "asks", "--from", OF_ASKS, check=False)
    assert stale.returncode == 1 and "older than what came back" in stale.stdout
    project.run(f"results/{SHEETS}/waves/{OF_ASKS}/gold/card.md", "--config", f"study={SHEETS}")
    assert f"{order[1]}: asks" in said(project, "golden", "asks", "--from", OF_ASKS)
    second, third = (lines_of(project.root / "golden" / f"asks.v{number}.jsonl") for number in (2, 3))
    assert [row["id"] for row, other in zip(second, third, strict=True) if row != other] == [order[1]]


def test_a_row_whose_input_was_edited_since_stays_as_it_is(project, order):
    rows = golden_rows(12)
    edited = next(row for row in rows if row["id"] == order[0])
    edited["input"]["text"] += "!"
    project.write_rows("golden/asks.jsonl", rows)
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    assert f"{order[0]}: stays as it is; people saw another input" in printed
    assert "nothing was written" in printed


def test_a_row_that_the_golden_set_lacks_is_added_with_where_it_is_from(project, order):
    lacking = [row for row in golden_rows(12) if row["id"] not in order[:3]]
    project.write_rows("golden/asks.jsonl", lacking)
    said(project, "golden", "asks", "--from", f"{SHEETS}/{OF_ASKS}")
    new = lines_of(project.root / "golden" / "asks.v2.jsonl")
    assert [row["id"] for row in new] == [row["id"] for row in lacking] + sorted([order[0], order[2]])
    was = {row["id"]: row for row in golden_rows(12)}
    for row in new[-2:]:
        (decided,) = row["metadata"].pop("people")
        right = was[row["id"]]["expected"]["asks"] != (row["id"] == order[0])
        assert row == was[row["id"]] | {"expected": was[row["id"]]["expected"] | {"asks": right}}
        assert decided["wave"] == OF_ASKS and "was" not in decided
    assert "golden asks: 11 rows" in said(project, "check", "asks", "--study", "golden")


def test_a_new_row_whose_input_is_there_under_another_id_is_not_added(project, order):
    rows = golden_rows(12)
    next(row for row in rows if row["id"] == order[2])["id"] = "renamed"
    project.write_rows("golden/asks.jsonl", rows)
    printed = said(project, "golden", "asks", "--from", OF_ASKS)
    assert f"{order[2]}: is not added; the same input stands already under the id `renamed`" in printed
    assert len(lines_of(project.root / "golden" / "asks.v2.jsonl")) == 12


def test_a_label_that_the_task_has_no_longer_is_not_taken_over(project):
    feature = TOPIC["features"][0] | {"labels": ["cat", "engine", "snow"]}
    project.write_task(TOPIC | {"features": [feature]})
    kept = [row for row in golden_rows(12) if row["expected"]["topic"] != "rain"]
    project.write_rows("golden/topic.jsonl", kept)
    printed = said(project, "golden", "topic", "--from", OF_TOPIC)
    assert "`topic`: `rain` is not one of the labels" in printed
    assert "people were asked otherwise than the task asks now: topic" in printed
    newest = sorted((project.root / "golden").glob("topic*.jsonl"))[-1]
    assert "rain" not in {row["expected"]["topic"] for row in lines_of(newest)}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("golden", "topic", "--from", OF_ASKS), "asked about `asks`, not about `topic`"),
        (("golden", "asks", "--from", "asks-n9-s1"), f"there are: {ORDERED}, {OF_TOPIC}, {OF_ASKS}"),
        (("golden", "asks", "--from", ORDERED), "is not so far yet"),
        (("sheets", "nothing"), "`nothing` is no module"),
        (("sheets", "asks", "--annotators", "anna,anna"), "named twice"),
        (("sheets", "asks", "--sample", "0"), "sample"),
        (("sheets", "asks", "--study", SHEETS), "has the waves of another one"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(project, capsys, arguments, why):
    before = snapshot(project.root / "config") | snapshot(project.root / "golden")
    assert main(["experiments", *arguments, "--root", str(project.root)]) == 1
    assert why in capsys.readouterr().err
    assert snapshot(project.root / "config") | snapshot(project.root / "golden") == before
