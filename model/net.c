/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and networks: parse, print, compare, contain, classify. Knows no list and no server. */
#include "model/net.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t load64(const uint8_t *p)
{
	return (uint64_t)load32(p) << 32 | load32(p + 4);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One number of at most `max_digits` digits without a leading zero; -1 if there is none such. */
static int scan_number(const char **s, const char *end, int max_digits)
{
	const char *p = *s;
	int value = 0;

	while (p < end && is_digit(*p) && p - *s < max_digits)
		value = value * 10 + (*p++ - '0');
	if (p == *s || (p < end && is_digit(*p)) || (**s == '0' && p - *s > 1))
		return -1;
	*s = p;
	return value;
}

static bool scan_v4(const char *s, const char *end, uint8_t *out)
{
	for (int i = 0; i < 4; i++) {
		if (i && (s == end || *s++ != '.'))
			return false;
		int octet = scan_number(&s, end, 3);
		if (octet < 0 || octet > 255)
			return false;
		out[i] = (uint8_t)octet;
	}
	return s == end;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups up to `end`; *gap is the group index of "::" or -1. Returns the bytes written, 0 when it
 * is no address. */
static int scan_groups(const char *s, const char *end, uint8_t *out, int *gap)
{
	int n = 0;

	*gap = -1;
	if (end - s >= 2 && s[0] == ':' && s[1] == ':') {
		*gap = 0;
		s += 2;
	}
	while (s < end) {
		const char *start = s;
		unsigned value = 0;

		while (s < end && s - start < 4 && hex_value(*s) >= 0)
			value = value << 4 | (unsigned)hex_value(*s++);
		if (s < end && *s == '.')
			return n <= 12 && scan_v4(start, end, out + n) ? n + 4 : -1;
		if (s == start || n == 16)
			return -1;
		out[n++] = (uint8_t)(value >> 8);
		out[n++] = (uint8_t)value;
		if (s == end)
			break;
		if (*s++ != ':' || s == end)
			return -1;
		if (*s == ':') {
			if (*gap >= 0)
				return -1;
			*gap = n;
			s++;
		}
	}
	return n;
}

static bool scan_v6(const char *s, const char *end, uint8_t *out)
{
	uint8_t tmp[16];
	int gap;
	int n = scan_groups(s, end, tmp, &gap);

	if (n < 0 || (gap < 0 ? n != 16 : n > 14))
		return false;
	memset(out, 0, 16);
	if (gap < 0)
		gap = n;
	memcpy(out, tmp, (size_t)gap);
	memcpy(out + 16 - (n - gap), tmp + gap, (size_t)(n - gap));
	return true;
}

/* Clears the host bits of the first `bytes` bytes; true when any was set. */
static bool clear_host_bits(uint8_t *addr, size_t bytes, uint8_t prefix)
{
	uint8_t lost = 0;

	for (size_t i = prefix / 8; i < bytes; i++) {
		uint8_t mask = i == prefix / 8 ? (uint8_t)(0xff >> prefix % 8) : 0xff;

		lost |= addr[i] & mask;
		addr[i] &= (uint8_t)~mask;
	}
	return lost != 0;
}

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* ::ffff:a.b.c.d is the IPv4 address; a network of mapped addresses the IPv4 network, when it holds
 * nothing else. */
static bool unmap(struct net *n)
{
	if (n->prefix < 96 || memcmp(n->addr, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return false;
	memmove(n->addr, n->addr + 12, 4);
	memset(n->addr + 4, 0, 12);
	n->family = 4;
	n->prefix = (uint8_t)(n->prefix - 96);
	return true;
}

/* a.b.c.d and nothing else, in one pass: nearly every row of a list of a million. False says nothing about other forms. */
static bool scan_plain_v4(const char *s, size_t len, uint8_t *out)
{
	unsigned value = 0, digits = 0, dots = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned d = (unsigned)(unsigned char)s[i] - '0';

		if (d <= 9) {
			if (digits && (!value || digits == 3))
				return false;
			value = value * 10 + d;
			digits++;
		} else if (s[i] == '.' && digits && dots < 3 && value <= 255) {
			out[dots++] = (uint8_t)value;
			value = digits = 0;
		} else {
			return false;
		}
	}
	out[3] = (uint8_t)value;
	return dots == 3 && digits && value <= 255;
}

bool net_parse(const char *s, size_t len, struct net *out, unsigned *flags)
{
	struct net n = {.family = 0};
	unsigned seen = 0;

	if (!len || len >= NET_BUF)
		return false;
	if (scan_plain_v4(s, len, n.addr)) {
		n.family = 4;
		n.prefix = 32;
		*out = n;
		if (flags)
			*flags = 0;
		return true;
	}
	const char *end = s + len;
	const char *slash = memchr(s, '/', len);
	const char *stop = slash ? slash : end;
	if (memchr(s, ':', (size_t)(stop - s)))
		n.family = scan_v6(s, stop, n.addr) ? 6 : 0;
	else
		n.family = scan_v4(s, stop, n.addr) ? 4 : 0;
	if (!n.family)
		return false;
	int full = n.family == 4 ? 32 : 128;
	n.prefix = (uint8_t)full;
	if (slash) {
		const char *p = slash + 1;
		int prefix = scan_number(&p, end, 3);

		if (prefix < 0 || prefix > full || p != end)
			return false;
		n.prefix = (uint8_t)prefix;
		seen |= NET_HAD_PREFIX;
	}
	if (n.family == 6 && unmap(&n))
		seen |= NET_WAS_MAPPED;
	if (clear_host_bits(n.addr, n.family == 4 ? 4 : 16, n.prefix))
		seen |= NET_HAS_HOST_BITS;
	*out = n;
	if (flags)
		*flags = seen;
	return true;
}

static char *put_octet(char *p, uint8_t v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *put_v4(char *p, const uint8_t *addr)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		p = put_octet(p, addr[i]);
	}
	return p;
}

/* RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::". */
static void find_zero_run(const uint8_t *addr, int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !addr[2 * (i + n)] && !addr[2 * (i + n) + 1])
			n++;
		if (n > *len) {
			*start = i;
			*len = n;
		}
		i += n;
	}
}

