"""The direction of imports, and where things may be said, held by reading the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Whom each may import. Nothing below imports from above; the middle two never see each other.
ALLOWED = {
    "conversations": {"conversations"},
    "analytics": {"analytics", "conversations"},
    "maintenance": {"maintenance", "conversations"},
    "sessionsite": {"sessionsite", "analytics", "maintenance", "conversations"},
}


def sources(app: str) -> list[Path]:
    return [path for path in sorted((ROOT / app).rglob("*.py")) if "tests" not in path.parts]


def imports(path: Path) -> set[str]:
    """Return the top-level packages that a file imports absolutely."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("app", ALLOWED)
def test_imports_point_downwards(app):
    for path in sources(app):
        assert imports(path) & set(ALLOWED) <= ALLOWED[app], path


def test_importers_know_no_django():
    for path in sources("conversations/importers"):
        assert "django" not in imports(path), path


def test_the_environment_is_read_in_the_settings_alone():
    for app in ALLOWED:
        for path in sources(app):
            if path.name in {"settings.py", "wsgi.py", "testing.py"}:
                continue
            assert not re.search(r"os\.(environ|getenv)", path.read_text(encoding="utf-8")), path


def test_no_code_branches_on_the_database():
    for app in ALLOWED:
        for path in sources(app):
            assert not re.search(r"if .*\bvendor\b", path.read_text(encoding="utf-8")), path


def test_text_is_marked_as_safe_in_one_place():
    marked = [
        path.relative_to(ROOT).as_posix()
        for app in ALLOWED
        for path in sources(app)
        if "mark_safe" in path.read_text(encoding="utf-8")
    ]
    assert marked == ["conversations/rendering.py"]
    for template in (ROOT / "templates").rglob("*.html"):
        assert "|safe" not in template.read_text(encoding="utf-8"), template


def test_pages_hold_no_inline_script_or_style():
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", text), (
            template
        )


def test_files_stay_short():
    for app in ALLOWED:
        for path in sources(app):
            if "migrations" not in path.parts:
                assert len(path.read_text(encoding="utf-8").splitlines()) <= 450, path
