/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ownership rings. Knows nothing of what its members do. */
#include "core/scope.h"

#include <stddef.h>

void scope_init(struct scope *s)
{
	s->head.prev = s->head.next = &s->head;
	s->head.cancel = NULL;
}

void scope_add(struct scope *s, struct scope_item *item, void (*cancel)(struct scope_item *))
{
	scope_remove(item);
	item->cancel = cancel;
	if (!s)
		return;
	item->prev = s->head.prev;
	item->next = &s->head;
	item->prev->next = item;
	item->next->prev = item;
}

void scope_remove(struct scope_item *item)
{
	if (!item->next)
		return;
	item->prev->next = item->next;
	item->next->prev = item->prev;
	item->prev = item->next = NULL;
}

/* Until empty, not once over the members of now: a member that starts something new while it is
 * being cancelled must not leave work behind that outlives the owner. */
void scope_cancel(struct scope *s)
{
	while (!scope_is_empty(s)) {
		struct scope_item *item = s->head.next;

		scope_remove(item);
		if (item->cancel)
			item->cancel(item);
	}
}

bool scope_is_empty(const struct scope *s)
{
	return !s->head.next || s->head.next == &s->head;
}
