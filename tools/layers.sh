#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Fails when a file includes a layer or a library its folder may not know. The table is the architecture.
cd "$(dirname "$0")/.." || exit 2
bad=0
# folder: project folders it may include
layers='core:core
model:model core
tui:tui core
store:store model core
client:client model core
app:app store client model core
views:views app tui store/store.h store/history.h store/journal.h client/client.h client/endpoint.h client/logsource.h model core
cli:cli views app tui client store model core'
# library header pattern: files that may include it
libs='curses.h|ncurses|panel.h|term.h:^tui/
readline/:^tui/
curl/:^client/http\.c$
openssl/:^client/(x509|endpoint)[a-z_]*\.[ch]$
sqlite3.h:^store/
jansson.h:^(client/|model/formats|cli/)
yajl/:^(client/|model/formats)
pcre2.h:^model/filter
maxminddb.h:^model/geo\.c$
confuse.h:^client/config\.c$
utf8proc.h:^core/text'

files=$(ls core/*.[ch] model/*.[ch] tui/*.[ch] store/*.[ch] client/*.[ch] app/*.[ch] views/*.[ch] cli/*.[ch] 2>/dev/null)
for f in $files; do
	folder=${f%%/*}
	allowed=$(printf '%s\n' "$layers" | sed -n "s/^$folder://p")
	for inc in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$f"); do
		case $inc in gen/*) continue ;; esac
		ok=0
		for a in $allowed; do
			case $inc in "$a" | "$a"/*) ok=1 ;; esac
		done
		if [ $ok = 0 ]; then
			echo "layers: $f may not include \"$inc\" (allowed: $allowed)"
			bad=1
		fi
	done
	for inc in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*<\([^>]*\)>.*/\1/p' "$f"); do
		rule=$(printf '%s\n' "$libs" | while IFS=: read -r pat who; do
			printf '%s' "$inc" | grep -Eq "^($pat)" && printf '%s' "$who" && break
		done)
		if [ -n "$rule" ] && ! printf '%s' "$f" | grep -Eq "$rule"; then
			echo "layers: $f may not include <$inc> (only $rule)"
			bad=1
		fi
	done
done
[ $bad = 0 ] && echo "layers: clean"
exit $bad
