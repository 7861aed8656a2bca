"""Fine-tuning data: what a row teaches, where it stands, and what is left out, with its reason."""

from collections import Counter

import orjson
import pytest

from goldpan.errors import GoldpanError, ReconciliationError, StudyError
from goldpan.finetune.exports.check import check_exports, unsplittable_exports
from goldpan.finetune.exports.files import EXPORT_FILES
from goldpan.finetune.exports.run import export_in_project
from goldpan.finetune.untaught import untaught_fields
from goldpan.study.load import load_project
from goldpan.workflow.before_run import check_before_run
from tests.export_projects import answer_in, export_study, note_text, provenance, read_export, topic_of
from tests.made_features import gold_item, make_features, write_gold
from tests.projects import WorkflowProject

FILES = 12
NOTES = {f"n{at:03}": f"f{at % FILES:02}" for at in range(120)}
FAILED = {
    f"n{at:03}": state for at, state in ((3, "refused"), (17, "truncated"), (29, "failed"), (31, "invalid"))
}


def said(record):
    """What the stage says of a note: of three in four that it is about nothing urgent."""
    if record["id"] in FAILED:
        return FAILED[record["id"]]
    topic = topic_of(record["data"]["text"])
    return {
        "topic": topic,
        "topic_rationale": f"of {topic}",
        "urgent": int(record["id"][1:]) % 4 == 0 if record["id"][1:].isdigit() else True,
        "length": 2,
    }


def notes(**texts):
    return {**{id: note_text(id) for id in NOTES}, **texts}


def built(root, settings, texts=None, answer=said, places=NOTES, gold=(), **study):
    """A project whose stage was answered, as goldpan reads it."""
    project = WorkflowProject.create(root)
    project.write_study(export_study({"made": settings}, **study))
    rows = {}
    for id, text in (texts or notes()).items():
        rows.setdefault(places.get(id, id), []).append({"id": id, "text": text, "case": f"case {id[:2]}"})
    for file, of_file in rows.items():
        project.write_rows(f"notes/{file}.jsonl", of_file)
    loaded = load_project("notes", root=root)
    make_features(loaded, "topics", answer)
    if gold:
        write_gold(loaded, "check", list(gold))
    return project, loaded


def made(root, settings, *arguments, **keys):
    """An export, its rows by split and where each comes from by id."""
    project, loaded = built(root, settings, *arguments, **keys)
    card = export_in_project(loaded, "made")
    return card, read_export(project, "made"), provenance(project, "made"), project


STAGE = {"stage": "topics"}


def test_every_record_is_exported_or_left_out_with_its_reason_and_no_failure_is_a_row(tmp_path):
    card, rows, known, project = made(tmp_path, STAGE)
    left_out = project.rows("finetune/made/left_out.jsonl")
    assert {row["id"]: row["reason"] for row in left_out} == FAILED
    assert known.keys() == NOTES.keys() - FAILED.keys()
    assert card["records"] == 120 and card["exported"] == sum(map(len, rows.values())) == 116
    assert card["left_out"] == dict(sorted(Counter(FAILED.values()).items()))
    assert all(row["why"] == f"it is {row['reason']}" for row in left_out)


def test_rows_of_one_document_are_in_one_split_and_line_by_line_the_provenance_says_whose_they_are(tmp_path):
    _, rows, known, project = made(tmp_path, STAGE)
    splits = {}
    for one in known.values():
        splits.setdefault(one["file"], set()).add(one["split"])
        assert one["group"] == f"notes/{one['file']}"
        text = rows[one["split"]][one["row"] - 1]["prompt"][-1]["content"]
        assert text == "Note:\n" + note_text(one["id"])
    assert len(splits) == FILES and all(len(of_file) == 1 for of_file in splits.values())
    features = {row["id"]: row for row in project.rows("stages/topics/features.jsonl")}
    for id, one in known.items():
        assert (one["request_key"], one["model"]) == (features[id]["request_key"], "m-1")
        assert (one["from"], one["stage"], one["task"], len(one["task_hash"])) == (
            "stage",
            "topics",
            "topic",
            64,
        )


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        made(tmp_path / folder, {**STAGE, "format": "openai_chat"})
    one, two = (tmp_path / folder / "results" / "notes" / "finetune" / "made" for folder in ("one", "two"))
    for file in EXPORT_FILES:
        assert (one / file).read_bytes() == (two / file).read_bytes(), file


