"""`goldpan summary` shows what it can where one of the files it reads is damaged."""

import pytest

from goldpan.cli.summary import print_summary
from tests.projects import note_rows, printed_table
from tests.stage_builders import STAGE, answer, at, make_stage


@pytest.mark.parametrize("content", ["{}", "[]", "7", '{"states": 3}', '{"records": 1', ""])
def test_a_summary_that_cannot_be_read_is_said_in_its_row(content, tmp_path, capsys):
    run = make_stage(tmp_path, note_rows(2))
    answer(run)
    run.consolidate()
    print_summary(run.project)
    (whole,) = printed_table(capsys.readouterr().out.split("\n* ")[0])
    assert (whole["stage"], whole["records"]) == (f"{STAGE} *", "2")
    at(run, run.paths.summary(STAGE)).write_text(content)
    print_summary(run.project)
    out = capsys.readouterr().out
    assert STAGE in out and "cannot be read: delete it and run again" in out