static char *put_group(char *p, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	bool started = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		if (started || v >> shift || !shift) {
			*p++ = digits[v >> shift & 15];
			started = true;
		}
	}
	return p;
}

static char *put_v6(char *p, const uint8_t *addr)
{
	int start, len;

	find_zero_run(addr, &start, &len);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			*p++ = ':';
			*p++ = ':';
			i += len - 1;
			continue;
		}
		if (i && p[-1] != ':')
			*p++ = ':';
		p = put_group(p, (unsigned)addr[2 * i] << 8 | addr[2 * i + 1]);
	}
	return p;
}

char *net_format(const struct net *n, char *out, size_t size)
{
	char tmp[NET_BUF];
	char *p = tmp;

	if (n->family == 4)
		p = put_v4(p, n->addr);
	else if (n->family == 6)
		p = put_v6(p, n->addr);
	if (n->family && !net_is_address(n)) {
		*p++ = '/';
		p = put_octet(p, n->prefix);
	}
	*p = '\0';
	if (size)
		snprintf(out, size, "%s", tmp);
	return out;
}

bool net_is_address(const struct net *n)
{
	return n->prefix == (n->family == 4 ? 32 : 128);
}

bool net_equal(const struct net *a, const struct net *b)
{
	return a->family == b->family && a->prefix == b->prefix && !memcmp(a->addr, b->addr, 16);
}

int net_cmp(const struct net *a, const struct net *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	int c = memcmp(a->addr, b->addr, 16);
	return c ? c : (int)a->prefix - (int)b->prefix;
}

