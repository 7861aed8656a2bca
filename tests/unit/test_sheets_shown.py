"""What a blind sheet shows where the study does not say: nothing that tells the record's id or stratum."""

import pytest

from goldpan.errors import StudyError
from goldpan.study.model import Source
from goldpan.waves.sheets.shown import with_fields_to_show
from tests.wave_builders import items, wave

DATA = {"id": "positive/17", "number": 4, "domain": "sports", "conversation_id": "c", "segment_id": 2}


def shown(wave, data=DATA, **source):
    given = Source.model_validate({"files": ["reviews/*.jsonl"], **source})
    return with_fields_to_show(wave, "first", list(items(**data).values()), {"shop": given}).show


def test_the_fields_that_make_the_id_are_left_out():
    assert shown(wave(), id=["id", "number"]) == ["text", "domain", "conversation_id", "segment_id"]


def test_the_fields_that_make_the_id_of_a_trace_are_left_out():
    assert shown(wave(), format="traces") == ["text", "id", "number", "domain"]


def test_the_fields_that_strata_go_by_are_left_out():
    by = ["data.domain", "file", "features.tone"]
    assert shown(wave(stratify={"by": by})) == ["text", "id", "number", "conversation_id", "segment_id"]


def test_everything_is_shown_where_no_field_tells():
    assert shown(wave()) is None
    assert shown(wave(stratify={"by": "source"})) is None


@pytest.mark.parametrize("changes", [{"show": ["id"]}, {"blind": False, "formats": ["csv"]}])
def test_what_the_study_says_holds(changes):
    assert shown(wave(**changes), id=["id"]) == changes.get("show")


def test_a_sheet_without_anything_to_read_is_refused():
    with pytest.raises(StudyError, match="`show`"):
        shown(wave(), {}, id=["text"])
