"""The provider's lines come out of the ledger as they went in, however they are packed."""

import sqlite3

import orjson
import pytest
import zstandard

from goldpan.ledger import Ledger
from goldpan.ledger.exchange import export_ledger, import_ledger
from goldpan.ledger.lines import Lines
from tests.unit.test_ledger import intend, key, outcome, settle

MANY = 1_500


def lines(count: int, text: str = "A sentence of some length about number") -> list[bytes]:
    rows = ({"custom_id": f"req__{n}", "response": {"body": {"text": f"{text} {n}."}}} for n in range(count))
    return [orjson.dumps(row) for row in rows]


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def settle_lines(ledger: Ledger, given: list[bytes]) -> None:
    outcomes = (outcome(number, line=line) for number, line in enumerate(given))
    assert settle(ledger, intend(ledger, rows=len(given)), outcomes)


def kept(ledger: Ledger) -> list[bytes | None]:
    return [answer.line for _, answer in ledger.all_answers()]


def dictionaries(ledger: Ledger) -> int:
    return ledger.db.execute("SELECT count(*) FROM dictionaries").fetchone()[0]


def test_lines_of_a_large_settlement_share_a_dictionary_and_take_less_room(ledger):
    given = lines(MANY)
    settle_lines(ledger, given)
    stored = ledger.db.execute("SELECT sum(length(line)) FROM answers").fetchone()[0]
    assert dictionaries(ledger) == 1
    assert stored < 0.7 * sum(len(zstandard.compress(line, 1)) for line in given)


def test_lines_packed_with_a_dictionary_are_read_by_another_process_of_the_ledger(ledger):
    given = lines(MANY)
    settle_lines(ledger, given)
    with Ledger(ledger.path) as other:
        assert kept(other) == given
        assert other.answers([key(7)])[key(7)].line == given[7]
        assert list(other.lines_of(1)) == given


@pytest.mark.parametrize("given", [lines(100), [b"{}"] * MANY, [b""] * MANY], ids=["few", "short", "empty"])
def test_lines_without_a_dictionary_are_kept_as_well(ledger, given):
    settle_lines(ledger, given)
    assert kept(ledger) == given


def test_a_settlement_that_fails_leaves_no_dictionary(ledger):
    def broken():
        yield from (outcome(number, line=line) for number, line in enumerate(lines(MANY)))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        settle(ledger, intend(ledger, rows=MANY), broken())
    assert dictionaries(ledger) == 0


def test_a_dictionary_whose_number_is_taken_is_not_used(ledger):
    given = lines(MANY)
    packer = Lines(ledger.db).packer_for(given, MANY)
    number = zstandard.get_frame_parameters(packer(given[0])).dict_id
    ledger.db.execute("UPDATE dictionaries SET content = x'00' WHERE id = ?", (number,))
    packed = Lines(ledger.db).packer_for(given, MANY)(given[0])
    assert zstandard.get_frame_parameters(packed).dict_id == 0


def test_an_export_needs_no_dictionary(ledger, tmp_path):
    given = lines(MANY)
    settle_lines(ledger, given)
    export_ledger(ledger, tmp_path / "ledger.zst")
    with Ledger(tmp_path / "other.sqlite") as other:
        assert import_ledger(other, tmp_path / "ledger.zst") == MANY
        assert kept(other) == given
        assert dictionaries(other) == 0


def test_a_ledger_of_format_1_is_read_and_goes_on(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        settle_lines(ledger, lines(3))
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE dictionaries")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with Ledger(path) as ledger:
        assert kept(ledger) == lines(3)
        more = (outcome(10 + number, line=line) for number, line in enumerate(lines(MANY)))
        assert settle(ledger, intend(ledger, shard="another", rows=MANY), more)
        assert (dictionaries(ledger), len(kept(ledger))) == (1, MANY + 3)
