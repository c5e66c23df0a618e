/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line a verb shows on a terminal while a change is under way: a bar, how many, how fast, how long still. Knows no change. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/clock.h"
#include "core/text.h"

#define AFTER_MS 300 /* what is done by then needs no bar */
#define EVERY_MS 100
#define CELLS    20

static int columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1 : 79;
}

void cli_bar_draw(struct cli_bar *b, size_t done, size_t total, int64_t ms, bool is_stopping)
{
	char bar[CELLS + 1], line[200], a[32], c[32], rate[64] = "", left[64] = "";
	int64_t now = clock_mono();
	size_t full = total ? done * CELLS / total : 0, speed = ms > 0 ? done * 1000 / (size_t)ms : 0;

	if (total == 0 || ms < AFTER_MS || now - b->drawn < EVERY_MS || !isatty(STDERR_FILENO))
		return;
	memset(bar, '.', CELLS);
	memset(bar, '#', full < CELLS ? full : CELLS);
	bar[CELLS] = '\0';
	if (speed > 0) {
		snprintf(rate, sizeof(rate), ", %s/s", text_grouped(speed, a, sizeof(a)));
		snprintf(left, sizeof(left), ", %s left",
			duration_words((int64_t)((total - done) / speed + 1) * 1000, a, sizeof(a)));
	}
	snprintf(line, sizeof(line), "[%s] %s of %s%s%s%s", bar, text_grouped(done, a, sizeof(a)),
		text_grouped(total, c, sizeof(c)), rate, done < total ? left : "",
		is_stopping ? ", stopping" : ", Ctrl-C stops");
	b->drawn = now;
	fprintf(stderr, "\r%-*.*s", b->width, columns(), line);
	b->width = (int)strlen(line) < columns() ? (int)strlen(line) : columns();
	fflush(stderr);
}

void cli_bar_end(struct cli_bar *b)
{
	if (b->drawn)
		fprintf(stderr, "\r%*s\r", b->width, "");
	*b = (struct cli_bar){ 0 };
}
