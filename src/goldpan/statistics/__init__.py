"""Statistics of answers: arrays in, figures with intervals out. Nothing here reads a file or knows a wave.

- Agreement of people: `kappa`, `multirater`, `alpha` (with `distances` and `weights`), `number_agreement`
  give a `coefficient`, of which `bands` names the strength; `coefficient_intervals` gives several their
  intervals at once, by the bootstrap or `posterior`, and their `standard_errors`.
- What goes in one direction: `marginal_homogeneity` of two annotators, `annotator_bias` of each,
  `annotator_groups`.
- Predictions against the truth: `label_measures`, `score_measures`, `set_measures`, `ranking_measures`, put
  together by `joined_measures`, are turned into `figures` with intervals; `baselines` is what needs no model.
- Intervals: `figures` chooses; `bootstrap` draws again what `samples` prepares, by the `sampling_design`;
  `interval` holds them, and has those of a share.
- `scales` says what kind of values a feature has; `dawid_skene` finds true labels behind several annotators'.
"""
