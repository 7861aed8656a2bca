"""A LoRA training: it learns, it can be killed, one seed gives the same bytes, nothing leaves the machine."""

import json
import os
import pickle
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from goldpan.errors import FineTuneError
from goldpan.files import read_json, sha256_file, write_json
from goldpan.finetune.checkpoints import checkpoints_folder
from goldpan.finetune.rows import read_training_rows
from goldpan.finetune.train import fine_tune
from goldpan.finetune.training_report import read_training_report
from goldpan.study.finetune import FineTune
from tests.finetune_builders import (
    TrainingProcess,
    right_answers,
    toy_rows,
    toy_settings,
    write_rows,
    write_toy_data,
)
from tests.tiny_llm import make_tiny_llm

pytest.importorskip("trl", reason="fine-tuning needs the extra `finetune`")

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_tiny_llm(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_toy_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, model, data):
    """The folder of a training that nothing disturbed, in a process that may not use the network."""
    folder = tmp_path_factory.mktemp("trained") / "toy"
    TrainingProcess(toy_settings(model), data, folder).ended()
    return folder


@pytest.fixture(scope="module")
def report(trained):
    return read_training_report(trained / "training.json")


def train_here(model, data, folder, **changed):
    return fine_tune("toy", FineTune.model_validate(toy_settings(model, **changed)), data, folder)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for part in ("adapter", "merged")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and path.name != "README.md"
    }


def test_the_loss_falls_on_what_is_learned_and_on_what_is_not(report):
    losses = [entry.loss for entry in report.losses]
    assert len(losses) == report.steps == report.losses[-1].step
    assert sum(losses[-5:]) / 5 < 0.3 * losses[0]
    assert report.valid_loss < 0.3 * report.untuned_valid_loss
    assert report.valid_losses[0].step == 0 and report.valid_losses[0].loss == report.untuned_valid_loss
    assert report.valid_loss == min(loss.loss for loss in report.valid_losses[1:])


def test_the_tuned_model_beats_the_untuned_one_on_rows_it_never_saw(model, trained):
    rows = toy_rows(30, seed=3)
    assert right_answers(trained / "merged", rows) >= right_answers(model, rows) + 0.5


