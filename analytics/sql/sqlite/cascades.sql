-- As conversations/sql/sqlite/cascades.sql, for the tables of comparisons and budgets.

CREATE TRIGGER sessions_delete_comparisons BEFORE DELETE ON sessions
BEGIN
    DELETE FROM comparison_results WHERE session_id = OLD.id;
    DELETE FROM comparison_sessions WHERE session_id = OLD.id;
END;

CREATE TRIGGER messages_delete_comparisons BEFORE DELETE ON messages
BEGIN
    UPDATE comparison_results SET message_id = NULL WHERE message_id = OLD.id;
    UPDATE comparison_votes SET message_a_id = NULL WHERE message_a_id = OLD.id;
    UPDATE comparison_votes SET message_b_id = NULL WHERE message_b_id = OLD.id;
END;

CREATE TRIGGER comparison_prompts_delete_cascade BEFORE DELETE ON comparison_prompts
BEGIN
    DELETE FROM comparison_votes WHERE prompt_id = OLD.id;
    DELETE FROM comparison_results WHERE prompt_id = OLD.id;
END;

CREATE TRIGGER comparison_reports_delete_cascade BEFORE DELETE ON comparison_reports
BEGIN
    DELETE FROM comparison_report_prompts WHERE report_id = OLD.id;
END;

CREATE TRIGGER comparison_groups_delete_cascade BEFORE DELETE ON comparison_groups
BEGIN
    DELETE FROM comparison_votes WHERE comparison_group_id = OLD.id;
    DELETE FROM comparison_results WHERE comparison_group_id = OLD.id;
    DELETE FROM comparison_prompts WHERE comparison_group_id = OLD.id;
    DELETE FROM comparison_variants WHERE comparison_group_id = OLD.id;
    DELETE FROM comparison_reports WHERE comparison_group_id = OLD.id;
    DELETE FROM comparison_sessions WHERE comparison_group_id = OLD.id;
    DELETE FROM annotations WHERE entity_type = 'comparison' AND entity_id = OLD.id;
END;

CREATE TRIGGER projects_delete_comparisons BEFORE DELETE ON projects
BEGIN
    UPDATE comparison_groups SET project_id = NULL WHERE project_id = OLD.id;
END;

CREATE TRIGGER projects_delete_budgets BEFORE DELETE ON projects
BEGIN
    DELETE FROM budgets WHERE project_id = OLD.id;
END;

CREATE TRIGGER models_delete_budgets BEFORE DELETE ON models
BEGIN
    DELETE FROM budgets WHERE model_id = OLD.id;
END;
