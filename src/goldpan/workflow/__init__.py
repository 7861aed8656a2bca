"""What the rules of the workflow ask the library for: names of artifacts, by what is there."""
