#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Fills the tables of the man pages from the tables of the program: between a line `.\" table NAME` and the next `.\" end`.
# With --check nothing is written, and a page that is not current is an error.
cd "$(dirname "$0")/.." || exit 2
B=${B:-build}
make -s B="$B" "$B/docgen" || exit 2
new=$(mktemp) || exit 2
trap 'rm -f "$new"' EXIT
bad=0
for page in doc/stalwarden.1 doc/stalwarden.conf.5; do
	docgen=$B/docgen awk '
		/^\.\\" end$/ { inside = 0 }
		!inside { print }
		/^\.\\" table / {
			inside = 1
			command = ENVIRON["docgen"] " " $3
			while ((command | getline text) > 0)
				print text
			if (close(command) != 0)
				exit 1
		}
		END { exit inside }' "$page" >"$new" || { echo "docgen: $page: a table could not be made, or has no end" >&2; exit 2; }
	if cmp -s "$new" "$page"; then
		continue
	elif [ "${1:-}" = --check ]; then
		diff -u "$page" "$new"
		echo "docgen: $page is not current; run sh tools/docgen.sh" >&2
		bad=1
	else
		cat "$new" >"$page"
		echo "docgen: $page"
	fi
done
exit $bad
