"""What comparisons keep of sessions that are erased."""

from __future__ import annotations

import json

OF_THEM = """
    SELECT DISTINCT comparison_group_id FROM comparison_sessions
    WHERE session_id IN (SELECT value FROM json_each(%s))
"""
# A prompt that was taken from a session is known by its hash from then on, and has no text.
PROMPTS = f"""
    UPDATE comparison_prompts SET text = '', inputs = '{{}}'
    WHERE comparison_group_id IN ({OF_THEM}) AND text IN (
        SELECT content FROM messages WHERE session_id IN (SELECT value FROM json_each(%s))
    )
"""
REPORTS = f"DELETE FROM comparison_reports WHERE comparison_group_id IN ({OF_THEM})"
CONFIGS = """
    UPDATE comparison_sessions SET variant_config = '{}'
    WHERE session_id IN (SELECT value FROM json_each(%s))
"""


def forget(cursor, session_ids: list[int]) -> None:
    """Delete texts of these sessions from prompts, and reports that may quote them."""
    ids = json.dumps(session_ids)
    cursor.execute(REPORTS, [ids])
    cursor.execute(PROMPTS, [ids, ids])
    cursor.execute(CONFIGS, [ids])
