"""Functions that name the inputs of rules. None of them opens a data file."""

GOLD_FILES = (
    "train.jsonl",
    "dev.jsonl",
    "test.jsonl",
    "gold.csv",
    "card.md",
    "croissant.json",
)


def records_of(stage):
    """Records files that reach a stage, in the order of its sources."""
    return [
        PATHS.records(source, file)
        for source in STUDY.sources_of(stage)
        for file in INPUT_FILES[source]
    ]


def stage_setting(stage, *names):
    """Settings of a stage, as its requests are made, whose change makes a step stale, as text."""
    settings = asked_stage(STUDY.stages[stage])
    given = settings.model_dump(mode="json", include=set(names) or None)
    # Left out where it is as it ever was: else a project from before there was a choice would be stale.
    before_there_was_a_choice = {"endpoint": "chat", "pilot": None}
    return repr(
        sorted(
            item
            for item in given.items()
            if item not in before_there_was_a_choice.items()
        )
    )


def all_features():
    """What every stage ends in."""
    return [
        path
        for stage in STUDY.stages
        for path in (
            PATHS.features(stage),
            PATHS.features_parquet(stage),
            PATHS.summary(stage),
        )
    ]


def tables_of(stage):
    """The per-file tables of a stage, if it wants them."""
    if STUDY.stages[stage].tables is None:
        return []
    return [
        PATHS.table(stage, source, file)
        for source in STUDY.sources_of(stage)
        for file in INPUT_FILES[source]
    ]


def all_tables():
    """The per-file tables of all stages."""
    return [path for stage in STUDY.stages for path in tables_of(stage)]


def sheets_of(wave):
    """The sheets of a wave."""
    return [PATHS.sheet(wave, name) for name in sheet_names(STUDY.waves[wave])]


def all_waves():
    """The sheets of every wave; once filled sheets are there, also what is made of them."""
    paths = []
    for wave in STUDY.waves:
        paths += sheets_of(wave)
        if FILLED_SHEETS[wave]:
            paths += [
                PATHS.agreement(wave, "html"),
                PATHS.disagreements(wave),
                PATHS.gold(wave, "card.md"),
            ]
    return paths


def stage_inputs(wildcards):
    """A stage asks about its sources' records, or about what an earlier stage answered."""
    earlier = STUDY.stages[wildcards.stage].input.stage
    if earlier is None:
        return records_of(wildcards.stage)
    return [PATHS.stage_records(earlier), PATHS.features(earlier)]


def round_before(wildcards):
    """A round asks what the one before it left; the first has none before it."""
    number = int(wildcards.round)
    return [PATHS.settled(wildcards.stage, number - 1)] if number > 1 else []


def shards_of(wildcards):
    """Shard names of a round, as far as it is planned."""
    return planned_shards(PATHS.plan(wildcards.stage, wildcards.round))


def settled_rounds(wildcards):
    """Every round up to the first that leaves nothing to ask, as far as they are settled."""
    try:
        return rounds_to_settle(PATHS, wildcards.stage)
    except GoldpanError as error:
        raise WorkflowError(str(error)) from None


def stage_of(wildcards):
    """The stage a wave samples."""
    return STUDY.waves[wildcards.wave].stage


def wave_tasks(wildcards):
    """Files that say what annotators are asked."""
    guidelines = STUDY.waves[wildcards.wave].guidelines
    return TASK_FILES[stage_of(wildcards)] + ([guidelines] if guidelines else [])


def wave_setting(*names):
    """Settings of a wave whose change makes a step stale, as text."""

    def setting(wildcards):
        given = STUDY.waves[wildcards.wave].model_dump(mode="json", include=set(names))
        return repr(sorted(given.items()))

    return setting


def gold_of(wave):
    """The splits of a wave's gold set."""
    return [PATHS.gold(wave, f"{split}.jsonl") for split in ("train", "dev", "test")]


def evaluated_wave(wildcards):
    """What an evaluation needs to know of its wave."""
    wave = STUDY.evaluations[wildcards.evaluation].wave
    return [PATHS.sample(wave), PATHS.merged(wave)]


def evaluated_predictions(wildcards):
    """The predictions that an evaluation measures: of stages also the summaries, which know the cost."""
    predictions = STUDY.evaluations[wildcards.evaluation].predictions.values()
    summaries = [PATHS.summary(given.stage) for given in predictions if given.stage]
    return summaries + [
        path for given in predictions for path in predicted_files(PROJECT, given)
    ]


def all_evaluations():
    """The evaluations whose gold set and predictions can be made."""
    return [
        PATHS.evaluation(name, "html")
        for name, evaluation in STUDY.evaluations.items()
        if FILLED_SHEETS[evaluation.wave]
        and all(
            given.annotated is None or can_annotate(given.annotated)
            for given in evaluation.predictions.values()
        )
    ]
