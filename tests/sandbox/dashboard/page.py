"""What all pages share: the frame with its loud banner, the call a page answers, and one way to ask the API."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.sandbox.dashboard.markup import Child, Html, button, join, link, tag

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

BANNER = "SIMULATION - this is not Stripe"
PAGES = (
    ("Customers", "/"),
    ("Subscriptions", "/subscriptions"),
    ("Invoices", "/invoices"),
    ("Payments", "/payments"),
    ("Events", "/events"),
    ("Faults", "/faults"),
)
PAGE_SIZE = 25
STYLE = Path(__file__).with_name("style.css")
# Stripe's exponents, as its currencies page gives them: all others have two digits.
NO_DIGITS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DIGITS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


@dataclass(frozen=True)
class Call:
    """One request for a page: parts of the path, the query, the fields of a form."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]


Handler = Callable[["Sandbox", Call], Response]


def route(sandbox: "Sandbox", path: str, handler: Handler, method: str = "GET") -> Route:
    """Bind a handler; it runs on a thread, because the sandbox blocks (and may be told to hang)."""

    async def endpoint(request: Request) -> Response:
        # Not request.form(): Starlette would need another package even for a plain form.
        body = (await request.body()).decode() if method == "POST" else ""
        form = dict(parse_qsl(body, keep_blank_values=True))
        call = Call(path=request.path_params, query=dict(request.query_params), form=form)
        return await run_in_threadpool(handler, sandbox, call)

    return Route(path, endpoint, methods=[method])


def render(sandbox: "Sandbox", call: Call, title: str, *body: Child, here: str, status: int = 200) -> HTMLResponse:
    """A whole page; `here` is the address of its entry in the navigation."""
    page = tag(
        "html",
        tag("head", _head(title)),
        tag("body", _frame(sandbox, here), tag("main", _message(call), tag("h1", title), body)),
        lang="en",
    )
    return HTMLResponse(f"<!doctype html>{page}", status_code=status)


def _head(title: str) -> Html:
    return join(
        [
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"{title} | {BANNER}"),
            tag("link", rel="stylesheet", href="/dashboard.css"),
            tag("link", rel="icon", href="data:,"),
        ]
    )


def _frame(sandbox: "Sandbox", here: str) -> Html:
    entries = [tag("a", label, href=to, aria_current="page" if to == here else None) for label, to in PAGES]
    clock = tag("span", "Sandbox time ", moment(sandbox.clock.now()), id="clock", class_="clock")
    advance = [
        button(label, to="/clock/advance", action=f"advance_{unit}", fields={"days": days, "back": here})
        for label, unit, days in (("+1 day", "day", 1), ("+1 month", "month", 31))
    ]
    navigation = tag("nav", entries, aria_label="Main")
    return join(
        [
            tag("div", tag("strong", BANNER), class_="banner", role="note"),
            tag("header", tag("div", navigation, clock, advance)),
        ]
    )


def _message(call: Call) -> Html | None:
    for kind, role in (("error", "alert"), ("done", "status")):
        if kind in call.query:
            return tag("p", call.query[kind], id="message", class_=f"message {kind}", role=role)
    return None


def ask(sandbox: "Sandbox", method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read from the API as the Dashboard would; a refusal is a defect of the page that asked."""
    reply = sandbox.request(method, path, params)
    if reply.status != 200:
        raise LookupError(f"{method} {path} answered {reply.status}: {reply.body}")
    return reply.body


def act(
    sandbox: "Sandbox", method: str, path: str, params: dict[str, Any] | None = None, *, done: str, back: str
) -> Response:
    """Change something through the API, then go back with what happened or with Stripe's own words."""
    reply = sandbox.request(method, path, params)
    if reply.status == 200:
        return go(back, done=done)
    return go(back, error=reply.body["error"]["message"])


def go(to: str, **message: str) -> Response:
    """Redirect after a form was posted."""
    separator = "&" if "?" in to else "?"
    return RedirectResponse(f"{to}{separator}{urlencode(message)}" if message else to, status_code=303)


def missing(sandbox: "Sandbox", call: Call, what: str) -> Response:
    """A page for something that is not there."""
    text = tag("p", f"No such {what} in this sandbox. It may have been deleted.")
    return render(sandbox, call, f"No such {what}", text, here="", status=404)


def moment(timestamp: int | None) -> Html:
    """A time in UTC."""
    if not timestamp:
        return Html("–")
    text = dt.datetime.fromtimestamp(timestamp, tz=dt.UTC).strftime("%Y-%m-%d %H:%M")
    return tag("span", f"{text} UTC", class_="date")


def money(amount: int | None, currency: str | None) -> Html:
    """An amount in minor units as people read it."""
    return tag("span", money_text(amount, currency), class_="money")


def money_text(amount: int | None, currency: str | None) -> str:
    """The same where there is no room for an element."""
    if amount is None or not currency:
        return "–"
    digits = 0 if currency in NO_DIGITS else 3 if currency in THREE_DIGITS else 2
    return f"{amount / 10**digits:,.{digits}f} {currency.upper()}"


def customer_link(customer: Any) -> Html:
    """A link to a customer that may be expanded, deleted or only an id."""
    if not isinstance(customer, dict):
        return link(customer, f"/customers/{customer}") if customer else Html("–")
    name = tag("span", customer.get("name") or customer.get("email") or customer["id"], class_="name")
    return name if customer.get("deleted") else link(name, f"/customers/{customer['id']}")


def cursors(listed: dict[str, Any], call: Call, to: str, *, keep: str = "status") -> Html | None:
    """Previous and next for a list of the API, by its cursors."""
    rows, backwards = listed["data"], "ending_before" in call.query
    if not rows:
        return None
    kept = {keep: call.query[keep]} if call.query.get(keep) else {}
    older = listed["has_more"] or backwards
    newer = listed["has_more"] if backwards else "starting_after" in call.query
    return tag(
        "p",
        link("← Newer", f"{to}?{urlencode(kept | {'ending_before': rows[0]['id']})}") if newer else None,
        link("Older →", f"{to}?{urlencode(kept | {'starting_after': rows[-1]['id']})}") if older else None,
        class_="pages",
    )


def list_params(call: Call) -> dict[str, Any]:
    """Size and cursor of the list that a page asks for."""
    cursor = {key: call.query[key] for key in ("starting_after", "ending_before") if call.query.get(key)}
    return {"limit": PAGE_SIZE, **cursor}
