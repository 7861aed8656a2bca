"""Making a bundle of a study."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.bundle.answers import answers_used
from goldpan.bundle.archive import MOST_FILES, Content, check_names_differ, write_archive
from goldpan.bundle.artifacts import expected_artifacts
from goldpan.bundle.completeness import check_is_answered, check_is_made
from goldpan.bundle.environment import installed_environment
from goldpan.bundle.manifest import GOLD, LEDGER, PROJECT, README, BundledFile, Manifest, Role, RunSettings
from goldpan.bundle.models_used import models_used
from goldpan.bundle.named_files import named_files
from goldpan.bundle.portable import check_is_portable, check_rules_are_said, project_path
from goldpan.bundle.readme import readme_text
from goldpan.bundle.secrets import SecretFinder
from goldpan.bundle.settings import SETTINGS, settings_file
from goldpan.errors import BundleError
from goldpan.files import sha256_file, sha256_hex
from goldpan.ledger import Ledger
from goldpan.ledger.exchange import export_ledger
from goldpan.study.load import Project, project_settings
from goldpan.study.paths import GOLD_FILES

_WRITTEN_FOR_GOLDPAN: frozenset[Role] = frozenset({"settings", "study", "task", "list", "readme"})


@dataclass(frozen=True)
class Bundled:
    """What was bundled.

    Attributes:
        path: the archive.
        manifest: what it says of itself.
        links: files that are links in the project; what they lead to was bundled.
    """

    path: Path
    manifest: Manifest
    links: tuple[str, ...] = ()


def bundle(project: Project, path: Path, targets: Sequence[str], *, with_sources: bool = True) -> Bundled:
    """Write one archive from which others repeat a study without a key.

    Args:
        project: the study, run to its end.
        path: the archive; one that is there is replaced.
        targets: the artifacts that the study asks for (`Inputs.everything`).
        with_sources: whether the data are in it.

    Raises:
        BundleError: the study is not made or answered, holds a key, or names what others do not have; nothing
            is written.
    """
    check_is_portable(project)
    check_rules_are_said(project)
    named = named_files(project)
    finder = SecretFinder(project.root, _key_names(project))
    for name, (role, file) in named.items():
        _look_through(finder, name, role, file)
    notes = check_is_made(project, list(targets))
    check_is_answered(project)
    with tempfile.TemporaryDirectory() as folder:
        return _Maker(project, Path(folder), notes, finder).make(path, named, with_sources)


def _look_through(finder: SecretFinder, name: str, role: Role, source: Path | bytes) -> None:
    """Raise BundleError for a file that holds what must not be published."""
    if role in _WRITTEN_FOR_GOLDPAN:
        finder.check_text(name, source if isinstance(source, bytes) else source.read_bytes())
    else:
        finder.check_value(name, source)


class _Maker:
    def __init__(self, project: Project, folder: Path, notes: list[str], finder: SecretFinder):
        self._project, self._folder, self._notes, self._finder = project, folder, notes, finder
        self._contents: list[Content] = []

    def make(self, path: Path, named: dict[str, tuple[Role, Path]], with_sources: bool) -> Bundled:
        left_out = []
        self._add(SETTINGS, "settings", self._settings())
        for name, (role, file) in named.items():
            if role == "source" and not with_sources:
                left_out.append(_described(name, role, file))
            else:
                self._add(name, role, file)
        for name, file in self._gold():
            _look_through(self._finder, name, "gold", file)
            self._add(name, "gold", file)
        answers = self._add_ledger()
        if left_out:
            self._notes += self._still_told()
        manifest = self._write(path, answers, left_out)
        return Bundled(path, manifest, tuple(name for name, (_, file) in named.items() if file.is_symlink()))

    def _write(self, path: Path, answers: int, left_out: list[BundledFile]) -> Manifest:
        project = self._project
        study, made_with = project.study, installed_environment()
        data_license = study.statement.data_license
        expected, models = expected_artifacts(project), models_used(project)
        files = sorted((content.file for content in self._contents), key=lambda file: file.path)
        readme = readme_text(
            study=study.study,
            description=study.description,
            data_license=data_license,
            files=files,
            left_out=left_out,
            expected=expected,
            environment=made_with,
            models=models,
            notes=self._notes,
        )
        _look_through(self._finder, README, "readme", readme)
        self._add(README, "readme", readme)
        files = sorted((content.file for content in self._contents), key=lambda file: file.path)
        manifest = Manifest(
            format="goldpan-bundle/1",
            study=study.study,
            study_file=f"{PROJECT}/{project_path(project, project.study_file)}",
            description=study.description,
            data_license=data_license,
            settings=_run_settings(project),
            environment=made_with,
            answers=answers,
            models=models,
            notes=self._notes,
            files=files,
            left_out=sorted(left_out, key=lambda file: file.path),
            expected=expected,
        )
        self._check_names(manifest)
        write_archive(path, manifest, self._contents)
        return manifest

    def _add(self, name: str, role: Role, source: Path | bytes) -> None:
        """Take a file into the bundle."""
        self._contents.append(Content(_described(name, role, source), source))

    def _add_ledger(self) -> int:
        file = self._folder / LEDGER
        with Ledger(self._project.ledger) as ledger:
            used = answers_used(self._project, ledger)
            exported = export_ledger(ledger, file, used, self._finder.without_places)
        _look_through(self._finder, LEDGER, "ledger", file)
        self._add(LEDGER, "ledger", file)
        return exported.answers

    def _settings(self) -> bytes:
        project = self._project
        study_file = project_path(project, project.study_file)
        is_by_name = study_file == f"config/studies/{project.study.study}.yaml"
        return settings_file(project.study.study if is_by_name else study_file, _run_settings(project))

    def _gold(self) -> list[tuple[str, Path]]:
        project = self._project
        return [
            (f"{GOLD}/{wave}/{name}", file)
            for wave in project.study.waves
            for name in GOLD_FILES
            if (file := project.root / project.paths.gold(wave, name)).is_file()
        ]

    def _still_told(self) -> list[str]:
        """What is known of sources that were left out from what is in the bundle."""
        parts = ["the answers of the ledger, which may quote them"]
        if self._project.study.waves:
            parts.append(
                "what was given to annotators, and the gold sets: these hold the texts of their items"
            )
        return [f"the sources were left out; parts of them stand in {' and in '.join(parts)}"]

    def _check_names(self, manifest: Manifest) -> None:
        names = [file.path for file in (*manifest.files, *manifest.left_out)]
        if len(names) > MOST_FILES:
            raise BundleError(
                f"the study has {len(names):,} files, and a bundle takes {MOST_FILES:,}",
                where=str(self._project.study_file),
                remedy="leave the sources out (--no-sources), or put small files together",
            )
        check_names_differ(names, str(self._project.study_file))


def _described(name: str, role: Role, source: Path | bytes) -> BundledFile:
    if isinstance(source, bytes):
        return BundledFile(path=name, role=role, bytes=len(source), sha256=sha256_hex(source))
    return BundledFile(path=name, role=role, bytes=source.stat().st_size, sha256=sha256_file(source))


def _run_settings(project: Project) -> RunSettings:
    settings = project_settings(project.root, project.study.study)
    return RunSettings(limit=settings.limit, mode=settings.mode)


def _key_names(project: Project) -> list[str]:
    """The environment variables that hold the keys of a study's providers."""
    return [provider.api_key_env for provider in project.study.providers.values() if provider.api_key_env]
