"""Which small files share a job."""

import pytest

from goldpan.workflow.file_groups import MOST_FILES, SMALL_FILE, file_groups, is_small


def names(count):
    return [f"f{number}.jsonl" for number in range(count)]


def test_every_file_is_in_one_group_at_most_and_those_alone_are_in_none():
    groups = file_groups(names(1000))
    dealt = [name for files in groups.values() for name in files]
    assert len(dealt) == len(set(dealt))
    assert set(dealt) <= set(names(1000))
    assert all(len(files) > 1 for files in groups.values())
    assert file_groups(names(1)) == {}


def test_a_file_more_changes_the_group_that_it_comes_to_and_no_other():
    before, after = file_groups(names(700)), file_groups([*names(700), "new.jsonl"])
    changed = [group for group in after if before.get(group) != after[group]]
    assert len(changed) == 1
    assert set(after[changed[0]]) - set(before[changed[0]]) == {"new.jsonl"}


def test_a_file_that_goes_changes_its_own_group_and_no_other():
    before, after = file_groups(names(700)), file_groups(names(700)[1:])
    assert sum(before[group] != after[group] for group in after) == 1


@pytest.mark.parametrize("count", [2, MOST_FILES, 10 * MOST_FILES, 10_000])
def test_groups_are_few_and_none_is_large(count):
    groups = file_groups(names(count))
    assert len(groups) <= 2 * (count / MOST_FILES) + 1
    assert max(map(len, groups.values())) <= 2 * MOST_FILES


def test_a_file_that_is_large_or_not_there_is_not_small(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x" * SMALL_FILE)
    large.write_bytes(b"x" * (SMALL_FILE + 1))
    assert [is_small(small), is_small(large), is_small(tmp_path / "gone")] == [True, False, False]
