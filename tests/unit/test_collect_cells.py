"""Hostile cells: what spreadsheets and typists do to answers. All are read or refused, none is lost.

A case gives a feature, the cell as it comes back, and the answer it must be read as or words of the refusal.
"""

import datetime

import pytest

from goldpan.cells import neutralise
from goldpan.errors import AnswerError
from goldpan.tasks.features import Score
from goldpan.waves.answer_text import answer_text
from goldpan.waves.collect.cell_values import is_empty, read_cell
from tests.wave_builders import COMPLAINT, GIST, ORDER, PARTS, STARS, TONE, TOPICS, labelled

NOTHING = labelled("NA", "None", "null", "nan", "N/A", "#N/A")
NUMBERS = labelled("1", "2", "10")
PADDED = labelled("007", "042")
TRUTH = labelled("TRUE", "FALSE", "maybe")
RESULTS = labelled("1-2", "3-4", "draw")
CONFIRMED = labelled("yes", "no", "unclear")
GERMAN = labelled("ja", "nein")
MIRRORED = labelled("1-2", "2-1")
MONTHS = labelled("MARCH1", "SEPT2", "ACTB")
DAYS = labelled("2021-03-04", "2021-04-03")
TIMES = labelled("1:30", "2:00")
SHARES = labelled("50%", "100%")
SIGNS = labelled("+", "-", "=1+1", "@home", "-1", "+0.5")
APOSTROPHES = labelled("'tis", "'+", "'")
CASES = labelled("US", "us", "EU")
LISTS = labelled("A", "B", "A; B")
UNICODE = labelled("café", "naïve", "ﬁne", "日本")
PORTION = Score(name="portion", type="score", description="What share?", min=0, max=1, integer=False)
RATIO = Score(name="ratio", type="score", description="How much?", min=-2, max=2, integer=False)
COMMAS = TOPICS.model_copy(update={"labels": ["yes, fully", "yes, in part", "no"], "name": "degree"})
SEMICOLONS = TOPICS.model_copy(update={"labels": ["A", "B", "A; B"], "name": "sets"})

NOON = datetime.datetime(2026, 1, 2, 12, 0)
JAN_2, FEB_1 = datetime.datetime(2026, 1, 2), datetime.datetime(2026, 2, 1)

