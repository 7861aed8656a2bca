"""Why a prompt may not be asked or proposed: what its templates say, what they name, and how long it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from jinja2 import TemplateSyntaxError, nodes

from goldpan.errors import GoldpanError
from goldpan.optimise.candidate import Components
from goldpan.optimise.task_version import SYSTEM, USER, length_of
from goldpan.tasks.prompt_names import named_parts, path_of
from goldpan.tasks.prompts import PromptRenderer, prompt_environment, templates_of
from goldpan.tasks.task import Task

# What any prompt may hold: text, and the braces that `literal` writes.
_PLAIN = {"Template", "Output", "TemplateData", "Const"}
_TURNS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
"""Classes of characters that turn the direction of text (Unicode Standard Annex 9)."""


def template_fault(task: Task, components: Components) -> str:
    """Why the templates of a candidate cannot be asked in place of the task's; empty where they can.

    They must be templates, show all that the task's prompts show of the record, as those show it and wherever
    they do, and nothing else (the right answer may well be another field of it), and use no more of the
    template language: what a model writes is run here.

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
        fault = _use_fault(_uses(task), _uses(version))
        PromptRenderer(version)
    except TemplateSyntaxError as error:
        return f"it is no valid template: {error.message}"
    except GoldpanError as error:
        return f"it is no valid template: {error.what}"
    except (RecursionError, SyntaxError, MemoryError) as error:
        # Of Python itself, where a template is nested too deep.
        return f"it is no valid template: {type(error).__name__}"
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
    return fault


def character_fault(text: str, parent: Components) -> str:
    """Why a text has characters that nobody sees or that change what is seen; empty where it has not.

    Args:
        parent: texts of the prompt that it was made from, whose characters it may have.
    """
    known = set("".join(parent.values()))
    unseen = sorted({character for character in text if _is_unseen(character)} - known)
    if not unseen:
        return ""
    return f"it holds control characters: {', '.join(f'U+{ord(character):04X}' for character in unseen)}"


def _is_unseen(character: str) -> bool:
    """Whether it is a control character but for tab and line feed, half of a character, or one that turns the
    direction of what follows."""
    if character in "\t\n":
        return False
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
        or character == "\ufffd"
        or unicodedata.bidirectional(character) in _TURNS
        or "\U000e0000" <= character <= "\U000e007f"
    )


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


@dataclass(frozen=True)
class _Shown:
    """An expression that a template prints.

    Attributes:
        expression: as a text that equal ones share.
        path: what it names, where it is nothing but a name of the record; else empty.
        inside: the statements around it that are no conditions, e.g. loops, as such texts.
        guards: the conditions around it, and whether they hold.
        words: of it, for people.
    """

    expression: str
    path: tuple[str, ...]
    inside: tuple[str, ...]
    guards: frozenset[tuple[str, bool]]
    words: str

    def is_as(self, known: _Shown) -> bool:
        """Whether it shows what another does, or a part of that, whatever the conditions."""
        if self.inside != known.inside:
            return False
        is_part = bool(known.path) and self.path[: len(known.path)] == known.path
        return is_part or self.expression == known.expression


@dataclass
class _Uses:
    """What the templates of a task print, and their statements: text, and words for people."""

    shown: list[_Shown] = field(default_factory=list)
    statements: dict[tuple[str, ...], str] = field(default_factory=dict)


def _use_fault(first: _Uses, new: _Uses) -> str:
    """Why a prompt does other things to the fields than the first; empty where it does not."""
    for statement, words in new.statements.items():
        if statement not in first.statements:
            return f"it has a condition or statement that the first prompt lacks: {words}"
    for shown in new.shown:
        if not any(shown.is_as(known) for known in first.shown):
            return f"it shows what the first prompt does not show so: {shown.words}"
    for known in first.shown:
        same = [shown for shown in new.shown if shown.expression == known.expression]
        if not any(shown.inside == known.inside and shown.guards <= known.guards for shown in same):
            when = " wherever the first prompt does" if same else ""
            return f"it no longer shows {known.words}{when}"
    return ""


def _uses(task: Task) -> _Uses:
    environment, uses = prompt_environment(), _Uses()
    for _, source, _ in templates_of(task):
        _gather(environment.parse(source).body, (), frozenset(), uses)
    return uses


def _gather(
    body: Sequence[nodes.Node], inside: tuple[str, ...], guards: frozenset[tuple[str, bool]], uses: _Uses
) -> None:
    """Add what some statements print and are."""
    for node in body:
        if isinstance(node, nodes.Output):
            for shown in node.nodes:
                if not isinstance(shown, nodes.TemplateData | nodes.Const):
                    path = path_of(shown) or ()
                    uses.shown.append(_Shown(repr(shown), path, inside, guards, _words(shown)))
            continue
        if isinstance(node, nodes.If):
            _gather_condition(node, inside, guards, uses)
            continue
        bodies = [name for name in ("body", "else_") if isinstance(getattr(node, name, None), list)]
        head = repr([type(node).__name__, *((name, x) for name, x in node.iter_fields(exclude=bodies))])
        uses.statements[(*inside, head)] = _words(node, bodies)
        for name in bodies:
            _gather(getattr(node, name), (*inside, f"{name} of {head}"), guards, uses)


def _gather_condition(
    node: nodes.If, inside: tuple[str, ...], guards: frozenset[tuple[str, bool]], uses: _Uses
) -> None:
    for branch in (node, *node.elif_):
        test = repr(branch.test)
        uses.statements[(*inside, f"if {test}")] = f"if {_words(branch.test)}"
        _gather(branch.body, inside, guards | {(test, True)}, uses)
        guards |= {(test, False)}
    _gather(node.else_, inside, guards, uses)


def _words(node: nodes.Node, leave_out: Sequence[str] = ()) -> str:
    """An expression or statement for people: its names and filters, and what they are given."""
    path = path_of(node)
    if path is not None:
        return ".".join(path)
    if isinstance(node, nodes.Const):
        return repr(node.value)
    if isinstance(node, nodes.Filter) and node.node is not None:
        given = ", ".join(_words(argument) for argument in [*node.args, *node.kwargs])
        return f"{_words(node.node)}|{node.name}" + (f"({given})" if given else "")
    parts = " ".join(_words(child) for child in node.iter_child_nodes(exclude=leave_out))
    return f"{type(node).__name__.lower()} {parts}".strip()
