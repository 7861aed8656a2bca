"""The keyword modules that ship with the project: table, tasks, data sets and studies."""

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
