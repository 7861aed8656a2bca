"""What artifacts say to the items of checklists: sentences, each with the path of what it is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from goldpan.evaluation.formatting import HEADLINES, TITLES
from goldpan.report.artifacts import Artifact
from goldpan.report.paper.evaluation_tables import quoted_way
from goldpan.report.paper.material import Material, model_name, shown_parameters
from goldpan.report.paper.merging_words import RESOLUTIONS, STRATEGIES
from goldpan.report.paper.methods_software import environment
from goldpan.report.paper.quoting import Quoter
from goldpan.waves.agreement.formatting import TITLES as COEFFICIENTS

DESIGN = "how goldpan asks"


@dataclass(frozen=True)
class Fact:
    """A sentence, and the artifact that it is from; `DESIGN` where it holds for all studies."""

    text: str
    path: str


class Facts:
    """Sentences from the artifacts of a study; each method gives those there are.

    Args:
        material: the artifacts.
    """

    def __init__(self, material: Material):
        self._material, self._study = material, material.study
        # Numbers are written as in the methods text, which alone keeps where they are from.
        self._say = Quoter()

    def purpose(self) -> Iterator[Fact]:
        """What was asked, by the tasks' own descriptions."""
        for stage, settings in self._study.asked_stages.items():
            for choice in settings.task:
                if task := self._material.tasks.get(choice.task):
                    text = f"Stage {stage} asked {model_name(settings.model)}: {task.description}"
                    yield Fact(text, self._task_path(task.name))

    def oversight(self) -> Iterator[Fact]:
        """Which answers people annotated, too."""
        for wave, sample in self._material.samples.items():
            if sample.made:
                text = (
                    f"Wave {wave}: people annotated {self._say.count(sample, 'sampled')} of"
                    f" {self._say.count(sample, 'population')} records that could be drawn."
                )
                yield Fact(text, sample.path)

    def models(self) -> Iterator[Fact]:
        """Models and the days on which they answered."""
        for stage, summary in self._answered():
            made, days = summary.made or {}, self._material.answered[stage]
            names = ", ".join(
                f"{model_name(model)} ({self._say.count(summary, 'models', model)} rows)"
                for model in made.get("models") or {}
            )
            on = f", on {days.made['days']} (UTC)" if days.made and days.made["days"] else ""
            if names:
                baseline = "; the built-in baseline, no language model" if made.get("baseline") else ""
                yield Fact(f"Stage {stage} was answered by {names}{on}{baseline}.", summary.path)

    def access(self) -> Iterator[Fact]:
        """How models were called."""
        for stage, plan in self._material.plans.items():
            if plan.made:
                settings = self._study.asked_stages[stage]
                kind = self._study.providers[settings.provider].kind
                text = (
                    f"Stage {stage}: provider {kind}, mode {settings.mode}, endpoint"
                    f" {plan.made.get('endpoint')}, output"
                    f" by {plan.made.get('output')}; each record is a request of its own."
                )
                yield Fact(text, plan.path)

    def parameters(self) -> Iterator[Fact]:
        """Parameters, samples, rounds."""
        path = self._material.study_file.path
        for stage, settings in self._study.asked_stages.items():
            params = shown_parameters(settings.params) or "none beyond the service's defaults"
            counts = f"samples {settings.samples}; at most {settings.max_rounds} rounds"
            yield Fact(f"Stage {stage}: parameters {params}; {counts}.", path)

    def customisation(self) -> Iterator[Fact]:
        """What goldpan adds to a model."""
        if self._study.asked_stages:
            yield Fact(
                "Prompts go to the model as they are rendered, and answers are held to a schema of the"
                " task's features; goldpan adds no retrieval, web search, tools or agents.",
                DESIGN,
            )

    def memory(self) -> Iterator[Fact]:
        """Whether a request knows of others."""
        if self._study.asked_stages:
            yield Fact("No: each request holds its whole conversation, and none knows of another.", DESIGN)

    def prompts(self) -> Iterator[Fact]:
        """The prompts, and their hashes."""
        for stage, summary in self._answered():
            for task, asked in ((summary.made or {}).get("tasks") or {}).items():
                read = self._material.tasks.get(task)
                where = f"; its files are in prompts/{task}" if read and read.hash == asked["hash"] else ""
                yield Fact(f"Stage {stage} asked task {task} (SHA-256 {asked['hash']}){where}.", summary.path)

    def system_prompts(self) -> Iterator[Fact]:
        """Which tasks have a system message."""
        for task in self._material.tasks.values():
            has = f"in prompts/{task.name}/system.j2" if task.system_template else "none"
            yield Fact(f"System message of task {task.name}: {has}.", self._task_path(task.name))

    def validation(self) -> Iterator[Fact]:
        """Who annotated, how far they agree, and how good predictions are against them."""
        yield from self.annotators()
        yield from self.agreement()
        yield from self.measured()

    def annotators(self) -> Iterator[Fact]:
        """How many annotators a wave has, and what they saw."""
        for wave, status in self._material.statuses.items():
            if status.made:
                people = status.made["annotators"]
                who = f"{len(people)} annotators" if len(people) > 1 else "1 annotator"
                yield Fact(f"Wave {wave}: {who}, who {_saw(status.made, len(people))}.", status.path)

    def agreement(self) -> Iterator[Fact]:
        """The coefficients to quote first."""
        for wave, artifact in self._material.agreements.items():
            for place, feature in enumerate((artifact.made or {}).get("features", [])):
                names = [coefficient["name"] for coefficient in feature["coefficients"]]
                if feature["headline"] in names:
                    at = ("features", place, "coefficients", names.index(feature["headline"]))
                    title = COEFFICIENTS.get(feature["headline"], feature["headline"])
                    text = f"Wave {wave}, {feature['feature']}: {title} {self._say.figure(artifact, *at)}."
                    yield Fact(text, artifact.path)

    def merging(self) -> Iterator[Fact]:
        """How the answers of annotators became labels."""
        for wave, merged in self._material.merged.items():
            for feature, counts in (merged.made or {}).items():
                told = ", ".join(
                    f"{self._say.count(merged, feature, resolution)} {RESOLUTIONS[resolution]}"
                    for resolution in counts
                )
                strategy = self._study.waves[wave].strategy
                yield Fact(
                    f"Wave {wave}, {feature}: merged by the strategy {strategy},"
                    f" {STRATEGIES[strategy]}: {told}.",
                    merged.path,
                )

    def measured(self) -> Iterator[Fact]:
        """The first figure of each evaluation and model."""
        for name, artifact in self._material.evaluations.items():
            for place, feature in enumerate((artifact.made or {}).get("features", [])):
                for number, model in enumerate(feature["models"]):
                    yield from self._figure(name, artifact, (place, number), feature, model)

    def _figure(
        self, name: str, artifact: Artifact, places: tuple[int, int], feature: Any, model: Any
    ) -> Iterator[Fact]:
        names = [figure["name"] for figure in model["figures"]]
        for figure in [title for title in HEADLINES.get(feature["kind"], ()) if title in names][:1]:
            at = (
                "features",
                places[0],
                "models",
                places[1],
                "figures",
                names.index(figure),
                quoted_way(feature),
            )
            text = (
                f"Evaluation {name}, {feature['feature']}: {TITLES.get(figure, figure)} of {model['model']}"
                f" {self._say.figure(artifact, *at)}, on {feature['items']['evaluated']:,} items."
            )
            yield Fact(text, artifact.path)

    def comparisons(self) -> Iterator[Fact]:
        """What predictions were compared with."""
        for name, artifact in self._material.evaluations.items():
            for feature in (artifact.made or {}).get("features", []):
                baselines = ", ".join(baseline["name"] for baseline in feature["baselines"])
                pairs = ", ".join(f"{pair['first']} with {pair['second']}" for pair in feature["comparisons"])
                text = (
                    f"Evaluation {name}, {feature['feature']}: every figure beside the baselines {baselines}"
                )
                yield Fact(text + (f"; compared pairwise: {pairs}." if pairs else "."), artifact.path)

    def tests(self) -> Iterator[Fact]:
        """Differences between predictions, and tests of them."""
        for name, artifact in self._material.evaluations.items():
            for place, feature in enumerate((artifact.made or {}).get("features", [])):
                for number, pair in enumerate(feature["comparisons"]):
                    names = [difference["name"] for difference in pair["differences"]]
                    at = ("features", place, "comparisons", number)
                    for figure in [one for one in HEADLINES.get(feature["kind"], ()) if one in names][:1]:
                        key = (*at, "differences", names.index(figure), quoted_way(feature))
                        tested = (pair.get("mcnemar") or {}).get("p_value") is not None
                        p = self._say.number(artifact, *at, "mcnemar", "p_value") if tested else ""
                        yield Fact(
                            f"Evaluation {name}, {feature['feature']}: {TITLES.get(figure, figure)} of"
                            f" {pair['first']} less that of {pair['second']}"
                            f" {self._say.figure(artifact, *key)}"
                            + (f"; McNemar's test, p {p}." if tested else "; not tested."),
                            artifact.path,
                        )

    def intervals(self) -> Iterator[Fact]:
        """How sure figures are."""
        for name, artifact in self._material.evaluations.items():
            if artifact.made:
                replicates = self._say.count(artifact, "provenance", "replicates")
                text = (
                    f"Evaluation {name}: every figure has a 95 % interval or says why not; bootstraps are of"
                    f" {replicates} replicates."
                )
                yield Fact(text, artifact.path)

    def errors(self) -> Iterator[Fact]:
        """Where the mistakes are listed."""
        for name, artifact in self._material.evaluations.items():
            for feature in (artifact.made or {}).get("features", []):
                for model in feature["models"]:
                    text = (
                        f"Evaluation {name}, {feature['feature']}: {model['mistakes']:,} mistakes of"
                        f" {model['model']} are listed, the most telling first."
                    )
                    yield Fact(text, self._material.paths.evaluation(name, "errors.csv"))

    def post_processing(self) -> Iterator[Fact]:
        """What became of answers that do not fit."""
        for stage, summary in self._answered():
            states = {state: count for state, count in (summary.made or {})["states"].items() if count}
            told = ", ".join(f"{self._say.count(summary, 'states', state)} {state}" for state in states)
            adjusted = (summary.made or {}).get("adjusted") or 0
            text = f"Stage {stage}: answers were held to the task's schema; of the rows {told}"
            yield Fact(
                text
                + (f"; {adjusted:,} were adjusted to labels that exclude each other." if adjusted else "."),
                summary.path,
            )

    def sampling(self) -> Iterator[Fact]:
        """How items for people were drawn."""
        for wave, sample in self._material.samples.items():
            if sample.made:
                text = (
                    f"Wave {wave}: {self._say.count(sample, 'sampled')} of"
                    f" {self._say.count(sample, 'population')} records,"
                    f" drawn at random with seed {sample.made['seed']} from {len(sample.made['strata'])}"
                    " strata with known inclusion probabilities."
                )
                if targeted := sample.made.get("targeted"):
                    text += f" {targeted['note']}"
                yield Fact(text, sample.path)

    def splits(self) -> Iterator[Fact]:
        """Sizes of sources and gold sets."""
        for chain in self._material.chains.values():
            for place, source in enumerate((chain.made or {})["sources"]):
                rows = self._say.count(chain, "sources", place, "rows")
                yield Fact(f"Source {source['source']}: {rows} rows.", chain.path)
        for wave, gold in self._material.golds.items():
            if gold.made:
                splits = ", ".join(
                    f"{self._say.count(gold, 'splits', split, 'items')} {split}"
                    for split in gold.made["splits"]
                )
                yield Fact(
                    f"Gold set of wave {wave}: {self._say.count(gold, 'items')} items, {splits}.", gold.path
                )

    def resources(self) -> Iterator[Fact]:
        """Requests, tokens, dollars."""
        for stage, summary in self._answered():
            made = summary.made or {}
            if "tokens" in made and "requests_paid" in made:
                tokens = [self._say.count(summary, "tokens", name) for name in ("prompt", "completion")]
                cost = made.get("cost_usd")
                price = f"{self._say.dollars(summary, 'cost_usd')}" if cost is not None else "price not known"
                text = (
                    f"Stage {stage}: {self._say.count(summary, 'requests_paid')} requests, {tokens[0]}"
                    f" prompt and {tokens[1]} completion tokens, {price}."
                )
                yield Fact(text, summary.path)

    def heads(self) -> Iterator[Fact]:
        """How heads were trained."""
        for name, head in self._material.heads.items():
            if head.made:
                settings = head.made["settings"]
                kept = (
                    "architecture",
                    "fit",
                    "hidden",
                    "dropout",
                    "learning_rate",
                    "weight_decay",
                    "batch_size",
                    "seed",
                )
                told = ", ".join(f"{key} {settings[key]}" for key in kept if key in settings)
                yield Fact(
                    f"Head {name}: {told}; chosen on the dev split, measured on {head.made['measured_on']}.",
                    head.path,
                )

    def software(self) -> Iterator[Fact]:
        """Versions of what is installed here."""
        here = environment(self._material)
        yield Fact(
            ", ".join(f"{name} {version}" for name, version in (here.made or {}).items()) + ".", here.path
        )

    def instructions(self) -> Iterator[Fact]:
        """What annotators were shown."""
        for wave, settings in self._study.waves.items():
            sheets = str(PurePosixPath(self._material.paths.sheet(wave, "x")).parent)
            text = (
                f"Wave {wave}: the sheets hold the codebook, each question with its labels and descriptions"
            )
            text += f", and the guidelines {model_name(settings.guidelines)}." if settings.guidelines else "."
            if self._material.samples[wave].made:
                yield Fact(text, sheets)

    def replicates(self) -> Iterator[Fact]:
        """How often each record was asked."""
        path = self._material.study_file.path
        for stage, settings in self._study.asked_stages.items():
            times = "once" if settings.samples == 1 else f"{settings.samples} times"
            yield Fact(f"Stage {stage}: each record was asked {times}.", path)

    def ratings(self) -> Iterator[Fact]:
        """Where each annotator's answer to each item stands."""
        for wave, agreement in self._material.agreements.items():
            if agreement.made:
                yield Fact(
                    f"Wave {wave}: each annotator's answer to each item.", self._material.paths.merged(wave)
                )

    def logs(self) -> Iterator[Fact]:
        """Where requests and answers stand as they were sent."""
        for stage, _ in self._answered():
            text = f"Stage {stage}: requests as they were sent, and answers as they came, round by round."
            yield Fact(text, self._material.paths.stage(stage))

    def hashes(self) -> Iterator[Fact]:
        """Hashes of models that run here."""
        for name, artifact in self._material.embeddings.items():
            for model in (artifact.made or {}).get("models", []):
                text = f"Embedding {name}: {model_name(model['model'])}, SHA-256 {model['model_sha256']}."
                yield Fact(text, artifact.path)

    def _answered(self) -> Iterator[tuple[str, Artifact]]:
        for stage in self._study.asked_stages:
            summary = self._material.summaries[stage]
            if summary.made:
                yield stage, summary

    def _task_path(self, task: str) -> str:
        return f"config/tasks/{task}.yaml"


def _saw(status: dict[str, Any], people: int) -> str:
    """What annotators saw of other answers."""
    if people == 1:
        return "saw the model's answers" if not status["blind"] else "did not see the model's answers"
    if status["blind"]:
        return "saw neither the model's answers nor each other's"
    return "saw the model's answers or each other's"
