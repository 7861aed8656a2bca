"""The paper kit: tables, figures, a methods text with its numbers, and checklists, from artifacts."""
