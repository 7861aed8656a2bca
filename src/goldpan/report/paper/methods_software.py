"""The methods text on software: the versions, as artifacts record them and as they are installed here."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from goldpan.report.artifacts import Artifact
from goldpan.report.paper.document import Block, Cite, Heading, paragraph
from goldpan.report.paper.material import Material
from goldpan.report.paper.quoting import Quoter
from goldpan.report.paper.references import GOLDPAN, SNAKEMAKE, References

ENVIRONMENT = "the environment in which the text was written"
_ALWAYS = ("goldpan", "snakemake", "numpy", "scipy")
_OF_PROVIDERS = {"openai": ("openai",), "litellm": ("litellm",), "local": (), "replay": ()}
_RECORDED = {"torch_version": "torch", "transformers_version": "transformers"}


def environment(material: Material) -> Artifact:
    """The versions of what the study uses, as it is installed where this runs."""
    kinds = {provider.kind for provider in material.study.providers.values()}
    names = [*_ALWAYS, *(name for kind in sorted(kinds) for name in _OF_PROVIDERS[kind])]
    made = {"Python": platform.python_version()}
    for name in names:
        try:
            made[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Artifact(ENVIRONMENT, made)


def software_section(material: Material, quoter: Quoter, references: References) -> Iterator[Block]:
    """What it was made with."""
    here = environment(material)
    yield Heading(2, "Software")
    yield paragraph(
        "Everything was made with goldpan ",
        Cite((references.add(GOLDPAN),)),
        " on Snakemake ",
        Cite((references.add(SNAKEMAKE),)),
        ". Versions where this text was written: ",
        ", ".join(f"{name} {quoter.value(here, name)}" for name in here.made or {}),
        ".",
    )
    told = dict.fromkeys(_recorded(material, quoter))
    if told:
        yield paragraph("Versions that made the artifacts, as they record them: ", "; ".join(told), ".")


def _recorded(material: Material, quoter: Quoter) -> Iterator[str]:
    for name, head in material.heads.items():
        for key, package in _RECORDED.items():
            if head.made and head.made.get("embedding", {}).get(key):
                yield f"head {name}: {package} {quoter.value(head, 'embedding', key)}"
    for name, artifact in (*material.agreements.items(), *material.evaluations.items()):
        if artifact.made:
            version = quoter.value(artifact, "provenance", "goldpan_version")
            yield f"{name}: goldpan {version}"
