"""The responsible-NLP research checklist of ACL Rolling Review: sections A to E."""

from __future__ import annotations

from goldpan.report.paper.checklists.checklist import Checklist, ChecklistItem
from goldpan.report.paper.checklists.facts import Facts
from goldpan.report.paper.references import ACL as SOURCE

_ALL, _ARTIFACTS, _EXPERIMENTS = (
    "A. Every submission",
    "B. Scientific artifacts",
    "C. Computational experiments",
)
_PEOPLE, _ASSISTANTS = "D. Annotators and participants", "E. AI assistants"

_ITEMS = (
    ChecklistItem("A1", _ALL, "Limitations.", stated=("limitations",)),
    ChecklistItem("A2", _ALL, "Risks.", stated=("risks",)),
    ChecklistItem(
        "B1",
        _ARTIFACTS,
        "Citation of whoever made what was used.",
        facts=(Facts.software, Facts.hashes),
        stated=("data_origin",),
    ),
    ChecklistItem("B2", _ARTIFACTS, "Licences or terms.", stated=("data_license",)),
    ChecklistItem("B3", _ARTIFACTS, "Whether use fits what was intended.", stated=("intended_use",)),
    ChecklistItem(
        "B4",
        _ARTIFACTS,
        "Persons who can be told, and offensive content.",
        stated=("personal_data", "offensive_content"),
    ),
    ChecklistItem(
        "B5", _ARTIFACTS, "Languages, domains and groups that are covered.", stated=("data_description",)
    ),
    ChecklistItem("B6", _ARTIFACTS, "Sizes and splits.", facts=(Facts.splits,)),
    ChecklistItem(
        "C1",
        _EXPERIMENTS,
        "Sizes of models, computing budget and machines.",
        facts=(Facts.resources,),
        stated=("model_details", "computing"),
    ),
    ChecklistItem(
        "C2",
        _EXPERIMENTS,
        "Setup, hyperparameters and how they were found.",
        facts=(Facts.parameters, Facts.heads),
        stated=("prompt_design",),
    ),
    ChecklistItem(
        "C3",
        _EXPERIMENTS,
        "How sure results are, and of how many runs.",
        facts=(Facts.intervals, Facts.replicates, Facts.measured),
    ),
    ChecklistItem(
        "C4", _EXPERIMENTS, "Packages with versions and settings.", facts=(Facts.software, Facts.hashes)
    ),
    ChecklistItem(
        "D1",
        _PEOPLE,
        "The instructions in full.",
        facts=(Facts.instructions,),
        stated=("annotators.training",),
    ),
    ChecklistItem(
        "D2",
        _PEOPLE,
        "Recruitment and pay.",
        stated=("annotators.recruitment", "annotators.pay"),
    ),
    ChecklistItem(
        "D3", _PEOPLE, "Consent of those whose data are used.", stated=("consent", "annotators.consent")
    ),
    ChecklistItem("D4", _PEOPLE, "Review by an ethics board, or exemption.", stated=("ethics_review",)),
    ChecklistItem(
        "D5",
        _PEOPLE,
        "Who the annotators are.",
        facts=(Facts.annotators,),
        stated=("annotators.demographics",),
    ),
    ChecklistItem(
        "E1", _ASSISTANTS, "How AI assistants were used.", facts=(Facts.models,), stated=("ai_assistance",)
    ),
)

CHECKLIST = Checklist(
    name="acl",
    title="ACL Rolling Review, responsible NLP research",
    version="as updated for October 2024 and found in 2026, https://aclrollingreview.org/responsibleNLPresearch/",
    note="Ids are those of the checklist; earlier versions had an A3 besides. It is filled in as a form on"
    " submission, and asks for the section of the paper. Items are in our words.",
    source=SOURCE,
    items=_ITEMS,
)
