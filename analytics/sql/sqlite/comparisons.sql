-- A comparison counts its changes, by any writer: a stored report of another revision is old. What
-- is said in its sessions is not counted here, so that a message costs no look-up; a report notes
-- what its sessions added up to instead (see comparisons/storing.py). Who inserts thousands of rows
-- in `bulk_load` counts them as one change.

CREATE TRIGGER comparison_sessions_insert_revision AFTER INSERT ON comparison_sessions
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_sessions_update_revision AFTER UPDATE ON comparison_sessions
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_sessions_delete_revision AFTER DELETE ON comparison_sessions
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = OLD.comparison_group_id;
END;

CREATE TRIGGER comparison_results_insert_revision AFTER INSERT ON comparison_results
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_results_update_revision AFTER UPDATE ON comparison_results
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_results_delete_revision AFTER DELETE ON comparison_results
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = OLD.comparison_group_id;
END;

CREATE TRIGGER comparison_prompts_insert_revision AFTER INSERT ON comparison_prompts
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_prompts_update_revision AFTER UPDATE ON comparison_prompts
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_prompts_delete_revision AFTER DELETE ON comparison_prompts
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = OLD.comparison_group_id;
END;

CREATE TRIGGER comparison_variants_insert_revision AFTER INSERT ON comparison_variants
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_variants_update_revision AFTER UPDATE ON comparison_variants
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_variants_delete_revision AFTER DELETE ON comparison_variants
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = OLD.comparison_group_id;
END;

CREATE TRIGGER comparison_votes_insert_revision AFTER INSERT ON comparison_votes
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_votes_update_revision AFTER UPDATE ON comparison_votes
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.comparison_group_id;
END;

CREATE TRIGGER comparison_votes_delete_revision AFTER DELETE ON comparison_votes
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = OLD.comparison_group_id;
END;

CREATE TRIGGER comparison_groups_revision
AFTER UPDATE OF name, primary_metric, planned_prompts, baseline, is_paired, metadata
ON comparison_groups
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id = NEW.id;
END;

-- A report reads what linked sessions say and are. What is added to them or leaves them changes
-- their sums, which a report's signature has; an import need not pay for a trigger.
CREATE TRIGGER comparison_messages_revision
AFTER UPDATE OF session_id, role, content, timestamp, is_active_path, is_hidden, is_sidechain,
    latency_ms, input_tokens, output_tokens, cost, cost_nanos, error_message
ON messages
WHEN EXISTS (
    SELECT 1 FROM comparison_sessions WHERE session_id IN (OLD.session_id, NEW.session_id)
)
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id IN (
        SELECT comparison_group_id FROM comparison_sessions
        WHERE session_id IN (OLD.session_id, NEW.session_id)
    );
END;

CREATE TRIGGER comparison_of_session_revision
AFTER UPDATE OF project_id, model_id, system_prompt, temperature, top_p, max_tokens, metadata,
    deleted_at
ON sessions
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id IN (
        SELECT comparison_group_id FROM comparison_sessions WHERE session_id = NEW.id
    );
END;

CREATE TRIGGER comparison_of_project_revision AFTER UPDATE OF name ON projects
BEGIN
    UPDATE comparison_groups SET revision = revision + 1 WHERE id IN (
        SELECT link.comparison_group_id
        FROM comparison_sessions AS link JOIN sessions ON sessions.id = link.session_id
        WHERE sessions.project_id = NEW.id
    );
END;
