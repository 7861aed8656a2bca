# Answers and gold labels -> fine-tuning data -> a fine-tuned model.
