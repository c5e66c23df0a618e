/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A dialect: pure translation between what the console wants and what one family of servers speaks. No I/O, no clock,
 * no hidden state. client/exec.c drives the slots below; adding a dialect is one file and one row in dialects.h.
 *
 * A change runs as:  BEFORE (batches) → WRITE (batches) → READ_BACK (batches) → RELOAD (one per needed kind) → RESET → judge.
 * BEFORE and READ_BACK are the same slot (`read`): it answers the canonical text of each edit's target, NULL = absent. exec compares
 * READ_BACK with `wanted`, BEFORE with edit.expected, and never asks which server it talks to. */
#ifndef CLIENT_DIALECT_H
#define CLIENT_DIALECT_H

#include "client/client.h"
#include "client/dialects.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PATCH, HTTP_DELETE, HTTP_PUT };
const char *http_method_text(enum http_method m);

struct request {
	enum http_method method;
	struct buf path;          /* from '/', query included, already percent-encoded */
	struct buf body;          /* empty = none; JSON */
	bool stream;              /* the answer goes item by item through `item` instead of into response.body */
	size_t max_body;          /* bytes; 0 = 8 MiB (256 MiB when streamed) */
	bool secret;              /* body or answer may hold a private key: buffers are wiped, never traced */
};

struct response {
	int status;               /* 0 = no HTTP answer: see err */
	struct err err;           /* transport failure: NETWORK, TIMEOUT, LIMIT, CANCELLED */
	bool sent;                /* the request may have reached the server (a lost answer to a write is UNKNOWN, not NOT_STORED) */
	const char *body;         /* NUL-terminated; when streamed, only its first 64 KiB */
	size_t len;
	char type[80];            /* media type, lower case, without parameters */
	char location[256];       /* of a redirect, sanitised; never followed */
	int64_t retry_after_ms;   /* -1 = not given */
	bool stream_ok;           /* streamed: the document was complete and well-formed */
};

/* One scalar met while streaming JSON: path is the chain of keys/indices to it. */
enum json_type { JSON_ITEM_NULL, JSON_ITEM_BOOL, JSON_ITEM_NUMBER, JSON_ITEM_STRING, JSON_ITEM_OBJECT_END, JSON_ITEM_ARRAY_END };
struct json_path {
	int depth;                          /* number of levels; 0 = the document itself */
	struct { const char *key; size_t key_len; size_t index; } level[16]; /* key NULL inside an array; deeper levels are counted, not kept */
};
struct json_item {
	enum json_type type;
	const char *s;            /* string (decoded, may hold NUL) or number text; borrowed */
	size_t len;
	bool b;
};

struct server {                   /* what detection found; const for the dialect during an exchange */
	struct server_info info;
	char api_path[128];       /* jmap: path of apiUrl */
	bool capital_ops;         /* settings: Insert/Delete/Clear (up to 0.10.7) */
	int threshold_family;     /* settings: dialect's own */
	int shape;                /* rest, settings: dialect's own */
	bool read_only;           /* nothing that writes may be sent, harmless probes included */
};

/* State of one fetch or one step of a change, carried across several requests. Zeroed at the start; a dialect may use the ints as it likes. */
struct cursor {
	unsigned round;           /* requests made so far */
	size_t pos, total;        /* dialect's own paging */
	int phase;                /* dialect's own */
	char text[256];           /* dialect's own: anchor, partial field … */
	void *memo;               /* dialect's own heap state; freed by dialect_ops.memo_free */
};

struct fetch_job {
	const struct fetch *fetch;
	struct fetch_reply *reply;  /* rows are added here; exec finishes lists */
	struct cursor cur;
};

/* A batch of a change step: edits [first, first + count) of change. encode sets count (>= 1) to what fits the server's limits. */
struct batch {
	const struct change *change;
	size_t first, count;
	struct cursor cur;
	/* decode fills, one per edit of the batch (exec zeroes them before the first encode): */
	struct edit_result {
		bool ok;              /* write: accepted; read: known */
		enum err_code why;    /* !ok */
		char *value;          /* read: canonical text or NULL = absent; write of a renewal: its task; owned by exec afterwards */
		char *id;             /* read: the server's object id, or NULL; given back to later writes */
		char *text;           /* write refused: the server's words, or an explanation; owned by exec afterwards */
	} *result;
	const char *const *ids;   /* write: ids found by BEFORE, per edit of the whole change, entries may be NULL */
	const char *const *before; /* write: values found by BEFORE, likewise */
	const bool *skip;         /* write: per edit of the whole change: nothing to do, leave out */
	const struct session_hooks *hooks; /* write: rescue for steps that delete more than asked */
};

enum decode { DECODE_DONE, DECODE_MORE /* encode again with the same cursor */, DECODE_FAIL /* *err says why */ };

