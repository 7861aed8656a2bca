"""Mentions of things by name: where they stand in a text, and which of them mean the same thing."""
