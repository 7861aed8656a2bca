"""The study on one page: what was asked of what, what came of it, how good it is and what it cost."""
