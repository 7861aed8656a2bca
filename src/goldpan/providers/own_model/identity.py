"""Which model of one's own a provider means, and by what name its answers are known.

Requests carry the name with a hash of the weights, `NAME@0123456789ab`, in place of what the stage calls the
model. So answers of other weights are other answers, and those of the same ones are found again wherever the
files lie.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldpan.errors import EmbeddingError, ProviderError, SourceError, StudyError
from goldpan.files import canonical_json, read_json, sha256_file, sha256_hex, write_json
from goldpan.folder_lock import alone_in
from goldpan.ledger import Ledger
from goldpan.models.chat_templates import NO_TEMPLATE, WITHOUT_TEMPLATE, has_chat_template
from goldpan.models.fingerprint import weights_fingerprint, weights_state
from goldpan.models.folders import PACKAGE, folder_hash, hub_snapshot, local_model
from goldpan.study.load import Project
from goldpan.study.model import Study
from goldpan.study.provider import OwnModelSettings, Provider, TransformersSettings, VllmSettings
from goldpan.study.run_again import run_command
from goldpan.study.stage import Stage
from goldpan.study.vllm_options import options_of_answers

FINGERPRINT_DIGITS = 12
REQUESTS_OF_A_JOB = 5_000
"""In a shard, where the study does not say: what some services take in a batch may be days of one GPU."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+-]")


@dataclass(frozen=True)
class OwnModel:
    """The model that a provider means, as far as it is on this machine.

    Attributes:
        name: what it is called without its weights.
        folder: where it lies; None where it is not here.
        adapter: folder of a PEFT adapter on it.
        fingerprint: hexadecimal digits by which its weights are known; None where they are not here.
        problem: why it is not here, and what helps.
        context_tokens: tokens that prompt and answer may have together; None where nobody says.
        state: of the files behind the fingerprint, as of `weights_state`; None where nobody looked.
    """

    name: str
    folder: Path | None = None
    adapter: Path | None = None
    fingerprint: str | None = None
    problem: tuple[str, str] | None = None
    context_tokens: int | None = None
    state: list[list[Any]] | None = None

    def check_unchanged(self) -> None:
        """Check that the files are those that the fingerprint is of; to be called once they are loaded.

        Raises:
            ProviderError: they were changed since: what is loaded may be other weights.
        """
        if self.folder is None or self.state is None:
            return
        try:
            now = weights_state(self.folder, self.adapter)
        except OSError as error:
            now = [[str(error)]]
        if now != self.state:
            changed = next((f"{new[0]}" for new in now if new not in self.state), "a file")
            raise ProviderError(
                f"the model's files were changed while its answers were prepared ({changed}): they are not"
                f" taken for answers of {self.identity}",
                where=str(self.folder),
                remedy="leave the folder of a model alone while jobs answer with it, and run again; for other"
                " weights take a folder of its own",
            )

    @property
    def identity(self) -> str:
        """What requests carry as `model`; where the weights are not known, the name alone."""
        return f"{self.name}@{self.fingerprint}" if self.fingerprint else self.name

    @property
    def tokenizer(self) -> Path | None:
        """The file of its tokenizer, if it has one of a known form."""
        path = self.folder and self.folder / "tokenizer.json"
        return path if path is not None and path.is_file() else None


def own_model(project: Project, provider: str, *, fetch: bool = False) -> OwnModel | None:
    """The model of one's own that a provider of the study names; None of one that names none.

    Weights are read once: their hash is kept beside the ledger until a file changes its size or time.

    Args:
        fetch: bring a model of the hub here that is not on this machine.
    """
    settings = project.study.providers[provider]
    if not isinstance(settings, OwnModelSettings):
        return None
    model = OwnModel(_name(settings))
    try:
        folder = _folder(project, settings, fetch)
    except EmbeddingError as error:
        return replace(model, problem=(f"{error.where}: {error.what}", error.remedy or ""))
    if folder is None:
        return replace(model, problem=_still_to_come(project, settings))
    adapter = None
    if isinstance(settings, TransformersSettings) and settings.adapter is not None:
        adapter = project.root / settings.adapter
    try:
        state = weights_state(folder, adapter)
        weights = _known_fingerprint(project.ledger.parent, folder, adapter, state)
    except (EmbeddingError, OSError) as error:
        what = error.what if isinstance(error, EmbeddingError) else str(error)
        return replace(model, problem=(what, "give the folder of a Hugging Face model, and of its adapter"))
    if otherwise := _otherwise(project.root, settings):
        weights = sha256_hex(canonical_json([weights, otherwise]))
    return replace(
        model,
        folder=folder,
        adapter=adapter,
        fingerprint=weights[:FINGERPRINT_DIGITS],
        context_tokens=_context_tokens(settings, folder),
        state=state,
    )


