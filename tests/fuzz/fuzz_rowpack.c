/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed rows of a damaged store: never read past the end; what was read is written and read again the same. */
#include "store/rowpack.h"
#include "tests/fuzz/fuzz.h"

#define COLUMNS 9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rowpack p = { 0 };
	struct rowpack_reader r, again;
	size_t rows = 0;

	rowpack_begin(&p, COLUMNS);
	rowpack_read(&r, data, size, COLUMNS);
	while (rowpack_next(&r)) {
		rowpack_add(&p, r.row);
		rows++;
	}
	MUST(r.p <= r.end && rows <= size / 2);
	rowpack_read(&r, data, size, COLUMNS);
	rowpack_read(&again, p.out.data, p.out.len, COLUMNS);
	while (rowpack_next(&r)) {
		MUST(rowpack_next(&again));
		for (size_t i = 0; i < COLUMNS; i++) {
			MUST(r.row[i].type == again.row[i].type && r.row[i].number == again.row[i].number);
			MUST(r.row[i].len == again.row[i].len);
			MUST(r.row[i].type != ROWPACK_TEXT || !memcmp(r.row[i].text, again.row[i].text, r.row[i].len + 1));
		}
	}
	MUST(!rowpack_next(&again));
	rowpack_release(&p);
	return 0;
}
