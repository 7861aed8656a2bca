"""What is exploded, grouped by, filtered by and named in prompts is checked before anything is paid."""

import pytest

from goldpan.batches.check import check_stages
from goldpan.batches.prompt_check import check_prompts
from goldpan.chains.check import check_local_stages
from goldpan.errors import GoldpanError, StudyError
from goldpan.workflow.before_run import check_before_run
from tests.mention_projects import MENTIONS_TASK, loaded, mentions_project, mentions_study


def complaint(root, study=None, **files):
    """What is said of a project before it runs, in one text."""
    project = mentions_project(root / "project", study)
    for name, text in files.items():
        project.write(f"config/tasks/{name}.user.j2", text)
    with pytest.raises(GoldpanError) as caught:
        list(check_stages(loaded(project)))
    with pytest.raises(GoldpanError):
        check_before_run(loaded(project))
    return str(caught.value)


def test_a_study_that_explodes_and_groups_is_sound(tmp_path):
    project = loaded(mentions_project(tmp_path / "project"))
    assert [stage.name for stage in check_stages(project)] == ["extraction", "judge", "paper"]
    assert check_before_run(project) == []


@pytest.mark.parametrize(
    ("explode", "says"),
    [
        ("mentoins", "the stage `extraction` has no feature `mentoins`; did you mean `mentions`?"),
        ("length", "`length` of `extraction` is a score, of which there are no items"),
    ],
)
def test_only_lists_that_are_there_can_be_exploded(tmp_path, explode, says):
    said = complaint(tmp_path, mentions_study(judge={"explode": explode}))
    assert says in said
    assert "stages.judge.input.explode" in said
    assert "name an extraction or a multilabel: mentions, topics" in said


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("item.raw_nam == 'x'", "`item` has no `raw_nam`; did you mean `raw_name`?"),
        ("item.context == 'primery'", "has no label 'primery'; did you mean `primary`?"),
        ("item.year == 'old'", "`item.year` is a number and cannot be compared with 'old'"),
        ("item == 1", "`item` is an object"),
        ("itme.year == 1", "there is no feature `itme`; did you mean `item`?"),
        ("answers.extraction.lenght > 1", "`answers.extraction` has no `lenght`; did you mean `length`?"),
        ("answers.extractoin.length > 1", "`answers` has no `extractoin`; did you mean `extraction`?"),
        ("answers.extraction.length > 7", "goes from 0 to 3"),
        ("count < 1", "it cannot be compared with < 1"),
    ],
)
def test_a_filter_names_what_an_item_has(tmp_path, where, says):
    assert says in complaint(tmp_path, mentions_study(judge={"where": where}))


@pytest.mark.parametrize(
    "where",
    [
        "item.context == 'primary' and (item.year is None or item.year > 1999)",
        "length >= 2 and 'health' in topics and count > 1 and parent != 'p1'",
        "answers.extraction.length == 3 and data.text != '' and mentions",
    ],
)
def test_a_filter_may_name_item_parent_count_and_earlier_features(tmp_path, where):
    project = mentions_project(tmp_path / "project", mentions_study(judge={"where": where}))
    list(check_stages(loaded(project)))


def test_where_nothing_is_exploded_there_is_no_item(tmp_path):
    study = mentions_study(judge={"where": "item.year > 1"})
    del study["stages"]["judge"]["input"]["explode"]
    del study["stages"]["paper"]
    assert "there is no feature `item`" in complaint(tmp_path, study, judge="{{ data.text }}")


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("{{ item.raw_nmae }}", "`item.raw_nmae`: `item` has no `raw_nmae`; did you mean `raw_name`?"),
        ("{{ itm.raw_name }}", "`itm` is not defined; did you mean `item`?"),
        ("{{ answers.extraction.lenght }}", "the stage `extraction` has no feature `lenght`"),
        ("{{ answers.extraction.mentions }}", "`mentions` was exploded"),
        ("{{ item.raw_name }} {{ children }}", "`children` is not defined"),
        ("{{ item.raw_name }} {{ neighbours.before }}", "`neighbours` is not defined"),
        ("{{ item.raw_name }} {{ outer.item }}", "`outer` is not defined"),
    ],
)
def test_a_prompt_names_what_an_item_has(tmp_path, prompt, says):
    assert says in complaint(tmp_path, judge=prompt)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("{{ item.raw_name }}", "`item` is not defined"),
        ("{{ childern }}", "`childern` is not defined; did you mean `children`?"),
        ("{{ answers.judge.valid }}", "what `judge` answered stands with each of the `children`"),
    ],
)
def test_a_prompt_about_a_group_names_its_children(tmp_path, prompt, says):
    assert says in complaint(tmp_path, paper=prompt)


