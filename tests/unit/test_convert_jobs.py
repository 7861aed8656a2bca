"""Jobs of ml_filter as studies: every key is told of, nothing is lost and nothing overwritten."""

import numpy as np
import pytest
import yaml

from goldpan.cli import main
from goldpan.errors import StudyError
from goldpan.imports.classic.convert import convert_jobs
from goldpan.study.load import load_study
from tests.classic_files import write_classic
from tests.classic_jobs import ANNOTATION_LOCAL, ANNOTATION_SLURM, EMBEDDING_LOCAL, EMBEDDING_SLURM

ALL = {
    "embedding_job": EMBEDDING_LOCAL,
    "annotation_job": ANNOTATION_LOCAL,
    "embedding_slurm": EMBEDDING_SLURM,
    "annotation_slurm": ANNOTATION_SLURM,
}


@pytest.fixture
def jobs(tmp_path):
    """The job files by name."""
    paths = {}
    for name, text in ALL.items():
        paths[name] = tmp_path / f"{name}.yaml"
        paths[name].write_text(text)
    return paths


def keys_of(value, place=""):
    """Every key of a file that holds no mapping, by its path."""
    for key, one in value.items():
        at = f"{place}.{key}" if place else key
        if isinstance(one, dict):
            yield from keys_of(one, at)
        else:
            yield at


@pytest.mark.parametrize("name", ALL)
def test_each_key_is_told_of_and_those_that_are_left_stand_in_the_study(jobs, tmp_path, name):
    conversion = convert_jobs([jobs[name]], root=tmp_path)
    said = "\n".join(conversion.words())
    sections = {"local_settings", "slurm_settings"}
    for key in keys_of(yaml.safe_load(ALL[name])):
        if key not in sections:
            assert f"  {key}: " in said, f"nothing is said of {key}"
    text = conversion.files[conversion.study_file]
    left = [fate for fates in conversion.jobs.fates.values() for fate in fates if "left out" in fate.became]
    assert len(left) > 5 and all(f"  {fate.key}: " in text for fate in left)
    conversion.write()
    assert load_study(conversion.study_file).study == name


def test_what_an_embedding_job_says_is_in_the_study(jobs, tmp_path):
    made = convert_jobs([jobs["embedding_job"]], root=tmp_path).jobs
    assert made.study["sources"] == {"docs": {"files": ["corpus/web/**/*.jsonl"], "id": ["doc", "lang"]}}
    assert made.study["embeddings"]["classic"] == {
        "source": "docs",
        "model": "models/tiny",
        "text": "body",
        "max_length": 48,
        "block_size": 50,
        "on_long": "truncate",
        "compute_dtype": "float32",
        "storage_dtype": "float32",
        "labels": ["score"],
        "label_dtype": "int8",
        "group": "train",
        "compression": "gzip",
    }
    unknown = {fate.key for fate in made.unknown}
    assert unknown == {"params.favourite_colour", "local_settings.nap_minutes", "wandb_project"}


def test_unknown_keys_are_kept_with_their_values(jobs, tmp_path):
    conversion = convert_jobs([jobs["embedding_job"]], root=tmp_path)
    text = conversion.files[conversion.study_file]
    assert "#   params.favourite_colour: blue (NOT KNOWN)" in text
    assert "3 keys are not known" in "\n".join(conversion.words())


def test_a_job_of_known_models_states_how_they_pool(jobs, tmp_path):
    jobs["embedding_job"].write_text(EMBEDDING_LOCAL.replace("models/tiny", "jhu-clsp/mmBERT-base"))
    made = convert_jobs([jobs["embedding_job"]], root=tmp_path).jobs
    embedding = made.study["embeddings"]["classic"]
    assert (embedding["pooling"], embedding["normalize"]) == ("mean", True)
    assert any("over padding, too" in note for note in made.notes)


