# SPDX-License-Identifier: GPL-3.0-or-later
"""What credentials may do on 0.16, asked without changing anything, and what is refused before it is sent."""

import pytest

LOOK = ["sysSecurityGet", "sysBlockedIpGet", "sysBlockedIpQuery", "sysAllowedIpGet", "sysAllowedIpQuery", "sysCertificateGet",
        "sysCertificateQuery", "sysLogGet", "sysLogQuery"]
RIGHTS = {
    "viewer": (LOOK, {"read_blocked": "yes", "read_log": "yes", "write_blocked": "no_permission", "write_allowed": "no_permission",
                      "write_thresholds": "no_permission", "upload_cert": "no_permission", "reload": "no_permission",
                      "reset_counters": "no_permission", "renew_cert": "no_permission", "check_config": "no_generation"}),
    "blocker": (["sysBlockedIpGet", "sysBlockedIpQuery", "sysBlockedIpCreate", "sysBlockedIpDestroy"],
                {"read_blocked": "yes", "read_thresholds": "no_permission", "write_blocked": "untested", "write_allowed": "no_permission",
                 "reload": "no_permission"}),
    "tuner": (LOOK + ["sysSecurityUpdate", "sysActionCreate", "actionReloadSettings"],
              {"write_thresholds": "yes", "reload": "untested", "write_blocked": "no_permission"}),
    "nobody": ([], {"read_blocked": "no_permission", "read_certs": "no_permission", "write_blocked": "no_permission"}),
}


@pytest.mark.parametrize("who", RIGHTS)
def test_probe_knows_rights_without_a_change(world, practice, who):
    granted, expected = RIGHTS[who]
    p = practice("0.16", options={"accounts": [{"name": who, "password": "pw", "permissions": granted}]})
    p.edit(block=["203.0.113.77"])
    before = p.state()["stored"]
    world.use(p, user=who, password="pw")
    caps = world.run("probe", "-o", "json").json()["capabilities"]
    assert {k: caps[k] for k in expected} == expected
    assert p.state()["stored"] == before
    asked = [r["body"] for r in p.requests() if r.get("body")]
    assert asked and not [b for b in asked if '"create"' in b or '"update"' in b or '"destroy"' in b]


def test_read_only_asks_for_no_right_to_write(world, practice):
    p = practice("0.16")
    world.use(p)
    caps = world.run("probe", "--read-only", "-o", "json").json()["capabilities"]
    assert caps["write_blocked"] == caps["reload"] == "no_read_only" and caps["read_blocked"] == "yes"
    assert not any("/set" in r["body"] for r in p.requests() if r.get("body"))
