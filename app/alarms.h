/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What needs a person now: gateway banned, own address banned, reload refused, certificates, blocked and allowed at once. Made from the
 * snapshot; nothing is asked. The console puts them on top of every panel, `status` prints them. */
#ifndef APP_ALARMS_H
#define APP_ALARMS_H

#include "app/app.h"

enum alarm_cure { CURE_NONE, CURE_GATEWAY, CURE_ALLOW, CURE_WHY, CURE_CHECK, CURE_CERTS, CURE_MALFORMED };
struct alarm {
	bool is_bad;           /* acts against you now; else it will */
	enum alarm_cure what;  /* where Enter goes */
	char key[96];          /* identifies it across refreshes */
	char target[NET_BUF];  /* address or name the cure is for; "" = none */
	char text[320];        /* safe */
	char cure[120];        /* the verb that cures it, for `status`; "" = none */
};
struct alarms {
	struct alarm *rows;    /* bad ones first */
	size_t count, cap;
};
void alarms_find(struct app *a, struct alarms *out);
void alarms_release(struct alarms *al);

#endif