def test_a_prompt_may_use_what_the_language_of_templates_has_by_itself(tmp_path):
    project = mentions_project(tmp_path / "project")
    prompt = (
        "{% macro line(child) %}{{ child.item.raw_name }}{% endmacro %}{% for child in children %}"
        "{{ loop.index }} {% if not loop.last %}{{ line(child) }}{% endif %}{% endfor %}"
        "{% set ns = namespace(n=0) %}{% set ns.n = 1 %}{{ ns.n }}"
    )
    project.write("config/tasks/paper.user.j2", prompt)
    assert check_before_run(loaded(project)) == []


def test_a_prompt_about_a_group_names_what_the_parent_answered(tmp_path):
    project = mentions_project(tmp_path / "project")
    project.write(
        "config/tasks/paper.user.j2", "{{ answers.extraction.length }} {{ data.text }} {{ children }}"
    )
    check_prompts(loaded(project))


def test_neighbours_are_there_where_they_are_asked_for(tmp_path):
    project = mentions_project(tmp_path / "project", mentions_study(judge={"neighbours": 1}))
    project.write(
        "config/tasks/judge.user.j2", "{% for page in neighbours.before %}{{ page.text }}{% endfor %}."
    )
    check_prompts(loaded(project))
    project.write("config/tasks/judge.user.j2", "{{ neighbours.befor }}.")
    with pytest.raises(GoldpanError, match="`neighbours` has no `befor`; did you mean `before`"):
        check_prompts(loaded(project))


def test_when_names_what_an_item_has(tmp_path):
    study = mentions_study()
    study["stages"]["judge"]["task"] = [{"task": "judge", "when": "item.context == 'primry'"}]
    assert "has no label 'primry'; did you mean `primary`?" in complaint(tmp_path, study)


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (["raw_nam"], "the items of `mentions` have no field `raw_nam`; did you mean `raw_name`?"),
        (["raw_name", "yaer"], "have no field `yaer`; did you mean `year`?"),
    ],
)
def test_by_names_fields_of_the_items(tmp_path, by, says):
    assert says in complaint(tmp_path, mentions_study(judge={"by": by}))


def test_labels_have_no_fields_to_go_by(tmp_path):
    study = mentions_study(judge={"explode": "topics", "by": ["raw_name"]})
    assert "are labels, which have no fields" in complaint(tmp_path, study, judge="{{ item }}")


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("item.raw_nam", "`item` has no `raw_nam`; did you mean `raw_name`?"),
        ("valud", "there is no `valud`; did you mean `valid`?"),
        ("answers.extraction.lenght", "`answers.extraction` has no `lenght`; did you mean `length`?"),
    ],
)
def test_a_group_is_by_a_field_that_is_there(tmp_path, by, says):
    study = mentions_study(paper={"group": {"by": by}})
    said = complaint(tmp_path, study)
    assert says in said
    assert "stages.paper.input.group.by" in said


@pytest.mark.parametrize("by", ["data.text", "item.raw_name", "valid", "answers.extraction.length", "file"])
def test_records_can_be_grouped_by(tmp_path, by):
    project = mentions_project(tmp_path / "project", mentions_study(paper={"group": {"by": by}}))
    project.write("config/tasks/paper.user.j2", f"{{{{ data.{by.rpartition('.')[2]} }}}} {{{{ children }}}}")
    list(check_stages(loaded(project)))
    project.write("config/tasks/paper.user.j2", "{{ data.other }}")
    with pytest.raises(GoldpanError, match="`data` has no `other`"):
        list(check_stages(loaded(project)))


def test_tasks_of_a_stage_must_agree_on_the_fields_of_what_is_exploded(tmp_path):
    study = mentions_study()
    study["stages"]["extraction"]["task"] = [
        {"task": "mentions", "when": "data.text != 'x'"},
        {"task": "other"},
    ]
    project = mentions_project(tmp_path / "project", study)
    other = {**MENTIONS_TASK, "task": "other"}
    fields = [{"name": "raw_name"}, {"name": "elsewhere"}]
    other["features"] = [{**MENTIONS_TASK["features"][0], "fields": fields}]
    project.write_task(other)
    with pytest.raises(GoldpanError, match="have other fields in one task of `extraction` than in another"):
        list(check_stages(loaded(project)))


def test_a_feature_that_is_called_as_a_part_of_an_item_is_refused(tmp_path):
    project = mentions_project(tmp_path / "project")
    task = {**MENTIONS_TASK, "features": [*MENTIONS_TASK["features"]]}
    task["features"].append(
        {"name": "count", "type": "score", "min": 0, "max": 9, "description": "How many."}
    )
    project.write_task(task)
    with pytest.raises(
        StudyError, match="the feature `count` of `extraction` is called as a part of `judge`"
    ):
        list(check_stages(loaded(project)))


