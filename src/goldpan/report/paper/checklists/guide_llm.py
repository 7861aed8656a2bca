"""GUIDE-LLM, for studies with LLMs in behavioural and social science: 14 core and 8 optional items."""

from __future__ import annotations

from goldpan.report.paper.checklists.checklist import Checklist, ChecklistItem
from goldpan.report.paper.checklists.facts import Facts
from goldpan.report.paper.references import GUIDE_LLM as SOURCE

_SCOPE, _MODEL, _PROMPTS, _DATA = "Scope", "Model and system", "Prompts", "Data and privacy"
_VALIDATION, _REPRODUCIBILITY, _INTERESTS = "Validation", "Reproducibility", "Competing interests"

_CORE = (
    ChecklistItem(
        "A.1", _SCOPE, "What LLMs were used for.", "core", facts=(Facts.purpose,), stated=("purpose",)
    ),
    ChecklistItem(
        "A.2",
        _SCOPE,
        "How far people oversaw the answers.",
        "core",
        facts=(Facts.oversight,),
        stated=("oversight",),
    ),
    ChecklistItem(
        "B.1",
        _MODEL,
        "Name, provider, size, exact version, day of use and origin of each model.",
        "core",
        facts=(Facts.models,),
        stated=("model_details",),
    ),
    ChecklistItem(
        "B.2",
        _MODEL,
        "How models were reached, and whether in chats or single calls.",
        "core",
        facts=(Facts.access,),
    ),
    ChecklistItem(
        "B.3",
        _MODEL,
        "Settings that bear on answers, and the number of runs.",
        "core",
        facts=(Facts.parameters,),
    ),
    ChecklistItem(
        "B.4",
        _MODEL,
        "Tuning, retrieval, tools and other changes to the model.",
        "core",
        facts=(Facts.customisation,),
        stated=("fine_tuning",),
    ),
    ChecklistItem(
        "B.5",
        _MODEL,
        "Whether anything was remembered from one call to the next.",
        "core",
        facts=(Facts.memory,),
    ),
    ChecklistItem("C.1", _PROMPTS, "The prompts, word for word.", "core", facts=(Facts.prompts,)),
    ChecklistItem("C.2", _PROMPTS, "System messages.", "core", facts=(Facts.system_prompts,)),
    ChecklistItem(
        "D.1",
        _DATA,
        "How personal or sensitive data were handled.",
        "core",
        stated=("personal_data", "consent"),
    ),
    ChecklistItem(
        "E.1",
        _VALIDATION,
        "Whether and how people checked the answers.",
        "core",
        facts=(Facts.validation, Facts.sampling),
        stated=("annotators.training",),
    ),
    ChecklistItem(
        "E.2", _VALIDATION, "What was done to answers afterwards.", "core", facts=(Facts.post_processing,)
    ),
    ChecklistItem(
        "F.1",
        _REPRODUCIBILITY,
        "Where code and scripts of the calls are.",
        "core",
        facts=(Facts.software,),
        stated=("availability",),
    ),
    ChecklistItem(
        "G.1",
        _INTERESTS,
        "Funding, support and relations with those who gain from LLMs.",
        "core",
        stated=("funding", "competing_interests"),
    ),
)
_OPTIONAL = (
    ChecklistItem("optional-1", "Optional", "Why this model.", "optional", stated=("model_choice",)),
    ChecklistItem(
        "optional-2", "Optional", "Why prompts are as they are.", "optional", stated=("prompt_design",)
    ),
    ChecklistItem(
        "optional-3",
        "Optional",
        "Comparison with other models or methods.",
        "optional",
        facts=(Facts.comparisons, Facts.measured),
        stated=("open_model",),
    ),
    ChecklistItem(
        "optional-4",
        "Optional",
        "Whether the model may have learned from the material.",
        "optional",
        stated=("leakage",),
    ),
    ChecklistItem(
        "optional-5", "Optional", "Where answers may be systematically off.", "optional", stated=("bias",)
    ),
    ChecklistItem("optional-6", "Optional", "Transcripts of what was said.", "optional", facts=(Facts.logs,)),
    ChecklistItem(
        "optional-7",
        "Optional",
        "What follows ethically, beyond procedure.",
        "optional",
        stated=("ethical_implications",),
    ),
    ChecklistItem(
        "optional-8",
        "Optional",
        "Calls, tokens, money and machines it took.",
        "optional",
        facts=(Facts.resources,),
        stated=("computing",),
    ),
)

CHECKLIST = Checklist(
    name="guide_llm",
    title="GUIDE-LLM",
    version="template 1.1, as of July 2026, https://www.llm-checklist.com",
    note="Core items have the ids of the checklist; it gives none to its eight optional items, which are"
    " numbered here"
    " in its order. Items are in our words: the checklist itself explains what belongs into each.",
    source=SOURCE,
    items=(*_CORE, *_OPTIONAL),
)
