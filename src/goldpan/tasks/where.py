"""The small language of `where:` and `when:`, checked against the features before anything is paid.

The syntax is Python's for comparisons, `and`, `or`, `not`, `in`, `is None` and parentheses; nothing else is
allowed, and nothing is evaluated by Python. A comparison with a missing value is false, as in SQL, apart from
`is None`; `not` of it is therefore true.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from goldpan.errors import WhereError
from goldpan.tasks.features import Feature, value_of
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.where_types import ANYTHING, TEXT, ValueKind, kinds_of

Values = Mapping[str, Any]
Getter = Callable[[Values], Any]
Test = Callable[[Values], bool]

RECORD_KINDS = {
    "id": TEXT,
    "source": TEXT,
    "file": TEXT,
    "line": ANYTHING,
    "data": ANYTHING,
    "answers": ANYTHING,
}
"""The names of a record; of `data` and `answers` (earlier stages' values) nothing is known beforehand."""

_LONGEST = 4_000
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
_ORDERINGS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class Where:
    """A parsed condition over the features of a record and the record itself.

    Attributes:
        text: the condition as it was written.
        data_fields: the fields of `data` that it names, but for those of which it asks whether they are None.
    """

    def __init__(self, text: str, test: Test, data_fields: Iterable[str] = ()):
        self.text, self._test = text, test
        self.data_fields = frozenset(data_fields)

    @classmethod
    def parse(
        cls,
        text: str,
        features: Iterable[Feature] | None,
        extra_names: Iterable[str] = (),
        noun: str = "feature",
        record: Mapping[str, ValueKind] | None = None,
    ) -> Where:
        """Parse a condition and check it against what it may name.

        Args:
            text: the condition, e.g. `score == 1 and topic in ['a', 'b'] and data.year >= 2020`.
            features: the features that may be named besides the record; None for the record only. Features
                of one name (of several tasks of a stage) are taken together.
            extra_names: other names that may be used, of which nothing is known.
            noun: what the names are, for errors.
            record: the names of the record and what they stand for; default RECORD_KINDS.

        Raises:
            WhereError: a syntax error, an unknown name, or a comparison that can never hold; with its column.
        """
        kinds: dict[str, ValueKind] = dict(RECORD_KINDS if record is None else record)
        kinds.update(dict.fromkeys(extra_names, ANYTHING))
        for name, kind in kinds_of(features or ()).items():
            kinds[name] = kind if name not in kinds else kinds[name].joined(kind)
        for feature in features or ():
            if feature.rationale_key:
                kinds[feature.rationale_key] = TEXT
        parser = _Parser(text, kinds, noun)
        return cls(text, parser.test, parser.data_fields - parser.may_be_absent)

    def matches(self, values: Values) -> bool:
        """Whether the condition holds.

        Args:
            values: feature name -> bare value (and `<name>_rationale` -> text), with the record's own keys
                (`data`, `source`, `file`, `id`) beside them; what is absent counts as None.

        Raises:
            WhereError: a field of `data` holds something that cannot be compared as written.
        """
        return self._test(values)


def values_of_row(record: Values, predictions: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What `Where.matches` takes, from a record and its predictions as they stand in `features.jsonl`."""
    values = dict(record)
    for name, prediction in predictions.items():
        values[name] = value_of(prediction)
        if "rationale" in prediction:
            values[f"{name}_rationale"] = prediction["rationale"]
    return values


class _Parser:
    """Turns the syntax tree into nested functions, checking each comparison on the way."""

    def __init__(self, text: str, kinds: Mapping[str, ValueKind], noun: str):
        self._noun = noun
        self.data_fields: set[str] = set()
        self.may_be_absent: set[str] = set()
        # YAML may fold a condition over several lines.
        self._text, self._kinds = text.replace("\n", " ").replace("\r", " ").strip(), kinds
        if len(self._text) > _LONGEST:
            raise WhereError(f"the condition has {len(text)} characters; at most {_LONGEST} are allowed")
        try:
            tree = ast.parse(self._text, mode="eval")
            self.test = self._condition(tree.body)
        except SyntaxError as error:
            raise self._error(f"not a condition: {error.msg}", (error.offset or 1) - 1) from None
        except (RecursionError, MemoryError, ValueError) as error:
            raise WhereError(f"cannot be read: {error}", where=f"`{self._text[:80]}`") from None

    def _error(self, what: str, at: ast.expr | int) -> WhereError:
        if not isinstance(at, int):
            # The tree counts columns in UTF-8 bytes.
            at = len(self._text.encode()[: at.col_offset].decode(errors="ignore"))
        return WhereError(
            what, where=f"`{self._text}`, column {at + 1}", remedy="docs/tasks.md describes the conditions"
        )

    def _condition(self, node: ast.expr) -> Test:
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                tests = [self._condition(part) for part in parts]
                return lambda values: all(test(values) for test in tests)
            case ast.BoolOp(op=ast.Or(), values=parts):
                tests = [self._condition(part) for part in parts]
                return lambda values: any(test(values) for test in tests)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                test = self._condition(inner)
                return lambda values: not test(values)
            case ast.Compare():
                return self._comparison(node)
            case ast.Name() | ast.Constant() if self._is_constant(node):
                constant = self._constant(node)
                if isinstance(constant, bool):
                    return lambda values: constant
            case ast.Name() | ast.Attribute() | ast.Subscript():
                get, kind = self._name(node)
                if not kind.has_truth:
                    raise self._error(
                        f"`{ast.unparse(node)}` is {kind.what}; compare it with something", node
                    )
                return lambda values: bool(get(values))
        raise self._error(f"`{ast.unparse(node)}` is not a condition", node)

    def _comparison(self, node: ast.Compare) -> Test:
        """A comparison; a chained one such as `1 <= score < 3` is all its links."""
        operands = [node.left, *node.comparators]
        links = [
            self._link(left, operation, right)
            for left, operation, right in zip(operands, node.ops, operands[1:], strict=False)
        ]
        return links[0] if len(links) == 1 else lambda values: all(link(values) for link in links)

    def _link(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> Test:
        if isinstance(operation, ast.In | ast.NotIn):
            return self._membership(left, right, isinstance(operation, ast.NotIn))
        if isinstance(operation, ast.Is | ast.IsNot):
            if not (self._is_constant(right) and self._constant(right) in (None, True, False)):
                raise self._error("`is` goes with None, True or False; use ==", right)
            operation = ast.Eq() if isinstance(operation, ast.Is) else ast.NotEq()
        if self._is_constant(left) and self._is_constant(right):
            raise self._error("compares two constants", left)
        if self._is_constant(left):
            return self._with_constant(right, operation, left, mirrored=True)
        if self._is_constant(right):
            return self._with_constant(left, operation, right, mirrored=False)
        return self._between_names(left, operation, right)

    def _with_constant(
        self, name: ast.expr, operation: ast.cmpop, constant: ast.expr, *, mirrored: bool
    ) -> Test:
        get, kind = self._name(name)
        value = self._constant(constant)
        symbol, compare = _operator(operation)
        if value is None:
            self.may_be_absent |= {field for field in self.data_fields if _is_data(name, field)}
            if symbol not in ("==", "!="):
                raise self._error("None has no order; use `is None` or `is not None`", constant)
            return (lambda values: get(values) is None) if symbol == "==" else (lambda v: get(v) is not None)
        problem = kind.problem(_MIRRORED[symbol] if mirrored else symbol, value)
        if problem:
            raise self._error(f"`{ast.unparse(name)}` {problem}", constant)
        shown = ast.unparse(name)
        if mirrored:
            return lambda values: _compared(shown, compare, value, get(values))
        return lambda values: _compared(shown, compare, get(values), value)

    def _between_names(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> Test:
        (get_left, kind), (get_right, other) = self._name(left), self._name(right)
        symbol, compare = _operator(operation)
        if not kind.compares_with(other, symbol):
            raise self._error(f"{kind.what} and {other.what} cannot be compared with {symbol}", left)
        shown = f"{ast.unparse(left)} {symbol} {ast.unparse(right)}"
        return lambda values: _compared(shown, compare, get_left(values), get_right(values))

    def _membership(self, left: ast.expr, right: ast.expr, negated: bool) -> Test:
        """`name in [constants]`, or `'label' in name` for lists of labels and for text."""
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            get, kind = self._name(left)
            allowed = [self._constant(item) for item in right.elts]
            for item, value in zip(right.elts, allowed, strict=True):
                problem = (
                    "is compared with None; use `is None`" if value is None else kind.problem("==", value)
                )
                if problem:
                    raise self._error(f"`{ast.unparse(left)}` {problem}", item)
            shown = ast.unparse(left)

            def is_in(values: Values) -> bool:
                value = get(values)
                is_allowed = any(_compared(shown, operator.eq, value, constant) for constant in allowed)
                return value is not None and is_allowed is not negated

            return is_in
        if not self._is_constant(left):
            raise self._error("`in` goes with a list of constants, or with a constant before it", left)
        get, kind = self._name(right)
        member = self._constant(left)
        problem = kind.member_problem(member)
        if problem:
            raise self._error(f"`{ast.unparse(right)}` {problem}", left)

        def holds(values: Values) -> bool:
            value = get(values)
            return isinstance(value, str | list) and (_holds(value, member) is not negated)

        return holds

    def _is_constant(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant():
                return True
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant()):
                return True
            case ast.Name(id=name):
                return name in _CONSTANTS and name not in self._kinds
        return False

    def _constant(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                return value
            case ast.UnaryOp(
                op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float() as value)
            ):
                return -value if isinstance(sign, ast.USub) else value
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
        raise self._error(f"`{ast.unparse(node)}` is not a number, a text, True, False or None", node)

    def _name(self, node: ast.expr) -> tuple[Getter, ValueKind]:
        match node:
            case ast.Name(id=name):
                if name not in self._kinds:
                    raise self._error(
                        f"there is no {self._noun} `{name}`; {suggestion(name, self._kinds)}", node
                    )
                return lambda values: values.get(name), self._kinds[name]
            case (
                ast.Attribute(value=inner, attr=key)
                | ast.Subscript(value=inner, slice=ast.Constant(value=str(key)))
            ):
                get, kind = self._name(inner)
                if isinstance(inner, ast.Name) and inner.id == "data":
                    self.data_fields.add(key)
                if kind.fields is not None and key not in kind.fields:
                    known = suggestion(key, kind.fields)
                    raise self._error(f"`{ast.unparse(inner)}` has no `{key}`; {known}", node)
                if kind.fields is None and kind is not ANYTHING:
                    raise self._error(f"`{ast.unparse(inner)}` is {kind.what} and has no fields", node)
                inside = ANYTHING if kind.fields is None else kind.fields[key]
                return lambda values: _field(get(values), key), inside
        raise self._error(f"`{ast.unparse(node)}` is not a feature or a field of the record", node)


def _operator(operation: ast.cmpop) -> tuple[str, Callable[[Any, Any], bool]]:
    if isinstance(operation, ast.Eq):
        return "==", operator.eq
    if isinstance(operation, ast.NotEq):
        return "!=", operator.ne
    return _ORDERINGS[type(operation)]


def _is_data(node: ast.expr, field: str) -> bool:
    """Whether a name is `data.FIELD`, or something in it."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        key = node.attr if isinstance(node, ast.Attribute) else getattr(node.slice, "value", None)
        if isinstance(node.value, ast.Name):
            return node.value.id == "data" and key == field
        node = node.value
    return False


def _field(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _holds(value: str | list[Any], member: Any) -> bool:
    return isinstance(member, str) and member in value if isinstance(value, str) else member in value


def _compared(shown: str, compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """Compare two values of a record; false when one is missing.

    A text is compared with a number as the number it spells, for all that comes out of a CSV file is text.
    """
    if left is None or right is None:
        return False
    if isinstance(left, str) is not isinstance(right, str):
        left, right = _as_number(left), _as_number(right)
    try:
        return compare(left, right)
    except TypeError:
        raise WhereError(
            f"`{shown}` is {left!r} here, which cannot be compared with {right!r}",
            remedy="leave such records out first, e.g. `data.year != 'n/a' and data.year > 2000`",
        ) from None


def _as_number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
