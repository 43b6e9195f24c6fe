"""Everything that is known of a history that failed, to be read by a person."""

from __future__ import annotations

from stripe_mirror.models import Change, InboxEvent
from tests.converge.calls import mirror_calls, senders
from tests.converge.nursery import CALL
from tests.converge.world import World, moment


def report(world: World) -> str:
    """Steps, Stripe's events, what the inbox made of them, changes of rows, calls, and the end of the log."""
    events = {event.pk: event for event in InboxEvent.objects.all()}
    lines = ["", "== steps", *world.trace, "== events as they happened at Stripe, and the inbox"]
    for event in reversed(world.side.sandbox.events):
        held, obj = events.get(event["id"]), event["data"]["object"]
        kept = (
            f"{held.state} {held.source} {moment(held.received_at)} {moment(held.processed_at)} {held.reason}"
            if held
            else "-"
        )
        previous = sorted(event["data"].get("previous_attributes", {}))
        lines.append(f"{event['created']} {event['id']} {event['type']} {obj.get('id')} {previous} | {kept}")
    lines.append("== changes of rows")
    for change in Change.objects.order_by("id"):
        lines.append(
            f"{moment(change.recorded_at)} {change.object_id} v{change.version} {change.action} "
            f"{change.source} {change.event_id} {sorted(change.fields)}"
        )
    log = world.log()
    by = senders(log)
    lines.append("== calls of the mirror")
    for sort, calls in mirror_calls(world.side).items():
        for call in calls:
            lines.append(
                f"{sort} {call['n']} {call['path']} {call['params']} {call['status']} {by.get(call['request_id'], '')}"
            )
    others = [line for line in log.splitlines() if not line.startswith(CALL)]
    return "\n".join([*lines, "== log of the processes", *others[-100:]])
