/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of strings, ended by NULL, as profiles hold them. */
#ifndef CLIENT_PROFILE_PRIVATE_H
#define CLIENT_PROFILE_PRIVATE_H

#include "client/profile.h"

void strings_free(char **list);

#endif
