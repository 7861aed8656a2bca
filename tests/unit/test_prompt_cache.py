"""Requests are laid out so that a prompt cache can hit, and it is said how much that may save, and has."""

import orjson
import pytest

from goldpan.batches.prompt_cache import cached_tokens
from goldpan.batches.summary import request_notes
from goldpan.cli import main
from goldpan.files import read_json
from goldpan.providers.engine import completion
from tests.online_service import ANSWER, Say, online_service
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer_all, asked_of, at, make_stage, with_records

RULES = "Say what the note is about, by these rules. " + "Rule: a word counts once, wherever it is. " * 200


def make(root, rows, *, system="You label notes.", user="Note:\n{{ data.text }}", provider=None, **stage):
    make_stage(root, rows, provider, **{"model": "gpt-4o-mini", **stage})
    for name, text in (("system", system), ("user", user)):
        (root / f"config/tasks/topic.{name}.j2").write_text(text)
    return with_records(root)


def bodies(run) -> list[bytes]:
    """What is sent of each request, as it is."""
    run.place(1, "0000")
    lines = at(run, run.paths.requests(STAGE, 1, "0000")).read_bytes().splitlines()
    return [line.partition(b'"body":')[2] for line in lines]


def share(run) -> float:
    run.plan(1)
    return read_json(at(run, run.paths.plan(STAGE, 1)))["estimate"]["cached_share"]


@pytest.mark.parametrize("shape", [{}, {"output": "json_schema"}, {"endpoint": "responses"}])
def test_all_that_a_stage_shares_comes_first_and_is_the_same_to_the_byte(shape, tmp_path):
    run = make(tmp_path, note_rows(5), system=RULES, params={"temperature": 0, "seed": 7}, **shape)
    run.plan(1)
    sent = bodies(run)
    place = sent[0].index(b"Note:\\n") + len(b"Note:\\n")
    assert len({body[:place] for body in sent}) == 1
    for what in (RULES.encode()[:40], b"animals", b"temperature"):
        assert what in sent[0][:place], "schema, parameters and system prompt"
    assert len({len(body[place:]) for body in sent}) < 5 and all(len(body[place:]) < 200 for body in sent)


def test_requests_stand_in_the_order_of_the_records_with_the_samples_of_one_together(tmp_path):
    run = make(tmp_path, note_rows(4), samples=2)
    run.plan(1)
    ids = [orjson.loads(line)["custom_id"] for line in request_lines(run)]
    assert ids == [row["custom_id"] for row in asked_of(run)]
    assert [row["sample"] for row in asked_of(run)] == [0, 1] * 4


def request_lines(run) -> list[bytes]:
    run.place(1, "0000")
    return at(run, run.paths.requests(STAGE, 1, "0000")).read_bytes().splitlines()


def test_the_share_that_a_cache_may_give_goes_by_what_stands_first(tmp_path):
    first = share(make(tmp_path / "first", note_rows(20), system=RULES))
    last = share(make(tmp_path / "last", note_rows(20), user="Note:\n{{ data.text }}\n" + RULES))
    short = share(make(tmp_path / "short", note_rows(20)))
    assert first > 0.8 and last == short == 0.0


def test_records_of_one_document_share_it_where_they_stand_together(tmp_path):
    documents = ["A long tale of cats. " * 400, "Another tale, of rain. " * 400]
    user = "{{ data.document }}\nAbout:\n{{ data.text }}"

    def rows(order):
        return [{**row, "document": documents[at]} for row, at in zip(note_rows(8), order, strict=True)]

    together = share(make(tmp_path / "together", rows([0] * 4 + [1] * 4), user=user))
    mixed = share(make(tmp_path / "mixed", rows([0, 1] * 4), user=user))
    assert together > 0.6 and mixed == 0.0


def test_a_cache_gives_whole_steps_of_128_tokens_from_1024_on():
    assert [cached_tokens(shared) for shared in (0, 1023.9, 1024, 1151, 1152, 2000)] == [
        *(0, 0, 1024, 1024, 1152, 1920)
    ]


def test_plan_says_the_expected_share_and_summary_the_true_one(tmp_path, monkeypatch, capsys):
    usage = {
        "prompt_tokens": 2_000, "completion_tokens": 20, "total_tokens": 2_020,
        "prompt_tokens_details": {"cached_tokens": 1_536},
    }  # fmt: skip

    def script(call):
        return Say(body={**completion(call.body, ANSWER, call.text), "usage": usage})

    with online_service(script) as service:
        provider = {"kind": "openai", "base_url": service.base_url}
        run = make(tmp_path, note_rows(5), system=RULES, provider=provider, mode="online")
        monkeypatch.chdir(tmp_path)
        assert main(["plan"]) == 0
        assert "% of the prompt tokens may come from the service's cache" in capsys.readouterr().out
        answer_all(run)
    assert main(["summary"]) == 0
    assert "77% of 10,000 prompt tokens came from the service's cache" in capsys.readouterr().out


def test_prompts_of_a_model_of_ones_own_come_from_no_service():
    made = {"tokens": {"prompt": 5_718, "completion": 90, "cached": 2_802}}
    assert request_notes(made) == ["49% of 5,718 prompt tokens came from the service's cache"]
    shared, device = request_notes({**made, "device": {"seconds": 3.0, "answers": {"cpu": 6}}})
    assert shared == "49% of 5,718 prompt tokens were shared with other requests and computed once"
    assert device.startswith("answered here at no cost, 6 on cpu")
