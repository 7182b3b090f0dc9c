"""The only folder that knows a provider exists."""
