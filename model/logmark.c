/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A position in a log by content: a hash table of the lines of the last seconds, and the text form
 * that is kept in the store. */
#include "model/logmark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"

#define PREFIX "m1;"

void logmark_init(struct logmark *m)
{
	memset(m, 0, sizeof(*m));
	m->newest = TIME_NONE;
	m->cut = TIME_NONE;
}

void logmark_release(struct logmark *m)
{
	free(m->rows);
	logmark_init(m);
}

static bool is_empty(const struct logmark_row *r)
{
	return r->before == 0 && r->pass == 0;
}

static struct logmark_row *find_slot(
	struct logmark_row *rows, size_t cap, uint64_t hash, int64_t time)
{
	size_t i = (size_t)(hash ^ (hash >> 32)) & (cap - 1);

	while (!is_empty(&rows[i]) && (rows[i].hash != hash || rows[i].time != time))
		i = (i + 1) & (cap - 1);
	return &rows[i];
}

static int64_t window_start(const struct logmark *m)
{
	return m->newest == TIME_NONE ? TIME_NONE : m->newest - LOGMARK_WINDOW;
}

/* Makes room for one more; on the way lets go of lines of this pass that are out of the window:
 * nobody asks for them again. */
static void make_room(struct logmark *m)
{
	struct logmark_row *rows;
	size_t i, kept = 0, cap;

	if (m->cap > 0 && m->count < m->cap / 2)
		return;
	for (i = 0; i < m->cap; i++)
		kept += !is_empty(&m->rows[i]) &&
			(m->rows[i].before > 0 || m->rows[i].time >= window_start(m));
	for (cap = 64; cap < (kept + 1) * 4;)
		cap *= 2;
	rows = xcalloc(cap, sizeof(*rows));
	for (i = 0; i < m->cap; i++) {
		const struct logmark_row *r = &m->rows[i];

		if (!is_empty(r) && (r->before > 0 || r->time >= window_start(m)))
			*find_slot(rows, cap, r->hash, r->time) = *r;
	}
	free(m->rows);
	m->rows = rows;
	m->cap = cap;
	m->count = kept;
}

static struct logmark_row *get_row(struct logmark *m, uint64_t hash, int64_t time)
{
	struct logmark_row *r;

	make_room(m);
	r = find_slot(m->rows, m->cap, hash, time);
	if (is_empty(r)) {
		r->hash = hash;
		r->time = time;
		m->count++;
	}
	return r;
}

void logmark_begin(struct logmark *m)
{
	struct logmark old = *m;
	size_t i;

	m->rows = NULL;
	m->count = m->cap = 0;
	m->cut = window_start(m);
	for (i = 0; i < old.cap; i++) {
		const struct logmark_row *r = &old.rows[i];

		if (!is_empty(r) && r->time >= m->cut)
			get_row(m, r->hash, r->time)->before =
				r->before > r->pass ? r->before : r->pass;
	}
	free(old.rows);
}

bool logmark_is_before(const struct logmark *m, int64_t time)
{
	return m->cut != TIME_NONE && time != TIME_NONE && time < m->cut;
}

bool logmark_note(struct logmark *m, const struct event *ev)
{
	struct logmark_row *r;

	if (ev->time == TIME_NONE)
		return true;
	if (logmark_is_before(m, ev->time))
		return false;
	if (m->newest == TIME_NONE || ev->time > m->newest)
		m->newest = ev->time;
	r = get_row(m, event_hash(ev), ev->time);
	r->pass++;
	return r->pass > r->before;
}

void logmark_format(const struct logmark *m, struct buf *out)
{
	size_t i;

	if (m->newest == TIME_NONE)
		return;
	buf_addf(out, PREFIX "%" PRId64, m->newest);
	for (i = 0; i < m->cap; i++) {
		const struct logmark_row *r = &m->rows[i];

		if (!is_empty(r) && r->time >= window_start(m))
			buf_addf(out, ";%" PRIx64 ",%" PRIx64 ",%" PRIx32, r->hash,
				(uint64_t)(m->newest - r->time),
				r->before > r->pass ? r->before : r->pass);
	}
}

/* A hexadecimal number of at most `digits` digits that ends at one of `ends`; moves *s past that
 * end. */
static bool scan_hex(const char **s, int digits, char stop, uint64_t *out)
{
	uint64_t v = 0;
	int n = 0;

	for (; n < digits; n++) {
		char c = (*s)[n];

		if (c >= '0' && c <= '9')
			v = v * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (n == 0 || ((*s)[n] != stop && !(stop == ';' && (*s)[n] == '\0')))
		return false;
	*s += n + ((*s)[n] != '\0');
	*out = v;
	return true;
}

bool logmark_parse(struct logmark *m, const char *text)
{
	uint64_t hash, ago, count;
	char *end;

	logmark_release(m);
	if (*text == '\0')
		return true;
	if (strncmp(text, PREFIX, sizeof(PREFIX) - 1) != 0)
		return false;
	errno = 0;
	m->newest = strtoll(text + sizeof(PREFIX) - 1, &end, 10);
	if (errno || end == text + sizeof(PREFIX) - 1 || (*end != ';' && *end != '\0') ||
		m->newest < -(INT64_C(1) << 50) || m->newest > INT64_C(1) << 50) {
		logmark_release(m);
		return false;
	}
	for (text = *end ? end + 1 : end; *text;) {
		if (!scan_hex(&text, 16, ',', &hash) || !scan_hex(&text, 8, ',', &ago) ||
			!scan_hex(&text, 8, ';', &count) || count == 0) {
			logmark_release(m);
			return false;
		}
		get_row(m, hash, m->newest - (int64_t)ago)->before = (uint32_t)count;
	}
	logmark_begin(m);
	return true;
}