def test_the_loss_that_is_told_is_that_of_the_answers_alone(trained, data, report):
    """Computed anew with plain transformers, from the text that the template adds for the answer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(trained / "merged")
    model = AutoModelForCausalLM.from_pretrained(trained / "merged")
    total, count = 0.0, 0
    for row in read_training_rows(data["valid"], "valid.jsonl"):
        asked = tokenizer.apply_chat_template(row.prompt, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(asked + row.completion[0]["content"] + "<|im_end|>", return_tensors="pt")["input_ids"]
        first = len(tokenizer(asked)["input_ids"])
        with torch.no_grad():
            scores = model(ids).logits[0, first - 1 : -1].log_softmax(-1)
        total -= scores.gather(1, ids[0, first:, None]).sum().item()
        count += ids.shape[1] - first
    assert report.data["valid"].completion_tokens == count
    assert report.merged_valid_loss == pytest.approx(total / count, abs=1e-4)
    assert report.merged_valid_loss == pytest.approx(report.valid_loss, abs=1e-4)


def test_peft_loads_the_adapter_over_the_base(model, trained, report):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model), trained / "adapter")
    assert tuned.peft_config["default"].r == 16
    assert report.adapter_sha256 == sha256_file(trained / "adapter" / "adapter_model.safetensors")


def test_killed_in_the_middle_it_goes_on_and_ends_as_if_nothing_had_been(
    tmp_path, model, data, trained, report
):
    folder = tmp_path / "toy"
    first = TrainingProcess(toy_settings(model), data, folder, stop_at="checkpoint_finished")
    first.kill_where_it_stops()
    assert not (folder / "adapter").exists() and not (folder / "training.json").exists()
    (checkpoints,) = checkpoints_folder(folder).iterdir()
    (whole,) = checkpoints.iterdir()
    # What a job that is killed while it writes leaves, and what others may put there: none of it is read.
    shutil.copytree(whole, checkpoints / "checkpoint-24")
    with (checkpoints / "checkpoint-24" / "optimizer.pt").open("r+b") as handle:
        handle.truncate(1000)
    (checkpoints / "checkpoint-999").mkdir()
    (checkpoints / "checkpoint-999" / "optimizer.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    said = TrainingProcess(toy_settings(model), data, folder).ended()
    assert "goes on after step 12" in said
    assert not (tmp_path / "exploded").exists()
    assert files_of(folder) == files_of(trained)
    resumed = read_training_report(folder / "training.json")
    assert resumed.losses == report.losses and resumed.valid_losses == report.valid_losses


def test_a_finished_training_is_not_done_again(model, data, trained, tmp_path, report):
    folder = tmp_path / "toy"
    shutil.copytree(checkpoints_folder(trained), checkpoints_folder(folder))
    said = []
    settings = FineTune.model_validate(toy_settings(model))
    again = fine_tune("toy", settings, data, folder, say=said.append)
    assert len(said) == 1 and f"goes on after step {report.steps}" in said[0]
    assert files_of(folder) == files_of(trained)
    assert again.losses == report.losses and again.seconds == report.seconds


def test_checkpoints_of_other_settings_data_or_weights_are_not_gone_on_with(tmp_path, data, model):
    quick = {"epochs": 1, "gradient_accumulation": 8, "lora": {"rank": 2}}
    other_data = {**data, "train": write_rows(tmp_path / "train.jsonl", toy_rows(119, seed=1))}
    other_model = make_tiny_llm(tmp_path / "other", seed=5)
    adapters = []
    for base, rows, changed in (
        (model, data, {}),
        (model, data, {"seed": 1}),
        (model, other_data, {}),
        (other_model, data, {}),
    ):
        said = []
        settings = FineTune.model_validate(toy_settings(base, **quick, **changed))
        made = fine_tune("toy", settings, rows, tmp_path / "toy", say=said.append)
        assert "goes on" not in said[0]
        assert len([*checkpoints_folder(tmp_path / "toy").iterdir()]) == 1
        adapters.append(made.adapter_sha256)
    assert len({*adapters}) == 4


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_a_checkpoint_runs_no_code_even_if_its_manifest_is_forged(tmp_path, model, data, trained, name):
    folder = tmp_path / "toy"
    shutil.copytree(checkpoints_folder(trained), checkpoints_folder(folder))
    (checkpoints,) = checkpoints_folder(folder).iterdir()
    place, *later = sorted(checkpoints.iterdir())
    for other in later:
        shutil.rmtree(other)
    (place / name).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    manifest = read_json(place / "complete.json")
    manifest["files"][name] = sha256_file(place / name)
    write_json(place / "complete.json", manifest)
    with pytest.raises(FineTuneError, match="checkpoint"):
        train_here(model, data, folder)
    assert not (tmp_path / "exploded").exists()


def test_what_is_made_names_no_folder_of_this_machine(trained, model):
    told = [path for path in trained.rglob("*") if path.is_file() and ".checkpoints" not in path.parts]
    assert {path.name for path in told} >= {"card.md", "training.json", "curve.svg", "adapter_config.json"}
    for path in told:
        content = path.read_bytes()
        for secret in (str(trained.parent.parent), str(model.parent), f"{Path.home()}/"):
            assert secret.encode() not in content, path


def test_there_is_nothing_pickled_in_what_is_made(trained):
    names = {path.suffix for part in ("adapter", "merged") for path in (trained / part).rglob("*")}
    assert names <= {".safetensors", ".json", ".jinja", ".md"}


def test_the_card_and_the_curve_tell_what_the_report_tells(trained, report):
    card = (trained / "card.md").read_text()
    assert f"{report.valid_loss:.4f}" in card and "rank 16" in card and report.model["sha256"] in card
    assert (trained / "merged" / "README.md").read_text() == card
    picture = ElementTree.fromstring((trained / "curve.svg").read_text())
    lines = [part for part in picture.iter() if part.tag.endswith("polyline")]
    assert [len(line.get("points").split()) for line in lines] == [report.steps, len(report.valid_losses)]


def test_training_stops_when_valid_gets_no_better_and_keeps_the_best(tmp_path, model, data):
    # Wrong answers: the better the model learns them, the worse it is on valid.
    wrong = [
        {**row, "completion": [{"role": "assistant", "content": {"yes": "no", "no": "yes"}[answer]}]}
        for row in toy_rows(60, seed=4)
        for answer in [row["completion"][0]["content"]]
    ]
    rows = {**data, "train": write_rows(tmp_path / "train.jsonl", wrong)}
    folder = tmp_path / "toy"
    report = train_here(model, rows, folder, epochs=40, eval_steps=4, patience=2, learning_rate=0.01)
    steps = [loss.step for loss in report.valid_losses]
    assert report.stopped_early and report.steps < report.planned_steps
    assert report.best_step == steps[-3]
    assert (
        report.valid_loss == report.valid_losses[-3].loss == pytest.approx(report.merged_valid_loss, abs=1e-4)
    )
    # A job that is killed after that finds the training finished.
    again = train_here(model, rows, folder, epochs=40, eval_steps=4, patience=2, learning_rate=0.01)
    assert again == report


def test_memory_that_runs_out_halves_the_batches_and_changes_no_step(tmp_path, model, data):
    """The model says itself that memory has run out, as a GPU does, for more than 300 tokens at once."""
    tight = tmp_path / "tight"
    shutil.copytree(model, tight)
    (tight / "modeling_tight.py").write_text(TIGHT)
    config = read_json(tight / "config.json")
    code = {"AutoModelForCausalLM": "modeling_tight.TightForCausalLM"}
    write_json(tight / "config.json", config | {"auto_map": code, "architectures": ["TightForCausalLM"]})
    quick = {"epochs": 2, "lora": {"rank": 4}}
    roomy = train_here(model, data, tmp_path / "roomy", **quick)
    report = train_here(tight, data, tmp_path / "toy", trust_remote_code=True, **quick)
    assert report.batch_tokens <= 300 < roomy.batch_tokens
    assert any("Memory ran out" in warning for warning in report.warnings)
    assert [entry.step for entry in report.losses] == [entry.step for entry in roomy.losses]
    assert [entry.loss for entry in report.losses] == pytest.approx(
        [entry.loss for entry in roomy.losses], abs=1e-4
    )
    (tight / "modeling_tight.py").write_text(TIGHT.replace("300", "20"))
    with pytest.raises(FineTuneError, match="memory does not suffice for one row"):
        train_here(tight, data, tmp_path / "none", trust_remote_code=True, **quick)


TIGHT = """
import torch
from transformers import LlamaForCausalLM, LlamaModel


