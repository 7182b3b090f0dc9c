"""The settings that belong together: the retailer, the issuer and each provider."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from portal import setting_values as value
from portal.providers.offers import added_offers

Address = Annotated[str, AfterValidator(value.address)]
Words = Annotated[tuple[str, ...], BeforeValidator(value.listed), AfterValidator(value.without_doubles)]
Frequency = Annotated[str, AfterValidator(value.frequency)]
Hosts = Annotated[Words, AfterValidator(value.hosts)]
Secret = Annotated[SecretStr, AfterValidator(value.sendable)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(value.listed), AfterValidator(value.webhook_keys)]
PlainSecrets = Annotated[tuple[SecretStr, ...], BeforeValidator(value.listed), AfterValidator(value.plain_keys)]


def derived(description: str, *, shown: str) -> Any:
    """A field whose default follows from other settings; `shown` is what the table says of it."""
    return Field(description=description, json_schema_extra={"shown": shown})


def served_by(provider_key: str) -> AfterValidator:
    """Checks the vendors that a retailer knows this provider to serve, beside those that the portal knows of."""

    def checked(texts: tuple[str, ...]) -> tuple[str, ...]:
        added_offers(provider_key, texts)
        return texts

    return AfterValidator(checked)


ADDED = Field((), description="Vendors to offer too, `type/vendor-key`, with `=CODE` where it has a code for them")


class Group(BaseModel):
    """Settings that share a prefix. `credentials` switch an optional group on."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    credentials: ClassVar[tuple[str, ...]] = ()


class RetailerSettings(Group):
    """Under whose name the portal runs."""

    name: str = Field("Your energy supplier", max_length=80, description="The retailer's name, as customers know it")
    accent: Annotated[str, AfterValidator(value.colour)] = Field(
        "#0b6e4f", description="The retailer's one colour, #rrggbb"
    )
    logo: Annotated[Path, AfterValidator(value.picture)] | None = Field(
        None, description="Path of the logo, an .svg, .png or .webp file; without it the name stands alone"
    )
    support_phone: Annotated[str, AfterValidator(value.telephone)] | None = Field(
        None, description="Customer support's number"
    )
    support_email: Annotated[str, AfterValidator(value.mail)] | None = Field(
        None, description="Customer support's address"
    )
    privacy_url: Address | None = Field(None, description="The retailer's page on personal data")
    accessibility_url: Address | None = Field(None, description="The retailer's accessibility statement")


class OidcSettings(Group):
    """Where customers sign in."""

    issuer: Annotated[str, AfterValidator(value.exact_address)] = Field(
        description="The OpenID issuer, letter for letter as it names itself in its discovery document"
    )
    discovery_url: Annotated[str, AfterValidator(value.exact_address)] | None = Field(
        None, description="Its discovery document, where that is not at `<issuer>/.well-known/openid-configuration`"
    )
    client_id: str = Field(description="The portal's client id there")
    client_secret: Secret = Field(description="The portal's client secret there")
    scope: Annotated[str, AfterValidator(value.scopes)] = Field(
        "openid profile email", description="The scopes to ask for"
    )
    email_claim: str = Field("email", description="The claim that holds a customer's e-mail address; dots lead into it")
    name_claim: str = Field("name", description="The claim that holds a customer's name")
    price_zone_claim: str | None = Field(
        None, description="The claim that holds a customer's price zone, where there is one"
    )
    customer_number_claim: str | None = Field(
        "customer_number", description="The claim that holds the number by which support finds a customer"
    )
    timeout: float = Field(5.0, gt=0, le=30, description="Seconds to wait for the issuer")


class AppSettings(Group):
    """The retailer's mobile app, in whose webview the portal appears with the customer signed in."""

    credentials = ("issuer", "jwks_url", "jwks_file")
    issuer: str = Field(min_length=1, description="Who signs the app's tokens, letter for letter as their `iss` says")
    audience: str = derived("What the tokens' `aud` says: another one in each environment", shown="`PORTAL_PUBLIC_URL`")
    jwks_url: Annotated[str, AfterValidator(value.exact_address)] | None = Field(
        None, description="Address of the public keys of the retailer's backend; this, or the file below"
    )
    jwks_file: Annotated[Path, AfterValidator(value.existing_file)] | None = Field(
        None, description="File of those keys, a JSON Web Key Set; read anew every ten minutes"
    )
    subject_issuer: str = derived(
        "Whose subjects the tokens name: the OpenID issuer's, where app and sign-in know a person by the same one",
        shown="the app's own `issuer`: subjects of its own, other customers than those who sign in",
    )
    links: Annotated[dict[str, str], BeforeValidator(value.pairs), AfterValidator(value.app_links)] = Field(
        description="The ways back to the app, `id=https://...`: universal links, on another host than the portal's"
    )
    schemes: Annotated[dict[str, str], BeforeValidator(value.pairs), AfterValidator(value.app_schemes)] = Field(
        {}, description="Custom schemes for where such a link does not open the app, `id=com.example.app`"
    )
    apple_app_ids: Words = Field((), description="The app for Apple's devices, `TEAMID.com.example.app`")
    android_apps: Annotated[dict[str, str], BeforeValidator(value.pairs), AfterValidator(value.fingerprints)] = Field(
        {},
        description="The app for Android, `com.example.app=` and the SHA-256 of its certificate; several with spaces",
    )
    session_minutes: int = Field(60, ge=5, le=480, description="Minutes until the app has to let its customer in anew")


