/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership of asynchronous work: every call and timer joins a scope; cancelling the scope guarantees that no
 * callback of its members runs afterwards. */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#include <stdbool.h>

struct scope_item {
	struct scope_item *prev, *next; /* both NULL when not in a scope */
	void (*cancel)(struct scope_item *item); /* called after the item has left the scope; may free the item */
};

struct scope {
	struct scope_item head; /* ring */
};

void scope_init(struct scope *s);
void scope_add(struct scope *s, struct scope_item *item, void (*cancel)(struct scope_item *)); /* s may be NULL: not owned */
void scope_remove(struct scope_item *item); /* harmless when not in one */
void scope_cancel(struct scope *s);         /* cancels every member; the scope is usable again */
bool scope_is_empty(const struct scope *s);

#endif
