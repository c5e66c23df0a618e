# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on thresholds, scan paths, counters and certificates."""

import os

from cli_world import DONE, NOTHING, REFUSED, STORED, USAGE
from program import ROOT
from table import ADDRESS, OTHER, operation

CERTS = os.path.join(ROOT, "tests", "data", "certs")


def shown(t, cls="auth"):
    return {row["class"]: row for row in t.rows("thresholds")}[cls]


def set_rate(t, *args):
    """A new rate is live at once, after a reload, or only after a restart: then it is stored, and that is what is said."""
    if t.gen.can("rate_live"):
        return t.change("thresholds", *args)
    result = t.change("thresholds", *args, rc=STORED, verdict="stored")
    assert "restart" in result.one()["detail"]
    if not t.is_real:
        t.p.restart()
    return result


@operation()
def thresholds_as_they_are(t):
    rows = {row["class"]: row for row in t.rows("thresholds") if row["rate"] or row["enabled"]}
    live = t.state()["live"]["thresholds"]
    for cls, row in rows.items():
        assert [row["count"], row["period_s"]] == live[cls], (row, live)
    for cls in ("abuse", "loiter", "scan"):
        if t.gen.can(cls):
            assert cls in rows
    assert shown(t)["source"] == "default"


@operation(safe=True)
def threshold_set(t):
    set_rate(t, "set", "auth", "%d/1h" % t.count(7))
    assert t.rate() == [t.count(7), 3600] and shown(t)["source"] == "stored"
    assert t.is_real or t.ban(ADDRESS) == "banned"


@operation()
def threshold_set_again(t):
    set_rate(t, "set", "auth", "7/1h")
    set_rate(t, "set", "auth", "9/1h")
    assert t.rate() == [9, 3600]
    before = t.state()["stored"]
    result = t.run("thresholds", "set", "auth", "9/1h", "-o", "json")
    assert result.rc == (NOTHING if t.gen.can("rate_live") else STORED), result
    assert t.state()["stored"] == before


@operation(needs="raw_rate")
def threshold_in_other_words(t):
    """Another spelling of a rate, and what is none at all: shown as it is, changed and put back like any other."""
    for text in ("100/24h", " 50 / 1d ", "a hundred"):
        t.store_rate(text)
        assert shown(t)["source"] == "stored"
        set_rate(t, "set", "auth", "7/1h")
        assert t.rate() == [7, 3600]
        t.store_rate(text)
        set_rate(t, "default", "auth")
        assert tuple(t.rate()) == t.gen.default and shown(t)["source"] == "default"


@operation()
def threshold_back_to_the_default(t):
    before = t.state()["stored"]
    set_rate(t, "set", "auth", "7/1h")
    set_rate(t, "default", "auth")
    assert tuple(t.rate()) == t.gen.default and shown(t)["source"] == "default"
    assert t.state()["stored"] == before


@operation(needs="threshold_off", asks="thresholds off auth --yes")
def threshold_off(t):
    t.change("thresholds", "off", "auth", "--yes")
    assert t.rate() is None and not shown(t)["enabled"]
    assert t.p.event("auth_fail", ADDRESS, account="a@example.org", count=200) == "ok"
    t.change("thresholds", "default", "auth")
    assert tuple(t.rate()) == t.gen.default


@operation(needs="abuse", asks="thresholds set abuse 5/1h", safe=True)
def threshold_abuse(t):
    set_rate(t, "set", "abuse", "%d/1h" % t.count(5))
    assert t.rate("abuse") == [t.count(5), 3600] and shown(t, "abuse")["source"] == "stored"
    assert t.is_real or t.ban(ADDRESS, "abuse") == "banned"


@operation(needs="loiter", asks="thresholds set loiter 5/1h", safe=True)
def threshold_loiter(t):
    t.change("thresholds", "set", "loiter", "%d/1h" % t.count(5))
    assert t.rate("loiter") == [t.count(5), 3600]
    assert t.is_real or t.ban(ADDRESS, "loiter") == "banned"


@operation(needs="scan", asks="thresholds set scan 5/1h")
def threshold_scan(t):
    t.change("thresholds", "set", "scan", "5/1h")
    assert t.rate("scan") == [5, 3600]
    t.change("thresholds", "default", "scan")
    assert shown(t, "scan")["source"] == "default"


@operation()
def threshold_that_would_hurt(t):
    """What kills a server, or means nothing, isn't sent."""
    before = t.facts()
    t.p.requests()
    for rate in ("none", "unlimited", "0/1d", "-5/1h", "100/0s", "100/1w"):
        assert t.run("thresholds", "set", "auth", rate).rc == USAGE
    assert t.facts() == before
    assert not [r for r in t.p.requests() if "fail2ban" in r["body"] or "banned-threshold" in r["body"] or "BanRate\":{" in r["body"]]


@operation(needs="ban_period", asks="thresholds set auth 7/1h --ban-for 2h")
def threshold_with_an_end(t):
    t.change("thresholds", "set", "auth", "7/1h", "--ban-for", "2h")
    assert shown(t)["ban_period_s"] == 7200
    assert t.ban(ADDRESS) == "banned"
    assert t.state()["live"]["expires"][ADDRESS] - t.state()["now"] <= 7200
    t.p.advance(7201)
    assert t.p.event("auth_ok", ADDRESS) == "ok"


