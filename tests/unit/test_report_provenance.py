"""What reports say about where their figures come from: version, inputs, bootstrap, literature."""

import datetime
import hashlib
import html
import json
import os
import shutil

import orjson
import pytest
from openpyxl import Workbook, load_workbook

from goldpan import __version__
from goldpan.cli import main
from goldpan.evaluation.evaluate import evaluate
from goldpan.evaluation.page import evaluation_page
from goldpan.report_provenance import recorded_date, report_input
from goldpan.statistics.interval import Interval
from goldpan.statistics.references import methods_of, references_of
from goldpan.waves.agreement.formatting import TEST_TITLES, TITLES
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.wave import measure_wave
from goldpan.waves.collect.collected import read_collected, write_collected
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.sheets.html_page import annotation_page
from goldpan.waves.sheets.sheet import make_sheet
from goldpan.waves.sheets.table import task_columns
from goldpan.waves.sheets.xlsx_sheet import xlsx_sheet
from tests.evaluation_builders import FEATURES, everything, gold_item, inputs, prediction, settings, stage_row
from tests.filled_sheets import fill_page, fill_xlsx
from tests.wave_builders import STARS, TONE, codebook, items, wave

TABLE = "id,annotator_a,annotator_b\n" + "".join(f"{n},{'xy'[n % 2]},{'xy'[n % 3 % 2]}\n" for n in range(20))
NOON = datetime.datetime(2024, 5, 17, 12)


