# SPDX-License-Identifier: GPL-3.0-or-later
"""Two admins at once: what somebody else changed between display and save is a conflict that shows both values, on every generation, and
is not overwritten; an entry stored in that time is not stored over."""

import json
import re

import pytest

from console_world import console, run
from fake.client import Practice

RATE_KEY = {"0.15": "server.auto-ban.auth.rate", "0.10": "server.fail2ban.authentication", "0.8": "authentication.fail2ban",
            "0.6": "server.security.fail2ban", "rest": "auth.banned-threshold"}
PERSONAS = [*RATE_KEY, "0.16"]


def jmap(p, method, **arguments):
    call = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": [[method, arguments, "0"]]}
    _, answer = p.json("POST", "/jmap", call)
    return answer["methodResponses"][0][1]


def set_auth_rate(p, count, period_s):
    """The other administrator."""
    if p.persona == "0.16":
        jmap(p, "x:Security/set", update={"singleton": {"authBanRate": {"count": count, "period": period_s * 1000}}})
    else:
        p.edit(set={RATE_KEY[p.persona]: str(count) if p.persona == "rest" else "%d/%dh" % (count, period_s // 3600)})


def auth_rate(p):
    if p.persona == "0.16":
        rate = jmap(p, "x:Security/get", ids=["singleton"])["list"][0]["authBanRate"]
        return [rate["count"], rate["period"] // 1000]
    stored = p.state()["stored"]["settings"].get(RATE_KEY[p.persona])
    if stored is None:
        return None
    found = re.match(r"(\d+)(?:/(\d+)h)?$", stored)
    return [int(found.group(1)), 3600 * int(found.group(2) or 1)]


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_threshold_changed_meanwhile(persona, tmp_path):
    with Practice(persona) as p:
        set_auth_rate(p, 50, 3600)
        with console(p, tmp_path) as t:
            t.wait_text("live")
            t.send("2")
            t.wait_text("50/1h")
            t.send("e")
            t.wait_text("auth: ")
            t.send("\x15" + "70/1h\r")
            t.wait_text("Set auth?")
            set_auth_rate(p, 90, 3600)
            t.send("y")
            t.wait_text("changed by somebody else")
            t.wait_text("auth    90/1h")  # the panel shows what the other one stored
            screen = t.text
            assert "on the server 90/1h you saw 50/1h you wanted 70/1h" in " ".join(screen.split()), screen
            assert auth_rate(p) == [90, 3600]
            t.send("e")
            t.wait_text("auth: 90/1h")


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.16"])  # the others can't switch off, and say so before they ask
def test_a_threshold_changed_between_question_and_answer_of_a_verb(persona, tmp_path):
    with Practice(persona) as p:
        set_auth_rate(p, 50, 3600)
        with run(p, tmp_path, "thresholds", "off", "auth") as t:
            t.wait_text("Switch auth off?")
            set_auth_rate(p, 90, 3600)
            t.send("y\r")
            assert t.exit_status() == 7, t.text
            assert '"90/1h", expected "50/1h"' in " ".join(t.text.split()), t.text
            assert auth_rate(p) == [90, 3600]


BLOCKED = {"0.6": "server.security.blocked-networks."}


def value_of(p, address):
    """What is stored with a blocked address, by the server's own API."""
    key = BLOCKED.get(p.persona, "server.blocked-ip.")
    if p.persona == "0.6":
        return dict(p.json("GET", "/admin/config/" + key)[1]["data"])[key + address]
    return p.json("GET", "/api/settings/list?prefix=" + key)[1]["data"]["items"][address]


def end_of(p, address):
    if p.persona == "0.16":
        return jmap(p, "x:BlockedIp/get", ids=None)["list"][0]["expiresAt"]
    return json.loads(value_of(p, address)).get("until")


def set_end(p, address, end):
    if p.persona == "0.16":
        row = jmap(p, "x:BlockedIp/get", ids=None)["list"][0]
        jmap(p, "x:BlockedIp/set", update={row["id"]: {"expiresAt": end}})
    else:
        p.edit(set={BLOCKED.get(p.persona, "server.blocked-ip.") + address: json.dumps({"by": "ops", "until": end, "class": "manual"})})


@pytest.mark.parametrize("persona", ["0.15", "0.10", "0.8", "0.6", "0.16"])
def test_an_end_changed_meanwhile(persona, tmp_path):
    with Practice(persona) as p:
        p.edit(block=["203.0.113.77"])
        set_end(p, "203.0.113.77", "2031-05-01T00:00:00Z")
        with console(p, tmp_path) as t:
            t.wait_text("live")
            t.send("3")
            t.wait_text("203.0.113.77")
            t.send("e")
            t.wait_text("Ends:")
            t.send("2030-01-01\r")
            t.wait_text("Change when 203.0.113.77 ends?")
            set_end(p, "203.0.113.77", "2032-07-01T00:00:00Z")
            t.send("y")
            t.wait_text("changed by somebody else")
            screen = " ".join(t.text.split())
            assert "on the server listed until 2032-07-01T00:00:00Z" in screen and "you saw listed until 2031-05-01T00:00:00Z" in screen, t.text
            assert "you wanted listed until 2030-01-01T00:00:00Z" in screen, t.text
            assert end_of(p, "203.0.113.77") == "2032-07-01T00:00:00Z"


# Where the generation has asserts a write that comes second is refused by the server itself.
@pytest.mark.parametrize("persona, write", [("0.15", "/api/settings"), ("0.10", "/api/settings"), ("0.8", "/api/settings"), ("0.16", "/jmap")])
def test_an_entry_stored_between_reading_and_writing(persona, write, tmp_path):
    with Practice(persona) as p:
        body = "203.0.113.77.*create|create.*203.0.113.77" if persona == "0.16" else "203.0.113.77"
        p.fault("stall", method="POST", path=write, body=body, times=1)
        with run(p, tmp_path, "block", "203.0.113.77", "--reason", "mine") as t:
            t.wait(lambda: any(re.search(body, r.get("body") or "") for r in p.requests()), "the write is on its way")
            if persona == "0.16":
                jmap(p, "x:BlockedIp/set", create={"x": {"address": "203.0.113.77", "expiresAt": "2031-05-01T00:00:00Z"}})
            else:
                p.edit(set={"server.blocked-ip.203.0.113.77": "theirs"})
            p.release()
            t.exit_status()
            assert "somebody else" in " ".join(t.text.split()), t.text
            if persona == "0.16":
                assert end_of(p, "203.0.113.77") == "2031-05-01T00:00:00Z"
            else:
                assert value_of(p, "203.0.113.77") == "theirs"


def allow(p, address):
    if p.persona == "0.16":
        assert "created" in jmap(p, "x:AllowedIp/set", create={"n": {"address": address}})
    else:
        p.edit(allow=[address])


def trust(p, network):
    if p.persona == "0.16":
        assert "updated" in jmap(p, "x:SystemSettings/set", update={"singleton": {"proxyTrustedNetworks": {network: True}}})
    else:
        p.edit(set={"server.proxy.trusted-networks.0000": network})


@pytest.mark.parametrize("persona, other, words", [
    ("0.15", allow, "an allowed entry"), ("0.10", allow, "an allowed entry"), ("0.8", allow, "an allowed entry"), ("0.16", allow, "an allowed entry"),
    ("rest", allow, "an allowed entry"), ("0.15", trust, "a proxy the server trusts"), ("0.6", trust, "a proxy the server trusts"),
    ("0.16", trust, "a proxy the server trusts")])
def test_an_address_allowed_or_trusted_while_it_is_asked_whether_to_block_it(persona, other, words, tmp_path):
    """The guards see what the server says now, not what it said when the question was asked."""
    with Practice(persona) as p, console(p, tmp_path) as t:
        t.wait_text("live")
        t.send(":block 203.0.113.9\r")
        t.wait_text("y yes")
        other(p, "203.0.113.9")
        t.send("y")
        t.wait_text("Type override")
        t.wait_text(words)
        assert p.state()["stored"]["blocked"] == []
        t.send("\x1b")
        t.wait_text("nothing was sent")
        t.send(":block 203.0.113.10\r")  # and does not stand in the way of others
        t.wait_text("y yes")
        t.send("y")
        t.wait_text("in force")
        assert p.state()["stored"]["blocked"] == ["203.0.113.10"]


def test_what_was_overridden_is_sent_and_named_although_it_is_looked_at_again(tmp_path):
    with Practice("0.15") as p, console(p, tmp_path) as t:
        t.wait_text("live")
        t.send(":block 10.1.2.3\r")
        t.wait_text("Type override")
        p.edit(allow=["10.1.2.3"])
        t.send("override\r")
        t.wait_text("an allowed entry")  # that was not known when it was overridden
        assert p.state()["stored"]["blocked"] == []
        t.send("override\r")
        t.wait_text("in force")
        assert p.state()["stored"]["blocked"] == ["10.1.2.3"]
        t.send("9")
        t.wait_text("Journal")
        t.wait_text("10.1.2.3")
        t.send("\r")
        t.wait_text("Overridden")
        assert "Overridden   allowed, private" in t.text, t.text
