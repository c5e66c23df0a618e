/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's own log API as a source of lines. */
#ifndef CLIENT_LOGSOURCE_API_H
#define CLIENT_LOGSOURCE_API_H

#include "client/logsource.h"

/* param = struct session *, which must outlive the source. Asks for the newest page every refresh interval of the profile and for more of it
 * until a line already seen turns up. Resumes by content (model/logmark.h): ids shift when a 0.16 log rotates, page numbers with every
 * line written. Waits while the session is lost and goes on where it was. */
extern const struct logsource_ops logsource_api;

#endif
