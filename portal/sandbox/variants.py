"""What nobody knows about the real providers, and the ways it may be. The first of each is the default."""

from collections.abc import Mapping

EVENTS = {
    "events": ("sent", "none"),
    "delivery": ("once", "twice", "shuffled"),
    "event_timing": ("with_return", "before_return"),
}
"""What concerns the events of every provider that has any; postman.py keeps to it."""

LEADS_ON = {"leads_on": ("yes", "no")}
"""Whether a hosted page is reached over two further origins only; leading_on.py keeps to it."""

VARIANTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "podero": {
        **LEADS_ON,
        "token_body": ("form", "json"),
        "create_status": ("200", "201"),
        "conflict_status": ("400", "409", "422"),
        "unknown_user_status": ("404", "400", "422"),
        "deleted_user_ids": ("free", "taken"),
        "auth_session_url": ("normal", "null"),
        "heat_pump_auth_session": ("yes", "404"),
        "lists_have_actions": ("no", "yes"),
        "reauth_signal": ("actions", "action_needed", "is_authenticated", "lifecycle", "connection_status"),
        "other_action": ("none", "new_terms"),
        "return_device_id": ("yes", "no"),
        "delete_supported": ("yes", "405"),
    },
    "nox": {
        **LEADS_ON,
        "cancel_form": ("bare", "error", "never"),
        "user_filter_pv": ("no", "yes"),
        "device_row_fields": ("full", "sparse"),
        **EVENTS,
        "signed_text": ("timestamp.body", "id.timestamp.body", "body"),
        "event_device_id": ("given", "vendor", "null"),
        "redelivery": ("several", "single", "never"),
        "redelivery_time": ("new", "first"),
    },
    "telematica": {
        **LEADS_ON,
        "session_key": ("url", "sessionUrl", "authUrl", "connectUrl", "link", "redirectUrl"),
        "session_status": ("200", "201"),
        "header_names": ("svix", "webhook"),
        "cancel_form": ("bare", "never"),
        "id_on_relink": ("same", "new"),
        "revoke_lapsed": ("ends", "refused"),
        "state": (
            "true",
            "ACCOUNT_RATE_LIMITED",
            "PARTIAL_OPERATION",
            "UNKNOWN_ERROR",
            "DEVICE_DISCONNECTED",
            "USER_ACTION",
        ),
        "lapse_code": ("RELOGIN_REQUIRED", "USER_CONSENT_REQUIRED", "RECONNECT_ACCOUNT"),
        "metadata_place": ("top", "nested"),
        **EVENTS,
        "signed_with": ("current", "both", "next"),
    },
    "oidc": {**LEADS_ON, "auth_time": ("given", "left_out")},
}


class UnknownVariantError(ValueError):
    """A variant, or a value of one, that the sandbox does not have."""


def defaults() -> dict[str, dict[str, str]]:
    return {provider: {name: values[0] for name, values in table.items()} for provider, table in VARIANTS.items()}
