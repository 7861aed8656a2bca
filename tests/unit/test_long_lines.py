"""What unpacks to more than memory holds: a named error, or a cut line, in bounded memory."""

import csv
import gzip
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from goldpan.errors import SheetError, SourceError
from goldpan.files import LARGEST_DOCUMENT, LONGEST_LINE, iter_lines, iter_lines_cut, read_json
from goldpan.records.read import build_records, iter_records
from goldpan.study.model import Source
from goldpan.waves.collect.csv_file import read_csv_table
from goldpan.waves.collect.json_file import read_json_document
from goldpan.waves.collect.xlsx_file import read_xlsx_table

pytestmark = pytest.mark.slow

# Address space for Python, its libraries and a few lines of LONGEST_LINE; the bomb would take 2 GiB and more.
ROOM = 1200 << 20
READERS = {
    "lines": "for _ in files.iter_lines(path): pass",
    "csv": "for _ in tables.read_csv(path, ',', 'utf-8', []): pass",
    "sample": "for _ in items.iter_items(path): pass",
    "import": "exchange.import_ledger(store.Ledger(path.with_name('ledger.sqlite')), path)",
}


def gzip_bomb(path: Path, start: bytes = b'{"a": "') -> None:
    """A gzip of 2 MB whose only line has 2 GiB: one piece packed once, and joined 64 times."""
    piece = gzip.compress(b"x" * (32 << 20), compresslevel=9)
    path.write_bytes(gzip.compress(start) + piece * 64)


def zstd_bomb(path: Path) -> None:
    path.write_bytes(zstandard.compress(b"x" * (64 << 20)) * 32)


def read_in_little_room(reader: str, path: Path) -> str:
    """The last lines a process says that has ROOM and no more."""
    program = f"""if 1:
        import resource, sys
        from pathlib import Path
        from goldpan import files
        from goldpan.errors import GoldpanError
        from goldpan.ledger import exchange, store
        from goldpan.records import tables
        from goldpan.waves import items
        path = Path(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_AS, ({ROOM}, {ROOM}))
        try:
            {READERS[reader]}
        except GoldpanError as error:
            print(type(error).__name__, error)
    """
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    gzip_bomb(folder / "bomb.gz")
    zstd_bomb(folder / "bomb.zst")
    return folder


@pytest.mark.parametrize("reader", READERS)
def test_a_small_gzip_with_a_line_without_end_is_refused_in_bounded_memory(bombs, reader):
    said = read_in_little_room(reader, bombs / "bomb.gz")
    assert f"this line has more than {LONGEST_LINE:,} bytes" in said
    assert "bomb.gz" in said
    assert "-> write each row on a line of its own" in said


def test_zstd_is_unpacked_in_bounded_memory(bombs):
    assert "bomb.zst, line 1: this line has more than" in read_in_little_room("lines", bombs / "bomb.zst")


def test_a_line_within_the_limit_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n" + b"x" * (LONGEST_LINE - 1) + b"\n{}\n")
    assert [(number, len(line)) for number, line in iter_lines(path)] == [
        (1, 2),
        (2, LONGEST_LINE - 1),
        (3, 2),
    ]


def test_an_answer_that_is_too_long_does_not_keep_the_others_from_being_read(tmp_path):
    path = tmp_path / "raw.jsonl"
    path.write_bytes(b'{"a":1}\n' + b"x" * (2 * LONGEST_LINE + 5) + b'\n{"b":2}\n')
    assert [(number, line[:9]) for number, line in iter_lines_cut(path)] == [
        (1, b'{"a":1}'),
        (2, b"x" * 9),
        (3, b'{"b":2}'),
    ]
    with pytest.raises(SourceError, match=r"raw\.jsonl, line 2: this line has more than"):
        list(iter_lines(path))


def test_a_row_of_many_short_lines_has_a_limit_too(tmp_path):
    path = tmp_path / "a.csv"
    cell = '"' + ("x" * 8_191 + "\n") * 1_024 + '",'
    path.write_text("a,b\n1,2\n" + cell * 12)
    with pytest.raises(SourceError, match=r"a\.csv:3: this line has more than"):
        build_records(Source(files=["a.csv"]), "s", "a", path, tmp_path / "out.jsonl")


def test_a_parquet_column_of_huge_cells_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(
        pyarrow.table({"id": [1], "text": ["x" * (LONGEST_LINE + 9)]}), path, compression="zstd"
    )
    with pytest.raises(SourceError, match=r"column `text` has cells of more than"):
        build_records(Source(files=["a.parquet"]), "s", "a", path, tmp_path / "out.jsonl")


def test_a_row_whose_record_no_reader_would_take_is_skipped_by_name(tmp_path):
    path, output = tmp_path / "a.parquet", tmp_path / "out.jsonl"
    texts = ["x" * LONGEST_LINE, "y"]
    parquet.write_table(pyarrow.table({"text": texts}), path, compression="zstd")
    build_records(Source(files=["a.parquet"], on_error="skip"), "s", "a", path, output)
    skipped, record = iter_records(output)
    assert "bad_row: as a record the row has more than" in skipped["skip"]
    assert record["data"] == {"text": "y"}


# What is read as a whole.


def hole(path: Path) -> Path:
    """A file one byte too large, of which the disk holds nothing."""
    with path.open("wb") as handle:
        handle.truncate(LARGEST_DOCUMENT + 1)
    return path


@pytest.mark.parametrize(
    ("reader", "error"),
    [(read_json, SourceError), (read_json_document, SheetError), (read_csv_table, SheetError)],
)
def test_a_document_that_is_too_large_is_refused_by_name(tmp_path, reader, error):
    with pytest.raises(error, match=r"big: the file has more than 268,435,456 bytes"):
        reader(hole(tmp_path / "big"))


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "a.xlsx"
    openpyxl.Workbook().save(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/more.xml", "w") as part,
    ):
        for _ in range(129):
            part.write(bytes(1 << 20))
    with pytest.raises(SheetError, match=r"a\.xlsx: the workbook unpacks to .* bytes, more than"):
        read_xlsx_table(path)


def test_a_lone_cell_far_away_does_not_make_a_million_rows(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["item_id", "sheet"])
    book.active.cell(1_048_576, 16_384, "x")
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SheetError, match="reaches to row 1,048,576 and column 16,384"):
        read_xlsx_table(tmp_path / "a.xlsx")


def test_lines_of_text_are_still_rows(tmp_path):
    text = io.StringIO()
    csv.writer(text).writerows([["id", "text"], ["1", "a\nb"], ["2", "ü"]])
    path, output = tmp_path / "a.csv", tmp_path / "out.jsonl"
    path.write_text(text.getvalue(), encoding="utf-8")
    build_records(Source(files=["a.csv"], id=["id"]), "s", "a", path, output)
    assert [json.dumps(row["data"], ensure_ascii=False) for row in iter_records(output)] == [
        '{"id": "1", "text": "a\\nb"}',
        '{"id": "2", "text": "ü"}',
    ]
