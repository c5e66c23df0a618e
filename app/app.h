/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What console and verbs share: one session, one store, the latest snapshot of every list, who the operator is, what this host is.
 * Knows neither screen nor output format. */
#ifndef APP_APP_H
#define APP_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/client.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/scope.h"
#include "model/cert.h"
#include "model/entry.h"
#include "model/guard.h"
#include "model/rate.h"
#include "store/store.h"

/* What a snapshot holds. id, words for "…: as of" */
#define SNAP_INFO(_)                                                                               \
	_(BLOCKED, "blocked addresses", READ_BLOCKED)                                              \
	_(ALLOWED, "allowed addresses", READ_ALLOWED)                                              \
	_(THRESHOLDS, "thresholds", READ_THRESHOLDS)                                               \
	_(CERTS, "certificates", READ_CERTS)                                                       \
	_(TRUST, "proxy trust", READ_TRUST)                                                        \
	_(CHECK, "configuration check", CHECK_CONFIG)
enum snap {
#define SNAP_ENUM(id, words, cap) SNAP_BIT_##id,
	SNAP_INFO(SNAP_ENUM)
#undef SNAP_ENUM
	SNAP_COUNT
};
#define SNAP(id) (1u << SNAP_BIT_##id)
const char *snap_words(enum snap s);

/* The newest answer of each kind; the one before stays until a new one is whole. */
struct snapshot {
	struct entrylist *list[LIST_COUNT]; /* NULL = never fetched */
	struct thresholds *thresholds;
	struct certlist *certs;
	struct trust *trust;
	struct config_check *check;
	int64_t fetched[SNAP_COUNT];        /* wall ms, TIME_NONE = never */
	int64_t asked[SNAP_COUNT];          /* clock_mono() of the last question */
	struct err err[SNAP_COUNT];         /* of the last question; NONE when it was answered */
	unsigned in_flight;                 /* SNAP bits */
	unsigned generation;                /* counts every change of anything here */
	struct history_tally *tallies;      /* bans and refused connections per address, in net_cmp order; from the store (app/learn.c) */
	size_t tally_count;
	int64_t tallies_read;               /* clock_mono() */
	bool tallies_known;
	struct tally_reader *tally_reader;  /* at work */
	struct timer tally_turn;
	unsigned learned;                   /* counts how often rows of a list that was there already took facts from the history */
};

/* Facts about this machine, gathered once and again on demand (app/host.c). */
struct host_facts {
	struct net ssh_client;              /* family 0 = not by SSH */
	struct net *addresses;              /* of this host's interfaces */
	size_t address_count;
	struct host_gateway { struct net net; char interface[32]; bool is_bridge, is_default; char what[64]; } *gateways;
	size_t gateway_count;
};

struct observer {
	struct scope_item item;
	struct observer *next;
	struct app *app;
	void (*fn)(void *arg, unsigned snaps); /* SNAP bits that changed; 0 = session state */
	void *arg;
};

/* Blocked entries take reason and time from the history where the server has none. */
enum learn {
	LEARN_NOT,
	LEARN_AT_ONCE,  /* before anybody hears of the list: a verb prints it once */
	LEARN_BY_TURNS  /* in slices of the loop; who observes the list hears of it again */
};

struct app_options {
	const char *config_file, *state_dir, *profile; /* NULL = defaults */
	const char *url, *user, *dialect, *log_source, *cacert;
	const char *const *endpoints, *const *cert_files; /* to be looked at: endpoints instead of the profile's, files besides them */
	size_t endpoint_count, cert_file_count;
	bool read_only, insecure, force, yes, dry_run;
	int64_t timeout_ms;  /* 0 = the profile's */
	int64_t watch_ms;    /* 0 = do not watch */
	bool verbose;
	bool no_store;       /* a verb that needs neither history nor journal */
	enum learn learn;
};

struct watch;
struct pipe;
struct lookup;
struct gateway_watch;
struct near_watch;
struct geo;

/* What the last look at endpoints found wrong (app/certs.c); app/alarms.c tells it. */
struct served_fault { char name[128]; uint16_t port; bool is_bad; char text[160]; };
#define SERVED_FAULTS 4

struct snap_ask { struct app *app; enum snap what; }; /* argument of an answer; one of a kind is under way at most */

