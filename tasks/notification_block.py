"""A Prefect block for messages. Prefect's server finds it by the entry point in pyproject.toml."""

from prefect.blocks.notifications import AppriseNotificationBlock


class AppriseAddress(AppriseNotificationBlock):
    """Sends to an address in Apprise's form (https://appriseit.com): mail by SMTP, Matrix, …

    Prefect's own blocks reach no mail server except one company's.
    """

    _block_type_name = "Apprise Address"
    _block_type_slug = "apprise-address"
