"""Makes session cookies with the real Flask, for tests/flask/flask_golden.rs to read and write.

    python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt
    .venv/bin/python tests/golden/make_flask.py > tests/golden/flask.json

A case says how Flask is set, what the session holds as other JSON readers are to see it, and the
cookie. `touched` is the cookie after a request that opened it and set `touched` to 1. `plain` cases
hold nothing but JSON, so that they can be written too.
"""

import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone
from unittest import mock
from uuid import UUID

from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from markupsafe import Markup

NOW = 1_767_225_600


def app_with(key="dev", fallbacks=(), digest="sha1", derivation="hmac", salt="cookie-session"):
    class Interface(SecureCookieSessionInterface):
        key_derivation = derivation

    Interface.digest_method = staticmethod(getattr(hashlib, digest))
    Interface.salt = salt
    app = Flask(__name__)
    app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=list(fallbacks))
    app.session_interface = Interface()

    @app.post("/fill")
    def fill():
        session.update(app.content)
        return ""

    @app.post("/touch")
    def touch():
        session["touched"] = 1
        return ""

    return app


def cookie_of(app, path, cookie=None):
    headers = {"Cookie": f"session={cookie}"} if cookie else {}
    with mock.patch("itsdangerous.timed.time.time", lambda: NOW):
        response = app.test_client(use_cookies=False).post(path, headers=headers)
    assert response.status_code == 200
    return response.headers["Set-Cookie"].split(";")[0].removeprefix("session=")


def case(content, seen=None, **settings):
    app = app_with(**settings)
    app.content = content
    cookie = cookie_of(app, "/fill")
    return {
        "settings": settings,
        "plain": seen is None,
        "content": content if seen is None else seen,
        "cookie": cookie,
        "touched": cookie_of(app, "/touch", cookie),
    }


PLAIN = [
    {"user": "alice"},
    {"visits": 1, "none": None, "yes": True, "no": False},
    {"b": 1, "a": {"z": 1, "y": [1, {"d": 1, "c": 2}]}, "A": 1, "_": 1, "ä": 1, "𝕏": 1, "\uffff": 1},
    {"text": "日本語 ✓ 𝕏", "quote": 'a"b\\c/d', "control": "\0\b\f\n\r\t\x1f\x7f\x80\u2028", "é\n\"": ""},
    {"floats": [0.0, -0.0, 1.0, 0.1, 1e16, 1e15, 1e-4, 1e-5, 1.5e-7, 1e22, 1.7976931348623157e308, 5e-324, 123.456, 1e100]},
    {"integers": [0, -1, 9_007_199_254_740_993, 9_223_372_036_854_775_807, -9_223_372_036_854_775_808, 18_446_744_073_709_551_615]},
    {"empty": {}, "list": [], "text": "", "deep": [[[[{"a": [{}]}]]]]},
    {"long": "x" * 500},
    {"words": "the quick brown fox jumps over the lazy dog " * 20},
    {" x": 1, " t__": 2},
    {" t": 1, "other": 2},
    {" t": 1},
    {" di": {" t": [1]}},
    {" m": "<b>"},
    {"a": {" t": [1, 2]}},
    {"a": {" di": {" di": 1}}},
    {"a": [{" b": "eA=="}, {" u": "x"}, {" d": ""}, {" m": {" m": "y"}}]},
    {"_permanent": True, "a": 1},
    {"csrf_token": "b5d1b0f1c6f0a0e3c2d4", "_user_id": "1", "_fresh": True, "_id": "0" * 128},
]
# Sizes around the one from which a text is compressed.
PLAIN += [{"k": "abcdefghijklmnopqrstuvwxyz"[: length % 27] * (1 + length // 27)} for length in range(1, 60, 3)]

BERLIN = timezone(timedelta(hours=2))
TAGGED = [
    ({"t": (1, "a")}, {"t": [1, "a"]}),
    ({"t": ()}, {"t": []}),
    ({"t": ((1,), [(2,)], {"a": (3,)})}, {"t": [[1], [[2]], {"a": [3]}]}),
    ({"b": b"", "c": b"\x00\xff\xfe", "d": b"hello"}, {"b": "", "c": "AP/+", "d": "aGVsbG8="}),
    ({"m": Markup("<b>é</b>")}, {"m": "<b>é</b>"}),
    ({"u": UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")}, {"u": "6ba7b8109dad11d180b400c04fd430c8"}),
    ({"d": datetime(2024, 2, 29, 12, 30, 45)}, {"d": "Thu, 29 Feb 2024 12:30:45 GMT"}),
    ({"d": datetime(2024, 3, 1, 1, 0, tzinfo=BERLIN)}, {"d": "Thu, 29 Feb 2024 23:00:00 GMT"}),
    # Werkzeug reads years of two digits as those of a century: it is no fixed point of Flask's.
    ({"d": datetime(100, 1, 1), "e": datetime(9999, 12, 31, 23, 59, 59)},
     {"d": "Fri, 01 Jan 0100 00:00:00 GMT", "e": "Fri, 31 Dec 9999 23:59:59 GMT"}),
    ({"a": {" t": (1,)}}, {"a": {" t": [1]}}),
    ({" t": (1,)}, {" t": [1]}),
    ({" di": b"x"}, {" di": "eA=="}),
    ({"_flashes": [("message", "hello"), ("error", Markup("<i>no</i>"))]},
     {"_flashes": [["message", "hello"], ["error", "<i>no</i>"]]}),
    ({"all": [(1, b"x", Markup("m"), UUID(int=0), datetime(2000, 1, 1))] * 8},
     {"all": [[1, "eA==", "m", "0" * 32, "Sat, 01 Jan 2000 00:00:00 GMT"]] * 8}),
]

DIGESTS = "md5 sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 blake2b blake2s".split()
DERIVATIONS = ["hmac", "concat", "django-concat", "none"]

cases = [case(content) for content in PLAIN]
cases += [case(content, seen) for content, seen in TAGGED]
cases += [
    case({"user": "alice"}, digest=digest, derivation=derivation) for digest in DIGESTS for derivation in DERIVATIONS
]
cases += [
    case({"user": "alice"}, key=key, salt=salt)
    for key in ["x", "schlüssel", "k" * 200, "001-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2"]
    for salt in ["cookie-session", "", "ein salz mit ü"]
]
# One that holds what no JSON reader of ours represents: it is seen to pass through.
odd = {"nan": float("nan"), "inf": [float("-inf")], "big": 10**30, "surrogate": "\ud800", "user": "alice"}
cases.append(case(odd, {"user": "alice"}))
json.dump({"now": NOW, "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
