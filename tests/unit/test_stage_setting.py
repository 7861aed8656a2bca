"""What the workflow takes for the settings of a step: where it changes, everything that follows is stale."""

import re
from pathlib import Path
from types import SimpleNamespace

from goldpan.providers.model_choice import asked_stage
from goldpan.study.model import Stage

RULES = Path(__file__).parents[2] / "rules"
STAGE = {"input": {"source": "notes"}, "task": "topic", "provider": "main", "model": "gpt-4.1-mini"}
# Of a project that was made before a stage could name an endpoint or a pilot.
PLANNED_THEN = (
    "[('budget_usd', None), ('limits', {'requests': 50000, 'bytes': 200000000, 'prompt_tokens': None,"
    " 'context_tokens': None}), ('max_rounds', 3), ('model', 'gpt-4.1-mini'), ('output', 'tool'),"
    " ('params', {}), ('price_usd_per_million', None), ('provider', 'main'), ('samples', 1),"
    " ('task', [{'task': 'topic', 'when': None}])]"
)


def setting_of_plan(**more) -> str:
    """The text that rule `plan` has among its params."""
    names = re.search(
        r"checkpoint plan:.*?stage_setting\((.*?)\),\n    message",
        RULES.joinpath("stages.smk").read_text(),
        re.S,
    )
    known = {
        "STUDY": SimpleNamespace(stages={"topics": Stage.model_validate({**STAGE, **more})}),
        "asked_stage": asked_stage,
        "wildcards": SimpleNamespace(stage="topics"),
    }
    exec(RULES.joinpath("inputs.smk").read_text(), known)
    return eval(f"stage_setting({names.group(1)})", known)


def test_a_project_of_before_is_not_stale():
    assert setting_of_plan() == PLANNED_THEN


def test_a_pilot_makes_the_plan_stale():
    assert "('pilot', 5)" in setting_of_plan(pilot=5)