def test_rows_and_files_that_are_added_move_nothing(tmp_path):
    _, _, before, _ = made(tmp_path / "one", {**STAGE, "group": "file"})
    more = {f"m{at:03}": note_text(f"m{at:03}") for at in range(60)}
    places = {**NOTES, **{id: f"g{at % 30:02}" for at, id in enumerate(more)}}
    _, _, after, _ = made(tmp_path / "two", {**STAGE, "group": "file"}, notes(**more), places=places)
    assert {id: after[id]["split"] for id in before} == {id: one["split"] for id, one in before.items()}
    assert len({after[id]["split"] for id in more}) == 3


def test_a_document_keeps_its_split_when_files_of_other_folders_change_its_short_name(tmp_path):
    _, _, before, _ = made(tmp_path / "one", STAGE)
    places = {**NOTES, "zz1": "deeper/zz1", "zz2": "deeper/zz2"}
    files = {"sources": {"notes": {"files": ["notes/**/*.jsonl"], "id": ["id"]}}}
    texts = notes(zz1=note_text("zz1"), zz2=note_text("zz2"))
    _, _, after, _ = made(tmp_path / "two", STAGE, texts, places=places, **files)
    assert {id: after[id]["split"] for id in before} == {id: one["split"] for id, one in before.items()}


@pytest.mark.parametrize("ratio", [0, 0.25, 1.0, 5.0])
def test_negatives_are_drawn_to_the_ratio_in_each_split_and_none_of_them_is_a_failure(tmp_path, ratio):
    negatives = {"when": "not urgent", "ratio": ratio}
    card, rows, known, project = made(tmp_path, {**STAGE, "negatives": negatives, "group": "id"})
    available = Counter(
        row["split"] for row in project.rows("finetune/made/left_out.jsonl") if "split" in row
    )
    for split, of_split in rows.items():
        taken = [row for row in of_split if not answer_in(row)["urgent_detected"]]
        others = len(of_split) - len(taken)
        there_are = available[split] + len(taken)
        assert len(taken) == min(there_are, int(ratio * others)), split
        counts = card["negatives"]["splits"][split]
        assert (counts["available"], counts["taken"], counts["positives"]) == (there_are, len(taken), others)
    assert known.keys().isdisjoint(FAILED)
    drawn = {id for id, one in known.items() if one["negative"]}
    assert drawn == {id for id in known if int(id[1:]) % 4}


def test_a_larger_ratio_only_adds_negatives(tmp_path):
    drawn = []
    for ratio in (0.5, 1.0):
        settings = {**STAGE, "negatives": {"when": "not urgent", "ratio": ratio}}
        drawn.append(set(made(tmp_path / str(ratio), settings)[2]))
    assert drawn[0] < drawn[1]


GOLD = [
    gold_item("n000", "train", {"topic": "weather", "urgent": False}),
    gold_item("n001", "dev", {"topic": "animals", "urgent": True}),
    gold_item("n002", "test", {"topic": "machines", "urgent": True}),
    gold_item("n003", "test", {"topic": "machines", "urgent": True}),  # the stage refused it
    gold_item("n004", "train", {"topic": None, "urgent": True}),
    gold_item("n005", "train", {"urgent": True}, topic="needs_review"),
    gold_item("gone", "train", {"topic": "animals", "urgent": True}),
]


def test_gold_alone_has_its_own_splits_features_and_no_reasons(tmp_path):
    card, rows, known, _ = made(tmp_path, {"gold": "check"}, gold=GOLD)
    assert {id: one["split"] for id, one in known.items()} == {
        "n000": "train",
        "n001": "valid",
        "n002": "test",
        "n003": "test",
    }
    assert [answer_in(row) for row in rows["train"]] == [{"topic": "weather", "urgent_detected": False}]
    assert card["without_gold"] == 114 and card["left_out"] == {
        "gold_cannot_tell": 1,
        "gold_not_resolved": 1,
        "gold_without_record": 1,
    }
    assert known["n003"]["from"] == "gold" and "model" not in known["n003"]
    assert card["models"] == {} and card["terms"] == ""


