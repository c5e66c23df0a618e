/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table of options: parsing, --help, man page and completion are made of it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/dialects.h"
#include "core/err.h"

/* id, name, short, argument (NULL = flag), is it global, what completes it (a shell word list, "file", "dir" or ""), help */
#define OPTION_INFO(_)                                                                             \
	_(PROFILE, "profile", 0, "NAME", true, "", "server profile of stalwarden.conf")            \
	_(URL, "url", 0, "URL", true, "", "server, http(s)://host[:port]; http only to this host") \
	_(USER, "user", 0, "NAME", true, "", "login name; the password is never an argument")      \
	_(DIALECT, "dialect", 0, "NAME", true, DIALECT_WORDS,                                                 \
		"what the server speaks; found out by default")                                    \
	_(LOG_SOURCE, "log-source", 0, "WHERE", true, "file", "log: api, a file, a directory, or - for standard input") \
	_(OUTPUT, "output", 'o', "FORMAT", true, "table json ndjson csv plain", "table, json, ndjson, csv or plain") \
	_(DRY_RUN, "dry-run", 'n', NULL, true, "", "print the exact requests instead of sending them") \
	_(YES, "yes", 'y', NULL, true, "", "do not ask")                                           \
	_(FORCE, "force", 0, NULL, true, "", "override guards; what is overridden is named and kept in the journal") \
	_(READ_ONLY, "read-only", 0, NULL, true, "", "nothing that writes can be reached")         \
	_(WATCH, "watch", 0, "SECS", true, "", "after a change, look for evidence in the log for so long at most") \
	_(TIMEOUT, "timeout", 0, "SECS", true, "", "of one request (10)")                          \
	_(CACERT, "cacert", 0, "FILE", true, "file", "trust this CA")                              \
	_(INSECURE, "insecure", 0, NULL, true, "", "do not verify the certificate; loopback only") \
	_(CONFIG, "config", 0, "FILE", true, "file", "read this configuration only")               \
	_(STATE, "state", 0, "DIR", true, "dir", "history, journal and prompt history live here")  \
	_(THEME, "theme", 0, "NAME", true, "default dark light mono contrast", "colours of the console") \
	_(COLOR, "color", 0, "WHEN", true, "auto always never", "auto, always or never")           \
	_(ASCII, "ascii", 0, NULL, true, "", "no character outside ASCII")                         \
	_(VERBOSE, "verbose", 'v', NULL, true, "", "each request on standard error, without secrets") \
	_(VERSION, "version", 'V', NULL, true, "", "version, and stop")                            \
	_(HELP, "help", 'h', NULL, true, "", "this help, or a verb's")                             \
	_(SORT, "sort", 0, "COLUMN", false, "", "sort by a column; -COLUMN = descending")          \
	_(LIMIT, "limit", 0, "N", false, "", "show at most N rows")                                \
	_(LAST, "last", 0, "N", false, "", "the newest N changes, one after the other")             \
	_(REASON, "reason", 0, "TEXT", false, "", "why; kept with the entry and in the journal")   \
	_(FOR, "for", 0, "DUR", false, "", "for so long: 90s 15m 12h 7d")                          \
	_(UNTIL, "until", 0, "TIME", false, "", "until then: RFC 3339, a date, or \"in 2h\"")      \
	_(ALLOW, "allow", 0, NULL, false, "", "allow as well, so that it is not banned again")     \
	_(RESET_COUNTERS, "reset-counters", 0, NULL, false, "",                                    \
		"also reset the failure counters (for everyone), else the next failure bans again") \
	_(REPLACE, "replace", 0, NULL, false, "", "a network takes the place of the entries inside it: they are removed") \
	_(KEEP_BLOCKED, "keep-blocked", 0, NULL, false, "", "do not lift a block")                 \
	_(BAN_FOR, "ban-for", 0, "DUR", false, "", "how long a ban lasts, or forever (0.16)")      \
	_(CLASS, "class", 0, "CLASS", false, "auth abuse loiter scan", "auth, abuse, loiter or scan") \
	_(EVENT, "event", 0, "ID", false, "", "event id or its beginning: security.")              \
	_(ADDRESS, "address", 0, "ADDR", false, "", "address or network")                          \
	_(SINCE, "since", 0, "TIME", false, "", "from then on: RFC 3339, a date, \"2h ago\"")      \
	_(GREP, "grep", 0, "RE", false, "", "lines that match this regular expression")            \
	_(FOLLOW, "follow", 'f', NULL, false, "", "go on with what comes")                         \
	_(BY, "by", 0, "GROUP", false, "day address range reason account", "day, address, range, reason or account") \
	_(PREFIX, "prefix", 0, "BITS", false, "", "size of ranges (24, and 48 for IPv6)")          \
	_(AT_LEAST, "at-least", 0, "N", false, "", "bans a network must cover to be proposed (5)") \
	_(MONTH, "month", 0, "YYYY-MM", false, "", "the month reviewed (the last one)")            \
	_(PROBE, "probe", 0, NULL, false, "", "ask the endpoints what they serve")                 \
	_(ENDPOINT, "endpoint", 0, "E", false, "", "PROTO://HOST:PORT; tls smtp imap pop3 sieve; may be repeated") \
	_(FILE, "file", 0, "GLOB", false, "file", "certificate files on this host; may be repeated") \
	_(FORMAT, "format", 0, "F", false, "csv json ndjson values cscli fail2ban nft ipset iptables text markdown", "of the file") \
	_(TO, "to", 0, "LIST", false, "blocked allowed", "blocked or allowed")                     \
	_(MERGE, "merge", 0, NULL, false, "", "merge adjacent networks")                           \
	_(WARN, "warn", 0, "X", false, "", "warning threshold: left of a certificate (certs), of the answer's time (reach)")                         \
	_(CRIT, "crit", 0, "X", false, "", "critical threshold, likewise")                        \
	_(TEXTFILE, "textfile", 0, "PATH", false, "file", "write there, atomically")

enum option_id {
#define OPTION_ENUM(id, name, letter, arg, global, words, help) OPT_##id,
	OPTION_INFO(OPTION_ENUM)
#undef OPTION_ENUM
	OPT_COUNT
};

struct option_row {
	const char *name;
	char letter;
	const char *arg;
	bool is_global;
	const char *words, *help;
};
extern const struct option_row option_rows[OPT_COUNT];

struct args {
	const char *value[OPT_COUNT];   /* "" for a flag that was given; NULL = absent. Last one wins. */
	const char **repeated[OPT_COUNT]; /* all values, owned array of borrowed strings */
	size_t repeats[OPT_COUNT];
	const char **word;              /* what is no option, the verb first; owned array */
	size_t words;
};

/* "--" ends options. False and err (ERR_USAGE) for what is not known, or lacks or has an argument wrongly. Options may stand anywhere. */
bool args_parse(struct args *a, int argc, char **argv, struct err *err);
void args_release(struct args *a);
static inline bool args_has(const struct args *a, enum option_id o)
{
	return a->value[o] != NULL;
}

#endif
