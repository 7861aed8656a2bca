"""docs/commands.md has every command and every option, and no other."""

import argparse
import re
from collections.abc import Iterator

import pytest

from goldpan.cli import add_project_options, build_parser


def leaves(
    parser: argparse.ArgumentParser, path: str = "goldpan"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that can be run, with its whole name."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield path, parser
    for group in groups:
        for name, command in group.choices.items():
            yield from leaves(command, f"{path} {name}")


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    names = {name for action in parser._actions for name in action.option_strings}
    return {name for name in names if name.startswith("--")} - {"--help"}


def project_options() -> set[str]:
    parser = argparse.ArgumentParser()
    add_project_options(parser)
    return options_of(parser)


COMMANDS = dict(leaves(build_parser()))
SHARED = project_options()


@pytest.fixture(scope="module")
def sections(project):
    """The text below each heading that is a command, and what stands before the first."""
    page = (project / "docs" / "commands.md").read_text(encoding="utf-8")
    start, *parts = re.split(r"^### (goldpan .+)$", page, flags=re.MULTILINE)
    texts = [re.split(r"^## ", text, flags=re.MULTILINE)[0] for text in parts[1::2]]
    return {"start": start, **dict(zip(parts[::2], texts, strict=True))}


def test_every_command_has_a_section_and_every_section_a_command(sections):
    assert sections.keys() - {"start"} == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_section_of_a_command_has_its_options_and_no_others(command, sections):
    own = options_of(COMMANDS[command]) - SHARED
    rows = "".join(line for line in sections[command].splitlines() if line.startswith("| `--"))
    assert set(re.findall(r"`(--[a-z-]+)", rows)) == own


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usage_of_a_command_names_its_arguments(command, sections):
    shown = sections[command].strip().partition("`")[2].partition("`")[0]
    assert shown.startswith(command)
    for action in COMMANDS[command]._actions:
        if not action.option_strings:
            assert str(action.metavar or action.dest).upper() in shown


def test_options_of_all_project_commands_are_explained_once(sections):
    assert set(re.findall(r"^\| `(--[a-z-]+)", sections["start"], re.MULTILINE)) == SHARED


def test_choices_are_named(sections):
    for command, parser in COMMANDS.items():
        for action in parser._actions:
            for choice in action.choices or ():
                assert f"`{choice}`" in sections[command] or "as for `goldpan agreement`" in sections[command]
