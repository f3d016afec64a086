"""The Flask side of tests/flask/flask_conformance.rs: real Flask, opening and saving inside a request.

    flask_peer.py write SEED COUNT   prints COUNT random sessions, a JSON object in each line
    flask_peer.py read               compares such objects, one in each line of its input
"""

import hashlib
import itertools
import json
import random
import struct
import sys
import types
import warnings
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from uuid import UUID

import itsdangerous.timed
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from markupsafe import Markup

NOW = 1_767_225_600
itsdangerous.timed.time = types.SimpleNamespace(time=lambda: NOW)
warnings.simplefilter("ignore")

DIGESTS = "md5 sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 blake2b blake2s".split()
DERIVATIONS = ["hmac", "concat", "django-concat", "none"]
TAGS = [" di", " t", " b", " m", " u", " d"]
# With its name the cookie has 4,096 bytes at most.
LONGEST = 4_096 - len("session")


@lru_cache(maxsize=None)
def app_with(key, fallbacks, salt, digest, derivation, sort_keys, ensure_ascii):
    interface = SecureCookieSessionInterface()
    interface.salt = salt
    interface.key_derivation = derivation
    interface.digest_method = getattr(hashlib, digest)
    app = Flask(__name__)
    app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=list(fallbacks))
    app.session_interface = interface
    app.json.sort_keys = sort_keys
    app.json.ensure_ascii = ensure_ascii
    return app


def settings_of(case):
    signing = case["key"], tuple(case["fallbacks"]), case["salt"], case["digest"], case["derivation"]
    return *signing, case["sort_keys"], case["ensure_ascii"]


def saved(app, change, cookie=None):
    """Changes the session in a request that carries the cookie, and returns the one it sets."""
    headers = {"Cookie": f"session={cookie}"} if cookie else {}
    with app.test_request_context(headers=headers):
        change()
        response = app.response_class()
        app.session_interface.save_session(app, session._get_current_object(), response)
    return response.headers["Set-Cookie"].split(";")[0].removeprefix("session=")


def loaded(app, cookie):
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        return dict(session)


class Odd(Exception):
    """The value has no counterpart among Rust's types."""


def text(value):
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise Odd
    return value


