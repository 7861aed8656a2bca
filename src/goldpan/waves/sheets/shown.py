"""Which fields of the records annotators see when the study does not say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from goldpan.errors import StudyError
from goldpan.records.formats import id_fields
from goldpan.stages.shown_fields import TELLING, are_of_items
from goldpan.study.model import Source
from goldpan.study.wave import Wave
from goldpan.waves.items import Item
from goldpan.waves.sheets.sheet import field_names


def with_fields_to_show(
    wave: Wave,
    name: str,
    items: Sequence[Item],
    sources: Mapping[str, Source],
    labels: Collection[str] = (),
) -> Wave:
    """The wave with `show` filled in, where it is blind and does not say what to show.

    Fields that make the record's id and those that say its stratum are left out. An id such as `positive/17`
    tells what the record is taken for, and a stratum may as well. So do the record that an item was found in,
    who found it, and the labels that a record carries.

    Args:
        wave, name: the wave and its name.
        items: its sample.
        sources: the sources of the study.
        labels: fields of records that hold labels (`a.b` goes inside).

    Raises:
        StudyError: nothing would be left to show.
    """
    if wave.show is not None or not wave.blind:
        return wave
    known = field_names(items, wave, name)
    telling = {*_id_fields(items, sources), *_stratum_fields(wave), *labels}
    # What lies inside an object is shown with all of it, or not at all.
    telling |= {label.partition(".")[0] for label in labels if label not in known}
    if are_of_items(known):
        telling.update(TELLING)
    left = [field for field in known if field not in telling]
    if len(left) == len(known):
        return wave
    if not left:
        raise StudyError(
            f"a blind sheet would show nothing: {', '.join(known)} make the record's id or its stratum, or"
            " are its labels",
            where=f"waves.{name}",
            remedy="say with `show` which fields annotators are to see all the same",
        )
    return wave.model_copy(update={"show": left})


def _id_fields(items: Sequence[Item], sources: Mapping[str, Source]) -> set[str]:
    fields: set[str] = set()
    for name in {item.source for item in items} & set(sources):
        fields.update(id_fields(sources[name]))
    return fields


def _stratum_fields(wave: Wave) -> Iterable[str]:
    keys = wave.stratify.by if wave.stratify else []
    return [key.removeprefix("data.") for key in keys if key.startswith("data.")]
