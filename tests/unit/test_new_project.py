"""`goldpan init`: a small project that is whole, and nothing that was there is lost."""

import re
import subprocess
import sys

import pytest
import yaml

from goldpan.batches.check import check_stages
from goldpan.cli import build_parser, main
from goldpan.errors import StorageError, StudyError
from goldpan.study import load_project
from goldpan.study.installed import installed_project, library_for_jobs, workflow_file
from goldpan.workflow.inputs import Inputs
from goldpan.workflow.new_project import TEMPLATES, make_project
from tests.projects import CHECKOUT


def everything_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_a_project_is_small_and_what_is_listed_is_there(tmp_path):
    written = make_project(tmp_path / "new")
    assert everything_in(tmp_path / "new") | {"slurm"} == set(written)
    assert len(written) <= 15


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_study_of_a_template_finds_all_that_it_names(template, tmp_path, monkeypatch):
    make_project(tmp_path / "new", template)
    monkeypatch.chdir(tmp_path / "new")
    assert (
        yaml.safe_load((tmp_path / "new/config/config.yaml").read_text())["study"]
        in TEMPLATES[template].studies
    )
    for study in TEMPLATES[template].studies:
        project = load_project(study)
        assert list(Inputs(project).everything())
        list(check_stages(project))


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_study_of_a_template_is_the_one_that_ships(template, tmp_path):
    make_project(tmp_path, template)
    for study in TEMPLATES[template].studies:
        name = f"config/studies/{study}.yaml"
        assert (tmp_path / name).read_bytes() == (CHECKOUT / name).read_bytes()


def test_the_command_knows_the_templates():
    init = build_parser()._subparsers._group_actions[0].choices["init"]
    (choices,) = (action.choices for action in init._actions if "--from" in action.option_strings)
    assert set(choices) == TEMPLATES.keys()


def test_the_snakefile_has_three_lines_and_uses_the_installed_workflow(tmp_path):
    make_project(tmp_path)
    lines = (tmp_path / "Snakefile").read_text().splitlines()
    assert len(lines) == 3
    assert "workflow_file()" in lines[-1]


def test_the_readme_is_one_screen(tmp_path):
    for template in TEMPLATES:
        make_project(tmp_path / template, template)
        assert len((tmp_path / template / "README.md").read_text().splitlines()) <= 40


def test_the_readme_names_the_key_that_a_study_needs(tmp_path):
    make_project(tmp_path, "trace_critic")
    assert "`OPENAI_API_KEY`" in (tmp_path / "README.md").read_text()


def test_a_profile_is_found_by_its_name_where_snakemake_starts(tmp_path):
    make_project(tmp_path)
    assert (tmp_path / "slurm" / "config.yaml").read_bytes() == (
        CHECKOUT / "profiles/slurm/config.yaml"
    ).read_bytes()


def test_what_would_be_overwritten_is_named_and_nothing_is_written(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "config").write_text("mine, too")
    with pytest.raises(StudyError) as error:
        make_project(tmp_path)
    assert "config, README.md" in str(error.value) or "README.md, config" in str(error.value)
    assert everything_in(tmp_path) == {"README.md", "config"}
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path):
    (tmp_path / "Snakefile").symlink_to(tmp_path / "gone")
    with pytest.raises(StudyError, match="Snakefile"):
        make_project(tmp_path)
    assert (tmp_path / "Snakefile").is_symlink()


def test_a_folder_that_holds_other_things_keeps_them(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.csv").write_text("a,b\n")
    make_project(tmp_path)
    assert (tmp_path / "data" / "mine.csv").read_text() == "a,b\n"


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "new").write_text("a file")
    with pytest.raises(StudyError, match="there is a file"):
        make_project(tmp_path / "new")
    assert (tmp_path / "new").read_text() == "a file"


@pytest.mark.parametrize("name", ["a file/new", "a" * 300])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, name):
    (tmp_path / "a file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        make_project(tmp_path / name)


def test_nothing_is_written_through_a_link_that_leads_out_of_the_folder(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "new" / "config").symlink_to("../elsewhere")
    with pytest.raises(StudyError, match="is there already: config"):
        make_project(tmp_path / "new")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_without_a_name_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["init", ""]) == 1
    assert "the folder has no name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_pages_that_messages_name_are_installed(capsys):
    assert main(["docs", "docs/study.md"]) == 0
    assert capsys.readouterr().out.startswith("# ")
    assert main(["docs", "studdy"]) == 1
    assert "did you mean `study`?" in capsys.readouterr().err


def test_a_second_init_is_refused_and_changes_nothing(tmp_path):
    make_project(tmp_path)
    study = tmp_path / "config/studies/letters.yaml"
    study.write_text(study.read_text() + "# mine\n")
    with pytest.raises(StudyError, match=re.escape("config/studies/letters.yaml")):
        make_project(tmp_path)
    assert study.read_text().endswith("# mine\n")


def test_the_command_says_how_to_go_on_in_a_folder_with_a_space(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "goldpan", "init", "Größe zwei"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("next:\n  cd 'Größe zwei'\n  goldpan run\n")


def test_in_a_checkout_the_workflow_is_that_of_the_checkout():
    assert installed_project() == CHECKOUT
    assert workflow_file() == str(CHECKOUT / "Snakefile")


def test_jobs_in_environments_of_their_own_find_the_library_of_a_checkout_where_it_lies(tmp_path):
    assert library_for_jobs(tmp_path / "link") == CHECKOUT / "src"
    assert not (tmp_path / "link").exists()
