"""What is generated from the configuration model is in step with it."""

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from goldpan.study.model import Study
from goldpan.study.provider import PROVIDER_MODELS
from goldpan.study.reference import key_reference, with_reference
from goldpan.study.schema import COMMAND, SCHEMAS, generated_files, schema_of


def models_below(model, met=None):
    """A model and all it is made of."""
    met = {} if met is None else met
    if model not in met.values():
        met[model.__name__] = model
        for field in model.model_fields.values():
            for part in parts(field.annotation):
                models_below(part, met)
    return met


def parts(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from parts(argument)


ALL_MODELS = {name: model for root in SCHEMAS.values() for name, model in models_below(root).items()}
ALL_KEYS = [(name, key) for name, model in ALL_MODELS.items() for key in model.model_fields]


def test_the_generated_files_are_in_step_with_the_model(project):
    stale = [str(path) for path, content in generated_files(project).items() if path.read_bytes() != content]
    assert not stale, f"the model has changed: run `{COMMAND}` and commit {', '.join(stale)}"


@pytest.mark.parametrize(("model", "key"), ALL_KEYS, ids=[f"{model}.{key}" for model, key in ALL_KEYS])
def test_every_key_says_what_it_means(model, key):
    field = ALL_MODELS[model].model_fields[key]
    assert field.description, f"{model}.{key}: give it Field(..., description=...)"


@pytest.mark.parametrize("model", ALL_MODELS)
def test_every_model_has_its_section_and_all_its_keys_in_the_docs(project, model):
    page = (project / "docs" / "study.md").read_text()
    title = "Provider" if ALL_MODELS[model] in PROVIDER_MODELS.values() else model
    section = page.partition(f"\n### {title}\n")[2].partition("\n###")[0]
    fields = ALL_MODELS[model].model_fields
    missing = [key for key, field in fields.items() if f"| `{field.alias or key}` |" not in section]
    assert section
    assert not missing


def test_the_studies_of_the_project_fit_the_schema(project):
    schema = schema_of(Study)
    studies = sorted((project / "config" / "studies").glob("*.yaml"))
    for study in studies:
        jsonschema.validate(yaml.safe_load(study.read_text()), schema)


def test_the_example_in_the_docs_fits_the_schema_and_the_model(project):
    page = (project / "docs" / "study.md").read_text()
    example = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    jsonschema.validate(example, schema_of(Study))
    Study.model_validate(example)


@pytest.mark.parametrize("wrong", [{"studdy": "s"}, {"study": "s", "sources": {}, "providers": {}, "x": 1}])
def test_the_schema_refuses_what_the_model_refuses(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema_of(Study))


def test_the_list_of_keys_replaces_the_old_one_and_nothing_else():
    page = "before\n<!-- all keys: begin -->\nold\n<!-- all keys: end -->\nafter\n"
    new = with_reference(page, key_reference([schema_of(Study)]), COMMAND)
    assert new.startswith("before\n") and new.endswith("\nafter\n") and "\nold\n" not in new
    assert with_reference(new, key_reference([schema_of(Study)]), COMMAND) == new
