-- What hangs on a deleted row goes with it, or lets go of it. The ON DELETE clauses of the schema
-- say the same, but act only where the writer has switched foreign keys on; SQLite's default is
-- off. These triggers act for every writer. They run BEFORE, so that the rows they delete still
-- find their session.

CREATE TRIGGER sessions_delete_cascade BEFORE DELETE ON sessions
BEGIN
    -- First, so that its messages need no mark of their own (see imports.sql).
    INSERT OR IGNORE INTO import_deletions (record_uuid)
    SELECT OLD.session_uuid WHERE OLD.external_id IS NOT NULL;
    DELETE FROM messages WHERE session_id = OLD.id;
    DELETE FROM session_snapshots WHERE session_id = OLD.id;
    DELETE FROM session_tags WHERE session_id = OLD.id;
    DELETE FROM annotations WHERE entity_type = 'session' AND entity_id = OLD.id;
    UPDATE sessions SET parent_session_id = NULL WHERE parent_session_id = OLD.id;
    UPDATE batch_items SET session_id = NULL WHERE session_id = OLD.id;
    UPDATE workflow_steps SET session_id = NULL WHERE session_id = OLD.id;
END;

CREATE TRIGGER messages_delete_cascade BEFORE DELETE ON messages
BEGIN
    DELETE FROM annotations WHERE entity_type = 'message' AND entity_id = OLD.id;
    UPDATE messages SET parent_message_id = NULL WHERE parent_message_id = OLD.id;
END;

CREATE TRIGGER projects_delete_cascade BEFORE DELETE ON projects
BEGIN
    UPDATE sessions SET project_id = NULL WHERE project_id = OLD.id;
    UPDATE batch_jobs SET project_id = NULL WHERE project_id = OLD.id;
    UPDATE workflows SET project_id = NULL WHERE project_id = OLD.id;
END;

CREATE TRIGGER models_delete_cascade BEFORE DELETE ON models
BEGIN
    UPDATE sessions SET model_id = NULL WHERE model_id = OLD.id;
    UPDATE messages SET model_id = NULL WHERE model_id = OLD.id;
    UPDATE batch_jobs SET model_id = NULL WHERE model_id = OLD.id;
END;

CREATE TRIGGER batch_jobs_delete_cascade BEFORE DELETE ON batch_jobs
BEGIN
    DELETE FROM batch_items WHERE batch_job_id = OLD.id;
END;

CREATE TRIGGER workflows_delete_cascade BEFORE DELETE ON workflows
BEGIN
    DELETE FROM workflow_executions WHERE workflow_id = OLD.id;
END;

CREATE TRIGGER workflow_executions_delete_cascade BEFORE DELETE ON workflow_executions
BEGIN
    DELETE FROM workflow_steps WHERE workflow_execution_id = OLD.id;
END;
