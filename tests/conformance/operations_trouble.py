# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations that don't go well: refused, half done, not permitted, lost on the way. No verdict says more than what is so."""

from cli_world import CREDENTIALS, DONE, MISMATCH, REFUSED, SERVER, STORED
from table import ADDRESS, NETWORK, OTHER, operation
from trial import RELOAD, WRITE


@operation()
def dry_run(t):
    before = t.facts()
    t.p.requests()
    result = t.run("block", ADDRESS, NETWORK, "--dry-run")
    assert result.rc == DONE and ADDRESS in result.out + result.err, result
    assert t.facts() == before
    writes = WRITE[t.gen.dialect]
    assert not [r for r in t.p.requests() if r["method"] in ("PATCH", "DELETE") or '"create"' in r["body"]
                or ("blocked-ip" in r["body"] and writes.get("method") == "POST")]


@operation()
def read_only(t):
    before = t.facts()
    t.p.requests()
    for args in (["block", ADDRESS], ["unblock", ADDRESS], ["thresholds", "set", "auth", "7/1h"]):
        assert t.run(*args, "--read-only").rc in (REFUSED, CREDENTIALS), args
    assert t.facts() == before
    # a POST to /jmap asks which server it is
    assert all(r["method"] == "GET" or r["path"] == "/jmap" and "/set" not in r["body"] for r in t.p.requests())


@operation()
def guarded(t):
    """Loopback, everything: refused unless forced, and nothing is sent that writes."""
    before = t.facts()
    for target in ("127.0.0.1", "::1", "0.0.0.0/0", "10.0.0.0/7"):
        assert t.run("block", target).rc == REFUSED, target
    assert t.facts() == before


@operation()
def write_refused(t):
    t.p.fault("status", status=403, times=-1, **WRITE[t.gen.dialect])
    t.change("block", ADDRESS, rc=CREDENTIALS, verdict="not_stored")
    assert t.stored() == []


@operation()
def write_answered_with_an_error(t):
    t.p.fault("status", status=502, times=-1, **{"as": "html", **WRITE[t.gen.dialect]})
    t.change("block", ADDRESS, rc=SERVER, verdict="not_stored")
    assert t.stored() == []


@operation()
def write_taken_and_not_applied(t):
    """A server that says yes and stores nothing: the read back tells."""
    t.p.fault("not_applied", times=-1, **WRITE[t.gen.dialect])
    t.change("block", ADDRESS, rc=MISMATCH, verdict="mismatch")
    assert t.stored() == []


@operation()
def answer_to_the_write_lost(t):
    """Written, and the connection is gone before the answer: it is looked at again, and what is found is proven."""
    t.p.fault("close_after", times=1, **WRITE[t.gen.dialect])
    t.change("block", ADDRESS)
    assert t.stored() == t.live() == [ADDRESS]


@operation()
def write_lost(t):
    """Cut off before the server read it: what is found is that nothing was stored."""
    t.p.fault("close", times=-1, **WRITE[t.gen.dialect])
    t.change("block", ADDRESS, rc=SERVER, verdict="")
    assert t.stored() == t.live() == []


@operation()
def reload_refused(t):
    """What stands there takes no effect; where there is no reload there is nothing to refuse."""
    if not t.gen.can("reload"):
        assert [s["step"] for s in t.change("block", ADDRESS).one()["steps"]] == ["write", "read_back"]
        return
    t.p.fault("status", status=500, times=-1, detail="the disk is full", **RELOAD[t.gen.dialect])
    row = t.change("block", ADDRESS, rc=STORED, verdict="stored").one()
    assert [s["ok"] for s in row["steps"]] == [True, True, False]
    assert t.stored() == [ADDRESS] and t.live() == []


@operation(needs="reload")
def reload_lost(t):
    t.p.fault("close", times=-1, **RELOAD[t.gen.dialect])
    t.change("block", ADDRESS, rc=SERVER, verdict="unknown")
    assert t.stored() == [ADDRESS] and t.live() == []


@operation(needs="check_config")
def reload_refuses_a_rate(t):
    """An error in another section: named, and the old rate holds on."""
    t.p.edit(set={"spam-filter.pyzor.host": "nowhere.invalid:24441"})
    row = t.change("thresholds", "set", "auth", "7/1h", rc=STORED, verdict="stored").one()
    assert "spam-filter.pyzor.host" in row["detail"] and tuple(t.rate()) == t.gen.default


@operation(needs="file")
def file_that_cant_be_written(t):
    """Reads back, goes live, and is gone after the next restart (seen on 0.15.5): not in force."""
    t.p.control("readonly-file", True)
    result = t.run("thresholds", "set", "auth", "7/1h", "-o", "json")
    assert result.one()["verdict"] in ("stored", "not_stored") and result.rc in (STORED, SERVER), result
    assert t.change("block", ADDRESS).rc == DONE                # a blocked address isn't kept in the file
    t.p.restart()
    assert tuple(t.rate()) == t.gen.default and t.live() == [ADDRESS]


@operation()
def credentials_that_may_only_read(t):
    if not t.gen.can("rights"):
        t.login("read")
        assert t.run("blocked").rc == CREDENTIALS
        return
    t.login("read")
    t.p.edit(block=[OTHER])
    assert [row["address"] for row in t.rows("blocked")] == [OTHER]
    before = t.facts()
    for args in (["block", ADDRESS], ["unblock", OTHER], ["thresholds", "set", "auth", "7/1h"]):
        assert t.run(*args).rc == CREDENTIALS, args
    assert t.facts() == before


@operation(needs="rights reload")
def credentials_that_may_not_reload(t):
    t.login("read", "write")
    row = t.change("block", ADDRESS, rc=STORED, verdict="stored").one()
    assert "not permitted" in row["detail"]
    assert t.stored() == [ADDRESS] and t.live() == []


@operation(needs="rights")
def credentials_that_may_do_this(t):
    t.login("read", "write", "reload")
    t.change("block", ADDRESS)
    t.change("thresholds", "set", "auth", "7/1h")
    t.change("unblock", ADDRESS)


@operation()
def wrong_password(t):
    """One refused login, and no more requests."""
    t.p.requests()
    result = t.run("blocked", env={"STALWARDEN_PASSWORD": "wrong"})
    assert result.rc == CREDENTIALS, result
    assert [r["status"] for r in t.p.requests()].count(401) == 1


@operation()
def list_cut_off(t):
    """Half a list is no list."""
    t.p.edit(block=[ADDRESS, OTHER, NETWORK])
    t.p.fault("length", delta=-20, times=-1, body="BlockedIp/get" if t.gen.dialect == "jmap" else "",
              path={"jmap": "/jmap", "config": "blocked-networks", "settings": "prefix=server.blocked-ip", "rest": "prefix=server.blocked-ip"}[t.gen.dialect])
    result = t.run("blocked", "-o", "json")
    assert result.rc == SERVER and result.out == "", result


@operation()
def server_restarted(t):
    """What is in force stays so: it is in the store and not in memory only."""
    t.change("block", ADDRESS, NETWORK)
    (t.change("thresholds", "set", "auth", "7/1h") if t.gen.can("rate_live") else None)
    t.p.restart()
    assert sorted(t.live()) == sorted([ADDRESS, NETWORK])
    assert t.rate() == [7, 3600] or not t.gen.can("rate_live")
