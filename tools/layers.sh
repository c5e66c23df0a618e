#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Fails when a file includes a layer or a library its folder may not know. The table is the architecture.
cd "$(dirname "$0")/.." || exit 2
# folder: what of the project it may include
layers='core:core
model:model core
tui:tui core
store:store model core
client:client model core
app:app store client model core
views:views app tui store/store.h store/history.h store/journal.h client/client.h client/endpoint.h client/logsource.h model core
cli:cli views app tui client store model core'
# library header, as the beginning of a regular expression: files that may include it; the first that matches counts
libs='(curses.h|ncurses|panel.h|term.h):^tui/
readline/:^tui/
curl/:^client/http(_easy)?\.[ch]$
openssl/:^client/(x509|endpoint)[a-z_]*\.[ch]$
sqlite3.h:^store/
jansson.h:^(client/|model/formats|cli/)
yajl/:^(client/|model/formats)
pcre2.h:^model/filter
maxminddb.h:^model/geo\.c$
confuse.h:^client/config\.c$
utf8proc.h:^core/text'

# The tables travel by the environment: -v would take their backslashes for escapes.
LAYERS=$layers LIBS=$libs awk '
function may(folder, name,    i, n, list) {
	n = split(allowed[folder], list, " ")
	for (i = 1; i <= n; i++)
		if (name == list[i] || index(name, list[i] "/") == 1)
			return 1
	return 0
}
function rule_of(name,    i) {
	for (i = 1; i <= libs; i++)
		if (name ~ "^" header[i])
			return users[i]
	return ""
}
function name_in(line, from, to,    s) {
	s = substr(line, index(line, from) + 1)
	return substr(s, 1, index(s, to) - 1)
}
BEGIN {
	n = split(ENVIRON["LAYERS"], row, "\n")
	for (i = 1; i <= n; i++) {
		at = index(row[i], ":")
		allowed[substr(row[i], 1, at - 1)] = substr(row[i], at + 1)
	}
	libs = split(ENVIRON["LIBS"], row, "\n")
	for (i = 1; i <= libs; i++) {
		at = index(row[i], ":")
		header[i] = substr(row[i], 1, at - 1)
		users[i] = substr(row[i], at + 1)
	}
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	name = name_in($0, "\"", "\"")
	folder = substr(FILENAME, 1, index(FILENAME, "/") - 1)
	if (name !~ /^gen\// && !may(folder, name)) {
		print "layers: " FILENAME " may not include \"" name "\" (allowed: " allowed[folder] ")"
		bad = 1
	}
}
/^[ \t]*#[ \t]*include[ \t]*</ {
	name = name_in($0, "<", ">")
	rule = rule_of(name)
	if (rule != "" && FILENAME !~ rule) {
		print "layers: " FILENAME " may not include <" name "> (only " rule ")"
		bad = 1
	}
}
END {
	if (!bad)
		print "layers: clean"
	exit bad
}' core/*.[ch] model/*.[ch] tui/*.[ch] store/*.[ch] client/*.[ch] app/*.[ch] views/*.[ch] cli/*.[ch]
