"""A finished run as a Workflow Run RO-Crate: what was run, on which files, and which files came of it.

The crate is the project's folder with `ro-crate-metadata.json` in it, so no file is copied: RO-Crate 1.1
(https://w3id.org/ro/crate/1.1) and the profile https://w3id.org/ro/wfrun/workflow/0.5. Files outside the
folder are left out, as no other machine has them.
"""

from __future__ import annotations

import datetime
import mimetypes
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from goldpan import __version__
from goldpan.files import sha256_file

NAME = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    _WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
_MIME = {
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".md": "text/markdown",
}
_MIME |= {".yaml": "application/yaml", ".j2": "text/plain", ".rst": "text/x-rst"}
Entity = dict[str, Any]


@dataclass(frozen=True)
class WorkflowRun:
    """A run that has ended.

    Attributes:
        study, description: what it was about.
        workflow: its main Snakefile.
        inputs: files that were read and not made.
        outputs: files that were made.
        start, end: Unix times in seconds of its first and last job.
        snakemake: version of Snakemake.
        licence: of the crate, as its maker states it: a URL or an SPDX identifier.
        about: output -> what it is, in words.
    """

    study: str
    description: str
    workflow: Path
    inputs: Iterable[str]
    outputs: Iterable[str]
    start: float
    end: float
    snakemake: str
    licence: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)


def crate_of(run: WorkflowRun, root: Path) -> dict[str, Any]:
    """What `ro-crate-metadata.json` in the folder `root` says of a run."""
    workflow = _inside(run.workflow, root)
    inputs = sorted({path for path in (_inside(Path(file), root) for file in run.inputs) if path})
    outputs = sorted({path for path in (_inside(Path(file), root) for file in run.outputs) if path})
    inputs = [path for path in inputs if path not in {*outputs, workflow}]
    files = [_file(path, root, run.about.get(path)) for path in [*inputs, *outputs]]
    main = _workflow(workflow or "#workflow", root)
    action = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run of study {run.study}",
        "instrument": _link(main["@id"]),
        "object": [_link(_id(path)) for path in inputs],
        "result": [_link(_id(path)) for path in outputs],
        "startTime": _time(run.start),
        "endTime": _time(run.end),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "agent": _link("#goldpan"),
    }
    return {
        "@context": f"{_SPECIFICATION}/context",
        "@graph": [
            {
                "@id": NAME,
                "@type": "CreativeWork",
                "about": _link("./"),
                "conformsTo": [_link(_SPECIFICATION), _link(_WORKFLOW_CRATE)],
            },
            _root(run, main["@id"], [entity["@id"] for entity in files]),
            main,
            action,
            *_software(run.snakemake),
            *(
                {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
                for url, (name, version) in _PROFILES.items()
            ),
            *files,
        ],
    }


def _root(run: WorkflowRun, workflow: str, files: list[str]) -> Entity:
    parts = [*([] if workflow.startswith("#") else [workflow]), *files]
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Study {run.study}",
        "description": run.description or f"Study {run.study}, made by goldpan.",
        "datePublished": _time(run.end)[:10],
        **({"license": run.licence} if run.licence else {}),
        "conformsTo": [_link(url) for url in _PROFILES],
        "mainEntity": _link(workflow),
        "mentions": _link("#run"),
        "hasPart": [_link(part) for part in parts],
    }


def _workflow(path: str, root: Path) -> Entity:
    is_here = not path.startswith("#")
    return {
        **(_file(path, root, None) if is_here else {"@id": path, "name": "Snakefile"}),
        "@type": [*(["File"] if is_here else []), "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "goldpan's workflow",
        "programmingLanguage": _link("https://w3id.org/workflowhub/workflow-ro-crate#snakemake"),
    }


def _software(snakemake: str) -> list[Entity]:
    language = {
        "@id": "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": _link("https://doi.org/10.1093/bioinformatics/bts480"),
        "url": _link("https://snakemake.readthedocs.io"),
        "version": snakemake,
    }
    goldpan = {
        "@id": "#goldpan",
        "@type": "SoftwareApplication",
        "name": "goldpan",
        "softwareVersion": __version__,
    }
    return [language, goldpan]


def _file(path: str, root: Path, about: str | None) -> Entity:
    file = root / path
    kind = _MIME.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    return {
        "@id": _id(path),
        "@type": "File",
        "name": path,
        **({"description": about} if about else {}),
        "contentSize": str(file.stat().st_size),
        "sha256": sha256_file(file),
        **({"encodingFormat": kind} if kind else {}),
    }


def _inside(path: Path, root: Path) -> str | None:
    """A file's path below the root, by its name and not by where a link leads; None of any other."""
    absolute = os.path.abspath(path if path.is_absolute() else root / path)  # noqa: PTH100
    base = os.path.abspath(root)  # noqa: PTH100
    if not absolute.startswith(base + os.sep) or not os.path.isfile(absolute):  # noqa: PTH113
        return None
    return Path(os.path.relpath(absolute, base)).as_posix()


def _id(path: str) -> str:
    return quote(path)


def _link(id_: str) -> dict[str, str]:
    return {"@id": id_}


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
