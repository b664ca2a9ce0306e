-- Views that add up, for people who open the file with other programs. What lies in the trash is in
-- none of them.

CREATE VIEW v_comparison_summary AS
SELECT
    comparison.id,
    comparison.group_uuid,
    comparison.name,
    comparison.comparison_type,
    COUNT(session.id) AS variant_count,
    SUM(session.total_cost_nanos) / 1e9 / COUNT(session.id) AS avg_cost,
    AVG(session.total_input_tokens + session.total_output_tokens) AS avg_total_tokens,
    AVG(
        (julianday(COALESCE(session.completed_at, 'now')) - julianday(session.started_at))
        * 86400000
    ) AS avg_duration_ms,
    comparison.created_at
FROM comparison_groups AS comparison
LEFT JOIN comparison_sessions AS variant ON variant.comparison_group_id = comparison.id
LEFT JOIN sessions AS session
    ON session.id = variant.session_id AND session.deleted_at IS NULL
GROUP BY comparison.id;

-- A message counts for the model that answered it: its own, else its session's.
CREATE VIEW v_model_performance AS
SELECT
    model.id,
    model.provider,
    model.model_name,
    COUNT(DISTINCT said.session_id) AS session_count,
    COUNT(said.message_id) AS message_count,
    COALESCE(SUM(said.input_tokens), 0) AS total_input_tokens,
    COALESCE(SUM(said.output_tokens), 0) AS total_output_tokens,
    AVG(said.latency_ms) AS avg_latency_ms,
    COALESCE(SUM(said.cost_nanos), 0) / 1e9 AS total_cost
FROM models AS model
LEFT JOIN (
    SELECT
        COALESCE(message.model_id, session.model_id) AS model_id,
        session.id AS session_id,
        message.id AS message_id,
        message.input_tokens,
        message.output_tokens,
        message.latency_ms,
        message.cost_nanos
    FROM sessions AS session
    LEFT JOIN messages AS message ON message.session_id = session.id
    WHERE session.deleted_at IS NULL
) AS said ON said.model_id = model.id
GROUP BY model.id;

CREATE VIEW v_daily_stats AS
SELECT
    DATE(started_at) AS date,
    COUNT(*) AS session_count,
    SUM(total_messages) AS total_messages,
    SUM(total_input_tokens) AS total_input_tokens,
    SUM(total_output_tokens) AS total_output_tokens,
    SUM(total_cost_nanos) / 1e9 AS total_cost,
    SUM(total_cost_nanos) / 1e9 / COUNT(*) AS avg_cost_per_session
FROM sessions
WHERE deleted_at IS NULL
GROUP BY DATE(started_at)
ORDER BY DATE(started_at) DESC;
