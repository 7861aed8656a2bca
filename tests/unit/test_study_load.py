"""Loading study and project files: what is accepted, and what each mistake is told."""

import pytest

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.study.load import load_project, load_study
from goldpan.study.provider import PROVIDER_MODELS

STUDY = """\
study: s
sources:
  a: {files: x.jsonl}
providers:
  p: {kind: local}
stages:
  one: {input: {source: a}, task: t, provider: p, model: m}
"""


@pytest.fixture
def write(tmp_path):
    """Write a study file; returns its path."""

    def write(content, name="s.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_one_name_may_stand_for_a_list_of_one(write):
    study = load_study(write(STUDY))
    assert study.sources["a"].files == ["x.jsonl"]
    assert study.stages["one"].input.source == ["a"]
    assert [choice.task for choice in study.stages["one"].task] == ["t"]


def test_stages_lead_to_the_sources_of_the_stages_they_read(write):
    study = load_study(write(STUDY + "  two: {input: {stage: one}, task: t, provider: p, model: m}\n"))
    assert study.sources_of("two") == ["a"]


def test_a_block_may_be_merged_into_another(write):
    merged = STUDY.replace("one: {", "one: &one {") + "  two: {<<: *one, model: other}\n"
    assert load_study(write(merged)).stages["two"].model == "other"


def test_a_byte_order_mark_does_no_harm(write):
    assert load_study(write(b"\xef\xbb\xbf" + STUDY.encode())).study == "s"


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("task: t", "tsk: t", "stages.one.task: this key is required"),
        ("task: t", "tsk: t", "stages.one.tsk: no such key; allowed: kind, input, task, provider, mode, "),
        ("files: x", "file: x", "sources.a.file: no such key; allowed: files, format, id, fields"),
        (
            "model: m",
            "model: m, limits: {request: 1}",
            "one.limits.request: no such key; allowed: requests, ",
        ),
        ("task: t", "task: [{tsk: t}]", "stages.one.task.0.tsk: no such key; allowed: task, when"),
        ("study: s", "study: s\nsource: {}", "source: no such key; allowed: study, description, sources, "),
        ("study: s\n", "", "study: this key is required"),
        ("model: m", "model: 4", "stages.one.model: Input should be a valid string (given: 4)"),
        (
            "model: m",
            "model: m, samples: 0",
            "stages.one.samples: Input should be greater than or equal to 1",
        ),
        ("model: m", "model: m, budget_usd: much", "one.budget_usd: Input should be a valid number"),
        ("model: m", "model: m, output: xml", "one.output: Input should be 'tool', 'json_schema' or 'text'"),
        ("model: m", "model: m, tables: xlsx", "one.tables: Input should be 'csv' (given: 'xlsx')"),
        ("model: m", "model: m, params: {stream: true}", "one.params: stream is set by goldpan"),
        ("task: t", "task: []", "stages.one.task: List should have at least 1 item"),
        (
            "kind: local",
            "kind: locl",
            f"p.kind: must be one of {', '.join(map(repr, PROVIDER_MODELS))} (given: 'locl')",
        ),
        (
            "kind: local",
            "kind: local, base_url: u",
            "providers.p: base_url does not go with kind: local (base_url is a key of kind: openai, litellm)",
        ),
        ("kind: local", "kind: replay, folder: f", "(folder is a key of kind: local, transformers, vllm)"),
        ("kind: local", "kind: local, foldr: f", "providers.p.foldr: no such key; allowed: kind, folder"),
        ("kind: local", "folder: f", "providers.p.kind: this key is required"),
        ("kind: local", "kind: local, folder: 3", "providers.p.folder: Input should be a valid string"),
        ("  a: ", "  1a: ", "sources.1a: '1a' is not a name: a letter (a to z), then letters, digits"),
        ("  a: ", "  ../a: ", "'../a' is not a name"),
        ("study: s", "study: ..", "study: '..' is not a name"),
        ("source: a", "source: b", "stages.one.input.source: there is no source `b`; there are: a"),
        ("source: a", "stage: no", "stages.one.input.stage: "),
        ("source: a", "stage: one", "stages.one.input.stage: `one` must stand before `one`"),
        ("provider: p", "provider: q", "stages.one.provider: there is no provider `q`; there are: p"),
        ("source: a", "source: a, where: x == 1", "input: `where` filters the features of an earlier stage"),
        ("source: a", "source: a, stage: z", "stages.one.input: give either `source` or `stage`"),
        ("{source: a}", "{}", "stages.one.input: give either `source` or `stage`"),
        ("x.jsonl", "x.jsonl, fields: {a: int}", "a.fields.a: Input should be 'string', 'integer', 'number'"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_what_is_allowed(write, right, wrong, says):
    path = write(STUDY.replace(right, wrong, 1))
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)


def test_all_mistakes_of_a_file_are_told_at_once(write):
    content = STUDY.replace("task: t", "tsk: t").replace("kind: local", "kind: locl")
    with pytest.raises(StudyError, match=r"(?s)providers\.p\.kind.*stages\.one\.task"):
        load_study(write(content))


def test_a_key_written_in_place_of_the_name_of_its_variable_is_not_repeated(write):
    secret = "sk-proj-1234"
    content = STUDY.replace("kind: local", f"kind: openai, api_key_env: {secret}")
    with pytest.raises(StudyError, match="must be the name of an environment variable") as caught:
        load_study(write(content))
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (STUDY + "study: again\n", ", line 8, column 1: not valid YAML: key `study` is given twice"),
        ("study: [s\nsources: {}\n", ", line 2, column 8: not valid YAML"),
        ("study:\ts\n", ", line 1, column 7: not valid YAML"),
        ("study: !!python/object/apply:os.getcwd []\n", ", line 1, column 8: not valid YAML"),
        ("study: \x00", "not valid YAML"),
        ("study: " + "[" * 3_000, ", line 1, column 72: not valid YAML: nested more than 64"),
        ("- a\n- b\n", "must be a mapping of keys to values"),
        ("", "must be a mapping of keys to values"),
        (b"study: s\nname: caf\xe9\n", ", line 2: cannot be read: not UTF-8"),
    ],
)
def test_a_file_that_is_not_yaml_names_the_line(write, content, says):
    path = write(content)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert str(path) + says in str(caught.value) or f"{path}: {says}" in str(caught.value)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(StudyError, match=r"gone\.yaml: there is no such file"):
        load_study(tmp_path / "gone.yaml")


