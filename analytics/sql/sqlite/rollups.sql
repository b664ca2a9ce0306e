-- What dashboards read in place of the messages: sums by hour and day, kept to the token and the
-- nano-dollar by the triggers in rollup_triggers.sql, whoever writes. All of it can be made anew from
-- sessions and messages (manage.py rollups rebuild); nothing in it is the truth of anything.
--
-- What lies in the trash counts nowhere. A key of 0 means "none" (no project, no model). A row whose
-- tag is '' counts everything once; rows of other tags count the sessions that carry the tag. Hours
-- count from 1970-01-01 UTC; days too, but are those of the configured time zone, whose offsets
-- from UTC stand in rollup_zone. A sum may fall back to 0; such rows mean nothing and may stay.

CREATE TABLE IF NOT EXISTS rollup_zone (
    starts_at INTEGER PRIMARY KEY, -- seconds since 1970
    seconds INTEGER NOT NULL, -- from UTC, to the east
    name TEXT NOT NULL
);

-- Where the buckets of histograms begin: every whole number at first, then steps of two per cent. So
-- the middle of a bucket is within one per cent of whatever was counted in it.
CREATE TABLE IF NOT EXISTS rollup_lows (low INTEGER PRIMARY KEY);

CREATE TABLE IF NOT EXISTS rollup_days (
    tag TEXT NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL, -- that answered: the message's own, else the session's
    project_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    role TEXT NOT NULL,
    basis_id INTEGER NOT NULL, -- cost_bases: how the cost came about
    messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL, -- messages that used tokens at an unknown price
    errors INTEGER NOT NULL,
    latencies INTEGER NOT NULL, -- messages that say how long they took
    latency_ms INTEGER NOT NULL,
    timed_tokens INTEGER NOT NULL, -- output tokens of messages that say both
    timed_ms INTEGER NOT NULL,
    PRIMARY KEY (tag, day, model_id, project_id, source, role, basis_id)
) WITHOUT ROWID;

