/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tty bytes through the decoder into a queue of keys. */
#include "tui/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "tui/decode.h"
#include "tui/screen.h"

#define ESC_WAIT_MS 25
#define QUEUE_MAX 65536 /* keys; what is typed beyond is lost */

struct input {
	struct loop *loop;
	int fd;
	struct decoder decoder;
	struct timer esc;
	struct key *queue;
	size_t head, len, cap; /* keys are queue[head .. head + len) */
	loop_fn ready, hangup;
	void *arg;
};

static const struct {
	const char *name; /* terminfo */
	uint32_t code;
} terminfo_keys[] = {
	{ "kcuu1", TK_UP }, { "kcud1", TK_DOWN }, { "kcuf1", TK_RIGHT }, { "kcub1", TK_LEFT },
	{ "khome", TK_HOME }, { "kend", TK_END }, { "kpp", TK_PGUP }, { "knp", TK_PGDN },
	{ "kich1", TK_INSERT }, { "kdch1", TK_DELETE }, { "kcbt", TK_BACKTAB }, { "kent", TK_ENTER },
	{ "kf1", TK_F1 }, { "kf2", TK_F2 }, { "kf3", TK_F3 }, { "kf4", TK_F4 }, { "kf5", TK_F5 }, { "kf6", TK_F6 },
	{ "kf7", TK_F7 }, { "kf8", TK_F8 }, { "kf9", TK_F9 }, { "kf10", TK_F10 }, { "kf11", TK_F11 }, { "kf12", TK_F12 },
};

void key_release(struct key *key)
{
	if (key->paste != NULL) {
		explicit_bzero(key->paste, strlen(key->paste)); /* may have been a password */
		free(key->paste);
		key->paste = NULL;
	}
}

/* arg of the decoder; takes the paste */
static void enqueue(void *arg, const struct key *key)
{
	struct input *in = arg;
	struct key copy = *key;

	if (in->len >= QUEUE_MAX) {
		key_release(&copy);
		return;
	}
	if (in->head > 0 && in->head + in->len == in->cap) {
		memmove(in->queue, in->queue + in->head, in->len * sizeof(*in->queue));
		in->head = 0;
	}
	xgrow(&in->queue, &in->cap, in->head + in->len + 1, sizeof(*in->queue));
	in->queue[in->head + in->len++] = copy;
}

static void esc_waited(struct loop *loop, void *arg)
{
	struct input *in = arg;

	decoder_timeout(&in->decoder);
	if (in->len > 0)
		in->ready(loop, in->arg);
}

static void readable(struct loop *loop, int fd, unsigned events, void *arg)
{
	struct input *in = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		loop_fd_remove(loop, fd);
		in->fd = -1;
		in->hangup(loop, in->arg);
		return;
	}
	timer_stop(&in->esc);
	decoder_feed(&in->decoder, bytes, (size_t)n);
	explicit_bzero(bytes, (size_t)n);
	if (decoder_is_waiting(&in->decoder))
		timer_start(loop, &in->esc, ESC_WAIT_MS, NULL, esc_waited, in);
	if (in->len > 0)
		in->ready(loop, in->arg);
}

struct input *input_new(struct loop *loop, int fd, loop_fn ready, loop_fn hangup, void *arg)
{
	struct input *in = xcalloc(1, sizeof(*in));

	in->loop = loop;
	in->fd = fd;
	in->ready = ready;
	in->hangup = hangup;
	in->arg = arg;
	decoder_init(&in->decoder, enqueue, in);
	if (fd >= 0) {
		for (size_t i = 0; i < ARRAY_LEN(terminfo_keys); i++)
			decoder_learn(&in->decoder, screen_terminfo(terminfo_keys[i].name), terminfo_keys[i].code);
		loop_fd_set(loop, fd, LOOP_READ, readable, in);
	}
	return in;
}

void input_free(struct input *in)
{
	if (in == NULL)
		return;
	timer_stop(&in->esc);
	loop_fd_remove(in->loop, in->fd);
	input_flush(in);
	decoder_release(&in->decoder);
	free(in->queue);
	free(in);
}

bool input_next(struct input *in, struct key *out)
{
	if (in->len == 0)
		return false;
	*out = in->queue[in->head++];
	if (--in->len == 0)
		in->head = 0;
	return true;
}

bool input_is_empty(const struct input *in)
{
	return in->len == 0;
}

void input_push_key(struct input *in, const struct key *key)
{
	enqueue(in, key);
}

void input_push(struct input *in, uint32_t code)
{
	struct key key = { .code = code };

	enqueue(in, &key);
}

void input_push_paste(struct input *in, const char *text)
{
	struct key key = { .code = TK_PASTE, .paste = xstrdup(text) };

	enqueue(in, &key);
}

void input_flush(struct input *in)
{
	struct key key;

	while (input_next(in, &key))
		key_release(&key);
}