def with_models_named(project: Project, *, fetch: bool = False) -> Project:
    """The same project, whose stages that a model of one's own answers have its identity as `model`, and its
    context; where its weights are not known, its name alone. Whoever replays need not have them: then the
    identity is the one that the ledger has last asked for the stage.

    Args:
        fetch: as of `own_model`.
    """
    models = {name: own_model(project, name, fetch=fetch) for name in project.study.providers}
    stages = {
        name: _as_answered(
            project.study, stage, model if model.fingerprint else _as_asked(project, name, model)
        )
        for name, stage in project.study.asked_stages.items()
        if (model := models.get(stage.provider)) is not None
    }
    if not stages:
        return project
    study = project.study.model_copy(update={"stages": {**project.study.stages, **stages}})
    return replace(project, study=study)


def check_model_is_here(project: Project, stage: str) -> OwnModel | None:
    """The model of one's own that answers a stage, if one does: requests can be made only with its weights.

    Raises:
        StudyError: it is not on this machine, or cannot be asked as the study says.
    """
    provider = project.study.asked_stages[stage].provider
    model = own_model(project, provider, fetch=not project.replays)
    if model is not None and model.problem is not None and not project.replays:
        what, remedy = model.problem
        raise StudyError(
            f"its requests name the weights that answer them, and these are not here: {what}",
            where=f"{project.study_file}: providers.{provider}",
            remedy=remedy,
        )
    if model is not None and is_asked_without_template(project.study.providers[provider], model):
        raise StudyError(
            NO_TEMPLATE, where=f"{project.study_file}: providers.{provider}", remedy=WITHOUT_TEMPLATE
        )
    return model


def is_asked_without_template(settings: Provider, model: OwnModel) -> bool:
    """Whether a model is to be asked by its chat template and has none; vLLM may be given one."""
    by_template = isinstance(settings, TransformersSettings) and settings.chat_template == "model"
    return by_template and model.folder is not None and not has_chat_template(model.folder)


def _as_asked(project: Project, stage: str, model: OwnModel) -> OwnModel:
    """In a project that replays, the model with the fingerprint that the ledger has last asked."""
    if not project.replays or not project.ledger.exists():
        return model
    known = re.compile(rf"{re.escape(model.name)}@([0-9a-f]{{{FINGERPRINT_DIGITS}}})")
    with Ledger(project.ledger) as ledger:
        asked = [given.model for given in ledger.submissions(study=project.study.study, stage=stage)]
    matches = [match[1] for name in asked if (match := known.fullmatch(name))]
    return replace(model, fingerprint=matches[-1]) if matches else model


def _as_answered(study: Study, stage: Stage, model: OwnModel) -> Stage:
    limits, output = stage.limits, stage.output
    finetuned = getattr(study.providers[stage.provider], "finetuned", None)
    if finetuned is not None and output is None:
        # As it has learned to answer.
        export = study.exports[study.finetunes[finetuned].export]
        as_tool = export.answer == "tool" or (export.answer is None and export.format == "openai_chat")
        output = "tool" if as_tool else "json_schema"
    if limits.context_tokens is None and model.context_tokens is not None:
        limits = limits.model_copy(update={"context_tokens": model.context_tokens})
    if "requests" not in limits.model_fields_set:
        limits = limits.model_copy(update={"requests": REQUESTS_OF_A_JOB})
    return stage.model_copy(update={"model": model.identity, "limits": limits, "output": output})


