"""The project's settings for tests: of the environment and `.env` only TEST_DATABASE_URL reaches them."""

import os
import tempfile
from pathlib import Path

for name in (
    "ALLOWED_HOSTS",
    "CHANGES_KEPT_DAYS",
    "DATABASE_URL",
    "DEBUG",
    "EVENTS_KEPT_DAYS",
    "EXPORTS_DIR",
    "EXPORTS_KEPT_DAYS",
    "EXPORTS_STREAM_ROWS",
    "TRUSTED_PROXIES",
    "PUSH_GRACE_SECONDS",
    "SECRET_KEY",
    "STRIPE_API_BASE",
    "STRIPE_API_VERSION",
    "STRIPE_MAX_REQUESTS_PER_SECOND",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "TIME_ZONE",
):
    os.environ[name] = ""
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from backoffice.settings import *  # noqa: E402, F403
from backoffice.settings import DATABASES  # noqa: E402

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
DEBUG = False
# The suite talks to a local sandbox: no reason to go slowly.
STRIPE_MAX_REQUESTS_PER_SECOND = 5000.0
# What a delivered event does is to be seen right after the answer.
STRIPE_APPLY_IN_REQUEST = True
STRIPE_WEBHOOK_SECRETS = ["whsec_" + "test"]
# Files of exports: not beside those of somebody's own back office.
EXPORTS_DIR = Path(tempfile.gettempdir()) / f"backoffice-test-exports-{os.getpid()}"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: SQLite's shared memory locks by table and knows no waiting, so threads would meet errors
    # there that a file never gives (S07). A file per process, so that several runs don't meet either.
    DATABASES["default"]["TEST"] = {"NAME": f"{tempfile.gettempdir()}/backoffice-test-{os.getpid()}.sqlite3"}
# A static file is looked for when it is asked for: each test client would list all of them first, which takes 40 ms.
# Tests with a running demo have the product's own way.
WHITENOISE_AUTOREFRESH = True
# Nothing is kept from one test, or request, to the next: numbers of queries are the same each time.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
