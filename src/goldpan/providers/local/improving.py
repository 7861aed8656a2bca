"""The baseline as an improver of prompts: it adds the words by which wrong answers could have been told.

It understands nothing, so it helps only an answerer that compares words, as the baseline itself is. A search
can thus be run from end to end without a key.
"""

from __future__ import annotations

import re
from collections import Counter

IMPROVER_INSTRUCTIONS = """\
You improve the prompts of an annotation task. You are given one text of such a prompt, what it is, and, where
there are any, rows that were answered with it: what was shown, what the model answered, and the right answer.
Write a better version of that text: say in general terms what distinguishes the answers, settle what was
misunderstood, keep what works.

Rules:
- Write the new text and nothing else: no comment, no title, no code fence.
- Keep every placeholder in double braces exactly as it is, and add none.
- Do not copy the rows: no five words in a row of them may stand in the text.
- Do not change which labels there are, nor the form of the answer."""
"""What an improver is told; the baseline knows by it that it is asked as one."""

TEXT_TAG, EXAMPLE_TAG, SHOWN_TAG, RIGHT_TAG, ANSWER_TAG = "text", "row", "shown", "right", "answered"
_WORDS_ADDED = 6
_MANNERS = ("Read closely.", "Go by the meaning.", "Take the text as a whole.", "Whatever the wording is.")
_WORD = re.compile(r"[^\W\d_]{4,}")
_VARIANT = re.compile(r"^This is rewrite number (\d+)", re.MULTILINE)
_ABOUT = re.compile(r"^The text is .*$", re.MULTILINE)
_OF_LABEL = re.compile(r"the label `(.*)` of the feature `(\w+)`")
_OF_FEATURE = re.compile(r"the description of the feature `(\w+)`")


def tagged(tag: str, text: str) -> str:
    """A part of the request for a rewrite."""
    return f"<{tag}>\n{text}\n</{tag}>"


def rewritten(request: str) -> str:
    """A new version of the text in a request for a rewrite.

    With rows, the words that tell best those that were answered wrong from others are added, one by one and
    in the order of the alphabet; without, the lines of the text stand in another order, or a manner is named.
    """
    text = _parts(request, TEXT_TAG)[0] if _parts(request, TEXT_TAG) else ""
    variant = _VARIANT.search(request)
    number = int(variant[1]) if variant else 0
    examples = _parts(request, EXAMPLE_TAG)
    if not examples:
        lines = text.split("\n")
        if len(lines) == 1:
            return f"{text.rstrip()} {_MANNERS[number % len(_MANNERS)]}"
        place = 1 + number % (len(lines) - 1)
        return "\n".join([*lines[place:], *lines[:place]])
    about = _ABOUT.search(request)
    words = _telling_words(examples, about[0] if about else "", text)
    # In one line: the baseline looks for a label's words in the line that names it.
    return f"{text.rstrip()} Words that tell: {', '.join(words)}." if words else text


def _telling_words(examples: list[str], about: str, text: str) -> list[str]:
    """Words of the rows that the text is about, the most frequent there and rarest elsewhere first."""
    ours, others = Counter[str](), Counter[str]()
    for example in examples:
        shown, right, answered = (
            "\n".join(_parts(example, tag)) for tag in (SHOWN_TAG, RIGHT_TAG, ANSWER_TAG)
        )
        words = {word.lower() for word in _WORD.findall(shown)}
        (ours if _is_about(about, right, answered) else others).update(words)
    known = {word.lower() for word in _WORD.findall(text)}
    telling = [word for word in ours if word not in known and ours[word] > others[word]]
    telling.sort(key=lambda word: (others[word] - ours[word], word))
    return sorted(telling[:_WORDS_ADDED])


def _is_about(about: str, right: str, answered: str) -> bool:
    """Whether a row is one that the text should have told: its right answer is the label or a yes."""
    answers = dict(line.split(": ", 1) for line in right.splitlines() if ": " in line)
    if label := _OF_LABEL.search(about):
        return label[1] in answers.get(label[2], "").split("; ")
    if feature := _OF_FEATURE.search(about):
        return answers.get(feature[1]) == "yes"
    return right != answered


def _parts(text: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}>\n(.*?)\n</{tag}>", text, re.DOTALL)