/* Kinds of reload; a dialect maps them to its calls. Order = order of running. */
enum reload_kind { RELOAD_BLOCKED, RELOAD_SETTINGS, RELOAD_CERTS, RELOAD_KIND_COUNT };
struct reload_result {
	bool ok;                  /* what depends on this reload is live */
	enum err_code why;
	bool asynchronous;        /* accepted; live a moment later */
	struct check_problem *errors; /* the keys that refused, owned by exec afterwards */
	size_t error_count;
	bool good_ones_live;      /* errors are listed, but entries not named are live all the same (0.15 partial reload) */
	char text[256];
};

struct probe_reply { const char *path; const struct response *response; };

/* A slot may be NULL where the server has no such thing: its callers refuse with slot_missing(), and the probe leaves the capability out, so
 * that nobody asks. Only `name` and the probe must be there; encode and decode of one thing come together, and so do `wanted`, reading and
 * writing. */
struct dialect_ops {
	const char *name;         /* for --dialect */
	/* Detection: one read-only request; score 0 = not this server, else fills *srv (generation, caps, dialect's own). */
	bool (*probe_encode)(struct request *req);
	int (*probe_decode)(const struct response *res, struct server *srv);
	/* After a positive probe: further reads until DONE (families, op-name case by a harmless empty insert, permissions). */
	bool (*refine_encode)(const struct server *srv, struct cursor *cur, bool permissions, struct request *req);
	enum decode (*refine_decode)(struct server *srv, struct cursor *cur, bool permissions, const struct response *res, struct err *err);

	bool (*fetch_encode)(const struct server *srv, struct fetch_job *job, struct request *req, struct err *err);
	void (*fetch_item)(const struct server *srv, struct fetch_job *job, const struct json_path *path, const struct json_item *item); /* streamed */
	enum decode (*fetch_decode)(const struct server *srv, struct fetch_job *job, const struct response *res, struct err *err);

	/* The canonical text that READ_BACK must give for this edit; false = must be absent. Values compare as text. Of an entry that is not there
	 * before it does not depend on the address. */
	bool (*wanted)(const struct server *srv, const struct edit *e, const char *before, struct buf *out);
	bool (*read_encode)(const struct server *srv, struct batch *b, struct request *req, struct err *err);
	void (*read_item)(const struct server *srv, struct batch *b, const struct json_path *path, const struct json_item *item); /* streamed */
	enum decode (*read_decode)(const struct server *srv, struct batch *b, const struct response *res, struct err *err);
	/* Also asked for the next batch while the answer to this one is awaited: sets the batch's count and cur, and nothing else. */
	bool (*write_encode)(const struct server *srv, struct batch *b, struct request *req, struct err *err);
	enum decode (*write_decode)(const struct server *srv, struct batch *b, const struct response *res, struct err *err);
	/* Of a write that takes several requests: on to the next, as if the last had been answered as usual; false = that was it. For showing it. */
	bool (*write_next)(const struct server *srv, struct batch *b, const struct entrylist *blocked);

	unsigned (*reloads)(const struct server *srv, const struct edit *e); /* bit per reload_kind that makes it live; 0 = at once */
	/* Why an accepted, reloaded edit is still not in force ("a new rate works only after a restart"), or NULL. */
	const char *(*caveat)(const struct server *srv, const struct edit *e);
	bool (*reload_encode)(const struct server *srv, enum reload_kind kind, struct cursor *cur, struct request *req, struct err *err);
	enum decode (*reload_decode)(const struct server *srv, enum reload_kind kind, struct cursor *cur, const struct response *res, struct reload_result *out, struct err *err);
	bool (*reset_encode)(const struct server *srv, unsigned classes, struct cursor *cur, struct request *req, struct err *err);
	enum decode (*reset_decode)(const struct server *srv, unsigned classes, struct cursor *cur, const struct response *res, struct err *err);
	void (*memo_free)(void *memo);
};

#define DIALECT_EXTERN(name) extern const struct dialect_ops dialect_##name;
DIALECT_INFO(DIALECT_EXTERN)
#undef DIALECT_EXTERN
extern const struct dialect_ops *const dialects[]; /* in probing order; NULL-terminated */
const struct dialect_ops *dialect_by_name(const char *name);

/* Shared by dialects (dialect_util.c). */
void path_escape(struct buf *out, const char *s, size_t len); /* percent-encodes everything but unreserved */
/* Turns any non-2xx or unusable answer into *err: problem+json title/detail, HTML named as such, redirect target shown, 401 → AUTH, 403 → PERMISSION,
 * 404 → NOT_FOUND, 429 → LIMIT, 5xx → SERVER. Text is sanitised and at most 200 characters. Returns true when the status is 2xx. */
bool response_check(const struct response *res, struct err *err);
/* What a block's or allow's value must be on servers up to 0.15, which ignore it (doc/stored-values.md): what stands there, or a new one. */
void edit_value(const struct edit *e, const char *before, struct buf *out);
/* The refusal where a dialect leaves out the slot for that capability. Always false. */
bool slot_missing(unsigned caps, struct err *err);

#endif
