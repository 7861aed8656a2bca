"""Where predictions are wrong: slices, pairs of labels, clusters, doubtful gold, calibration, instability."""
