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
