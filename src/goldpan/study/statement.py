"""The Pydantic model of what only people know of a study: it goes into its paper as it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from goldpan.study.base import Model

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Checklist = Literal["guide_llm", "acl", "llm_guidelines"]


class AnnotatorStatement(Model):
    """What is to be said of the people who annotated."""

    recruitment: Text | None = Field(None, description="Who they are to the study, and how they were found.")
    pay: Text | None = Field(None, description="What they were paid, and whether that is adequate.")
    training: Text | None = Field(None, description="How they were trained, and what they knew beforehand.")
    demographics: Text | None = Field(None, description="Who they are, as far as it may bear on answers.")
    consent: Text | None = Field(None, description="What they were told, and agreed to.")


class Statement(Model):
    """What only people know of a study, in their own words. Nothing is made up for a key that is left out."""

    purpose: Text | None = Field(None, description="What the LLM was used for, and what that is good for.")
    oversight: Text | None = Field(None, description="Which answers people looked at before they were used.")
    measured_construct: Text | None = Field(
        None, description="What is measured, and why labels and figures fit it."
    )
    funding: Text | None = Field(None, description="Who paid, also in kind: computing time, models.")
    competing_interests: Text | None = Field(
        None, description="Relations with whoever may gain, such as makers of models; `none` where none."
    )
    data_license: Text | None = Field(
        None, description="Licence or terms of the data, as a SPDX name or in words."
    )
    data_origin: Text | None = Field(None, description="Where the data come from, and whom to cite for them.")
    data_description: Text | None = Field(
        None, description="Languages, domains, times and groups that the data cover."
    )
    personal_data: Text | None = Field(
        None, description="Whether there are personal data, and how they were handled and protected."
    )
    offensive_content: Text | None = Field(
        None, description="Whether the data may offend, and how that was found out and handled."
    )
    consent: Text | None = Field(None, description="What those agreed to whom the data are about.")
    ethics_review: Text | None = Field(
        None, description="Who has reviewed or exempted it; leave it out for an anonymous submission."
    )
    ethical_implications: Text | None = Field(None, description="What follows for people beyond procedure.")
    annotators: AnnotatorStatement = Field(
        AnnotatorStatement(), description="What is to be said of the people who annotated."
    )
    model_choice: Text | None = Field(None, description="Why these models and versions.")
    model_details: Text | None = Field(
        None, description="Sizes, checksums, quantisation, where models were hosted and on which machines."
    )
    fine_tuning: Text | None = Field(
        None, description="How a model was tuned, or that it was not: for what, on what, how."
    )
    open_model: Text | None = Field(None, description="The open model it was compared with, or why none.")
    prompt_design: Text | None = Field(
        None, description="How prompts came about: examples and their choice, versions that were tried."
    )
    leakage: Text | None = Field(
        None, description="Whether models may have learned from these data, and what was done about it."
    )
    bias: Text | None = Field(None, description="For whom or what the answers may be systematically worse.")
    computing: Text | None = Field(
        None, description="Machines and hours, also of what was tried and is not in the paper."
    )
    intended_use: Text | None = Field(
        None,
        description="What the data, labels and models may be used for, and whether that fits their terms.",
    )
    risks: Text | None = Field(None, description="What harm may come of it, and what speaks against that.")
    limitations: Text | None = Field(None, description="What the results do not show.")
    availability: Text | None = Field(
        None, description="Where code, prompts, answers and labels are, under which licence."
    )
    ai_assistance: Text | None = Field(
        None, description="How AI assistants were used in research, coding or writing."
    )
    checklists: dict[Checklist, dict[str, Text]] = Field(
        default_factory=dict,
        description="Answers to items of a checklist by their ids, beside what is said above:"
        " `{acl: {C2: ...}}`.",
    )