KEPT = [
    # Words that other readers take for an empty cell.
    (NOTHING, "NA", "NA"),
    (NOTHING, "None", "None"),
    (NOTHING, "null", "null"),
    (NOTHING, "nan", "nan"),
    (NOTHING, "N/A", "N/A"),
    (NOTHING, "#N/A", "#N/A"),
    # Numbers: typed cells, trailing zeros, leading zeros that were cut off.
    (NUMBERS, "1", "1"),
    (NUMBERS, 1, "1"),
    (NUMBERS, 1.0, "1"),
    (NUMBERS, "1.0", "1"),
    (NUMBERS, "10,0", "10"),
    (NUMBERS, "1E+01", "10"),
    (PADDED, 7.0, "007"),
    (PADDED, "42", "042"),
    # Truth values, in the languages that spreadsheets speak.
    (TRUTH, True, "TRUE"),
    (TRUTH, "True", "TRUE"),
    (TRUTH, "FALSCH", "FALSE"),
    (TRUTH, "VRAI", "TRUE"),
    (COMPLAINT, "yes", True),
    (COMPLAINT, "No ", False),
    (COMPLAINT, True, True),
    (COMPLAINT, "WAHR", True),
    (COMPLAINT, "Nein", False),
    (COMPLAINT, "sí", True),
    (COMPLAINT, "NON", False),
    (COMPLAINT, 0.0, False),
    # A question with labels for yes and no, too; `no` is one of several languages.
    (CONFIRMED, "ja", "yes"),
    (CONFIRMED, "FALSCH", "no"),
    (CONFIRMED, False, "no"),
    (GERMAN, "yes", "ja"),
    (GERMAN, "FALSE", "nein"),
    (COMPLAINT, "1.0", True),
    # Dates that a spreadsheet made of labels.
    (RESULTS, JAN_2, "1-2"),
    (RESULTS, "02-Jan", "1-2"),
    (RESULTS, "2. Jan", "1-2"),
    (RESULTS, "1/2/2026", "1-2"),
    (RESULTS, "2026-03-04 00:00:00", "3-4"),
    (MONTHS, datetime.datetime(2026, 3, 1), "MARCH1"),
    (MONTHS, "1-Mar", "MARCH1"),
    (MONTHS, "Sep-02", "SEPT2"),
    (DAYS, datetime.date(2021, 3, 4), "2021-03-04"),
    (TIMES, datetime.time(1, 30), "1:30"),
    (TIMES, "01:30:00", "1:30"),
    (SHARES, 0.5, "50%"),
    (SHARES, 1, "100%"),
    # What a spreadsheet would run as a formula.
    (SIGNS, neutralise("+"), "+"),
    (SIGNS, "-", "-"),
    (SIGNS, "'=1+1", "=1+1"),
    (SIGNS, "=1+1", "=1+1"),
    (SIGNS, neutralise("@home"), "@home"),
    (SIGNS, -1.0, "-1"),
    (SIGNS, "0,5", "+0.5"),
    (APOSTROPHES, "'tis", "'tis"),
    (APOSTROPHES, neutralise("'+"), "'+"),
    (APOSTROPHES, "'", "'"),
    # What one does not see: case, spaces, widths, invisible signs.
    (TONE, "positive", "Positive"),
    (TONE, " Negative\u00a0", "Negative"),
    (TONE, "Neu\u200btral", "Neutral"),
    (TONE, "\ufeffPositive", "Positive"),
    (TONE, "Ｐｏｓｉｔｉｖｅ", "Positive"),
    (CASES, "US", "US"),
    (CASES, "us", "us"),
    (UNICODE, "cafe\u0301", "café"),
    (UNICODE, "fine", "ﬁne"),
    (LISTS, "A; B", "A; B"),
    # Lists.
    (TOPICS, "price; quality", ["price", "quality"]),
    (TOPICS, "quality;price", ["price", "quality"]),
    (TOPICS, "Price, delivery", ["price", "delivery"]),
    (TOPICS, "price\nquality", ["price", "quality"]),
    (TOPICS, "(none)", []),
    (COMMAS, "yes, fully; no", ["yes, fully", "no"]),
    (COMMAS, "yes, in part, no", ["yes, in part", "no"]),
    (ORDER, "looks > price > strength", ["looks", "price", "strength"]),
    (ORDER, "strength>looks>price", ["strength", "looks", "price"]),
    # Numbers as answers.
    (STARS, "3", 3),
    (STARS, 3.0, 3),
    (STARS, "4.0", 4),
    (RATIO, "-1", -1.0),
    (RATIO, "0,25", 0.25),
    (RATIO, "1e-3", 0.001),
    (PORTION, "50%", 0.5),
    (PORTION, " 28,7 \uff05", 0.287),
    (PORTION, "0.5", 0.5),
    # Text is kept to the letter.
    (GIST, "NA", "NA"),
    (GIST, "  two  spaces ", "  two  spaces "),
    (GIST, "first\u2028second\u0085third", "first\u2028second\u0085third"),
    (GIST, "'=SUM(A1)", "=SUM(A1)"),
    (GIST, "'''quoted'''", "'''quoted'''"),
    (GIST, "(none)", "(none)"),
    (GIST, 12.5, "12.5"),
    # Objects.
    (PARTS, '[{"part": "lid", "count": 2, "broken": true}]', [{"part": "lid", "count": 2, "broken": True}]),
    (PARTS, "(none)", []),
    # Abstaining.
    (TONE, "(cannot tell)", None),
    (STARS, "(Cannot Tell)", None),
    (PARTS, " (cannot tell)", None),
]

