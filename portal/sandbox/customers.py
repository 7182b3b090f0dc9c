"""The sample customers and support staff of the retailer, as its OpenID issuer knows them. Every password is `demo`."""

from dataclasses import dataclass

PASSWORD = "demo"


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """One customer; `price_zone` is empty where the market has none that Podero knows."""

    username: str
    name: str
    locale: str
    price_zone: str = ""

    @property
    def subject(self) -> str:
        return f"customer-{self.username}"

    @property
    def number(self) -> str:
        return f"C-{sum(map(ord, self.username)):06d}"

    def userinfo(self) -> dict[str, object]:
        """All the claims; the ID token carries none of them but `sub`."""
        claims: dict[str, object] = {
            "sub": self.subject,
            "name": self.name,
            "email": f"{self.username}@example.com",
            "email_verified": True,
            "locale": self.locale,
            "customer_number": self.number,
        }
        return claims | ({"price_zone": self.price_zone} if self.price_zone else {})


SAMPLE_CUSTOMERS = {
    customer.username: customer
    for customer in (
        SampleCustomer("anna", "Anna Lindqvist", "sv-SE", "SE_3"),
        SampleCustomer("bela", "Béla Kovács", "hu-HU", "HU"),
        SampleCustomer("carla", "Carla Bianchi", "it-IT", "IT_NORD"),
        SampleCustomer("daan", "Daan de Vries", "nl-NL"),
        SampleCustomer("dieter", "Dieter Schäfer", "de-DE", "DE_LU"),
        SampleCustomer("emma", "Emma Clarke", "en-GB", "UK"),
        SampleCustomer("zofia", "Zofia Wójcik", "pl-PL"),
        SampleCustomer("ines", "Inés García", "es-ES"),
        SampleCustomer("luc", "Luc Moreau", "fr-FR"),
        SampleCustomer("mihai", "Mihai Ionescu", "ro-RO", "RO"),
        SampleCustomer("tiiu", "Tiiu Tamm", "et-EE", "EE"),
    )
}


@dataclass(frozen=True, slots=True)
class SampleAgent:
    """One of the support staff."""

    username: str
    name: str
    roles: tuple[str, ...]
    locale: str = "en"

    @property
    def subject(self) -> str:
        return f"staff-{self.username}"

    def userinfo(self) -> dict[str, object]:
        return {
            "sub": self.subject,
            "name": self.name,
            "email": f"{self.username}@retailer.example",
            "email_verified": True,
            "locale": self.locale,
            "roles": list(self.roles),
            "acr": "mfa",
        }


SAMPLE_AGENTS = {
    agent.username: agent
    for agent in (
        SampleAgent("sam", "Sam Support", ("agent",)),
        SampleAgent("lea", "Lea Lead", ("lead",)),
        SampleAgent("otto", "Otto Auditor", ("auditor",)),
        SampleAgent("nora", "Nora Nobody", ()),
    )
}

SAMPLE_PEOPLE: dict[str, SampleCustomer | SampleAgent] = {**SAMPLE_CUSTOMERS, **SAMPLE_AGENTS}
