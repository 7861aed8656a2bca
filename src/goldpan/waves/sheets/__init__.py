"""What is given out: the sheets of a wave as a page, as tables, and for other annotation tools."""
