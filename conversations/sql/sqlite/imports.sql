-- What was deleted here stays deleted: an import looks here before it adds a record. A session is
-- marked by the trigger that deletes what hangs on it (see cascades.sql).

CREATE TRIGGER messages_delete_mark BEFORE DELETE ON messages
WHEN OLD.external_id IS NOT NULL AND NOT EXISTS (
    SELECT 1
    FROM sessions
    JOIN import_deletions ON import_deletions.record_uuid = sessions.session_uuid
    WHERE sessions.id = OLD.session_id
)
BEGIN
    INSERT OR IGNORE INTO import_deletions (record_uuid) VALUES (OLD.message_uuid);
END;
