-- The counters of a batch job follow its items in every direction, and a running job whose items
-- are all done is completed.

CREATE TRIGGER batch_items_insert_counters AFTER INSERT ON batch_items
WHEN NEW.status IN ('completed', 'failed')
BEGIN
    UPDATE batch_jobs
    SET completed_items = completed_items + (NEW.status = 'completed'),
        failed_items = failed_items + (NEW.status = 'failed')
    WHERE id = NEW.batch_job_id;
END;

CREATE TRIGGER batch_items_delete_counters AFTER DELETE ON batch_items
WHEN OLD.status IN ('completed', 'failed')
BEGIN
    UPDATE batch_jobs
    SET completed_items = completed_items - (OLD.status = 'completed'),
        failed_items = failed_items - (OLD.status = 'failed')
    WHERE id = OLD.batch_job_id;
END;

CREATE TRIGGER batch_items_move_counters AFTER UPDATE OF batch_job_id ON batch_items
WHEN OLD.batch_job_id IS NOT NEW.batch_job_id
BEGIN
    UPDATE batch_jobs
    SET completed_items = completed_items - (OLD.status = 'completed'),
        failed_items = failed_items - (OLD.status = 'failed')
    WHERE id = OLD.batch_job_id;
    UPDATE batch_jobs
    SET completed_items = completed_items + (NEW.status = 'completed'),
        failed_items = failed_items + (NEW.status = 'failed')
    WHERE id = NEW.batch_job_id;
END;

CREATE TRIGGER batch_items_update_counters AFTER UPDATE OF status ON batch_items
WHEN OLD.batch_job_id IS NEW.batch_job_id AND OLD.status IS NOT NEW.status
BEGIN
    UPDATE batch_jobs
    SET completed_items = completed_items + (NEW.status = 'completed') - (OLD.status = 'completed'),
        failed_items = failed_items + (NEW.status = 'failed') - (OLD.status = 'failed')
    WHERE id = NEW.batch_job_id;
END;

CREATE TRIGGER batch_jobs_complete
AFTER UPDATE OF status, total_items, completed_items, failed_items ON batch_jobs
WHEN NEW.status = 'running'
    AND NEW.total_items > 0
    AND NEW.completed_items + NEW.failed_items >= NEW.total_items
BEGIN
    UPDATE batch_jobs
    SET status = 'completed',
        completed_at = COALESCE(completed_at, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    WHERE id = NEW.id;
END;