struct app {
	struct loop *loop;
	struct app_options options;
	struct config config;
	struct profile profile;      /* the chosen one, options applied */
	struct session *session;
	struct store *store;         /* NULL: store_err says why */
	struct err store_err;
	struct geo *geo;             /* MaxMind databases; NULL = none configured, or geo_err (app/places.c) */
	struct err geo_err;
	char state_dir[4096];
	char log_path[4096];         /* the local log, once chosen (app/sync.c) */
	char operator_name[256];     /* "root (SUDO_USER alice) from 198.51.100.7": login, SUDO_USER, SSH client */
	char login[64];              /* what is stored as "by" */
	struct host_facts host;
	struct lookup *names;        /* of the URL's host (app/names.c); NULL = not asked for */
	struct snapshot snap;
	struct snap_ask asks[SNAP_COUNT];
	struct observer *observers, *notify_next; /* notify_next: a notified observer may remove any other */
	struct scope scope;          /* app-wide work: fetches, changes; outlives panels */
	int64_t rescue_id;           /* store row of a pending rescue, 0 = none */
	struct served_fault served[SERVED_FAULTS];
	size_t served_count;
	struct timer poll;
	void (*trace)(void *arg, const char *line); /* -v and the command log; line is safe text without secrets */
	void *trace_arg;
	char log[64][160];           /* the last requests, newest at log_at - 1 */
	unsigned log_at;
	unsigned jobs;               /* syncs and certificate gatherings under way: the console is not idle */
	unsigned runs;               /* changes under way (app/run.c), looking again at earlier ones included */
	int64_t resume_next;         /* clock_mono() before which earlier changes are not looked at again */
	struct watch *watch;         /* app/watch.h; NULL = nothing is watched */
	struct pipe *pipe;           /* app/pipe.h; NULL = standard input is no log, or not read yet */
	int64_t startup_seen;        /* wall ms: the server's last start that was looked at (app/startup.c) */
	struct gateway_watch *gateway_watch; /* app/gateway_watch.h; NULL until a line came */
	struct near_watch *near_watch; /* app/near.h; NULL until a panel asked */
};

/* A job of steps takes as many of them in one turn of the loop as fit in this; a step is far shorter where nothing has to be read from the disk. */
#define APP_TURN_MS 4
static inline bool app_turn_is_over(int64_t began)
{
	return clock_mono() - began >= APP_TURN_MS;
}

/* Loads configuration, opens the store, makes the session; nothing is sent yet. options' strings must outlive the app. */
bool app_init(struct app *a, struct loop *loop, const struct app_options *options, struct err *err);
void app_release(struct app *a);

/* The secret without asking: environment (unset afterwards), password_file, netrc. 1 = set, 0 = none there, -1 = err. A password_command is
 * run on the loop; done runs when the secret is set or has failed. */
int app_secret_find(struct app *a, struct err *err);
bool app_secret_command(struct app *a, void (*done)(void *arg, bool ok, const struct err *err), void *arg); /* false: there is none */
/* A password of user, or an API key, which is known by its form wherever it comes from. */
bool app_secret_give(struct app *a, const char *user, const char *secret, struct err *err);
void url_host(const char *url, char *out, size_t size);

/* Fresh machine: no URL anywhere. Tries https 443, http 8080 on loopback; sets profile.url. Done is called with ok = something listens. */
void app_discover(struct app *a, void (*done)(void *arg, bool ok), void *arg);
/* The profile's URL or user changed before anything was sent: a new session for it. */
bool app_remake_session(struct app *a, struct err *err);
void app_connect(struct app *a);
/* Another server while the console runs: drops snapshot and session. */
bool app_switch(struct app *a, const char *profile, struct err *err);

/* Asks for the SNAP bits that are older than max_age_ms (0 = all) and not in flight. Kinds this server lacks are answered by err at once. */
void app_refresh(struct app *a, unsigned snaps, int64_t max_age_ms);
void app_observe(struct app *a, struct observer *o, struct scope *owner, void (*fn)(void *arg, unsigned snaps), void *arg);
void app_notify(struct app *a, unsigned snaps);
void snapshot_release(struct snapshot *s);
/* learn.c: fills in what the history knows, if options.learn; done by itself whenever the list comes. */
void app_learn(struct app *a, bool is_new); /* is_new: its rows know nothing yet; else only what the history learned since is read */
void app_learn_again(struct app *a); /* the store took new lines in */
/* What the session's server and credentials allow; err says which is missing and why: by generation, permission, or read-only mode. */
bool app_can(const struct app *a, unsigned caps, struct err *err);
bool app_is_writable(const struct app *a, const char **why); /* read-only mode says why */

/* host.c */
void host_gather(struct host_facts *h, const char *root); /* root: "" or a sandbox holding proc/ and sys/ */
void host_release(struct host_facts *h);
/* n is the gateway of a docker network of that name. */
void host_name_gateway(struct host_facts *h, const struct net *n, const char *name);
/* "Docker bridge gateway of this host (docker0)", "default route of this host (eth0)", "this host", or NULL. */
const char *host_words(const struct host_facts *h, const struct net *n, char *out, size_t size);

/* names.c: the addresses of the host in the URL. Asked for as soon as the proxy trust is: whoever wants that, is about to ask the guards. */
void names_look_up(struct app *a);
bool names_are_pending(const struct app *a);
void names_add(const struct app *a, struct netvec *out);
void names_release(struct app *a);

/* guards.c: what model/guard.h wants to know, borrowed from app. */
void app_guard_facts(struct app *a, struct guard_facts *out);

#endif
