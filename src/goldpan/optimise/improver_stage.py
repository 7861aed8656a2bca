"""The stage that a search asks for new prompts."""

from __future__ import annotations

from pydantic import ValidationError

from goldpan.errors import StudyError
from goldpan.optimise.improver import IMPROVER_TASK
from goldpan.providers.baseline import BASELINE_MODEL
from goldpan.providers.connect import provider_class
from goldpan.study.load import Project
from goldpan.study.stage import Stage, TaskChoice


def improver_stage(project: Project, name: str) -> Stage:
    """Whom a search asks for new prompts, as a stage of the study would have it. Raises StudyError."""
    settings = project.study.optimised[name]
    improver, asked = settings.improver, project.study.asked_stages[settings.stage]
    provider = project.study.providers[improver.provider]
    model = improver.model
    if model is None:
        if not provider_class(provider).works_here:
            raise StudyError(
                f"the improver `{improver.provider}` needs a model",
                where=f"optimised.{name}.improver",
                remedy="name it: `model: NAME`",
            )
        model = BASELINE_MODEL
    price = improver.price_usd_per_million
    if price is None and (improver.provider, model) == (asked.provider, asked.model):
        price = asked.price_usd_per_million
    said = {
        "input": asked.input,
        "task": [TaskChoice(task=IMPROVER_TASK)],
        "provider": improver.provider,
        "model": model,
        "params": improver.params,
        "output": "text",
        # Another rewrite follows whatever becomes of this one, so none is paid for twice.
        "max_rounds": 1,
        "price_usd_per_million": price,
    }
    try:
        return Stage.model_validate(said)
    except ValidationError as error:
        why = "; ".join(fault["msg"] for fault in error.errors())
        raise StudyError(f"nobody can be asked so: {why}", where=f"optimised.{name}.improver") from None
