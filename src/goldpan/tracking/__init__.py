"""Trackers: services that show runs to a team, and what is uploaded to them and brought back."""
