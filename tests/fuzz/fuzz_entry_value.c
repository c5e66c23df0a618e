/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored values: anything parses; what was parsed is written and read again unchanged, in ASCII, in
 * any buffer. */
#include "core/text.h"
#include "model/entry.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry_value v, again;
	char out[ENTRY_VALUE_BUF], small[1024];

	entry_value_parse((const char *)data, size, &v);
	MUST(memchr(v.by, 0, sizeof(v.by)) && memchr(v.note, 0, sizeof(v.note)) &&
		v.reason < REASON_COUNT);
	entry_value_format(&v, out, sizeof(out));
	for (const char *p = out; *p; p++)
		MUST(*p >= 0x20 && *p < 0x7f);
	entry_value_parse(out, strlen(out), &again);
	MUST(again.reason == v.reason && again.at == v.at && again.until == v.until);
	if (text_utf8_valid(v.note, strlen(v.note)) && text_utf8_valid(v.by, strlen(v.by)))
		MUST(!strcmp(again.note, v.note) && !strcmp(again.by, v.by));
	entry_value_format(&v, small, sizeof(small));
	entry_value_parse(small, strlen(small), &again);
	MUST(again.reason == v.reason && again.at == v.at && again.until == v.until);
	return 0;
}
