"""Records: readers of the user's files, ids, look-up of fields, the order of the draw, groups and splits."""
