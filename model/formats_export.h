/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the export, for model/formats_export*.c only. */
#ifndef MODEL_FORMATS_EXPORT_H
#define MODEL_FORMATS_EXPORT_H

#include "core/buf.h"
#include "model/formats.h"

#define EXPORT_PIECE ((size_t)64 << 10)

struct writer {
	struct buf out;
	export_fn fn;
	void *arg;
	bool failed;
	int64_t now;
	struct export_tally tally;
	const struct export_list *lists;
	size_t list_count;
};

/* A row about to be written. */
struct item {
	const struct entrylist *l;
	enum list_kind kind;
	size_t row;
	const bool *chosen; /* by row: what is exported of the list; NULL = all */
	struct net net;
	enum entry_state state;
	char net_text[NET_BUF];
};

const char *export_list_name(enum list_kind k);
int64_t export_seconds_left(const struct writer *w, const struct item *it); /* 0 = for ever */
void export_flush(struct writer *w, size_t above);

/* ---- sets of a firewall (formats_export_sets.c) ---- */
/* Another row that is exported blocks as much, for as long. */
bool export_is_covered(const struct item *it, int64_t now);
void export_nft_begin(struct writer *w);
void export_nft_item(struct writer *w, const struct item *it);
void export_ipset_begin(struct writer *w);
void export_ipset_item(struct writer *w, const struct item *it);

#endif
