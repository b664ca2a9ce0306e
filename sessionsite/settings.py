"""Settings. Every environment variable is read here, and nowhere else.

Each is documented in the README ("Configuration"); a value that cannot be meant raises
ImproperlyConfigured and names the variable.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv

# A newer SQLite for this program alone, where it is installed (requirements-sqlite.txt). Not once
# somebody has imported the system's: two SQLite libraries of one process must never open the same
# file, since each drops the other's locks.
if "sqlite3" not in sys.modules and importlib.util.find_spec("pysqlite3"):
    sys.modules["sqlite3"] = importlib.import_module("pysqlite3")
    sys.modules["sqlite3.dbapi2"] = importlib.import_module("pysqlite3.dbapi2")

BASE_DIR = Path(__file__).resolve().parent.parent
env = FileAwareEnv()  # NAME_FILE=/run/secrets/name works for every NAME


def env_text(name: str, *, default: str = "") -> str:
    try:
        return env.str(name, default=default)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {error.filename}: {error.strerror}") from error


def env_list(name: str, *, default: list[str]) -> list[str]:
    return [item.strip() for item in env_text(name).split(",") if item.strip()] or default


def env_bool(name: str, *, default: bool) -> bool:
    text = env_text(name).strip().lower()
    if text in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return text in {"1", "true", "yes", "on"} if text else default
    raise ImproperlyConfigured(f"{name}: {text!r} is not a yes or no; give 1 or 0.")


def env_choice(name: str, *, default: str, choices: set[str]) -> str:
    text = env_text(name, default=default)
    if text not in choices:
        known = ", ".join(sorted(choices)[:20])
        raise ImproperlyConfigured(f"{name}: {text!r} is not one of: {known}")
    return text


def env_number(name: str, *, default: int, least: int, most: int) -> int:
    text = env_text(name, default=str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ImproperlyConfigured(f"{name}: {text!r} is not a number from {least} to {most}.")
    return int(text)


def env_folder(name: str, *, default: Path) -> Path:
    folder = Path(env_text(name) or default).expanduser()
    folder = folder if folder.is_absolute() else BASE_DIR / folder
    if folder.exists() and not folder.is_dir():
        raise ImproperlyConfigured(f"{name}: {folder} is not a folder.")
    return folder


def secret_key(folder: Path) -> str:
    """Return the key kept in `folder`, making it (mode 600) if it is not there yet."""
    file = folder / "secret_key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            # Written aside and linked, so that two processes starting at once end with one key
            # and neither ever reads half of it.
            draft = folder / f"secret_key.{os.getpid()}"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(64))
            try:
                os.link(draft, file)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        key = file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and cannot be kept in {file}: {error.strerror}."
            " Set SECRET_KEY, or SESSIONS_DATA to a folder that can be written."
        ) from error
    if len(key) < 50:
        raise ImproperlyConfigured(f"{file} is too short for a key; delete it to get a new one.")
    return key


DEBUG = env_bool("DEBUG", default=False)
DATA_DIR = env_folder("SESSIONS_DATA", default=BASE_DIR / "data")
SECRET_KEY = env_text("SECRET_KEY") or secret_key(DATA_DIR)
HTTPS = env_bool("HTTPS", default=False)
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", default=LOCAL_HOSTS)
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", default=[])
SINGLE_USER = env_bool("SINGLE_USER", default=False)
if SINGLE_USER and HTTPS:
    # Whoever comes through a proxy on this machine may look as if he sat at it.
    raise ImproperlyConfigured(
        "SINGLE_USER: with HTTPS=1 others are served, through a proxy; unset one of the two."
    )

INSTALLED_APPS = [
    "sessionsite",
    "analytics",
    "maintenance",
    "conversations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "django_tasks",
    "django_tasks_db",
]

MIDDLEWARE = [
    "sessionsite.middleware.WholeRequestMiddleware",
    # The next four set headers, on whatever the others answer: redirects and static files too.
    "sessionsite.requests.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "sessionsite.middleware.HeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sessionsite.middleware.SignInRequiredMiddleware",
    "sessionsite.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "sessionsite.middleware.DatabaseTroubleMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "sessionsite.urls"
WSGI_APPLICATION = "sessionsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- database -------------------------------------------------------------------------------


def database() -> dict:
    """Return the DATABASES entry for DATABASE_URL; a relative SQLite path is one in BASE_DIR."""
    config = env.db_url_config(env_text("DATABASE_URL", default="sqlite:///llm_sessions.db"))
    if config.get("ENGINE") != "django.db.backends.sqlite3":
        raise ImproperlyConfigured(
            "DATABASE_URL: only SQLite is supported;"
            " give sqlite:///file.db or sqlite:////absolute/path/file.db."
        )
    if not config["NAME"] or config["NAME"] == ":memory:":
        raise ImproperlyConfigured("DATABASE_URL: the database must be a file.")
    return sqlite_database(BASE_DIR / config["NAME"])


def sqlite_database(path: Path) -> dict:
    """Return the DATABASES entry for the SQLite file at `path`."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        # Closing the last connection checkpoints and deletes the WAL; a connection that stays
        # makes synchronous=FULL as fast as NORMAL is without.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # The write lock is taken when a transaction begins, where waiting for it is allowed;
            # a transaction that reads first and writes later fails at once instead.
            "transaction_mode": "IMMEDIATE",
            "timeout": SQLITE_TIMEOUT_SECONDS,
            "init_command": SQLITE_PRAGMAS,
        },
        # In memory there is no WAL and no lock, so tests run on a file as everything else does.
        "TEST": {"NAME": str(DATA_DIR / "test.db")},
    }


