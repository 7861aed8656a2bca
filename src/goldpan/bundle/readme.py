"""What stands in a bundle for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from goldpan.bundle.manifest import (
    GOLD,
    LEDGER,
    MANIFEST,
    PROJECT,
    BundledFile,
    Environment,
    ExpectedArtifact,
    Role,
    UsedModel,
)

_SHOWN = 50
_ABOUT_ROLE: dict[Role, str] = {
    "settings": "settings of the project; `replay: true` keeps it from ever asking anybody",
    "study": "the study",
    "task": "tasks, their features and prompts",
    "list": "lists and guidelines that the study names",
    "source": "the data",
    "annotations": "what was given to annotators, and what they sent back",
    "head": "heads that were made elsewhere",
    "gold": "the gold sets, to use without goldpan",
    "ledger": "each answer that was paid for, with the line the service sent",
}


def readme_text(
    *,
    study: str,
    description: str,
    data_license: str | None,
    files: Sequence[BundledFile],
    left_out: Sequence[BundledFile],
    expected: Sequence[ExpectedArtifact],
    environment: Environment,
    models: Sequence[UsedModel],
    notes: Sequence[str],
) -> bytes:
    """README.md of a bundle."""
    lines = [
        f"# {study}",
        "",
        *([description.strip(), ""] if description.strip() else []),
        "Everything to repeat this study without a key, without a network and without cost, made by goldpan.",
        "",
        "```",
        f"pip install goldpan=={environment.goldpan}",
        f"goldpan replay THIS_FILE.zip --into {study}-replay",
        "```",
        "",
        f"checks each file, makes all results again in `{study}-replay/{PROJECT}/results/`, and says which of"
        f" {len(expected)} artifacts are the same to the byte.",
        "",
        *_section(
            "Licence of the data", [data_license or "Not stated. Ask the authors before you share them."]
        ),
        *_section("What is in it", _contents(files)),
        *(_section("What you must put there first", _left_out(left_out)) if left_out else []),
        *_section("What is not in it", _not_in_it(models)),
        *(_section("To know", [f"- {note}" for note in notes]) if notes else []),
        *_section("Made with", _made_with(environment)),
    ]
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""]


def _contents(files: Sequence[BundledFile]) -> list[str]:
    counts = Counter(file.role for file in files)
    rows = [
        f"| `{_place(role)}` | {counts[role]} | {about} |"
        for role, about in _ABOUT_ROLE.items()
        if counts[role]
    ]
    manifest = (
        f"| `{MANIFEST}` | 1 | the SHA-256 of each file here, and of each artifact that a replay makes |"
    )
    return ["| where | files | what |", "|---|---|---|", *rows, manifest]


def _place(role: Role) -> str:
    return {"gold": f"{GOLD}/", "ledger": LEDGER}.get(role, f"{PROJECT}/")


def _left_out(files: Sequence[BundledFile]) -> list[str]:
    rows = [f"| `{file.path}` | {file.bytes:,} | `{file.sha256}` |" for file in files[:_SHOWN]]
    more = [f"| {len(files) - _SHOWN} more, see `{MANIFEST}` | | |"] if len(files) > _SHOWN else []
    return [
        "The sources were left out. Each must lie at its place below the folder the bundle is unpacked to;",
        "`goldpan replay` says which are not there, and checks their hashes before it runs.",
        "",
        *("| file | bytes | SHA-256 |", "|---|---|---|"),
        *rows,
        *more,
    ]


def _not_in_it(models: Sequence[UsedModel]) -> list[str]:
    lines = [
        "- Keys, passwords, and paths of the machine it was made on.",
        "- Plans, request files and logs, which a replay makes in a shape of its own, for nothing is asked.",
    ]
    if models:
        lines.append("- Embeddings, heads and what heads say: they are made again, where the models are:")
        lines += [f"  - {_model(model)}" for model in models]
    return lines


def _model(model: UsedModel) -> str:
    parts = [f"`{model.name}` ({model.needed_by})"]
    if model.revision:
        parts.append(f"revision `{model.revision}`")
    if model.sha256:
        parts.append(f"SHA-256 of its files `{model.sha256}`")
    return ", ".join(parts)


def _made_with(environment: Environment) -> list[str]:
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    return [
        f"goldpan {environment.goldpan}, Python {environment.python} on {environment.system}.",
        "",
        packages + ".",
    ]
