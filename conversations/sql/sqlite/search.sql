-- The full-text index. It stores no text of its own: it reads messages and sessions through a view.
-- Only the content is indexed; the other columns are there to be selected and joined on.

CREATE VIEW messages_search_source AS
SELECT message.id, message.message_uuid, session.session_uuid, message.content, message.role
FROM messages AS message
LEFT JOIN sessions AS session ON session.id = message.session_id;

CREATE VIRTUAL TABLE messages_fts USING fts5 (
    message_uuid UNINDEXED,
    session_uuid UNINDEXED,
    content,
    role UNINDEXED,
    content = 'messages_search_source',
    content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TRIGGER messages_insert_search AFTER INSERT ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO messages_fts (rowid, content) VALUES (NEW.id, NEW.content);
END;

-- Out of an index without text of its own a row goes by 'delete' and the values it went in with.
CREATE TRIGGER messages_delete_search AFTER DELETE ON messages
BEGIN
    INSERT INTO messages_fts (messages_fts, rowid, content) VALUES ('delete', OLD.id, OLD.content);
END;

CREATE TRIGGER messages_update_search AFTER UPDATE OF id, content ON messages
WHEN OLD.content IS NOT NEW.content OR OLD.id IS NOT NEW.id
BEGIN
    INSERT INTO messages_fts (messages_fts, rowid, content) VALUES ('delete', OLD.id, OLD.content);
    INSERT INTO messages_fts (rowid, content) VALUES (NEW.id, NEW.content);
END;
