"""The order that begins with what the LLM was least sure of, and tells nothing of what it answered."""

import random
from itertools import groupby, pairwise

import pytest

from goldpan.errors import StudyError
from goldpan.waves.agreement.wave import wave_notes
from goldpan.waves.collect.folder import collect
from goldpan.waves.sheets.sheet import make_sheet
from goldpan.waves.sheets.uncertainty import uncertain_first
from goldpan.waves.sheets.write import render_sheets
from tests.wave_builders import COMPLAINT, codebook, given_out, items, wave

COUNT = 400


def answered(count=COUNT, confidence=lambda says_yes, at: at):
    """Items and an LLM's answers to `complaint`, a quarter of them yes."""
    sample = items([f"text {number}" for number in range(count)])
    chance = random.Random(5)
    llm = {}
    for number, item in enumerate(sample):
        says_yes = number % 4 == 0
        llm[item] = {
            "complaint": {
                "type": "BinaryPrediction",
                "detected": says_yes,
                "confidence": confidence(says_yes, chance.random()),
            }
        }
    return sample, llm


def places(sample, llm, **changes):
    return uncertain_first(wave(order="uncertain", **changes), "first", list(sample), llm, ["complaint"])


def test_among_equal_answers_the_least_sure_comes_first():
    sample, llm = answered()
    place = places(sample, llm)
    for says_yes in (True, False):
        alike = [item for item in sample if llm[item]["complaint"]["detected"] is says_yes]
        by_place = sorted(alike, key=place.__getitem__)
        assert by_place == sorted(alike, key=lambda item: llm[item]["complaint"]["confidence"])


def test_an_llm_that_is_surer_of_no_does_not_tell_its_answer_by_the_order():
    # By confidence alone the first hundred would be exactly those that it answered with yes.
    sample, llm = answered(confidence=lambda says_yes, chance: chance / 2 + (0 if says_yes else 0.5))
    place = places(sample, llm)
    first = sorted(sample, key=place.__getitem__)[:100]
    said_yes = sum(llm[item]["complaint"]["detected"] for item in first)
    assert 15 <= said_yes <= 35


def sequence(seed):
    """The LLM's answers, 20 yes and 20 no, as on a sheet; it is surer of any no than of any yes."""
    sample, llm = answered(40)
    for number, item in enumerate(sample):
        says_yes = number % 2 == 0
        prediction = llm[item]["complaint"]
        prediction |= {"detected": says_yes, "confidence": prediction["confidence"] / 2 + (not says_yes) / 2}
    place = places(sample, llm, seed=seed)
    return [llm[item]["complaint"]["detected"] for item in sorted(sample, key=place.__getitem__)]


def test_an_answer_does_not_tell_that_of_the_next_item():
    # By chance neighbours differ in 20 of 39 cases: 20 others have the other answer, 19 the same.
    # The means over 300 sheets stray by 0.18 and 0.13 (standard errors).
    sheets = [sequence(seed) for seed in range(300)]
    differ = [sum(one != other for one, other in pairwise(sheet)) for sheet in sheets]
    assert sum(differ) / len(differ) == pytest.approx(20, abs=0.7)
    pairs = [
        sum(one != other for one, other in zip(sheet[::2], sheet[1::2], strict=True)) for sheet in sheets
    ]
    assert sum(pairs) / len(pairs) == pytest.approx(20 * 20 / 39, abs=0.6)
    # The longest run of equal answers has five or six of them.
    longest = [max(len(list(run)) for _, run in groupby(sheet)) for sheet in sheets]
    assert 4 < sum(longest) / len(longest) < 6


def test_each_place_holds_each_answer_as_often():
    sheets = [sequence(seed) for seed in range(300)]
    said_yes = [sum(sheet[at] for sheet in sheets) for at in range(40)]
    # A count of 300 tosses strays by 8.7; four times as much is too far for any of 40.
    assert all(abs(count - 150) < 40 for count in said_yes)


def test_the_unsure_half_of_each_answer_comes_before_the_sure_one():
    sample, llm = answered(400)
    place = places(sample, llm)
    for says_yes in (True, False):
        alike = [item for item in sample if llm[item]["complaint"]["detected"] is says_yes]
        alike.sort(key=lambda item: llm[item]["complaint"]["confidence"])
        half = len(alike) // 2
        early, late = (sum(place[item] for item in part) / half for part in (alike[:half], alike[half:]))
        assert early == pytest.approx(0.25, abs=0.07) and late == pytest.approx(0.75, abs=0.07)


def test_an_answer_given_only_once_may_stand_anywhere():
    spots = set()
    for seed in range(30):
        sample, llm = answered(8)
        for item in list(sample)[1:]:
            llm[item]["complaint"]["detected"] = False
        place = places(sample, llm, seed=seed)
        spots.add(sorted(sample, key=place.__getitem__).index(next(iter(sample))))
    assert len(spots) > 4


def test_a_model_without_confidence_is_refused():
    sample, llm = answered(confidence=lambda says_yes, chance: None)
    with pytest.raises(StudyError, match="it gave none with its answers"):
        places(sample, llm)


def test_the_sheet_comes_in_this_order_and_holds_no_confidence():
    sample, llm = answered(40)
    chosen = wave(order="uncertain", annotators=["ann"], formats=["html", "csv"])
    sheets = dict(render_sheets("shop", "first", chosen, codebook(COMPLAINT), sample, llm))
    place = places(sample, llm)
    ordered = sorted(sample, key=place.__getitem__)
    table = sheets["ann.csv"].decode("utf-8-sig")
    assert sorted(ordered, key=table.index) == ordered
    assert all("confidence" not in text.decode() and "0.0" not in text.decode() for text in sheets.values())


def test_by_choice_items_come_as_drawn_with_their_other_places():
    sample, llm = answered(12)
    order = places(sample, llm)
    drawn = make_sheet("shop", "first", wave(), "ann", list(sample.values()), codebook(COMPLAINT))
    sheet = make_sheet(
        *("shop", "first", wave(order="choice"), "ann", list(sample.values()), codebook(COMPLAINT)),
        uncertain_first=order,
    )
    assert [row.item_id for row in sheet.rows] == [row.item_id for row in drawn.rows]
    by_place = [row.item_id for row in sorted(sheet.rows, key=lambda row: row.place)]
    assert by_place == sorted(sample, key=order.__getitem__)
    assert {row.place for row in drawn.rows} == {None}


@pytest.mark.parametrize("order", ["uncertain", "choice"])
def test_all_results_say_that_this_order_was_used(tmp_path, order):
    status = collect(tmp_path, given_out(COMPLAINT, order=order)).status
    assert any("least sure" in note for note in wave_notes(status))
    status = collect(tmp_path, given_out(COMPLAINT)).status
    assert not any("least sure" in note for note in wave_notes(status))
