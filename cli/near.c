/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Near the limit in JSON and as rows: the same keys in both. */
#include "cli/near.h"

void near_json(struct buf *b, const struct near_limit *near, enum ban_class class)
{
	char net[NET_BUF];
	bool is_first = true;

	buf_addc(b, '[');
	for (size_t i = 0; i < near->count; i++) {
		const struct history_near *n = &near->rows[i];

		if (class != CLASS_NONE && n->class != class)
			continue;
		buf_adds(b, is_first ? "{" : ",{");
		is_first = false;
		json_key(b, "class");
		json_text(b, class_name(n->class));
		json_key(b, "address");
		json_text(b, n->address.family ? net_format(&n->address, net, sizeof(net)) : NULL);
		json_key(b, "account");
		json_text(b, n->address.family ? NULL : n->account);
		json_key(b, "failures");
		buf_addf(b, "%llu", (unsigned long long)n->failures);
		json_key(b, "limit");
		buf_addf(b, "%llu", (unsigned long long)n->limit);
		json_key(b, "resets_at");
		json_time(b, n->window_end);
		json_key(b, "last");
		json_time(b, n->last);
		json_key(b, "over");
		buf_adds(b, n->is_over ? "true" : "false");
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

int near_print(const struct near_limit *near, enum out_format format, bool ascii)
{
	static const struct out_field fields[] = { { "class", "CLASS", 0 }, { "address", "ADDRESS", 0 }, { "account", "LOGIN", 0 },
		{ "failures", "FAILURES", OUT_RIGHT }, { "limit", "LIMIT", OUT_RIGHT }, { "resets_at", "RESETS", 0 }, { "last", "LAST", 0 },
		{ "over", "OVER", 0 }, { NULL, NULL, 0 } };
	char net[NET_BUF];
	struct out o;

	out_begin(&o, format, fields, false, ascii);
	for (size_t i = 0; i < near->count; i++) {
		const struct history_near *n = &near->rows[i];

		out_row(&o);
		out_str(&o, class_name(n->class));
		out_str(&o, n->address.family ? net_format(&n->address, net, sizeof(net)) : NULL);
		out_str(&o, n->address.family ? NULL : n->account);
		out_int(&o, (int64_t)n->failures);
		out_int(&o, (int64_t)n->limit);
		out_time(&o, n->window_end);
		out_time(&o, n->last);
		out_bool(&o, n->is_over);
	}
	return out_end(&o);
}
