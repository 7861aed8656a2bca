"""The paper kit: tables, figures, a methods text with its numbers, and checklists, from what a study has made."""