def test_beside_a_stage_gold_wins_keeps_its_split_and_takes_its_document_along(tmp_path):
    card, rows, known, project = made(tmp_path, {**STAGE, "gold": "check"}, gold=GOLD)
    gold = {id: one for id, one in known.items() if "gold" in one["from"]}
    assert {id: (one["from"], one["gold_features"]) for id, one in gold.items()} == dict.fromkeys(
        ("n000", "n001", "n002"), ("gold+stage", ["topic", "urgent"])
    )
    assert known["n000"]["split"] == "train"
    taught = answer_in(rows["train"][known["n000"]["row"] - 1])
    assert taught == {"topic": "weather", "urgent_detected": False, "length": 2}
    for id, file in NOTES.items():
        if id in known and file in ("f02", "f03"):
            assert known[id]["split"] == "test", "where a document has gold that is held out, all of it is"
        if id in known and file == "f01":
            assert known[id]["split"] == "valid"
    # `length` is not in the gold, and the stage refused to answer.
    reasons = {row["id"]: row["reason"] for row in project.rows("finetune/made/left_out.jsonl")}
    assert reasons["n003"] == "refused" and reasons["n005"] == "gold_not_resolved"
    assert card["splits"]["train"]["by_origin"]["stage"] > 50


def test_gold_with_a_label_that_the_task_has_no_more_is_told_on_the_card(tmp_path):
    gold = [gold_item(id, "train", {"topic": "space", "urgent": True}) for id in ("n000", "n012")]
    card, _, known, _ = made(tmp_path, {"stage": "topics", "gold": "check"}, gold=gold)
    assert not {"n000", "n012"} & set(known)
    (note,) = (note for note in card["notes"] if "rows of gold are left out" in note)
    assert note.startswith("2 rows of gold") and "'space'" in note and "changed since people answered" in note


def test_gold_with_reasons_keeps_only_rows_whose_reason_is_for_the_gold_label(tmp_path):
    settings = {**STAGE, "gold": "check", "rationales": True}
    _, rows, known, project = made(tmp_path, settings, gold=GOLD[:2])
    reasons = {row["id"]: row["reason"] for row in project.rows("finetune/made/left_out.jsonl")}
    of_stage = {id: topic_of(note_text(id)) for id in ("n000", "n001")}
    expected = {"n000": of_stage["n000"] == "weather", "n001": of_stage["n001"] == "animals"}
    for id, fits in expected.items():
        assert (id in known) == fits and (reasons.get(id) == "no_rationale") == (not fits)
    for split in rows.values():
        for row in split:
            answer = answer_in(row)
            assert answer["topic_rationale"] == f"of {answer['topic']}"


def test_a_document_with_gold_in_two_splits_is_refused_with_ids_or_goes_where_it_is_held_out_most(tmp_path):
    split = [
        gold_item("n000", "train", {"topic": "weather", "urgent": False}),
        gold_item("n012", "test", {"topic": "weather", "urgent": False}),
    ]
    settings = {**STAGE, "gold": "check"}
    with pytest.raises(StudyError, match=r"'notes/f00.jsonl' \(`n012` in test, `n000` in train\)"):
        made(tmp_path / "one", settings, gold=split)
    card, _, known, project = made(tmp_path / "two", {**settings, "gold_conflicts": "leave_out"}, gold=split)
    assert {known[id]["split"] for id in known if NOTES[id] == "f00"} == {"test"}
    assert "n000" not in known and card["left_out"]["gold_conflict"] == 1
    assert card["gold_conflicts"] == ["notes/f00.jsonl"]
    assert "gold_conflict" in {row["reason"] for row in project.rows("finetune/made/left_out.jsonl")}


def test_gold_of_the_test_split_never_trains_whatever_the_shares(tmp_path):
    gold = [gold_item(id, "test", {"topic": "weather", "urgent": False}) for id in list(NOTES)[:5]]
    settings = {**STAGE, "gold": "check", "group": "id", "split": {"train": 1, "valid": 0, "test": 0}}
    _, rows, known, project = made(tmp_path, settings, gold=gold)
    assert {id for id, one in known.items() if one["split"] == "test"} == {i.id for i in gold} - FAILED.keys()
    assert len(rows["train"]) > 100
    assert not list((project.root / "annotations").rglob("*looks*")), "writing rows down is no look"


def test_near_duplicates_across_splits_are_refused_with_their_ids_or_left_out(tmp_path):
    texts = notes(**{f"x{at}": note_text(f"n{at:03}").upper() + "!" for at in range(30)})
    with pytest.raises(StudyError, match=r"`[nx]\d+` \((train|valid)\) and `[nx]\d+` \(100%\)"):
        made(tmp_path / "one", STAGE, texts)
    settings = {**STAGE, "near_duplicates": "leave_out"}
    card, _rows, known, _ = made(tmp_path / "two", settings, texts)
    places = {}
    for id, one in known.items():
        places.setdefault(texts[id].upper().rstrip("!"), set()).add(one["split"])
    assert all(len(splits) == 1 for splits in places.values())
    assert card["left_out"]["near_duplicate"] == len(card["near_duplicates"]) > 0
    held = {"train": 0, "valid": 1, "test": 2}
    assert all(held[pair["split"]] < held[pair["other_split"]] for pair in card["near_duplicates"])


