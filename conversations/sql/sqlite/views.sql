-- Views for people who open the file with sqlite3, Datasette, DuckDB or pandas. What lies in the
-- trash is in none of them.

CREATE VIEW v_session_summary AS
SELECT
    session.id,
    session.session_uuid,
    session.title,
    session.session_type,
    session.status,
    project.name AS project_name,
    model.provider || '/' || model.model_name AS model_full_name,
    session.total_messages,
    session.total_input_tokens,
    session.total_output_tokens,
    session.total_cost,
    session.started_at,
    session.completed_at,
    CAST(ROUND(
        (julianday(COALESCE(session.completed_at, 'now')) - julianday(session.started_at))
        * 86400000
    ) AS INTEGER) AS duration_ms
FROM sessions AS session
LEFT JOIN projects AS project ON project.id = session.project_id
LEFT JOIN models AS model ON model.id = session.model_id
WHERE session.deleted_at IS NULL;

CREATE VIEW v_message_details AS
SELECT
    message.id,
    message.message_uuid,
    session.session_uuid,
    session.title AS session_title,
    message.sequence_number,
    message.role,
    message.content,
    message.timestamp,
    message.input_tokens,
    message.output_tokens,
    message.cost,
    message.latency_ms,
    model.provider || '/' || model.model_name AS model_full_name
FROM messages AS message
JOIN sessions AS session ON session.id = message.session_id
LEFT JOIN models AS model ON model.id = COALESCE(message.model_id, session.model_id)
WHERE session.deleted_at IS NULL;
