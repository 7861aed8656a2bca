"""What is known of a wave that was given out without looking at its items."""

from __future__ import annotations

from pydantic import ValidationError

from goldpan.records.inputs import files_of_sources
from goldpan.records.limit import trial_of
from goldpan.study.load import Project
from goldpan.study.wave import Wave
from goldpan.waves.collect.listing import sheet_files
from goldpan.waves.sampling.draw_file import as_given_out, given_out_settings, read_draw_head
from goldpan.waves.sampling.sample import SampleCounts, SampleFiles, read_sample_counts


def sample_files(project: Project, name: str) -> SampleFiles:
    """The files of a wave's sample in `results/`."""
    paths = project.paths
    files = (paths.sample(name), paths.sample_llm(name), paths.sample_counts(name))
    return SampleFiles(*(project.root / path for path in files))


def drawn_from(project: Project, wave: Wave) -> list[str]:
    """The artifacts that a wave is drawn from, with the error analysis that lists rows of a targeted one."""
    errors = wave.among.errors if wave.among else None
    return [*compared_with(project, wave), *([project.paths.errors(errors, "json")] if errors else ())]


def compared_with(project: Project, wave: Wave) -> list[str]:
    """The artifacts that hold the records of a wave: those of a stage with its features, or those of tables.

    An error analysis is not among them: what it lists anew is no change of the wave.
    """
    if wave.stage is not None:
        return [project.paths.stage_records(wave.stage), project.paths.features(wave.stage)]
    sources = wave.from_.source if wave.from_ else []
    return [project.paths.records(*place) for place in files_of_sources(project, sources)]


def trial_of_wave(project: Project, wave: Wave) -> dict[str, int]:
    """source -> its limit, of the sources of a wave whose records are those of a trial."""
    if wave.stage is not None:
        return trial_of(project, project.study.sources_of(wave.stage))
    return trial_of(project, wave.from_.source if wave.from_ else [])


def origins_gone(project: Project, wave: Wave) -> list[str]:
    """The stage or the sources that a wave was drawn from and that the study has no longer, in words."""
    study = project.study
    if wave.stage is not None:
        return [] if wave.stage in study.stages else [f"stage `{wave.stage}`"]
    sources = wave.from_.source if wave.from_ else []
    return [f"source `{source}`" for source in sources if source not in study.sources]


def wave_given_out(project: Project, name: str) -> Wave | None:
    """A wave as it was given out; None while it was not.

    Raises:
        SourceError: its draw is damaged, or that of another wave.
    """
    study, wave = project.study.study, project.study.waves[name]
    path = project.root / wave.draw_file(study, name)
    if path.exists():
        return read_draw_head(path, study, name).wave_given_out(wave)
    counts = given_out_before(project, name)
    return None if counts is None else _as_counted(wave, counts)


def given_out_before(project: Project, name: str) -> SampleCounts | None:
    """The counts of a sample whose sheets are out although it has no draw: earlier versions kept none."""
    files = sample_files(project, name)
    if not all(path.exists() for path in (files.sample, files.llm, files.counts)):
        return None
    folder = project.study.waves[name].annotations_folder(project.study.study, name)
    sheets = (project.root / project.paths.sheet(name, "x")).parent
    if not (sheets.is_dir() and any(sheets.iterdir())) and not sheet_files(project.root / folder):
        return None
    return read_sample_counts(files.counts)


def _as_counted(wave: Wave, counts: SampleCounts) -> Wave:
    """The wave with the settings that the counts of its sample still tell, where these go together."""
    told = {
        **({"stage": counts.stage} if counts.stage else {}),
        "seed": counts.seed,
        "blind": counts.blind,
        "layout": counts.layout,
        "annotators": list(counts.annotators) or wave.annotators,
    }
    if wave.features is not None:
        told["features"] = counts.features
    if wave.sample is not None and not isinstance(counts.asked, dict):
        told["sample"] = counts.asked
    try:
        return as_given_out(given_out_settings(wave) | told, wave)
    except ValidationError:
        return wave
