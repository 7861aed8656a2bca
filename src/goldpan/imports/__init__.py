"""What was labelled or answered elsewhere, brought in."""
