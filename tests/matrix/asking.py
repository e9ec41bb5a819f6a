"""Asks one cell of the matrix, for real, and says what came of it in one sign."""

import json
import re
from contextlib import contextmanager
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.messages import ERROR, get_messages
from django.db import connection, transaction
from django.urls import reverse

from tests.doors import OPENED, Doors, knock
from tests.matrix.bodies import BODIES, HEADERS, QUERIES, sealed

# What a refusal may leave behind: the session, the record of it, the register line of a call that was turned away.
LEFT_BY_A_REFUSAL = {
    "django_session",
    "audit_entry",
    "mous_ledgerentry",
    "linked_services_refusalcount",
    "axes_accessattempt",
    "axes_accessfailurelog",
}
# And what reading may: who saw what.
LEFT_BY_READING = LEFT_BY_A_REFUSAL | {"viewing_viewlog", "viewing_providedcopy"}
WRITE = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"|^insert into (audit_entry) ')
SIGN_OF = {200: "+", 201: "+", 202: "+", 204: "+", 400: "b", 401: "k", 404: "0", 405: "n", 409: "b", 416: "b", 422: "b"}
SIGN_OF_SOCKET = {OPENED: "+", 4401: "k", 4403: "0"}
FIRST_PAGES = ("/", "/admin/", "/agency/", "/console/", "/members/", "/checks/")
STEPS_FIRST = {"pledge": "p", "mfa_index": "f", "unlock": "u"}


class Answer:
    """A response, what it wrote, and its sign."""

    def __init__(self, row, response, written: set[str]):
        self.row, self.response, self.written = row, response, written
        self.body = b"" if response.streaming else response.content
        self.sign = self.read()

    @property
    def done(self) -> set[str]:
        """The tables that were written to, but for what any refusal may leave behind."""
        return self.written - LEFT_BY_A_REFUSAL

    def read(self) -> str:
        status = self.response.status_code
        if status in (301, 302, 303):
            return self.sign_of_redirect(self.response["Location"])
        if status == 403:
            return self.sign_of_refusal()
        sign = SIGN_OF.get(status, str(status))
        return "!" if sign == "+" and self.complains else sign

    def sign_of_redirect(self, location: str) -> str:
        path = urlsplit(location).path
        if path in (reverse("sign_in"), "/admin/login/"):
            return "+" if "agencies_signin" in self.written else "i"
        for name, sign in STEPS_FIRST.items():
            if path == reverse(name) and "next=" in location:
                return sign
        if path == reverse("account_reauthenticate"):
            return "a"
        if path in FIRST_PAGES and self.row.path not in ("/", "/language/") and not self.written:
            return "h"
        return "!" if self.complains else "+"

    def sign_of_refusal(self) -> str:
        if b'name="proof-given"' in self.body:
            return "a"
        try:
            code = json.loads(self.body).get("code")
        except ValueError:
            return "-"
        return {"key_scope": "s", **STEPS_FIRST}.get(code, "-")

    @property
    def complains(self) -> bool:
        """Does the page say that it was not allowed? A button of the administration that is not there says nothing."""
        levels = {message.level for message in get_messages(self.response.wsgi_request)}
        return ERROR in levels or (self.row.method == "ACTION" and not self.done)


class Asker(Doors):
    def ask(self, city, role: str, row, names=None) -> Answer:
        """Ask `row` as `role`, about the things of `names`, and undo what it did."""
        with transaction.atomic(), writes() as written:
            answer = Answer(row, self.send(city, role, row, names or city.names(role)), written)
            transaction.set_rollback(True)
        return answer

    def send(self, city, role: str, row, names):
        self.cookies = SimpleCookie()
        if role in city.cookies:
            self.cookies[settings.SESSION_COOKIE_NAME] = city.cookies[role]
        headers = {"accept-language": "en", **HEADERS.get(row.key, {})}
        if role in city.tokens:
            headers["authorization"] = f"Bearer {city.tokens[role]}"
        path = row.path.format(**vars(names), app="mous")
        query = {**QUERIES.get(row.key, lambda city, names: {})(city, names), **sealed(city, role, row, names)}
        data = BODIES.get(row.key, lambda city, names: {})(city, names)
        if row.method == "ACTION":
            data = {"post": "yes", "action": row.step, "_selected_action": [getattr(names, row.line)], **data}
        if path.endswith("/delete/"):
            data = {"post": "yes"}
        as_json = path.startswith("/api/") or (path.startswith("/verify/check"))
        how = {"content_type": "application/json"} if as_json else {}
        if row.method in ("ACTION", "POST"):
            return self.post(path, data, headers=headers, query_params=query, **how)
        return getattr(self, row.method.lower())(path, query_params=query, headers=headers)


def knocked(city, role: str, path: str) -> str:
    """The sign of what a socket says first. What it wrote is undone."""
    with transaction.atomic():
        code = knock(path, session=city.cookies.get(role, ""), token=city.tokens.get(role, ""))
        transaction.set_rollback(True)
    return SIGN_OF_SOCKET.get(code, str(code))


@contextmanager
def writes():
    """The tables that are written to meanwhile."""
    written = set()

    def notice(execute, sql, params, many, context):
        if found := WRITE.match(sql):
            written.add(found[1] or found[2])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(notice):
        yield written
