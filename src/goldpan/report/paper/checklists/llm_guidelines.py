"""The reporting checklist of llm-guidelines.org, for empirical studies in software engineering with LLMs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from goldpan.report.paper.checklists.checklist import Checklist, ChecklistItem
from goldpan.report.paper.checklists.facts import Facts
from goldpan.report.paper.references import LLM_GUIDELINES as SOURCE

_USAGE, _VERSION, _OPEN, _DESIGN, _TRACES = "Declare Usage", "Model Version", "Open LLM", "Design", "Traces"
_METRICS, _HUMAN, _LIMITS = "Benchmarks & Metrics", "Human Validation", "Limitations"


def _must(guideline: str, asks: str, applies: str = "", **answered: Any) -> ChecklistItem:
    return ChecklistItem("", guideline, asks, "must", applies, **answered)


def _should(guideline: str, asks: str, applies: str = "", **answered: Any) -> ChecklistItem:
    return ChecklistItem("", guideline, asks, "should", applies, **answered)


_INTRODUCTION = (
    _must(_USAGE, "Which LLM was used, how and where.", facts=(Facts.models, Facts.purpose)),
    _should(_USAGE, "For what, and with what benefit.", facts=(Facts.purpose,), stated=("purpose",)),
)
_MODELS = (
    _must(_VERSION, "Exact versions, configuration and dates.", facts=(Facts.models, Facts.parameters)),
    _must(_VERSION, "Tuning: goal, data, procedure.", "fine-tuning", stated=("fine_tuning",)),
    _should(
        _VERSION,
        "Defaults, and why this model and version.",
        facts=(Facts.parameters,),
        stated=("model_choice",),
    ),
    _should(
        _VERSION,
        "Checksums and other properties; limits of commercial tools.",
        facts=(Facts.hashes,),
        stated=("model_details",),
    ),
    _should(_VERSION, "Quantisation: level and method.", "quantization", stated=("model_details",)),
    _should(
        _VERSION, "The tuned model beside its base; data and weights.", "fine-tuning", stated=("fine_tuning",)
    ),
    _should(
        _OPEN,
        "An open model as a baseline, and agreement between models.",
        "commercial-models",
        stated=("open_model",),
    ),
)
_SYSTEM = (
    _must(
        _DESIGN,
        "The whole tool and the LLM's part in it.",
        facts=(Facts.access, Facts.customisation),
    ),
    _must(_DESIGN, "Without examples, with one or with several.", stated=("prompt_design",)),
    _must(_DESIGN, "Which prompts were used with which models.", facts=(Facts.prompts, Facts.models)),
    _must(
        _DESIGN, "Whether prompts went to a model with nothing before or after.", facts=(Facts.customisation,)
    ),
    _must(_DESIGN, "All prompts or their templates, with instances.", facts=(Facts.prompts, Facts.logs)),
    _must(_DESIGN, "How examples in prompts were chosen.", "few-shot", stated=("prompt_design",)),
    _must(_DESIGN, "The rules by which prompts are put together.", "dynamic-prompts", facts=(Facts.prompts,)),
    _must(_DESIGN, "What was changed in prompts that are shown in part.", "restricted-sharing"),
    _must(_DESIGN, "Files that configure an assistant.", "context-files"),
    _must(_DESIGN, "Tools that the model could use.", "tool-use", facts=(Facts.customisation,)),
    _must(_DESIGN, "Agents: roles, reasoning, communication.", "agents", facts=(Facts.customisation,)),
    _must(_DESIGN, "Agents: reasoning, tool calls and interactions apart.", "agents"),
    _must(
        _DESIGN,
        "How outside data came into the context.",
        "context-augmentation",
        facts=(Facts.customisation,),
    ),
    _must(_DESIGN, "The harness of the evaluation.", "benchmarking"),
    _must(_DESIGN, "Versions and changes of prompts from benchmarks.", "benchmarking"),
    _must(_DESIGN, "Hardware or service tier of timed runs.", "latency-sensitive", stated=("computing",)),
    _should(_DESIGN, "Why it is built so."),
    _should(_DESIGN, "How models were hosted and reached.", facts=(Facts.access,), stated=("model_details",)),
    _should(_DESIGN, "How prompts were developed and chosen.", stated=("prompt_design",)),
    _should(_DESIGN, "How prompts changed, also on an LLM's advice.", stated=("prompt_design",)),
    _should(
        _DESIGN, "The source code, under an open licence.", facts=(Facts.software,), stated=("availability",)
    ),
    _should(_DESIGN, "The examples themselves.", "few-shot", facts=(Facts.prompts,)),
    _should(_DESIGN, "How prompts of participants were gathered.", "participant-prompts"),
    _should(_DESIGN, "What was done about long prompts.", "long-prompts"),
    _should(_DESIGN, "Summaries where prompts cannot be shown.", "restricted-sharing"),
    _should(_DESIGN, "How models of an ensemble work together.", "ensemble"),
    _should(_DESIGN, "Preparation and versions of outside data.", "context-augmentation"),
    _should(_DESIGN, "The files that configure an assistant, added.", "context-files"),
    _should(_DESIGN, "Catalogue and schemas of tools, added.", "tool-use"),
    _should(_DESIGN, "A harness that open models can use.", "benchmarking"),
)
_SESSIONS = (
    _must(_TRACES, "Format and tool version of traces.", facts=(Facts.software, Facts.logs), is_more=True),
    _must(
        _TRACES,
        "What was made anonymous in sensitive traces.",
        "restricted-sharing",
        stated=("personal_data",),
    ),
    _should(_TRACES, "An open format of traces."),
    _should(_TRACES, "Requests and answers in full.", facts=(Facts.logs,), stated=("availability",)),
    _should(_TRACES, "Agents: exchanges with people.", "agents"),
    _should(_TRACES, "Agents: the whole trace.", "agents"),
    _should(_TRACES, "Agents: their plans.", "agents"),
)
_BENCHMARKS = (
    _must(_METRICS, "Why these benchmarks and figures.", stated=("measured_construct",)),
    _must(
        _METRICS,
        "How reliable and valid they are.",
        facts=(Facts.agreement, Facts.intervals),
        stated=("measured_construct",),
    ),
    _must(_METRICS, "Why the figures suit this study.", stated=("measured_construct",)),
    _must(_METRICS, "Latency where it matters.", "latency-sensitive", stated=("computing",)),
    _must(_METRICS, "Origin and dates of a new benchmark.", "new-benchmark", stated=("data_origin",)),
    _should(
        _METRICS,
        "A definition of what is measured.",
        facts=(Facts.instructions,),
        stated=("measured_construct",),
    ),
    _should(
        _METRICS,
        "Structure and limits of the benchmark.",
        facts=(Facts.splits,),
        stated=("data_description",),
    ),
    _should(_METRICS, "What else the benchmark measures along.", stated=("measured_construct",)),
    _should(_METRICS, "An analysis of errors.", facts=(Facts.errors,)),
    _should(_METRICS, "How problems were sampled.", facts=(Facts.sampling,)),
    _should(_METRICS, "Why so many repetitions.", facts=(Facts.replicates,), is_more=True),
    _should(
        _METRICS,
        "What a sample without known chances means.",
        "non-probability-sampling",
        facts=(Facts.sampling,),
    ),
    _should(_METRICS, "Means against contamination.", "new-benchmark", stated=("leakage",)),
    _should(
        _METRICS,
        "All ratings of an item, not their mean alone.",
        "multi-rater-scoring",
        facts=(Facts.ratings,),
    ),
)
_PEOPLE = (
    _must(
        _HUMAN,
        "What people judged, and by what instrument.",
        "human-validation",
        facts=(Facts.instructions,),
        stated=("measured_construct",),
    ),
    _must(_HUMAN, "The instrument itself.", "human-validation", facts=(Facts.instructions,)),
    _must(
        _HUMAN,
        "Whether an LLM may stand for people here.",
        "human-validation",
        facts=(Facts.measured,),
        stated=("oversight",),
    ),
    _should(_HUMAN, "Validation by people from the beginning.", facts=(Facts.sampling,), is_more=True),
    _should(
        _HUMAN,
        "Agreement between models, and of models with people.",
        "human-validation",
        facts=(Facts.measured, Facts.comparisons),
    ),
    _should(
        _HUMAN,
        "LLM against people, and how answers were merged.",
        "human-validation",
        facts=(Facts.agreement, Facts.merging, Facts.measured),
    ),
    _should(_HUMAN, "Confounding factors.", "human-validation"),
    _should(
        _HUMAN,
        "Who the raters are, and what bias that brings.",
        "human-validation, subjective-constructs",
        facts=(Facts.annotators,),
        stated=("annotators.demographics", "bias"),
    ),
    _should(_HUMAN, "What users made of an agent's proposals.", "agents"),
)
_ETHICS = (
    _must(
        _LIMITS,
        "How sensitive data are governed.",
        "restricted-sharing",
        stated=("personal_data", "ethics_review"),
    ),
    _should(_LIMITS, "Whether the resources are worth it.", facts=(Facts.resources,), stated=("computing",)),
    _should(_OPEN, "That the open baseline can be repeated.", stated=("open_model",)),
    _should(_LIMITS, "Examples where not all can be shared.", "restricted-sharing", stated=("availability",)),
)
_RESULTS = (
    _should(_METRICS, "Repetitions, and how results vary.", facts=(Facts.replicates, Facts.intervals)),
    _should(_METRICS, "Baselines without an LLM.", facts=(Facts.comparisons,)),
    _should(_METRICS, "Established figures.", facts=(Facts.measured,)),
    _should(
        _METRICS,
        "Tests and effect sizes of comparisons.",
        "comparing-models",
        facts=(Facts.tests,),
        is_more=True,
    ),
)
_THREATS = (
    _must(
        _LIMITS,
        "Leakage, and the quality of subjective results.",
        facts=(Facts.agreement,),
        stated=("leakage",),
    ),
    _must(_LIMITS, "Limits, chance and generality.", stated=("limitations",)),
    _must(
        _LIMITS,
        "Whether other models and later versions were tried.",
        facts=(Facts.models,),
        stated=("limitations",),
    ),
    _must(_DESIGN, "What is kept secret, as a limit.", "restricted-sharing", stated=("availability",)),
    _should(
        _LIMITS, "What was done against these threats.", facts=(Facts.validation,), stated=("limitations",)
    ),
)


def _numbered(items: Iterable[ChecklistItem]) -> Iterator[ChecklistItem]:
    """Items with the name of their guideline and a number within it as id."""
    numbers: Counter[str] = Counter()
    for item in items:
        numbers[item.group] += 1
        yield replace(
            item, id=f"{item.group.replace(' & ', ' and ').replace(' ', '-')}-{numbers[item.group]}"
        )


CHECKLIST = Checklist(
    name="llm_guidelines",
    title="llm-guidelines.org, reporting checklist",
    version="release 2026.06, https://llm-guidelines.org/checklist/",
    note="The checklist gives its items the name of a guideline and no ids of their own; here they are"
    " numbered within"
    " their guideline, in the order of the checklist. A tag says which studies alone an item is about."
    " Items are in our words.",
    source=SOURCE,
    items=tuple(
        _numbered(
            (
                *_INTRODUCTION,
                *_MODELS,
                *_SYSTEM,
                *_SESSIONS,
                *_BENCHMARKS,
                *_PEOPLE,
                *_ETHICS,
                *_RESULTS,
                *_THREATS,
            )
        )
    ),
)
