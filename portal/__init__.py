"""The device portal: a customer links a device at the provider that serves it, and keeps it linked."""
