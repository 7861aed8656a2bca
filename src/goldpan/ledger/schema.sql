-- A submission is one attempt to have a shard answered; it is written before anything is uploaded.
--   intent   a paid call may be under way
--   created  the provider has the batch and we know its id
--   settled  its answers are in `answers`
--   void     certainly nothing was paid (refused by the provider), or the batch failed at validation
CREATE TABLE IF NOT EXISTS submissions (
  id INTEGER PRIMARY KEY,
  shard TEXT NOT NULL,
  nonce TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('intent', 'created', 'settled', 'void')),
  provider TEXT NOT NULL,
  study TEXT NOT NULL,
  stage TEXT NOT NULL,
  round INTEGER NOT NULL,
  task TEXT NOT NULL,
  task_hash TEXT NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  intent_at REAL NOT NULL,
  file_id TEXT,
  batch_id TEXT,
  created_at INTEGER,
  status TEXT,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  checked_at REAL,
  settled_at REAL,
  note TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS one_open_submission_per_shard
  ON submissions (shard) WHERE state IN ('intent', 'created');

-- Which request each row of an open submission carries; removed when the submission is settled or void.
CREATE TABLE IF NOT EXISTS asked (
  submission INTEGER NOT NULL REFERENCES submissions (id),
  custom_id TEXT NOT NULL,
  key BLOB NOT NULL,
  task TEXT NOT NULL,
  PRIMARY KEY (submission, custom_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS asked_by_key ON asked (key);

-- The best outcome known for a request, after `attempts` submissions, of which `forgiven` no longer count
-- against the allowed rounds. Tokens are those of all attempts together: what the request has cost.
-- `line` is the provider's line, a zstd frame, perhaps made with one of `dictionaries`.
CREATE TABLE IF NOT EXISTS answers (
  key BLOB NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  retryable INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  forgiven INTEGER NOT NULL DEFAULT 0,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  submission INTEGER NOT NULL REFERENCES submissions (id),
  line BLOB
);
CREATE UNIQUE INDEX IF NOT EXISTS answers_by_key ON answers (key);

-- Dictionaries that frames in `answers` were made with; `id` is the number in the frame's header.
CREATE TABLE IF NOT EXISTS dictionaries (
  id INTEGER PRIMARY KEY,
  content BLOB NOT NULL
);
