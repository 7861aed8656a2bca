"""Two real annotators' answers to 7,453 sentences, merged by each strategy and frozen."""

import pytest

from goldpan.plain_tables.columns import Layout
from goldpan.plain_tables.table import read_table_answers
from goldpan.records.splits import SPLITS
from goldpan.statistics.scales import Scale
from goldpan.study.wave import Gold
from goldpan.waves.gold.gold_set import freeze_gold
from goldpan.waves.items import Item
from goldpan.waves.merging.merged import FeatureAnswers, resolution_counts
from goldpan.waves.merging.strategies import merge_feature

SCALE = Scale("ordered", tuple("123456"))


@pytest.fixture(scope="module")
def answers(shared_data):
    paths = sorted((shared_data / "two_annotators").glob("*.txt"))
    return read_table_answers(paths, Layout(columns=("2", "3"), header=False))


def merged(answers, strategy, llm=None):
    ratings = answers.ratings["label"]
    given = FeatureAnswers("level", SCALE, ratings, ("a", "b"), tuple(ratings), llm or {}, {})
    return merge_feature(given, strategy)


@pytest.mark.parametrize(
    ("strategy", "differing"),
    [
        ("adjudicate", "awaiting_adjudication"),
        ("conservative", "needs_review"),
        ("annotator_a", "annotator_a"),
        ("annotator_b", "annotator_b"),
    ],
)
def test_every_sentence_is_resolved_or_set_aside(answers, strategy, differing):
    assert resolution_counts(merged(answers, strategy)) == {"agreement": 3183, differing: 4270}


def test_an_llm_that_always_says_four_decides_only_where_one_said_four(answers):
    rows = merged(answers, "majority_llm", dict.fromkeys(answers.ratings["label"], 4))
    counts = resolution_counts(rows)
    with_four = sum("4" in row.answers.values() for row in rows if row.annotator_agreement is False)
    assert counts["majority_a_llm"] + counts["majority_b_llm"] == with_four
    assert all(row.final_label == "4" for row in rows if row.llm_decided)
    assert sum(counts.values()) == 7453


def test_the_gold_set_holds_every_resolved_sentence_in_one_split(answers):
    rows = merged(answers, "adjudicate")
    items = {
        item_id: Item(item_id, "", item_id, "levels", item_id.split(":")[0], "all", 1.0, 1, (), (), fields)
        for item_id, fields in answers.fields.items()
    }
    gold = freeze_gold(items, rows, Gold(group="data.1"), 7, ("a", "b"))
    assert len(gold.items) == sum(len(gold.split(name)) for name in SPLITS) == 3183
    assert len(gold.left_out) == 4270
