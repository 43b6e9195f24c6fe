"""Tax rates: percentage and inclusion are said once; the rest is edited; archived and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Push, TaxRate
from stripe_mirror.push import jobs
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push.billing import resumed
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.scenarios_catalog import tax_rate
from tests.sandbox.resources.tax_rates import TAX_TYPE
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE, EDIT, ARCHIVE, UNARCHIVE = map(
    get_operation, ("create_tax_rate", "edit_tax_rate", "archive_tax_rate", "unarchive_tax_rate")
)
NAMES = [operation.name for operation in (CREATE, EDIT, ARCHIVE, UNARCHIVE)]


@pytest.fixture
def taxer(staff: Callable[..., User]) -> User:
    """May do all that can be done to tax rates, also to many."""
    return staff("taxer", "run_job", *NAMES)


# Creation


@pytest.mark.parametrize(("wish", "sent_as"), [("inclusive", "true"), ("exclusive", "false")])
def test_everything_that_a_tax_rate_can_be_is_sent_and_said(
    wish: str, sent_as: str, doing: Opens, taxer: User, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, CREATE.new_row(), taxer)
    values = {
        "display_name": "GST",
        "percentage": "8.2500",
        "inclusive": wish,
        "country": "AU",
        "state": "NSW",
        "jurisdiction": "Sydney",
        "description": "Goods",
        "tax_type": "gst",
        "metadata": {"ledger": "7"},
    }
    seen = preview(CREATE, form.row, form.cleaned(**values), ask=False)
    assert {"Name: GST", "Percentage: 8.25%", "Country: Australia", "Type: GST"} <= set(seen.summary)
    assert seen.effects.final == CREATE.final_warning
    push = form.submit(**values)
    assert sent(stripe) == [("POST", "/v1/tax_rates", {**values, "percentage": "8.25", "inclusive": sent_as})]
    row = TaxRate.objects.get(pk=push.object_id)
    assert (push.state, str(row), row.inclusive) == (Push.State.DONE, "GST 8.25%", wish == "inclusive")
    assert undone(push, taxer).state == Push.State.DONE
    assert stripe.get(f"/v1/tax_rates/{row.pk}")["active"] is False


@pytest.mark.parametrize(("typed", "sent_as"), [("0", "0"), ("19", "19"), ("9.9975", "9.9975"), ("100", "100")])
def test_percentages_are_sent_as_they_are_written(
    typed: str, sent_as: str, doing: Opens, taxer: User, stripe: RunningSandbox
) -> None:
    doing(CREATE.name, CREATE.new_row(), taxer).submit(display_name="VAT", percentage=typed)
    ((_, _, params),) = sent(stripe)
    assert params == {"display_name": "VAT", "percentage": sent_as, "inclusive": "false"}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"percentage": "19"}, "display_name", "required"),
        ({"display_name": "VAT"}, "percentage", "required"),
        ({"display_name": "VAT", "percentage": "101"}, "percentage", "less than or equal to 100"),
        ({"display_name": "VAT", "percentage": "-1"}, "percentage", "greater than or equal to 0"),
        ({"display_name": "VAT", "percentage": "1.00001"}, "percentage", "4 decimal places"),
        ({"display_name": "VAT", "percentage": "19", "country": "XX"}, "country", "valid choice"),
    ],
)
@pytest.mark.django_db
def test_what_stripe_would_refuse_is_said_at_the_field(values: dict[str, Any], field: str, words: str) -> None:
    assert words in form_errors(CREATE, CREATE.new_row(), **values)[field]


@pytest.mark.django_db
def test_each_of_stripes_tax_types_is_offered() -> None:
    offered: Any = CREATE.get_form(CREATE.new_row()).fields["tax_type"]
    assert {value for value, _ in offered.choices} == {"", *TAX_TYPE.words}


def test_s31_a_tax_rate_whose_answer_was_lost_is_made_once(doing: Opens, taxer: User, stripe: RunningSandbox) -> None:
    before = len(stripe.objects("tax_rate"))
    stripe.faults.add(method="POST", path="/v1/tax_rates", lose_answer=True, times=1)
    push = doing(CREATE.name, CREATE.new_row(), taxer).submit(display_name="VAT", percentage="7.7")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len(stripe.objects("tax_rate")) == before + 1


# Edit


def test_only_what_differs_is_sent_and_can_be_taken_back(doing: Opens, taxer: User, stripe: RunningSandbox) -> None:
    row = tax_rate(stripe, description="Old", metadata={"ledger": "7", "note": "a"})
    assert not {"percentage", "inclusive"} & set(EDIT.get_form(row).fields)
    form = doing(EDIT.name, row, taxer)
    values = {"display_name": "MwSt.", "description": "", "country": "AT", "metadata": {"note": "a"}}
    seen = preview(EDIT, row, form.cleaned(**values), ask=False)
    assert "Country: Germany → Austria" in seen.summary
    assert (len(seen.effects.follows), seen.effects.final) == (1, "")
    stripe.clear_requests()
    push = form.submit(**values)
    assert sent(stripe) == [("POST", f"/v1/tax_rates/{row.pk}", {**values, "metadata": {"ledger": ""}})]
    row.refresh_from_db()
    undone(push, taxer)
    now = stripe.get(f"/v1/tax_rates/{row.pk}")
    shown = (now["display_name"], now["description"], now["country"], now["metadata"])
    assert shown == ("VAT", "Old", "DE", {"ledger": "7", "note": "a"})


def test_a_type_that_stripe_can_not_empty_again_is_said_to_be_final(
    doing: Opens, taxer: User, stripe: RunningSandbox
) -> None:
    row = tax_rate(stripe, tax_type=None)
    form = doing(EDIT.name, row, taxer)
    assert "can't empty" in preview(EDIT, row, form.cleaned(tax_type="vat"), ask=False).effects.final
    push = form.submit(tax_type="vat")
    assert (push.state, EDIT.undo(push)) == (Push.State.DONE, None)
    row.refresh_from_db()
    assert "can't empty" in form_errors(EDIT, row, tax_type="")["tax_type"]


def test_values_that_are_not_known_here_stay(doing: Opens, taxer: User, stripe: RunningSandbox) -> None:
    row = tax_rate(stripe, country="XK")
    row.data = {**row.data, "tax_type": "moon_tax"}
    assert form_errors(EDIT, row, display_name="MwSt.") == {}
    with pytest.raises(NothingToChange):
        EDIT.plan(row, doing(EDIT.name, row, taxer).cleaned())


# Archive


def test_a_tax_rate_is_archived_and_back(doing: Opens, taxer: User, stripe: RunningSandbox) -> None:
    row = tax_rate(stripe)
    form = doing(ARCHIVE.name, row, taxer)
    seen = preview(ARCHIVE, row, form.cleaned(), ask=False)
    assert (seen.summary, "keep it" in seen.effects.follows[0]) == (["“VAT 19%” becomes archived."], True)
    stripe.clear_requests()
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/tax_rates/{row.pk}", {"active": "false"})]
    row.refresh_from_db()
    assert "archived already" in ARCHIVE.why_not(row)
    with pytest.raises(NotAllowed, match="archived already"):
        doing(ARCHIVE.name, row, taxer).submit()
    assert undone(push, taxer).state == Push.State.DONE
    assert stripe.get(f"/v1/tax_rates/{row.pk}")["active"] is True


def test_many_are_archived_as_a_job(taxer: User, stripe: RunningSandbox) -> None:
    rows = [tax_rate(stripe) for _ in range(3)]
    form = ARCHIVE.get_form(ARCHIVE.new_row(), {})
    assert form.is_valid()
    chosen = TaxRate.objects.filter(pk__in=[row.pk for row in rows])
    job = jobs.create_job(
        ARCHIVE, chosen, user=taxer, cleaned=form.cleaned_data, reason="", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    assert [stripe.get(f"/v1/tax_rates/{row.pk}")["active"] for row in rows] == [False] * 3
