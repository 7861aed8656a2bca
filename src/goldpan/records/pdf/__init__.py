"""PDFs as sources: their text in reading order, cut into records."""
