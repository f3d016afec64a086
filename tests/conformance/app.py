"""The Flask side of the twins: `examples/flask/flask_twin.rs` has the same routes and takes the same settings.

Settings come from the environment under Flask's names, the port from `PORT`:

    SECRET_KEY=dev PORT=5000 python app.py
"""

import json
import os
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Flask, Response, flash, get_flashed_messages, request, session

TEXTS = ("SECRET_KEY", "SESSION_COOKIE_NAME", "SESSION_COOKIE_PATH", "SESSION_COOKIE_SAMESITE", "APPLICATION_ROOT")
BOOLEANS = ("SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_PARTITIONED", "SESSION_REFRESH_EACH_REQUEST")


def settings(environ):
    """Returns what the environment sets, of the types that Flask wants."""
    config = {name: environ[name] for name in TEXTS if name in environ}
    config |= {name: environ[name] in ("1", "true") for name in BOOLEANS if name in environ}
    if "SECRET_KEY_FALLBACKS" in environ:
        config["SECRET_KEY_FALLBACKS"] = json.loads(environ["SECRET_KEY_FALLBACKS"])
    if "PERMANENT_SESSION_LIFETIME" in environ:
        config["PERMANENT_SESSION_LIFETIME"] = int(environ["PERMANENT_SESSION_LIFETIME"])
    domain = environ.get("SESSION_COOKIE_DOMAIN")
    if domain is not None:
        config["SESSION_COOKIE_DOMAIN"] = False if domain in ("0", "false") else domain
    return config


def plain(value):
    """Shows what JSON has no type for."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, (UUID, datetime)) else value


def answer(value, status=200):
    return Response(json.dumps(plain(value)), status, content_type="application/json")


twin = Blueprint("twin", __name__)


@twin.get("/set")
def set_key():
    session[request.args["key"]] = json.loads(request.args["json"])
    return answer("ok")


@twin.get("/get")
def get_key():
    return answer(session.get(request.args["key"]))


@twin.get("/dump")
def dump():
    return answer(dict(session))


@twin.get("/pop")
def pop():
    return answer(session.pop(request.args["key"], None))


@twin.get("/clear")
def clear():
    session.clear()
    return answer("ok")


@twin.get("/permanent")
def permanent():
    session.permanent = request.args["on"] == "1"
    return answer("ok")


@twin.get("/setdefault")
def setdefault():
    return answer(session.setdefault(request.args["key"], json.loads(request.args["json"])))


@twin.get("/contains")
def contains():
    return answer(request.args["key"] in session)


@twin.get("/nothing")
def nothing():
    return answer("ok")


@twin.get("/vary")
def vary():
    session.get("boom")
    response = answer("ok")
    response.headers["Vary"] = request.args["value"]
    return response


@twin.get("/boom")
def boom():
    session["boom"] = True
    return answer("boom", 500)


@twin.get("/flash")
def leave_message():
    flash(request.args["message"])
    return answer("ok")


@twin.get("/flashes")
def take_messages():
    return answer(get_flashed_messages())


def make_app(environ=os.environ):
    app = Flask("twin")
    app.config.update(settings(environ))
    app.register_blueprint(twin)
    # The same pages below a path, for cookies that are sent there only.
    app.register_blueprint(twin, url_prefix="/app", name="below")
    return app


if __name__ == "__main__":
    make_app().run(port=int(os.environ["PORT"]), threaded=True)
