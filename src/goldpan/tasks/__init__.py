"""What is asked and how answers are read: features, tasks, JSON schemas, prompts, answers and filters."""