REFUSED = [
    (TONE, "Postive", "did you mean `Positive`"),
    (TONE, "Positive?", "did you mean `Positive`"),
    (TONE, "4", "is not one of the labels; there are: `Positive`"),
    (MIRRORED, JAN_2, "may mean `1-2` or `2-1`"),
    (RESULTS, NOON, "is not one of the labels"),
    (RESULTS, datetime.datetime(2026, 5, 6), "is not one of the labels"),
    (CASES, "Us", "may mean `US` or `us`"),
    (NUMBERS, "1;2", "is not one of the labels"),
    (COMPLAINT, "yes and no", "neither yes nor no"),
    (COMPLAINT, "2", "neither yes nor no"),
    (CONFIRMED, "1", "is not one of the labels"),
    (RESULTS, "ja", "is not one of the labels"),
    (COMPLAINT, JAN_2, "neither yes nor no"),
    (STARS, "6", "outside 1 to 5"),
    (STARS, "3.5", "not a whole number"),
    (STARS, "3 stars", "is not a number"),
    (STARS, "3%", "is not a number"),
    (RATIO, "50%", "is not a number"),
    (PORTION, "%", "is not a number"),
    (PORTION, "150%", "outside 0 to 1"),
    (STARS, "four", "is not a number"),
    (STARS, True, "is not a number"),
    (STARS, FEB_1, "made a date of it"),
    (RATIO, "nan", "is not a number"),
    (RATIO, "1e999", "not a number"),
    (RATIO, "1.000,5", "is not a number"),
    (TOPICS, "price; colour", "`colour` is not one of the labels"),
    (TOPICS, "price; price", "twice"),
    (SEMICOLONS, "A; B", "may mean"),
    (ORDER, "looks > price", "leaves out `strength`"),
    (ORDER, "looks > price > price", "twice"),
    (PARTS, "lid, two, broken", "not valid JSON"),
    (PARTS, '[{"part": "lid"}]', "`count` is missing"),
    (PARTS, '[{"part": “lid”}]', "not valid JSON"),
    (GIST, "x" * 201, "at most 200"),
]


def case_name(case):
    feature, cell, _ = case
    return f"{feature.name}-{cell!r}"[:60]


@pytest.mark.parametrize(("feature", "cell", "answer"), KEPT, ids=map(case_name, KEPT))
def test_a_cell_is_read_as_the_one_answer_it_can_be(feature, cell, answer):
    value = read_cell(feature, cell, cannot_tell=True).value
    assert value == answer and type(value) is type(answer)


@pytest.mark.parametrize(("feature", "cell", "message"), REFUSED, ids=map(case_name, REFUSED))
def test_a_cell_that_is_no_answer_or_may_be_several_is_refused(feature, cell, message):
    with pytest.raises(AnswerError) as error:
        read_cell(feature, cell, cannot_tell=True)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("feature", "cell", "repaired"),
    [
        (TONE, "Positive", False),
        (TONE, "positive", True),
        (NUMBERS, 1.0, False),
        (PADDED, 7.0, True),
        (RESULTS, JAN_2, True),
        (COMPLAINT, "yes", False),
        (COMPLAINT, "TRUE", True),
        (TOPICS, "price; quality", False),
        (TOPICS, "Price; quality", True),
        (STARS, "3", False),
        (PORTION, "50%", True),
        (PORTION, "0.5", False),
    ],
)
def test_what_was_not_written_as_on_the_sheet_counts_as_repaired(feature, cell, repaired):
    assert read_cell(feature, cell, cannot_tell=True).repaired is repaired


@pytest.mark.parametrize("cell", [None, "", "  ", "\u00a0", "\u200b", "\n"])
def test_an_empty_cell_is_no_answer(cell):
    assert is_empty(cell)


@pytest.mark.parametrize("cell", ["NA", "0", 0, False, "(none)", "-"])
def test_a_cell_with_something_in_it_is_not_empty(cell):
    assert not is_empty(cell)


def test_cannot_tell_is_refused_where_it_was_not_offered():
    with pytest.raises(AnswerError, match="not offered"):
        read_cell(TONE, "(cannot tell)", cannot_tell=False)


LABELLED = (NOTHING, NUMBERS, PADDED, TRUTH, RESULTS, SIGNS, APOSTROPHES, CASES, UNICODE)
EVERY_ANSWER = [
    *((feature, label) for feature in LABELLED for label in feature.label_list),
    (COMPLAINT, True),
    (COMPLAINT, False),
    (TOPICS, []),
    (TOPICS, ["price", "delivery"]),
    (COMMAS, ["yes, fully", "yes, in part", "no"]),
    (ORDER, ["strength", "price", "looks"]),
    (STARS, 5),
    (RATIO, -0.1),
    (GIST, "=cmd|' /C calc'!A0"),
    (GIST, "line\nbreak\ttab"),
    (PARTS, [{"part": '"lid"; =1', "count": 2, "broken": False}]),
    (PARTS, []),
    (TONE, None),
]


@pytest.mark.parametrize(("feature", "value"), EVERY_ANSWER, ids=str)
def test_what_a_sheet_writes_is_read_back(feature, value):
    cell = neutralise(answer_text(feature, value))
    read = read_cell(feature, cell, cannot_tell=True)
    assert read.value == value and not read.repaired
