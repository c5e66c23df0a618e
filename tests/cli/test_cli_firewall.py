# SPDX-License-Identifier: GPL-3.0-or-later
"""export into the firewalls it is for: nft, ipset and iptables themselves load it, in a network namespace of its own, and list what they took."""

import json
import os
import shutil
import subprocess

import pytest

from cli_world import DONE

NOTES = ["plain", 'q"uo"te', "ap'os", "back\\slash", "line\nbreak", "cr\rx", "tab\tx", "$(touch PWNED)", "`touch PWNED`", "; touch PWNED",
         "} ; flush ruleset", "=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "\x1b]52;c;x\x07", "\u202eevil", "é" * 200, "x" * 300, "# c", "a,b", " lead",
         "trail ", "%s%n", "\x00nul", '"', '\\"', "\\", "-exist", "timeout 5"]
SOON, LATE, FAR = "2099-05-06T07:08:09Z", "2099-06-06T07:08:09Z", "2106-01-01T00:00:00Z"
BLOCKED = {**{"203.0.113.%d" % n: json.dumps({"reason": note, **({"until": SOON} if n % 2 else {})}) for n, note in enumerate(NOTES, 1)},
           "198.51.100.0/24": json.dumps({"reason": "short", "until": SOON}), "198.51.100.9": "longer", "198.51.100.16/28": json.dumps({"until": LATE}),
           "198.51.100.17": json.dumps({"until": SOON}), "192.0.2.1": json.dumps({"until": FAR}), "2001:db8::/32": json.dumps({"until": SOON}),
           "2001:db8::7": "", "2001:DB8:0:1::/64": json.dumps({"until": SOON}), "192.0.2.7": json.dumps({"until": "2001-01-01T00:00:00Z"}),
           "no address $(touch PWNED)": "x"}
ALLOWED = {"192.0.2.128/25": "office", "192.0.2.200": "in it", "2001:db9::1": "six"}


def namespace(world, script):
    """The script in a network namespace of its own; what it printed."""
    own = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-rn"]
    run = subprocess.run([*own, "sh", "-euc", script], cwd=world.path("work"), capture_output=True, text=True, timeout=60,
                         env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    assert run.returncode == 0, run
    assert not os.path.exists(world.path("work", "PWNED"))
    return run.stdout


def needs(tool):
    if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        pytest.skip("%s is not installed" % tool)
    if subprocess.run(["unshare", "-n" if os.getuid() == 0 else "-rn", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")


def fill(world, p):
    p.edit(set={**{"server.blocked-ip." + k: v for k, v in BLOCKED.items()},
                **{"server.allowed-ip." + k: json.dumps({"reason": v}) for k, v in ALLOWED.items()}})
    p.request("GET", "/api/reload")


def exported(world, form, *what):
    result = world.run("export", *(what or ["all"]), "--format", form)
    assert result.rc == DONE, result
    world.write("list", result.out)
    return result


def sent_again(world, practice, text, *args):
    """What an import of the firewall's own listing into an empty server would send, without sending it."""
    world.use(practice("0.15"))
    result = world.run("import", "-", "--dry-run", "--force", *args, stdin=text)
    assert result.rc == DONE, result
    return result


def test_nft_loads_it_and_loads_it_again(world, p15):
    needs("nft")
    fill(world, p15)
    told = exported(world, "nft")
    assert "left out: 1 over already, 1 malformed, 3 covered by another entry" in told.err, told.err
    listing = namespace(world, "nft -f list; nft -f list; nft -j list ruleset")
    sets = {s["set"]["name"]: s["set"]["elem"] for s in json.loads(listing)["nftables"] if "set" in s}
    assert set(sets) == {"blocked4", "blocked6", "allowed4", "allowed6"}

    def ends(name):
        found = {}
        for element in sets[name]:
            element = element.get("elem", element) if isinstance(element, dict) else element
            value = element["val"] if isinstance(element, dict) and "val" in element else element
            if isinstance(value, dict):
                value = "%s/%d" % (value["prefix"]["addr"], value["prefix"]["len"])
            found[value] = element.get("timeout") if isinstance(element, dict) else None
        return found

    four = ends("blocked4")
    assert {a for a in four if a.startswith("203.")} == {a for a in BLOCKED if a.startswith("203.")}
    for address in BLOCKED:
        if address.startswith("203.0.113."):
            assert bool(four[address]) == ("until" in BLOCKED[address]), address
    # 198.51.100.9 outlives the network around it, and a /28 does for a month: both stay when the rest ends.
    assert four["198.51.100.9"] is None and four["198.51.100.16/28"] > four["198.51.100.0/29"]
    assert "198.51.100.0/24" not in four and "198.51.100.17" not in four
    assert ends("blocked6")["2001:db8::7"] is None
    assert set(ends("allowed4")) == {"192.0.2.128/25"} and set(ends("allowed6")) == {"2001:db9::1"}


def test_ipset_takes_it_and_takes_it_again(world, p15, practice):
    needs("ipset")
    fill(world, p15)
    told = exported(world, "ipset")
    assert "end sooner than they should" in told.err, told.err
    saved = namespace(world, "ipset restore < list; ipset restore < list; ipset save")
    held = {line.split()[2] for line in saved.splitlines() if line.startswith("add stalwarden-blocked")}
    covered = {"198.51.100.17", "2001:DB8:0:1::/64", "192.0.2.7", "no address $(touch PWNED)"}
    assert held == set(BLOCKED) - covered
    again = sent_again(world, practice, saved, "--to", "allowed")     # what the sets are called says which list they are
    assert "192.0.2.128/25" in again.out and "203.0.113" not in again.out, again


def test_iptables_runs_it(world, p15, practice):
    needs("iptables")
    fill(world, p15)
    exported(world, "iptables")
    saved = namespace(world, "sh list; iptables-save; ip6tables-save")
    rules = [line.split() for line in saved.splitlines() if line.startswith("-A INPUT")]
    drops = {r[3].removesuffix("/128" if ":" in r[3] else "/32") for r in rules if r[-1] == "DROP"}
    assert drops == {a.lower() for a in BLOCKED} - {"192.0.2.7", "no address $(touch pwned)"}
    # What is allowed comes first.
    four = [r[-1] for r in rules]
    assert four.index("ACCEPT") < four.index("DROP")
    again = sent_again(world, practice, saved)
    assert "3 of the other list" in again.err, again.err


@pytest.mark.parametrize("form", ["csv", "cscli"])
def test_no_spreadsheet_calculates_it(world, p15, form):
    fill(world, p15)
    told = exported(world, form)
    lines = told.csv()
    assert len(lines) > 30
    for line in lines:
        for value in line.values():
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r")), line


def test_what_a_format_cannot_say_is_said(world, p15):
    fill(world, p15)
    assert "an import would take the allowed ones for blocked ones" in exported(world, "values").err
    assert "an import" not in exported(world, "values", "allowed").err
    assert "3 allowed, which this format can't say" in exported(world, "cscli").err
