-- What changes is noted first, a row for each message or session that is taken off (sign -1) or
-- added (1), and then applied to all roll-ups at once. Both are done by writing into a view.

-- A message, by value: sign, and its columns.
CREATE VIEW rollup_note_message (
    sign, session_id, role, model_id, timestamp, input_tokens, output_tokens, cache_read_tokens,
    cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, cost_nanos, cost_basis_id,
    latency_ms, finish_reason, tool_calls, error_message, metadata
) AS SELECT 0, 0, '', 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '', '';

-- A session, by value; `deleted_at` where it lies in the trash.
CREATE VIEW rollup_note_session (
    sign, deleted_at, tags, project_id, model_id, source, started_at, completed_at, status, tokens,
    cost_nanos
) AS SELECT 0, '', '', 0, 0, '', '', '', '', 0, 0;

CREATE VIEW rollup_apply_messages AS SELECT 0 AS go;

CREATE VIEW rollup_apply_sessions AS SELECT 0 AS go;

CREATE VIEW rollup_apply_histograms AS SELECT 0 AS go;

-- The same as the view rollup_messages, of a row that is in no table any more or not as it was.
CREATE TRIGGER rollup_note_message_now INSTEAD OF INSERT ON rollup_note_message
BEGIN
    INSERT INTO rollup_message_changes
    SELECT
        NEW.sign, '', CASE WHEN session.tags <> '[]' THEN session.tags END,
        COALESCE(session.project_id, 0), COALESCE(NEW.model_id, session.model_id, 0),
        session.source, NEW.role, COALESCE(NEW.cost_basis_id, 0),
        CAST(strftime('%s', NEW.timestamp) AS INTEGER),
        (CAST(strftime('%s', NEW.timestamp) AS INTEGER) + COALESCE((
            SELECT zone.seconds FROM rollup_zone AS zone
            WHERE zone.starts_at <= CAST(strftime('%s', NEW.timestamp) AS INTEGER)
            ORDER BY zone.starts_at DESC LIMIT 1
        ), 0)) / 86400,
        NEW.input_tokens, NEW.output_tokens, NEW.cache_read_tokens, NEW.cache_write_5m_tokens,
        NEW.cache_write_1h_tokens, NEW.reasoning_tokens, NEW.cost_nanos,
        NEW.cost_nanos IS NULL AND (
            COALESCE(NEW.input_tokens, 0) > 0 OR COALESCE(NEW.output_tokens, 0) > 0
            OR COALESCE(NEW.cost_basis_id, 0) = 3
        ),
        NEW.error_message <> '' OR (
            NEW.role = 'tool' AND COALESCE(json_extract(NEW.metadata, '$.is_error'), 0) = 1
        ),
        NEW.latency_ms, NEW.finish_reason,
        CASE json_type(NEW.tool_calls) WHEN 'array' THEN (
            SELECT json_group_array(substr(COALESCE(
                json_extract(tool.value, '$.name'),
                json_extract(tool.value, '$.function.name'),
                ''
            ), 1, 200))
            FROM json_each(NEW.tool_calls) AS tool WHERE tool.type = 'object'
        ) END
    FROM sessions AS session
    WHERE session.id = NEW.session_id AND session.deleted_at IS NULL;
END;

CREATE TRIGGER rollup_note_session_now INSTEAD OF INSERT ON rollup_note_session
WHEN NEW.deleted_at IS NULL
BEGIN
    INSERT INTO rollup_session_changes
    SELECT
        NEW.sign, '', CASE WHEN NEW.tags <> '[]' THEN NEW.tags END, COALESCE(NEW.project_id, 0),
        COALESCE(NEW.model_id, 0), NEW.source,
        (CAST(strftime('%s', NEW.started_at) AS INTEGER) + COALESCE((
            SELECT zone.seconds FROM rollup_zone AS zone
            WHERE zone.starts_at <= CAST(strftime('%s', NEW.started_at) AS INTEGER)
            ORDER BY zone.starts_at DESC LIMIT 1
        ), 0)) / 86400,
        NEW.status = 'failed', NEW.tokens, NEW.cost_nanos,
        CAST(strftime('%s', NEW.completed_at) AS INTEGER)
            - CAST(strftime('%s', NEW.started_at) AS INTEGER);
