"""The conda files and the requirements say the same versions, and pyproject allows them."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tests.projects import CHECKOUT


def pins() -> dict[str, str]:
    """name -> version of all requirements files."""
    found = {}
    for path in CHECKOUT.glob("requirements*.txt"):
        for line in path.read_text().splitlines():
            if match := re.fullmatch(r"([A-Za-z0-9_.-]+)==([^ ;]+).*", line):
                found[match[1].lower()] = match[2]
    return found


@pytest.mark.parametrize("path", sorted((CHECKOUT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_a_conda_file_pins_what_the_requirements_pin(path):
    packages = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    assert packages
    for line in packages:
        name, version = line.split("==")
        assert pins()[name.lower()] == version, name


def test_no_two_requirements_files_pin_a_package_differently():
    seen: dict[str, set[str]] = {}
    for path in CHECKOUT.glob("requirements*.txt"):
        for line in path.read_text().splitlines():
            if "==" in line:
                name, version = line.split("==")
                seen.setdefault(name.lower(), set()).add(version)
    assert {name: versions for name, versions in seen.items() if len(versions) > 1} == {}


def test_every_dependency_of_pyproject_is_pinned_within_its_range():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["dependencies"]]
    wanted += [Requirement(line) for extra in project["optional-dependencies"].values() for line in extra]
    for requirement in wanted:
        assert Version(pins()[requirement.name.lower()]) in requirement.specifier, requirement.name


def test_uploads_have_an_environment_with_what_trackers_need():
    rule = (CHECKOUT / "rules" / "experiments.smk").read_text().split("rule upload_run:")[1]
    (name,) = re.findall(r'"\.\./envs/(.+)"', rule)
    packages = yaml.safe_load((CHECKOUT / "envs" / name).read_text())["dependencies"][-1]["pip"]
    needed = (CHECKOUT / "requirements-mlflow.txt").read_text().splitlines()
    assert {line for line in needed if "==" in line} <= {*packages}


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        ("errors", {"cleanlab", "scikit-learn", "scipy", "h5py"}),
        ("optimised", {"gepa", "openai"}),
        ("finetune", {"accelerate", "datasets", "peft", "trl", "torch", "transformers"}),
    ],
)
def test_what_learns_from_errors_has_an_environment_with_what_it_imports(rule, needed):
    text = (CHECKOUT / "rules" / f"{rule}.smk").read_text()
    # Of rules that make what another learns from, it is the last.
    *_, name = re.findall(r'"\.\./envs/(.+)"', text)
    packages = yaml.safe_load((CHECKOUT / "envs" / name).read_text())["dependencies"][-1]["pip"]
    assert needed <= {line.split("==")[0] for line in packages}


@pytest.mark.parametrize("name", ["Dockerfile", "goldpan.def"])
def test_an_image_installs_what_the_requirements_pin_and_nothing_else(name):
    text = (CHECKOUT / "envs" / name).read_text()
    installed = re.findall(r"^\s*(?:RUN )?pip install (.+)$", text, re.MULTILINE)
    files = re.findall(r"-r (\S+)", installed[0])
    assert files == [
        "requirements.txt",
        "requirements-models.txt",
        "requirements-slurm.txt",
        "requirements-analysis.txt",
        "requirements-finetune.txt",
    ]
    assert all((CHECKOUT / file).exists() for file in files)
    assert re.sub(r"-r \S+|--no-cache-dir", "", installed[0]).strip() == ""
    assert installed[1].split() in (["--no-deps", "."], ["--no-cache-dir", "--no-deps", "."])
    assert "3.11" in text


def test_an_image_gets_no_keys_ledgers_or_results():
    left_out = (CHECKOUT / ".dockerignore").read_text().split("\n")
    assert {".env", ".goldpan", "results", "runs", "annotations", ".venv*"} <= {*left_out}
