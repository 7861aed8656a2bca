"""The script that compares the artifacts of two versions: what it names and what it passes over."""

import orjson
import pytest

from tests.compare_artifacts import compare_folders, main

ROWS = [
    {"id": "a", "batch_id": "batch_18ec8927f089c903951dcefb", "features": {"score": 1}},
    {"id": "b", "batch_id": "batch_18ec8927f089c903951dcefb", "features": {"score": 2}},
]


@pytest.fixture
def folders(tmp_path):
    def make(before, after):
        for folder, files in (("before", before), ("after", after)):
            for name, content in files.items():
                path = tmp_path / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return tmp_path / "before", tmp_path / "after"

    return make


def lines(rows):
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def test_each_difference_is_a_line_with_file_key_and_both_values(folders):
    changed = [{**row, "features": {"score": row["features"]["score"] + 1}} for row in ROWS]
    before, after = folders(
        {"x/rows.jsonl": lines(ROWS), "plan.json": b'{"rows": 2, "cost": 1}', "t.csv": b"a\n1\n", "old": b""},
        {"x/rows.jsonl": lines(changed), "plan.json": b'{"rows": 2, "format": 1}', "t.csv": b"a\n2\n"},
    )
    assert list(compare_folders(before, after)) == [
        "old: only before",
        "plan.json: cost: 1 -> (absent)",
        "plan.json: format: (absent) -> 1",
        "t.csv: [].a: 1 -> 2",
        "x/rows.jsonl: [].features.score: 1 -> 2 (2 times)",
    ]


def test_rows_that_are_lacking_moved_or_of_another_type_differ(folders):
    before, after = folders(
        {
            "a.jsonl": lines(ROWS),
            "b.jsonl": lines(ROWS),
            "c.json": b'{"a": 1, "b": 2}',
            "d.json": b'{"a": 1}',
        },
        {
            "a.jsonl": lines(ROWS[:1]),
            "b.jsonl": lines(ROWS[::-1]),
            "c.json": b'{"b": 2, "a": 1}',
            "d.json": b'{"a": true}',
        },
    )
    assert [line.split(":")[0] for line in compare_folders(before, after)] == [
        "a.jsonl",
        "b.jsonl",
        "b.jsonl",
        "c.json",
        "d.json",
    ]


def test_ids_times_logs_and_named_keys_are_passed_over(folders, capsys):
    before, after = folders(
        {"rows.jsonl": lines(ROWS), "logs/x.log": b"1", "same.bin": b"\x00\xff"},
        {
            "rows.jsonl": lines(
                [{**row, "batch_id": "batch_18ec899fd847c057d089c9dd", "later": 1} for row in ROWS]
            ),
            "logs/x.log": b"2",
            "same.bin": b"\x00\xff",
        },
    )
    assert main(str(before), str(after)) == 1
    assert "later" in capsys.readouterr().out
    assert main(str(before), str(after), "later") == 0