def test_what_is_of_the_stage_goes_before_gold_that_says_the_same(tmp_path):
    texts = notes(copy=note_text("n000") + "!")
    gold = [gold_item("n000", "train", {"topic": "weather", "urgent": False})]
    test = {"train": 0, "valid": 0, "test": 1}
    settings = {**STAGE, "gold": "check", "split": test, "near_duplicates": "leave_out"}
    _, _, known, project = made(tmp_path, settings, texts, gold=gold)
    assert known["n000"]["split"] == "train" and "copy" not in known
    reasons = {row["id"]: row for row in project.rows("finetune/made/left_out.jsonl")}
    assert reasons["copy"]["why"] == "says what `n000` of train says (100%)"


def test_what_is_too_long_is_listed_kept_or_stops_and_is_never_cut(tmp_path):
    long = {f"n{at:03}": note_text(f"n{at:03}") + " and more" * 100 for at in (40, 41)}
    texts = notes(**long)
    card, rows, known, project = made(tmp_path / "one", {**STAGE, "max_tokens": 150}, texts)
    listed = [row for row in project.rows("finetune/made/left_out.jsonl") if row["reason"] == "too_long"]
    assert {row["id"] for row in listed} == long.keys() and "tokens, of 150 at most" in listed[0]["why"]
    assert max(one["tokens"]["total"] for one in known.values()) <= 150
    card, rows, known, _ = made(tmp_path / "two", {**STAGE, "max_tokens": 150, "on_long": "keep"}, texts)
    assert card["tokens"]["too_long"] == sorted(long) and long.keys() <= known.keys()
    one = known["n040"]
    assert rows[one["split"]][one["row"] - 1]["prompt"][-1]["content"].endswith(" and more")
    with pytest.raises(StudyError, match="2 rows are longer than `max_tokens`: `n040`, `n041`"):
        made(tmp_path / "three", {**STAGE, "max_tokens": 150, "on_long": "stop"}, texts)


def test_special_tokens_in_a_text_are_listed_kept_or_stop(tmp_path):
    bad = {
        "n040": note_text("n040") + "<|im_end|>\n<|im_start|>assistant",
        "n041": "[INST] " + note_text("n041"),
    }
    texts = notes(**bad)
    _card, _, known, project = made(tmp_path / "one", STAGE, texts)
    listed = {row["id"]: row for row in project.rows("finetune/made/left_out.jsonl")}
    assert listed["n040"]["why"] == "its texts hold <|im_end|>, <|im_start|>"
    assert listed["n041"]["reason"] == "control_tokens" and known.keys().isdisjoint(bad)
    with pytest.raises(StudyError, match="hold special tokens: `n040`, `n041`"):
        made(tmp_path / "two", {**STAGE, "control_tokens": "stop"}, texts)
    assert bad.keys() <= made(tmp_path / "three", {**STAGE, "control_tokens": "keep"}, texts)[2].keys()


def test_hostile_texts_stay_as_they_are_and_keep_their_lines(tmp_path):
    hostile = {
        "n050": note_text("n050") + " \u2028\u2029\x85 \x00\x01\x1b \u202e\ufeff \\ud800 {{ 7 * 7 }} {% x %}",
        "n051": note_text("n051") + ' "}\n{"messages": []}\r\n',
        "n052": note_text("n052") + " \U0001f600" + " long" * 200_000,
    }
    for format in ("openai_chat", "trl_conversational", "trl_prompt_completion", "sharegpt"):
        _, _, known, project = made(tmp_path / format, {**STAGE, "format": format}, notes(**hostile))
        lines = {
            split: project.artifact(f"finetune/made/{split}.jsonl").read_bytes().split(b"\n")
            for split in ("train", "valid", "test")
        }
        for id, text in hostile.items():
            row = orjson.loads(lines[known[id]["split"]][known[id]["row"] - 1])
            assert any(text in part for part in texts_of(row)), (format, id)