class TightModel(LlamaModel):
    def forward(self, input_ids=None, **others):
        if input_ids.numel() > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(input_ids=input_ids, **others)


class TightForCausalLM(LlamaForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        self.model = TightModel(config)
        self.post_init()
"""


def test_a_model_whose_input_and_output_are_one_matrix_stays_so(tmp_path, data):
    from safetensors.torch import load_file

    tied = make_tiny_llm(tmp_path / "tied", tied=True)
    assert "lm_head.weight" not in load_file(tied / "model.safetensors")
    report = train_here(tied, data, tmp_path / "toy", epochs=2)
    assert report.merged_valid_loss == pytest.approx(report.valid_loss, abs=1e-4)
    assert report.valid_loss < report.untuned_valid_loss
    assert "lm_head.weight" not in load_file(tmp_path / "toy" / "merged" / "model.safetensors")


def test_bfloat16_weights_are_trained_in_float32_and_merged_as_they_were(tmp_path, model, data):
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    half = tmp_path / "half"
    shutil.copytree(model, half)
    AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).save_pretrained(half)
    report = train_here(half, data, tmp_path / "toy", epochs=2, compute_dtype="bfloat16")
    assert report.valid_loss < report.untuned_valid_loss
    adapter = load_file(tmp_path / "toy" / "adapter" / "adapter_model.safetensors")
    merged = load_file(tmp_path / "toy" / "merged" / "model.safetensors")
    assert {tensor.dtype for tensor in adapter.values()} == {torch.float32}
    assert {tensor.dtype for tensor in merged.values()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lora": {"target_modules": ["query"]}}, r"no module `query`; it has down_proj, gate_proj, k_proj"),
        ({"lora": {"target_modules": ["lm_head"]}}, "modules_to_save"),
        ({"lora": {"modules_to_save": ["wte"]}}, "no module `wte`; it has .*embed_tokens"),
        ({"max_length": 5000}, "positions for 4096 tokens"),
        ({"max_length": 20}, r"120 of 120 rows have more than 20 tokens: line 1 \(\d+ tokens\)"),
        ({"max_length": 20, "on_long": "skip"}, "no rows to learn from: all 120 rows are too long"),
    ],
)
def test_settings_that_do_not_fit_are_told(tmp_path, model, data, changed, said):
    with pytest.raises(FineTuneError) as error:
        train_here(model, data, tmp_path / "toy", **changed)
    assert re.search(said, str(error.value)), error.value
    assert not (tmp_path / "toy" / "adapter").exists()


@pytest.mark.parametrize(("split", "said"), [("train", "to learn from"), ("valid", "says when to stop")])
def test_an_empty_split_is_told(tmp_path, model, data, split, said):
    rows = {**data, split: write_rows(tmp_path / f"{split}.jsonl", [])}
    with pytest.raises(FineTuneError, match=said):
        train_here(model, rows, tmp_path / "toy")


def test_rows_that_were_changed_after_their_export_are_not_learned(tmp_path, model, data):
    rows = {split: write_rows(tmp_path / f"{split}.jsonl", toy_rows(8, seed=3)) for split in data}
    files = {path.name: {"sha256": sha256_file(path)} for path in rows.values()}
    (tmp_path / "card.json").write_text(json.dumps({"files": files}))
    rows["train"].write_text(rows["train"].read_text().replace("yes", "no"))
    with pytest.raises(FineTuneError, match=r"train\.jsonl: the file is not what was exported"):
        train_here(model, rows, tmp_path / "toy", epochs=1)


def test_a_long_row_is_left_out_and_listed_but_never_cut(tmp_path, model, data):
    rows = toy_rows(40, seed=6)
    rows[6]["prompt"][1]["content"] *= 30
    long = {**data, "train": write_rows(tmp_path / "train.jsonl", rows)}
    report = train_here(model, long, tmp_path / "toy", epochs=1, max_length=200, on_long="skip")
    assert [(row.split, row.line) for row in report.left_out] == [("train", 7)]
    assert report.left_out[0].tokens > 200 and report.data["train"].rows == 39
    assert "left out" in (tmp_path / "toy" / "card.md").read_text()


def test_a_loss_that_is_no_number_is_told(tmp_path, model, data):
    import torch
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = torch.nan
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(FineTuneError, match="not a number"):
        train_here(broken, data, tmp_path / "toy")
