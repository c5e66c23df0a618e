/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses as people type them: what was wrong, where, and what would be right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "model/net.h"

#define INPUT_SHOWN 80 /* characters of the input repeated in a message */

/* What was typed, without blanks around it, and cut into address and prefix. */
struct input {
	char text[128];
	char addr[128];     /* before the slash */
	const char *prefix; /* after the slash, NULL without one; points into text */
};

typedef bool (*complaint_fn)(const struct input *in, struct err *err);

static bool valid(const char *s)
{
	struct net n;

	return net_parse(s, strlen(s), &n, NULL);
}

static bool has_only(const char *s, const char *set)
{
	return *s && s[strspn(s, set)] == '\0';
}

static bool complain_zone(const struct input *in, struct err *err)
{
	const char *percent = strchr(in->addr, '%');

	if (!percent || percent == in->addr)
		return false;
	char bare[128];
	snprintf(bare, sizeof(bare), "%.*s", (int)(percent - in->addr), in->addr);
	if (!valid(bare))
		return false;
	err_set(err, ERR_USAGE,
		"%s: the zone %s names an interface of one host and means nothing here; write "
		"%s%s%s",
		in->text, percent, bare, in->prefix ? "/" : "", in->prefix ? in->prefix : "");
	return true;
}

static bool complain_port(const struct input *in, struct err *err)
{
	char bare[128];
	const char *colon = strrchr(in->addr, ':');

	if (in->addr[0] == '[') {
		const char *close = strchr(in->addr, ']');

		if (!close)
			return false;
		snprintf(bare, sizeof(bare), "%.*s", (int)(close - in->addr - 1), in->addr + 1);
	} else if (colon && strchr(in->addr, ':') == colon && has_only(colon + 1, "0123456789")) {
		snprintf(bare, sizeof(bare), "%.*s", (int)(colon - in->addr), in->addr);
	} else {
		return false;
	}
	if (!valid(bare))
		return false;
	err_set(err, ERR_USAGE, "%s: brackets and ports don't belong in an address; write %s",
		in->text, bare);
	return true;
}

static bool complain_netmask(const struct input *in, struct err *err)
{
	struct net mask, net;

	if (!in->prefix || !net_parse(in->prefix, strlen(in->prefix), &mask, NULL) ||
		mask.family != 4 || !net_is_address(&mask) ||
		!net_parse(in->addr, strlen(in->addr), &net, NULL) || net.family != 4)
		return false;
	uint32_t bits = (uint32_t)mask.addr[0] << 24 | (uint32_t)mask.addr[1] << 16 |
			(uint32_t)mask.addr[2] << 8 | mask.addr[3];
	uint8_t len = (uint8_t)__builtin_popcount(bits);
	if (len && bits << len)
		return !err_set(err, ERR_USAGE, "%s: %s is no netmask; write a length such as /24",
			in->text, in->prefix);
	if (bits != (len ? 0xffffffffu << (32 - len) : 0))
		return !err_set(err, ERR_USAGE, "%s: %s is no netmask; write a length such as /24",
			in->text, in->prefix);
	char want[NET_BUF];
	net_widen(&net, len, &net);
	net_format(&net, want, sizeof(want));
	err_set(err, ERR_USAGE, "%s: a netmask is written as its length here; write %s", in->text,
		want);
	return true;
}

static bool complain_prefix(const struct input *in, struct err *err)
{
	struct net n;

	if (!in->prefix || !net_parse(in->addr, strlen(in->addr), &n, NULL))
		return false;
	int full = strchr(in->addr, ':') ? 128 : 32;
	if (!*in->prefix)
		err_set(err, ERR_USAGE,
			"%s: the length after the slash is missing; IPv%d takes /0 to /%d",
			in->text, full == 32 ? 4 : 6, full);
	else if (in->prefix[0] == '0' && has_only(in->prefix, "0123456789") && in->prefix[1])
		err_set(err, ERR_USAGE, "%s: the length /%s has a leading zero", in->text,
			in->prefix);
	else
		err_set(err, ERR_USAGE, "%s: /%s is no network length; IPv%d takes /0 to /%d",
			in->text, in->prefix, full == 32 ? 4 : 6, full);
	return true;
}

static bool complain_range(const struct input *in, struct err *err)
{
	const char *dash = strchr(in->text, '-');

	if (!dash || dash == in->text)
		return false;
	char first[128];
	snprintf(first, sizeof(first), "%.*s", (int)(dash - in->text), in->text);
	first[strcspn(first, " ")] = '\0';
	if (!valid(first))
		return false;
	err_set(err, ERR_USAGE, "%s: a range is written as a network such as %s/%s", in->text,
		first, strchr(first, ':') ? "64" : "24");
	return true;
}

/* The dotted part split at its dots; returns how many there are, fills at most 5. */
static int split_octets(const char *s, char octet[5][16])
{
	int n = 0;

	for (;;) {
		size_t len = strcspn(s, ".");

		if (n < 5)
			snprintf(octet[n], 16, "%.*s", (int)(len < 15 ? len : 15), s);
		n++;
		if (!s[len])
			return n;
		s += len + 1;
	}
}

