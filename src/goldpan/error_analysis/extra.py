"""Whether the packages of the extra `analysis` are there, which not everybody installs."""

from __future__ import annotations

import importlib.util

from goldpan.errors import StudyError


def check_analysis_packages(what: str, *packages: str) -> None:
    """Check that packages are installed; imports nothing.

    Args:
        what: needs them, in words, e.g. `clusters of errors`.
        packages: as they are imported.

    Raises:
        StudyError: one is missing.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise StudyError(
            f"{what} need {' and '.join(missing)}, not installed in this environment",
            remedy="install the extra: pip install 'goldpan[analysis]', or pip install -r"
            " requirements-analysis.txt",
        )
