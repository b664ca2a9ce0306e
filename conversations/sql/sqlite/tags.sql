-- session_tags has a row for each text in the array sessions.tags, whoever writes it. Half a
-- character (a lone surrogate, which JSON can say) is no text: it reads as U+FFFD.

CREATE TRIGGER sessions_insert_tags AFTER INSERT ON sessions
WHEN NEW.tags <> '[]'
BEGIN
    INSERT OR IGNORE INTO session_tags (session_id, name)
    SELECT NEW.id, tag.value
    FROM json_each(CASE json_type(NEW.tags) WHEN 'array' THEN NEW.tags ELSE '[]' END) AS tag
    WHERE tag.type = 'text' AND tag.value NOT GLOB '*' || char(65533) || '*';
END;

CREATE TRIGGER sessions_update_tags AFTER UPDATE OF id, tags ON sessions
WHEN OLD.tags IS NOT NEW.tags OR OLD.id IS NOT NEW.id
BEGIN
    DELETE FROM session_tags WHERE session_id = OLD.id;
    INSERT OR IGNORE INTO session_tags (session_id, name)
    SELECT NEW.id, tag.value
    FROM json_each(CASE json_type(NEW.tags) WHEN 'array' THEN NEW.tags ELSE '[]' END) AS tag
    WHERE tag.type = 'text' AND tag.value NOT GLOB '*' || char(65533) || '*';
END;
