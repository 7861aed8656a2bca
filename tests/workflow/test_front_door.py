"""goldpan as a user meets it: installed from a wheel, away from the checkout, with its first project."""

import csv
import os
import re
import shlex
from pathlib import Path

import orjson
import pytest

from tests.fresh_environment import FreshEnvironment, build_wheel
from tests.projects import CHECKOUT
from tests.typed_pages import DoneByHand, Typed, steps_of

PAGE = CHECKOUT / "docs" / "first_quarter.md"
A_PERSON = DoneByHand("a person fills in the sheet")
# What the letters are about, and whether they ask for something, as a person reads them; by their numbers.
TOPICS = {
    "roads": (1, 6, 11, 16, 22, 23),
    "parks": (2, 7, 12, 18),
    "noise": (3, 9, 13, 19),
    "waste": (4, 10, 15, 20, 24),
    "other": (5, 8, 17, 21),
}
NOTHING_ASKED = (2, 5, 8, 12, 13, 19, 21, 23)


def test_the_page_has_all_steps():
    steps = list(steps_of(PAGE))
    commands = [step.command for step in steps if isinstance(step, Typed)]
    assert commands[0] == "pip install goldpan"
    assert commands.count("goldpan run") == 3
    assert A_PERSON in steps


def fill_in_the_sheet(project: Path) -> None:
    """Do what a person does with the sheet, and save it where the page says."""
    with (project / "examples/letters/letters.csv").open(encoding="utf-8", newline="") as file:
        number_of = {row["letter"]: int(row["number"]) for row in csv.DictReader(file)}
    topic_of = {number: topic for topic, numbers in TOPICS.items() for number in numbers}
    sheet = project / "results/letters/waves/check/sheets/me.csv"
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        number = number_of[row["letter"]]
        row["topic"] = topic_of[number]
        row["asks_for_action"] = "no" if number in NOTHING_ASKED else "yes"
    filled = project / "annotations/letters/check/me.csv"
    filled.parent.mkdir(parents=True, exist_ok=True)
    with filled.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """The page, typed in a new environment and in a folder whose name has a space and umlauts.

    Returns:
        The environment, the project, and each command with what it said.
    """
    folder = tmp_path_factory.mktemp("front")
    wheel = build_wheel(folder)
    environment = FreshEnvironment.create(folder / "env", wheel.parent)
    place = folder / "Erste Übung"
    place.mkdir()
    said = []
    for step in steps_of(PAGE):
        if step == A_PERSON:
            fill_in_the_sheet(place)
        elif isinstance(step, Typed) and step.command.startswith("cd "):
            place = place / shlex.split(step.command)[1]
        elif isinstance(step, Typed):
            said.append((step, environment.run(step.command, place).stdout))
            if step.command == "pip install goldpan":
                environment.add_other_packages()
    return environment, place, said


@pytest.fixture(scope="module")
def environment(recording):
    return recording[0]


def test_the_page_shows_what_its_commands_say(recording):
    for step, said in recording[2]:
        step.assert_shown(said)


def test_goldpan_and_its_workflow_are_those_of_the_wheel(environment, tmp_path):
    code = "import goldpan; print(goldpan.__file__); print(goldpan.workflow_file())"
    library, workflow = environment.run(["python", "-c", code], tmp_path).stdout.split()
    assert Path(library).is_relative_to(environment.site_packages)
    assert Path(workflow).is_relative_to(environment.site_packages)
    assert not list(environment.site_packages.glob("*editable*"))


def test_jobs_in_environments_of_their_own_find_goldpan_and_nothing_else(recording):
    environment, project, _ = recording
    (link,) = (project / ".snakemake/goldpan").iterdir()
    assert link.resolve() == (environment.site_packages / "goldpan").resolve()


def test_a_run_names_nothing_of_the_checkout(recording):
    _, project, said = recording
    assert str(CHECKOUT / "rules") not in "".join(output for _, output in said)
    scripts = [path.read_text() for path in (project / ".snakemake").rglob("*") if path.suffix == ".py"]
    assert not [script for script in scripts if str(CHECKOUT / "src") in script]


def test_the_gold_set_is_what_the_person_said(recording):
    _, project, _ = recording
    gold = project / "results/letters/waves/check/gold"
    rows = [
        orjson.loads(line)
        for split in ("train", "dev", "test")
        for line in (gold / f"{split}.jsonl").read_bytes().splitlines()
    ]
    assert len(rows) == 10
    assert {row["labels"]["topic"] for row in rows} <= TOPICS.keys()


