"""Small files share jobs, and each keeps its own records file."""

import pytest

from tests.projects import WorkflowProject, note_rows, notes_study, ran

FILES = 6


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run over small files, and a large one among them."""
    made = WorkflowProject.create(tmp_path_factory.mktemp("small") / "project")
    made.write_study(notes_study())
    for number in range(FILES):
        made.write_rows(f"notes/s{number}.jsonl", note_rows(3, start=3 * number))
    made.write_rows("notes/large.jsonl", [{"id": "large", "text": "the cat " * 10_000}])
    made.first = made.run().log
    return made


@pytest.fixture
def project(finished, tmp_path):
    return finished.copy(tmp_path / "project")


def records(file):
    return f"results/notes/sources/notes/{file}.jsonl.jsonl"


def jobs(stdout, of):
    return sum(
        int(line.split()[1]) for line in stdout.splitlines() if line.startswith(of) and len(line.split()) == 2
    )


def test_small_files_are_read_in_one_job_and_a_large_one_in_a_job_of_its_own(finished):
    assert jobs(finished.first, "records_notes_0of1") == 1
    assert jobs(finished.first, "records ") == 1
    assert len(finished.rows("stages/topics/features.jsonl")) == 3 * FILES + 1
    assert "Nothing to be done" in finished.run().stdout


def test_the_records_of_a_small_file_can_be_asked_for_by_name(project):
    made = project.root / records("s0")
    before = made.read_bytes()
    made.unlink()
    assert ran(project.run(records("s0"))) == {"records"}
    assert made.read_bytes() == before


def test_a_file_more_is_paid_for_alone(project):
    before = project.paid()
    project.write_rows("notes/new.jsonl", note_rows(2, start=100))
    said = project.run().log
    assert project.paid() == before + 2
    assert jobs(said, "records ") == 0, "the large file was read again"


def test_a_file_that_grows_large_leaves_its_group_and_nothing_is_paid_for_but_its_new_row(project):
    before = project.paid()
    rows = [*note_rows(3), {"id": "more", "text": "the dog " * 10_000}]
    project.write_rows("notes/s0.jsonl", rows)
    project.run()
    assert project.paid() == before + 1
    assert len(project.rows("stages/topics/features.jsonl")) == 3 * FILES + 2


def test_bad_files_of_a_group_are_all_named_with_their_lines(project):
    for number in (1, 4):
        project.write_rows(
            f"notes/s{number}.jsonl", [*note_rows(1, start=3 * number), {"id": "bad", "text": 7}]
        )
    failed = project.run(check=False)
    assert failed.returncode != 0
    assert "notes/s1.jsonl:2" in failed.stdout and "notes/s4.jsonl:2" in failed.stdout
    for number in (1, 4):
        project.write_rows(f"notes/s{number}.jsonl", note_rows(3, start=3 * number))
    before = project.paid()
    project.run()
    assert project.paid() == before
