"""The Flask side of the twins: `examples/flask/flask_twin.rs` has the same routes and takes the same settings.

Settings come from the environment, as JSON under Flask's names, the port from `PORT`:

    FLASK_SECRET_KEY=dev PORT=5000 python app.py

`TWIN_SORT_KEYS=0` and `TWIN_ENSURE_ASCII=0` set the JSON provider, which no variable of Flask's does.
"""

import json
import os
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Flask, Response, flash, get_flashed_messages, request, session


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


def make_app():
    app = Flask("twin")
    app.config.from_prefixed_env()
    app.json.sort_keys = os.environ.get("TWIN_SORT_KEYS") != "0"
    app.json.ensure_ascii = os.environ.get("TWIN_ENSURE_ASCII") != "0"
    app.register_blueprint(twin)
    # The same pages below a path, for cookies that are sent there only.
    app.register_blueprint(twin, url_prefix="/app", name="below")
    return app


if __name__ == "__main__":
    make_app().run(port=int(os.environ["PORT"]), threaded=True)
