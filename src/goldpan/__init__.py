"""goldpan turns a corpus into labels that can be trusted, and then into a model that labels the rest.

What works without Snakemake can be imported from here (docs/library.md); each name is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from goldpan.batches.critic import batch_annotate, get_batch_results
    from goldpan.embeddings.reader import EmbeddingFile
    from goldpan.errors import GoldpanError, PredictionMissingFieldError, WrongFunctionNameError
    from goldpan.evaluation.evaluate import EvaluationOutputs, evaluate_files
    from goldpan.evaluation.read import EvaluationInputs
    from goldpan.plain_tables.agreement import agreement_of_files
    from goldpan.plain_tables.columns import Layout
    from goldpan.plain_tables.merging import merge_of_files
    from goldpan.plain_tables.values import Values
    from goldpan.records.read import iter_records
    from goldpan.stages.rows import read_features
    from goldpan.study.installed import workflow_file
    from goldpan.study.load import load_project, load_study
    from goldpan.tasks.answers import AnswerReader
    from goldpan.tasks.critic import build_request, parse_tool_call, pick_rubric, segment_of_messages
    from goldpan.tasks.critic_predictions import BinaryPrediction, ClassificationPrediction, TextPrediction
    from goldpan.tasks.prompts import PromptRenderer
    from goldpan.tasks.task import load_task
    from goldpan.tasks.traces_text import UnusableTrace
    from goldpan.waves.gold.gold_set import read_gold
    from goldpan.workflow.pipelines import run_annotation_pipeline, run_embedding_pipeline

_MODULES = {
    "AnswerReader": "tasks.answers",
    "BinaryPrediction": "tasks.critic_predictions",
    "ClassificationPrediction": "tasks.critic_predictions",
    "EmbeddingFile": "embeddings.reader",
    "EvaluationInputs": "evaluation.read",
    "EvaluationOutputs": "evaluation.evaluate",
    "GoldpanError": "errors",
    "Layout": "plain_tables.columns",
    "PredictionMissingFieldError": "errors",
    "PromptRenderer": "tasks.prompts",
    "TextPrediction": "tasks.critic_predictions",
    "UnusableTrace": "tasks.traces_text",
    "Values": "plain_tables.values",
    "WrongFunctionNameError": "errors",
    "agreement_of_files": "plain_tables.agreement",
    "batch_annotate": "batches.critic",
    "build_request": "tasks.critic",
    "evaluate_files": "evaluation.evaluate",
    "get_batch_results": "batches.critic",
    "iter_records": "records.read",
    "load_project": "study.load",
    "load_study": "study.load",
    "load_task": "tasks.task",
    "merge_of_files": "plain_tables.merging",
    "parse_tool_call": "tasks.critic",
    "pick_rubric": "tasks.critic",
    "read_features": "stages.rows",
    "read_gold": "waves.gold.gold_set",
    "run_annotation_pipeline": "workflow.pipelines",
    "run_embedding_pipeline": "workflow.pipelines",
    "segment_of_messages": "tasks.critic",
    "workflow_file": "study.installed",
}
__all__ = [
    "AnswerReader",
    "BinaryPrediction",
    "ClassificationPrediction",
    "EmbeddingFile",
    "EvaluationInputs",
    "EvaluationOutputs",
    "GoldpanError",
    "Layout",
    "PredictionMissingFieldError",
    "PromptRenderer",
    "TextPrediction",
    "UnusableTrace",
    "Values",
    "WrongFunctionNameError",
    "agreement_of_files",
    "batch_annotate",
    "build_request",
    "evaluate_files",
    "get_batch_results",
    "iter_records",
    "load_project",
    "load_study",
    "load_task",
    "merge_of_files",
    "parse_tool_call",
    "pick_rubric",
    "read_features",
    "read_gold",
    "run_annotation_pipeline",
    "run_embedding_pipeline",
    "segment_of_messages",
    "workflow_file",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'goldpan' has no attribute {name!r}")
    return getattr(import_module(f"goldpan.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
