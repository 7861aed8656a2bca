-- A submission is one attempt to have a shard answered; it is written before anything is uploaded.
--   intent   a paid call may be under way
--   created  the provider has the batch and we know its id
--   settled  its answers are in `answers`
--   void     certainly nothing was paid (refused by the provider), or the batch failed at validation
-- `service` is who is asked: kind and address of the provider, without its key. `sent_at` (our clock) and
-- `server_at` (the service's, where it said it) are of the paid call that may have gone through; null again
-- once the service has refused it or was never reached. `paid_calls` counts the calls that may have gone
-- through. Tokens are those of this submission's answers: what it has cost. Cached and cache-write tokens are
-- among the prompt tokens, reasoning tokens among the completion tokens. `paid` counts the requests that were
-- answered, whatever the answer was worth; `completion_squares` is the sum of the squares of their completion
-- tokens. `estimated_usd` is what the submission was expected to cost; `free` is 1 where answers cost nothing.
-- `tier` is the service's tier at which it is asked, '' for the ordinary one; what begins with `flex_` is the
-- part of its tokens that came at the tier `flex`. `lost_calls` counts the calls for single requests that
-- brought no answer and may have been paid for. A `batch_id` that begins with `imported_` stands for a file of
-- answers that was paid for elsewhere: its tokens and `paid` are 0, and `note` says which file it was.
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
  note TEXT,
  service TEXT NOT NULL DEFAULT '',
  endpoint TEXT NOT NULL DEFAULT '/v1/chat/completions',
  sent_at REAL,
  server_at REAL,
  paid_calls INTEGER NOT NULL DEFAULT 0,
  prompt_tokens INTEGER NOT NULL DEFAULT 0,
  completion_tokens INTEGER NOT NULL DEFAULT 0,
  cached_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens INTEGER NOT NULL DEFAULT 0,
  paid INTEGER NOT NULL DEFAULT 0,
  completion_squares REAL NOT NULL DEFAULT 0,
  estimated_usd REAL,
  free INTEGER NOT NULL DEFAULT 0,
  tier TEXT NOT NULL DEFAULT '',
  flex_prompt_tokens INTEGER NOT NULL DEFAULT 0,
  flex_completion_tokens INTEGER NOT NULL DEFAULT 0,
  flex_cached_tokens INTEGER NOT NULL DEFAULT 0,
  flex_cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  lost_calls INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS one_open_submission_per_shard
  ON submissions (shard) WHERE state IN ('intent', 'created');

-- Which request each row of an open submission carries; removed when the submission is settled or void.
-- `sent_at` is set from before a call is made for this request alone until its outcome is taken: one that has
-- it and no outcome may have been paid for. `taken` is 1 once its outcome is in `answers`.
CREATE TABLE IF NOT EXISTS asked (
  submission INTEGER NOT NULL REFERENCES submissions (id),
  custom_id TEXT NOT NULL,
  key BLOB NOT NULL,
  task TEXT NOT NULL,
  sent_at REAL,
  taken INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (submission, custom_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS asked_by_key ON asked (key);

-- The best outcome known for a request, after `attempts` submissions, of which `forgiven` no longer count
-- against the allowed rounds. Tokens are those of all attempts together: what the request has cost.
-- `tier` is the service's tier that answered last, where the answer says it; what begins with `flex_` is the
-- part of the tokens that came at the tier `flex`, in whichever attempt.
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
  line BLOB,
  cached_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens INTEGER NOT NULL DEFAULT 0,
  paid INTEGER NOT NULL DEFAULT 0,
  tier TEXT NOT NULL DEFAULT '',
  flex_prompt_tokens INTEGER NOT NULL DEFAULT 0,
  flex_completion_tokens INTEGER NOT NULL DEFAULT 0,
  flex_cached_tokens INTEGER NOT NULL DEFAULT 0,
  flex_cache_write_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS answers_by_key ON answers (key);

-- Dictionaries that frames in `answers` were made with; `id` is the number in the frame's header.
CREATE TABLE IF NOT EXISTS dictionaries (
  id INTEGER PRIMARY KEY,
  content BLOB NOT NULL
);

-- Batches that turned up for an intent which already had one: paid for twice unless cancelled in time.
CREATE TABLE IF NOT EXISTS orphans (
  batch_id TEXT NOT NULL,
  submission INTEGER NOT NULL REFERENCES submissions (id),
  status TEXT,
  requests INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER,
  seen_at REAL NOT NULL,
  PRIMARY KEY (batch_id, submission)
);
