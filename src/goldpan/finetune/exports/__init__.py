"""Fine-tuning data: the answers of a stage and the labels of a gold set, as rows that a model learns from."""
