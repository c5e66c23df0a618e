/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a server believes about client addresses, in whatever form its settings hold it. Not public: dialects fill a struct trust with it. */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "client/client.h"

#define TRUST_SETTING "proxy.trusted-networks"

struct trust *trust_new(void);
void trust_add(struct trust *t, const char *network, size_t len, const char *where);
/* One pair of the settings: networks in the value, or a member of a set, named by the end of its key and with a value that says nothing
 * (`server.proxy.trusted-networks.10.0.0.0/8` = ""). Pairs about something else are left out. */
void trust_take(struct trust *t, const char *key, const char *value);

#endif
