"""Opening a link at the vendor the customer chose; where the provider refuses that vendor, once more without it."""

from collections.abc import Callable

import structlog

from portal.providers.answers import Answer

log = structlog.get_logger(__name__)


def preselected(
    provider_key: str,
    vendor_code: str | None,
    open_at: Callable[[str | None], Answer],
    *,
    is_refused: Callable[[Answer], bool],
) -> tuple[Answer, bool]:
    """The answer, and whether the customer has to choose the vendor there.

    A vendor may be paused or need activation there, or belong to another device type; its own page then asks which.
    """
    answer = open_at(vendor_code)
    if vendor_code is None or not is_refused(answer):
        return answer, False
    log.warning("vendor_refused", provider=provider_key, vendor=vendor_code, status=answer.status)
    return open_at(None), True
