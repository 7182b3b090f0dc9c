"""INTERIM, until provider health lands."""


def purge(tx, before):
    return None
