"""What was given out for a tool, and exported by it, is imported as it would be collected."""

import csv
import io
from dataclasses import replace

import orjson
import pytest

from goldpan.errors import SheetError
from goldpan.imports.annotations.formats import read_exports
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.imports.annotations.to_wave import import_into_wave
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.sheets.csv_sheet import csv_sheet
from goldpan.waves.sheets.doccano import doccano_documents
from goldpan.waves.sheets.prodigy import prodigy_tasks
from goldpan.waves.sheets.sheet import make_sheet
from goldpan.waves.sheets.table import task_columns
from tests.unit.test_collect_tools import (
    ABSTAINED,
    ANSWERS,
    FEATURES,
    LABEL_STUDIO_ABSTAINED,
    LABEL_STUDIO_ANSWERS,
    LABELLED,
    argilla_export,
    doccano_export,
    label_studio_export,
    lines,
    picked,
    prodigy_export,
    sheet,
    typed,
)
from tests.wave_builders import TONE, codebook, items, wave

ARGILLA = ANSWERS | {
    "complaint": "yes",
    "praise": "no",
    "stars": "2",
    "ratio": "0.25",
    "order": "looks > price > strength",
    "parts": '[{"part": "lid", "count": null, "broken": true}]',
    "notes": "odd",
}
ARGILLA_ABSTAINED = {name: ["(cannot tell)"] if name == "topics" else "(cannot tell)" for name in ABSTAINED}
PRODIGY = {
    "tone": {"accept": ["Negative"]},
    "topics": {"accept": ["delivery", "price"]},
    "gist": {"answer_text": ANSWERS["gist"]},
    "parts": {"answer_text": ARGILLA["parts"]},
    "order": {"answer_text": ARGILLA["order"]},
    "praise": {"answer": "reject"},
}
NOTED = [*LABEL_STUDIO_ANSWERS, picked("flag", "flagged"), typed("notes", "odd")]


def csv_export():
    """The CSV sheet of `ann`, the first two rows filled in."""
    asked = sheet(*LABELLED)
    rows = list(csv.DictReader(io.StringIO(csv_sheet(asked, task_columns(asked)).decode("utf-8-sig"))))
    rows[0] |= {
        "tone": "Negative",
        "complaint": "yes",
        "topics": "price; delivery",
        "stars": "2",
        "flag": "x",
    }
    rows[1] |= {"tone": "(cannot tell)", "topics": "(none)", "notes": "odd"}
    return rows


def exports_of_sheets():
    """Name of a file, its content, and the features that it asks for, by tool."""
    return {
        "label_studio": ("a.json", label_studio_export(NOTED, LABEL_STUDIO_ABSTAINED), FEATURES),
        "doccano": (
            "ann.jsonl",
            doccano_export(
                ["tone: Negative", "complaint: yes", "topics: price", "stars: 2"], ["topics: (none)"]
            ),
            LABELLED,
        ),
        "argilla": ("a.json", argilla_export(ARGILLA, ARGILLA_ABSTAINED), FEATURES),
        "table": ("a.csv", csv_export(), LABELLED),
        "prodigy": ("a.jsonl", prodigy_export(PRODIGY), FEATURES),
    }


def given_out(*features):
    return GivenOut("shop", "first", wave(), codebook(*features), items())


def written(folder, name, export):
    folder.mkdir(exist_ok=True)
    path = folder / name
    if name.endswith(".csv"):
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, export[0])
            writer.writeheader()
            writer.writerows(export)
    else:
        path.write_bytes(orjson.dumps(export) if name.endswith(".json") else lines(export))
    return path


@pytest.mark.parametrize("tool", exports_of_sheets())
def test_an_export_of_a_sheet_is_imported_as_it_is_collected(tmp_path, tool):
    name, export, features = exports_of_sheets()[tool]
    file = written(tmp_path / "export", name, export)
    collected = collect(file.parent, given_out(*features))
    sheets = tmp_path / "sheets"
    outcome = import_into_wave(given_out(*features), sheets, read_exports([file]), AnnotationMap())
    imported = collect(sheets, given_out(*features))

    def compared(wave_):
        return [replace(answer, files=[]) for answer in wave_.answers]

    assert collected.answers and compared(imported) == compared(collected)
    assert set(outcome.files.values()) == {tool}


@pytest.mark.parametrize("tool", exports_of_sheets())
def test_a_sheet_of_another_wave_is_refused(tmp_path, tool):
    name, export, features = exports_of_sheets()[tool]
    file = written(tmp_path, name, export)
    file.write_bytes(file.read_bytes().replace(b"shop/first/", b"shop/other/"))
    with pytest.raises(SheetError, match="a sheet of the wave `other`"):
        import_into_wave(given_out(*features), tmp_path / "sheets", read_exports([file]), AnnotationMap())
    assert not (tmp_path / "sheets").exists()


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (doccano_documents, {"label": ["tone: Negative"], "Comments": []}),
        (prodigy_tasks, {"answer": "accept", "accept": ["Negative"]}),
    ],
)
def test_tools_with_one_text_were_given_all_fields_in_it(tmp_path, tool, said):
    listed = items(title="A kettle")
    given = GivenOut("shop", "first", wave(), codebook(TONE), listed)
    asked = make_sheet("shop", "first", wave(), "ann", list(listed.values()), codebook(TONE))
    rows = [orjson.loads(line) for line in tool(asked).splitlines()]
    for row in rows:
        row |= said
    file = written(tmp_path / "export", "a.jsonl", rows)
    outcome = import_into_wave(given, tmp_path / "sheets", read_exports([file]), AnnotationMap())
    assert (outcome.taken, outcome.not_joined) == (4, {})
