"""A Flask application with Flask-Login and Flask-WTF, some of whose pages `examples/flask/flask_login.rs` has taken over.

    FLASK_SECRET_KEY=dev PORT=5000 python login_app.py
"""

import os

from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, confirm_login, current_user, login_fresh, login_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect, generate_csrf
from wtforms import StringField

app = Flask(__name__)
app.config.from_prefixed_env()
CSRFProtect(app)
login_manager = LoginManager(app)


class User(UserMixin):
    def __init__(self, user_id):
        self.id = user_id


class NameForm(FlaskForm):
    name = StringField("name")


@login_manager.user_loader
def load_user(user_id):
    return User(user_id)


@app.get("/token")
def token():
    return generate_csrf()


@app.get("/form")
def form():
    return str(NameForm().hidden_tag())


@app.post("/login")
def login():
    login_user(User(request.form["name"]), remember="remember" in request.form)
    if "permanent" in request.form:
        session.permanent = True
    return "ok"


@app.post("/confirm")
def confirm():
    if not current_user.is_authenticated:
        return "", 401
    confirm_login()
    return "ok"


@app.post("/logout")
def logout():
    logout_user()
    return "ok"


@app.get("/me")
def me():
    return current_user.id if current_user.is_authenticated else "nobody"


@app.get("/fresh")
def fresh():
    assert current_user.is_authenticated is not None  # the protection counts once the user was asked for
    return "true" if login_fresh() else "false"


@app.post("/rename")
def rename():
    form = NameForm()
    return f"{current_user.id} is {form.name.data}" if form.validate_on_submit() else ("refused", 400)


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
