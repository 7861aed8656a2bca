"""Fine-tuning data through Snakemake: the example studies and one whose provider fails, as they grow."""

import shutil
from collections import Counter

import orjson
import pytest

from goldpan.finetune.exports.run import export_in_project
from goldpan.study.load import load_project
from tests.chat_tokenizers import save_chat_tokenizer
from tests.export_projects import (
    answer_in,
    export_project,
    fate_of,
    fill_in_gold,
    note_text,
    provenance,
    read_export,
    topic_of,
    write_notes,
)
from tests.projects import CHECKOUT, FINDS_TESTS, ran, shipped_study
from tests.scripted_mentions import known_pages, write_papers

pytestmark = pytest.mark.timeout(1200)
FORMATS = ("openai_chat", "trl_conversational", "trl_prompt_completion", "sharegpt")
NEGATIVES = {"when": "topic == 'weather'", "ratio": 0.5}
EXPORTS = {
    "answers": {"stage": "topics", "format": "openai_chat", "negatives": NEGATIVES},
    "labels": {"gold": "check"},
    "both": {"stage": "topics", "gold": "check"},
}


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A study whose annotator fails at some notes; its sheets are not filled in yet. Not to be changed."""
    project = export_project(tmp_path_factory.mktemp("notes") / "project", EXPORTS)
    return project, project.run()


@pytest.fixture
def project(answered, tmp_path):
    return answered[0].copy(tmp_path / "project")


def test_what_waits_for_people_is_made_when_their_sheets_are_back(answered, project):
    assert "export" in ran(answered[1])
    assert project.artifact("finetune/answers/card.json").exists()
    assert not project.artifact("finetune/labels").exists()
    rows = project.rows("stages/topics/features.jsonl")
    failed = {row["id"]: row["state"] for row in rows if row["state"] != "ok"}
    assert len(set(failed.values())) > 2
    known = provenance(project, "answers")
    assert known.keys().isdisjoint(failed)
    left_out = Counter(row["reason"] for row in project.rows("finetune/answers/left_out.jsonl"))
    assert all(left_out[state] == count for state, count in Counter(failed.values()).items())
    for split, of_split in read_export(project, "answers").items():
        negatives = sum(answer_in(row)["topic"] == "weather" for row in of_split)
        assert negatives <= 0.5 * (len(of_split) - negatives), split
    assert "Fine-tuning data" in project.artifact("index.html").read_text()

    fill_in_gold(project)
    assert "export" in ran(project.run())
    before, both = provenance(project, "labels"), provenance(project, "both")
    assert len(before) == 30
    assert {one["split"] for one in before.values()} == {"train", "valid", "test"}
    for id, one in before.items():
        assert (both[id]["split"], both[id]["from"]) == (one["split"], "gold+stage")
    assert project.run().log.count("rule export") == 0, "nothing is stale"

    # A person has looked again at one note.
    changed = sorted(before)[0]
    other = "machines" if topic_of(note_text(changed)) != "machines" else "animals"
    fill_in_gold(project, **{changed.replace("-", "_"): other})
    project.run()
    assert provenance(project, "labels").keys() == before.keys()
    for name in ("labels", "both"):
        one = provenance(project, name)[changed]
        assert answer_in(read_export(project, name)[one["split"]][one["row"] - 1])["topic"] == other
        assert one["split"] == before[changed]["split"]


def test_rows_that_are_added_move_no_other_and_no_answer_is_paid_twice(project):
    before, paid = provenance(project, "answers"), project.paid()
    write_notes(project, "f03", 8)
    write_notes(project, "f99", 5)
    project.run("results/notes/finetune/answers/card.json")
    after = provenance(project, "answers")
    assert project.paid() == paid + 8
    assert {id: after[id]["split"] for id in before if id in after} == {
        id: before[id]["split"] for id in before if id in after
    }
    gone = before.keys() - after.keys()
    assert all(before[id]["negative"] for id in gone), (
        "the draw of negatives goes by how many others there are"
    )
    new = {f"f03-{at}" for at in (5, 6, 7)}
    answered = {id for id in new if fate_of(note_text(id)) == "ok"}
    assert new & after.keys() <= answered
    assert {id for id in answered if topic_of(note_text(id)) != "weather"} <= after.keys()
    assert {after[id]["split"] for id in new & after.keys()} <= {before["f03-0"]["split"]}


def loaded_and_tokenised(project, name, format, tmp_path):
    """split -> rows as `datasets` loads them, each written by a chat template."""
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl.data_utils import maybe_apply_chat_template

    tokenizer = AutoTokenizer.from_pretrained(save_chat_tokenizer(tmp_path / "tokenizer"))
    paths = {
        split: project.artifact(f"finetune/{name}/{split}.jsonl") for split in ("train", "valid", "test")
    }
    files = {split: str(path) for split, path in paths.items() if path.stat().st_size}
    found = load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))
    for split, rows in found.items():
        assert list(rows) == project.rows(f"finetune/{name}/{split}.jsonl")
        for row in rows:
            messages = row.get("messages") or row.get("prompt")
            if format.startswith("trl"):
                written = maybe_apply_chat_template(dict(row), tokenizer)
                tokens = tokenizer(written["prompt"] + written["completion"])["input_ids"]
                assert len(tokens) > len(tokenizer(written["prompt"])["input_ids"])
            elif format == "openai_chat":
                text = tokenizer.apply_chat_template(messages, tools=row.get("tools"), tokenize=False)
                assert text.count("<|im_start|>") == len(messages) + ("tools" in row)
            else:
                roles = [turn["from"] for turn in row["conversations"]]
                assert roles[-1] == "gpt" and set(roles) <= {"system", "human", "gpt"}
    return found


MENTIONS = """
from tests.scripted_mentions import MentionAnnotator

