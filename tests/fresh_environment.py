"""goldpan as a user installs it: a wheel from a source archive, in an environment away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.projects import CHECKOUT

# What the build does not need, some of it large.
_NOT_BUILT_FROM = ("tests", "docs", "results", "build", "dist", "*.egg-info", "__pycache__", ".*")


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment that has goldpan from a wheel.

    The packages that goldpan needs are those of the environment that runs the tests: to install them takes
    minutes; its own goldpan, an editable one, is not seen.

    Attributes:
        folder: the environment.
        index: folder with the wheel, and nothing else.
    """

    folder: Path
    index: Path

    @classmethod
    def create(cls, folder: Path, index: Path) -> FreshEnvironment:
        """An environment that has nothing but pip."""
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        return cls(folder, index)

    def add_other_packages(self) -> None:
        """Let the packages be found that goldpan needs; to be called when goldpan is there."""
        (self.site_packages / "of_the_tests.pth").write_text(sysconfig.get_paths()["purelib"])
        snakemake = self.folder / "bin" / "snakemake"
        snakemake.write_text(f'#!/bin/sh\nexec "{self.folder}/bin/python" -m snakemake "$@"\n')
        snakemake.chmod(0o755)

    @property
    def site_packages(self) -> Path:
        """Where packages are installed."""
        return next(self.folder.glob("lib/python*/site-packages"))

    def env(self) -> dict[str, str]:
        """The environment of a person who has activated it; pip installs the wheel, and no more."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {
            **inherited,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_FIND_LINKS": str(self.index),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(
        self, command: str | Sequence[str], cwd: Path, *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, or a line for the shell; stdout and stderr together in `.stdout`."""
        done = subprocess.run(
            command if isinstance(command, str) else list(command),
            shell=isinstance(command, str),
            cwd=cwd,
            env=self.env(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=580,
        )
        assert not check or not done.returncode, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done


def build_wheel(folder: Path) -> Path:
    """The wheel, built from the source archive of a copy of the checkout."""
    copy, unpacked, made = folder / "copy", folder / "unpacked", folder / "made"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(*_NOT_BUILT_FROM))
    archive = _built("build_sdist", copy, made)
    with tarfile.open(archive) as files:
        files.extractall(unpacked, filter="data")
    (inside,) = unpacked.iterdir()
    return _built("build_wheel", inside, folder / "index")


def _built(what: str, source: Path, target: Path) -> Path:
    code = f"from setuptools import build_meta; print(build_meta.{what}({str(target)!r}))"
    target.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=source, check=True, capture_output=True, text=True
    )
    return target / done.stdout.splitlines()[-1]
