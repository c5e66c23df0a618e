/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the why page reads. */
#ifndef VIEWS_WHY_PAGE_H
#define VIEWS_WHY_PAGE_H

#include "app/why.h"
#include "views/views.h"

void why_page(struct app *a, const struct why *w, struct page *p, int width);

#endif
