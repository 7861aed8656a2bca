"""How far rounds are, by the files that are there: what the rules' input functions name."""

import pytest

from goldpan.batches.rounds import planned_shards, rounds_to_settle
from goldpan.errors import SourceError
from goldpan.files import write_json
from goldpan.study.paths import Paths

PATHS = Paths("results", "s")


def settle(root, *left: int) -> None:
    for number, count in enumerate(left, 1):
        path = root / PATHS.settled("q", number)
        path.parent.mkdir(parents=True)
        write_json(path, {"left": count})


@pytest.mark.parametrize(
    ("left", "rounds"),
    [((), 1), ((0,), 1), ((3,), 2), ((3, 0), 2), ((3, 1), 3), ((3, 1, 0), 3), ((0, 4, 4), 1)],
    ids=str,
)
def test_rounds_go_up_to_the_first_that_leaves_nothing_or_is_still_to_come(left, rounds, tmp_path):
    settle(tmp_path, *left)
    assert rounds_to_settle(PATHS, "q", tmp_path) == [PATHS.settled("q", n) for n in range(1, rounds + 1)]


def test_shards_are_those_of_the_plan_that_is_there(tmp_path):
    plan = tmp_path / "plan.json"
    assert planned_shards(plan) == []
    write_json(plan, {"shards": [{"name": "0000"}, {"name": "pabc"}]})
    assert planned_shards(plan) == ["0000", "pabc"]


def test_a_damaged_plan_is_left_to_the_step_that_reads_it(tmp_path):
    (tmp_path / "plan.json").write_text("{")
    assert planned_shards(tmp_path / "plan.json") == []


def test_a_damaged_settled_round_is_no_round_that_leaves_nothing(tmp_path):
    settle(tmp_path, 2)
    for damage in ('{"left": ', "{}"):
        (tmp_path / PATHS.settled("q", 1)).write_text(damage)
        with pytest.raises(SourceError, match="delete the file and run again"):
            rounds_to_settle(PATHS, "q", tmp_path)
