-- The roll-ups follow every insert, update, move and delete of messages and sessions. All of these
-- run AFTER the change: an `OR IGNORE` that leaves a row as it was must not take it off. They take
-- both rows by value, OLD and NEW, never from the table: another trigger may have changed that row
-- since, and then comes here by itself. While bulk_load holds a row, the program does the same for
-- many rows at once (conversations/bulk.py).

CREATE TRIGGER messages_insert_rollups AFTER INSERT ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO rollup_note_message VALUES (
        1, NEW.session_id, NEW.role, NEW.model_id, NEW.timestamp, NEW.input_tokens,
        NEW.output_tokens, NEW.cache_read_tokens, NEW.cache_write_5m_tokens,
        NEW.cache_write_1h_tokens, NEW.reasoning_tokens, NEW.cost_nanos, NEW.cost_basis_id,
        NEW.latency_ms, NEW.finish_reason, NEW.tool_calls, NEW.error_message, NEW.metadata
    );
    INSERT INTO rollup_apply_messages VALUES (1);
END;

CREATE TRIGGER messages_delete_rollups AFTER DELETE ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO rollup_note_message VALUES (
        -1, OLD.session_id, OLD.role, OLD.model_id, OLD.timestamp, OLD.input_tokens,
        OLD.output_tokens, OLD.cache_read_tokens, OLD.cache_write_5m_tokens,
        OLD.cache_write_1h_tokens, OLD.reasoning_tokens, OLD.cost_nanos, OLD.cost_basis_id,
        OLD.latency_ms, OLD.finish_reason, OLD.tool_calls, OLD.error_message, OLD.metadata
    );
    INSERT INTO rollup_apply_messages VALUES (1);
END;

CREATE TRIGGER messages_update_rollups
AFTER UPDATE OF
    id, session_id, role, model_id, timestamp, input_tokens, output_tokens, cache_read_tokens,
    cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, cost, cost_basis_id, latency_ms,
    finish_reason, tool_calls, error_message, metadata
ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO rollup_note_message VALUES (
        -1, OLD.session_id, OLD.role, OLD.model_id, OLD.timestamp, OLD.input_tokens,
        OLD.output_tokens, OLD.cache_read_tokens, OLD.cache_write_5m_tokens,
        OLD.cache_write_1h_tokens, OLD.reasoning_tokens, OLD.cost_nanos, OLD.cost_basis_id,
        OLD.latency_ms, OLD.finish_reason, OLD.tool_calls, OLD.error_message, OLD.metadata
    );
    INSERT INTO rollup_note_message VALUES (
        1, NEW.session_id, NEW.role, NEW.model_id, NEW.timestamp, NEW.input_tokens,
        NEW.output_tokens, NEW.cache_read_tokens, NEW.cache_write_5m_tokens,
        NEW.cache_write_1h_tokens, NEW.reasoning_tokens, NEW.cost_nanos, NEW.cost_basis_id,
        NEW.latency_ms, NEW.finish_reason, NEW.tool_calls, NEW.error_message, NEW.metadata
    );
    INSERT INTO rollup_apply_messages VALUES (1);
END;