answer = MentionAnnotator()
"""


@pytest.fixture(scope="module")
def mentions(tmp_path_factory):
    """The study of dataset mentions over papers whose mentions are known, and an annotator that fails."""
    project, study = shipped_study(tmp_path_factory.mktemp("mentions") / "project", "dataset_mentions")
    pages = tuple(page for page in known_pages() if page.number <= 10)
    write_papers(project.root / "papers", pages)
    shutil.copy(CHECKOUT / "config" / "known_datasets.csv", project.root / "config")
    project.environment |= FINDS_TESTS
    project.write("answers.py", MENTIONS)
    study["sources"]["papers"]["files"] = ["papers/*.pdf"]
    study["providers"]["annotator"] = {"kind": "local", "answers": "answers.py:answer"}
    study["exports"] = {}
    halves = {"split": {"train": 0.4, "valid": 0.3, "test": 0.3}, "seed": 1, "near_duplicates": "leave_out"}
    for format in FORMATS:
        of_pages = {"negatives": {"empty": "mentions", "ratio": 0.25}, **halves}
        study["exports"][f"pages_{format}"] = {"stage": "extraction", "format": format, **of_pages}
        study["exports"][f"judged_{format}"] = {"stage": "judge", "format": format, **halves}
    project.write_study(study)
    project.run("results/dataset_mentions/finetune/judged_openai_chat/card.json", "-q")
    return project, pages


@pytest.mark.parametrize("format", FORMATS)
def test_mentions_are_exported_by_paper_with_their_true_negatives(mentions, format, tmp_path):
    project, pages = mentions
    loaded = load_project("dataset_mentions", root=project.root)
    card = export_in_project(loaded, f"pages_{format}")
    found = loaded_and_tokenised(project, f"pages_{format}", format, tmp_path)
    assert len(found) > 1
    known = provenance(project, f"pages_{format}")
    papers = {}
    for one in known.values():
        papers.setdefault(one["file"], set()).add(one["split"])
    assert all(len(splits) == 1 for splits in papers.values()) and len(papers) == 5
    kinds = {(page.document, page.number): page.kind for page in pages}
    for split, counts in card["negatives"]["splits"].items():
        rows = [one for one in known.values() if one["split"] == split]
        negatives = [one for one in rows if one["negative"]]
        assert len(negatives) == min(counts["available"], int(0.25 * (len(rows) - len(negatives))))
        for one in negatives:
            assert kinds[one["file"], one["line"]] in ("empty", "off_topic")
    left_out = Counter(row["reason"] for row in project.rows(f"finetune/pages_{format}/left_out.jsonl"))
    assert left_out["skipped"] == sum(kind == "blank" for kind in kinds.values()) > 0


@pytest.mark.parametrize("format", FORMATS)
def test_judged_items_go_with_their_paper_and_no_failure_is_among_them(mentions, format, tmp_path):
    project, _ = mentions
    if format != "openai_chat":
        export_in_project(load_project("dataset_mentions", root=project.root), f"judged_{format}")
    loaded_and_tokenised(project, f"judged_{format}", format, tmp_path)
    known = provenance(project, f"judged_{format}")
    papers = {}
    for one in known.values():
        papers.setdefault(one["file"], set()).add(one["split"])
    assert all(len(splits) == 1 for splits in papers.values())
    states = {row["id"]: row["state"] for row in project.rows("stages/judge/features.jsonl")}
    failed = {id for id, state in states.items() if state not in ("ok", "skipped")}
    assert failed and known.keys().isdisjoint(failed)
    listed = {row["id"]: row["reason"] for row in project.rows(f"finetune/judged_{format}/left_out.jsonl")}
    assert all(listed[id] == states[id] for id in failed)


CRITIC = """
import hashlib