INPUTS = [
    ({"judge": {"explode": "mentions", "group": {"by": "parent"}}}, "give either `explode` or `group`"),
    ({"extraction": {"explode": "mentions"}}, "`explode` and `group` work on what an earlier stage answered"),
    ({"paper": {"by": ["x"]}}, "`by` says which items are the same; it needs `explode`"),
    (
        {"paper": {"stage": ["judge", "extraction"], "group": None}},
        "several stages are united by their items",
    ),
    ({"judge": {"stage": ["extraction", "extraction"]}}, "a stage is named twice"),
    (
        {"judge": {"stage": ["extraction", "gone"]}},
        "input.stage: there is no stage `gone`; there are: extraction",
    ),
    ({"judge": {"stage": ["extraction", "no name"]}}, "input.stage: 'no name' is not a name"),
    ({"judge": {"stage": []}}, "input.stage: name at least one stage"),
    ({"judge": {"neighbours": -1}}, "input.neighbours: "),
    ({"paper": {"stage": "extraction"}}, "input.group: the records of `extraction` are no items"),
    ({"paper": {"group": {"by": "data.text"}, "neighbours": 1}}, "a group by a field has many"),
    (
        {"paper": {"stage": ["extraction", "judge"], "group": None, "explode": "x"}},
        "have not the same `input`",
    ),
]


@pytest.mark.parametrize(("inputs", "says"), INPUTS)
def test_parts_of_an_input_that_do_not_go_together_are_refused(tmp_path, inputs, says):
    project = mentions_project(tmp_path / "project", mentions_study(**inputs))
    with pytest.raises(StudyError) as caught:
        loaded(project)
    assert says in str(caught.value)


def test_a_list_of_one_stage_is_that_stage(tmp_path):
    project = mentions_project(tmp_path / "project", mentions_study(judge={"stage": ["extraction"]}))
    assert loaded(project).study.stages["judge"].input.stage == "extraction"


def test_checks_of_local_stages_look_at_what_they_explode(tmp_path):
    study = mentions_study()
    study["stages"]["kept"] = {
        "kind": "filter",
        "input": {"stage": "extraction", "explode": "mentionz"},
        "keywords": ["census"],
    }
    project = mentions_project(tmp_path / "project", study)
    with pytest.raises(StudyError, match="did you mean `mentions`"):
        list(check_local_stages(loaded(project)))


@pytest.mark.parametrize("name", ["judge", "gone"])
def test_a_stage_that_leads_nowhere_is_told_and_nothing_after_it(tmp_path, name):
    project = mentions_project(tmp_path / "project", mentions_study(judge={"stage": name}))
    with pytest.raises(StudyError) as caught:
        loaded(project)
    assert str(caught.value).count("stages.") == 1
    assert "stages.judge.input.stage" in str(caught.value)


def with_parts(**parts):
    study = mentions_study()
    study["embeddings"] = {"small": {"source": "pages", "model": "models/x"}}
    return {**study, **parts}


HEAD = {"embedding": "small", "targets": {"valid": {"labels": ["yes", "no"]}}}
WAVE = {"stage": "judge", "annotators": ["ann"], "sample": 2}


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"heads": {"h": {**HEAD, "labels": {"stage": "judge"}}}}, "heads.h.labels.stage"),
        ({"heads": {"h": {**HEAD, "labels": {"wave": "w"}}}, "waves": {"w": WAVE}}, "heads.h.labels.wave"),
        (
            {
                "evaluations": {
                    "e": {"source": "pages", "gold": {"valid": "valid"}, "predictions": {"m": "judge"}}
                }
            },
            "evaluations.e.predictions.m.stage",
        ),
    ],
)
def test_labels_of_items_are_not_joined_to_records_of_sources(tmp_path, parts, place):
    project = mentions_project(tmp_path / "project", with_parts(**parts))
    with pytest.raises(StudyError) as caught:
        loaded(project)
    assert f"{place}: the records of `judge` are items of the sources' records" in str(caught.value)


def test_there_is_no_table_of_each_file_of_groups(tmp_path):
    study = mentions_study(paper={"group": {"by": "item.raw_name"}})
    study["stages"]["paper"]["tables"] = "csv"
    project = mentions_project(tmp_path / "project", study)
    with pytest.raises(StudyError, match=r"tables: its records gather rows of several input files"):
        loaded(project)


def test_a_field_of_the_data_that_a_filter_compares_is_looked_for(tmp_path):
    project = mentions_project(tmp_path / "project", mentions_study(judge={"where": "data.txet == 'a'"}))
    with pytest.raises(GoldpanError, match=r"`data.txet`: no field that pages declares.*did you mean `text`"):
        list(check_stages(loaded(project)))
    # A later row may have it, so that a run only tells it.
    (note,) = check_before_run(loaded(project))
    assert "stages.judge.input.where" in note


def test_a_field_of_which_a_filter_asks_whether_it_is_there_may_be_absent(tmp_path):
    where = "data.note is None or data.note == 'a'"
    project = mentions_project(tmp_path / "project", mentions_study(judge={"where": where}))
    list(check_stages(loaded(project)))
    assert check_before_run(loaded(project)) == []
