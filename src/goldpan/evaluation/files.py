"""Which artifacts an evaluation reads: only names, which rules ask for, too."""

from __future__ import annotations

from goldpan.heads.files import annotated_files
from goldpan.study.evaluation import Predicted
from goldpan.study.load import Project


def predicted_files(project: Project, predicted: Predicted) -> list[str]:
    """The artifacts that predictions stand in."""
    if predicted.annotated is not None:
        return annotated_files(project, predicted.annotated)
    assert predicted.stage is not None
    return [project.paths.features(predicted.stage)]
