"""How far people agree, and how surely.

From the outside in: `wave.measure_wave` (a collected wave) and `measure.measure` (one feature) give the
dataclasses of `report`, which `text` and `page` show. `closed_labels`, `open_values`, `by_label` and
`systematic` choose what is computed for a kind of answer; `explain` and `explain_differences` say what it
means. The formulas and intervals are those of the room `statistics`.
"""
