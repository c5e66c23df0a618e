/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people and terminals hand the toolkit: key names, bindings, command lines, theme files, and the bytes of a
 * terminal. The first byte chooses; what must hold for every input is checked. */
#include "core/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tui/command.h"
#include "tui/decode.h"
#include "tui/key.h"
#include "tui/keys.h"
#include "tui/theme.h"

/* What is written of a key is read as that key. */
static void check_keys(const char *text)
{
	uint32_t codes[64], again;
	int n = keys_parse(text, codes, 64);
	char name[64];

	for (int i = 0; i < n; i++) {
		key_format(codes[i], false, false, name, sizeof(name));
		MUST(key_parse(name, &again) == strlen(name));
		MUST(again == codes[i]);
		key_format(codes[i], true, true, name, sizeof(name));
		MUST(strlen(name) > 0);
	}
}

static void check_binding(const char *text)
{
	static const struct binding keys[] = { { .keys = "gd", .action = ACTION_GROUP_DAY }, { .keys = NULL } };
	struct keymaps *all = keymaps_new();
	struct err err = ERR_INIT;
	struct page page;
	bool ok = keymap_bind(all, text, &err);

	MUST(ok == (err.code == ERR_NONE));
	keymap_bind(all, text, &err);
	page_init(&page, NULL);
	keymap_help(keymaps_add(all, "history", keys), NULL, &page, 80);
	page_release(&page);
	keymaps_free(all);
}

static void check_command(char *text)
{
	size_t len = strlen(text);
	char *argv[16];
	int n = command_split(text, argv, 16);

	MUST(n >= -1 && n <= 16);
	for (int i = 0; i < n; i++) {
		MUST(argv[i] >= text && argv[i] <= text + len);
		MUST(strlen(argv[i]) <= len);
	}
}

static void check_theme(const char *text, size_t len)
{
	struct theme t;
	struct err err = ERR_INIT;

	if (!theme_parse(&t, "fuzz", text, len, &err)) {
		MUST(err.msg[0] != '\0');
		return;
	}
	for (int i = 0; i < ROLE_COUNT; i++) {
		MUST(t.role[i].fg >= COLOUR_KEEP && t.role[i].fg <= (COLOUR_RGB | 0xffffff));
		MUST(colour_reduce(t.role[i].bg, 8) < 8);
	}
}

static void got_key(void *arg, const struct key *key)
{
	size_t *count = arg;

	++*count;
	MUST(key->code != 0);
	if (key->code == TK_PASTE)
		MUST(strlen(key->paste) <= PASTE_MAX);
	else
		MUST(key->paste == NULL);
	free(key->paste);
}

/* Keys come out the same however the bytes are cut. */
static size_t decode(const char *bytes, size_t len, size_t step)
{
	struct decoder d;
	size_t keys = 0;

	decoder_init(&d, got_key, &keys);
	for (size_t at = 0; at < len; at += step)
		decoder_feed(&d, bytes + at, len - at < step ? len - at : step);
	decoder_timeout(&d);
	decoder_release(&d);
	return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1 || size > 4096)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		check_keys(text);
		break;
	case 1:
		check_binding(text);
		break;
	case 2:
		check_command(text);
		break;
	case 3:
		check_theme((const char *)data + 1, size - 1);
		break;
	default:
		MUST(decode((const char *)data + 1, size - 1, 1) == decode((const char *)data + 1, size - 1, size));
		break;
	}
	free(text);
	return 0;
}
