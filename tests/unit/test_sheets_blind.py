"""A blind sheet, in any format, shows nothing of the LLM, the strata or the other annotators."""

import io
import zipfile

import pytest

from goldpan.errors import StudyError
from goldpan.waves.items import item_id
from goldpan.waves.sheets.sheet import make_sheet
from goldpan.waves.sheets.write import render_sheets, sheet_names, write_sheets
from tests.wave_builders import STARS, TONE, codebook, items, wave

FORMATS = ["html", "xlsx", "csv", "label_studio", "doccano", "argilla", "prodigy"]
PREDICTIONS = {
    item: {
        "tone": {"type": "ClassificationPrediction", "label": "Neutral", "rationale": "BECAUSE-OF-THE-LID"},
        "stars": {"type": "ScorePrediction", "score": 3},
    }
    for item in items()
}


def write(folder, **changes):
    study_wave = wave(**changes)
    write_sheets(
        folder, render_sheets("shop", "first", study_wave, codebook(TONE, STARS), items(), PREDICTIONS)
    )
    return study_wave


def text_of(path):
    """All text of a file, that of a workbook unpacked."""
    data = path.read_bytes()
    if path.suffix != ".xlsx":
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return "".join(book.read(name).decode() for name in book.namelist())


def test_the_names_of_all_files_are_known_beforehand(tmp_path):
    study_wave = write(tmp_path, formats=FORMATS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(sheet_names(study_wave))


@pytest.mark.parametrize("form", FORMATS)
def test_a_blind_sheet_hides_the_llm_the_stratum_and_the_record_id(tmp_path, form):
    study_wave = wave(formats=[form])
    sample = {
        name: type(item)(**{**vars(item), "stratum": "STRATUM-NEUTRAL", "id": f"positive/{item.id}.txt"})
        for name, item in items().items()
    }
    write_sheets(
        tmp_path, render_sheets("shop", "first", study_wave, codebook(TONE, STARS), sample, PREDICTIONS)
    )
    for path in tmp_path.iterdir():
        text = text_of(path)
        assert not [word for word in ("BECAUSE-OF-THE-LID", "STRATUM", "positive/", "ben/") if word in text
                    and not path.name.startswith("ben")]  # fmt: skip
        assert "llm_" not in text


def test_a_sheet_that_is_not_blind_shows_the_llm(tmp_path):
    write(tmp_path, formats=["csv", "html"], blind=False)
    assert "llm_tone" in text_of(tmp_path / "ann.csv")
    assert "BECAUSE-OF-THE-LID" in text_of(tmp_path / "ann.html")


def test_predictions_for_a_blind_sheet_are_refused():
    with pytest.raises(StudyError, match="blind"):
        make_sheet("shop", "first", wave(), "ann", list(items().values()), codebook(TONE), PREDICTIONS)


def test_a_second_showing_looks_like_any_other_item():
    sample = [
        type(item)(**{**vars(item), "repeated_by": ("ann",)}) for item in items(map(str, range(40))).values()
    ]
    sheet = make_sheet("shop", "first", wave(repeats=0.5), "ann", sample, codebook(TONE))
    ids = [row.item_id for row in sheet.rows]
    assert len(ids) == len(set(ids)) == 80 and {len(one) for one in ids} == {len(item_id("r1"))}


def test_a_second_showing_comes_half_of_the_sheet_later():
    sample = [
        type(item)(**{**vars(item), "repeated_by": ("ann",)}) for item in items(map(str, range(40))).values()
    ]
    sheet = make_sheet("shop", "first", wave(repeats=0.5), "ann", sample, codebook(TONE))
    place = {row.item_id: number for number, row in enumerate(sheet.rows)}
    assert all(place[item.repeat_id] - place[item.item_id] == 40 for item in sample)


def test_an_annotator_gets_only_the_items_given_to_them():
    sample = [type(item)(**{**vars(item), "annotators": ("ben",)}) for item in items().values()]
    assert make_sheet("shop", "first", wave(), "ann", sample, codebook(TONE)).rows == []