@operation(needs="scan_paths", asks="thresholds paths")
def scan_paths_as_they_are(t):
    rows = t.rows("thresholds", "paths")
    assert sorted(row["path"] for row in rows) == sorted(t.state()["live"]["scan_paths"])
    assert len(rows) == 12


@operation(needs="scan_paths", asks="thresholds paths add */vault*", safe=True)
def scan_path_added(t):
    """The built-in ones stay in force beside it."""
    before = t.state()["live"]["scan_paths"]
    t.change("thresholds", "paths", "add", "*/vault*")
    assert sorted(t.state()["live"]["scan_paths"]) == sorted(before + ["*/vault*"])
    if t.is_real:
        return
    assert t.p.event("scan", ADDRESS, listener="https", path="/vault/door") == "banned"
    assert t.p.event("scan", OTHER, listener="https", path="/wp-login.php") == "banned"


@operation(needs="scan_paths", asks="thresholds paths remove *.php*")
def scan_path_removed(t):
    before = t.state()["live"]["scan_paths"]
    t.change("thresholds", "paths", "remove", "*.php*")
    assert sorted(t.state()["live"]["scan_paths"] + ["*.php*"]) == sorted(before)
    assert t.p.event("scan", ADDRESS, listener="https", path="/index.php") == "ok"


@operation(needs="scan_paths", asks="thresholds paths add */vault*")
def scan_path_twice(t):
    t.change("thresholds", "paths", "add", "*/vault*")
    assert "already listed" in t.change("thresholds", "paths", "add", "*/vault*", rc=NOTHING).one()["detail"]


@operation(needs="reset_counters", asks="reset-counters all")
def counters_reset(t):
    """Everybody's; before it one failure more would have banned."""
    count, _ = t.rate()
    assert t.p.event("auth_fail", ADDRESS, account="a@example.org", count=count) == "ok"
    t.change("reset-counters", "all")
    assert t.state()["counters"] == [] or all(c["key"] not in (ADDRESS, "login:a@example.org") for c in t.state()["counters"])
    assert t.p.event("auth_fail", ADDRESS, account="a@example.org") == "ok"


@operation()
def counters_outlive_an_unblock(t):
    """Where they can be reset that is offered, and done when asked for; where not, it is said that the next failure bans again."""
    assert t.ban(ADDRESS) == "banned"
    result = t.change("unblock", ADDRESS, "--reset-counters")
    again = t.p.event("auth_fail", ADDRESS, account="b@example.org")
    if t.gen.can("reset_counters"):
        assert again == "ok" and "bans again" not in result.out
    else:
        assert again == "banned" and "bans again" in result.err and "are reset too" not in result.err


@operation(needs="read_certs", asks="certs")
def certificates_without_keys(t):
    """As stored, and no key material in what is printed nor in what is asked for (the settings API gives keys with a plain list)."""
    with open(os.path.join(CERTS, "leaf.pem"), encoding="utf-8") as f:
        pem = f.read()
    secret = "-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----\n"
    if t.gen.dialect == "jmap":
        t.reset(certificates=[pem])
    else:
        t.reset(file={}, settings={**t.gen.options.get("settings", {}), "certificate.one.cert": pem, "certificate.one.private-key": secret})
    rows = [r for r in t.rows("certs") if r["source"] == "stored"]
    assert len(rows) == 1 and rows[0]["not_after"] and rows[0]["issuer"], rows
    for args in (["certs"], ["certs", "-o", "json"], ["certs", "-v"]):
        result = t.run(*args)
        assert "MIIcanary" not in result.out + result.err and "PRIVATE KEY" not in result.out + result.err


@operation(needs="upload_cert", asks="certs upload cert.pem key.pem")
def certificate_uploaded(t):
    """Stored, without a trace of its key in what is printed or kept here; a lone certificate is refused unless forced."""
    pem, key = (os.path.join(CERTS, "leaf." + end) for end in ("pem", "key"))
    before = t.facts()
    assert t.run("certs", "upload", pem, key).rc == REFUSED
    assert t.facts() == before
    result = t.run("certs", "upload", pem, key, "--force", "--yes", "-o", "json")
    row = result.one()
    assert row["op"] == "cert_upload" and row["verdict"] in ("in_force", "stored"), result
    assert t.facts() != before
    with open(key, encoding="utf-8") as f:
        body = f.read().split("\n")[1]
    assert body not in result.out + result.err and body.encode() not in t.world.files()


@operation(needs="reload_certs", asks="certs reload")
def certificates_reloaded(t):
    before = t.state()["live"]["certs"]
    result = t.run("certs", "reload", "-o", "json")
    assert result.rc == DONE and result.one()["verdict"] == "in_force", result
    assert t.state()["live"]["certs"] > before


@operation(needs="renew_cert", asks="certs renew example.org")
def certificate_renewed(t):
    t.reset(domains=["example.org"])
    t.p.edit(acme="success")
    result = t.run("certs", "renew", "example.org", "-o", "json")
    assert result.one()["op"] == "cert_renew" and result.one()["verdict"] in ("in_force", "stored"), result
    assert "AcmeRenewal" in "".join(r["body"] for r in t.p.requests())


@operation(needs="check_config", asks="check config")
def configuration_checked(t):
    assert t.run("check", "config").rc == 0
    t.p.edit(block=["10.0.0.300"])
    result = t.run("check", "config")
    assert result.rc == 2 and "10.0.0.300" in result.out, result