def test_snakemake_in_the_folder_does_the_same_as_goldpan_run(recording):
    environment, project, _ = recording
    assert "Nothing to be done" in environment.run("snakemake --cores 2", project).stdout


def test_own_data_in_an_own_folder_with_a_space_and_umlauts(environment, tmp_path):
    environment.run(["goldpan", "init", "Größe & Maß"], tmp_path)
    project = tmp_path / "Größe & Maß"
    study = project / "config/studies/letters.yaml"
    study.write_text(study.read_text().replace("examples/letters/*.csv", '"Meine Daten/*.csv"'))
    (project / "Meine Daten").mkdir()
    (project / "Meine Daten" / "Briefe März.csv").write_text(
        "number,letter\nä1,Die Mülltonnen are full of rubbish.\n", encoding="utf-8"
    )
    target = "results/letters/stages/topics/features.jsonl"
    environment.run(["goldpan", "run", "--root", "Größe & Maß", target, "limit=5"], tmp_path)
    (row,) = [orjson.loads(line) for line in (project / target).read_bytes().splitlines()]
    assert (row["id"], row["state"]) == ("ä1", "ok")
    assert "Nothing to be done" in environment.run(["goldpan", "run", target, "limit=5"], project).stdout


@pytest.mark.parametrize("template", ["trace_critic", "two_step", "dataset_mentions", "keywords"])
def test_a_study_that_ships_is_whole_in_a_project_of_its_own(template, environment, tmp_path):
    environment.run(["goldpan", "init", "new", "--from", template], tmp_path)
    assert "no errors" in environment.run(["goldpan", "validate"], tmp_path / "new").stdout
    assert "jobs would run" in environment.run(["goldpan", "run", "-n"], tmp_path / "new").stdout


def test_the_workflow_is_a_module_of_another_as_the_page_says(environment, tmp_path):
    page = (CHECKOUT / "docs" / "as_a_module.md").read_text(encoding="utf-8")
    snakefile = re.search(r"^```python\n# Snakefile\n(.*?)^```", page, re.M | re.S)
    *commands, run = re.findall(r"^```sh\n(\w+ [^#\n]*)", page, re.M)
    assert snakefile is not None and (commands, run.split()[0]) == ([commands[0]], "snakemake")
    environment.run(commands[0], tmp_path)
    study = tmp_path / "labels/config/studies/letters.yaml"
    study.write_text(study.read_text().replace("examples/letters/*.csv", "examples/letters/new.csv"))
    (tmp_path / "Snakefile").write_text(snakefile[1])
    first = environment.run(run, tmp_path)
    (log,) = (tmp_path / ".snakemake/log").iterdir()
    names = set(re.findall(r"^(\w+) +\d+$", log.read_text(), re.M))
    assert {"letters", "labels_records", "labels_features", "topics"} <= names
    # The rules that stay on this host are known by their new names.
    assert "localrules directive" not in first.stdout + log.read_text()
    assert '"topic":{' in (tmp_path / "topics.txt").read_text()
    assert {path.name for path in tmp_path.iterdir()} <= {"labels", "Snakefile", "topics.txt", ".snakemake"}
    assert "Nothing to be done" in environment.run(run, tmp_path).stdout


def test_two_studies_as_modules_of_one_workflow_are_refused(environment, tmp_path):
    modules = ["from goldpan import workflow_file"]
    for name in ("first", "second"):
        environment.run(["goldpan", "init", name], tmp_path)
        module = f'module {name}:\n    snakefile: workflow_file()\n    config: {{"study": "letters"}}'
        modules += [f'{module}\n    prefix: "{name}"', f"use rule * from {name} as {name}_*"]
    (tmp_path / "Snakefile").write_text("\n".join(modules))
    done = environment.run("snakemake -n first_all", tmp_path, check=False)
    assert done.returncode == 1
    assert "which has room for one" in done.stdout


def test_the_wheel_holds_no_more_of_the_workflow_than_the_checkout_tracks(environment):
    shipped = environment.site_packages / "goldpan" / "project_files"
    files = {
        path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }
    assert {Path(name) for name in ("Snakefile", "rules/common.smk", "profiles/slurm/config.yaml")} <= files
    assert not [path for path in files if not (CHECKOUT / path).is_file()]
    assert not [path for path in files if ".draw" in path.name or os.sep + "derived" + os.sep in str(path)]
