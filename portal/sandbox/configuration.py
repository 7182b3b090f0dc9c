"""Where the sandbox lives, with which credentials, and what a portal must be told to use it."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """One sandbox. The credentials are samples: they open nothing but this program."""

    url: str = "http://127.0.0.1:8001"
    portal_url: str = "http://localhost:8000"
    staff_url: str = ""
    oidc_client_id: str = "device-portal"
    oidc_client_secret: str = "sandbox-oidc-client-secret"
    staff_client_id: str = "support-portal"
    staff_client_secret: str = "sandbox-staff-client-secret"
    podero_org_id: str = "3f0f8f5e-6a52-4b0e-9c1d-2f4f3a6d7b10"
    podero_client_id: str = "sandbox-podero-client"
    podero_client_secret: str = "sandbox-podero-client-secret"
    nox_api_key: str = "sandbox-nox-supplier-key"
    smtp_port: int | None = None
    further_origins: int = 2
    nox_supplier: str = "Example Energy"
    telematica_api_token: str = "sandbox-telematica-token"
    telematica_webhook_secret: str = "whsec_c2FuZGJveC10ZWxlbWF0aWNhLXdlYmhvb2stc2VjcmV0"
    telematica_next_webhook_secret: str = "whsec_c2FuZGJveC10ZWxlbWF0aWNhLW5leHQtd2ViaG9vay1zZWNyZXQ="

    @property
    def issuer(self) -> str:
        return f"{self.url}/oidc"

    @property
    def podero_base_url(self) -> str:
        return f"{self.url}/podero/api/partners/v2.0"

    @property
    def host(self) -> str:
        """Host and port, as an allow-list of Connect UI hosts wants them."""
        return urlsplit(self.url).netloc


def portal_environment(config: SandboxConfig) -> dict[str, str]:
    """The settings with which a portal talks to this sandbox."""
    mail = {
        "PORTAL_SMTP__HOST": "127.0.0.1",
        "PORTAL_SMTP__PORT": str(config.smtp_port),
        "PORTAL_SMTP__SECURITY": "none",
        "PORTAL_SMTP__SENDER": "no-reply@nordvind.example",
    }
    return {
        **(mail if config.smtp_port is not None else {}),
        "PORTAL_OIDC__ISSUER": config.issuer,
        "PORTAL_OIDC__CLIENT_ID": config.oidc_client_id,
        "PORTAL_OIDC__CLIENT_SECRET": config.oidc_client_secret,
        "PORTAL_STAFF_OIDC__ISSUER": config.issuer,
        "PORTAL_STAFF_OIDC__CLIENT_ID": config.staff_client_id,
        "PORTAL_STAFF_OIDC__CLIENT_SECRET": config.staff_client_secret,
        "PORTAL_PODERO__BASE_URL": config.podero_base_url,
        "PORTAL_PODERO__TOKEN_URL": f"{config.podero_base_url}/auth/token",
        "PORTAL_PODERO__ORG_ID": config.podero_org_id,
        "PORTAL_PODERO__CLIENT_ID": config.podero_client_id,
        "PORTAL_PODERO__CLIENT_SECRET": config.podero_client_secret,
        "PORTAL_PODERO__CONNECT_HOSTS": config.host,
        "PORTAL_NOX__AUTH_URL": f"{config.url}/nox/v2",
        "PORTAL_NOX__API_URL": config.url,
        "PORTAL_NOX__API_KEY": config.nox_api_key,
        "PORTAL_NOX__CONNECT_HOSTS": config.host,
        "PORTAL_TELEMATICA__API_URL": f"{config.url}/telematica",
        "PORTAL_TELEMATICA__API_TOKEN": config.telematica_api_token,
        "PORTAL_TELEMATICA__SESSION_PATH": "/v1/auth-sessions",
        "PORTAL_TELEMATICA__REVOKE_PATH": "/v1/devices/{device_id}/revoke",
        "PORTAL_TELEMATICA__WEBHOOK_SECRET": config.telematica_webhook_secret,
        "PORTAL_TELEMATICA__CONNECT_HOSTS": config.host,
    }
