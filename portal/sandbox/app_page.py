"""Where the universal link of the retailer's app leads on a machine that has no such app."""

from flask import Blueprint, render_template


def blueprint() -> Blueprint:
    """The one page: it says what a telephone would do, and repeats nothing of what the link carries."""
    routes = Blueprint("app_page", __name__)
    routes.add_url_rule("/app/open", view_func=lambda: render_template("app_open.html", language="en"))
    return routes
