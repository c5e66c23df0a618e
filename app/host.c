/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this machine is: its addresses, its bridges and default routes, and who is logged in on it. Read from the kernel (getifaddrs, /proc,
 * /sys), so no docker command is needed. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "core/mem.h"
#include "core/text.h"

#define ANCESTORS_MAX 32
#define ENVIRON_MAX   (256 * 1024)

static bool net_of_sockaddr(const struct sockaddr *sa, struct net *out)
{
	memset(out, 0, sizeof(*out));
	if (sa && sa->sa_family == AF_INET) {
		memcpy(out->addr, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
		out->family = 4;
		out->prefix = 32;
		return true;
	}
	if (sa && sa->sa_family == AF_INET6) {
		memcpy(out->addr, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
		out->family = 6;
		out->prefix = 128;
		return true;
	}
	return false;
}

static void add_gateway(struct host_facts *h, const struct net *n, const char *interface, bool is_bridge, bool is_default)
{
	struct host_gateway *g;

	for (size_t i = 0; i < h->gateway_count; i++)
		if (net_equal(&h->gateways[i].net, n)) {
			h->gateways[i].is_bridge |= is_bridge;
			h->gateways[i].is_default |= is_default;
			return;
		}
	h->gateways = xreallocarray(h->gateways, h->gateway_count + 1, sizeof(*h->gateways));
	g = &h->gateways[h->gateway_count++];
	*g = (struct host_gateway){ .net = *n, .is_bridge = is_bridge, .is_default = is_default };
	text_safe_str(g->interface, sizeof(g->interface), interface, strlen(interface));
}

void host_name_gateway(struct host_facts *h, const struct net *n, const char *name)
{
	char safe[24];

	add_gateway(h, n, "docker", true, false);
	text_safe_str(safe, sizeof(safe), name, strlen(name));
	for (size_t i = 0; i < h->gateway_count; i++)
		if (net_equal(&h->gateways[i].net, n))
			snprintf(h->gateways[i].what, sizeof(h->gateways[i].what), "gateway of the docker network %s",
				safe);
}

static bool interface_is_bridge(const char *root, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/bridge", root, name);
	return stat(path, &st) == 0;
}

/* A bridge's own address is what its containers' traffic seems to come from: Docker's gateway. */
static void read_interfaces(struct host_facts *h, const char *root)
{
	struct ifaddrs *list, *i;
	struct net n;

	if (getifaddrs(&list) != 0)
		return;
	for (i = list; i; i = i->ifa_next) {
		if (!net_of_sockaddr(i->ifa_addr, &n))
			continue;
		h->addresses = xreallocarray(h->addresses, h->address_count + 1, sizeof(n));
		h->addresses[h->address_count++] = n;
		if (interface_is_bridge(root, i->ifa_name))
			add_gateway(h, &n, i->ifa_name, true, false);
	}
	freeifaddrs(list);
}

/* /proc/net/route: interface, destination, gateway in hex, host byte order of the kernel (little-endian words as printed). */
static void read_routes(struct host_facts *h, const char *root)
{
	char path[512], line[512], interface[64];
	unsigned destination, gateway;
	struct net n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/net/route", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %x %x", interface, &destination, &gateway) != 3 || destination != 0 ||
			gateway == 0)
			continue;
		n = (struct net){ .family = 4, .prefix = 32 };
		memcpy(n.addr, &gateway, 4);
		add_gateway(h, &n, interface, false, true);
	}
	if (f)
		fclose(f);
}

