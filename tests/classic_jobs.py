"""Job files as people of ml_filter write them, local and for Slurm."""

EMBEDDING_LOCAL = """\
dataset_name: web
params:
  glob_pattern: "**/*.jsonl"
  input_dir: corpus/${dataset_name}
  output_dir: made
  embedding_dir: ${dataset_name}_vectors
  text_field: body
  keys_to_index: [doc, lang]
  compression: gzip
  embedding_dtype: bfloat16
  label_dtype: int8
  model_dtype: float32
  embedding_model: models/tiny
  batch_size: 128
  writer_batch_size: 50
  hdf5_dataset_name: train
  save_labels: true
  max_length: 48
  padding: longest
  truncation: true
  favourite_colour: blue
running_on_slurm: false
local_settings: {tasks: 2, workers: 2, local_tasks: 2, local_rank_offset: 0, nap_minutes: 3}
slurm_settings: null
wandb_project: demo
"""
ANNOTATION_LOCAL = """\
params:
  embeddings_directory: made/web_vectors
  output_dir: scored
  regression_head_checkpoints:
    Edu-Gemma: ckpt/final
    Edu_Llama: ${params.output_dir}/../ckpt/final
  batch_size: 1000
  hdf5_dataset_name: train
  output_keys: [document_id, score_Edu-Gemma, labels]
  model_dtype: bfloat16
  embedding_dtype: bfloat16
  label_dtype: bfloat16
  compression: gzip
running_on_slurm: false
local_settings:
  tasks: 1
  workers: 1
  local_tasks: 1
  local_rank_offset: 0
  logging_dir: ${params.output_dir}/logs
slurm_settings: null
"""
SLURM = """\
running_on_slurm: true
local_settings: null
slurm_settings:
  sbatch_args: {account: acc, nodes: 1, ntasks: 1, gres: "gpu:4", exclusive: user, mem_bind: local}
  partition: fast
  time: "1-04:30:00"
  cpus_per_task: 32
  mem_per_cpu_gb: 8
  gpus_per_task: 4
  job_name: embedder
  output: ${params.output_dir}/logs/%j.out
  error: ${params.output_dir}/logs/%j.err
  qos: normal
  venv_path: /env/bin/activate
  tasks: 10
  workers: 8
  mail_user: me@example.org
  coffee: strong
"""
EMBEDDING_SLURM = EMBEDDING_LOCAL.split("running_on_slurm")[0] + SLURM
ANNOTATION_SLURM = ANNOTATION_LOCAL.split("running_on_slurm")[0] + SLURM
