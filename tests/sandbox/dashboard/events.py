"""Events: what was told to whom, what came back, and "send again"."""

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.dashboard.markup import Html, button, card, facts, link, pill, table, tag, text_input
from tests.sandbox.dashboard.page import Call, ask, cursors, go, list_params, missing, moment, render, route

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

HEADINGS = ("Type", "About", "Time", "Request", "Deliveries", "")


def routes(sandbox: "Sandbox") -> list[Route]:
    """The pages about events."""
    return [
        route(sandbox, "/events", show_list),
        route(sandbox, "/events/{id}", show),
        route(sandbox, "/events/{id}/send_again", send_again, "POST"),
    ]


def show_list(sandbox: "Sandbox", call: Call) -> Response:
    """Events, newest first, of one type if asked (`customer.*` works)."""
    wanted = call.query.get("type", "").strip()
    listed = ask(sandbox, "GET", "/v1/events", list_params(call) | ({"type": wanted} if wanted else {}))
    attempts = _attempts(sandbox, {event["id"] for event in listed["data"]})
    rows = [
        (
            link(event["type"], f"/events/{event['id']}"),
            tag("code", event["data"]["object"].get("id", "")),
            moment(event["created"]),
            _cause(event),
            _outcomes(event, attempts.get(event["id"], [])),
            button("Send again", to=f"/events/{event['id']}/send_again", action="send_again"),
        )
        for event in listed["data"]
    ]
    entry = text_input("Type", "type", wanted, kind="search")
    form = tag("form", entry, tag("button", "Show", data_action="filter"), class_="filters", action="/events")
    listing = table(HEADINGS, rows, empty="No event in the last 30 days.", id="events")
    return render(sandbox, call, "Events", form, listing, cursors(listed, call, "/events", keep="type"), here="/events")


def _attempts(sandbox: "Sandbox", events: set[str]) -> dict[str, list[dict[str, Any]]]:
    """What the delivery log knows of these events, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in list(sandbox.deliveries.log):
        if entry["event"] in events:
            found.setdefault(entry["event"], []).append(entry)
    return found


def _cause(event: dict[str, Any]) -> Html:
    request = event["request"] or {}
    if not request.get("id"):
        return tag("span", "automatic", class_="quiet")
    key = request.get("idempotency_key")
    return tag("span", tag("code", request["id"]), tag("div", "key ", tag("code", key)) if key else None)


def _outcomes(event: dict[str, Any], attempts: list[dict[str, Any]]) -> Html:
    shown = [
        tag("div", f"no. {entry['attempt']}: ", pill_of(entry["outcome"]), title=str(entry["outcome"]))
        for entry in attempts
    ]
    if event["pending_webhooks"]:
        shown.append(tag("div", pill("pending"), f" {event['pending_webhooks']} endpoint(s)"))
    return tag("div", shown or tag("span", "none", class_="quiet"), data_attempts=len(attempts))


def pill_of(outcome: int | str) -> Html:
    """An HTTP status or the reason why there is none."""
    good = isinstance(outcome, int) and 200 <= outcome < 300
    text = str(outcome).partition(":")[0]
    return tag("span", text, class_=f"pill {'delivered' if good else 'failed'}", data_outcome=text)


def show(sandbox: "Sandbox", call: Call) -> Response:
    """One event with its payload."""
    reply = sandbox.request("GET", f"/v1/events/{call.path['id']}")
    if reply.status != 200:
        return missing(sandbox, call, "event")
    event = reply.body
    known = facts(
        [
            ("Id", tag("code", event["id"])),
            ("Time", moment(event["created"])),
            ("Cause", _cause(event)),
            ("API version", event["api_version"]),
            ("Deliveries", _outcomes(event, _attempts(sandbox, {event["id"]}).get(event["id"], []))),
        ]
    )
    again = button("Send again", to=f"/events/{event['id']}/send_again", action="send_again")
    payload = tag("pre", json.dumps(event["data"], indent=2, ensure_ascii=False))
    body = [card("About", known, tag("div", again, class_="below")), card("Payload", payload)]
    return render(sandbox, call, event["type"], body, here="/events")


def send_again(sandbox: "Sandbox", call: Call) -> Response:
    """Deliver an event once more, to every endpoint that takes it."""
    event = call.path["id"]
    try:
        sent = sandbox.redeliver([event])
    except KeyError:
        return go("/events", error=f"No such event: {event}. Nothing was sent.")
    if not sent:
        return go("/events", error="No webhook endpoint takes this event. Nothing was sent.")
    return go("/events", done=f"Sent again to {sent} endpoint(s).")
