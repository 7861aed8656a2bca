"""Rendering prompts: Jinja2 in a sandbox, one pass, and a name that is not there is an error.

Rendering is deterministic (a request's key depends on its text), so what draws at random is left out of the
templates' language.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, NoReturn

import orjson
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, UndefinedError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from goldpan.errors import PromptError
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.task import Task
from goldpan.tasks.traces_length import shorten

_LEAST_ELIDED = 100


_MAY_BE_UNDEFINED = {"default", "d", "defined", "undefined"}
"""Filters and tests that are there for what is not there."""
_BY_ATTRIBUTE = ("sort", "min", "max", "unique", "groupby", "sum")
"""Filters that may look at an attribute of each item, and of a single item never use it."""


class _NamingUndefined(StrictUndefined):
    """An undefined name whose error says which it is and what there is instead.

    Every use raises it, also that by a list or a mapping which is printed with it inside.
    """

    __slots__ = ()

    def refuse(self) -> NoReturn:
        """Raise the error."""
        self._fail_with_undefined_error()

    __repr__ = refuse

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint is not None:
            return self._undefined_hint
        name = self._undefined_name
        if self._undefined_obj is missing:
            return f"`{name}` is not defined"
        if isinstance(self._undefined_obj, Mapping):
            return f"`{name}` is not there; {suggestion(str(name), map(str, self._undefined_obj))}"
        return f"`{name}` is not there, in a {type(self._undefined_obj).__name__}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which `data.items` means the column `items`, not the method of a dict."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def prompt_environment() -> _Sandbox:
    """The language of prompts."""
    environment = _Sandbox(
        undefined=_NamingUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        # A null in the data is empty text in a prompt, not the word "None".
        finalize=lambda value: "" if value is None else value,
    )
    environment.filters["elide"] = _elide
    environment.filters["tojson"] = _to_json
    del environment.filters["random"], environment.globals["lipsum"]
    functions: tuple[dict[str, Any], ...] = (environment.filters, environment.tests)
    for named in functions:
        for name in named.keys() - _MAY_BE_UNDEFINED:
            named[name] = _of_what_is_there(named[name])
    strict = _StrictSandbox(undefined=_NamingUndefined)
    for name in _BY_ATTRIBUTE:
        environment.filters[name] = _by_what_is_there(environment.filters[name], strict)
    return environment


class _StrictSandbox(_Sandbox):
    """Where an attribute that is not there is an error at once, used or not."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        value = super().getitem(obj, argument)
        if isinstance(value, _NamingUndefined):
            value.refuse()
        return value


def _of_what_is_there(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test that raises for an undefined value, where Jinja2's may answer as for an empty one."""
    # Those that are handed the environment or the context get it before the value.
    position = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def checked(*args: Any, **keywords: Any) -> Any:
        if len(args) > position and isinstance(args[position], Undefined):
            str(args[position])
        return function(*args, **keywords)

    return checked


def _by_what_is_there(function: Callable[..., Any], strict: _StrictSandbox) -> Callable[..., Any]:
    """A filter that raises when an item lacks the attribute it goes by."""

    @wraps(function)
    def checked(environment: _Sandbox, *args: Any, **keywords: Any) -> Any:
        return function(strict, *args, **keywords)

    return checked


class PromptRenderer:
    """The compiled templates of a task.

    Raises:
        PromptError: a template is not valid Jinja2 (file and line are named).
    """

    def __init__(self, task: Task):
        environment = prompt_environment()
        self._prompts = [
            (role, _Prompt(environment, source, place)) for role, source, place in templates_of(task)
        ]

    def messages(self, context: dict[str, Any]) -> list[dict[str, str]]:
        """The chat messages of one request.

        Args:
            context: `id`, `source`, `file`, `data`, `answers` and what the material adds.

        Raises:
            PromptError: an undefined name, a failing expression or an empty result; with file and line.
        """
        return [{"role": role, "content": "".join(pieces)} for role, pieces in self.pieces(context)]

    def pieces(self, context: dict[str, Any]) -> list[tuple[str, list[str]]]:
        """Role and content of each message; a content in the pieces that the template is made of.

        Raises:
            PromptError: as for `messages`.
        """
        return [(role, prompt.render(context)) for role, prompt in self._prompts]


class _Prompt:
    """One template and where it stands."""

    def __init__(self, environment: _Sandbox, source: str, place: str):
        self._place = place
        try:
            self._names = meta.find_undeclared_variables(environment.parse(source))
            code = environment.compile(source, name=place, filename=place)
        except TemplateSyntaxError as error:
            raise syntax_error(error, place) from None
        # A plain dict: the environment's own chain of mappings costs as much as rendering does.
        self._template = Template.from_code(environment, code, dict(environment.globals), None)
        self._constant: list[str] | None = None

    def render(self, context: dict[str, Any]) -> list[str]:
        if self._names:
            return self._rendered(context)
        # Nothing in it differs from record to record.
        if self._constant is None:
            self._constant = self._rendered(context)
        return self._constant

    def _rendered(self, context: dict[str, Any]) -> list[str]:
        try:
            pieces = list(self._template.generate(context))
        except Exception as error:
            raise self._failure(error, context) from None
        if not any(piece and not piece.isspace() for piece in pieces):
            raise PromptError(
                "the prompt is empty for this record",
                where=self._place,
                remedy="skip records without text, or write something around the record's fields",
            )
        return pieces

    def _failure(self, error: Exception, context: dict[str, Any]) -> PromptError:
        what, remedy = f"{type(error).__name__}: {error}", "correct the template"
        if isinstance(error, UndefinedError):
            what, remedy = str(error), "correct the name, or test it with `is defined`"
            absent = [name for name in self._names if what == f"`{name}` is not defined"]
            if absent:
                what += f"; {suggestion(absent[0], context)}"
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self._place
        ]
        where = f"{self._place}, line {lines[-1]}" if lines else self._place
        return PromptError(what, where=where, remedy=remedy)


def templates_of(task: Task) -> Iterator[tuple[str, str, str]]:
    """(role, template text, where it stands) of each message, in their order."""
    if task.system_template is not None:
        yield "system", task.system_template, str(task.system_file or f"{task.name} system prompt")
    yield "user", task.user_template, str(task.user_file or f"{task.name} user prompt")


def syntax_error(error: TemplateSyntaxError, place: str) -> PromptError:
    """The error for a template that Jinja2 cannot read."""
    return PromptError(f"not a valid template: {error.message}", where=f"{place}, line {error.lineno}")


def _elide(value: Any, max_chars: int) -> str:
    """Filter: cut the middle of a text that has more than `max_chars` characters, leaving a mark."""
    if max_chars < _LEAST_ELIDED:
        raise ValueError(f"elide needs at least {_LEAST_ELIDED} characters")
    return shorten(str(value), max_chars).text


def _to_json(value: Any, indent: bool = False) -> str:
    """Filter: JSON text as it is, where Jinja2's own would escape `<`, `>` and `&` for HTML."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:
        # Printed, a value with something undefined inside says which it is.
        repr(value)
        raise
