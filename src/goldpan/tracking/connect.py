"""From a study's settings of a tracker to one that can be called."""

from __future__ import annotations

from goldpan.providers.keys import Keys
from goldpan.providers.patience import Patience
from goldpan.study.load import Project
from goldpan.study.tracker import Tracker
from goldpan.tracking.base import TrackingService
from goldpan.tracking.braintrust import Braintrust
from goldpan.tracking.mlflow import MLflow

TRACKERS: dict[str, type[TrackingService]] = {kind.kind: kind for kind in (Braintrust, MLflow)}
"""kind -> whom a study means by it."""


def tracking_service(project: Project, name: str) -> TrackingService:
    """The tracker that the study has under a name, with its key from the environment or `.env`.

    Raises:
        StudyError: there is none of this name.
        ProviderError: its key or its address is missing.
    """
    settings: Tracker = project.named("tracker", project.study.trackers, name)
    return TRACKERS[settings.kind](settings, Keys(project.root), Patience(settings.patience_seconds))


def service_named(project: Project, name: str) -> str:
    """Which service the study means by the name of a tracker: address and project; nobody is asked.

    Raises:
        StudyError: there is none of this name.
        ProviderError: its address is missing, or is none.
    """
    settings: Tracker = project.named("tracker", project.study.trackers, name)
    return TRACKERS[settings.kind].service_of(settings, Keys(project.root))


def unset_variables(settings: Tracker, keys: Keys) -> list[str]:
    """The environment variables that a tracker needs and that are not set."""
    return [name for name in TRACKERS[settings.kind].needed_variables(settings) if keys.get(name) is None]
