"""The frame of every page: the badge, the sidebar, what a mode allows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from stripe_mirror.admin import display
from stripe_mirror.kinds import all_kinds
from tests.admin import rows


@pytest.mark.parametrize(
    ("key", "demo", "badge", "style"),
    [
        ("sk_" + "test_x", True, "DEMO", "mode-demo.css"),
        ("rk_" + "test_x", False, "TEST MODE", "mode-test.css"),
        ("rk_" + "live_x", False, "LIVE", "mode-live.css"),
    ],
)
def test_every_page_says_in_which_mode_it_works(
    boss: Client, settings: Settings, key: str, demo: bool, badge: str, style: str
) -> None:
    settings.STRIPE_SECRET_KEY, settings.DEMO = key, demo
    for url in ("/admin/", display.list_url(type(rows.customer(f"cus_{badge[:4]}")))):
        html = boss.get(url).content.decode()
        assert f"[{badge}]" in html
        assert badge in html.split("header_inner", 1)[-1]
        assert style in html


def test_the_sidebar_leads_to_every_mirrored_kind(boss: Client) -> None:
    html = boss.get("/admin/").content.decode()
    for kind in all_kinds():
        assert f'href="{display.list_url(kind.model)}"' in html


def test_in_live_mode_only_who_may_act_live_is_offered_anything(
    staff: Callable[..., Client], settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY, settings.DEMO = "rk_" + "live_x", False
    customer = rows.customer()
    careful = staff("careful", "view_customer", "edit_customer")
    trusted = staff("trusted", "view_customer", "edit_customer", "act_live")
    url = display.object_url(customer)
    assert 'name="push_id"' not in careful.get(url).content.decode()
    assert careful.post(url, {"phone": "1"}).status_code == 403
    assert 'name="push_id"' in trusted.get(url).content.decode()


def test_open_in_stripe_leads_to_the_dashboard_of_the_mode(boss: Client, settings: Settings) -> None:
    customer = rows.customer()
    settings.DEMO = False
    for key, base in (("test", "https://dashboard.stripe.com/test"), ("live", "https://dashboard.stripe.com")):
        settings.STRIPE_SECRET_KEY = f"rk_{key}_x"
        html = boss.get(display.object_url(customer)).content.decode()
        assert f'href="{base}/customers/cus_Ada" target="_blank" rel="noopener noreferrer"' in html


def test_home_counts_by_permission(staff: Callable[..., Client]) -> None:
    rows.subscription("sub_1", status="past_due")
    rows.dispute(status="needs_response")
    rows.invoice(status="open", amount_remaining=700, attempt_count=1)
    html = staff("biller", "view_subscription").get("/admin/").content.decode()
    assert "Past-due subscriptions" in html
    assert "Disputes due" not in html
    assert "invoices" not in html.split("Needs a look")[1].split("</section>")[0].lower()
