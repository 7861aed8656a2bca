"""`goldpan run`: the Snakemake command that it stands for, and that it becomes."""

import subprocess
import sys
from pathlib import Path

import pytest

from goldpan.cli import _parsed
from goldpan.errors import StudyError
from goldpan.workflow.new_project import make_project
from goldpan.workflow.snakemake_command import snakemake_command, workflow_options
from tests.projects import CHECKOUT


@pytest.fixture
def project(tmp_path):
    make_project(tmp_path)
    return tmp_path


def command(root, *others, **config):
    return snakemake_command(root, config, others)[3:]


def test_without_anything_all_is_made_on_all_cores(project):
    assert command(project) == ["--cores", "all"]


def test_files_stand_before_the_settings(project):
    assert command(project, "a.txt", "b.txt", study="letters") == [
        *("--cores", "all", "a.txt", "b.txt", "--config", "study=letters"),
    ]


def test_options_of_snakemake_are_passed_on_in_their_order(project):
    given = ["-n", "--forcerun", "records", "--", "a.txt"]
    assert command(project, *given, study="s") == [
        *("--cores", "all", "-n", "--forcerun", "records", "--config", "study=s", "--", "a.txt"),
    ]


@pytest.mark.parametrize(
    "others",
    [
        ["mode=online", "a.txt", "limit=5"],
        ["--config", "mode=online", "limit=5", "a.txt"],
        ["a.txt", "-C", "mode=online", "--config=limit=5"],
    ],
)
def test_settings_may_stand_anywhere_and_with_or_without_config(others, project):
    assert command(project, *others) == [
        *("--cores", "all", "a.txt", "--config", "mode=online", "limit=5"),
    ]


def test_a_word_with_an_equals_sign_that_is_no_setting_is_passed_on(project):
    assert command(project, "--set-threads", "embed=8") == ["--cores", "all", "--set-threads", "embed=8"]


@pytest.mark.parametrize(
    "option", ["--cores=2", "-c2", "--jobs=4", "-j4", "--profile=slurm", "--executor=slurm"]
)
def test_who_says_how_much_runs_at_a_time_is_not_overruled(option, project):
    assert command(project, option) == [option]


def test_a_profile_of_the_environment_is_not_overruled(project, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "mine")
    assert command(project) == []


def test_cores_of_the_project_s_profile_are_not_overruled(project):
    profile = project / "profiles/default/config.yaml"
    profile.write_text(profile.read_text() + "cores: 3\n")
    assert command(project) == []


def test_a_folder_of_studies_alone_is_run_by_the_installed_workflow(project):
    (project / "Snakefile").unlink()
    (project / "profiles/default/config.yaml").unlink()
    assert command(project) == [
        *("--snakefile", str(CHECKOUT / "Snakefile")),
        *("--workflow-profile", str(CHECKOUT / "profiles/default"), "--cores", "all"),
    ]


def test_who_names_another_workflow_and_profile_is_not_overruled(project):
    (project / "Snakefile").unlink()
    (project / "profiles/default/config.yaml").unlink()
    given = ["--snakefile=own.smk", "--workflow-profile=mine"]
    assert command(project, *given) == ["--cores", "all", *given]


@pytest.mark.parametrize("name", ["Snakefile", "workflow/Snakefile"])
def test_a_project_s_own_workflow_is_taken_wherever_snakemake_finds_it(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert workflow_options(tmp_path) == ["--workflow-profile", str(CHECKOUT / "profiles/default")]


def test_a_folder_without_a_project_is_an_error_that_says_how_to_make_one(tmp_path):
    with pytest.raises(StudyError, match="goldpan init"):
        command(tmp_path)


def test_the_command_line_keeps_the_order_of_what_it_passes_on():
    options = _parsed(["run", "--jobs", "4", "a.txt", "--study", "s", "-n", "--", "-b.txt"])
    assert (options.study, options.others) == ("s", ["--jobs", "4", "a.txt", "-n", "--", "-b.txt"])


def test_other_commands_still_refuse_what_they_do_not_know():
    with pytest.raises(SystemExit) as ended:
        _parsed(["validate", "--jobs", "4"])
    assert ended.value.code == 2


@pytest.fixture
def own_snakefile(project):
    (project / "Snakefile").write_text(
        "import os\nfrom pathlib import Path\nPath('pid').write_text(str(os.getpid()))\n"
        "Path('study').write_text(str(config))\n"
        "rule all:\n    output: 'made.txt'\n    shell: 'exit 7'\n"
    )
    return project


def test_it_becomes_snakemake_so_that_signals_and_the_exit_code_are_its_own(own_snakefile):
    process = subprocess.Popen(
        [sys.executable, "-m", "goldpan", "run", "--root", str(own_snakefile), "mode=online"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=Path(__file__).parent,
    )  # fmt: skip
    said, _ = process.communicate()
    assert process.returncode == 1, said
    assert (own_snakefile / "pid").read_text() == str(process.pid)
    assert (own_snakefile / "study").read_text() == "{'mode': 'online'}"
