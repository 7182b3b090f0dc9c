"""The least that Flask can serve: what a page of the portal is compared with."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def page() -> str:
    return "<!doctype html><html lang=en><title>A page</title><p>Nothing but this."