END;

CREATE TRIGGER rollup_apply_messages_now INSTEAD OF INSERT ON rollup_apply_messages
BEGIN
    INSERT INTO rollup_message_changes
    SELECT DISTINCT
        sign, tag.value, change.rowid, project_id, model_id, source, role, basis_id, seconds, day,
        input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens,
        cache_write_1h_tokens, reasoning_tokens, cost_nanos, unpriced, is_error, latency_ms,
        finish_reason, NULL
    FROM
        rollup_message_changes AS change,
        json_each(
            CASE json_type(change.tags) WHEN 'array' THEN change.tags ELSE '[]' END
        ) AS tag
    WHERE change.tags IS NOT NULL AND tag.type = 'text' AND tag.value <> ''
        AND tag.value NOT GLOB '*' || char(65533) || '*';
    INSERT INTO rollup_day_changes
    SELECT
        tag, day, model_id, project_id, source, role, basis_id,
        SUM(sign),
        COALESCE(SUM(sign * input_tokens), 0),
        COALESCE(SUM(sign * output_tokens), 0),
        COALESCE(SUM(sign * cache_read_tokens), 0),
        COALESCE(SUM(sign * cache_write_5m_tokens), 0),
        COALESCE(SUM(sign * cache_write_1h_tokens), 0),
        COALESCE(SUM(sign * reasoning_tokens), 0),
        COALESCE(SUM(sign * cost_nanos), 0),
        SUM(sign * unpriced),
        SUM(sign * is_error),
        SUM(sign * (latency_ms IS NOT NULL)),
        COALESCE(SUM(sign * latency_ms), 0),
        COALESCE(SUM(CASE WHEN latency_ms > 0 THEN sign * output_tokens END), 0),
        COALESCE(SUM(CASE WHEN output_tokens IS NOT NULL THEN sign * latency_ms END), 0)
    FROM rollup_message_changes
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
    INSERT INTO rollup_days
    SELECT * FROM rollup_day_changes WHERE true
    ON CONFLICT DO UPDATE SET
        messages = messages + excluded.messages,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_write_5m_tokens = cache_write_5m_tokens + excluded.cache_write_5m_tokens,
        cache_write_1h_tokens = cache_write_1h_tokens + excluded.cache_write_1h_tokens,
        reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
        cost_nanos = cost_nanos + excluded.cost_nanos,
        unpriced = unpriced + excluded.unpriced,
        errors = errors + excluded.errors,
        latencies = latencies + excluded.latencies,
        latency_ms = latency_ms + excluded.latency_ms,
        timed_tokens = timed_tokens + excluded.timed_tokens,
        timed_ms = timed_ms + excluded.timed_ms;
    INSERT INTO rollup_day_facets
    SELECT
        tag, facet, day, one, other,
        SUM(messages),
        SUM(input_tokens),
        SUM(output_tokens),
        SUM(cache_read_tokens),
        SUM(cache_write_5m_tokens),
        SUM(cache_write_1h_tokens),
        SUM(reasoning_tokens),
        SUM(cost_nanos),
        SUM(unpriced),
        SUM(errors),
        SUM(latencies),
        SUM(latency_ms),
        SUM(timed_tokens),
        SUM(timed_ms)
    FROM (
        SELECT 'source' AS facet, source AS one, 0 AS other, change.*
        FROM rollup_day_changes AS change
        UNION ALL SELECT 'project_id', project_id, 0, change.* FROM rollup_day_changes AS change
        UNION ALL SELECT 'model_id, role', model_id, role, change.*
        FROM rollup_day_changes AS change
        UNION ALL SELECT 'model_id, basis_id', model_id, basis_id, change.*
        FROM rollup_day_changes AS change
        UNION ALL SELECT 'project_id, model_id', project_id, model_id, change.*
        FROM rollup_day_changes AS change
    ) WHERE true
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT DO UPDATE SET
        messages = messages + excluded.messages,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_write_5m_tokens = cache_write_5m_tokens + excluded.cache_write_5m_tokens,
        cache_write_1h_tokens = cache_write_1h_tokens + excluded.cache_write_1h_tokens,
        reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
        cost_nanos = cost_nanos + excluded.cost_nanos,
        unpriced = unpriced + excluded.unpriced,
        errors = errors + excluded.errors,
        latencies = latencies + excluded.latencies,
        latency_ms = latency_ms + excluded.latency_ms,
        timed_tokens = timed_tokens + excluded.timed_tokens,
        timed_ms = timed_ms + excluded.timed_ms;
    INSERT INTO rollup_hour_changes
    SELECT
        tag, seconds / 3600, model_id, project_id, source,
        SUM(sign),
        COALESCE(SUM(sign * input_tokens), 0),
        COALESCE(SUM(sign * output_tokens), 0),
        COALESCE(SUM(sign * cost_nanos), 0),
        SUM(sign * unpriced),
        SUM(sign * is_error),
        SUM(sign * (latency_ms IS NOT NULL)),
        COALESCE(SUM(sign * latency_ms), 0)
    FROM rollup_message_changes
    GROUP BY 1, 2, 3, 4, 5;
    INSERT INTO rollup_hours
    SELECT * FROM rollup_hour_changes WHERE true
    ON CONFLICT DO UPDATE SET
        messages = messages + excluded.messages,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cost_nanos = cost_nanos + excluded.cost_nanos,
        unpriced = unpriced + excluded.unpriced,
        errors = errors + excluded.errors,
        latencies = latencies + excluded.latencies,
        latency_ms = latency_ms + excluded.latency_ms;
    INSERT INTO rollup_hour_facets
    SELECT
        tag, facet, hour, one,
        SUM(messages),
        SUM(input_tokens),
        SUM(output_tokens),
        SUM(cost_nanos),
        SUM(unpriced),
        SUM(errors),
        SUM(latencies),
        SUM(latency_ms)
    FROM (
        SELECT '' AS facet, 0 AS one, change.* FROM rollup_hour_changes AS change
        UNION ALL SELECT 'model_id', model_id, change.* FROM rollup_hour_changes AS change
        UNION ALL SELECT 'project_id', project_id, change.* FROM rollup_hour_changes AS change
    ) WHERE true
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET
        messages = messages + excluded.messages,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cost_nanos = cost_nanos + excluded.cost_nanos,
        unpriced = unpriced + excluded.unpriced,
        errors = errors + excluded.errors,
        latencies = latencies + excluded.latencies,
        latency_ms = latency_ms + excluded.latency_ms;
    INSERT INTO rollup_histogram_changes
    SELECT
        'latency_ms', project_id, day, model_id,
        (SELECT MAX(low) FROM rollup_lows WHERE low <= latency_ms) AS low, SUM(sign)
    FROM rollup_message_changes WHERE tag = '' AND latency_ms IS NOT NULL
    GROUP BY 2, 3, 4, 5
    HAVING SUM(sign) <> 0;
    INSERT INTO rollup_apply_histograms VALUES (1);
    INSERT INTO rollup_tools
    SELECT project_id, day, model_id, tool.value, SUM(sign)
    FROM (
        SELECT project_id, day, model_id, tools, sign FROM rollup_message_changes
        WHERE tag = '' AND tools IS NOT NULL
        UNION ALL SELECT -1, day, model_id, tools, sign FROM rollup_message_changes
        WHERE tag = '' AND tools IS NOT NULL
    ) AS change, json_each(change.tools) AS tool
    WHERE true
    GROUP BY 1, 2, 3, 4
    HAVING SUM(sign) <> 0
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls;
    INSERT INTO rollup_finishes
    SELECT CASE WHEN whole THEN -1 ELSE project_id END, day, model_id, finish_reason, SUM(messages)
    FROM (
        SELECT project_id, day, model_id, finish_reason, SUM(sign) AS messages
        FROM rollup_message_changes
        WHERE tag = '' AND finish_reason <> ''
        GROUP BY 1, 2, 3, 4
    ) CROSS JOIN (SELECT 0 AS whole UNION ALL SELECT 1)
    WHERE true
    GROUP BY 1, 2, 3, 4
    HAVING SUM(messages) <> 0
    ON CONFLICT DO UPDATE SET messages = messages + excluded.messages;
    DELETE FROM rollup_message_changes;
    DELETE FROM rollup_day_changes;
    DELETE FROM rollup_hour_changes;