/* The first `prefix` bits of both addresses are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, uint8_t prefix)
{
	uint64_t diff = load64(a) ^ load64(b);

	if (prefix <= 64)
		return !prefix || !(diff >> (64 - prefix));
	return !diff && !((load64(a + 8) ^ load64(b + 8)) >> (128 - prefix));
}

bool net_contains(const struct net *outer, const struct net *inner)
{
	return outer->family && outer->family == inner->family && outer->prefix <= inner->prefix &&
	       same_bits(outer->addr, inner->addr, outer->prefix);
}

void net_widen(const struct net *n, uint8_t prefix, struct net *out)
{
	*out = *n;
	if (prefix >= n->prefix)
		return;
	out->prefix = prefix;
	clear_host_bits(out->addr, n->family == 4 ? 4 : 16, prefix);
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return h;
}

uint64_t net_hash(const struct net *n)
{
	uint64_t h = mix(load64(n->addr) + n->family);

	return mix(h ^ load64(n->addr + 8) ^ (uint64_t)n->prefix << 56 ^ 0x9e3779b97f4a7c15u);
}

/* Docker's default address pools inside 172.16.0.0/12 are 172.17.0.0/16 to 172.31.0.0/16. */
static const struct {
	struct net net;
	enum net_kind kind;
} special[] = {
	{{{127}, 4, 8}, NET_LOOPBACK},
	{{{[15] = 1}, 6, 128}, NET_LOOPBACK},
	{{{169, 254}, 4, 16}, NET_LINK_LOCAL},
	{{{0xfe, 0x80}, 6, 10}, NET_LINK_LOCAL},
	{{{10}, 4, 8}, NET_PRIVATE},
	{{{172, 16}, 4, 12}, NET_PRIVATE},
	{{{192, 168}, 4, 16}, NET_PRIVATE},
	{{{0xfc}, 6, 7}, NET_PRIVATE},
	{{{0xfe, 0xc0}, 6, 10}, NET_PRIVATE},                     /* site-local, as it was */
	{{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 6, 48}, NET_PRIVATE}, /* a translator of one's own, RFC 8215 */
	{{{100, 64}, 4, 10}, NET_CGNAT},
	{{{172, 17}, 4, 16}, NET_DOCKER},
	{{{172, 18}, 4, 15}, NET_DOCKER},
	{{{172, 20}, 4, 14}, NET_DOCKER},
	{{{172, 24}, 4, 13}, NET_DOCKER},
	{{{224}, 4, 4}, NET_MULTICAST},
	{{{0xff}, 6, 8}, NET_MULTICAST},
	{{{0}, 4, 8}, NET_UNSPECIFIED},
	{{{0}, 6, 128}, NET_UNSPECIFIED},
};

/* Nearly all of a ban list is public, and the first byte tells. */
static bool is_plainly_public(const struct net *n)
{
	uint8_t first = n->addr[0];

	if (n->prefix < 8)
		return false;
	if (n->family == 6)
		return first && first < 0xfc;
	return first && first != 10 && first != 100 && first != 127 && first != 169 &&
	       first != 172 && first != 192 && first < 224;
}

enum net_kind net_kind(const struct net *n)
{
	if (is_plainly_public(n))
		return NET_PUBLIC;
	int inside = -1, across = -1;

	for (int i = 0; i < (int)ARRAY_LEN(special); i++) {
		const struct net *s = &special[i].net;

		if (net_contains(s, n) && (inside < 0 || s->prefix > special[inside].net.prefix))
			inside = i;
		else if (net_contains(n, s) &&
			 (across < 0 || s->prefix < special[across].net.prefix))
			across = i;
	}
	if (inside >= 0)
		return special[inside].kind;
	return across >= 0 ? special[across].kind : NET_PUBLIC;
}

const char *net_kind_text(enum net_kind k)
{
	static const char *const text[] = {
#define NET_KIND_TEXT(id, words) [NET_##id] = words,
		NET_KIND_INFO(NET_KIND_TEXT)
#undef NET_KIND_TEXT
	};

	return k < NET_KIND_COUNT ? text[k] : "";
}
