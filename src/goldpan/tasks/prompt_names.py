"""What the prompts of a task name, such as parts of `answers` and `data`, found without rendering them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, meta, nodes

from goldpan.errors import ErrorGatherer, PromptError
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.prompts import prompt_environment, syntax_error, templates_of
from goldpan.tasks.task import RECORD_NAMES, Task
from goldpan.tasks.traces import MATERIAL_NAMES

_METHODS = frozenset({"get", "items", "keys", "values"})
Path = tuple[str, ...]


@dataclass(frozen=True)
class NamedPart:
    """A part of the context that a template names, such as `answers.topics.label` or `data['Page no']`.

    Attributes:
        path: the names one inside the other: `("answers", "topics", "label")`.
        place: file and line.
        may_be_absent: the template asks whether it is there, here or elsewhere.
    """

    path: Path
    place: str
    may_be_absent: bool


def check_template_names(task: Task, allowed: Iterable[str] = RECORD_NAMES) -> None:
    """Check, before anything is rendered or paid, that the templates name only what there will be.

    A name of which a template asks whether it is there (`note is defined`) may be absent.

    Args:
        task: its templates are parsed.
        allowed: names the context will have, besides those of the task's material.

    Raises:
        PromptError: a template is not valid, or names something that will not be there; SeveralErrors where
            it is more than one thing.
    """
    wrong = ErrorGatherer()
    environment = prompt_environment()
    known = {*allowed, *(MATERIAL_NAMES if task.material == "trace" else ())}
    for _, source, place in templates_of(task):
        try:
            template = environment.parse(source)
        except TemplateSyntaxError as error:
            wrong.add(syntax_error(error, place))
            continue
        asked_for = {path[0] for path in _asked_for(template) if len(path) == 1}
        for name in sorted(meta.find_undeclared_variables(template) - known - asked_for):
            wrong.add(
                PromptError(
                    f"`{name}` is not defined; {suggestion(name, sorted(known))}",
                    where=place,
                    remedy="fields of the input row are written `data.NAME`",
                )
            )
    wrong.finish()


def named_parts(task: Task) -> Iterator[NamedPart]:
    """The parts that the templates of a task name, as far as they are written out.

    What a template puts into variables of its own is not followed.

    Raises:
        PromptError: a template is not valid.
    """
    environment = prompt_environment()
    for _, source, place in templates_of(task):
        try:
            template = environment.parse(source)
        except TemplateSyntaxError as error:
            raise syntax_error(error, place) from None
        own = {name.name for name in template.find_all(nodes.Name) if name.ctx != "load"}
        asked_for = set(_asked_for(template))
        # `{% if answers %}` asks for whatever is inside of `answers`, `{% if data.x %}` not for `data.x`.
        tested = set(_tested(template))
        for path, line in _paths(template):
            if path[0] in own:
                continue
            outer = {path[:length] for length in range(1, len(path))}
            guarded = bool(outer & (asked_for | tested)) or path in asked_for
            yield NamedPart(path, f"{place}, line {line}", guarded)


def rationales_named(task: Task) -> Iterator[tuple[str, str]]:
    """(stage, name) of what the templates name under `answers` and whose name ends as that of a rationale."""
    texts = (task.system_template or "", task.user_template)
    if not any("_rationale" in text for text in texts):
        return
    for part in named_parts(task):
        if part.path[0] == "answers" and len(part.path) > 2 and part.path[2].endswith("_rationale"):
            yield part.path[1], part.path[2]


def path_of(node: nodes.Node) -> Path | None:
    """What `a.b['c']` names; None for any other expression."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        key = node.attr
    elif (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        key = node.arg.value
    else:
        return None
    outer = path_of(node.node)
    return None if outer is None else (*outer, key)


def _paths(node: nodes.Node) -> Iterator[tuple[Path, int]]:
    """The longest paths within a node, and their lines."""
    path = path_of(node)
    if path is not None:
        yield path, node.lineno
        return
    children = list(node.iter_child_nodes())
    if isinstance(node, nodes.Call) and (path := path_of(node.node)) is not None:
        children.remove(node.node)
        yield (path[:-1] if path[-1] in _METHODS and len(path) > 1 else path), node.lineno
    for child in children:
        yield from _paths(child)


def _asked_for(template: nodes.Template) -> Iterator[Path]:
    """The paths of which a template asks whether they are there, or which it replaces where they are not."""
    for question in (*template.find_all(nodes.Test), *template.find_all(nodes.Filter)):
        if question.name in ("defined", "undefined", "default", "d") and question.node is not None:
            yield from (path for path, _ in _paths(question.node))
    for comparison in template.find_all(nodes.Compare):
        for operand in comparison.ops:
            if operand.op in ("in", "notin") and isinstance(comparison.expr, nodes.Const):
                yield from ((*path, str(comparison.expr.value)) for path, _ in _paths(operand.expr))


def _tested(template: nodes.Template) -> Iterator[Path]:
    """The paths that are conditions by themselves, as of `{% if answers and not data.old %}`."""
    terms: list[nodes.Node] = [
        *(statement.test for statement in template.find_all(nodes.If)),
        *(expression.test for expression in template.find_all(nodes.CondExpr)),
    ]
    while terms:
        term = terms.pop()
        if isinstance(term, nodes.And | nodes.Or):
            terms += [term.left, term.right]
        elif isinstance(term, nodes.Not):
            terms.append(term.node)
        elif (path := path_of(term)) is not None:
            yield path
