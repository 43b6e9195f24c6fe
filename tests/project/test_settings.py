"""The environment: what is odd is refused with a sentence that names the variable; demo mode can't reach Stripe."""

import os
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice import environment

ROOT = Path(__file__).resolve().parents[2]
LONG = "k" * 60
LIVE = "sk_live_" + "x" * 12


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> environ.Env:
    for name in list(os.environ):
        if name.startswith("STRIPE_") or name in ("DEBUG", "SECRET_KEY", "DATABASE_URL", "TIME_ZONE"):
            monkeypatch.delenv(name)
    return environ.Env()


@pytest.mark.parametrize("key", ["sk_test_a1", "rk_test_a1", LIVE, "rk_live_" + "y" * 9])
def test_secret_and_restricted_keys_of_both_modes_are_taken(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", key)
    assert environment.stripe_key(env) == key


@pytest.mark.parametrize("key", ["pk_test_1", "sk-test-1", "secret", "sk_test_", "whsec_1", "sk_test_a b"])
def test_what_is_no_secret_key_is_refused_by_name(env: environ.Env, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", key)
    with pytest.raises(ImproperlyConfigured, match="STRIPE_SECRET_KEY") as refused:
        environment.stripe_key(env)
    assert key not in str(refused.value) or key == "sk_test_"


def test_several_webhook_secrets_are_read_and_a_wrong_one_refused(
    env: environ.Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", " whsec_a, whsec_b ,")
    assert environment.webhook_secrets(env) == ["whsec_a", "whsec_b"]
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_a,oops")
    with pytest.raises(ImproperlyConfigured, match="STRIPE_WEBHOOK_SECRETS"):
        environment.webhook_secrets(env)


def test_without_a_key_only_this_machine_is_reached(env: environ.Env, monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.api_base(env, demo=True) == environment.SANDBOX_BASE
    monkeypatch.setenv("STRIPE_API_BASE", "https://api.stripe.com")
    with pytest.raises(ImproperlyConfigured, match="STRIPE_API_BASE"):
        environment.api_base(env, demo=True)
    assert environment.api_base(env, demo=False) == "https://api.stripe.com"


@pytest.mark.parametrize("base", ["http://stripe.example", "ftp://x", "nonsense", "https://"])
def test_an_api_address_without_tls_is_refused(env: environ.Env, monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", base)
    with pytest.raises(ImproperlyConfigured, match="STRIPE_API_BASE"):
        environment.api_base(env, demo=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("STRIPE_API_VERSION", "latest"),
        ("STRIPE_MAX_REQUESTS_PER_SECOND", "0"),
        ("STRIPE_MAX_REQUESTS_PER_SECOND", "many"),
        ("STRIPE_MAX_REQUESTS_PER_SECOND", "nan"),
        ("PUSH_GRACE_SECONDS", "a while"),
        ("PUSH_GRACE_SECONDS", "86400"),
        ("EXPORTS_DIR", "exports"),
        ("EXPORTS_KEPT_DAYS", "0"),
        ("EXPORTS_STREAM_ROWS", "many"),
        ("TRUSTED_PROXIES", "one"),
        ("TIME_ZONE", "Berlin"),
        ("DATABASE_URL", "mysql://x/y"),
        ("DATABASE_URL", "::"),
        ("SECRET_KEY", "short"),
    ],
)
def test_an_odd_value_stops_the_start_with_one_sentence(name: str, value: str) -> None:
    result = manage("check", **{"DEBUG": "False", "SECRET_KEY": LONG, name: value})
    assert result.returncode != 0
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_a_default_secret_key_is_refused_when_debug_is_off() -> None:
    result = manage("check", DEBUG="False")
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_live_key_is_refused_while_debug_is_on() -> None:
    result = manage("check", DEBUG="True", STRIPE_SECRET_KEY=LIVE)
    assert result.returncode != 0
    assert "DEBUG" in result.stderr
    assert LIVE not in result.stderr


def test_check_deploy_is_clean() -> None:
    result = manage(
        "check", "--deploy", "--fail-level", "WARNING", DEBUG="False", SECRET_KEY="x1!aB" * 12, STRIPE_SECRET_KEY=LIVE,
        STRIPE_WEBHOOK_SECRETS="whsec_" + "a", ALLOWED_HOSTS="billing.example.com",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_every_variable_of_the_settings_stands_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    sources = (ROOT / "backoffice" / "settings.py").read_text() + (ROOT / "backoffice" / "environment.py").read_text()
    named = {line.split("=")[0].lstrip("# ") for line in example.splitlines() if "=" in line and line[:1] != " "}
    for name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS",
                 "STRIPE_API_BASE", "STRIPE_API_VERSION", "STRIPE_MAX_REQUESTS_PER_SECOND", "TIME_ZONE",
                 "SECURE_SSL_REDIRECT", "PUSH_GRACE_SECONDS", "EXPORTS_DIR",
                 "EXPORTS_KEPT_DAYS", "EXPORTS_STREAM_ROWS", "TRUSTED_PROXIES", "TEST_DATABASE_URL"):  # fmt: skip
        assert name in named
        assert name in sources or name == "TEST_DATABASE_URL"


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py …` with exactly these variables of ours."""
    emptied = dict.fromkeys(
        ("SECRET_KEY", "DEBUG", "DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_API_BASE", "TIME_ZONE"), ""
    )
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **emptied, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
