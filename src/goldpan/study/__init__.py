"""The configuration model: what a study reads, asks, checks and trains, and where its artifacts lie."""

from goldpan.study.load import Project, load_project, load_study
from goldpan.study.model import Source, Study
from goldpan.study.paths import Paths
from goldpan.study.provider import Provider
from goldpan.study.stage import Stage

__all__ = ["Paths", "Project", "Provider", "Source", "Stage", "Study", "load_project", "load_study"]
