"""Django's settings: one file, read from the environment and `.env`; an odd value stops the start with a sentence."""

import warnings
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from backoffice import environment
from backoffice.theme import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.load(BASE_DIR / ".env")

# --- Stripe -------------------------------------------------------------------------------------------------------
STRIPE_SECRET_KEY = environment.stripe_key(env)
# Without a key there is only the demo: a local stand-in for Stripe, never the real one.
DEMO = not STRIPE_SECRET_KEY
STRIPE_SECRET_KEY = STRIPE_SECRET_KEY or environment.SANDBOX_KEY
STRIPE_API_BASE = environment.api_base(env, demo=DEMO)
STRIPE_API_VERSION = environment.api_version(env)
STRIPE_WEBHOOK_SECRETS = environment.webhook_secrets(env)
STRIPE_MAX_REQUESTS_PER_SECOND = environment.positive_number(env, "STRIPE_MAX_REQUESTS_PER_SECOND", default=20)
# Stripe lists events for 30 days and may send one again as long: before that none may be forgotten.
EVENTS_KEPT_DAYS = environment.days_kept(env, "EVENTS_KEPT_DAYS", default=90, least=35)
CHANGES_KEPT_DAYS = environment.days_kept(env, "CHANGES_KEPT_DAYS", default=0, least=1)
# Proxies in front that add to X-Forwarded-For.
TRUSTED_PROXIES = environment.whole_number(env, "TRUSTED_PROXIES", default=0, least=0, most=10)
PUSH_GRACE_SECONDS = environment.seconds(env, "PUSH_GRACE_SECONDS", default=0, most=3600)
# Files of large exports: outside of what is served, readable by this user only.
EXPORTS_DIR = environment.folder(env, "EXPORTS_DIR", default=BASE_DIR / "exports")
EXPORTS_KEPT_DAYS = environment.whole_number(env, "EXPORTS_KEPT_DAYS", default=7, least=1, most=365)
# Up to so many rows are sent while they are read; more become a file.
EXPORTS_STREAM_ROWS = environment.whole_number(env, "EXPORTS_STREAM_ROWS", default=10_000, least=0, most=10_000_000)

# --- Django -------------------------------------------------------------------------------------------------------
DEBUG = environment.boolean(env, "DEBUG", default=DEMO)
if DEBUG and "_live_" in STRIPE_SECRET_KEY:
    raise ImproperlyConfigured(
        "DEBUG is on with a live Stripe key; error pages would show customers' data. Set DEBUG=False."
    )
SECRET_KEY = environment.secret_key(env, debug=DEBUG, default="insecure-key-for-the-demo-and-for-tests-only-0123456789")
ALLOWED_HOSTS = [
    h.strip() for h in env.str("ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]").split(",") if h.strip()
]
CSRF_TRUSTED_ORIGINS = [
    f"https://{h.lstrip('.')}" for h in ALLOWED_HOSTS if h not in ("*", "127.0.0.1", "localhost", "[::1]")
]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "import_export",
    "stripe_mirror",
    "django_tasks",
    "django_tasks_db",
    # Its templates, for the renderer below.
    "django.forms",
]
# Widgets are looked for in `templates/`, too.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "backoffice.pages_only.content_security_policy",
    "backoffice.pages_only.permissions_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "backoffice.pages_only.locale",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backoffice.pages_only.as_preferred",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
ASGI_APPLICATION = "backoffice.asgi.application"
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
DATABASES = {"default": environment.database(env, default=BASE_DIR / "db.sqlite3")}
# A push must never run inside a request's transaction: the intent is committed before Stripe is called.
ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
# Dates read alike on all pages, each language's way.
FORMAT_MODULE_PATH = "backoffice.formats"
USE_TZ = True
TIME_ZONE = environment.time_zone(env)

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from the sources too, so that a checkout runs without `collectstatic`.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)

# With what a person prefers, read with the user in one query.
AUTHENTICATION_BACKENDS = ["stripe_mirror.admin.preferring.Backend"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# No page runs or shows anything that isn't a file of ours (docs/decisions/0011-content-security-policy.md).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
# The demo speaks plain http on this machine; everything else is served behind TLS.
if not DEBUG and not DEMO:
    SECURE_SSL_REDIRECT = environment.boolean(env, "SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # The SDK logs request bodies at DEBUG and a line per call at INFO: neither belongs into our log.
    "loggers": {"stripe": {"level": "WARNING"}, "django_tasks": {"level": "WARNING"}},
}
