"""The core starts fast: what is imported before a command does something, by name and not by time."""

import os
import re
import subprocess
import sys
import tomllib

import pytest

from tests.projects import CHECKOUT

# What `pip install goldpan` brings. Whoever adds to it measures again and says so in docs/performance.md.
CORE = {
    *(
        "snakemake",
        "openai",
        "litellm",
        "python-dotenv",
        "pydantic",
        "PyYAML",
        "Jinja2",
        "MarkupSafe",
        "orjson",
    ),
    *(
        "zstandard",
        "pyarrow",
        "aiohttp",
        "httpx",
        "scipy",
        "numpy",
        "openpyxl",
        "pypdfium2",
        "rapidfuzz",
    ),
}

# `-S` keeps out what other packages have loaded at each start of Python; so packages are found by PYTHONPATH.
_PROGRAM = """\
import contextlib, sys
from goldpan.cli import main
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)
"""


def loaded_by(*arguments: str) -> set[str]:
    """Packages that are loaded when a command ends, those of Python itself left out."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _PROGRAM, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {*done.stderr.split()} - {*sys.stdlib_module_names, "__main__"}


@pytest.mark.parametrize("command", [[], ["run"], ["init"], ["serve"], ["experiments", "run"]])
def test_help_loads_goldpan_and_nothing_else(command):
    assert loaded_by(*command, "--help") == {"goldpan"}


def test_a_new_project_needs_no_more_than_studies_do(tmp_path):
    heavy = {"snakemake", "pandas", "pyarrow", "numpy", "sklearn", "scipy", "torch", "litellm", "openai"}
    loaded = loaded_by("init", str(tmp_path / "new"))
    assert "pydantic" in loaded
    assert loaded & heavy == set()


def test_the_core_depends_on_no_more_than_it_did_when_its_size_was_measured():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert {re.split("[<>=]", line)[0] for line in project["dependencies"]} <= CORE


def test_the_documented_torch_is_the_one_that_the_tests_run_with():
    pin = re.search(r"^torch==.+$", (CHECKOUT / "requirements-models.txt").read_text(), re.M)
    assert pin is not None
    assert f"'goldpan[models]' {pin[0]} " in (CHECKOUT / "docs" / "performance.md").read_text()
