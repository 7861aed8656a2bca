"""What a study has made, told to people: what stands in its artifacts, and pages and papers of it."""
