/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Why is there nothing in my log": what a log that was read lacks, and the setting that changes it
 * in each generation. */
#include <stdlib.h>
#include <string.h>

#include "client/logsource.h"

#define ENOUGH_LINES 200 /* before the absence of something means anything */

/* How to have attempts logged. tracing.level.<event> is in the source of 0.10 to 0.15,
 * x:EventTracingLevel in 0.16. */
static const struct {
	unsigned minor; /* from 0.<minor> on */
	const char *attempts, *tracer;
} cures[] = {
	{ 16,
		"create x:EventTracingLevel {\"event\": \"auth.failed\", \"level\": \"info\"} "
		"(Settings > Telemetry > Event Levels)",
		"add an x:Tracer of type Log with level info (Settings > Telemetry > Tracers)" },
	{ 9,
		"set tracing.level.auth.failed = \"info\"; or tracer.<id>.level = \"debug\", which "
		"logs much more",
		"set tracer.log.type = \"log\", tracer.log.path = \"/opt/stalwart/logs\", "
		"tracer.log.level = \"info\", tracer.log.enable = true" },
	{ 0, "set tracer.<id>.level = \"debug\" and restart the server",
		"set tracer.log.type = \"log\", tracer.log.path = \"/opt/stalwart-mail/logs\", "
		"tracer.log.level = \"info\" and restart" },
};

/* "0.15.5" -> 15; what can't be told counts as the newest. */
static unsigned minor_of(const char *version)
{
	if (version == NULL || version[0] != '0' || version[1] != '.' || version[2] < '0' ||
		version[2] > '9')
		return cures[0].minor;
	return (unsigned)strtoul(version + 2, NULL, 10);
}

void logsource_diagnose(const struct logsource_stats *stats, const char *version, struct buf *out)
{
	unsigned minor = minor_of(version);
	uint64_t info = stats->by_level[LEVEL_INFO] + stats->by_level[LEVEL_DEBUG] +
			stats->by_level[LEVEL_TRACE];
	size_t i = 0;

	while (minor < cures[i].minor)
		i++;
	if (stats->is_partial && stats->lines < ENOUGH_LINES)
		return;
	if (stats->lines == 0)
		buf_addf(out, "Nothing is logged: %s.", cures[i].tracer);
	else if (stats->unparsed == stats->lines)
		buf_adds(out, "No line looks like one of this server's log: is it the right file?");
	else if (info == 0)
		buf_addf(out, "Only warnings and errors are logged; bans are INFO: %s.",
			cures[i].tracer);
	else if (stats->attempts == 0 && stats->by_level[LEVEL_DEBUG] == 0 &&
		 stats->lines >= ENOUGH_LINES)
		buf_addf(out,
			"Failed logins are not logged: %s. auth.failed is DEBUG; without it "
			"nothing is known about attempts before a ban.",
			cures[i].attempts);
}
