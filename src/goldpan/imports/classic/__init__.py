"""ml_filter's jobs, `embedding_job.yaml` and `annotation_job.yaml`: read, and written as a study."""
