"""A block of Prefect for messages; its server finds it by the entry point in pyproject.toml."""

from prefect.blocks.notifications import AppriseNotificationBlock


class Address(AppriseNotificationBlock):
    """Sends to an address as Apprise writes them (https://appriseit.com): mail by SMTP, Matrix, …

    Prefect's own blocks reach no mail server but one company's.
    """

    _block_type_name = "Apprise Address"
    _block_type_slug = "apprise-address"
