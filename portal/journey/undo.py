"""Ending the access to what a stranger was tricked into linking, where it can be ended."""

from portal.domain.link_session import LinkSession
from portal.journey.ports import Ports
from portal.storage import devices, provider_accounts


def undo(*, ports: Ports, held: LinkSession) -> None:
    """Removes at the provider what another person's return named, unless it is the customer's own.

    Raises ProviderError; it is then tried again later.
    """
    with ports.database.read() as tx:
        account = provider_accounts.of(tx, held.customer_id, held.provider_key)
        known = devices.known(tx, held.customer_id, held.provider_key)
    if account is None or not ports.traits(held.provider_key).removes_devices:
        return
    owned = {device.provider_device_id for device in known if device.removed_at is None}
    for device_id in held.hints.device_ids:
        if device_id not in owned:
            ports.providers.get(held.provider_key).remove_device(account, device_id, held.device_type)
