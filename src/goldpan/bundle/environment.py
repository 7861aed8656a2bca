"""The versions of what made a bundle."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from goldpan import __version__
from goldpan.bundle.manifest import Environment

# What shapes artifacts; the list where goldpan runs from a checkout that was not installed.
_SHAPING = (
    *("jinja2", "numpy", "openpyxl", "orjson", "pandas", "pyarrow", "pydantic", "pyyaml", "scipy"),
    *("snakemake", "zstandard"),
)
_MODELS = ("h5py", "safetensors", "torch", "transformers")


def installed_environment() -> Environment:
    """Goldpan, Python, and the packages that goldpan asks for, as far as they are installed."""
    names = {*_SHAPING, *_MODELS}
    try:
        told = requires("goldpan") or []
    except PackageNotFoundError:
        told = []
    names |= {
        re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in told if "extra ==" not in line
    }
    packages = {name: found for name in sorted(names) if (found := _version(name)) is not None}
    return Environment(
        goldpan=__version__,
        python=platform.python_version(),
        system=f"{sys.platform} {platform.machine()}",
        packages=packages,
    )


def differing_versions(bundled: Environment, here: Environment) -> list[str]:
    """What is of another version here than where the bundle was made, in words."""
    pairs = [
        ("goldpan", bundled.goldpan, here.goldpan),
        ("Python", bundled.python, here.python),
        ("system", bundled.system, here.system),
        *((name, told, here.packages.get(name, "not there")) for name, told in bundled.packages.items()),
    ]
    return [f"{name} {there} there, {now} here" for name, there, now in pairs if there != now]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