def agreement(capsys, *arguments):
    """What `goldpan agreement` writes to a page and prints as JSON."""
    page = arguments[0].parent / "page.html"
    assert main(["agreement", *map(str, arguments), "--json", "--html", str(page)]) == 0
    return page.read_text(encoding="utf-8"), json.loads(capsys.readouterr().out)["provenance"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(TABLE)
    return path


def test_a_page_and_its_json_say_what_the_figures_come_from(capsys, table):
    page, provenance = agreement(capsys, table)
    digest = hashlib.sha256(TABLE.encode()).hexdigest()
    assert provenance["inputs"] == [{"name": "answers.csv", "sha256": digest, "date": None}]
    assert provenance["goldpan_version"] == __version__ and provenance["replicates"] == 2000
    for words in (
        f"goldpan {__version__}",
        "2,000 replicates, seed made from the answers",
        digest,
        "Cohen, J. (1960)",
    ):
        assert words in page, words
    assert all(reference.partition("(")[0] in html.unescape(page) for reference in provenance["references"])


def test_only_the_literature_on_what_is_shown_is_named(capsys, table):
    _, provenance = agreement(capsys, table)
    text = "\n".join(provenance["references"])
    for shown in ("Scott", "Krippendorff, K. (2011)", "Hesterberg", "Landis", "Wilson", "McNemar"):
        assert shown in text, shown
    assert "MASI" not in text and "Fleiss, J. L. (1971)" not in text and "Weighted kappa: nominal" not in text


def test_the_same_table_copied_at_another_time_gives_the_same_page(capsys, table, tmp_path):
    page, _ = agreement(capsys, table)
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copy(table, clone)
    os.utime(clone / table.name, (0, 0))
    assert agreement(capsys, clone / table.name)[0] == page


def test_a_workbook_says_when_it_was_saved(capsys, tmp_path):
    path = tmp_path / "answers.xlsx"
    book = Workbook()
    for line in TABLE.splitlines():
        book.active.append(line.split(","))
    book.save(path)
    today = load_workbook(path).properties.modified.date().isoformat()
    page, provenance = agreement(capsys, path)
    assert provenance["inputs"][0]["date"] == today
    assert f"<td>{today}</td>" in page


def test_what_only_looks_like_a_workbook_or_an_export_has_no_date(tmp_path):
    for name, content in {
        "cut.xlsx": b"PK\x03\x04 and no more",
        "own.json": b'{"kind": "mine", "exported_at": "2024-01-01T00:00:00Z"}',
        "no_day.json": b'{"kind": "goldpan answers", "exported_at": "2024-99-01T00:00:00Z"}',
        "empty.csv": b"",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert recorded_date(path) is None, name


@pytest.fixture
def collected(tmp_path):
    """A wave with an exported page, and a workbook that was saved after it was given out."""
    book, sample, out = codebook(TONE, STARS), items(), tmp_path / "out"
    out.mkdir()
    filled = tmp_path / "filled"
    answers = {"tone": "Positive", "stars": 4}
    given = {
        name: make_sheet("shop", "first", wave(), name, list(sample.values()), book)
        for name in ("ann", "ben")
    }
    (out / "ann.html").write_text(annotation_page(given["ann"], "x"), encoding="utf-8")
    (out / "ben.xlsx").write_bytes(xlsx_sheet(given["ben"], task_columns(given["ben"])))
    assert recorded_date(out / "ben.xlsx") is None
    fill_page(out / "ann.html", filled / "ann.json", lambda item: answers)
    document = orjson.loads((filled / "ann.json").read_bytes())
    dated = {"kind": document.pop("kind"), "exported_at": "2024-05-17T12:00:00.000Z", **document}
    (filled / "ann.json").write_bytes(orjson.dumps(dated, option=orjson.OPT_INDENT_2))
    fill_xlsx(out / "ben.xlsx", filled / "ben.xlsx", lambda item: answers)
    collect_again = collect(filled, GivenOut("shop", "first", wave(), book, sample))
    return collect_again, book, filled


def test_a_wave_names_its_sheets_with_date_and_hash(collected):
    found, book, filled = collected
    report = measure_wave(found, book, ("ann", "ben"))
    exported, saved = report.provenance.inputs
    assert exported.name == "ann.json" and exported.date == "2024-05-17"
    assert exported.sha256 == hashlib.sha256((filled / "ann.json").read_bytes()).hexdigest()
    modified = load_workbook(filled / "ben.xlsx").properties.modified.date().isoformat()
    assert (saved.name, saved.date) == ("ben.xlsx", modified)
    assert "2024-05-17" in agreement_page(report)


def test_a_wave_that_an_earlier_goldpan_collected_is_read_and_says_what_is_missing(collected, tmp_path):
    found, book, _ = collected
    answers, status = tmp_path / "answers.jsonl", tmp_path / "status.json"
    write_collected(found, answers, status)
    assert read_collected(answers, status) == found
    earlier = orjson.loads(status.read_bytes())
    del earlier["sheets"]
    status.write_bytes(orjson.dumps(earlier))
    report = measure_wave(read_collected(answers, status), book, ("ann", "ben"))
    assert report.provenance.inputs == ()
    assert "did not record them" in agreement_page(report)


def test_an_evaluation_says_when_the_service_answered(tmp_path):
    gold = [gold_item(n, {"tone": "Positive"}) for n in range(6)]
    rows = [
        stage_row(n, {"tone": prediction(TONE, "Positive")}, answered_at=int(NOON.timestamp()) + 86_400 * n)
        for n in range(6)
    ]
    report = evaluate("e", settings("m"), {"tone": TONE}, inputs(tmp_path, gold, {"m": rows}))
    provenance = report.as_json()["provenance"]
    stage = tmp_path / "m" / "features.jsonl"
    assert provenance["inputs"] == [
        {"name": "gold items", "sha256": report.gold_hash, "date": None},
        {
            "name": "m: m/features.jsonl",
            "sha256": report_input(stage).sha256,
            "date": "2024-05-17 to 2024-05-22",
        },
    ]
    page = evaluation_page(report, 5)
    assert (
        "2024-05-17 to 2024-05-22" in page and f"goldpan {__version__}" in page and "2,000 replicates" in page
    )


def test_an_evaluation_names_the_literature_on_all_it_shows(tmp_path):
    chosen, given = everything(tmp_path)
    text = "\n".join(evaluate("reviews", chosen, FEATURES, given).provenance.references)
    for author in (
        "McNemar",
        "Calderon",
        "Horvitz",
        "Spearman",
        "Kendall",
        "Brier",
        "Rao",
        "Cohen",
    ):
        assert author in text, author
    assert "Scott" not in text


def test_every_coefficient_and_test_has_literature():
    shares_and_errors = {"observed_agreement", "mean_absolute_error"}
    names = {*TITLES, *TEST_TITLES} - shares_and_errors
    assert [name for name in sorted(names) if not references_of([name])] == []


def test_an_interval_made_in_two_ways_has_the_literature_on_both():
    interval = Interval(
        0.1, 0.9, 0.95, "stratified bootstrap over items, Clopper-Pearson on the effective number"
    )
    text = "\n".join(references_of(methods_of(interval)))
    assert "Rao" in text and "Hesterberg" in text and "Clopper" in text and "Wilson" not in text
    assert methods_of(None) == []


def test_a_name_without_literature_has_none():
    assert references_of(["accuracy", "", "_", "cohens_cat"]) == ()
