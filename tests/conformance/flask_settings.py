"""The Flask side of tests/flask/flask_settings.rs: what real Flask makes of variables in the environment.

Reads environments, a JSON object in each line, and prints for each what the application does that has it:
the first response's `Set-Cookie`, and whether the next request finds the session again.
"""

import io
import json
import logging
import os
import sys
import warnings

from flask import Flask, session
from werkzeug.http import parse_cookie

PREFIX = "FLASK_"
warnings.simplefilter("ignore")
logging.disable()


def application():
    app = Flask("settings")
    app.config.from_prefixed_env()

    @app.get("/app/write")
    def write():
        session["a"] = 1
        session.permanent = True
        return ""

    @app.get("/app/read")
    def read():
        return str(session.get("a"))

    return app


def tried(variables):
    try:
        return used(variables)
    except Exception as err:
        return {"error": f"{type(err).__name__}: {err}"}


def used(variables):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(variables)
    app = application()
    client = app.test_client(use_cookies=False)
    wrote = client.get("/app/write")
    if wrote.status_code != 200:
        return {"error": f"{wrote.status} to a write", "null": not app.secret_key}
    [set_cookie] = wrote.headers.getlist("Set-Cookie")
    pair = set_cookie.split(";")[0]
    read = client.get("/app/read", headers={"Cookie": pair})
    if read.text != "1":
        return {"error": f"the next request does not find the session: {read.status}"}
    return {"set_cookie": set_cookie, "refresh": "Set-Cookie" in read.headers}


def main():
    for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
        print(json.dumps(tried(json.loads(line))))


if __name__ == "__main__":
    main()
