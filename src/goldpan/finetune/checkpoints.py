"""Checkpoints of a training that goes on, so that a job that is killed or requeued goes on where it was.

They lie beside the outputs, in a folder that no rule declares, for Snakemake removes what a job that failed
has declared. A checkpoint counts once its manifest is there, which is written last and has the hashes of its
files: one that was cut short is none. Those of other settings, data, weights or libraries lie in a folder of
another name, and are removed before training begins. No pickle is run: weights are safetensors, and what else
the trainer keeps is loaded by PyTorch's `weights_only`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from goldpan.errors import SourceError
from goldpan.files import document_as, of_known_keys, sha256_file, write_json

_FOLDER = ".checkpoints"
_MANIFEST = "complete.json"
_NAME = re.compile(r"checkpoint-([0-9]+)")
_STATE = "trainer_state.json"


@dataclass(frozen=True)
class CheckpointManifest:
    """What stands in a checkpoint, written after all else.

    Attributes:
        step: steps done.
        best_step: the step whose loss on valid was the lowest so far.
        files: name -> SHA-256.
        seconds: of computing so far, over all jobs.
        batch_tokens: the token budget, which is smaller once memory has run out.
        stopped_early: whether this was the last step, as the loss had not fallen for too long.
    """

    step: int
    best_step: int
    files: dict[str, str]
    seconds: float
    batch_tokens: int
    stopped_early: bool


def checkpoints_folder(finetuned: Path) -> Path:
    """Where the checkpoints of the fine-tuned model lie whose artifacts are in `finetuned`."""
    return finetuned / _FOLDER


def forget_checkpoints(finetuned: Path) -> None:
    """Remove the checkpoints of a model that is finished; nothing else reads them."""
    shutil.rmtree(checkpoints_folder(finetuned), ignore_errors=True)


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: of all trainings of one model, as `checkpoints_folder` gives it.
        fingerprint: of all that shapes the result, in hexadecimal.

    Attributes:
        folder: of this training.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self.folder = folder / fingerprint[:32]
        for other in folder.iterdir() if folder.is_dir() else ():
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def place(self, step: int) -> Path:
        """The folder of the checkpoint of a step."""
        return self.folder / f"checkpoint-{step}"

    def finish(self, manifest: CheckpointManifest) -> None:
        """Say that the checkpoint of a step is whole; the hashes are added here."""
        place = self.place(manifest.step)
        files = {path.name: sha256_file(path) for path in sorted(place.iterdir()) if path.is_file()}
        write_json(place / _MANIFEST, asdict(manifest) | {"files": files})

    def last(self) -> CheckpointManifest | None:
        """The newest whole checkpoint whose best one is whole, too; all that are not whole are removed."""
        whole = {manifest.step: manifest for manifest in self._whole()}
        for step in sorted(whole, reverse=True):
            if whole[step].best_step in whole:
                return whole[step]
            shutil.rmtree(self.place(step))
        return None

    def _whole(self) -> Iterator[CheckpointManifest]:
        for place in sorted(self.folder.iterdir()):
            named = _NAME.fullmatch(place.name)
            manifest = self._read(place) if named else None
            if manifest is not None and named and manifest.step == int(named[1]):
                yield manifest
            elif place.is_dir():
                shutil.rmtree(place)

    def _read(self, place: Path) -> CheckpointManifest | None:
        try:
            manifest = document_as(
                place / _MANIFEST, lambda raw: of_known_keys(CheckpointManifest, raw), "a manifest", ""
            )
            names = {path.name for path in place.iterdir()} - {_MANIFEST}
            same = names == set(manifest.files) and all(
                sha256_file(place / name) == sha256 for name, sha256 in manifest.files.items()
            )
        except (SourceError, OSError):
            return None
        return manifest if same and _STATE in names else None
