"""What Prefect's server does by itself: end runs that have died, and send a message about others.

::

    TELEGRAM_TOKEN=… TELEGRAM_CHAT=… make notify     # a message when a run ends, fails or waits
    NOTIFY_URL='mailtos://me:password@smtp.example.org?to=me@example.org' make notify
    make notify OFF=1

``NOTIFY_URL`` is an address in Apprise's form (https://appriseit.com): mail by SMTP, Matrix, …
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import timedelta

import httpx
from prefect.automations import Automation
from prefect.blocks.notifications import NotificationBlock
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from femtogpt.errors import UserError
from femtogpt.terminal import speak_plainly
from flows.service_notes import running_process
from tasks.notification_block import AppriseAddress

CRASH_AUTOMATION, NOTIFY_AUTOMATION = (
    "femtogpt: runs that have died",
    "femtogpt: runs that have ended",
)
HEARTBEAT = "prefect.flow-run.heartbeat"
MAX_SILENCE = timedelta(minutes=7)  # Prefect's runs send a heartbeat every three minutes
ENDS = [f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled")]
WAITS = [f"prefect.flow-run.{state}" for state in ("Paused", "Late", "AwaitingConcurrencySlot")]
ANY_RUN = {"prefect.resource.id": "prefect.flow-run.*"}
BODY = """Flow run «{{ flow_run.name }}» of {{ flow.name }}: {{ flow_run.state.name }}
{{ flow_run.state.message }}"""


def crash_silent_runs() -> None:
    """Have the server mark a run as crashed if it was killed together with what guards it."""
    trigger = EventTrigger(
        after={HEARTBEAT},
        expect={HEARTBEAT, *ENDS},
        match=ANY_RUN,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=MAX_SILENCE,
    )
    message = "no sign of life for some minutes: the same run again goes on from its checkpoint"
    _replace(
        CRASH_AUTOMATION, trigger, ChangeFlowRunState(state=StateType.CRASHED, message=message)
    )


def notify(environment: Mapping[str, str]) -> str:
    """Have a message sent when a run ends, fails or waits.

    Returns where it is sent. Raises UserError if the environment does not say.
    """
    target = _telegram(environment) or _apprise(environment)
    if target is None:
        raise UserError(
            "give TELEGRAM_TOKEN and TELEGRAM_CHAT, or NOTIFY_URL, for mail such as"
            " mailtos://me:password@smtp.example.org?to=me@example.org"
        )
    where, block = target
    document = block.save("femtogpt", overwrite=True)
    trigger = EventTrigger(
        expect={*ENDS, *WAITS},
        match=ANY_RUN,
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
    )
    subject = "femtoGPT: {{ flow_run.state.name }}"
    action = SendNotification(block_document_id=document, subject=subject, body=BODY)
    _replace(NOTIFY_AUTOMATION, trigger, action)
    return where


def stop_notifying() -> None:
    """Send no more messages."""
    _remove(NOTIFY_AUTOMATION)


def _telegram(environment: Mapping[str, str]) -> tuple[str, NotificationBlock] | None:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    if not {"TELEGRAM_TOKEN", "TELEGRAM_CHAT"} <= environment.keys():
        return None
    server = environment.get("TELEGRAM_SERVER", "https://api.telegram.org")
    chat = environment["TELEGRAM_CHAT"]
    return f"Telegram, chat {chat}", CustomWebhookNotificationBlock(
        name="femtogpt",
        url=server + "/bot{{token}}/sendMessage",
        method="POST",
        json_data={"chat_id": chat, "text": "{{subject}}\n{{body}}"},
        secrets={"token": environment["TELEGRAM_TOKEN"]},
        allow_private_urls="TELEGRAM_SERVER" in environment,
    )


def _apprise(environment: Mapping[str, str]) -> tuple[str, NotificationBlock] | None:
    from apprise import Apprise

    if "NOTIFY_URL" not in environment:
        return None
    url = environment["NOTIFY_URL"]
    service = Apprise.instantiate(url)
    if service is None:
        raise UserError("NOTIFY_URL is no address that Apprise knows: https://appriseit.com")
    return service.url(privacy=True).partition("?")[0], AppriseAddress(url=url)


def _replace(name: str, trigger: EventTrigger, action: ActionTypes) -> None:
    """Create an automation in place of the one of this name."""
    _remove(name)
    Automation(name=name, trigger=trigger, actions=[action]).create()


def _remove(name: str) -> None:
    with get_client(sync_client=True) as client:
        for automation in client.read_automations_by_name(name):
            client.delete_automation(automation.id)


def main() -> int:
    speak_plainly()
    parser = argparse.ArgumentParser(prog="make notify", description=__doc__.splitlines()[0])
    parser.add_argument("--off", action="store_true", help="send no more messages")
    options = parser.parse_args()
    if running_process("prefect") is None and "PREFECT_API_URL" not in os.environ:
        print("error: no Prefect server runs: make up starts one", file=sys.stderr)
        return 1
    try:
        if options.off:
            stop_notifying()
            print("no more messages")
        else:
            print(f"messages go to {notify(os.environ)}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except httpx.TransportError:
        print("error: Prefect's server does not answer: make up starts one", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
