/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `probe`: what the server is and what these credentials may do. Changes nothing. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void permissions_done(void *arg, struct fetch_reply *reply)
{
	(void)reply;
	*(bool *)arg = true;
}

static const char *state_word(enum cap_state s)
{
	static const char *const words[] = { [CAP_YES] = "yes",
		[CAP_UNTESTED] = "untested",
		[CAP_NO_GENERATION] = "no_generation",
		[CAP_NO_PERMISSION] = "no_permission",
		[CAP_NO_READ_ONLY] = "no_read_only" };

	return words[s];
}

static void print_json(struct cli *c, const struct server_info *s)
{
	static const struct out_field fields[] = { { "url", "", 0 }, { "peer", "", 0 }, { "dialect", "", 0 }, { "generation", "", 0 }, { "versions", "", 0 },
		{ "mode", "", 0 }, { "read_only", "", 0 }, { "capabilities", "", 0 }, { "missing", "", 0 }, { NULL, NULL, 0 } };
	struct buf caps = BUF_INIT, missing = BUF_INIT;
	char line[512];
	struct out o;

	buf_addc(&caps, '{');
	buf_addc(&missing, '[');
	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		json_key(&caps, cap_name((enum cap_bit)i));
		json_text(&caps, state_word(s->caps[i]));
		if (s->caps[i] > CAP_UNTESTED) {
			snprintf(line, sizeof(line), "%s: %s", cap_words((enum cap_bit)i), server_lacks(s, 1u << i));
			buf_adds(&missing, missing.len > 1 ? "," : "");
			json_text(&missing, line);
		}
	}
	buf_addc(&caps, '}');
	buf_addc(&missing, ']');
	out_begin(&o, c->format, fields, true, c->ascii);
	out_row(&o);
	out_str(&o, c->app.profile.url);
	out_str(&o, session_peer(c->app.session));
	out_str(&o, s->dialect);
	out_str(&o, server_generation(s));
	out_str(&o, s->versions);
	out_str(&o, s->mode);
	out_bool(&o, c->app.profile.read_only);
	out_raw(&o, buf_str(&caps), buf_str(&caps));
	out_raw(&o, buf_str(&missing), buf_str(&missing));
	out_end(&o);
	buf_release(&caps);
	buf_release(&missing);
}

static void print_text(struct cli *c, const struct server_info *s)
{
	static const struct out_field fields[] = { { "what", "", 0 }, { "answer", "", 0 }, { NULL, NULL, 0 } };
	struct out o;

	out_begin(&o, OUT_TABLE, fields, false, c->ascii);
#define LINE(what, fmt, ...) (out_row(&o), out_str(&o, what), out_strf(&o, fmt, __VA_ARGS__))
	LINE("server", "%s (%s)", c->app.profile.url, session_peer(c->app.session));
	LINE("dialect", "%s", s->dialect);
	LINE("generation", "%s%s%s", s->versions, s->mode[0] ? ", mode " : "", s->mode);
	for (int i = 0; i < CAP_BIT_COUNT; i++) {
		if (s->caps[i] == CAP_YES)
			LINE(cap_words((enum cap_bit)i), "%s", "yes");
		else if (s->caps[i] == CAP_UNTESTED)
			LINE(cap_words((enum cap_bit)i), "%s", "not tried: trying would change something");
		else
			LINE(cap_words((enum cap_bit)i), "NO: %s", server_lacks(s, 1u << i));
	}
#undef LINE
	out_end(&o);
}

static int run(struct cli *c)
{
	struct fetch f = { .kind = FETCH_PERMISSIONS };
	bool done = false;

	if (!cli_max_words(c, 0))
		return EXIT_USAGE;
	if (!cli_connect(c))
		return cli_exit_of_err(&c->err);
	session_fetch(c->app.session, &f, &c->app.scope, permissions_done, &done);
	if (!cli_wait(c, &done))
		return cli_exit_of_err(&c->err);
	if (c->format == OUT_TABLE)
		print_text(c, session_server(c->app.session));
	else
		print_json(c, session_server(c->app.session));
	return EXIT_DONE;
}

const struct verb verb_probe = {
	.name = "probe",
	.synopsis = "probe",
	.summary = "Ask the server afresh which dialect and generation it is, what the credentials may do and what is missing; changes nothing.",
	.options = "",
	.words = "",
	.examples = "stalwarden probe\nstalwarden probe -o json",
	.changes_nothing = true,
	.run = run,
};
