-- A cost that somebody changes is no longer the one that was computed, so how it came about is
-- forgotten with it. Who knows it sets both columns, and the second to another value than before.

CREATE TRIGGER messages_update_cost AFTER UPDATE OF cost ON messages
WHEN NEW.cost IS NOT OLD.cost
    AND NEW.cost_basis_id IS OLD.cost_basis_id
    AND NEW.cost_basis_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE messages SET cost_basis_id = NULL WHERE id = NEW.id;
END;
