"""YAML from elsewhere: what explodes, what is not plain, and what YAML reads otherwise than it looks."""

import pytest

from goldpan.errors import StudyError
from goldpan.study.yaml_file import LARGEST_YAML, read_yaml


@pytest.fixture
def read(tmp_path):
    """What a file with this content holds."""

    def read(content):
        path = tmp_path / "a.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(path)

    return read


def laughs(levels=30, what="[{0}, {0}]"):
    """Each level holds the one before it twice."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {what.format(f'*a{n - 1}')}" for n in range(1, levels)]
    return "\n".join(lines)


def chain(levels):
    """Nested two levels deep as it is written, and by its aliases as deep as it is long."""
    return "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, levels))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (laughs(), "with its aliases (`*name`) written out it has over 250,000 values"),
        (
            laughs(what="{{<<: [{0}, {0}]}}"),
            "with its aliases (`*name`) written out it has over 250,000 values",
        ),
        (
            laughs(what="{{k: {0}, l: {0}}}"),
            "with its aliases (`*name`) written out it has over 250,000 values",
        ),
        (chain(500), "nested more than 64 levels deep"),
        ("a: " + "[" * 65 + "]" * 65, "line 1, column 68: not valid YAML: nested more than 64 levels deep"),
        ("a: " + "[" * 30_000, "not valid YAML: nested more than 64 levels deep"),
        ("a: &a [*a]", "line 1, column 4: not valid YAML: an anchor stands within itself"),
        ("a: &a {<<: *a}", "an anchor stands within itself"),
        (
            "a: " + "9" * 5_000,
            f"the integer `{'9' * 24}…` does not fit 64 bits; put it in quotes if it is text",
        ),
        ("a: 18446744073709551616", "the integer `18446744073709551616` does not fit 64 bits"),
        ("b: 1\na: 0x" + "f" * 5_000, "line 2, column 4: not valid YAML: the integer `0xfff"),
        ("a: 1" + ":00" * 5_000, "is not the number it looks like"),
        ("a: .nan", "`.nan` is not a finite number"),
        ("a: [-.inf]", "`-.inf` is not a finite number"),
        ("a: 1.0e+999", "`1.0e+999` is not a finite number"),
        ("a: 010", "`010` is not the number it looks like; write it otherwise, or put it in quotes"),
        ("a: 12:30", "`12:30` is not the number it looks like"),
        ("a: 1:30.5", "`1:30.5` is not the number it looks like"),
        ("a: !!int x", "the integer `x` does not fit 64 bits"),
        ("a: !!float x", "`x` is not a finite number"),
        ("a: !!python/name:os.system", "the tag !!python/name:os.system is not allowed"),
        ("a: !!binary aGk=", "the tag !!binary is not allowed: values are text, numbers, true, false, lists"),
        ("a: !!set {b, c}", "the tag !!set is not allowed"),
        ("a: !mine b", "the tag !mine is not allowed"),
        (
            "no: 1",
            "line 1, column 1: not valid YAML: the key `no` is no text (YAML reads it as false): put it in",
        ),
        ("a:\n  on: 1", "line 2, column 3: not valid YAML: the key `on` is no text (YAML reads it as true)"),
        ("~: 1", "the key `~` is no text (YAML reads it as null)"),
        ("1.5: a", "the key `1.5` is no text"),
        ("? [a]\n: b", "a key is a list or a mapping"),
        ("a: {1: b, 1: c}", "key `1` is given twice"),
        ("a: 1\n--- \nb: 2", "but found another document"),
        ("a: \x00", "not valid YAML"),
        ("a: *b", "found undefined alias"),
        ("a: b".encode("utf-16"), "line 1: cannot be read: not UTF-8\n  -> save it as UTF-8"),
        (b"a: " + b"x" * LARGEST_YAML, "the file has more than 1,048,576 bytes"),
    ],
)
def test_what_is_wrong_is_named(read, content, says):
    with pytest.raises(StudyError) as caught:
        read(content)
    assert says in str(caught.value)
    assert "a.yaml" in str(caught.value)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(StudyError, match="is a folder, not a file"):
        read_yaml(tmp_path)


def test_a_date_is_the_text_it_looks_like(read):
    assert read("labels: [2024-01-01, 2024-13-45, 2001-12-14 21:59:43]\n2024-05-05: x") == {
        "labels": ["2024-01-01", "2024-13-45", "2001-12-14 21:59:43"],
        "2024-05-05": "x",
    }


def test_plain_values_are_as_before(read):
    content = "{a: 1_000, b: 0, c: -7, d: 0.5, e: 1.0e+3, f: yes, g: null, h: 0x1F, i: '010', 3: j, k: 0.0}"
    assert read(content) == {
        "a": 1000, "b": 0, "c": -7, "d": 0.5, "e": 1000.0, "f": True, "g": None, "h": 31, "i": "010", 3: "j",
        "k": 0.0,
    }  # fmt: skip


def test_a_merged_mapping_may_itself_have_merged_another(read):
    content = "base: &b {x: 1, y: 1}\na: {b: {c: &x {<<: *b, x: 2}}}\nd: {<<: *x, y: 3}\n"
    read_content = read(content)
    assert read_content["d"] == {"x": 2, "y": 3}
    assert read_content["a"] == {"b": {"c": {"x": 2, "y": 1}}}


def test_of_several_merged_mappings_the_first_wins_and_before_it_the_mappings_own_keys(read):
    bases = "bases: [&a {name: a, kind: a}, &b {name: b, kind: b, more: b}]\n"
    assert read(f"{bases}it: {{<<: [*a, *b], kind: own}}")["it"] == {"name": "a", "kind": "own", "more": "b"}


@pytest.mark.parametrize("merged", ["text", "[*a, text]", "[[*a]]"])
def test_what_is_no_mapping_cannot_be_merged(read, merged):
    with pytest.raises(StudyError, match="merges a mapping or a list of mappings"):
        read(f"a: &a {{x: 1}}\nb: {{<<: {merged}}}")
