"""The only folder that knows who is asking."""
