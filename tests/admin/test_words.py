"""A person reads the pages of operations in their language; what they do is kept in the site's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from stripe_mirror.admin.operations import operation_url
from stripe_mirror.admin.receipts import receipt_url
from stripe_mirror.models import Push
from tests.admin.test_confirming import PLAN, subscription  # noqa: F401
from tests.admin.test_operations import arrive, choose, clerk, inputs, opened, subscriptions  # noqa: F401
from tests.push.pseudo import CLOSE, OPEN, install, marked
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
LOCALE = "django.middleware.locale.LocaleMiddleware"
GERMAN = {"accept-language": "de"}
LABEL = str(PLAN.label)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What operations say."""
    return marked("stripe_mirror/push")


@pytest.fixture
def german(catalog: Catalog, settings: Settings, tmp_path: Any) -> Iterator[None]:
    """There is a catalog in which each marked text reads in brackets, for browsers that ask for it."""
    settings.LOCALE_PATHS = [install(catalog, tmp_path / "locale")]
    if not any("locale" in name.lower() or "language" in name.lower() for name in settings.MIDDLEWARE):
        first, *others = settings.MIDDLEWARE
        settings.MIDDLEWARE = [first, *others[:3], LOCALE, *others[3:]]
    # A request leaves its language to its thread.
    with translation.override(None):
        yield


def test_the_confirm_page_is_in_the_person_s_language_and_the_log_in_the_site_s(
    german: None,
    clerk: Callable[..., Client],  # noqa: F811
    sandbox: RunningSandbox,
    subscription: Any,  # noqa: F811
) -> None:
    client, url = clerk(PLAN.name), operation_url(subscription, PLAN)
    asked = client.post(url, opened(client, url) | {"price": subscription.gold}, headers=GERMAN).content.decode()
    said = "The difference for the running period goes onto the next invoice."
    assert f"{OPEN}{said}{CLOSE}" in asked
    assert f">{OPEN}{LABEL}{CLOSE}</button>" in asked
    client.post(url, inputs(asked), headers=GERMAN)
    push = Push.objects.get()
    assert (push.state, said in push.told["summary"]) == (Push.State.DONE, True)
    assert OPEN not in json.dumps([push.told, push.message], ensure_ascii=False)
    # What was stored is shown as it was stored, under words of the page's own.
    receipt = client.get(receipt_url(push), headers=GERMAN).content.decode()
    assert f"{OPEN}{LABEL}{CLOSE}" in receipt


def test_why_a_row_of_a_job_is_left_out_is_shown_in_one_language_and_kept_in_the_other(
    german: None,
    clerk: Callable[..., Client],  # noqa: F811
    subscriptions: list[Any],  # noqa: F811
) -> None:
    client = clerk("cancel_subscription", "run_job")
    arrive(subscriptions[0].data | {"status": "canceled"})
    address = choose(client, subscriptions)
    html = client.get(address, headers=GERMAN).content.decode()
    assert f"{OPEN}This subscription has ended (it is canceled). Stripe can&#x27;t change it any more.{CLOSE}" in html
    client.post(address, inputs(html) | {"reason": "Product ends"}, headers=GERMAN)
    skipped = Push.objects.get(state=Push.State.SKIPPED)
    assert skipped.message == "This subscription has ended (it is canceled). Stripe can't change it any more."
