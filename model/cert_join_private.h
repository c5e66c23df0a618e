/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between cert_join.c, which makes the rows, and cert_findings.c, which judges them. */
#ifndef MODEL_CERT_JOIN_PRIVATE_H
#define MODEL_CERT_JOIN_PRIVATE_H

#include "model/cert_join.h"

struct join {
	const struct cert_join *in;
	struct certtable *table;
	int64_t warn_ms, crit_ms; /* defaults filled in */
};

/* Everything that is wrong with this row; rows must be complete, in the order they were made. */
void cert_find_faults(const struct join *j, struct cert_row *row, bool first_of_name);
/* Served where there is an endpoint, else stored, else the file; NULL = none. */
const struct cert *cert_row_main(const struct cert_row *row);
/* The valid-longest certificate of that source that covers name, or the one served if it is among
 * them; what can't be read and so covers nothing is never it. */
const struct cert *cert_pick(
	const struct join *j, enum cert_source source, const char *name, const struct cert *served);

/* Nothing that is stored names it now. */
bool cert_has_vanished(const struct join *j, const struct cert_seen *seen);

const char *cert_shown_name(const struct cert *c);
/* cert_fold.c: a served one, a file's, that another row tells of. */
bool cert_is_folded(const struct join *j, const struct cert *c);
bool cert_is_echo(const struct join *j, const struct cert *c);

struct fault {
	enum finding_kind kind;
	enum cert_level level;
	enum cert_action action;
};
struct fault cert_fault(enum finding_kind kind, enum cert_action action); /* at its usual level */
/* Takes cure. */
void cert_fault_add(struct cert_row *row, struct fault f, char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* How to get a new certificate for this row's name, and what a key can do for it; the caller frees.
 */
char *cert_renewal_cure(const struct join *j, const struct cert_row *row, enum cert_action *action);

typedef void (*cert_rule_fn)(const struct join *j, struct cert_row *row, bool first_of_name);
void cert_rule_vanished(const struct join *j, struct cert_row *row, bool first_of_name);
void cert_rule_uncovered(const struct join *j, struct cert_row *row, bool first_of_name);
void cert_rule_two(const struct join *j, struct cert_row *row, bool first_of_name);
void cert_rule_renewal(const struct join *j, struct cert_row *row, bool first_of_name);

#endif
