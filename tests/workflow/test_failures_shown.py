"""What a run says at its end about rows that came to nothing."""

import pytest

from goldpan.providers.engine.refusal import ServiceError
from goldpan.serve import running_server
from tests.faults.conftest import scripted_answer
from tests.projects import WorkflowProject, note_rows, notes_study

MESSAGE = "Unsupported parameter: 'max_tokens' is not supported with this model."
SHOWN = f"4 failed: 400 unsupported_parameter: {MESSAGE}"


def refusing_some(body, custom_id):
    """An answer, or 400 for four of ten requests."""
    if custom_id[-1] in "0123":
        raise ServiceError(400, MESSAGE, code="unsupported_parameter")
    return scripted_answer(body, custom_id)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project of ten notes, four of which were refused, and what its run printed."""
    folder = tmp_path_factory.mktemp("refused")
    with running_server(folder / "server", answerer=refusing_some) as server:
        project = WorkflowProject.create(folder / "project")
        provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0.5}
        project.write_study(notes_study(provider, model="scripted-1", poll={"first": 0.1, "longest": 0.5}))
        project.write_rows("notes/a.jsonl", note_rows(10))
        yield project, project.run()


def test_the_end_of_a_run_shows_the_commonest_messages_whole(finished):
    _, run = finished
    lines = run.stdout.splitlines()
    assert SHOWN in map(str.strip, lines), "by the step that settles"
    assert f"topics: {SHOWN}" in lines[-8:]


def test_the_summary_shows_them_as_json_and_on_the_terminal(finished):
    project, _ = finished
    message = {"state": "failed", "reason": f"400 unsupported_parameter: {MESSAGE}", "count": 4}
    assert project.json("stages/topics/summary.json")["messages"] == [message]
    assert project.json("stages/topics/round1/settled.json")["messages"] == [message]
    assert f"topics: {SHOWN}" in project.goldpan("summary", "notes").stdout
