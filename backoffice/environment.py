"""Reads the environment for `settings.py`: each odd value is refused with a sentence that names its variable."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

KEY_SHAPE = re.compile(r"(sk|rk)_(test|live)_\w+")
VERSION_SHAPE = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")
SANDBOX_KEY = "sk_test_sandbox"
SANDBOX_BASE = "http://127.0.0.1:12111"
STRIPE_BASE = "https://api.stripe.com"


def load(env_file: Path) -> environ.Env:
    """The process's environment, completed from `.env` where there is one."""
    env = environ.Env()
    if env_file.is_file():
        environ.Env.read_env(env_file)
    return env


def boolean(env: environ.Env, name: str, *, default: bool) -> bool:
    """A yes/no variable; a typo is refused rather than read as "no"."""
    raw = env.str(name, default="").strip().lower()
    if raw in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if raw == "" else raw in ("1", "true", "yes", "on")
    raise ImproperlyConfigured(f"{name} is {raw!r}; write True or False.")


def secret_key(env: environ.Env, *, debug: bool, default: str) -> str:
    """Django's signing key; the default one only serves while DEBUG is on."""
    key = str(env.str("SECRET_KEY", default="") or default)
    if not debug and (key == default or key.startswith("change-me") or len(key) < 50):
        raise ImproperlyConfigured(
            "SECRET_KEY is missing, the default, or shorter than 50 characters while DEBUG is off. "
            'Set it, for example to the output of: python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    return key


def stripe_key(env: environ.Env) -> str:
    """The secret or restricted key, or "" for demo mode."""
    key = str(env.str("STRIPE_SECRET_KEY", default="")).strip()
    if key.startswith("pk_"):
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY holds a publishable key (pk_…). Use a restricted (rk_…) or secret (sk_…) key."
        )
    if key and not KEY_SHAPE.fullmatch(key):
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY is not a Stripe key; one starts with sk_test_, sk_live_, rk_test_ or rk_live_."
        )
    return key


def webhook_secrets(env: environ.Env) -> list[str]:
    """The signing secrets of our endpoints, comma separated (two while one is being rotated)."""
    secrets = [s.strip() for s in env.str("STRIPE_WEBHOOK_SECRETS", default="").split(",") if s.strip()]
    if not all(re.fullmatch(r"whsec_\S+", secret) for secret in secrets):
        raise ImproperlyConfigured(
            "STRIPE_WEBHOOK_SECRETS holds something that is not a signing secret: each starts with whsec_ "
            "and they are separated by commas."
        )
    return secrets


def api_base(env: environ.Env, *, demo: bool) -> str:
    """Where Stripe's API is; without a key it can only be the sandbox on this machine."""
    base = str(env.str("STRIPE_API_BASE", default="") or (SANDBOX_BASE if demo else STRIPE_BASE)).rstrip("/")
    parts = urlsplit(base)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and local)):
        raise ImproperlyConfigured(
            f"STRIPE_API_BASE is {base!r}; it must be an https address (http only on this machine)."
        )
    if demo and not local:
        raise ImproperlyConfigured(
            "STRIPE_API_BASE names another machine but STRIPE_SECRET_KEY is empty. "
            "Set the key in .env, or run `make demo`, which needs neither."
        )
    return base


def api_version(env: environ.Env) -> str:
    """Stripe's API version, or "" for the SDK's own."""
    version = str(env.str("STRIPE_API_VERSION", default="")).strip()
    if version and not VERSION_SHAPE.fullmatch(version):
        raise ImproperlyConfigured(
            f"STRIPE_API_VERSION is {version!r}; write it like 2026-10-28.endive, or leave it empty."
        )
    return version


def positive_number(env: environ.Env, name: str, *, default: float) -> float:
    """A number above zero."""
    raw = str(env.str(name, default="")).strip() or str(default)
    try:
        number = float(raw)
    except ValueError:
        number = 0
    if not 0 < number < 100_000:
        raise ImproperlyConfigured(f"{name} is {raw!r}; write a number above zero.")
    return number


def days_kept(env: environ.Env, name: str, *, default: int, least: int) -> int:
    """How many days something is kept; 0 is for ever."""
    raw = str(env.str(name, default="")).strip() or str(default)
    if not raw.isdecimal() or (0 < int(raw) < least) or int(raw) > 36_500:
        raise ImproperlyConfigured(f"{name} is {raw!r}; write a number of days from {least} on, or 0 for ever.")
    return int(raw)


def seconds(env: environ.Env, name: str, *, default: int, most: int) -> int:
    """A whole number of seconds, 0 among them."""
    return whole_number(env, name, default=default, least=0, most=most, of=" of seconds")


def whole_number(env: environ.Env, name: str, *, default: int, least: int, most: int, of: str = "") -> int:
    """A whole number between two others; `of` says what, in the sentence about another one."""
    raw = str(env.str(name, default="")).strip() or str(default)
    if not raw.isdecimal() or not least <= int(raw) <= most:
        raise ImproperlyConfigured(f"{name} is {raw!r}; write a whole number{of} from {least} to {most}.")
    return int(raw)


def folder(env: environ.Env, name: str, *, default: Path) -> Path:
    """A folder by its whole path; it is made when something is first put there."""
    path = Path(str(env.str(name, default="")).strip() or default)
    if not path.is_absolute() or path.is_file():
        raise ImproperlyConfigured(f"{name} is {str(path)!r}; write the whole path of a folder, like /var/lib/exports.")
    return path


def time_zone(env: environ.Env) -> str:
    """The zone in which staff read dates, for example Europe/Berlin."""
    zone = str(env.str("TIME_ZONE", default="")).strip() or "UTC"
    if zone not in available_timezones():
        raise ImproperlyConfigured(f"TIME_ZONE is {zone!r}; write a name like Europe/Berlin or UTC.")
    return zone


def database(env: environ.Env, *, default: Path) -> dict[str, object]:
    """Django's database settings from DATABASE_URL: a SQLite file by default, PostgreSQL by its URL."""
    url = str(env.str("DATABASE_URL", default="")).strip() or f"sqlite:///{default}"
    try:
        config = dict(environ.Env.db_url_config(url))
    except (ValueError, KeyError, environ.ImproperlyConfigured):
        config = {}
    engine = str(config.get("ENGINE", ""))
    if engine == "django.db.backends.sqlite3":
        # Writers queue for the lock at BEGIN, so that concurrent webhooks never meet "database is locked" (S07).
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        return config
    if engine == "django.db.backends.postgresql":
        return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    raise ImproperlyConfigured(
        "DATABASE_URL is not understood; write postgres://user:password@host:5432/name or sqlite:///path/to/file.sqlite3."
    )