SQLITE_TIMEOUT_SECONDS = env_number("SQLITE_TIMEOUT", default=20, least=0, most=3600)
# No mmap_size: with the WAL-reset defect it turns a lost page into structural damage.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-16000;"
    "PRAGMA journal_size_limit=67108864"
)
DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- people ---------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # says no to who guesses; the next says who it is
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "sessions"
LOGOUT_REDIRECT_URL = "sign-in"
SIGN_IN_LINK_SECONDS = 15 * 60
PASSWORD_RESET_TIMEOUT = SIGN_IN_LINK_SECONDS  # the link is one of Django's reset tokens
# A sign-in ends two weeks after it began. Sliding would be SESSION_SAVE_EVERY_REQUEST: a write on
# every page that is read, and SQLite has one writer.
SESSION_COOKIE_AGE = 14 * 24 * 60 * 60
CSRF_FAILURE_VIEW = "sessionsite.views.csrf_failure"
ADMIN_USER = env_text("SESSIONS_ADMIN_USER", default="admin")
ADMIN_PASSWORD = env_text("SESSIONS_ADMIN_PASSWORD")

# Guessing passwords: after five wrong ones, a name and an address together have to wait. A name
# alone is never locked, so that nobody can keep others out.
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # what the page said of the time holds
AXES_CLIENT_IP_CALLABLE = "sessionsite.requests.client_address"
AXES_USERNAME_CALLABLE = "sessionsite.lockout.user_name"
AXES_LOCKOUT_CALLABLE = "sessionsite.views.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # it would grow with every sign-in
AXES_ENABLE_ADMIN = False  # what is kept is gone in a quarter of an hour
AXES_VERBOSE = False

# -- language and time ----------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONES = available_timezones()  # a walk through many files: made once
TIME_ZONE = env_choice("TIME_ZONE", default="UTC", choices=TIME_ZONES)
USE_TZ = True
USE_I18N = False

# -- static files ---------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# -- what is taken in ------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # all fields of a form together; not its files
UPLOAD_LIMIT_MB = env_number("UPLOAD_LIMIT_MB", default=2048, least=1, most=1_000_000)
FILE_UPLOAD_HANDLERS = [
    "sessionsite.uploads.UploadsOfUsersOnly",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Where the tools of this machine keep their conversations, if not in their usual places.
TOOL_FOLDERS = {
    name: env_text(name)
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "LLM_USER_PATH", "XDG_CONFIG_HOME")
}

# -- what runs beside the pages ---------------------------------------------------------------

# A worker takes what waits from the database: `quickstart` starts one (`manage.py worker`).
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
# The package's own migrations are two dozen, and one of them asks the default database whichever
# is migrated. Ours is one; after an update of the package, `makemigrations` adds to it.
MIGRATION_MODULES = {"django_tasks_database": "sessionsite.task_migrations"}

# -- what leaves the server -----------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # data: are the icons inside Bootstrap's own style sheet
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# A laptop serves itself over plain HTTP, on loopback; with HTTPS=1 these checks are heard.
SILENCED_SYSTEM_CHECKS = (
    [] if HTTPS else ["security.W004", "security.W008", "security.W012", "security.W016"]
)

# -- logs -----------------------------------------------------------------------------------

# Warned of when the last proven backup is older; 0 never warns.
BACKUP_MAX_AGE_DAYS = env_number("BACKUP_MAX_AGE_DAYS", default=7, least=0, most=36_500)
BACKUP_PASSPHRASE = env_text("BACKUP_PASSPHRASE")  # or BACKUP_PASSPHRASE_FILE

LOG_LEVEL = env_choice(
    "LOG_LEVEL", default="INFO", choices={"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request id": {"()": "sessionsite.requests.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s"}
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request id"],
            "level": LOG_LEVEL,  # some loggers, as Django's, have a level of their own
        }
    },
    # What axes has to say, sessionsite.lockout says in one line.
    "loggers": {
        "axes": {"level": "ERROR"},
        "django_tasks": {"level": "WARNING"},
        "django_tasks_db": {"level": "ERROR"},
        # What is too large is told to who sends it, and is no news to who serves it.
        "django.security.UploadTooBig": {"level": "CRITICAL"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}

DJANGO_TABLES2_TEMPLATE = "tables/table.html"