def _name(settings: OwnModelSettings) -> str:
    if settings.finetuned is not None:
        return settings.finetuned
    name = Path((settings.model or "").removeprefix(PACKAGE)).name
    if isinstance(settings, TransformersSettings) and settings.adapter is not None:
        name += f"+{Path(settings.adapter).name}"
    return _NOT_IN_A_NAME.sub("_", name) or "model"


def _folder(project: Project, settings: OwnModelSettings, fetch: bool) -> Path | None:
    """Where the model lies; None of one that is not here. Raises EmbeddingError: it never can be."""
    if settings.finetuned is not None:
        merged = project.root / project.paths.finetuned(settings.finetuned, "merged")
        return merged if (merged / "config.json").is_file() else None
    name = settings.model or ""
    folder = local_model(name, project.root)
    if folder is not None:
        return folder
    try:
        return hub_snapshot(name, settings.revision, settings.trust_remote_code, local_files_only=not fetch)[
            0
        ]
    except (EmbeddingError, ImportError):
        if fetch:
            raise
        return None


def _still_to_come(project: Project, settings: OwnModelSettings) -> tuple[str, str]:
    name = settings.finetuned
    if name is None:
        return (
            f"the model `{settings.model}` of the Hugging Face hub is not on this machine yet",
            f"planning brings it, or: hf download {settings.model}"
            + (f" --revision {settings.revision}" if settings.revision else ""),
        )
    learns = project.study.finetunes[name]
    merged = project.paths.finetuned(name, "merged")
    return (
        f"the fine-tuning `{name}` ({learns.model} on the export `{learns.export}`) is not trained yet",
        f"a run trains it first; alone: {run_command(project.study.study, merged)}",
    )


def _otherwise(root: Path, settings: OwnModelSettings) -> list[Any]:
    """What makes the same weights answer otherwise, if anything does."""
    if isinstance(settings, VllmSettings):
        return [_by_content(root, option) for option in options_of_answers(settings.options)]
    said: list[Any] = []
    if isinstance(settings, TransformersSettings):
        said += ["chat_template: plain"] if settings.chat_template == "plain" else []
        is_usual = settings.shows_schema == (settings.finetuned is None)
        said += [] if is_usual else [f"show_schema: {settings.shows_schema}"]
    return said


def _by_content(root: Path, option: str) -> str:
    """An option, in which a hash stands for a file or a model's folder that it names."""
    key, joint, value = option.rpartition("=")
    path = root / value
    with contextlib.suppress(OSError, ValueError):
        if path.is_file():
            return f"{key}{joint}{sha256_file(path)}"
        if path.is_dir():
            return f"{key}{joint}{folder_hash(path)}"
    return option


def _context_tokens(settings: OwnModelSettings, folder: Path) -> int | None:
    limits = [settings.max_length]
    with contextlib.suppress(OSError, SourceError, AttributeError):
        config = read_json(folder / "config.json")
        limits.append((config.get("text_config") or config).get("max_position_embeddings"))
    return min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=None)


def _known_fingerprint(state: Path, folder: Path, adapter: Path | None, files: list[list[Any]]) -> str:
    """The fingerprint of weights, from what is kept of the last time that they were read."""
    place = state / "fingerprints"
    key = sha256_hex(f"{folder.resolve()}\0{adapter and adapter.resolve()}".encode())[:32]
    kept = place / f"{key}.json"
    if (known := _read(kept, files)) is not None:
        return known
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(alone_in(place))
        except OSError:
            # A node of a cluster may not write there, or not lock: then it reads the weights itself.
            return weights_fingerprint(folder, adapter)
        # Whoever held the lock may have read the same.
        if (known := _read(kept, files)) is None:
            known = weights_fingerprint(folder, adapter)
            with contextlib.suppress(OSError):
                write_json(kept, {"files": files, "sha256": known})
        return known


def _read(kept: Path, files: list[Any]) -> str | None:
    try:
        said = read_json(kept)
        return str(said["sha256"]) if said["files"] == files else None
    except (OSError, SourceError, KeyError, TypeError):
        return None
