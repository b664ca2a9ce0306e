-- A session's totals follow every insert, update, move and delete of its messages, whoever writes.
-- Messages of basis 3 (a subscription that counts no tokens) and those with tokens and no cost are
-- unpriced: their cost is not in the sum. The truth of the cost is the integer of nano-dollars; total_cost is the same number in dollars.
--
-- An import inserts rows of thousands at a time and brings totals and index up to date once per
-- chunk (see bulk.py). While it does, inside its own transaction, bulk_load holds a row, which no
-- other connection can ever see.

CREATE TABLE IF NOT EXISTS bulk_load (id INTEGER PRIMARY KEY CHECK (id = 1));

CREATE TRIGGER messages_insert_totals AFTER INSERT ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE sessions
    SET total_messages = total_messages + 1,
        total_input_tokens = total_input_tokens + COALESCE(NEW.input_tokens, 0),
        total_output_tokens = total_output_tokens + COALESCE(NEW.output_tokens, 0),
        total_cost_nanos = total_cost_nanos + COALESCE(NEW.cost_nanos, 0),
        total_cost = (total_cost_nanos + COALESCE(NEW.cost_nanos, 0)) / 1e9,
        total_unpriced = total_unpriced + (NEW.cost IS NULL AND (
            COALESCE(NEW.input_tokens, 0) > 0 OR COALESCE(NEW.output_tokens, 0) > 0
            OR COALESCE(NEW.cost_basis_id, 0) = 3
        ))
    WHERE id = NEW.session_id;
END;

CREATE TRIGGER messages_delete_totals AFTER DELETE ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE sessions
    SET total_messages = total_messages - 1,
        total_input_tokens = total_input_tokens - COALESCE(OLD.input_tokens, 0),
        total_output_tokens = total_output_tokens - COALESCE(OLD.output_tokens, 0),
        total_cost_nanos = total_cost_nanos - COALESCE(OLD.cost_nanos, 0),
        total_cost = (total_cost_nanos - COALESCE(OLD.cost_nanos, 0)) / 1e9,
        total_unpriced = total_unpriced - (OLD.cost IS NULL AND (
            COALESCE(OLD.input_tokens, 0) > 0 OR COALESCE(OLD.output_tokens, 0) > 0
            OR COALESCE(OLD.cost_basis_id, 0) = 3
        ))
    WHERE id = OLD.session_id;
END;

CREATE TRIGGER messages_update_totals
AFTER UPDATE OF session_id, input_tokens, output_tokens, cost, cost_basis_id ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    UPDATE sessions
    SET total_messages = total_messages - 1,
        total_input_tokens = total_input_tokens - COALESCE(OLD.input_tokens, 0),
        total_output_tokens = total_output_tokens - COALESCE(OLD.output_tokens, 0),
        total_cost_nanos = total_cost_nanos - COALESCE(OLD.cost_nanos, 0),
        total_cost = (total_cost_nanos - COALESCE(OLD.cost_nanos, 0)) / 1e9,
        total_unpriced = total_unpriced - (OLD.cost IS NULL AND (
            COALESCE(OLD.input_tokens, 0) > 0 OR COALESCE(OLD.output_tokens, 0) > 0
            OR COALESCE(OLD.cost_basis_id, 0) = 3
        ))
    WHERE id = OLD.session_id;
    UPDATE sessions
    SET total_messages = total_messages + 1,
        total_input_tokens = total_input_tokens + COALESCE(NEW.input_tokens, 0),
        total_output_tokens = total_output_tokens + COALESCE(NEW.output_tokens, 0),
        total_cost_nanos = total_cost_nanos + COALESCE(NEW.cost_nanos, 0),
        total_cost = (total_cost_nanos + COALESCE(NEW.cost_nanos, 0)) / 1e9,
        total_unpriced = total_unpriced + (NEW.cost IS NULL AND (
            COALESCE(NEW.input_tokens, 0) > 0 OR COALESCE(NEW.output_tokens, 0) > 0
            OR COALESCE(NEW.cost_basis_id, 0) = 3
        ))
    WHERE id = NEW.session_id;
END;