from goldpan.providers.local.answerer import answer as baseline
from goldpan.serve.row_faults import spoil


def answer(body, custom_id):
    made = baseline(body, custom_id)
    place = hashlib.sha256(custom_id.encode()).digest()[0] % 6
    if place < 2:
        spoil(("refused", "truncated")[place], body, made)
    return made
"""


@pytest.fixture(scope="module")
def critic(tmp_path_factory):
    """The trace critic over the example segments, answered by the baseline, which fails at some."""
    project, study = shipped_study(tmp_path_factory.mktemp("critic") / "project", "trace_critic")
    shutil.copytree(CHECKOUT / "examples" / "traces", project.root / "examples" / "traces")
    project.write("answers.py", CRITIC)
    study["providers"] = {"baseline": {"kind": "local", "answers": "answers.py:answer"}}
    study["stages"]["critic"].update(provider="baseline", model="goldpan-baseline-1", max_rounds=1)
    shares = {"split": {"train": 0.5, "valid": 0.25, "test": 0.25}, "seed": 2}
    study["exports"] = {format: {"stage": "critic", "format": format, **shares} for format in FORMATS}
    project.write_study(study)
    project.run(*(f"results/trace_critic/finetune/{format}/card.json" for format in FORMATS), "-q")
    return project


@pytest.mark.parametrize("format", FORMATS)
def test_traces_are_exported_by_conversation_with_the_rubric_that_was_asked(critic, format, tmp_path):
    found = loaded_and_tokenised(critic, format, format, tmp_path)
    assert len(found) > 1
    features = {row["id"]: row for row in critic.rows("stages/critic/features.jsonl")}
    known = provenance(critic, format)
    assert known.keys() == {id for id, row in features.items() if row["state"] == "ok"}
    assert 0 < len(known) < len(features)
    conversations = {}
    for id, one in known.items():
        conversations.setdefault(id.split("__")[0], set()).add(one["split"])
        answer = answer_in(found[one["split"]][one["row"] - 1])
        reasons = [key for key in answer if key.endswith("_rationale")]
        assert (
            one["task"] == features[id]["task"]
            and len(answer) - len(reasons) == features[id]["feature_count"]
        )
    assert all(len(splits) == 1 for splits in conversations.values())


def test_the_card_of_a_small_chat_file_says_what_openai_would_refuse(critic):
    card = orjson.loads(critic.artifact("finetune/openai_chat/card.json").read_bytes())
    assert any("OpenAI takes 10 at least" in note for note in card["notes"])
