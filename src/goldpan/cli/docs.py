"""`goldpan docs`: the pages of the documentation, which are installed with goldpan."""

from __future__ import annotations

import argparse


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan docs` to the command line."""
    parser = commands.add_parser("docs", help="show a page of the documentation, or list the pages")
    parser.add_argument("page", nargs="?", help="name of a page, e.g. study; default: a list of them")
    parser.set_defaults(run=_docs)


def _docs(options: argparse.Namespace) -> None:
    from goldpan.cli.tables import print_table
    from goldpan.errors import StudyError
    from goldpan.study.installed import installed_project
    from goldpan.tasks.nearest import suggestion

    pages = {path.stem: path for path in sorted((installed_project() / "docs").glob("*.md"))}
    if options.page is None:
        rows = [[name, path.read_text("utf-8").split("\n")[0].strip("# ")] for name, path in pages.items()]
        print_table(["page", "about"], rows, empty="no pages")
        print("goldpan docs PAGE shows one; messages that name docs/PAGE.md mean these")
        return
    name = options.page.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        raise StudyError(
            f"there is no page `{name}`; {suggestion(name, pages)}", remedy="goldpan docs lists them"
        )
    print(pages[name].read_text("utf-8"), end="")
