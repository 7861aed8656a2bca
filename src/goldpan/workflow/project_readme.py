"""The README of a new project: one screen, about the studies that are in it."""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.study.model import Study
from goldpan.study.provider import LocalSettings, NetworkSettings

_README = """\
# {title}

{description}

```sh
goldpan validate       # is everything as it must be? Sends nothing
goldpan preview {stage}   # a request as it would be sent. Sends nothing
goldpan plan           # requests, tokens and cost of each stage. Sends nothing
goldpan run            # makes all that is stale; run again, and there is nothing to do
goldpan summary        # what was made, and where to look
```

{who_answers}{others}

| where | what |
|---|---|
| `config/studies/{study}.yaml` | what is read, asked, checked and measured |
| `config/tasks/` | what is asked: features, and prompts beside them |
| `examples/` | the data to start with; put your own where the study's `files` say |
| `annotations/` | sheets that people have filled in: `annotations/STUDY/WAVE/`; keep them |
| `results/` | everything that is made; it may be deleted and comes back |
| `.goldpan/ledger.sqlite` | what was paid for and answered; back it up: `goldpan ledger backup` |
| `Snakefile`, `profiles/` | the installed workflow, and how Snakemake runs it |

`goldpan run` is `snakemake` with shorter words: files to make and every option of Snakemake may follow.
`goldpan run -n` says what would run, `limit=20` tries the first 20 rows, `mode=online` asks now and not in
batches, `--profile slurm` runs on a cluster. `snakemake --cores 2` here does the same. `goldpan docs` has the
documentation: a message that names `docs/study.md` means what `goldpan docs study` shows.
"""


def project_readme(studies: Sequence[Study]) -> str:
    """The text.

    Args:
        studies: those of the project; the first is the one that runs when none is named.
    """
    first = studies[0]
    others = ", ".join(f"`goldpan run --study {study.study}`" for study in studies[1:])
    return _README.format(
        title=first.study,
        description=first.description or "A study of goldpan.",
        study=first.study,
        stage=next(iter(first.asked_stages)),
        who_answers=_who_answers(first),
        others=f" Other studies: {others}." if others else "",
    )


def _who_answers(study: Study) -> str:
    asked = [study.providers[stage.provider] for stage in study.asked_stages.values()]
    keys = {provider.api_key_env for provider in asked if isinstance(provider, NetworkSettings)}
    if keys:
        named = " and ".join(f"`{key}`" for key in sorted(filter(None, keys)))
        return (
            f"It asks a service, which costs money: put {named or 'its key'} into the environment or into"
            " `.env`. To try it without, see `providers` in the study."
        )
    if any(isinstance(provider, LocalSettings) for provider in asked):
        return (
            "As it stands goldpan's built-in baseline answers: no key, no network, no cost, and no"
            " understanding. For real answers change `providers` and `model` in the study."
        )
    return "It asks nobody outside this machine."
