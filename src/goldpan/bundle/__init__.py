"""One archive from which others repeat a study without a key, and its replay."""