def texts_of(value):
    """All texts in a row."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_of(part)
    elif isinstance(value, str):
        yield value


def test_a_prompt_of_its_own_replaces_the_stages_in_the_same_sandbox(tmp_path):
    settings = {**STAGE, "prompt": {"user": "short.user.j2", "system": "short.system.j2"}}
    project, loaded = built(tmp_path, settings)
    project.write("config/tasks/short.system.j2", "Label it.")
    project.write("config/tasks/short.user.j2", "{{ data.case }}: {{ data.text }}")
    export_in_project(loaded, "made")
    for id, one in provenance(project, "made").items():
        prompt = read_export(project, "made")[one["split"]][one["row"] - 1]["prompt"]
        assert [message["content"] for message in prompt] == ["Label it.", f"case {id[:2]}: {note_text(id)}"]
        break
    for template, what in (
        ("{{ data.nothing }}", "`nothing` is not there"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("\ufeff{{ data.text }}{{ '\\ud800' }}", "cannot be written as JSON"),
        ("{{ nobody }}", "`nobody` is not defined"),
    ):
        project.write("config/tasks/short.user.j2", template)
        with pytest.raises(GoldpanError, match=what) as caught:
            export_in_project(loaded, "made")
        assert "n000" in str(caught.value)
    with pytest.raises(GoldpanError, match="`nobody` is not defined"):
        list(check_exports(loaded))


def test_answers_to_another_prompt_are_refused(tmp_path):
    project, loaded = built(tmp_path, STAGE)
    project.write("config/tasks/topic.user.j2", "Another note:\n{{ data.text }}")
    with pytest.raises(ReconciliationError, match="'n000' was not given to the prompt as it is now"):
        export_in_project(loaded, "made")


def test_rows_of_one_document_alone_cannot_be_split(tmp_path):
    places = dict.fromkeys(NOTES, "all")
    with pytest.raises(StudyError, match=r"all 116 rows are of one group, 'notes/all\.jsonl'") as caught:
        made(tmp_path / "one", STAGE, places=places)
    assert "`group: data.FIELD`" in str(caught.value)
    loaded = load_project("notes", root=tmp_path / "one")
    (note,) = unsplittable_exports(loaded)
    assert "all its rows come from notes/all.jsonl" in note and note in list(check_exports(loaded))
    assert note in check_before_run(loaded)
    few = {id: f"f{at % 2}" for at, id in enumerate(NOTES)}
    card, rows, _, _ = made(tmp_path / "few", STAGE, places=few)
    assert not list(unsplittable_exports(load_project("notes", root=tmp_path / "few")))
    empty = [split for split, of_split in rows.items() if not of_split]
    assert empty and f"No row is in {' and '.join(empty)}: " in " ".join(card["notes"])
    _, _, known, _ = made(tmp_path / "two", {**STAGE, "group": "id"}, places=places)
    assert len({one["split"] for one in known.values()}) == 3
    _, _, known, _ = made(tmp_path / "three", {**STAGE, "group": "data.case"}, places=places)
    cases = {}
    for one in known.values():
        cases.setdefault(one["group"], set()).add(one["split"])
    assert len(cases) == 2 and all(map(len, cases.values()))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"features": ["topics"], **STAGE}, "no task has a feature `topics`; did you mean `topic`"),
        ({"negatives": {"when": "urgnt"}, **STAGE}, "there is no feature `urgnt`"),
        ({"negatives": {"empty": "topic"}, **STAGE}, "no feature `topic` of the answer is a list"),
        ({"prompt": {"user": "../config.yaml"}, **STAGE}, "there is no template"),
        ({"prompt": {"user": "none.j2"}, **STAGE}, "there is no template `none.j2`"),
        ({"tokenizer": "./models/none", **STAGE}, "there is no model here"),
        (
            {"features": ["length"], "gold": "check", **STAGE},
            "has gold for topic, urgent, and the answers hold length",
        ),
    ],
)
def test_what_an_export_names_is_looked_for_before_anything_is_asked(tmp_path, settings, what):
    _, loaded = built(tmp_path, settings)
    with pytest.raises(GoldpanError, match=what):
        list(check_exports(loaded))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "name a `stage`, a wave as `gold`, or both"),
        ({"stage": "topic"}, "exports.made.stage: there is no stage `topic`"),
        ({"gold": "chek"}, "exports.made.gold: there is no wave `chek`"),
        ({**STAGE, "answer": "tool", "format": "trl_prompt_completion"}, "`answer: tool` needs messages"),
        ({**STAGE, "split": {"train": 0.8, "valid": 0.3, "test": 0.1}}, "must add up to 1"),
        ({**STAGE, "negatives": {"ratio": 2}}, "give either `when`"),
        ({**STAGE, "negatives": {"when": "urgent", "ratio": True}}, "must be a number"),
        ({**STAGE, "gold_conflicts": "leave_out"}, "`gold_conflicts` goes with `gold`"),
        ({**STAGE, "on_long": "stop"}, "`on_long` goes with `max_tokens`"),
        ({**STAGE, "group": "page"}, "group"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(tmp_path, settings, what):
    project = WorkflowProject.create(tmp_path)
    project.write_study(export_study({"made": settings}))
    with pytest.raises(StudyError) as caught:
        load_project("notes", root=tmp_path)
    assert what in str(caught.value)


def test_gold_of_a_table_that_nobody_was_asked_about_needs_a_prompt_and_has_it(tmp_path):
    table = {
        "from": {"source": "notes", "task": "topic", "answers": {"topic": "case"}},
        "features": ["topic"],
        "sample": 5,
        "annotators": ["ann"],
    }
    gold = [gold_item(id, split, {"topic": "animals"}) for id, split in (("n000", "train"), ("n001", "dev"))]
    waves = {"waves": {"check": table}}
    _, loaded = built(tmp_path / "one", {"gold": "check"}, gold=gold, **waves)
    with pytest.raises(StudyError, match="nobody was asked about, so there is no prompt"):
        export_in_project(loaded, "made")
    settings = {"gold": "check", "prompt": {"user": "topic.user.j2"}}
    card, rows, known, _ = made(tmp_path / "two", settings, gold=gold, **waves)
    assert rows["train"][0]["prompt"] == [{"role": "user", "content": "Note:\n" + note_text("n000")}]
    assert answer_in(rows["valid"][0]) == {"topic": "animals"} and card["without_gold"] == 118
    assert known["n001"]["stage"] is None and known["n001"]["request_key"] is None


def test_tools_of_openai_files_have_no_bounds_for_its_fine_tuned_models_refuse_them(tmp_path):
    _, rows, _, _ = made(tmp_path / "one", {**STAGE, "format": "openai_chat"})
    (tool,) = rows["train"][0]["tools"]
    assert "minimum" not in tool["function"]["parameters"]["properties"]["length"]
    assert "from 0 to 5" in tool["function"]["parameters"]["properties"]["length"]["description"]
    _, rows, _, _ = made(tmp_path / "two", {**STAGE, "answer": "tool"})
    (tool,) = rows["train"][0]["tools"]
    assert tool["function"]["parameters"]["properties"]["length"]["minimum"] == 0


def test_features_that_are_chosen_are_those_of_the_answer_and_of_the_tool(tmp_path):
    settings = {**STAGE, "format": "openai_chat", "features": ["urgent", "topic"], "rationales": False}
    card, rows, _, _ = made(tmp_path, settings)
    (tool,) = rows["train"][0]["tools"]
    assert list(tool["function"]["parameters"]["properties"]) == ["topic", "urgent_detected"]
    assert all(list(answer_in(row)) == ["topic", "urgent_detected"] for row in rows["train"])
    assert any("reasons are left out" in note for note in card["notes"])


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({"stage": "topics"}, None),
        ({"stage": "topics", "rationales": False}, "topic_rationale"),
        ({"stage": "topics", "gold": "check"}, "topic_rationale"),
        ({"stage": "topics", "features": ["topic", "length"]}, "urgent_detected"),
    ],
)
def test_a_stage_that_asks_its_model_for_what_was_never_taught_is_told(tmp_path, settings, more):
    project = WorkflowProject.create(tmp_path)
    study = export_study({"made": settings})
    study["finetunes"] = {"small": {"export": "made", "model": "tiny"}}
    study["providers"]["own"] = {"kind": "transformers", "finetuned": "small"}
    study["sources"]["rest"] = {"files": ["notes/*.jsonl"], "id": ["id"]}
    study["stages"]["rest"] = {"input": {"source": "rest"}, "task": "topic", "provider": "own"}
    project.write_study(study)
    project.write_rows("notes/a.jsonl", [{"id": "1", "text": "x"}])
    told = list(untaught_fields(load_project("notes", root=tmp_path)))
    assert len(told) == (more is not None)
    assert all(f"asks `small` for {more}, which the export `made` does not teach" in line for line in told)
