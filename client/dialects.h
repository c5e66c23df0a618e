/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialects: one row each, in the order in which a server is asked. A row's `dialect_NAME` is in its file; everything else follows from it:
 * detection, --dialect and its completion, the profile's `dialect`. */
#ifndef CLIENT_DIALECTS_H
#define CLIENT_DIALECTS_H

#define DIALECT_INFO(_)                                                                            \
	_(jmap)                                                                                    \
	_(settings)                                                                                \
	_(rest)                                                                                    \
	_(config)

#define DIALECT_WORD(name) " " #name
#define DIALECT_WORDS "auto" DIALECT_INFO(DIALECT_WORD) /* of --dialect and of a profile */

#endif
