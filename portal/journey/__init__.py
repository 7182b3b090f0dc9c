"""The steps a customer lives, one a file; each is one idempotent call that receives its actor, ports and time."""
