"""Finding duplicates on disk."""

from goldpan.records.seen import SeenIds, SeenKeys


def test_a_new_id_has_no_earlier_place():
    with SeenIds() as seen:
        assert seen.add("a", "x.jsonl:1") is None


def test_a_second_sight_tells_the_first_place():
    with SeenIds() as seen:
        seen.add("a", "x.jsonl:1")
        seen.add("a", "x.jsonl:2")
        assert seen.add("a", "y.jsonl:9") == "x.jsonl:1"


def test_ids_differ_by_case_spaces_and_nul():
    with SeenIds() as seen:
        assert [seen.add(id, "here") for id in ("a", "A", "a ", "a\0", "a\0b")] == [None] * 5


def test_every_one_of_many_duplicates_is_found():
    with SeenIds() as seen:
        first = [seen.add(f"record {number}", str(number)) for number in range(20_000)]
        again = [seen.add(f"record {number}", "again") for number in range(20_000)]
    assert first == [None] * 20_000
    assert again == [str(number) for number in range(20_000)]


def test_only_new_keys_are_returned():
    with SeenKeys() as seen:
        seen.add_new([b"1", b"2"])
        assert seen.add_new([b"2", b"3", b"3"]) == {b"3"}
