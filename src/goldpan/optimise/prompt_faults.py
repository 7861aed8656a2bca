"""Why a prompt may not be asked or proposed: what its templates say, what they name, and how long it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jinja2 import TemplateSyntaxError, nodes

from goldpan.errors import GoldpanError
from goldpan.optimise.candidate import Components
from goldpan.optimise.task_version import SYSTEM, USER, length_of
from goldpan.tasks.prompt_names import named_parts
from goldpan.tasks.prompts import prompt_environment, templates_of
from goldpan.tasks.task import Task

# What any prompt may hold: text, and the braces that `literal` writes.
_PLAIN = {"Template", "Output", "TemplateData", "Const"}


def template_fault(task: Task, components: Components) -> str:
    """Why the templates of a candidate cannot be asked in place of the task's; empty where they can.

    They must be templates, name all that the task's prompts name of the record and nothing else (the right
    answer may well be another field of it), and use no more of the template language: what a model writes is
    run here.

    Args:
        task: the first version.
        components: texts of the candidate.
    """
    version = replace(
        task,
        system_template=components.get(SYSTEM, task.system_template),
        user_template=components[USER],
        system_file=None,
        user_file=None,
    )
    empty = [name for name in (SYSTEM, USER) if name in components and not components[name].strip()]
    if empty:
        return f"the {empty[0]} prompt is empty"
    empty = [name for name in components if name.startswith("feature.") and not components[name].strip()]
    if empty:
        return f"the description of {empty[0].partition('.')[2]} is empty"
    try:
        language = _language(version) - _language(task) - _PLAIN
        before, now = ({part.path for part in named_parts(each)} for each in (task, version))
    except TemplateSyntaxError as error:
        return f"it is no valid template: {error.message}"
    except GoldpanError as error:
        return f"it is no valid template: {error.what}"
    if language:
        return (
            f"it uses what the first prompt does not of the template language: {', '.join(sorted(language))}"
        )
    if lost := sorted(".".join(path) for path in before - now):
        return f"it no longer shows {', '.join(lost)}"
    new = [path for path in now if not any(path[: len(known)] == known for known in before)]
    if new:
        return (
            f"it names {', '.join(sorted('.'.join(path) for path in new))}, which the first prompt does not"
        )
    return ""


def length_fault(first: Components, components: Components, max_growth: float) -> str:
    """Why a candidate is too long; empty where it is not.

    Args:
        first: texts of the task as it is.
        max_growth: how many times as long as these it may be.
    """
    before, now = length_of(first), length_of(components)
    if now <= max_growth * before:
        return ""
    return f"it is {now / max(1, before):.1f} times as long as the first; at most {max_growth:g} is allowed"


def _language(task: Task) -> set[str]:
    """The kinds of nodes that the templates of a task are made of."""
    environment = prompt_environment()
    return {
        type(node).__name__
        for _, source, _ in templates_of(task)
        for node in _nodes(environment.parse(source))
    }


def _nodes(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _nodes(child)
