"""Texts that say nearly the same in different splits: all are found, and no others."""

import itertools
import random

from goldpan.records.near_duplicates import (
    NEAR,
    Shingled,
    hashed_shingles,
    named_near_duplicates,
    near_duplicates,
    shingles_of,
)

HELD = {"train": 0, "valid": 1, "test": 2}


def row(id, split, text):
    return Shingled(id, split, hashed_shingles(text))


def test_near_duplicates_are_told_whatever_case_and_punctuation_and_others_are_not():
    words = [f"word{place}" for place in range(40)]
    found = near_duplicates(
        [
            row("r1", "test", " ".join(words)),
            row("r2", "valid", ", ".join(words).upper() + "!"),
            row("r3", "train", " ".join([*words, "more"])),
            row("r4", "train", " ".join(words[:20] + words[30:])),
            row("r5", "test", "Yes!"),
            row("r6", "valid", "yes"),
            row("r7", "test", "..."),
            row("r8", "valid", "…"),
        ],
        HELD,
    )
    assert [pair[:4] for pair in found] == [
        ("r2", "valid", "r1", "test"),
        ("r3", "train", "r1", "test"),
        ("r6", "valid", "r5", "test"),
    ]
    assert found[0].similarity == 1.0 and 0.9 <= found[1].similarity < 1.0
    assert named_near_duplicates(found, most=1) == "`r2` (valid) and `r1` (100%) and 2 more"


def test_shingles_are_three_words_in_a_row():
    assert shingles_of("A b, C d") == {("a", "b", "c"), ("b", "c", "d")}
    assert shingles_of("") == frozenset() and len(hashed_shingles("")) == 0
    assert len(hashed_shingles("a lone \ud800 surrogate here")) == 2
    for text in ("one", "one two", "one two three four one two three", "two one three"):
        assert len(hashed_shingles(text)) == len(shingles_of(text))
    kinds = ["one two three", "three two one", "one two", "two one", "one", "one one one"]
    assert len({tuple(hashed_shingles(text)) for text in kinds}) == len(kinds), "the order of words counts"


def test_rows_of_one_split_or_of_splits_held_out_alike_are_not_compared():
    text = "the same words in each of these rows"
    rows = [row("a", "train", text), row("b", "train", text), row("c", "dev", text)]
    assert near_duplicates(rows, {"train": 0, "dev": 0, "test": 1}) == []


def test_all_pairs_are_found_that_comparing_everything_finds():
    draw = random.Random(3)
    base = [[f"w{draw.randrange(400)}" for _ in range(draw.randrange(3, 60))] for _ in range(40)]
    rows, sets = [], {}
    for number in range(400):
        words = list(draw.choice(base))
        for _ in range(draw.randrange(3)):
            words[draw.randrange(len(words))] = f"w{draw.randrange(400)}"
        id, split = f"{number:03}", draw.choice(["train", "valid", "test"])
        rows.append(row(id, split, " ".join(words)))
        sets[id] = (split, shingles_of(" ".join(words)))
    expected = set()
    for (one, (split, mine)), (_, (other_split, other)) in itertools.permutations(sets.items(), 2):
        if HELD[other_split] > HELD[split] and len(mine & other) / len(mine | other) >= NEAR:
            expected.add(one)
    found = near_duplicates(rows, HELD)
    assert len(expected) > 20
    assert {pair.id for pair in found} == expected
    for pair in found:
        mine, other = sets[pair.id][1], sets[pair.other_id][1]
        assert pair.similarity == len(mine & other) / len(mine | other)