class StaffOidcSettings(Group):
    """Where customer support signs in: an issuer, or a client, of its own. Without it there are no support pages."""

    credentials = ("issuer", "client_id", "client_secret")
    issuer: Annotated[str, AfterValidator(value.exact_address)] = Field(
        description="The staff's OpenID issuer, letter for letter as it names itself"
    )
    discovery_url: Annotated[str, AfterValidator(value.exact_address)] | None = Field(
        None, description="Its discovery document, where that is not at `<issuer>/.well-known/openid-configuration`"
    )
    client_id: str = Field(description="The support pages' client id there")
    client_secret: Secret = Field(description="The support pages' client secret there")
    scope: Annotated[str, AfterValidator(value.scopes)] = Field(
        "openid profile email", description="The scopes to ask for"
    )
    role_claim: str = Field(
        "roles",
        description="The claim that says what somebody may do, a list, a text or an object's keys; dots lead into it",
    )
    roles: Annotated[dict[str, str], BeforeValidator(value.pairs), AfterValidator(value.staff_roles)] = Field(
        {"agent": "agent", "lead": "lead", "auditor": "auditor"},
        description="Its values, `value=role`; a role is agent, lead or auditor",
    )
    acr: Words = Field(
        (), description="How somebody must have signed in: one of these values of `acr`, if any are named"
    )


class SupportSettings(Group):
    """What customer support works by."""

    reasons: Annotated[Words, AfterValidator(value.support_reasons)] = Field(
        value.SUPPORT_REASONS, description="Why a customer may be looked at, of those the portal has words for"
    )
    many_customers: int = Field(
        30, ge=1, le=10_000, description="Customers one of the staff views in a shift of ten hours without an alarm"
    )


class SmtpSettings(Group):
    """The mail server that takes what customers are told by e-mail. Without it nobody is written to."""

    credentials = ("host", "sender")
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$", description="The mail server; no port")
    port: int = Field(587, ge=1, le=65535, description="Its port")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the way there is kept secret: `starttls`, `tls` from the start, or `none`"
    )
    user: str | None = Field(None, description="The portal's user there, where it asks for one")
    password: Secret | None = Field(None, description="The user's password")
    sender: Annotated[str, AfterValidator(value.mail)] = Field(description="The address that e-mails come from")


class PoderoSettings(Group):
    """The provider Podero."""

    credentials = ("org_id", "client_id", "client_secret")
    base_url: Annotated[str, AfterValidator(value.podero_base)] = Field(
        "https://app.podero.com/api/partners/v2.0", description="The partner API"
    )
    token_url: Annotated[str, AfterValidator(value.exact_address)] = derived(
        "Where access tokens are fetched", shown="`<base url>/auth/token`"
    )
    org_id: str = Field(pattern=r"^[A-Za-z0-9-]+$", description="The retailer's organisation there")
    client_id: str = Field(description="The retailer's client id there")
    client_secret: Secret = Field(description="The retailer's client secret there")
    connect_hosts: Hosts = Field(
        ("connect.podero.com",), description="Hosts of its Connect UI; customers are sent nowhere else"
    )
    price_zone: Annotated[str, AfterValidator(value.price_zone)] | None = Field(
        None, description="Price zone of every customer, over the market's; a customer's own claim is over both"
    )
    smart_control: bool = Field(
        False, description="Whether newly linked devices are under smart control from the start"
    )
    vendors: Annotated[Words, served_by("podero")] = ADDED
    delete_devices: bool = Field(False, description="Whether removing a device here deletes it there")
    email_domain: Annotated[str, AfterValidator(value.domain)] = derived(
        "Domain of the alias addresses that stand for customers there", shown="the public URL's host"
    )
    send_customer_email: bool = Field(
        False, description="Whether customers' own addresses are sent in place of aliases"
    )


