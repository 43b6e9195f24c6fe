"""Faults: switches for what can go wrong between Stripe and us, and the clock."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.dashboard.markup import Html, button, card, table, tag, text_input
from tests.sandbox.dashboard.page import PAGES, Call, go, render, route

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

DAY = 24 * 3600
LONGEST_JUMP = 366


@dataclass(frozen=True)
class Switch:
    """One thing that can go wrong; `number` names the setting that a person may choose, in `unit`."""

    action: str
    label: str
    explained: str
    rule: dict[str, Any]
    number: str = ""
    unit: str = ""

    @property
    def to_webhooks(self) -> bool:
        """Whether it strikes webhooks rather than API calls."""
        return bool(self.rule.keys() & {"lose", "repeat", "delay", "reorder", "hold"})


SWITCHES = (
    Switch("lose", "Lose webhooks", "They are never delivered.", {"lose": True}),
    Switch("repeat", "Repeat webhooks", "Each arrives again.", {"repeat": 2}, "repeat", "further copies"),
    Switch("delay", "Delay webhooks", "They arrive later.", {"delay": 10.0}, "delay", "seconds"),
    Switch("reorder", "Reorder webhooks", "Gathered and shuffled.", {"reorder": 10}, "reorder", "gathered at a time"),
    Switch("hold", "Hold webhooks", "Kept until you release them.", {"hold": True}),
    Switch("answer_429", "Answer 429", "Rate limit; nothing is done.", {"status": 429}),
    Switch("answer_500", "Answer 500", "Stripe fails before doing the work.", {"status": 500}),
    Switch("answer_409", "Answer 409", "The object is locked.", {"status": 409}),
    Switch("answer_500_after_work", "Answer 500, late", "After doing the work.", {"status": 500, "after_work": True}),
    Switch("lose_answer", "Lose the answer", "The work is done, the connection is cut.", {"lose_answer": True}),
    Switch("hang", "Hang", "Answers come very late.", {"hang": 30.0}, "hang", "seconds"),
    Switch("latency", "Latency", "Every answer is slow.", {"latency_ms": 400.0}, "latency_ms", "milliseconds"),
    Switch(
        "short_pages", "Short pages", "Lists answer less than was asked for.", {"keep": 1}, "keep", "objects a page"
    ),
    Switch("rate_limit", "Rate limit", "429 beyond this rate.", {"rate_limit": 25.0}, "rate_limit", "calls a second"),
)
BY_ACTION = {switch.action: switch for switch in SWITCHES}


def routes(sandbox: "Sandbox") -> list[Route]:
    """The page of faults and what its buttons post to."""
    return [
        route(sandbox, "/faults", show),
        route(sandbox, "/faults/release", release, "POST"),
        route(sandbox, "/faults/clear", clear, "POST"),
        route(sandbox, "/faults/remove/{rule:int}", remove, "POST"),
        route(sandbox, "/faults/add/{action}", add, "POST"),
        route(sandbox, "/clock/advance", advance, "POST"),
    ]


def show(sandbox: "Sandbox", call: Call) -> Response:
    """What is in force, and the switches."""
    webhooks = [_switch(switch) for switch in SWITCHES if switch.to_webhooks]
    calls = [_switch(switch) for switch in SWITCHES if not switch.to_webhooks]
    headings = ("Fault", "What happens", "")
    body = [
        card("In force", _rules(sandbox), id="in-force"),
        card("Held webhooks", _held(sandbox), id="held"),
        card("Webhooks, from Stripe to us", table(headings, webhooks, empty="")),
        card("API calls, from us to Stripe", table(headings, calls, empty="")),
    ]
    return render(sandbox, call, "Faults", body, here="/faults")


def _rules(sandbox: "Sandbox") -> list[Html]:
    rules = sandbox.faults.list()
    rows = [
        (
            _described(rule),
            rule.get("path") or rule.get("event") or "everything",
            "always" if rule["times"] is None else f"{rule['times']} times",
            f"{rule['used']} times",
            button("Remove", to=f"/faults/remove/{rule['id']}", action="remove_fault"),
        )
        for rule in rules
    ]
    listing = table(("Fault", "Strikes", "How often", "Did so", ""), rows, empty="Nothing is broken.", id="faults")
    everything = button("Remove all", to="/faults/clear", action="clear_faults") if rules else tag("span")
    return [listing, tag("div", everything, class_="below")]


def _described(rule: dict[str, Any]) -> str:
    hidden = {"id", "used", "times", "path", "event", "probability"}
    settings = [(key, value) for key, value in rule.items() if key not in hidden]
    return ", ".join(key if value is True else f"{key} {value:g}" for key, value in settings).replace("_", " ")


def _held(sandbox: "Sandbox") -> list[Html]:
    count = len(sandbox.deliveries.held)
    text = tag("p", f"{count} held back.", id="held-count", data_held=count)
    forms = [
        button("Release", to="/faults/release", action="release"),
        button("Release in random order", to="/faults/release", action="release_shuffled", fields={"shuffle": "1"}),
    ]
    return [text, tag("div", forms, class_="actions")]


def _switch(switch: Switch) -> tuple[Html, str, Html]:
    where = "event" if switch.to_webhooks else "path"
    only = text_input("Only events" if switch.to_webhooks else "Only paths", where)
    inputs = [only, text_input("Times, if not always", "times", kind="number")]
    if switch.number:
        inputs.insert(
            0, text_input(switch.unit.capitalize(), "number", f"{switch.rule[switch.number]:g}", kind="number")
        )
    on = tag("button", "Switch on", data_action=switch.action)
    form = tag("form", inputs, on, class_="actions", method="post", action=f"/faults/add/{switch.action}")
    return tag("strong", switch.label), switch.explained, form


def add(sandbox: "Sandbox", call: Call) -> Response:
    """Put a fault in force."""
    switch = BY_ACTION.get(call.path["action"])
    if switch is None:
        return go("/faults", error=f"There is no fault {call.path['action']!r}. Nothing was changed.")
    rule: dict[str, Any] = dict(switch.rule)
    try:
        if call.form.get("times"):
            rule["times"] = int(call.form["times"])
        if switch.number and call.form.get("number"):
            rule[switch.number] = type(rule[switch.number])(call.form["number"])
    except ValueError as error:
        return go("/faults", error=f"Not a number: {error}. Nothing was changed.")
    rule |= {key: call.form[key].strip() for key in ("event", "path") if call.form.get(key, "").strip()}
    sandbox.faults.add(**rule)
    return go("/faults", done=f"{switch.label}: on.")


def remove(sandbox: "Sandbox", call: Call) -> Response:
    """Take one fault out of force."""
    sandbox.faults.remove(int(call.path["rule"]))
    return go("/faults", done="Removed.")


def clear(sandbox: "Sandbox", call: Call) -> Response:
    """Take all faults out of force; what is held stays held until it is released."""
    sandbox.faults.clear()
    return go("/faults", done="All faults are removed.")


def release(sandbox: "Sandbox", call: Call) -> Response:
    """Deliver what was held."""
    sent = sandbox.deliveries.flush(shuffle=bool(call.form.get("shuffle")))
    return go("/faults", done=f"Released: {sent}.")


def advance(sandbox: "Sandbox", call: Call) -> Response:
    """Let days pass: renewals, retries and ends of trials happen on the way."""
    back = call.form.get("back", "/")
    back = back if back in {to for _, to in PAGES} else "/"
    days = call.form.get("days", "")
    if not days.isdigit() or not 1 <= int(days) <= LONGEST_JUMP:
        return go(back, error=f"Between 1 and {LONGEST_JUMP} days, please. The clock was not changed.")
    sandbox.advance(int(days) * DAY)
    return go(back, done=f"{days} day(s) have passed.")