def describe(value):
    """Says what a value is, so that nothing is lost between languages."""
    match value:
        case None | True | False:
            return value
        case Markup():
            return {"markup": text(str(value))}
        case str():
            return text(value)
        case int():
            if not -(2**63) <= value < 2**64:
                raise Odd
            return {"int": str(value)}
        case float():
            if value - value != 0:
                raise Odd
            return {"float": struct.pack(">d", value).hex()}
        case tuple():
            return {"tuple": [describe(item) for item in value]}
        case list():
            return [describe(item) for item in value]
        case dict():
            return {"dict": {text(key): describe(item) for key, item in value.items()}}
        case bytes():
            return {"bytes": value.hex()}
        case UUID():
            return {"uuid": str(value)}
        case datetime():
            return {"datetime": int((value - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds())}
    raise TypeError(type(value))


ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz",
    "ab",
    "äöüßéèêñ",
    "日本語中文字한국어",
    "𝕏😀𐍈🜁\U0010ffff",
    "\0\x01\b\t\n\f\r\x1b\x1f\x7f\x80\x9f\u2028\u2029\ufeff\uffff\ud7ff\ue000",
    "\"\\/'<>&{}[]:, ._-",
]


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def text(self, odd=0.002):
        rng = self.rng
        alphabet = rng.choice(ALPHABETS) if rng.random() < 0.8 else "".join(ALPHABETS)
        made = "".join(rng.choice(alphabet) for _ in range(rng.choice([0, 1, 3, 8, 8, 20, 40])))
        if rng.random() < odd:
            at = rng.randrange(len(made) + 1)
            made = made[:at] + chr(rng.randrange(0xD800, 0xE000)) + made[at:]
        return made

    def key(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.05:
            return rng.choice(TAGS)
        if kind < 0.08:
            return rng.choice(TAGS) + "__"
        if kind < 0.12:
            return rng.choice(["_permanent_", "_flash", "csrf_token", "_user_id", "_fresh", "_id", "user", "visits"])
        return self.text(odd=0.001)

    def integer(self):
        rng = self.rng
        return rng.choice([
            lambda: rng.randrange(-100, 100),
            lambda: rng.randrange(-(2**63), 2**64),
            lambda: rng.choice([0, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1]),
        ])()

    def floating(self):
        rng = self.rng
        while True:
            made = rng.choice([
                lambda: struct.unpack(">d", rng.randbytes(8))[0],
                lambda: rng.random(),
                lambda: float(rng.randrange(-1000, 1000)),
                lambda: rng.uniform(-1, 1) * 10.0 ** rng.randrange(-30, 30),
                lambda: float(10 ** rng.randrange(0, 25)),
                lambda: rng.choice([0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1e16, 1e-4, 1e-5]),
            ])()
            if made - made == 0:
                return made

    def odd(self):
        return self.rng.choice([float("nan"), float("inf"), float("-inf"), 2**64, -(2**63) - 1, 10**40, "\udfff"])

    def time(self):
        # Werkzeug reads the years below 100 as those of another century.
        zone = self.rng.choice([None, timezone.utc, timezone(timedelta(minutes=self.rng.randrange(-720, 840)))])
        moment = datetime(101, 1, 1) + timedelta(seconds=self.rng.randrange(9_890 * 31_536_000))
        return moment.replace(tzinfo=zone, microsecond=self.rng.randrange(1_000_000))

    def value(self, depth=4):
        rng = self.rng
        kind = rng.randrange(19 if depth else 13)
        if rng.random() < 0.01:
            return self.odd()
        if kind == 0:
            return rng.choice([None, True, False])
        if kind < 3:
            return self.integer()
        if kind < 5:
            return self.floating()
        if kind < 8:
            return self.text()
        if kind == 8:
            return rng.randbytes(rng.choice([0, 1, 2, 3, 16, 33]))
        if kind == 9:
            return Markup(self.text())
        if kind == 10:
            return UUID(bytes=rng.randbytes(16))
        if kind == 11:
            return self.time()
        if kind == 12:
            return rng.choice([[], (), {}, "", b""])
        items = range(rng.choice([0, 1, 1, 2, 3, 5]))
        if kind < 15:
            return [self.value(depth - 1) for _ in items]
        if kind < 17:
            return tuple(self.value(depth - 1) for _ in items)
        if rng.random() < 0.03:
            # JSON makes texts of them, behind the sorting.
            return {rng.randrange(1000): self.value(depth - 1) for _ in items}
        return {self.key(): self.value(depth - 1) for _ in items}

    def session(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.15:
            # Around the size from which a text is compressed.
            made = self.text() + rng.choice("abc") * rng.randrange(60)
            return {rng.choice(["k", "key", " t"]): made}
        if kind < 0.2:
            return {rng.choice(TAGS): self.value()}
        if kind < 0.25:
            flashes = [(self.text(), rng.choice([self.text(), Markup(self.text())])) for _ in range(rng.randrange(1, 4))]
            return {"_flashes": flashes, "_permanent": True, "csrf_token": rng.randbytes(20).hex()}
        return {self.key(): self.value() for _ in range(rng.choice([1, 1, 2, 3, 5, 8, 13]))}

    def settings(self):
        rng = self.rng
        if rng.random() < 0.2:
            return "dev", (), "cookie-session", "sha1", "hmac"
        key = rng.choice(["x", "dev", self.text(odd=0) or "y", "k" * 200])
        fallbacks = tuple(f"old-{number}" for number in range(rng.choice([0, 0, 1, 3])))
        salt = rng.choice(["cookie-session", "cookie-session", "", "salt-" + self.text(odd=0)])
        return key, fallbacks, salt, rng.choice(DIGESTS), rng.choice(DERIVATIONS)


def make(rng):
    maker = Maker(rng)
    while True:
        content = maker.session()
        key, fallbacks, salt, digest, derivation = maker.settings()
        json_settings = rng.random() < 0.6 or rng.random() < 0.5, rng.random() < 0.7
        app = app_with(key, fallbacks, salt, digest, derivation, *json_settings)
        former = rng.choice(fallbacks) if fallbacks and rng.random() < 0.3 else None
        signing = app_with(former, (), salt, digest, derivation, *json_settings) if former else app
        try:
            cookie = saved(signing, lambda: session.update(content))
            # A dictionary with numbers as keys is sorted by numbers, and by texts the next time.
            cookie = saved(signing, lambda: setattr(session, "modified", True), cookie)
            touched = saved(app, lambda: session.update(touched=1), cookie)
        except UnicodeEncodeError:
            # Unpaired surrogates cannot be written as they are.
            continue
        if len(touched) > LONGEST:
            continue
        seen, odd = {}, []
        for name, value in loaded(app, cookie).items():
            try:
                seen[text(name)] = describe(value)
            except Odd:
                odd.append(name)
        return {
            "key": key,
            "fallbacks": fallbacks,
            "salt": salt,
            "digest": digest,
            "derivation": derivation,
            "sort_keys": json_settings[0],
            "ensure_ascii": json_settings[1],
            "former": former is not None,
            "cookie": cookie,
            "touched": touched,
            "content": seen,
            "odd": [name for name in odd if name.isprintable()],
            "representable": not odd,
        }


def write(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        print(json.dumps(make(rng)))


def read():
    differences = 0
    for number in itertools.count():
        line = sys.stdin.readline()
        if not line:
            break
        case = json.loads(line)
        app = app_with(*settings_of(case))
        content = loaded(app, case["cookie"])
        seen = {name: describe(value) for name, value in content.items()}
        if seen != case["content"]:
            differences += 1
            print(f"{number}: content: {json.dumps(seen)} instead of {json.dumps(case['content'])}")
        again = saved(app, lambda: session.update(content))
        if again != case["cookie"]:
            differences += 1
            print(f"{number}: bytes: {again} instead of {case['cookie']}")
    print(f"{number} sessions, {differences} differences")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(int(sys.argv[2]), int(sys.argv[3]))
    else:
        read()
