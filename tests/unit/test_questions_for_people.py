"""Title, question and keywords of a feature: for people only, and frozen with what is given out."""

import pytest
import yaml

from goldpan.errors import TaskError
from goldpan.study import load_project
from goldpan.tasks.features import parse_feature
from goldpan.tasks.schema import tool
from goldpan.tasks.task import load_task
from goldpan.waves.steps.run import WaveRun
from tests.projects import TOPIC_TASK
from tests.wave_builders import TONE, codebook, make_project

WORDS = {"title": "Tone", "question": "How does it sound?", "keywords": ["broke*", "back again"]}


def task_with(folder, **changes):
    feature = {"name": "tone", "type": "binary", "description": "Is it kind?", **changes}
    content = {"task": "t", "description": "d", "features": [feature], "prompt": {"user": "t.j2"}}
    (folder / "t.yaml").write_text(yaml.safe_dump(content))
    (folder / "t.j2").write_text("{{ data.text }}")
    return load_task("t", folder)


def test_words_for_people_change_neither_the_task_nor_what_the_llm_is_asked(tmp_path):
    plain, worded = task_with(tmp_path), task_with(tmp_path, **WORDS)
    assert worded.features[0].question == "How does it sound?"
    assert plain.hash == worded.hash
    # As it was before there were such words.
    assert plain.hash == "ae02f069480fa0eb055054ef554ed0e485ac2cb237d2b3fd9f2e4fe5cee59341"
    assert tool(plain) == tool(worded)


@pytest.mark.parametrize("key", list(WORDS))
def test_a_codebook_with_other_words_is_another_one(key):
    assert codebook(TONE.model_copy(update={key: WORDS[key]})).hash != codebook(TONE).hash


def test_a_codebook_without_them_is_the_one_it_was():
    assert codebook(TONE).short_hash == "efb516894b93"


@pytest.mark.parametrize("keyword", ["", "  ", "*", "a*b"])
def test_a_keyword_needs_letters_and_a_star_at_most_at_its_end(keyword):
    feature = {"name": "tone", "type": "binary", "description": "d", "keywords": [keyword]}
    with pytest.raises(TaskError, match="keywords"):
        parse_feature(feature, "here")


def test_a_wave_given_out_keeps_its_words(tmp_path):
    project = make_project(tmp_path, formats=["html"])
    run = WaveRun(load_project(root=project.root), "check")
    run.draw()
    before = dict(run.sheets_of(run.draw_given_out()))
    first, *others = TOPIC_TASK["features"]
    project.write_task({**TOPIC_TASK, "features": [{**first, "question": "What is it about?"}, *others]})
    later = WaveRun(load_project(root=project.root), "check")
    assert later.study_codebook.hash != later.codebook.hash
    assert dict(later.sheets_of(later.draw_given_out())) == before