-- A session that changes hands takes its messages along.
CREATE TRIGGER sessions_update_rollups
AFTER UPDATE OF id, project_id, model_id, source, tags, deleted_at ON sessions
WHEN NOT EXISTS (SELECT 1 FROM bulk_load) AND (
    OLD.project_id IS NOT NEW.project_id
    OR OLD.model_id IS NOT NEW.model_id
    OR OLD.source IS NOT NEW.source
    OR OLD.tags IS NOT NEW.tags
    OR (OLD.deleted_at IS NULL) IS NOT (NEW.deleted_at IS NULL)
)
BEGIN
    INSERT INTO rollup_message_changes
    SELECT
        -1, '', CASE WHEN OLD.tags <> '[]' THEN OLD.tags END,
        COALESCE(OLD.project_id, 0), COALESCE(own_model_id, OLD.model_id, 0),
        OLD.source, role, basis_id, seconds, day,
        input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens,
        cache_write_1h_tokens, reasoning_tokens, cost_nanos, unpriced, is_error, latency_ms,
        finish_reason, tools
    FROM rollup_messages WHERE session_id = NEW.id AND OLD.deleted_at IS NULL;
    INSERT INTO rollup_message_changes
    SELECT
        1, '', CASE WHEN NEW.tags <> '[]' THEN NEW.tags END,
        COALESCE(NEW.project_id, 0), COALESCE(own_model_id, NEW.model_id, 0),
        NEW.source, role, basis_id, seconds, day,
        input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens,
        cache_write_1h_tokens, reasoning_tokens, cost_nanos, unpriced, is_error, latency_ms,
        finish_reason, tools
    FROM rollup_messages WHERE session_id = NEW.id AND NEW.deleted_at IS NULL;
    INSERT INTO rollup_apply_messages VALUES (1);
END;

CREATE TRIGGER sessions_insert_own_rollups AFTER INSERT ON sessions
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO rollup_note_session VALUES (
        1, NEW.deleted_at, NEW.tags, NEW.project_id, NEW.model_id, NEW.source, NEW.started_at,
        NEW.completed_at, NEW.status, NEW.total_input_tokens + NEW.total_output_tokens,
        NEW.total_cost_nanos
    );
    INSERT INTO rollup_apply_sessions VALUES (1);
END;

-- Its messages went before it (cascades.sql) and took their tokens and costs along, which OLD, read
-- before that, still has.
CREATE TRIGGER sessions_delete_own_rollups AFTER DELETE ON sessions
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO rollup_note_session VALUES (
        -1, OLD.deleted_at, OLD.tags, OLD.project_id, OLD.model_id, OLD.source, OLD.started_at,
        OLD.completed_at, OLD.status, 0, 0
    );
    INSERT INTO rollup_apply_sessions VALUES (1);
END;

CREATE TRIGGER sessions_update_own_rollups
AFTER UPDATE OF
    id, project_id, model_id, source, tags, deleted_at, status, started_at, completed_at,
    total_input_tokens, total_output_tokens, total_cost_nanos
ON sessions
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO rollup_note_session VALUES (
        -1, OLD.deleted_at, OLD.tags, OLD.project_id, OLD.model_id, OLD.source, OLD.started_at,
        OLD.completed_at, OLD.status, OLD.total_input_tokens + OLD.total_output_tokens,
        OLD.total_cost_nanos
    );
    INSERT INTO rollup_note_session VALUES (
        1, NEW.deleted_at, NEW.tags, NEW.project_id, NEW.model_id, NEW.source, NEW.started_at,
        NEW.completed_at, NEW.status, NEW.total_input_tokens + NEW.total_output_tokens,
        NEW.total_cost_nanos
    );
    INSERT INTO rollup_apply_sessions VALUES (1);
END;

-- A session passes through many buckets while it grows; those it leaves empty are not kept.
CREATE TRIGGER rollup_histograms_empty AFTER UPDATE OF count ON rollup_histograms
WHEN NEW.count = 0
BEGIN
    DELETE FROM rollup_histograms
    WHERE metric = NEW.metric AND day = NEW.day AND model_id = NEW.model_id AND low = NEW.low;
END;

CREATE TRIGGER rollup_histogram_weeks_empty AFTER UPDATE OF count ON rollup_histogram_weeks
WHEN NEW.count = 0
BEGIN
    DELETE FROM rollup_histogram_weeks
    WHERE metric = NEW.metric AND week = NEW.week AND model_id = NEW.model_id AND low = NEW.low;
END;

CREATE TRIGGER rollup_project_histograms_empty AFTER UPDATE OF count ON rollup_project_histograms
WHEN NEW.count = 0
BEGIN
    DELETE FROM rollup_project_histograms
    WHERE metric = NEW.metric AND project_id = NEW.project_id AND day = NEW.day
        AND model_id = NEW.model_id AND low = NEW.low;
END;
