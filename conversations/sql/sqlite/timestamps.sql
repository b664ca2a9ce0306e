-- updated_at moves with every change that does not set it itself.

CREATE TRIGGER projects_update_timestamp AFTER UPDATE ON projects
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
    UPDATE projects SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;

CREATE TRIGGER workflows_update_timestamp AFTER UPDATE ON workflows
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
    UPDATE workflows SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;

CREATE TRIGGER annotations_update_timestamp AFTER UPDATE ON annotations
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
    UPDATE annotations SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;

CREATE TRIGGER prices_update_timestamp AFTER UPDATE ON prices
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
    UPDATE prices SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;
