/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of profiles and lists of strings, for session.c and config.c. */
#ifndef CLIENT_PROFILE_PRIVATE_H
#define CLIENT_PROFILE_PRIVATE_H

#include "client/profile.h"

void profile_copy(struct profile *to, const struct profile *from); /* *to is overwritten: it must hold nothing */
char **strings_copy(char *const *list);                            /* NULL-terminated; NULL gives an empty list */
void strings_free(char **list);

#endif
