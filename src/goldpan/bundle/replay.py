"""Repeating a study from its bundle: check, unpack, run with the ledger's answers only, compare."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan import __version__
from goldpan.bundle.archive import opened
from goldpan.bundle.artifacts import ModelArtifacts
from goldpan.bundle.comparison import ReplayComparison, compare_replay
from goldpan.bundle.environment import differing_versions, installed_environment
from goldpan.bundle.manifest import LEDGER, PROJECT, Manifest
from goldpan.bundle.models_used import models_lacking
from goldpan.bundle.named_files import python_files, source_members
from goldpan.bundle.portable import check_is_portable
from goldpan.bundle.settings import are_of_a_bundle
from goldpan.bundle.unpack import check_sources, unpack
from goldpan.errors import BundleError, StudyError, TaskError
from goldpan.ledger import Ledger
from goldpan.ledger.exchange import import_ledger
from goldpan.providers.keys import USUAL_VARIABLES
from goldpan.study.load import Project, load_project, project_settings
from goldpan.study.local_stage import FilterStage
from goldpan.workflow.inputs import Inputs
from goldpan.workflow.snakemake_command import workflow_options

# Nothing is fetched, whatever a model or a library would like; and Python takes no module from the project's
# folder, which came with the bundle.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONSAFEPATH": "1",
}


_GET_ANEW = "do not trust this bundle; get it anew from where it was published"


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Attributes:
        manifest: of the bundle.
        project: the project that was unpacked.
        workflow_status: Snakemake's exit status.
        lacking: why models could not compute, in words.
        versions: what is of another version here, in words.
        comparison: what was made.
    """

    manifest: Manifest
    project: Project
    workflow_status: int
    lacking: list[str]
    versions: list[str]
    comparison: ReplayComparison

    @property
    def is_repeated(self) -> bool:
        """Whether the workflow ran to its end and made what it should."""
        return self.workflow_status == 0 and self.comparison.is_repeated


def replay(
    path: Path, folder: Path, *, cores: int = 2, run_code: bool = False, say: Callable[[str], None] = print
) -> Replayed:
    """Repeat a study from its bundle. Nobody is asked, and nothing is fetched.

    Args:
        path: the bundle.
        folder: where it is unpacked; see `unpack`.
        cores: of Snakemake.
        run_code: run Python code that came with the bundle.
        say: takes a line on what is done.

    Raises:
        BundleError: the bundle is damaged, made to do harm or incomplete, or holds code that may not run; the
            workflow was not started.
        LedgerError: the ledger of the bundle is not what an export must be.
        StudyError, TaskError: the study of the bundle is none.
    """
    with opened(path) as archive:
        manifest = archive.manifest
        unpack(archive, folder)
    say(f"{len(manifest.files)} files of {path.name} are whole, in {folder}")
    project = _project(manifest, folder)
    _check_code(project, run_code)
    check_sources(project, manifest, source_members(project))
    with Ledger(project.ledger) as ledger:
        import_ledger(ledger, folder / LEDGER)
    say(f"{manifest.answers} answers of the ledger are here; nobody will be asked")
    lacking = models_lacking(project)
    status = _run(project, _targets(project, skips_models=bool(lacking)), cores)
    results = project.root / project.paths.base
    return Replayed(
        manifest,
        project,
        status,
        lacking,
        differing_versions(manifest.environment, installed_environment()),
        compare_replay(manifest, results, skips_models=bool(lacking)),
    )


def _project(manifest: Manifest, folder: Path) -> Project:
    """The unpacked project, which writes below its folder only and asks nobody."""
    root = (folder / PROJECT).resolve()
    if not are_of_a_bundle(project_settings(root, manifest.study)):
        raise BundleError(
            "its settings are not those of a bundle: results would lie elsewhere, or somebody could be asked",
            where=str(root / "config" / "config.yaml"),
            remedy=_GET_ANEW,
        )
    project = _loaded(root, manifest)
    study_file = (folder / manifest.study_file).resolve()
    if project.study_file.resolve() != study_file or project.study.study != manifest.study:
        raise BundleError(
            f"its settings name another study than `{manifest.study}`, which it says it is of",
            where=str(root / "config" / "config.yaml"),
            remedy=_GET_ANEW,
        )
    check_is_portable(project, _GET_ANEW)
    return project


def _loaded(root: Path, manifest: Manifest) -> Project:
    """The project of a bundle, whose reader has not written it."""
    try:
        return load_project(root=root)
    except (StudyError, TaskError) as error:
        made_with = manifest.environment.goldpan
        raise BundleError(
            f"goldpan {__version__} does not read the study of this bundle: {error.what}",
            where=error.where,
            remedy=f"it was made with goldpan {made_with}: replay it with that version"
            if made_with != __version__
            else "tell those who published it; nothing was run",
        ) from None


def _check_code(project: Project, run_code: bool) -> None:
    """Check that no code comes with the bundle, or that it may run.

    Raises:
        BundleError: it does, and may not.
    """
    filters = [stage for stage in project.study.local_stages.values() if isinstance(stage, FilterStage)]
    classifiers = [stage.classifier for stage in filters if stage.classifier is not None]
    coded = {settings.model for settings in project.study.embeddings.values() if settings.trust_remote_code}
    coded |= {settings.model for settings in classifiers if settings.trust_remote_code}
    code = [*python_files(project), *(f"the code of the model {name}" for name in sorted(coded))]
    if code and not run_code:
        raise BundleError(
            f"it would run code that came with it, with your rights: {', '.join(code)}",
            where=str(project.root),
            remedy="read it, and if you trust it run the same command with --run-code",
        )


def _targets(project: Project, *, skips_models: bool) -> list[str]:
    """What Snakemake is to make: all, or all that needs no model."""
    if not skips_models:
        return []
    by_model = ModelArtifacts(project)
    return sorted({path for path in Inputs(project).everything() if path not in by_model})


def _run(project: Project, targets: Sequence[str], cores: int) -> int:
    """Run the workflow; what it says goes to the terminal. Returns its exit status."""
    command = [
        *(sys.executable, "-P", "-m", "snakemake"),
        *workflow_options(project.root),
        *("--cores", str(cores)),
        *targets,
    ]
    return subprocess.run(command, cwd=project.root, env=_environment(project), check=False).returncode


def _environment(project: Project) -> dict[str, str]:
    """The environment of the run: without keys, which nothing needs."""
    keys = {provider.api_key_env for provider in project.study.providers.values()} | {*USUAL_VARIABLES}
    return {name: value for name, value in os.environ.items() if name not in keys} | _OFFLINE