class NoxSettings(Group):
    """The provider NOX."""

    credentials = ("api_key",)
    auth_url: Annotated[str, AfterValidator(value.nox_authenticator)] = Field(
        "https://auth.nox.energy/v2", description="The Authenticator, which opens link sessions"
    )
    api_url: Annotated[str, AfterValidator(value.origin)] = Field(
        "https://api.nox.energy", description="The Package API, which lists devices; no path"
    )
    api_key: Secret = Field(description="The retailer's supplier key")
    connect_hosts: Hosts = Field(
        ("auth.nox.energy",), description="Hosts of its Connect UI; customers are sent nowhere else"
    )
    vendors: Annotated[Words, served_by("nox")] = ADDED
    webhook_secret: PlainSecrets = Field(
        (), description="Signing secret of its webhooks, where it is not the API key; two while one replaces the other"
    )
    webhook_signed_text: Literal["{timestamp}.{body}", "{id}.{timestamp}.{body}", "{body}"] = Field(
        "{timestamp}.{body}", description="What its webhooks sign; undocumented, so see that a first one is taken"
    )


class TelematicaSettings(Group):
    """The provider Telematica."""

    credentials = ("api_token", "webhook_secret")
    api_url: Address = Field(description="The REST API")
    api_token: Secret = Field(description="The retailer's access token")
    auth_header: str = Field("Authorization", pattern=r"^[A-Za-z-]+$", description="The header that carries the token")
    auth_scheme: str = Field("Bearer", pattern=r"^[A-Za-z]*$", description="The word before the token")
    session_path: Annotated[str, AfterValidator(value.path)] = Field(description="Path that opens auth sessions")
    revoke_path: Annotated[str, AfterValidator(value.device_path)] | None = Field(
        None, description="Path that revokes a device, with `{device_id}`; without it removing ends here"
    )
    revoke_method: Literal["POST", "DELETE", "PUT", "PATCH"] = Field("POST", description="The method of that call")
    state_path: Annotated[str, AfterValidator(value.device_path)] | None = Field(
        None, description="Path that reads one device's state, with `{device_id}`; without it only its events tell"
    )
    webhook_secret: Secrets = Field(description="Signing secret of its webhooks; two while one replaces the other")
    connect_hosts: Hosts = Field(
        ("connect.telematica.so",), description="Hosts of its Connect UI; customers are sent nowhere else"
    )
    region: Literal["EU", "US"] = derived("Decides the vendors on offer", shown="the market's")
    site_id: str | None = Field(None, description="Groups devices there")
    site_name: str | None = Field(None, description="The group's name there")
    callback_env: Literal["dev", "stage", "prod"] | None = Field(
        None, description="Which registered webhook URL is called"
    )
    metadata: Annotated[dict[str, str], BeforeValidator(value.pairs)] = Field(
        {}, description="Pairs `key=value` that are echoed in events; nothing personal"
    )
    vendors: Annotated[Words, served_by("telematica")] = ADDED
    brand_subset: Words = Field((), description="Show only these vendors, in its own spelling")
    exclude_brands: Words = Field((), description="Never show these vendors, in its own spelling")
    show_simulator: bool = Field(False, description="Whether its simulator is offered as a vendor")


class OutboundSettings(Group):
    """How providers are called, and how long they are waited for."""

    connect_timeout: float = Field(1.0, gt=0, le=10, description="Seconds to reach a provider")
    deadline: float = Field(8.0, gt=0, le=30, description="Seconds for a whole call to a provider")
    concurrency: int = Field(64, ge=1, le=1000, description="Calls that one worker has under way at one provider")
    fresh_for: float = Field(15.0, gt=0, le=30, description="Seconds before a provider is asked for a device again")


class LimitsSettings(Group):
    """How often something may be asked for."""

    enabled: bool = Field(True, description="Whether anything is limited")
    starts: Frequency = Field(
        "20 per 15 minutes; 100 per day", description="Connecting and reconnecting, each customer; `;` between several"
    )
    forms: Frequency = Field("60 per minute; 1000 per day", description="All else that a customer sends, each customer")
    vendor_requests: Frequency = Field("5 per day", description="Manufacturers that are missed, each customer")
    arrivals: Frequency = Field("120 per minute", description="Returns from the providers, each address")
    app_entries: Frequency = Field("120 per minute", description="Entries from the app that are refused, each address")
    sign_ins: Frequency = Field("60 per minute", description="Sign-ins, each address; many people may share one")
    staff_sign_ins: Frequency = Field("60 per minute", description="Sign-ins of staff, each address; an office has one")
    staff_views: Frequency = Field(
        "30 per 15 minutes; 200 per day", description="Customers to begin to view, each of the staff"
    )
    staff_searches: Frequency = Field(
        "60 per 15 minutes; 500 per day", description="Searches for customers, each of the staff"
    )
    refused_sign_outs: Frequency = Field(
        "60 per minute", description="Sign-outs by the staff's issuer that are not proven, each address"
    )
    webhooks: Frequency = Field("12000 per minute", description="Proven events, each provider")
    refused_webhooks: Frequency = Field("60 per minute", description="Events that are not proven, each address")
