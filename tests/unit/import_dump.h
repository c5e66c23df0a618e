/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An import as text, for the tests that compare. */
#ifndef TESTS_UNIT_IMPORT_DUMP_H
#define TESTS_UNIT_IMPORT_DUMP_H

#include <inttypes.h>

#include "core/clock.h"
#include "model/formats.h"

/* Rows as "LINE NET reason=… note=… from=… to=… list=…", then bad lines as "LINE! TEXT: WHY". */
static inline char *dump(const struct import *im)
{
	struct buf out = BUF_INIT;
	char net[NET_BUF], t[TIME_BUF];

	for (size_t i = 0; i < im->count; i++) {
		const struct import_row *r = &im->rows[i];

		buf_addf(&out, "%u %s", r->line, net_format(&r->net, net, sizeof(net)));
		if (r->reason)
			buf_addf(&out, " reason=%s", reason_text((enum reason)r->reason));
		if (*import_note(im, r))
			buf_addf(&out, " note=%s", import_note(im, r));
		if (r->created != TIME_NONE)
			buf_addf(&out, " from=%s", time_format(r->created, t, sizeof(t)));
		if (r->expires != TIME_NONE)
			buf_addf(&out, " to=%s", time_format(r->expires, t, sizeof(t)));
		if (r->list != LIST_COUNT)
			buf_addf(&out, " list=%s", r->list == LIST_ALLOWED ? "allowed" : "blocked");
		if (r->skip)
			buf_addf(&out, " skip=%d", r->skip);
		buf_addc(&out, '\n');
	}
	for (size_t i = 0; i < im->bad_count; i++)
		buf_addf(&out, "%" PRIu64 "! %s: %s\n", im->bad[i].line, import_text(im, im->bad[i].text),
			import_text(im, im->bad[i].why));
	return buf_take(&out, NULL);
}

static inline struct import *read_text(enum format format, const char *text, size_t len, size_t piece, int64_t now)
{
	struct import *im = import_new(format, now);

	for (size_t at = 0; at < len; at += piece)
		import_feed(im, text + at, len - at < piece ? len - at : piece);
	import_finish(im);
	return im;
}

#endif
