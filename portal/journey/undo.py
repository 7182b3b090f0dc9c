"""Ending the access to what must not have been linked: by a stranger who was tricked, or without a permission."""

from portal.domain.link_session import LinkSession, Reason
from portal.journey.ports import Ports
from portal.storage import devices, provider_accounts


def undo(*, ports: Ports, ended: LinkSession) -> None:
    """Removes at the provider what the attempt's returns named, unless it is on its customer's list.

    After its permission was taken back also what the provider itself named. Raises ProviderError; it is then tried
    again later.
    """
    with ports.database.read() as tx:
        account = provider_accounts.of(tx, ended.customer_id, ended.provider_key)
        known = devices.known(tx, ended.customer_id, ended.provider_key)
    if account is None or not ports.traits(ended.provider_key).removes_devices:
        return
    owned = {device.provider_device_id for device in known if device.removed_at is None}
    named = dict.fromkeys(ended.hints.device_ids)
    if ended.reason is Reason.PERMISSION_WITHDRAWN:
        named |= dict.fromkeys(reading.provider_device_id for reading in ended.confirmed)
    for device_id in named:
        if device_id not in owned:
            ports.providers.get(ended.provider_key).remove_device(account, device_id, ended.device_type)
