"""The gold set: splits that hold together, nothing lost, and the same bytes again."""

import csv
import io
import json

import pytest

from goldpan.errors import ReconciliationError, StudyError
from goldpan.files import sha256_file
from goldpan.records.splits import SPLITS
from goldpan.statistics.scales import Scale
from goldpan.study.wave import Gold, Split
from goldpan.tasks.features import Binary, Classification, Multilabel
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.gold.card import GoldDescription
from goldpan.waves.gold.files import write_gold
from goldpan.waves.gold.gold_set import freeze_gold, read_gold
from goldpan.waves.items import Item
from goldpan.waves.merging.merged import Merged, Resolution

TOPIC = Classification(type="classification", name="topic", description="d", labels=["a | b", "y", "=z"])
TOXIC = Binary(type="binary", name="toxic", description="d")
TAGS = Multilabel(type="multilabel", name="tags", description="d", labels=["p", "q"])
FEATURES = [TOPIC, TOXIC, TAGS]
HOSTILE = "</script><img src=x> | =1+1 \u2028 ' \n# x"


def item(number, document="d", probability=0.5, **data):
    name = f"i{number:03}"
    content = {"text": f"text {number}", "document": document, **data}
    return Item(
        name,
        f"r{number}",
        f"rec/{number}",
        "s",
        "f.csv",
        "all",
        probability,
        number,
        ("ann", "ben"),
        (),
        content,
    )


def sample(count=60, documents=20, **more):
    return {one.item_id: one for one in (item(n, f"doc {n % documents}", **more) for n in range(count))}


def merged(item_id, feature, label, resolution=Resolution.AGREEMENT):
    return Merged(item_id, feature, label, resolution, True, {str(label): 1.0}, {"ben": label, "ann": label})


def rows_of(items):
    rows = []
    for number, name in enumerate(items):
        rows.append(merged(name, "topic", ["a | b", "y", "=z"][number % 3]))
        rows.append(merged(name, "toxic", number % 4 == 0))
        rows.append(merged(name, "tags", [["p"], ["p", "q"], []][number % 3]))
    return rows


def frozen(items=None, rows=None, gold=None, seed=1):
    items = sample() if items is None else items
    rows = rows_of(items) if rows is None else rows
    return freeze_gold(items, rows, gold or Gold(group="data.document"), seed, ("ann", "ben"))


def about(**more):
    known = {"study": "demo", "wave": "pilot", "description": "Made-up texts.", "strategy": "adjudicate"}
    return GoldDescription(**{**known, "codebook_hash": "c" * 64, "task_hash": "t" * 64, **more})


def report():
    ratings = {f"{n}": {"ann": n % 2 == 0, "ben": n % 3 == 0} for n in range(40)}
    feature = measure(FeatureRatings("toxic", Scale("nominal", ("no", "yes")), ratings))
    return AgreementReport("Agreement", (feature,), blind=True)


def write(folder, gold=None, **more):
    write_gold(folder, gold or frozen(), FEATURES, about(**more), report(), ["a note"])
    return folder


def test_no_group_straddles_two_splits():
    splits = {}
    for one in frozen(sample(400, 150)).items:
        splits.setdefault(one.group, set()).add(one.split)
    assert len(splits) == 150
    assert all(len(found) == 1 for found in splits.values())


def test_the_shares_of_the_splits_are_met_on_the_average():
    gold = frozen(sample(3000, 3000), gold=Gold(split=Split(train=0.6, dev=0.1, test=0.3)))
    shares = [len(gold.split(name)) / 3000 for name in SPLITS]
    assert shares == pytest.approx([0.6, 0.1, 0.3], abs=0.03)


def test_a_larger_wave_leaves_every_item_in_its_split():
    small = {one.id: one.split for one in frozen(sample(40, 30)).items}
    large = {one.id: one.split for one in frozen(sample(90, 30)).items}
    assert small.items() <= large.items()


def test_another_seed_makes_other_splits():
    assert [one.split for one in frozen(seed=1).items] != [one.split for one in frozen(seed=2).items]


def test_without_a_group_key_each_record_is_its_own_group():
    assert {one.group for one in frozen(gold=Gold()).items} == {f"rec/{n}" for n in range(60)}


def test_a_record_without_the_field_of_the_group_is_refused_by_name():
    with pytest.raises(StudyError, match="rec/0"):
        frozen(gold=Gold(group="data.chapter"))


def test_unresolved_labels_are_absent_and_their_resolution_is_kept():
    items = sample(2)
    rows = [
        merged("i000", "topic", "y"),
        merged("i000", "toxic", None, Resolution.NEEDS_REVIEW),
        merged("i001", "topic", None, Resolution.AWAITING_ADJUDICATION),
        merged("i001", "toxic", None, Resolution.UNANSWERED),
    ]
    gold = frozen(items, rows)
    (one,) = gold.items
    assert one.labels == {"topic": "y"}
    assert one.resolutions == {"topic": "agreement", "toxic": "needs_review"}
    assert gold.left_out == ("i001",)


def test_a_resolved_cannot_tell_is_a_label():
    (one,) = frozen(sample(1), [merged("i000", "toxic", None)]).items
    assert one.labels == {"toxic": None}


def test_rows_tipped_by_the_llm_are_marked():
    (one,) = frozen(sample(1), [merged("i000", "toxic", True, Resolution.MAJORITY_B_LLM)]).items
    assert one.llm_decided("toxic")
    assert not one.llm_decided("topic")


@pytest.mark.parametrize("rows", [[merged("i999", "toxic", True)], [merged("i000", "toxic", True)] * 2])
def test_rows_that_do_not_fit_the_sample_are_refused(rows):
    with pytest.raises(ReconciliationError):
        frozen(sample(2), rows)


