"""What a replay has made beside what it should have made, artifact by artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from goldpan.bundle.manifest import ExpectedArtifact, Manifest
from goldpan.files import sha256_file

Verdict = Literal["same", "differs", "not made"]


@dataclass(frozen=True)
class ComparedArtifact:
    """An artifact and what became of it."""

    expected: ExpectedArtifact
    verdict: Verdict


@dataclass(frozen=True)
class ReplayComparison:
    """What a replay has made.

    Attributes:
        artifacts: all that were expected.
        skips_models: what models compute was not made again, as they are not here.
    """

    artifacts: list[ComparedArtifact]
    skips_models: bool

    @property
    def is_repeated(self) -> bool:
        """Whether all that is the same on every machine is the same to the byte."""
        return all(compared.verdict == "same" or compared.expected.by_model for compared in self.artifacts)

    def of(self, verdict: Verdict) -> list[ComparedArtifact]:
        """The artifacts with a verdict."""
        return [compared for compared in self.artifacts if compared.verdict == verdict]

    def lines(self) -> Iterator[str]:
        """What to tell people: each artifact that is not the same, and how many are."""
        for compared in (*self.of("differs"), *self.of("not made")):
            if compared.expected.by_model and compared.verdict == "not made" and self.skips_models:
                continue
            by_model = (
                " (computed by models: rounding may differ by machine)" if compared.expected.by_model else ""
            )
            yield f"{compared.verdict}: {compared.expected.path}{by_model}"
        same, total = len(self.of("same")), len(self.artifacts)
        skipped = sum(compared.expected.by_model for compared in self.of("not made"))
        rest = f"; {skipped} that models compute were not made" if skipped and self.skips_models else ""
        yield f"{same} of {total} artifacts are the same to the byte{rest}"


def compare_replay(manifest: Manifest, results: Path, *, skips_models: bool) -> ReplayComparison:
    """Compare what lies in a study's folder of results with what a bundle expects there."""
    compared = [ComparedArtifact(expected, _verdict(expected, results)) for expected in manifest.expected]
    return ReplayComparison(compared, skips_models)


def _verdict(expected: ExpectedArtifact, results: Path) -> Verdict:
    path = results / expected.path
    if not path.is_file():
        return "not made"
    return "same" if sha256_file(path) == expected.sha256 else "differs"
