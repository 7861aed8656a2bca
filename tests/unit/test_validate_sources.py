"""`goldpan validate` reads the first rows of sources as a run would, before anything is paid."""

import pytest

from goldpan.cli import main
from tests.projects import WorkflowProject, notes_study


@pytest.fixture
def validate(tmp_path, capsys):
    """Validates a study with one table, and returns the exit code and all that was said."""

    project = WorkflowProject.create(tmp_path)
    (tmp_path / "notes").mkdir(exist_ok=True)

    def run(table: bytes, **source):
        (tmp_path / "notes" / "a.csv").write_bytes(table)
        study = notes_study()
        study["sources"] = {"notes": {"files": ["notes/*.csv"], **source}}
        project.write_study(study)
        code = main(["validate", "notes", "--root", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("id,text\n1,Größe\n".encode("cp1252"), "bytes that are not of the given encoding"),
        ("id,Größe,text\n1,2,3\n".encode("cp1252"), "the header is not in the given encoding"),
        ("id,text\n1,a\n".encode("utf-16"), "the header is not in the given encoding"),
        (b"id;text\n1;a\n", "or give its `delimiter`"),
        (b'id,text\n1,"a\n', "a.csv"),
        (b"id,text\n1,a\n1,b\n", "the id `1` stands already"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_error_with_its_place(validate, table, says):
    code, said = validate(table, id=["id"])
    assert code == 1 and says in said and "notes/a.csv" in said
    assert said.count(says) == 1


def test_a_table_with_one_column_that_seems_to_be_several_is_a_note(validate):
    _, said = validate(b"text;more\n1;a\n")
    assert "source notes: note: a.csv has one column, 'text;more'; if `;` separates its columns" in said
    _, said = validate(b"text;more\n1;a\n", delimiter=";")
    assert "has one column" not in said


def test_rows_that_are_to_be_skipped_and_rows_beyond_the_first_thousand_stop_nothing(validate):
    good = b"".join(b"%d,a\n" % at for at in range(1_000))
    bad = "x,Größe\n".encode("cp1252")
    assert validate(b"id,text\n" + bad + good, on_error="skip")[0] == 0
    assert validate(b"id,text\n" + good + bad)[0] == 0
