"""What Prefect's server does by itself: end what has died, and tell a person what has ended.

::

    TELEGRAM_TOKEN=… TELEGRAM_CHAT=… make notify     # a message when a run ends, fails or waits
    NOTIFY_URL='mailtos://me:password@smtp.example.org?to=me@example.org' make notify
    make notify OFF=1

``NOTIFY_URL`` is an address as Apprise writes them (https://appriseit.com): mail by SMTP, Matrix, …
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta

import httpx
from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

import flows
from femtogpt.errors import UserError
from tasks.notification_block import Address

DEAD, ENDED = "femtogpt: runs that have died", "femtogpt: runs that have ended"
BEAT = "prefect.flow-run.heartbeat"
SILENCE = timedelta(minutes=7)  # Prefect's runs tell every three minutes that they live
ENDS = [f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled")]
WAITS = [f"prefect.flow-run.{state}" for state in ("Paused", "Late", "AwaitingConcurrencySlot")]
ANY_RUN = {"prefect.resource.id": "prefect.flow-run.*"}
BODY = """Flow run «{{ flow_run.name }}» of {{ flow.name }}: {{ flow_run.state.name }}
{{ flow_run.state.message }}"""


def end_the_dead() -> None:
    """Have runs marked as crashed whose process was killed with all that watched it."""
    trigger = EventTrigger(
        after={BEAT},
        expect={BEAT, *ENDS},
        match=ANY_RUN,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    why = "no sign of life for some minutes: the same run again goes on from its checkpoint"
    _put(DEAD, trigger, ChangeFlowRunState(state=StateType.CRASHED, message=why))


def tell(environment: dict[str, str]) -> str:
    """Have a message sent when a run ends, fails or waits; where to. UserError if that is open."""
    block = _telegram(environment) or _addressed(environment)
    if block is None:
        raise UserError(
            "give TELEGRAM_TOKEN and TELEGRAM_CHAT, or NOTIFY_URL, for mail such as"
            " mailtos://me:password@smtp.example.org?to=me@example.org"
        )
    where, block = block
    document = block.save("femtogpt", overwrite=True)
    trigger = EventTrigger(
        expect={*ENDS, *WAITS},
        match=ANY_RUN,
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
    )
    subject = "femtoGPT: {{ flow_run.state.name }}"
    _put(ENDED, trigger, SendNotification(block_document_id=document, subject=subject, body=BODY))
    return where


def silence() -> None:
    """Send no more messages."""
    _remove(ENDED)


def _telegram(given: dict[str, str]):
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    if not {"TELEGRAM_TOKEN", "TELEGRAM_CHAT"} <= given.keys():
        return None
    server = given.get("TELEGRAM_SERVER", "https://api.telegram.org")
    return f"Telegram, chat {given['TELEGRAM_CHAT']}", CustomWebhookNotificationBlock(
        name="femtogpt",
        url=server + "/bot{{token}}/sendMessage",
        method="POST",
        json_data={"chat_id": given["TELEGRAM_CHAT"], "text": "{{subject}}\n{{body}}"},
        secrets={"token": given["TELEGRAM_TOKEN"]},
        allow_private_urls="TELEGRAM_SERVER" in given,
    )


def _addressed(given: dict[str, str]):
    from apprise import Apprise

    if "NOTIFY_URL" not in given:
        return None
    service = Apprise.instantiate(given["NOTIFY_URL"])
    if service is None:
        raise UserError("NOTIFY_URL is no address that Apprise knows: https://appriseit.com")
    return service.url(privacy=True).partition("?")[0], Address(url=given["NOTIFY_URL"])


def _put(name: str, trigger: EventTrigger, action: object) -> None:
    """Make an automation, in the place of the one of this name."""
    _remove(name)
    Automation(name=name, trigger=trigger, actions=[action]).create()


def _remove(name: str) -> None:
    with get_client(sync_client=True) as client:
        for found in client.read_automations_by_name(name):
            client.delete_automation(found.id)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make notify", description=__doc__.splitlines()[0])
    parser.add_argument("--off", action="store_true", help="send no more messages")
    options = parser.parse_args()
    if flows.lifecycle("prefect") is None and "PREFECT_API_URL" not in os.environ:
        print("error: no server: make up starts one", file=sys.stderr)
        return 1
    try:
        if options.off:
            silence()
            print("no more messages")
        else:
            print(f"messages go to {tell(dict(os.environ))}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except httpx.TransportError:
        print("error: the server does not answer: make up starts one", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