def test_what_is_written_is_read_back(tmp_path):
    gold = frozen(sample(30, text=HOSTILE, nested={"a": [1, None]}))
    write(tmp_path, gold)
    found = read_gold(tmp_path / f"{name}.jsonl" for name in SPLITS)
    assert sorted(found, key=lambda one: one.item_id) == list(gold.items)


def test_the_splits_hold_every_item_once(tmp_path):
    write(tmp_path)
    lines = [line for name in SPLITS for line in (tmp_path / f"{name}.jsonl").read_bytes().splitlines()]
    assert len(lines) == 60
    assert all(json.loads(line)["split"] in SPLITS for line in lines)


def test_a_file_that_is_no_gold_set_is_refused_by_line(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(ReconciliationError, match="line 1"):
        read_gold([tmp_path / "train.jsonl"])


def test_writing_twice_gives_the_same_bytes(tmp_path):
    first, second = write(tmp_path / "one"), write(tmp_path / "two")
    names = sorted(path.name for path in first.iterdir())
    assert names == ["card.md", "croissant.json", "dev.jsonl", "gold.csv", "test.jsonl", "train.jsonl"]
    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]


def test_the_content_hash_changes_with_one_label():
    items = sample(5)
    rows = rows_of(items)
    changed = [merged("i000", "topic", "y"), *rows[1:]]
    hashes = {frozen(items, some).content_hash for some in (rows, changed, list(reversed(rows)))}
    assert len(hashes) == 2


def test_the_table_has_labels_fields_and_probabilities(tmp_path):
    write(tmp_path, frozen(sample(3, text="=cmd")))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "gold.csv").read_text(), newline="")))
    assert [row["label.topic"] for row in rows] == ["a | b", "y", "'=z"]
    assert [row["label.tags"] for row in rows] == ["p", "p; q", "(none)"]
    assert rows[0]["data.text"] == "'=cmd"
    assert rows[0]["inclusion_probability"] == "0.5"
    assert rows[0]["annotators"] == "ann; ben"
    assert json.loads(rows[0]["soft_label.topic"]) == {"a | b": 1.0}


def card(folder, **more):
    return (write(folder, **more) / "card.md").read_text()


def test_the_card_counts_labels_by_split_and_weights_them(tmp_path):
    items = {
        name: one for n in range(10) for name, one in [(f"i{n:03}", item(n, probability=0.1 if n else 1.0))]
    }
    rows = [merged(name, "toxic", name == "i000") for name in items]
    text = card(tmp_path, gold=frozen(items, rows, Gold(split=Split(train=1, dev=0, test=0))))
    assert "| yes | 1 | 10.0% | 1.1% | 1 | 0 | 0 |" in text
    assert "| no | 9 | 90.0% | 98.9% | 9 | 0 | 0 |" in text


def test_the_card_counts_each_label_of_a_multilabel_feature(tmp_path):
    text = card(tmp_path)
    assert "| p | 40 | 66.7% |" in text
    assert "| q | 20 | 33.3% |" in text
    assert "| (none) | 20 |" in text


def test_the_card_quotes_agreement_hashes_and_limits(tmp_path):
    gold = frozen()
    text = card(tmp_path, gold=gold)
    assert "Cohen's kappa" in text
    assert "Blind: annotators saw neither" in text
    assert gold.content_hash in text
    assert sha256_file(tmp_path / "train.jsonl") in text
    assert "- a note" in text
    assert "not stated" in text


def test_the_card_cannot_be_broken_by_labels_or_descriptions(tmp_path):
    text = card(tmp_path, description=HOSTILE)
    assert "<img" not in text.replace("\\<", "")
    assert "\n# x" not in text
    assert "a \\| b" in text


def test_croissant_names_files_with_their_hashes_and_sizes(tmp_path):
    metadata = json.loads((write(tmp_path, license="CC-BY-4.0") / "croissant.json").read_text())
    assert metadata["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert metadata["license"] == "CC-BY-4.0"
    assert metadata["rai:dataLimitations"] == ["a note"]
    assert "url" not in metadata
    for described in metadata["distribution"]:
        path = tmp_path / described["contentUrl"]
        assert described["sha256"] == sha256_file(path)
        assert described["contentSize"] == f"{path.stat().st_size} B"


def test_croissant_describes_labels_and_fields_by_type(tmp_path):
    gold = frozen(sample(60, length=3, names=["a"], nested={"a": 1}, **{"odd name": 1}))
    metadata = json.loads((write(tmp_path, gold) / "croissant.json").read_text())
    assert [records["@id"] for records in metadata["recordSet"]] == list(SPLITS)
    fields = {one["name"]: one for one in metadata["recordSet"][0]["field"]}
    assert fields["train/labels/topic"]["dataType"] == "sc:Text"
    assert fields["train/labels/toxic"]["dataType"] == "sc:Boolean"
    assert fields["train/labels/tags"]["repeated"] is True
    assert fields["train/data/length"]["dataType"] == "sc:Integer"
    assert fields["train/data/names"]["repeated"] is True
    assert "train/data/nested" not in fields
    assert "train/data/odd name" not in fields
    assert fields["train/data/text"]["source"] == {
        "fileObject": {"@id": "train.jsonl"},
        "extract": {"column": "data"},
        "transform": {"jsonPath": "$.text"},
    }


def test_an_empty_split_is_an_empty_file_without_a_record_set(tmp_path):
    gold = frozen(gold=Gold(split=Split(train=1, dev=0, test=0)))
    metadata = json.loads((write(tmp_path, gold) / "croissant.json").read_text())
    assert (tmp_path / "test.jsonl").read_bytes() == b""
    assert [records["@id"] for records in metadata["recordSet"]] == ["train"]
