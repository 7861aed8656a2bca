"""Drawing the sample of a wave."""

import itertools
import random
import tracemalloc
from collections import Counter

import orjson
import pytest

from goldpan.errors import ReconciliationError, StudyError
from goldpan.files import read_json
from goldpan.records.draw import turns
from goldpan.tasks.features import Feature
from goldpan.waves.items import Item, read_items
from goldpan.waves.sampling.answered import StageFiles
from goldpan.waves.sampling.draw import draw_sample
from goldpan.waves.sampling.overlap import OverlapPlan
from goldpan.waves.sampling.sample import SampleFiles
from tests.wave_builders import GIST, STARS, TONE, TOPICS, wave, write_stage

TONES = {"Positive": 60, "Negative": 30, "Neutral": 10}


def tone(label):
    return {"tone": {"type": "ClassificationPrediction", "label": label, "rationale": "SECRET REASON"}}


def reviews(counts=TONES, **row):
    """Rows of a stage with this many records of each tone, numbered through."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    return [
        ({"id": f"r{n}", "features": tone(label), **row}, {"text": f"review {n}", "year": 2000 + n % 3})
        for n, label in enumerate(labels)
    ]


def draw(folder, rows, known: tuple[Feature, ...] = (TONE,), **changes):
    """Draw a sample; the counts and the items by item id."""
    features_file, records_file = write_stage(folder, rows)
    files = SampleFiles(folder / "sample.jsonl", folder / "llm.jsonl", folder / "sample.json")
    stage = StageFiles(features_file, records_file)
    study_wave = wave(**({"sample": 20} | changes))
    sample = draw_sample("shop", "first", study_wave, {one.name: one for one in known}, stage)
    sample.write(files)
    return sample.counts, read_items(files.sample)


def records_of(items: dict[str, Item]) -> set[str]:
    return {item.id for item in items.values()}


def test_a_sample_has_as_many_items_as_asked_and_each_once(tmp_path):
    counts, items = draw(tmp_path, reviews())
    assert counts.sampled == len(items) == len(records_of(items)) == 20


def test_a_larger_sample_holds_the_smaller_one(tmp_path):
    _, small = draw(tmp_path / "small", reviews(), sample=20)
    _, large = draw(tmp_path / "large", reviews(), sample=35)
    assert records_of(small) < records_of(large)


@pytest.mark.parametrize("allocation", ["proportional", "equal"])
def test_a_larger_stratified_sample_holds_the_smaller_one(tmp_path, allocation):
    stratify = {"by": "features.tone", "allocation": allocation}
    drawn = [draw(tmp_path / str(n), reviews(), sample=n, stratify=stratify)[1] for n in range(1, 40, 6)]
    for smaller, larger in itertools.pairwise(drawn):
        assert records_of(smaller) < records_of(larger)


def test_the_sample_does_not_depend_on_the_order_of_the_corpus(tmp_path):
    rows = reviews()
    _, one = draw(tmp_path / "one", rows)
    random.Random(1).shuffle(rows)
    _, other = draw(tmp_path / "other", rows)
    assert records_of(one) == records_of(other)


def test_another_seed_draws_another_sample(tmp_path):
    _, one = draw(tmp_path / "one", reviews(), seed=1)
    _, other = draw(tmp_path / "other", reviews(), seed=2)
    assert records_of(one) != records_of(other)


def test_items_stand_in_the_order_of_the_corpus(tmp_path):
    _, items = draw(tmp_path, reviews())
    numbers = [int(item.id[1:]) for item in items.values()]
    assert numbers == sorted(numbers)


def test_a_proportional_allocation_follows_the_sizes_of_the_strata(tmp_path):
    counts, _ = draw(tmp_path, reviews(), sample=50, stratify={"by": "features.tone"})
    assert {one.stratum: one.sampled for one in counts.strata} == {
        "Positive": 30,
        "Negative": 15,
        "Neutral": 5,
    }


def test_no_stratum_is_left_out_of_a_proportional_sample(tmp_path):
    counts, _ = draw(tmp_path, reviews({"big": 500, "rare": 1}), sample=10, stratify={"by": "features.tone"})
    assert {one.stratum: one.sampled for one in counts.strata} == {"big": 9, "rare": 1}


def test_an_equal_allocation_gives_what_a_small_stratum_lacks_to_the_others(tmp_path):
    counts, _ = draw(tmp_path, reviews(), sample=50, stratify={"by": "features.tone", "allocation": "equal"})
    assert {one.stratum: one.sampled for one in counts.strata} == {
        "Positive": 20,
        "Negative": 20,
        "Neutral": 10,
    }


def test_numbers_for_strata_are_honoured_and_a_shortfall_is_said(tmp_path):
    allocation = {"Negative": 5, "Neutral": 25}
    counts, items = draw(
        tmp_path, reviews(), sample=None, stratify={"by": "features.tone", "allocation": allocation}
    )
    assert Counter(item.stratum for item in items.values()) == {"Negative": 5, "Neutral": 10}
    assert counts.shortfall == {"Neutral": 15}


def test_each_item_carries_the_share_of_its_stratum_that_was_drawn(tmp_path):
    stratify = {"by": "features.tone", "allocation": {"Positive": 6, "Neutral": 5}}
    _, items = draw(tmp_path, reviews(), sample=None, stratify=stratify)
    shares = {item.stratum: item.inclusion_probability for item in items.values()}
    assert shares == {"Positive": pytest.approx(0.1), "Neutral": pytest.approx(0.5)}


def test_weights_by_inclusion_probability_add_up_to_the_population(tmp_path):
    counts, items = draw(tmp_path, reviews(), stratify={"by": "features.tone", "allocation": "equal"})
    assert sum(1 / item.inclusion_probability for item in items.values()) == pytest.approx(counts.population)


@pytest.mark.slow
def test_every_record_of_a_stratum_is_drawn_about_as_often(tmp_path):
    times = Counter()
    for seed in range(200):
        _, items = draw(tmp_path, reviews({"Positive": 10}), sample=3, seed=seed)
        times.update(records_of(items))
    # 200 draws of 3 of 10: 60 each, with a standard deviation of 6.5.
    assert len(times) == 10 and all(35 < count < 85 for count in times.values())


def test_a_record_that_failed_is_not_drawn_but_counted(tmp_path):
    rows = reviews({"Positive": 10})
    rows[3][0]["state"], rows[4][0]["state"] = "invalid", "refused"
    counts, items = draw(tmp_path, rows, sample="all")
    assert counts.population == 8 and counts.outside == {"invalid": 1, "refused": 1}
    assert not records_of(items) & {"r3", "r4"}


def test_a_record_whose_task_lacks_a_feature_is_not_drawn_but_counted(tmp_path):
    rows = reviews({"Positive": 5})
    rows[0][0]["features"] = {}
    counts, _ = draw(tmp_path, rows, sample="all")
    assert counts.outside == {"not asked for `tone`": 1}


def test_a_sample_larger_than_the_population_takes_all_and_says_so(tmp_path):
    counts, items = draw(tmp_path, reviews({"Positive": 5}), sample=8)
    assert len(items) == 5 and counts.shortfall == {"all": 3}
    assert all(item.inclusion_probability == 1 for item in items.values())


def test_strata_may_come_from_a_field_a_source_and_a_number_in_bins(tmp_path):
    rows = [
        (
            {
                "id": f"r{n}",
                "source": f"s{n % 2}",
                "features": {"stars": {"type": "ScorePrediction", "score": 1 + n % 5}},
            },
            {"text": "t", "meta": {"lang": "en" if n % 2 else None}},
        )
        for n in range(20)
    ]
    stratify = {"by": ["source", "data.meta.lang", "features.stars"], "bins": {"features.stars": [2, 4]}}
    counts, _ = draw(tmp_path, rows, (STARS,), sample="all", stratify=stratify)
    assert {one.stratum for one in counts.strata} == {
        f"{left} | {stars}"
        for left in ("s0 | (missing)", "s1 | en")
        for stars in ("below 2", "2 to 4", "4 and more")
    }


def test_strata_may_come_from_confidence(tmp_path):
    rows = reviews({"Positive": 4})
    for (row, _), confidence in zip(rows, (0.4, 0.6, 0.95, None), strict=True):
        row["features"]["tone"]["confidence"] = confidence
    counts, _ = draw(tmp_path, rows, sample="all", stratify={"by": "confidence.tone"})
    assert {one.stratum for one in counts.strata} == {"below 0.5", "0.5 to 0.7", "0.9 and more", "(missing)"}


def test_a_set_of_labels_and_an_abstention_are_strata(tmp_path):
    predictions = [["price", "quality"], ["quality", "price"], [], None]
    rows = [
        ({"id": f"r{n}", "features": {"topics": {"type": "MultilabelPrediction", "labels": labels}}}, {})
        for n, labels in enumerate(predictions)
    ]
    counts, _ = draw(tmp_path, rows, (TOPICS,), sample="all", stratify={"by": "features.topics"})
    assert {one.stratum: one.population for one in counts.strata} == {
        "price + quality": 2,
        "(none)": 1,
        "(cannot tell)": 1,
    }


@pytest.mark.parametrize(
    ("stratify", "message"),
    [
        ({"by": "features.tune"}, "did you mean `tone`"),
        ({"by": "features.gist"}, "do not fall into strata"),
        ({"by": "data.yaer"}, "no record has `data.yaer`"),
        ({"by": "confidence.tone"}, "several `samples`"),
        ({"by": "features.tone", "allocation": {"Postive": 3}}, "did you mean `Positive`"),
    ],
)
def test_a_stratification_that_leads_nowhere_is_refused(tmp_path, stratify, message):
    rows = reviews()
    for row, _ in rows:
        row["features"]["gist"] = {"type": "TextPrediction", "text": "x"}
    sample = None if "allocation" in stratify else 5
    with pytest.raises(StudyError) as error:
        draw(tmp_path, rows, (TONE, GIST), sample=sample, features=["tone"], stratify=stratify)
    assert message in str(error.value)


def test_an_empty_population_is_refused_with_the_reasons(tmp_path):
    with pytest.raises(StudyError, match="failed: 60"):
        draw(tmp_path, reviews({"Positive": 60}, state="failed"))


def test_features_and_records_of_two_runs_are_not_mixed(tmp_path):
    features_file, records_file = write_stage(tmp_path, reviews())
    lines = records_file.read_bytes().splitlines(keepends=True)
    records_file.write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))
    files = StageFiles(features_file, records_file)
    with pytest.raises(ReconciliationError, match="the row of record 'r1', found that of 'r0'"):
        draw_sample("shop", "first", wave(sample=3), {"tone": TONE}, files)


def test_records_that_break_off_are_noticed(tmp_path):
    features_file, records_file = write_stage(tmp_path, reviews())
    lines = records_file.read_bytes().splitlines(keepends=True)
    records_file.write_bytes(b"".join(lines[:-1]))
    files = StageFiles(features_file, records_file)
    with pytest.raises(ReconciliationError):
        draw_sample("shop", "first", wave(sample=3), {"tone": TONE}, files)


def test_the_llms_answers_lie_in_a_file_of_their_own(tmp_path):
    draw(tmp_path, reviews())
    assert b"SECRET REASON" not in (tmp_path / "sample.jsonl").read_bytes()
    rows = [orjson.loads(line) for line in (tmp_path / "llm.jsonl").read_bytes().splitlines()]
    assert rows and all(row["features"]["tone"]["rationale"] == "SECRET REASON" for row in rows)


def test_the_counts_are_written(tmp_path):
    draw(tmp_path, reviews(), stratify={"by": "features.tone"})
    counts = read_json(tmp_path / "sample.json")
    assert counts["sampled"] == 20 and counts["blind"] is True
    assert sum(one["population"] for one in counts["strata"]) == counts["population"] == 100


def test_the_same_sample_gives_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        draw(tmp_path / name, reviews(), stratify={"by": "features.tone"})
    for name in ("sample.jsonl", "llm.jsonl", "sample.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    peaks = []
    for size in (2_000, 20_000):
        rows = reviews({"Positive": size})
        draw(tmp_path / str(size), rows)
        del rows
        tracemalloc.start()
        folder = tmp_path / str(size)
        files = StageFiles(folder / "features.jsonl", folder / "records.jsonl")
        draw_sample("shop", "first", wave(sample=20), {"tone": TONE}, files)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


@pytest.mark.parametrize("allocation", ["proportional", "equal"])
def test_turns_end_when_all_are_drawn(allocation):
    assert Counter(turns({"a": 3, "b": 1}, allocation)) == {"a": 3, "b": 1}


@pytest.mark.parametrize(("annotators", "per_item"), [(3, 2), (4, 2), (5, 3), (4, 1)])
def test_an_overlap_plan_is_balanced_after_every_item(annotators, per_item):
    plan = OverlapPlan([f"a{n}" for n in range(annotators)], per_item, repeats=0, seed=7)
    for number in range(100):
        chosen, _ = plan.assign(f"item{number}")
        assert len(set(chosen)) == per_item
        assert max(plan.load.values()) - min(plan.load.values()) <= 1


def test_all_pairs_of_annotators_meet_about_as_often():
    plan = OverlapPlan(["a", "b", "c", "d"], 2, repeats=0, seed=7)
    pairs = Counter(plan.assign(f"item{number}")[0] for number in range(120))
    assert len(pairs) == 6 and all(15 <= count <= 25 for count in pairs.values())


def test_a_larger_sample_leaves_the_plan_of_the_smaller_as_it_is(tmp_path):
    changes = {
        "annotators": ["ann", "ben", "cat"],
        "overlap": 2,
        "repeats": 0.2,
        "stratify": {"by": "features.tone"},
    }
    _, small = draw(tmp_path / "small", reviews(), sample=20, **changes)
    _, large = draw(tmp_path / "large", reviews(), sample=45, **changes)
    for item_id, item in small.items():
        assert (item.annotators, item.repeated_by) == (large[item_id].annotators, large[item_id].repeated_by)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 0.5])
def test_repeats_do_not_keep_step_with_strata_that_take_turns(share):
    plan = OverlapPlan(["ann", "ben"], 2, repeats=share, seed=7)
    repeated = [at % 2 for at in range(400) if "ann" in plan.assign(f"i{at}")[1]]
    assert len(repeated) == 400 * share
    assert 0.3 < sum(repeated) / len(repeated) < 0.7


def test_the_share_of_repeats_is_exact_for_each_annotator(tmp_path):
    counts, items = draw(
        tmp_path, reviews(), sample=60, annotators=["ann", "ben", "cat"], overlap=2, repeats=0.1
    )
    assert counts.repeats == {"ann": 4, "ben": 4, "cat": 4}
    assert sum(len(item.repeated_by) for item in items.values()) == 12
    assert all(set(item.repeated_by) <= set(item.annotators) for item in items.values())
