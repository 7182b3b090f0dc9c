"""Every setting as the documentation lists it, from the settings themselves."""

from dataclasses import dataclass

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from portal.setting_groups import Group
from portal.settings import Settings, group_of, variable


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as the documentation lists it. `default` is "required", or empty where the setting is off."""

    variable: str
    default: str
    meaning: str


def documented() -> list[Row]:
    """Every setting, in the order of the settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        group = group_of(field)
        leaves = group.model_fields.items() if group else [(None, field)]
        rows += [Row(variable((name, leaf)), shown(at, group), at.description or "") for leaf, at in leaves]
    return rows


def shown(field: FieldInfo, group: type[Group] | None = None) -> str:
    """The default as the table shows it."""
    extra = field.json_schema_extra
    if isinstance(extra, dict):
        return str(extra["shown"])
    if field.is_required():
        return "required with these" if group and group.credentials else "required"
    if isinstance(field.default, SecretStr):
        return "one for this very machine only"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    words = ",".join(field.default) if isinstance(field.default, tuple | dict) else field.default
    return f"`{words}`" if words not in {None, ""} else ""


def as_markdown() -> str:
    """The page `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "The portal reads its settings from the environment, once, when it starts. All that is wrong with them is said",
        "together, and the portal does not start. Lists are separated by commas. An empty variable counts as not set.",
        "Plain `http://` is taken for addresses of the very same machine only.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
        *(f"| `{row.variable}` | {row.default} | {row.meaning} |" for row in documented()),
        "",
    ]
    return "\n".join(lines)
