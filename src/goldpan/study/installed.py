"""Where the workflow lies that came with this goldpan: in the wheel beside the library, or in the checkout.

The wheel has the checkout's `Snakefile`, `rules/`, studies and examples in `goldpan/project_files/` (setup.py
copies them there); an editable installation uses those of the checkout itself.
"""

from __future__ import annotations

import os
from pathlib import Path

from goldpan.errors import StudyError

_LIBRARY = Path(__file__).resolve().parents[1]
_IN_WHEEL = _LIBRARY / "project_files"
_CHECKOUT = _LIBRARY.parents[1]


def installed_project() -> Path:
    """The folder of the workflow, its profiles, and the studies and examples that ship.

    Raises:
        StudyError: goldpan was installed without them.
    """
    for folder in (_IN_WHEEL, _CHECKOUT):
        if (folder / "Snakefile").is_file() and (folder / "rules").is_dir():
            return folder
    raise StudyError(
        "the workflow is not beside the library, as it is in every wheel and checkout of goldpan",
        where=str(_LIBRARY),
        remedy="install goldpan anew: pip install --force-reinstall --no-deps goldpan",
    )


def workflow_file() -> str:
    """The Snakefile of the workflow, for a Snakefile of one's own that includes it or takes it as a module.

    Raises:
        StudyError: as `installed_project`.
    """
    return str(installed_project() / "Snakefile")


def library_for_jobs(folder: Path) -> Path:
    """A folder that holds goldpan and nothing else, for the PYTHONPATH of jobs in environments of their own.

    A library in `site-packages` lies beside all else that is installed there, for one version of Python only,
    so a link to it alone is made in `folder`.

    Args:
        folder: where the link may lie; made if need be.
    """
    if _LIBRARY.parent.name not in ("site-packages", "dist-packages"):
        return _LIBRARY.parent
    folder.mkdir(parents=True, exist_ok=True)
    link, new = folder / _LIBRARY.name, folder / f".{os.getpid()}"
    if not link.is_symlink() or link.readlink() != _LIBRARY:
        # Renamed into place, for two runs may begin at once.
        new.symlink_to(_LIBRARY)
        new.replace(link)
    return folder
