"""What an improver is asked, and what the embedded one answers."""

import dataclasses

import pytest

from goldpan.optimise.improver import request_for, without_fence
from goldpan.optimise.problem import Example
from goldpan.providers.local.answerer import answer
from goldpan.providers.local.improving import IMPROVER_INSTRUCTIONS, rewritten
from tests.search_objects import row

COMPONENTS = {"system": "Say whether it is.", "user": "Note: {{ text }}", "feature.is": "Whether it is."}


def example(number, predicted, score=0.0, note=""):
    return Example(row(number, "train"), {"is": predicted}, score, note)


def test_a_request_holds_what_was_shown_answered_and_right_and_is_the_same_again():
    examples = [example(2, "no", note="is: it looked so"), example(3, "")]
    request = request_for(COMPONENTS, examples, "system", 0)
    assert request == request_for(COMPONENTS, examples, "system", 0)
    assert "<text>\nSay whether it is.\n</text>" in request and "{{ text }}" in request
    assert examples[0].row.own in request and "is: it looked so" in request and "is: no answer" in request
    assert request_for(COMPONENTS, examples, "system", 1) != request


def test_the_embedded_default_adds_words_that_tell_and_never_five_in_a_row():
    texts = {
        number: f"common words here with sign{'yes' if number % 2 == 0 else 'no'}mark" for number in range(6)
    }
    examples = []
    for number, text in texts.items():
        each = example(number, "no")
        examples.append(Example(dataclasses.replace(each.row, own=text), each.predicted, 0.0))
    request = request_for(COMPONENTS, examples, "feature.is", 0)
    body = {"model": "x", "messages": [
        {"role": "system", "content": IMPROVER_INSTRUCTIONS}, {"role": "user", "content": request},
    ]}  # fmt: skip
    said = answer(body, "one")["choices"][0]["message"]["content"]
    assert said == "Whether it is. Words that tell: signyesmark."
    assert answer(body, "one")["choices"][0]["message"]["content"] == said


def test_plain_rewrites_of_the_embedded_default_differ():
    said = {rewritten(request_for(COMPONENTS, [], "system", number)) for number in range(4)}
    assert len(said) == 4 and "Say whether it is." not in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\nNew text.\n```", "New text."),
        ("```jinja\r\nTwo\r\nlines\r\n```", "Two\nlines"),
        ("\ufeff New text. \n", "New text."),
        ("Say ```x``` here", "Say ```x``` here"),
        ("", ""),
    ],
)
def test_a_text_comes_without_its_fence(text, expected):
    assert without_fence(text) == expected
