"""What comparisons keep of sessions that are erased."""

from __future__ import annotations

import json

THEM = "SELECT value FROM json_each(%(ids)s)"
MESSAGES = f"SELECT id FROM messages WHERE session_id IN ({THEM})"
RESULTS = f"(session_id IN ({THEM}) OR message_id IN ({MESSAGES}))"
VOTES = f"(message_a_id IN ({MESSAGES}) OR message_b_id IN ({MESSAGES}))"
REPORTS = f"""
    DELETE FROM comparison_reports WHERE comparison_group_id IN (
        SELECT comparison_group_id FROM comparison_sessions WHERE session_id IN ({THEM})
        UNION SELECT comparison_group_id FROM comparison_results WHERE {RESULTS}
        UNION SELECT comparison_group_id FROM comparison_votes WHERE {VOTES}
    )
"""
# A prompt that was taken from a session, or that one of its messages answers, is known by its hash
# from then on, and has no text.
PROMPTS = f"""
    UPDATE comparison_prompts SET text = '', inputs = '{{}}'
    WHERE id IN (
        SELECT prompt_id FROM comparison_results WHERE {RESULTS}
        UNION SELECT prompt_id FROM comparison_votes WHERE {VOTES}
    ) OR (
        comparison_group_id IN (
            SELECT comparison_group_id FROM comparison_sessions WHERE session_id IN ({THEM})
        )
        AND text IN (SELECT content FROM messages WHERE session_id IN ({THEM}))
    )
"""
CONFIGS = f"UPDATE comparison_sessions SET variant_config = '{{}}' WHERE session_id IN ({THEM})"
# The values stay where only a message is gone, as the votes do.
NOTES = (
    f"""
    UPDATE comparison_results SET notes = '', metadata = '{{}}',
        error = CASE WHEN error <> '' THEN '(erased)' ELSE '' END
    WHERE {RESULTS}
    """,
    f"UPDATE comparison_votes SET notes = '' WHERE {VOTES}",
)


def forget(cursor, session_ids: list[int]) -> None:
    """Delete texts of these sessions from prompts, results, votes, and reports that quote them."""
    ids = {"ids": json.dumps(session_ids)}
    for statement in (REPORTS, PROMPTS, CONFIGS, *NOTES):
        cursor.execute(statement, ids)