def test_an_unknown_study_lists_those_there_are(write, tmp_path):
    write(STUDY, "config/studies/one.yaml")
    write(STUDY, "config/studies/two.yaml")
    with pytest.raises(StudyError, match="there is no study `three`; there are: one, two"):
        load_project("three", root=tmp_path)


def test_the_project_file_names_the_study_and_the_places(write, tmp_path):
    write(STUDY, "config/studies/s.yaml")
    write("study: s\nledger: keep/answers.sqlite\nresults: made\n", "config/config.yaml")
    project = load_project(root=tmp_path)
    assert project.ledger == tmp_path / "keep" / "answers.sqlite"
    assert project.paths.features("one") == "made/s/stages/one/features.jsonl"


def test_places_given_by_the_caller_win_over_the_project_file(write, tmp_path):
    write(STUDY, "config/studies/s.yaml")
    write("study: other\nledger: l\nresults: r\n", "config/config.yaml")
    project = load_project("s", root=tmp_path, ledger="mine.sqlite", results="mine")
    assert (project.ledger, project.paths.results) == (tmp_path / "mine.sqlite", "mine")


def test_an_unknown_setting_of_the_project_is_an_error(write, tmp_path):
    write(STUDY, "config/studies/s.yaml")
    write("study: s\nresult: r\n", "config/config.yaml")
    with pytest.raises(
        StudyError, match=r"config\.yaml.*\n  result: no such key; allowed: study, ledger, res"
    ):
        load_project(root=tmp_path)


def test_paths_start_from_the_folder_above_config(write, tmp_path):
    path = write(STUDY, "deep/config/studies/s.yaml")
    assert load_project(str(path), root="/").root == tmp_path / "deep"


def test_a_study_file_outside_a_project_starts_from_its_own_folder(write, tmp_path):
    path = write(STUDY, "elsewhere/s.yaml")
    assert load_project(str(path), root="/").root == tmp_path / "elsewhere"


def test_a_wrong_reference_is_told_beside_a_slip_in_the_same_entry(write):
    study = """\
study: s
sources:
  a: {files: x.jsonl}
providers:
  p: {kind: openai, api_key_env: KEY, base_ur: x}
stages:
  one: {input: {source: gone}, task: t, provider: p, model: m, limits: {request: 3}}
  two: {input: {source: gone}, task: [{task: t, whn: x}], provider: p, model: m}
  three: {input: {source: gone}, task: t, provider: p, model: m, max_rounds: many}
waves:
  w: {stage: lost, annotators: [x, y], sample: 3, gold: {grp: x}}
  v: {stage: lost, annotators: [x, y], sample: 3, seed: some}
"""
    wrong = ErrorGatherer()
    load_study(write(study), wrong)
    said = "\n".join(str(error) for error in wrong.errors)
    for slip in ("base_ur", "limits.request", "task.0.whn", "max_rounds", "gold.grp", "v.seed"):
        assert slip in said
    for name in ("one", "two", "three"):
        assert f"stages.{name}.input.source: there is no source `gone`; there are: a" in said
    for name in ("w", "v"):
        assert f"waves.{name}.stage: there is no stage `lost`" in said
    # What is right is not accused because something beside it is wrong.
    assert "provider `p`" not in said
