"""The wheel and the source archive hold the workflow beside the library, and studies to start from.

Everything else about the build stands in pyproject.toml.
"""

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py

# Where goldpan.study.installed looks for them.
TARGET = Path("goldpan", "project_files")
SHIPPED = (
    "Snakefile",
    "rules",
    "workflow",
    "profiles",
    "envs",
    "config",
    "docs",
    "examples",
    "annotations/quickstart/check",
)
# What a checkout may hold beside them: drawn waves, derived studies, data that is not ours, bytecode.
LEFT_OUT = (
    "*.pyc",
    "*/__pycache__/*",
    "*.draw*.jsonl",
    "config/studies/derived/*",
    "examples/product_pairs/data/*",
    "*/.*",
    "docs/images/*",
)


def shipped_files() -> Iterator[str]:
    """The files that are copied, by their paths in the checkout, in a fixed order."""
    for name in SHIPPED:
        path = Path(name)
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not any(fnmatch(file.as_posix(), pattern) for pattern in LEFT_OUT):
                yield file.as_posix()


class BuildWithWorkflow(build_py):
    """Copies the workflow; an editable installation uses it where it lies."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in shipped_files():
                target = Path(self.build_lib, TARGET, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                copyfile(name, target)

    def get_source_files(self) -> list[str]:
        """What the source archive holds: a wheel can be built from it."""
        return [*super().get_source_files(), *shipped_files()]


setup(cmdclass={"build_py": BuildWithWorkflow})
