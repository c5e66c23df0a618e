# SPDX-License-Identifier: GPL-3.0-or-later
"""--help, the manual pages and completion: complete, and true when run."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from cli_world import HANG_S, USAGE
from program import BIN, ROOT

VERBS = re.findall(r"^  ([a-z-]+) +[A-Z]", subprocess.run([BIN, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout, re.M)
CONTRACT = ("probe status thresholds blocked allowed block unblock allow disallow why log history report certs gateway reset-counters import "
            "export journal undo check metrics sync completion paths").split()


def help_of(verb):
    return subprocess.run([BIN, verb, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout


def examples():
    for verb in VERBS:
        text = help_of(verb)
        if "\nExamples:\n" in text:
            for line in text.split("\nExamples:\n")[1].split("\n\n")[0].splitlines():
                yield line.strip()


def test_every_verb_of_the_contract_is_there():
    assert set(CONTRACT) <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(world, verb):
    result = world.run(verb, "--help")
    assert result.rc == 0 and result.err == ""
    assert "Usage:\n  stalwarden " + verb in result.out
    assert world.run("help", verb).out == result.out
    usage, _, options = result.out.partition("\nOptions:\n")
    for word in re.findall(r"--[a-z-]+", usage.split("Usage:")[1].split("\nExamples:")[0]):
        if word != "--help":
            assert word + " " in options, word
    for word in re.findall(r"^ .*?(--[a-z-]+)", options.split("\n\n")[0], re.M):
        assert re.search(word + r"\b(?!-)", usage), word


def test_version(world):
    assert re.fullmatch(r"stalwarden \d+\.\d+\.\d+\n", world.run("--version").out)
    assert world.run("-V").out == world.run("--version").out


def test_unknown_words(world):
    for args in (["bogus"], ["--bogus"], ["-Z"], ["blocked", "--for", "1d"], ["blocked", "--limit"], ["-o"], ["status", "extra"], ["paths", "extra"],
                 ["completion"], ["completion", "tcsh"], ["journal", "extra"], ["probe", "extra"]):
        result = world.run(*args)
        assert result.rc == USAGE and result.out == "" and "--help" in result.err, (args, result)


@pytest.mark.parametrize("line", list(examples()))
def test_examples_run_as_they_stand(world, p15, line):
    """By a shell, in a fresh world, against a server that has what they are about."""
    p15.edit(block=["203.0.113.7"], allow=["198.51.100.9"] if "allow" in line else [])
    p15.request("GET", "/api/reload")
    world.write("offenders.csv", "address,reason\n203.0.113.50,auth\n203.0.113.51,scan\n")
    os.makedirs(world.path("home", ".local/share/bash-completion/completions"))
    folder = world.path("bin")
    os.makedirs(folder)
    os.symlink(BIN, os.path.join(folder, "stalwarden"))
    if "undo" in line:
        world.run("block", "203.0.113.60")
    line = line.replace("/opt/stalwart/logs", shlex.quote(p15.log_dir))
    env = world.environment({"PATH": folder + ":" + world.env["PATH"]})
    done = subprocess.run(["/bin/sh", "-c", line], env=env, cwd=world.path("work"), input="203.0.113.70\n203.0.113.71\n", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=HANG_S)
    # 0 done, 1 nothing found: an example that is refused, misspelt or unsupported by its own server is no example
    assert done.returncode in (0, 1), (line, done)
    assert "Try '" not in done.stderr


# ---- manual pages ---------------------------------------------------------------------------------

def page(name):
    with open(os.path.join(ROOT, "doc", name), encoding="utf-8") as f:
        return f.read()


def rendered(name):
    if not shutil.which("mandoc"):
        pytest.skip("no mandoc here")
    text = subprocess.run(["mandoc", "-Tutf8", "-Owidth=200", os.path.join(ROOT, "doc", name)], stdout=subprocess.PIPE, check=True).stdout.decode()
    return re.sub(".\b", "", text)


def test_the_manual_knows_every_verb_option_and_exit_code(world):
    text = rendered("stalwarden.1")
    for verb in VERBS:
        assert re.search(r"^   %s$" % verb, text, re.M), verb
    for option in set(re.findall(r"--[a-z][a-z-]+", world.run("--help").out + "".join(help_of(v) for v in VERBS))):
        assert option in text, option
    for name in re.findall(r"[A-Z_]{6,}", world.run("--help").out.split("Environment:")[1].split("Exit status:")[0]):
        assert name in text, name


def test_the_manual_names_every_json_key(world, p15):
    text = rendered("stalwarden.1").split("\nOUTPUT\n")[1].split("\nSELECTING ROWS\n")[0]
    p15.edit(block=["203.0.113.7"], allow=["203.0.113.8"])
    documents = [world.run("blocked", "-o", "json").one(), world.run("allowed", "-o", "json").one(), world.run("thresholds", "-o", "json").rows()[0],
                 world.run("thresholds", "paths", "-o", "json").rows()[0], world.run("block", "203.0.113.9", "-o", "json").one(),
                 world.run("journal", "-o", "json").one(), world.run("why", "203.0.113.7", "-o", "json").json(),
                 world.run("sync", "-o", "json", "--log-source", p15.log_dir).json(), world.run("paths", "-o", "json").rows()[0],
                 world.run("certs", "-o", "json").rows()[0], world.run("log", "-o", "json").rows()[0], world.run("probe", "-o", "json").json(),
                 world.run("status", "-o", "json").json()]
    for document in documents:
        for key in document:
            assert re.search(r"\b%s\b" % key, text), key


def test_every_configuration_option_is_in_its_page():
    with open(os.path.join(ROOT, "client", "config.c"), encoding="utf-8") as f:
        names = re.findall(r'FIELD\("([a-z_]+)"', f.read())
    assert len(names) > 20
    for name in names:
        assert re.search(r"^\.It Ic %s$" % name, page("stalwarden.conf.5"), re.M), name


# ---- completion -----------------------------------------------------------------------------------

def bash_completes(tmp_path, world, words):
    script = tmp_path / "completion"
    script.write_text(world.run("completion", "bash").out)
    line = ('. %s\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_stalwarden\nprintf "%%s\\n" "${COMPREPLY[@]}"\n'
            % (script, " ".join(shlex.quote(w) for w in ["stalwarden"] + words)))
    done = subprocess.run(["bash", "--norc", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=HANG_S, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash(tmp_path, world):
    assert set(VERBS) <= set(bash_completes(tmp_path, world, [""]))
    assert bash_completes(tmp_path, world, ["bl"]) == ["blocked", "block"]
    assert set(bash_completes(tmp_path, world, ["unblock", "--"])) >= {"--allow", "--reset-counters", "--reason"}
    assert bash_completes(tmp_path, world, ["thresholds", "s"]) == ["show", "set"]
    assert set(bash_completes(tmp_path, world, ["blocked", "-o", ""])) == {"table", "json", "ndjson", "csv", "plain"}
    assert bash_completes(tmp_path, world, ["--profile", "x", "nothing-like-it"]) == []
    assert bash_completes(tmp_path, world, ["--profile", "x", "allowe"]) == ["allowed"]
    assert set(bash_completes(tmp_path, world, ["unblock", "--dry"])) == {"--dry-run"}


@pytest.mark.parametrize("line, expected", [
    ("stalwarden thr", {"thresholds"}), ("stalwarden unblock --reset", {"--reset-counters"}), ("stalwarden -o nd", {"ndjson"}),
    ("stalwarden thresholds s", {"show", "set"}), ("stalwarden blocked age", {"age<", "age>"})])
def test_fish(tmp_path, world, line, expected):
    if not shutil.which("fish"):
        pytest.skip("no fish here")
    script = tmp_path / "completion"
    script.write_text(world.run("completion", "fish").out)
    done = subprocess.run(["fish", "-c", "source %s; complete -C %s" % (script, shlex.quote(line))], stdout=subprocess.PIPE, text=True,
                          env=world.environment({}), timeout=HANG_S, check=True)
    assert {answer.split("\t")[0] for answer in done.stdout.splitlines()} == expected


@pytest.mark.parametrize("shell, check", [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_scripts_are_taken_by_their_shells(tmp_path, world, shell, check):
    script = tmp_path / "completion"
    result = world.run("completion", shell)
    assert result.rc == 0 and result.out
    script.write_text(result.out)
    for verb in VERBS:
        assert verb in result.out
    if not shutil.which(shell):
        pytest.skip("no %s here" % shell)
    subprocess.run([shell, *check, str(script)], check=True, timeout=HANG_S)
