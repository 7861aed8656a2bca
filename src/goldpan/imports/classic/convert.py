"""From job files of ml_filter to the files of a study."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from goldpan.errors import StudyError
from goldpan.files import write_bytes
from goldpan.imports.classic.job import read_job
from goldpan.imports.classic.study import ConvertedJobs, study_of_jobs
from goldpan.study.load import validate
from goldpan.study.model import Study
from goldpan.study.paths import studies_folder
from goldpan.study.yaml_file import read_yaml


@dataclass(frozen=True)
class Conversion:
    """Job files as a study.

    Attributes:
        name: of the study.
        jobs: what they were turned into.
        files: path -> text of each file to write: the study, and a profile for Slurm where a job runs there.
    """

    name: str
    jobs: ConvertedJobs
    files: Mapping[Path, str]

    @property
    def study_file(self) -> Path:
        """The file of the study."""
        return next(iter(self.files))

    @property
    def profile(self) -> Path | None:
        """The folder of the profile, where there is one."""
        return next((path.parent for path in self.files if path.name == "config.yaml"), None)

    def words(self) -> Iterator[str]:
        """What became of each key, what to look at, and what is not known."""
        for path, fates in self.jobs.fates.items():
            yield f"{path}:"
            for fate in fates:
                yield f"  {fate.key}: {_short(fate.value)} -> {fate.became}"
        for note in self.jobs.notes:
            yield f"note: {note}"
        if self.jobs.unknown:
            names = ", ".join(fate.key for fate in self.jobs.unknown)
            count = len(self.jobs.unknown)
            yield f"note: {count} keys are not known, and stand in the study as comments: {names}"

    def write(self, overwrite: bool = False) -> list[Path]:
        """Write the files; those that are there with the same text stay.

        Args:
            overwrite: replace files that say something else.

        Returns:
            The files that were written.

        Raises:
            StudyError: a file is there and says something else; then nothing is written.
        """
        wanted = [path for path, text in self.files.items() if _read(path) != text]
        there = [path for path in wanted if path.exists()]
        if there and not overwrite:
            raise StudyError(
                f"{' and '.join(map(str, there))} is there and says something else; nothing was written",
                remedy="give the study another name (--name), or write over it with --force",
            )
        for path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, self.files[path].encode())
        return wanted


def convert_jobs(
    paths: Sequence[Path], *, root: Path = Path(), name: str | None = None, model: str | None = None
) -> Conversion:
    """Turn an embedding job, an annotation job, or both, into a study of a project. Nothing is written.

    Args:
        paths: the job files.
        root: folder of the project; relative paths in the jobs start from it.
        name: of the study; default that of the first file.
        model: that made the embeddings, where only an annotation job is given.

    Raises:
        StudyError: a file is no such job, or says what no study can.
    """
    jobs = [read_job(path) for path in paths]
    name = name or re.sub(r"[^A-Za-z0-9_-]", "_", paths[0].stem)
    name = name if name[:1].isalpha() else f"study_{name}"
    made = study_of_jobs(jobs, name, model=model, root=root)
    study_file = studies_folder(root) / f"{name}.yaml"
    validate(Study, made.study, study_file, "correct the job file, and convert it again")
    files = {study_file: "".join(f"# {line}\n" for line in _comments(made)) + _yaml(made.study)}
    if made.profile:
        header = f"# goldpan run --study {name} --profile slurm --profile profiles/{name} (docs/slurm.md)\n"
        files[root / "profiles" / name / "config.yaml"] = header + _yaml(made.profile)
    return Conversion(name, made, files)


def is_study(path: Path) -> bool:
    """Whether a YAML file is a study, not a job. Raises StudyError where it is no YAML."""
    raw = read_yaml(path)
    return "study" in raw and "params" not in raw


def _comments(made: ConvertedJobs) -> Iterator[str]:
    yield f"{made.study['description'][:-1]} by `goldpan convert`."
    for note in made.notes:
        yield f"note: {note}"
    for path, fates in made.fates.items():
        left = [fate for fate in fates if "left out" in fate.became or not fate.is_known]
        if left:
            yield f"What {path.name} says besides:"
        for fate in left:
            value = " ".join(fate.value.split())
            yield f"  {fate.key}: {value} ({fate.became if fate.is_known else 'NOT KNOWN'})"


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
