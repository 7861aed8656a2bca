"""The keyword modules that ship with the project: table, tasks, data sets and studies."""

import json
import re
import subprocess
import sys

import pytest

from goldpan.experiments.check import check_data_sets, projects_with_modules
from goldpan.study import load_project
from goldpan.study.load import modules_of
from goldpan.tasks.task import load_task

STUDIES = ["keywords_chain", "keywords_golden", "keywords_synthetic"]


@pytest.fixture(scope="module")
def checked(project):
    """The data sets of all studies of modules, as `goldpan experiments check` finds them."""
    projects, _ = projects_with_modules(project, None)
    assert [one.study.study for one in projects] == STUDIES
    return {(data.study, data.module): data for data in check_data_sets(projects)}


def test_each_module_of_the_table_has_sound_golden_and_synthetic_rows(project, checked):
    golden = load_project("keywords_golden", root=project, disabled_modules=True)
    modules = modules_of(golden)
    assert len(modules) == 22
    for name in modules:
        assert checked["keywords_golden", name].rows >= 14
        assert checked["keywords_synthetic", name].rows == 60


@pytest.mark.parametrize("study", STUDIES)
def test_the_studies_take_all_modules_that_are_enabled(project, study):
    loaded = load_project(study, root=project)
    assert all(module.enabled for module in modules_of(loaded).values())
    assert len(loaded.study.stages) == len(loaded.study.evaluations) == 21


def test_each_module_s_task_begins_with_its_name_and_measures_a_feature(project):
    golden = load_project("keywords_golden", root=project, disabled_modules=True)
    for name, module in modules_of(golden).items():
        task = load_task(name, project / "config" / "tasks")
        assert task.description.startswith(f"{module.name}: ")
        assert task.expected


def words(text):
    return re.findall(r"\w+", text.casefold())


def texts(value):
    """The texts in a row's input that somebody wrote for this row, and no earlier module."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


FROM_EARLIER = ("product_type", "hard_constraints", "attributes", "own_brand", "competitors", "variations")


def test_no_prompt_gives_away_a_golden_row_of_its_module(project):
    """Neither a whole text of three words or more nor six words in a row of one stand in its prompt."""
    golden = load_project("keywords_golden", root=project, disabled_modules=True)
    for name in modules_of(golden):
        task = load_task(name, project / "config" / "tasks")
        prompt = f" {' '.join(words(task.system_template))} "
        rows = project / "examples" / "keywords" / "golden" / f"{name}.jsonl"
        for line in rows.read_text("utf-8").splitlines():
            row = json.loads(line)
            for text in texts({key: part for key, part in row["input"].items() if key not in FROM_EARLIER}):
                said = words(text)
                size = min(len(said), 6)
                runs = [said[at : at + size] for at in range(len(said) - size + 1)] if size >= 3 else []
                for run in runs:
                    assert f" {' '.join(run)} " not in prompt, f"{row['id']}: {' '.join(run)}"


def test_labels_of_synthetic_rows_are_balanced(checked):
    for (study, module), data in checked.items():
        for counts in data.answers.values() if study == "keywords_synthetic" else ():
            if module in ("m02", "m05b", "m12", "m13", "m14", "m15", "m16"):
                assert max(counts.values()) - min(counts.values()) <= 1


def test_the_synthetic_sets_are_what_the_script_writes_and_another_seed_writes_others(project, tmp_path):
    script = project / "examples" / "keywords" / "make_synthetic.py"
    for folder, options in (("same", []), ("other", ["--seed", "13", "--rows", "5"])):
        command = [sys.executable, str(script), "--out", str(tmp_path / folder), *options]
        subprocess.run(command, check=True, capture_output=True)
    committed = sorted((project / "examples" / "keywords" / "synthetic").iterdir())
    assert [path.name for path in committed] == sorted(path.name for path in (tmp_path / "same").iterdir())
    for path in committed:
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes(), (
            "run make_synthetic.py again"
        )
        assert path.read_bytes()[:2000] != (tmp_path / "other" / path.name).read_bytes()[:2000]