static bool complain_wildcard(const struct input *in, char octet[5][16], int n, struct err *err)
{
	int fixed = 0;

	if (n > 4)
		return false;
	while (fixed < n && has_only(octet[fixed], "0123456789"))
		fixed++;
	for (int i = fixed; i < n; i++)
		if (strcmp(octet[i], "*") != 0 && strcmp(octet[i], "x") != 0)
			return false;
	if (!fixed || fixed == 4)
		return false;
	char want[128];
	snprintf(want, sizeof(want), "%s.%s.%s.0/%d", octet[0], fixed > 1 ? octet[1] : "0",
		fixed > 2 ? octet[2] : "0", 8 * fixed);
	if (!valid(want))
		return false;
	if (n == fixed)
		err_set(err, ERR_USAGE,
			"%s has %d parts, an IPv4 address has 4; for the whole network write %s",
			in->text, n, want);
	else
		err_set(err, ERR_USAGE, "%s: wildcards are written as a network; write %s",
			in->text, want);
	return true;
}

static bool complain_octet(
	const struct input *in, int i, const char *octet, char all[5][16], struct err *err)
{
	if (!*octet)
		return !err_set(
			err, ERR_USAGE, "%s: part %d of the address is empty", in->text, i + 1);
	if (octet[0] == '0' && octet[1] && strlen(octet) <= 4) {
		char want[96];
		int v[4];

		for (int k = 0; k < 4; k++)
			v[k] = (int)strtol(all[k], NULL, 10);
		snprintf(want, sizeof(want), "%d.%d.%d.%d", v[0], v[1], v[2], v[3]);
		err_set(err, ERR_USAGE,
			"%s: part %d (%s) has a leading zero, which some programs read as "
			"octal%s%s",
			in->text, i + 1, octet, valid(want) ? "; write " : "",
			valid(want) ? want : "");
		return true;
	}
	if (strlen(octet) > 3 || strtol(octet, NULL, 10) > 255)
		return !err_set(err, ERR_USAGE, "%s: part %d is %s; the highest is 255", in->text,
			i + 1, octet);
	return false;
}

static bool complain_v4(const struct input *in, struct err *err)
{
	char octet[5][16];

	if (strchr(in->addr, ':') || !has_only(in->addr, "0123456789.*x"))
		return false;
	int n = split_octets(in->addr, octet);
	if (complain_wildcard(in, octet, n, err))
		return true;
	if (n != 4)
		return !err_set(err, ERR_USAGE, "%s has %d part%s, an IPv4 address has 4", in->text,
			n, n == 1 ? "" : "s");
	for (int i = 0; i < 4; i++)
		if (complain_octet(in, i, octet[i], octet, err))
			return true;
	return false;
}

static bool complain_v6(const struct input *in, struct err *err)
{
	const char *bad = in->addr + strspn(in->addr, "0123456789abcdefABCDEF:.");
	const char *twice = strstr(in->addr, "::"), *colon = strchr(in->addr, ':');

	/* One colon makes a port, a URL or a key, not an address. */
	if (!colon || !strchr(colon + 1, ':'))
		return false;
	if (*bad)
		err_set(err, ERR_USAGE, "%s: \"%.1s\" can't be in an IPv6 address", in->text, bad);
	else if (strstr(in->addr, ":::"))
		err_set(err, ERR_USAGE,
			"%s: three colons in a row; \"::\" stands for the groups left out",
			in->text);
	else if (twice && strstr(twice + 2, "::"))
		err_set(err, ERR_USAGE, "%s: \"::\" may be there only once", in->text);
	else
		err_set(err, ERR_USAGE,
			"%s is no IPv6 address: it needs 8 groups of at most 4 hexadecimal digits, "
			"or \"::\" for those left out",
			in->text);
	return true;
}

static const complaint_fn complaints[] = {
	complain_zone,
	complain_port,
	complain_netmask,
	complain_prefix,
	complain_range,
	complain_v4,
	complain_v6,
};

static void explain(const struct input *in, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(complaints); i++)
		if (complaints[i](in, err))
			return;
	err_set(err, ERR_USAGE,
		"%s is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such "
		"as 203.0.113.0/24 (names are not looked up)",
		in->text);
}

static void cut_input(const char *s, size_t len, struct input *in)
{
	char *slash;

	snprintf(in->text, sizeof(in->text), len > INPUT_SHOWN ? "%.*s…" : "%.*s",
		(int)(len > INPUT_SHOWN ? INPUT_SHOWN : len), s);
	snprintf(in->addr, sizeof(in->addr), "%s", in->text);
	in->prefix = NULL;
	slash = strchr(in->addr, '/');
	if (!slash)
		return;
	*slash = '\0';
	in->prefix = in->text + (slash - in->addr) + 1;
}

bool net_parse_input(const char *s, struct net *out, struct err *err)
{
	struct input in;
	unsigned flags;

	s += strspn(s, " \t\r\n");
	size_t len = strlen(s);
	while (len && strchr(" \t\r\n", s[len - 1]))
		len--;
	if (!len)
		return err_set(err, ERR_USAGE,
			"no address given: write one such as 203.0.113.7, or a network such as "
			"203.0.113.0/24");
	cut_input(s, len, &in);
	if (!net_parse(s, len, out, &flags)) {
		explain(&in, err);
		return false;
	}
	if (flags & NET_HAS_HOST_BITS) {
		char want[NET_BUF];

		net_format(out, want, sizeof(want));
		return err_set(
			err, ERR_USAGE, "%s has host bits set; the network is %s", in.text, want);
	}
	return true;
}
