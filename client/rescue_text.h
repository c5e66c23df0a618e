/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dialect_config.c keeps before a prefix delete, read back: a JSON array of [key, value]. */
#ifndef CLIENT_RESCUE_TEXT_H
#define CLIENT_RESCUE_TEXT_H

#include <stdbool.h>

/* fn gets each blocked entry's key (without the setting's prefix) and value. False when the text can't be read. */
bool rescue_text_each(const char *text, void (*fn)(void *arg, const char *key, const char *value), void *arg);

#endif
