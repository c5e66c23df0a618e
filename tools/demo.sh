#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `make demo`: the practice server on loopback under simulated attack, and the console on it. PERSONA=0.16 chooses another generation,
# ATTACK= the events a second, DAYS= how much past there is. Nothing stays behind, whatever ends it.
cd "$(dirname "$0")/.." || exit 2
PERSONA=${PERSONA:-0.15}
CONSOLE=${STALWARDEN_BIN:-./stalwarden}

if ! [ -t 0 ] || ! [ -t 1 ]; then
	echo "demo: the console needs a terminal. Without one: $CONSOLE --help" >&2
	exit 2
fi
if [ ! -x "$CONSOLE" ]; then
	echo "demo: $CONSOLE is not built; run make" >&2
	exit 2
fi
python=/usr/bin/python3
[ -x $python ] || python=python3

umask 077
dir=$(mktemp -d "${TMPDIR:-/tmp}/stalwarden-demo.XXXXXX") || exit 2
mkdir "$dir/log" "$dir/state" "$dir/config"
mkfifo "$dir/alive" "$dir/ready"

# The last one out clears away: this reader sees the end of the pipe when shell, server and console are all gone, killed or not.
(
	trap '' HUP INT TERM
	read -r _ <"$dir/alive"
	rm -rf "$dir"
) </dev/null >/dev/null 2>&1 &
last=$!
exec 9>"$dir/alive"

server= console=
finish() {
	trap '' HUP INT TERM
	# the console first: it puts the terminal right before it goes
	for pid in $console $server; do
		kill "$pid" 2>/dev/null && wait "$pid"
	done
	exec 9>&-
	wait "$last"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

echo "demo: starting the practice server, generation $PERSONA …"
password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
FAKE_PASSWORD=$password $python tests/fake/server.py --persona "$PERSONA" --listen 127.0.0.1:0 --log-dir "$dir/log" --entries 400 \
	--history-days "${DAYS:-60}" --attack "${ATTACK:-2}" --parent-pid $$ --quiet </dev/null >"$dir/ready" 2>"$dir/server.err" &
server=$!
read -r _ url <"$dir/ready"
if [ -z "$url" ]; then
	echo "demo: the practice server did not start:" >&2
	tail -n 5 "$dir/server.err" >&2
	exit 1
fi

# Nobody's own settings take part: not the profile, nor the journal.
printf 'profile "practice" { near_networks = { "172.17.0.0/16" } }\n' >"$dir/config/demo.conf"
unset STALWARDEN_TOKEN STALWARDEN_PROFILE
export STALWARDEN_URL="$url" STALWARDEN_USER=admin STALWARDEN_PASSWORD="$password" XDG_CONFIG_HOME="$dir/config" XDG_STATE_HOME="$dir/state"
# In the background of this shell, though in the foreground of the terminal: so that a TERM for the shell reaches both.
exec 3<&0
"$CONSOLE" --config "$dir/config/demo.conf" --state "$dir/state" --log-source "$dir/log" "$@" <&3 3<&- &
console=$!
wait "$console"
status=$?
console=
exit "$status"
