"""The Flask side of tests/flask/flask_settings.rs: what real Flask makes of variables in the environment.

Reads environments, a JSON object in each line, and prints for each what the application does that has it:
the `Set-Cookie` of a response that writes, how long the session lives, and whether a response to a request
that reads sets the cookie again.
"""

import io
import json
import logging
import os
import sys
import types
import warnings

import itsdangerous.timed
from flask import Flask, session

PREFIX = "FLASK_"
NOW = 1_767_225_600
itsdangerous.timed.time = types.SimpleNamespace(time=lambda: NOW)
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
    # Said here, or the client makes it of settings.
    site = "http://localhost/"
    wrote = client.get("/app/write", base_url=site)
    if wrote.status_code != 200:
        return {"error": f"{wrote.status} to a write", "null": not app.secret_key}
    [set_cookie] = wrote.headers.getlist("Set-Cookie")
    read = client.get("/app/read", base_url=site, headers={"Cookie": set_cookie.split(";")[0]})
    if read.text != "1":
        return {"error": "the next request does not find the session"}
    return {
        "set_cookie": set_cookie,
        "lifetime": int(app.permanent_session_lifetime.total_seconds()),
        "refreshed": "Set-Cookie" in read.headers,
    }


def main():
    for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
        # A setting may hold unpaired surrogates, and then the answer does.
        answer = json.dumps(tried(json.loads(line)), ensure_ascii=False)
        sys.stdout.buffer.write(answer.encode("utf-8", "replace") + b"\n")


if __name__ == "__main__":
    main()