-- The same by one or two keys alone, which is what is asked for most: a year of it is some thousand
-- rows, however many messages there are. A facet is named by the keys that `one` and `other` hold:
-- project_id and nothing, source and nothing, model_id and role, model_id and basis_id, project_id
-- and model_id.
CREATE TABLE IF NOT EXISTS rollup_day_facets (
    tag TEXT NOT NULL,
    facet TEXT NOT NULL,
    day INTEGER NOT NULL,
    one NOT NULL,
    other NOT NULL,
    messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL, -- messages that used tokens at an unknown price
    errors INTEGER NOT NULL,
    latencies INTEGER NOT NULL, -- messages that say how long they took
    latency_ms INTEGER NOT NULL,
    timed_tokens INTEGER NOT NULL, -- output tokens of messages that say both
    timed_ms INTEGER NOT NULL,
    PRIMARY KEY (tag, facet, day, one, other)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rollup_hours (
    tag TEXT NOT NULL,
    hour INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    latencies INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    PRIMARY KEY (tag, hour, model_id, project_id, source)
) WITHOUT ROWID;

-- By one key alone: everything ('' and 0), model_id, project_id.
CREATE TABLE IF NOT EXISTS rollup_hour_facets (
    tag TEXT NOT NULL,
    facet TEXT NOT NULL,
    hour INTEGER NOT NULL,
    one NOT NULL,
    messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    latencies INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    PRIMARY KEY (tag, facet, hour, one)
) WITHOUT ROWID;

-- Sessions by the day they started; the model is the session's own.
CREATE TABLE IF NOT EXISTS rollup_sessions (
    tag TEXT NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (tag, day, model_id, project_id, source)
) WITHOUT ROWID;

-- By one of these keys alone: model_id, project_id, source.
CREATE TABLE IF NOT EXISTS rollup_session_facets (
    tag TEXT NOT NULL,
    facet TEXT NOT NULL,
    day INTEGER NOT NULL,
    one NOT NULL,
    sessions INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (tag, facet, day, one)
) WITHOUT ROWID;

-- How many values fell into the bucket that begins at `low`. Metrics: latency_ms of messages;
-- tokens, cost_nanos and seconds (of completed ones) of sessions, where there are any.
CREATE TABLE IF NOT EXISTS rollup_histograms (
    metric TEXT NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    low INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (metric, day, model_id, low)
) WITHOUT ROWID;

-- The same by weeks from Monday, (day + 3) / 7: a year is read in milliseconds.
CREATE TABLE IF NOT EXISTS rollup_histogram_weeks (
    metric TEXT NOT NULL,
    week INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    low INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (metric, week, model_id, low)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rollup_project_histograms (
    metric TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    low INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (metric, project_id, day, model_id, low)
) WITHOUT ROWID;

-- The project -1 counts all of them, which is what is asked for most.
CREATE TABLE IF NOT EXISTS rollup_tools (
    project_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    tool TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (project_id, day, model_id, tool)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rollup_finishes (
    project_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    finish_reason TEXT NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (project_id, day, model_id, finish_reason)
) WITHOUT ROWID;

-- What is about to be added (sign 1) or taken off (-1): empty but inside a statement that changes
-- something. So one message and ten thousand take the same way. `tags` is an array of the names for
-- which a row is yet to be made.
CREATE TABLE IF NOT EXISTS rollup_message_changes (
    sign INTEGER NOT NULL,
    tag TEXT NOT NULL,
    tags TEXT,
    project_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    role TEXT NOT NULL,
    basis_id INTEGER NOT NULL,
    seconds INTEGER NOT NULL,
    day INTEGER NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_5m_tokens INTEGER,
    cache_write_1h_tokens INTEGER,
    reasoning_tokens INTEGER,
    cost_nanos INTEGER,
    unpriced INTEGER NOT NULL,
    is_error INTEGER NOT NULL,
    latency_ms INTEGER,
    finish_reason TEXT NOT NULL,
    tools TEXT
);

CREATE TABLE IF NOT EXISTS rollup_session_changes (
    sign INTEGER NOT NULL,
    tag TEXT NOT NULL,
    tags TEXT,
    project_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    day INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    seconds INTEGER
);

-- The same, added up by all keys: what is kept by fewer keys is added up from these few rows.
CREATE TABLE IF NOT EXISTS rollup_day_changes (
    tag TEXT NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    role TEXT NOT NULL,
    basis_id INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    latencies INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    timed_tokens INTEGER NOT NULL,
    timed_ms INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS rollup_hour_changes (
    tag TEXT NOT NULL,
    hour INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    messages INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    latencies INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS rollup_histogram_changes (
    metric TEXT NOT NULL,
    project_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    low INTEGER NOT NULL,
    count INTEGER NOT NULL
);

-- Every message as the roll-ups count it.
CREATE VIEW rollup_messages AS
SELECT
    message.id AS message_id,
    message.session_id,
    session.deleted_at IS NOT NULL AS in_trash,
    CASE WHEN session.tags <> '[]' THEN session.tags END AS tags,
    COALESCE(session.project_id, 0) AS project_id,
    COALESCE(message.model_id, session.model_id, 0) AS model_id,
    message.model_id AS own_model_id,
    session.source,
    message.role,
    COALESCE(message.cost_basis_id, 0) AS basis_id,
    CAST(strftime('%s', message.timestamp) AS INTEGER) AS seconds,
    (CAST(strftime('%s', message.timestamp) AS INTEGER) + COALESCE((
        SELECT zone.seconds FROM rollup_zone AS zone
        WHERE zone.starts_at <= CAST(strftime('%s', message.timestamp) AS INTEGER)
        ORDER BY zone.starts_at DESC LIMIT 1
    ), 0)) / 86400 AS day,
    message.input_tokens,
    message.output_tokens,
    message.cache_read_tokens,
    message.cache_write_5m_tokens,
    message.cache_write_1h_tokens,
    message.reasoning_tokens,
    message.cost_nanos,
    message.cost IS NULL AND (
        COALESCE(message.input_tokens, 0) > 0 OR COALESCE(message.output_tokens, 0) > 0
        OR COALESCE(message.cost_basis_id, 0) = 3 -- a subscription that counts no tokens
    ) AS unpriced,
    message.error_message <> '' OR (
        message.role = 'tool' AND COALESCE(json_extract(message.metadata, '$.is_error'), 0) = 1
    ) AS is_error,
    message.latency_ms,
    message.finish_reason,
    CASE json_type(message.tool_calls) WHEN 'array' THEN (
        SELECT json_group_array(substr(COALESCE(
            json_extract(tool.value, '$.name'), json_extract(tool.value, '$.function.name'), ''
        ), 1, 200))
        FROM json_each(message.tool_calls) AS tool WHERE tool.type = 'object'
    ) END AS tools
FROM messages AS message
JOIN sessions AS session ON session.id = message.session_id;

CREATE VIEW rollup_whole_sessions AS
SELECT
    session.id AS session_id,
    session.deleted_at IS NOT NULL AS in_trash,
    CASE WHEN session.tags <> '[]' THEN session.tags END AS tags,
    COALESCE(session.project_id, 0) AS project_id,
    COALESCE(session.model_id, 0) AS model_id,
    session.source,
    (CAST(strftime('%s', session.started_at) AS INTEGER) + COALESCE((
        SELECT zone.seconds FROM rollup_zone AS zone
        WHERE zone.starts_at <= CAST(strftime('%s', session.started_at) AS INTEGER)
        ORDER BY zone.starts_at DESC LIMIT 1
    ), 0)) / 86400 AS day,
    session.status = 'failed' AS failed,
    session.total_input_tokens + session.total_output_tokens AS tokens,
    session.total_cost_nanos AS cost_nanos,
    CAST(strftime('%s', session.completed_at) AS INTEGER)
        - CAST(strftime('%s', session.started_at) AS INTEGER) AS seconds
FROM sessions AS session;
