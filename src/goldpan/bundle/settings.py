"""`config/config.yaml` of a bundle: the study, what shapes its results, and that nobody is ever asked."""

from __future__ import annotations

import yaml

from goldpan.bundle.manifest import PROJECT, RunSettings
from goldpan.study.model import ProjectSettings

SETTINGS = f"{PROJECT}/config/config.yaml"
_HEAD = "# As bundled. While `replay: true` stands here, nobody is ever asked: the ledger has all answers.\n"


def settings_file(study: str, settings: RunSettings) -> bytes:
    """The bytes of the file.

    Args:
        study: as Snakemake names it: its name, or its file relative to the project.
        settings: of the run that was bundled.
    """
    said = {"study": study, "replay": True, **settings.model_dump(mode="json", exclude_none=True)}
    return (_HEAD + yaml.safe_dump(said, sort_keys=False)).encode()


def are_of_a_bundle(settings: ProjectSettings) -> bool:
    """Whether nothing else than results below the project is written, and nobody asked."""
    usual = ProjectSettings(study=settings.study)
    return settings.replay and (settings.ledger, settings.results, settings.runs) == (
        usual.ledger,
        usual.results,
        usual.runs,
    )
