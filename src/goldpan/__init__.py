"""goldpan turns a corpus into labels that can be trusted, and then into a model that labels the rest.

What works without Snakemake can be imported from here (docs/library.md); each name is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from goldpan.embeddings.reader import EmbeddingFile
    from goldpan.errors import GoldpanError
    from goldpan.evaluation.evaluate import EvaluationInputs, EvaluationOutputs, evaluate_files
    from goldpan.plain_tables.agreement import agreement_of_files
    from goldpan.plain_tables.columns import Layout
    from goldpan.plain_tables.merging import merge_of_files
    from goldpan.plain_tables.values import Values
    from goldpan.records.read import iter_records
    from goldpan.stages.rows import read_features
    from goldpan.study.load import load_project, load_study
    from goldpan.tasks.answers import AnswerReader
    from goldpan.tasks.critic import build_request, parse_tool_call, pick_rubric
    from goldpan.tasks.prompts import PromptRenderer
    from goldpan.tasks.task import load_task
    from goldpan.waves.gold.gold_set import read_gold

_MODULES = {
    "AnswerReader": "tasks.answers",
    "EmbeddingFile": "embeddings.reader",
    "EvaluationInputs": "evaluation.evaluate",
    "EvaluationOutputs": "evaluation.evaluate",
    "GoldpanError": "errors",
    "Layout": "plain_tables.columns",
    "PromptRenderer": "tasks.prompts",
    "Values": "plain_tables.values",
    "agreement_of_files": "plain_tables.agreement",
    "build_request": "tasks.critic",
    "evaluate_files": "evaluation.evaluate",
    "iter_records": "records.read",
    "load_project": "study.load",
    "load_study": "study.load",
    "load_task": "tasks.task",
    "merge_of_files": "plain_tables.merging",
    "parse_tool_call": "tasks.critic",
    "pick_rubric": "tasks.critic",
    "read_features": "stages.rows",
    "read_gold": "waves.gold.gold_set",
}
__all__ = [
    "AnswerReader",
    "EmbeddingFile",
    "EvaluationInputs",
    "EvaluationOutputs",
    "GoldpanError",
    "Layout",
    "PromptRenderer",
    "Values",
    "agreement_of_files",
    "build_request",
    "evaluate_files",
    "iter_records",
    "load_project",
    "load_study",
    "load_task",
    "merge_of_files",
    "parse_tool_call",
    "pick_rubric",
    "read_features",
    "read_gold",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'goldpan' has no attribute {name!r}")
    return getattr(import_module(f"goldpan.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
