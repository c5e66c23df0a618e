#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the Debian packages of the named sections of packages.txt that are missing: through apt, as root or by sudo.
# Elsewhere, or where neither is possible, it names them and goes on, so that a machine that has the libraries by other means still builds.
cd "$(dirname "$0")" || exit 2
want=
for section in "$@"; do
	want="$want $(sed -n "s/^$section //p" packages.txt)"
done
command -v dpkg-query >/dev/null 2>&1 || { echo "deps: no dpkg here; needed (Debian names):$want" >&2; exit 0; }
missing=
for p in $want; do
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1; then
	sudo=sudo
else
	echo "deps: not root and no sudo; please install:$missing" >&2
	exit 1
fi
echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >&2 || echo "deps: apt-get update failed; trying with the lists at hand" >&2
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