/* /proc/net/ipv6_route: destination, prefix, source, prefix, next hop, … interface; hex. */
static void read_routes6(struct host_facts *h, const char *root)
{
	char path[512], line[512], destination[40], source[40], hop[40], interface[64];
	unsigned prefix, source_prefix, a, b, c, flags;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/net/ipv6_route", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		struct net n = { .family = 6, .prefix = 128 };
		unsigned byte = 0, any = 0;

		if (sscanf(line, "%39s %x %39s %x %39s %x %x %x %x %63s", destination, &prefix, source, &source_prefix, hop, &a, &b, &c,
			    &flags, interface) != 10 ||
			prefix != 0 || strlen(hop) != 32)
			continue;
		for (int i = 0; i < 16 && sscanf(hop + 2 * i, "%2x", &byte) == 1; i++)
			n.addr[i] = (uint8_t)byte, any |= byte;
		if (any)
			add_gateway(h, &n, interface, false, true);
	}
	if (f)
		fclose(f);
}

/* ---- who is logged in: sudo and su take SSH_CONNECTION away, the shell they were called from still has it ---- */

static bool read_proc(const char *root, long pid, const char *what, struct buf *out)
{
	char path[512], chunk[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%ld/%s", root, pid, what);
	f = fopen(path, "re");
	if (!f)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && out->len < ENVIRON_MAX)
		buf_add(out, chunk, n);
	fclose(f);
	return out->len > 0;
}

static const char *const ssh_names[] = { "SSH_CONNECTION", "SSH_CLIENT" };

/* environ is NAME=VALUE, each ending in a NUL. */
static const char *find_variable(const struct buf *environ_text, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < environ_text->len; at += strlen(environ_text->data + at) + 1)
		if (!strncmp(environ_text->data + at, name, len) && environ_text->data[at + len] == '=')
			return environ_text->data + at + len + 1;
	return NULL;
}

/* "pid (name) state ppid …"; the name may hold anything. 0 = not known */
static long parent_of(const char *root, long pid)
{
	struct buf text = BUF_INIT;
	const char *end;
	long parent = 0;
	char state;

	if (read_proc(root, pid, "stat", &text) && (end = strrchr(buf_str(&text), ')')) &&
		sscanf(end + 1, " %c %ld", &state, &parent) != 2)
		parent = 0;
	buf_release(&text);
	return parent;
}

static void ask_ancestors(const char *root, struct net *client)
{
	long pid = getppid();

	for (int i = 0; i < ANCESTORS_MAX && pid > 1 && !client->family; i++, pid = parent_of(root, pid)) {
		struct buf text = BUF_INIT;
		bool is_read = read_proc(root, pid, "environ", &text);

		for (size_t k = 0; is_read && k < ARRAY_LEN(ssh_names) && !client->family; k++)
			guard_parse_ssh(find_variable(&text, ssh_names[k]), client, NULL);
		buf_release(&text);
	}
}

void host_gather(struct host_facts *h, const char *root)
{
	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < ARRAY_LEN(ssh_names) && !h->ssh_client.family; i++)
		guard_parse_ssh(getenv(ssh_names[i]), &h->ssh_client, NULL);
	if (!h->ssh_client.family) /* not there, or nothing that says who it is */
		ask_ancestors(root, &h->ssh_client);
	read_interfaces(h, root);
	read_routes(h, root);
	read_routes6(h, root);
}

void host_release(struct host_facts *h)
{
	free(h->addresses);
	free(h->gateways);
	memset(h, 0, sizeof(*h));
}

const char *host_words(const struct host_facts *h, const struct net *n, char *out, size_t size)
{
	for (size_t i = 0; i < h->gateway_count; i++) {
		const struct host_gateway *g = &h->gateways[i];

		if (!net_equal(&g->net, n))
			continue;
		if (g->what[0])
			snprintf(out, size, "%s", g->what);
		else if (g->is_bridge)
			snprintf(out, size, "%s gateway of this host (%s)",
				strncmp(g->interface, "docker", 6) ? "bridge" : "Docker bridge", g->interface);
		else
			snprintf(out, size, "default route of this host (%s)", g->interface);
		return out;
	}
	for (size_t i = 0; i < h->address_count; i++)
		if (net_equal(&h->addresses[i], n)) {
			snprintf(out, size, "this host itself");
			return out;
		}
	return NULL;
}