def test_an_annotation_job_alone_annotates_the_rows_of_its_hdf5(jobs, tmp_path):
    made = convert_jobs([jobs["annotation_job"]], root=tmp_path, model="lab/m").jobs
    assert made.study["sources"]["rows"]["format"] == "hdf5"
    embedding = made.study["embeddings"]["classic"]
    assert (embedding["layout"], embedding["model"]) == ("ml_filter", "lab/m")
    assert made.study["annotated"]["scored"] == {
        "embedding": "classic",
        "regression_head_checkpoints": {"Edu_Gemma": "ckpt/final", "Edu_Llama": "ckpt/final"},
        "output_keys": ["document_id", "labels"],
    }
    assert any("score_Edu-Gemma is called score_Edu_Gemma" in note for note in made.notes)
    alone = convert_jobs([jobs["annotation_job"]], root=tmp_path).jobs
    assert any("does not say which model made the vectors" in note for note in alone.notes)


def test_both_jobs_are_one_study_whether_or_not_the_embeddings_are_there(jobs, tmp_path):
    both = [jobs["embedding_job"], jobs["annotation_job"]]
    to_make = convert_jobs(both, root=tmp_path).jobs.study
    assert list(to_make["sources"]) == ["docs"] and "files" not in to_make["embeddings"]["classic"]
    write_classic(tmp_path / "made/web_vectors/000_a.h5", ["a__de"], np.zeros((1, 4), "f4"))
    there = convert_jobs(both, root=tmp_path).jobs.study
    assert there["embeddings"]["classic"]["files"] == ["made/web_vectors/**/*.h5"]
    assert there["embeddings"]["classic"]["document_id"] == ["doc", "lang"]
    assert there["annotated"]["scored"]["embedding"] == "classic"
    jobs["annotation_job"].write_text(ANNOTATION_LOCAL.replace("made/web_vectors", "elsewhere"))
    apart = convert_jobs(both, root=tmp_path).jobs
    assert set(apart.study["embeddings"]) == {"classic", "existing"}
    assert any("is not where the embedding job writes" in note for note in apart.notes)


@pytest.mark.parametrize("model", ["models/tiny", "Snowflake/snowflake-arctic-embed-m-v2.0"])
def test_keys_that_embeddings_which_are_there_do_not_have_are_told_as_left_out(jobs, tmp_path, model):
    jobs["embedding_job"].write_text(
        EMBEDDING_LOCAL.replace("models/tiny", model).replace("model_dtype: float32", "model_dtype: bfloat16")
    )
    both = [jobs["embedding_job"], jobs["annotation_job"]]
    to_make = convert_jobs(both, root=tmp_path)
    assert any("compute_dtype" in note for note in to_make.jobs.notes)
    assert any("trust_remote_code" in note for note in to_make.jobs.notes) == (model != "models/tiny")
    write_classic(tmp_path / "made/web_vectors/000_a.h5", ["a__de"], np.zeros((1, 4), "f4"))
    conversion = convert_jobs(both, root=tmp_path)
    made, text = conversion.jobs, conversion.files[conversion.study_file]
    embedding = made.study["embeddings"]["classic"]
    for fate in made.fates[jobs["embedding_job"]]:
        if fate.became.startswith("embeddings.classic."):
            assert fate.became.removeprefix("embeddings.classic.") in embedding, fate.key
    for key in ("writer_batch_size", "model_dtype", "embedding_dtype", "label_dtype", "compression"):
        (fate,) = (f for f in made.fates[jobs["embedding_job"]] if f.key == f"params.{key}")
        assert fate.became == "left out: the vectors are there, nothing is embedded"
        assert f"#   params.{key}: {fate.value} ({fate.became})" in text
    assert not any(key in note for note in made.notes for key in ("compute_dtype", "trust_remote_code"))
    assert load_study_text(conversion) == made.study


def load_study_text(conversion):
    """The study as it stands in its file, which is a valid one."""
    conversion.write()
    assert load_study(conversion.study_file).study == conversion.name
    return yaml.safe_load(conversion.study_file.read_text())


def test_a_slurm_job_has_a_profile(jobs, tmp_path):
    conversion = convert_jobs([jobs["embedding_slurm"]], root=tmp_path)
    assert conversion.profile == tmp_path / "profiles" / "embedding_slurm"
    assert conversion.jobs.profile == {
        "default-resources": {
            "slurm_partition": "fast",
            "qos": "normal",
            "slurm_account": "acc",
            "slurm_extra": "'--mail-user=me@example.org --exclusive=user --mem-bind=local'",
        },
        "jobs": 8,
        "set-resources": {"embed": {"runtime": "1710 * attempt", "mem_mb": "262144 * attempt"}},
        "set-threads": {"embed": 32},
    }
    assert {fate.key for fate in conversion.jobs.unknown} == {
        "params.favourite_colour",
        "slurm_settings.coffee",
    }


