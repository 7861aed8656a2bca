"""Before anyone starts: how surely agreement will be known with how many items."""
