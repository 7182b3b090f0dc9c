"""The sandbox: a separate program that plays the three providers and an OpenID issuer over real HTTP."""