def test_early_jobs_without_sections_are_read(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(
        "embeddings_directory: /data/e\noutput_dir: /data/o\nbatch_size: 10\n"
        "regression_head_checkpoints: {edu: /c/edu.ckpt}\n"
        "slurm: {partition: p, time: '00:30:00', workers: -1}\n"
    )
    conversion = convert_jobs([path], root=tmp_path)
    assert conversion.jobs.study["embeddings"]["classic"]["files"] == ["/data/e/**/*.h5"]
    assert conversion.jobs.profile["set-resources"]["annotate"]["runtime"] == "30 * attempt"
    assert "jobs" not in conversion.jobs.profile


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("params: {x: 1}\n", "no embedding or annotation job"),
        ("study: a\nsources: {}\n", "no embedding or annotation job"),
        ("params: [1]\n", "`params` must be a mapping"),
        ("params: {embedding_model: '${nowhere}'}\n", "stands for nothing"),
        ("params: {embedding_model: '${oc.env:GOLDPAN_NO_SUCH}'}\n", "stands for nothing here"),
        ("params: {embedding_model: '${params.embedding_model}'}\n", "in a circle"),
        ("params: {embedding_model: '${params.embedding_model}x'}\n", "in a circle"),
        ("params: {embedding_model: m, model_dtype: int4}\n", "compute_dtype"),
        ("params: {embedding_model: m, max_length: many}\n", "max_length"),
        ("params: {embedding_model: m}\nslurm: {time: soon}\n", "no time of Slurm"),
        ("not yaml: [", "not valid YAML"),
        ("- a\n", "must be a mapping"),
    ],
)
def test_what_is_no_job_is_refused_with_its_place(tmp_path, text, said):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as refused:
        convert_jobs([path], root=tmp_path)
    assert said in str(refused.value)


def test_defaults_of_references_are_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDPAN_HERE", "m/n")
    path = tmp_path / "job.yaml"
    path.write_text(
        "params: {embedding_model: '${oc.env:GOLDPAN_HERE}', input_dir: '${oc.env:NO_SUCH,in}', n: [1],"
        " glob_pattern: '${.x}', x: '*.jsonl'}\n"
    )
    study = convert_jobs([path], root=tmp_path).jobs.study
    assert study["embeddings"]["classic"]["model"] == "m/n"
    assert study["sources"]["docs"]["files"] == ["in/*.jsonl"]


def test_no_secret_of_a_job_is_printed_or_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_hidden1")
    monkeypatch.setenv("MY_SECRET", "hidden2")
    job = yaml.safe_load(EMBEDDING_LOCAL)
    job["params"] |= {
        "hf_token": "${oc.env:HF_TOKEN}",
        "wandb_api_key": "hidden3",
        "logging": {"password": "hidden4", "host": "logs-${oc.env:MY_SECRET}"},
    }
    path = tmp_path / "embedding_job.yaml"
    path.write_text(yaml.safe_dump(job))
    conversion = convert_jobs([path], root=tmp_path)
    conversion.write()
    told = "\n".join(conversion.words()) + conversion.study_file.read_text()
    assert "hidden" not in told
    for key in ("hf_token", "wandb_api_key", "logging"):
        assert f"params.{key}: " in told


def test_the_command_overwrites_nothing_unasked(jobs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["convert", str(jobs["embedding_slurm"])]
    assert main([*command, "--dry-run"]) == 0
    assert not (tmp_path / "config").exists() and "not written" in capsys.readouterr().out
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "params.batch_size: 128 -> left out: batches are made by their tokens" in said
    assert "goldpan run --study embedding_slurm --profile slurm --profile profiles/embedding_slurm" in said
    assert main(command) == 0
    assert "was there already" in capsys.readouterr().out
    study = tmp_path / "config/studies/embedding_slurm.yaml"
    mine = study.read_text() + "# mine\n"
    study.write_text(mine)
    assert main(command) == 1
    assert "says something else; nothing was written" in capsys.readouterr().err
    assert study.read_text() == mine
    assert main([*command, "--name", "other"]) == 0
    assert main([*command, "--force"]) == 0
    assert study.read_text() != mine
