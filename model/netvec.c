/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small arrays of nets, searched one by one. */
#include "model/netvec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void netvec_release(struct netvec *v)
{
	free(v->items);
	*v = (struct netvec){0};
}

static void add_octets(struct netvec *v, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		v->octets[i / 64] |= UINT64_C(1) << i % 64;
}

/* Where IPv4 is in IPv6. */
static const struct net forms[] = {
	{{[10] = 0xff, [11] = 0xff}, 6, 96},      /* ::ffff:a.b.c.d */
	{{0x00, 0x64, 0xff, 0x9b}, 6, 96},        /* 64:ff9b::a.b.c.d, behind a translator */
};

/* An IPv6 network with some IPv4 in it may have to do with all of it. */
static void note_octets(struct netvec *v, const struct net *n)
{
	if (n->family == 4)
		add_octets(v, n->addr[0], n->addr[0] | (n->prefix < 8 ? 0xffu >> n->prefix : 0));
	for (size_t i = 0; n->family == 6 && i < ARRAY_LEN(forms); i++)
		if (net_contains(n, &forms[i]) || net_contains(&forms[i], n))
			add_octets(v, 0, 255);
}

static bool is_far(const struct netvec *v, const struct net *n)
{
	return n->family == 4 && n->prefix >= 8 && !(v->octets[n->addr[0] / 64] & UINT64_C(1) << n->addr[0] % 64);
}

void netvec_add(struct netvec *v, const struct net *n)
{
	if (!n->family)
		return;
	for (size_t i = 0; i < v->count; i++)
		if (net_equal(&v->items[i], n))
			return;
	xgrow(&v->items, &v->cap, v->count + 1, sizeof(*v->items));
	v->items[v->count++] = *n;
	note_octets(v, n);
}

bool netvec_add_text(struct netvec *v, const char *s)
{
	char plain[NET_BUF];
	struct net n;

	s += strspn(s, " \t\r\n");
	size_t len = strlen(s);
	while (len && strchr(" \t\r\n", s[len - 1]))
		len--;
	size_t address = strcspn(s, "%"), prefix = strcspn(s, "/");
	if (address < len && address < sizeof(plain)) { /* a zone names an interface here: no server knows it */
		int cut = snprintf(plain, sizeof(plain), "%.*s%.*s", (int)address, s,
			prefix > address && prefix < len ? (int)(len - prefix) : 0, s + prefix);
		s = plain;
		len = cut > 0 && (size_t)cut < sizeof(plain) ? (size_t)cut : 0;
	}
	if (!net_parse(s, len, &n, NULL))
		return false;
	netvec_add(v, &n);
	return true;
}

bool net_contains_mapped(const struct net *outer, const struct net *inner)
{
	if (outer->family == inner->family)
		return net_contains(outer, inner);
	for (size_t i = 0; outer->family == 6 && inner->family == 4 && i < ARRAY_LEN(forms); i++) {
		struct net form = forms[i];

		form.prefix = (uint8_t)(inner->prefix + 96);
		memcpy(form.addr + 12, inner->addr, 4);
		if (net_contains(outer, &form))
			return true;
	}
	return false;
}

const struct net *netvec_inside(const struct netvec *v, const struct net *n)
{
	for (size_t i = 0; !is_far(v, n) && i < v->count; i++)
		if (net_contains_mapped(n, &v->items[i]))
			return &v->items[i];
	return NULL;
}

const struct net *netvec_around(const struct netvec *v, const struct net *n)
{
	for (size_t i = 0; !is_far(v, n) && i < v->count; i++)
		if (net_contains_mapped(&v->items[i], n))
			return &v->items[i];
	return NULL;
}

const struct net *netvec_touching(const struct netvec *v, const struct net *n)
{
	const struct net *inside = netvec_inside(v, n);

	return inside ? inside : netvec_around(v, n);
}
