"""Fine-tuning data of answers and gold labels, and models that learn from it."""
