"""Memory does not grow with the number of rows."""

import tracemalloc

import pytest

from goldpan.records.read import build_records
from goldpan.study.model import Source

pytestmark = pytest.mark.slow

MARGIN = 1_000_000


def peak(folder, name, header, row, rows):
    """Bytes that Python allocated at most while building records of `rows` rows."""
    path = folder / name
    path.write_text(header + "".join(row.format(number) for number in range(rows)))
    tracemalloc.start()
    build_records(Source(files=[name], id=["id"]), "s", "f", path, folder / "out.jsonl")
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("in.jsonl", "", '{{"id": {}, "text": "' + "word " * 40 + '"}}\n'),
        ("in.csv", "id,text\n", "{}," + "word " * 40 + "\n"),
    ],
)
def test_ten_times_the_rows_take_no_more_memory(tmp_path, name, header, row):
    few, many = (peak(tmp_path, name, header, row, rows) for rows in (2_000, 20_000))
    assert many < few + MARGIN
