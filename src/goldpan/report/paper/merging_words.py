"""How a paper says that the answers of annotators became labels."""

from __future__ import annotations

from goldpan.study.wave import Strategy
from goldpan.waves.merging.merged import UNRESOLVED, Resolution

STRATEGIES: dict[Strategy, str] = {
    "adjudicate": "where annotators differ, a person decides (adjudication)",
    "majority": "where annotators differ, the majority decides",
    "majority_llm": "where two annotators differ, the one whom the model's answer supports is followed, and"
    " such labels are kept out of the model's evaluation",
    "conservative": "only what all annotators agree on gets a label",
    "annotator_a": "the answers of A1 are taken",
    "annotator_b": "the answers of A2 are taken",
    "dawid_skene": "a Dawid-Skene model of the annotators' errors decides",
    "dawid_skene_full": "a Dawid-Skene model of the annotators' errors decides",
    "dawid_skene_shrunk": "a Dawid-Skene model of the annotators' errors, shrunk to what they share, decides",
    "dawid_skene_one_coin": "a Dawid-Skene model with one accuracy for each annotator decides",
}
"""What each strategy does with answers that differ."""
RESOLUTIONS: dict[str, str] = {
    Resolution.AGREEMENT: "by agreement",
    Resolution.SINGLE: "by one annotator alone",
    Resolution.ADJUDICATED: "by adjudication",
    Resolution.MAJORITY: "by majority",
    Resolution.MAJORITY_A_LLM: "by A1 with the model's answer",
    Resolution.MAJORITY_B_LLM: "by A2 with the model's answer",
    Resolution.ANNOTATOR_A: "by the answer of A1",
    Resolution.ANNOTATOR_B: "by the answer of A2",
    Resolution.DAWID_SKENE: "by the Dawid-Skene model",
    Resolution.AWAITING_ADJUDICATION: "awaiting adjudication",
    Resolution.NEEDS_REVIEW: "in need of a review",
    Resolution.UNANSWERED: "without an answer",
}
"""How an item came to its label, or why it has none."""
WITHOUT_A_LABEL = tuple(str(resolution) for resolution in Resolution if resolution in UNRESOLVED)
