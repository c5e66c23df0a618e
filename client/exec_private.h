/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of a change being carried out, for exec*.c only. */
#ifndef CLIENT_EXEC_PRIVATE_H
#define CLIENT_EXEC_PRIVATE_H

#include "client/exec_judge.h"
#include "client/session_private.h"

/* In order. Each phase is left through exec_advance(), the one place that decides what comes next. */
enum exec_phase {
	EXEC_START,     /* waits for the session; then sorts the edits */
	EXEC_BEFORE,    /* reads every target, in batches */
	EXEC_PLAN,      /* what is there already, what somebody else changed */
	EXEC_WRITE,     /* in batches; the operator may stop between two */
	EXEC_READ_BACK, /* in batches */
	EXEC_COMPARE,   /* what is stored as wanted, which reloads that needs */
	EXEC_RELOAD,    /* one per kind */
	EXEC_RESET,
	EXEC_JUDGE,
	EXEC_END,
};

/* Of one edit at work. What the texts point to belongs to exec.words or to the outcome. */
struct exec_edit {
	size_t index;              /* in the change */
	struct facts_step before, write, after;
	bool no_op, conflict, wants_value, matches, stopped;
	uint8_t reloads;
};

/* The batch of writes after the one under way, and its request. */
struct exec_ahead {
	bool is_ready;
	struct batch batch;
	struct request req;
	struct timer timer;
};

enum { MAP_ACTION = -1, MAP_IMPOSSIBLE = -2, MAP_LEAVE = -3 /* a recheck does not concern it */ };

struct exec {
	LIST_ENTRY(exec) link;
	struct scope_item item;
	struct session *session;
	struct change *change;
	progress_fn progress;
	change_fn done;
	void *arg;
	bool is_recheck, recheck_reloads;
	enum exec_phase phase;
	bool lost;                 /* nothing more can be sent, because of: */
	struct facts_step loss;
	bool write_over;           /* the rest may not be written either */
	bool has_written;          /* a write was sent, or tried */
	bool encode_failed;        /* of the exchange that is being told */
	bool stop;
	bool detected_again;
	unsigned patience;         /* 429 answers waited out */
	const struct dialect_ops *dialect; /* from EXEC_START on, with the server it was found with */
	struct server server;
	unsigned epoch;            /* of that server */
	struct exchange *exchange;
	struct timer slice;
	int64_t began;
	int64_t step_ms;           /* of the requests of one batch */
	/* edits that are written and read; the others are actions or impossible */
	struct change work;        /* edits shared with change: only for dialects to look at */
	bool work_is_copy;
	struct exec_edit *at;      /* work.count of them */
	ptrdiff_t *map;            /* per edit of change: where it is at work, or MAP_… */
	bool *skip;                /* per edit of work, for dialects */
	const char **ids, **before;
	struct edit_result *result;
	struct batch batch;
	struct exec_ahead ahead;
	size_t next;               /* first edit not in a batch yet */
	/* what is not about one edit */
	unsigned reload_bits;
	int reload_kind;           /* being run */
	struct cursor cur;         /* of reload and reset */
	struct facts_reload reload[RELOAD_KIND_COUNT];
	struct reload_result reload_result;
	struct facts_step reset;
	unsigned reset_classes;
	struct exec_wanted {       /* what the edit that was looked at last is to lead to */
		const struct edit *of; /* NULL = good for that one only */
		bool is_there;
		struct buf text;
	} wanted;
	char **words;              /* texts kept until the end, no two equal neighbours */
	size_t word_count, word_cap;
};

/* exec_work.c */
void exec_begin(struct exec *x); /* sorts the edits; sets the phase */
void exec_work_release(struct exec *x);
void exec_free(struct exec *x); /* with its change, if that is still there */
unsigned exec_edit_caps(enum edit_kind k);
unsigned exec_reloads(const struct exec *x, const struct edit *e); /* bit per reload_kind; 0 = none is needed */
bool exec_edit_is_possible(const struct exec *x, const struct edit *e, struct err *err);

/* exec_steps.c: one phase each. */
bool exec_read_encode(struct exec *x, struct request *req, struct err *err);
bool exec_write_encode(struct exec *x, struct request *req, struct err *err);
bool exec_reload_encode(struct exec *x, struct request *req, struct err *err);
bool exec_reset_encode(struct exec *x, struct request *req, struct err *err);
/* decode: true when the phase's current batch, kind or class is through; false = encode again. */
bool exec_read_decode(struct exec *x, const struct response *res);
bool exec_write_decode(struct exec *x, const struct response *res);
bool exec_reload_decode(struct exec *x, const struct response *res);
bool exec_reset_decode(struct exec *x, const struct response *res);
/* One edit of the phases that ask nothing. */
void exec_plan_one(struct exec *x, size_t i);
void exec_compare_one(struct exec *x, size_t i);
void exec_judge_one(struct exec *x, size_t index); /* index in the change */
void exec_step_refused(struct exec *x, const struct err *err); /* the dialect can't make the request of this phase */
void exec_batch_init(struct exec *x, struct batch *b, size_t first); /* empty, from that edit on */
void exec_batch_bound(const struct exec *x, struct batch *b);        /* what a dialect says of its size, within reason */
void exec_batch_begin(struct exec *x);
void exec_batch_end(struct exec *x);
void exec_cursor_release(struct exec *x, struct cursor *cur);
const char *exec_keep(struct exec *x, const char *text); /* sanitised copy, good until the end; NULL stays NULL */

/* exec_batch.c: the batch of writes after the one under way. */
void exec_ahead_begin(struct exec *x); /* a batch of writes is on its way */
bool exec_ahead_take(struct exec *x, struct request *req); /* true: batch and request are there */
void exec_ahead_drop(struct exec *x);

#endif
