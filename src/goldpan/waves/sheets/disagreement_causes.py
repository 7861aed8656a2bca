"""Why annotators disagree, as the person who decides sees it."""

from __future__ import annotations

CAUSES = {
    "ambiguous text": "The text itself can be read in more than one way.",
    "guideline gap": "The guidelines do not say what to do here, or can be read in two ways.",
    "slip": "One of the annotators missed something or pressed the wrong key.",
    "edge case": "The item lies on the border of two answers although text and guidelines are clear.",
    "subjective": "Reasonable people differ; there is no single right answer.",
}