END;

CREATE TRIGGER rollup_apply_sessions_now INSTEAD OF INSERT ON rollup_apply_sessions
BEGIN
    INSERT INTO rollup_session_changes
    SELECT DISTINCT
        sign, tag.value, change.rowid, project_id, model_id, source, day, failed, tokens,
        cost_nanos, seconds
    FROM
        rollup_session_changes AS change,
        json_each(
            CASE json_type(change.tags) WHEN 'array' THEN change.tags ELSE '[]' END
        ) AS tag
    WHERE change.tags IS NOT NULL AND tag.type = 'text' AND tag.value <> ''
        AND tag.value NOT GLOB '*' || char(65533) || '*';
    INSERT INTO rollup_sessions
    SELECT tag, day, model_id, project_id, source, SUM(sign), SUM(sign * failed)
    FROM rollup_session_changes WHERE true
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT DO UPDATE SET
        sessions = sessions + excluded.sessions, failed = failed + excluded.failed;
    INSERT INTO rollup_session_facets
    SELECT tag, facet, day, one, SUM(sign), SUM(sign * failed) FROM (
        SELECT 'source' AS facet, source AS one, change.* FROM rollup_session_changes AS change
        UNION ALL SELECT 'model_id', model_id, change.* FROM rollup_session_changes AS change
        UNION ALL SELECT 'project_id', project_id, change.* FROM rollup_session_changes AS change
    ) WHERE true
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET
        sessions = sessions + excluded.sessions, failed = failed + excluded.failed;
    INSERT INTO rollup_histogram_changes
    SELECT metric, project_id, day, model_id, low, SUM(sign) FROM (
        SELECT
            'tokens' AS metric, project_id, day, model_id, sign,
            (SELECT MAX(low) FROM rollup_lows WHERE low <= tokens) AS low
        FROM rollup_session_changes WHERE tag = '' AND tokens > 0
        UNION ALL
        SELECT
            'cost_nanos', project_id, day, model_id, sign,
            (SELECT MAX(low) FROM rollup_lows WHERE low <= cost_nanos)
        FROM rollup_session_changes WHERE tag = '' AND cost_nanos > 0
        UNION ALL
        SELECT
            'seconds', project_id, day, model_id, sign,
            (SELECT MAX(low) FROM rollup_lows WHERE low <= seconds)
        FROM rollup_session_changes WHERE tag = '' AND seconds >= 0
    )
    GROUP BY 1, 2, 3, 4, 5
    HAVING SUM(sign) <> 0;
    INSERT INTO rollup_apply_histograms VALUES (1);
    DELETE FROM rollup_session_changes;
END;

CREATE TRIGGER rollup_apply_histograms_now INSTEAD OF INSERT ON rollup_apply_histograms
BEGIN
    INSERT INTO rollup_histograms
    SELECT metric, day, model_id, low, SUM(count) FROM rollup_histogram_changes WHERE true
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET count = count + excluded.count;
    INSERT INTO rollup_histogram_weeks
    SELECT metric, (day + 3) / 7, model_id, low, SUM(count)
    FROM rollup_histogram_changes WHERE true
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET count = count + excluded.count;
    INSERT INTO rollup_project_histograms
    SELECT metric, project_id, day, model_id, low, count
    FROM rollup_histogram_changes WHERE true
    ON CONFLICT DO UPDATE SET count = count + excluded.count;
    DELETE FROM rollup_histogram_changes;
END;
