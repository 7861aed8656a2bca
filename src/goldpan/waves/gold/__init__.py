"""The frozen labels of a wave, with splits, a data card and metadata."""
