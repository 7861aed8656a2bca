"""How many bytes a stage over short texts leaves, against those of the texts."""

import shutil

from tests.bench import more_records, steps

ROWS = 3_000
MOST_OF_RESULTS, MOST_IN_ALL = 10, 14


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_results_of_short_texts_have_at_most_ten_times_their_bytes(folder, finding):
    root = folder / "short"
    more_records.write_project(root, ROWS)
    for step in (steps.records, steps.plan, steps.submit):
        step(str(root))
    steps.stage_at(root).wait(1, lambda progress: None)
    for step in (steps.fetch, steps.settle):
        step(str(root))
    assert steps.consolidate(str(root)) == {"ok": ROWS}
    given = (root / "notes" / "a.jsonl").stat().st_size
    results, state = size_of(root / "results"), size_of(root / ".goldpan")
    finding(
        f"bytes of {ROWS:,} texts of {more_records.LENGTH} characters: results {results / given:.1f} times"
        f" the input, with the ledger {(results + state) / given:.1f} times"
    )
    shutil.rmtree(root)
    assert results <= MOST_OF_RESULTS * given
    assert results + state <= MOST_IN_ALL * given
