"""What Flask's own sessions do today, for the comparison table.

Asserts the behaviour of Flask 3.1 and prints one line per fact; an assertion that fails means the table is out of date.

    python -m venv venv && venv/bin/pip install 'flask==3.1.*' && venv/bin/python flask_facts.py
"""

import warnings
from importlib.metadata import version

from flask import Flask, Response, session
from werkzeug.http import parse_cookie


def app_with(**config):
    """Returns a small site with one page for each thing a session can go through."""
    app = Flask("facts")
    app.config.update(SECRET_KEY=bytes(range(64)), **config)

    @app.get("/login")
    def login():
        session["user"] = "alice"
        return "welcome"

    @app.get("/logout")
    def logout():
        session.clear()
        return "goodbye"

    @app.get("/whoami")
    def whoami():
        return session.get("user", "nobody")

    @app.get("/untouched")
    def untouched():
        return "no session in sight"

    @app.get("/fill/<int:length>")
    def fill(length):
        # Digits that do not repeat early, so that the payload is not compressed away.
        session["k"] = "".join(str(n) for n in range(length))[:length]
        return "filled"

    @app.get("/permanent")
    def permanent():
        session.permanent = True
        return "for long"

    @app.get("/cached")
    def cached():
        session["user"] = "alice"
        return Response("for all", headers={"Cache-Control": "public, max-age=3600"})

    return app


def get(app, path, cookies=None):
    """Sends one request with the `Cookie` line as it is, a `str` of one character per byte, and returns the response."""
    environ = {} if cookies is None else {"HTTP_COOKIE": cookies}
    return app.test_client(use_cookies=False).get(path, environ_overrides=environ)


def set_cookies(response):
    return response.headers.getlist("Set-Cookie")


def attributes(line):
    return {part.strip() for part in line.split(";")[1:]}


def login_pair(app):
    [line] = set_cookies(get(app, "/login"))
    return line.split(";")[0]


def report(point, fact):
    print(f"fact | Flask {version('flask')} | {point} | {fact}")


def names_are_not_decoded():
    app = app_with(SESSION_COOKIE_NAME="__Host-id")
    value = login_pair(app).split("=", 1)[1]
    assert get(app, "/whoami", f"__Host-id={value}").text == "alice"
    assert get(app, "/whoami", f"__%48ost-id={value}").text == "nobody"
    assert get(app, "/whoami", f"=__Host-id={value}").text == "nobody"
    for space in ["\u0085", "\u00a0", "\u2003", "\u3000"]:
        line = f"{space}__Host-id={value}".encode().decode("latin1")
        assert get(app, "/whoami", line).text == "nobody", space
    for byte in ["\x85", "\xa0"]:
        assert get(app, "/whoami", f"{byte}__Host-id={value}").text == "nobody", byte
    report("1 cookie name", "`__%48ost-id`, `=__Host-id=…` and Unicode space before `__Host-id` are refused")


def first_cookie_of_a_name_counts():
    app = app_with()
    valid = login_pair(app)
    assert parse_cookie("session=junk; session=valid")["session"] == "junk"
    assert get(app, "/whoami", f"session=junk; {valid}").text == "nobody"
    assert get(app, "/whoami", f"{valid}; session=junk").text == "alice"
    report("6 junk cookie", "junk first, valid second: logged out; valid first, junk second: logged in")


def neighbour_that_is_not_utf_8():
    app = app_with()
    response = get(app, "/whoami", f"theme=\xff; {login_pair(app)}")
    assert (response.status_code, response.text) == (200, "alice")
    report("7 non-UTF-8 neighbour", "logged in")


def vary():
    app = app_with()
    cookie = login_pair(app)
    for path in ["/login", "/whoami", "/logout"]:
        assert get(app, path, cookie).headers.getlist("Vary") == ["Cookie"], path
    assert get(app, "/untouched", cookie).headers.getlist("Vary") == []

    [line] = set_cookies(get(app, "/permanent"))
    refreshed = get(app, "/untouched", line.split(";")[0])
    assert len(set_cookies(refreshed)) == 1
    assert refreshed.headers.getlist("Vary") == ["Cookie"]
    report("8 `Vary: Cookie`", "present when read, written, removed or refreshed; absent when untouched")


def cache_control():
    app = app_with()
    assert "Cache-Control" not in get(app, "/login").headers

    response = get(app, "/cached")
    assert len(set_cookies(response)) == 1
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    report("9 `Cache-Control`", "absent beside `Set-Cookie`; a view's `public, max-age=3600` is left beside it")


def contradictions():
    [line] = set_cookies(get(app_with(SESSION_COOKIE_SAMESITE="None"), "/login"))
    assert "SameSite=None" in attributes(line) and "Secure" not in attributes(line), line
    report("10 contradictions", "`SameSite=None` without `Secure`: sent")

    app = app_with(SESSION_COOKIE_NAME="__Host-id", SESSION_COOKIE_DOMAIN="example.com", SESSION_COOKIE_PATH="/app")
    [line] = set_cookies(get(app, "/login"))
    assert line.startswith("__Host-id=")
    assert {"Domain=example.com", "Path=/app"} <= attributes(line) and "Secure" not in attributes(line), line
    report("10 contradictions", "`__Host-` with `Domain`, `Path=/app` and without `Secure`: sent")

    app = app_with(SESSION_COOKIE_DOMAIN="example.com; Max-Age=34560000")
    [line] = set_cookies(get(app, "/login"))
    assert "Max-Age=34560000" in attributes(line), line
    report("10 contradictions", "a `;` in the domain is sent as it is and adds an attribute")

    app = app_with(SESSION_COOKIE_SAMESITE="Sometimes")
    app.logger.disabled = True
    assert get(app, "/login").status_code == 500
    report("10 contradictions", "an unknown `SameSite` fails when the first cookie is set (500), not at start-up")


def large_cookie():
    app = app_with()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        response = get(app, "/fill/20000")
    [line] = set_cookies(response)
    size = len(line.split(";")[0]) - len("=")
    assert response.status_code == 200 and size > 4096
    assert [warning.category for warning in caught] == [UserWarning]
    report("11 large cookie", f"sent with 200 and a Python warning ({size} bytes in this test)")


def equal_value():
    app = app_with()
    assert len(set_cookies(get(app, "/login", login_pair(app)))) == 1
    report("14 equal value", "writing the value which is already there sets the cookie again")


def weak_keys():
    for weak in ["x", b"\0" * 64, "changeme"]:
        app = app_with()
        app.secret_key = weak
        assert get(app, "/whoami", login_pair(app)).text == "alice"
    keyless = app_with()
    keyless.secret_key = ""
    keyless.logger.disabled = True
    assert get(keyless, "/login").status_code == 500
    report("15 weak keys", "`x`, 64 zeros and `changeme` are accepted; only an empty key is refused")


if __name__ == "__main__":
    names_are_not_decoded()
    first_cookie_of_a_name_counts()
    neighbour_that_is_not_utf_8()
    vary()
    cache_control()
    contradictions()
    large_cookie()
    equal_value()
    weak_keys()
