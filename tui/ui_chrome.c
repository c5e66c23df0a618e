/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame around a view: title line, tabs, heading, rules, alarm lines. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "tui/draw.h"
#include "tui/table.h"
#include "tui/ui_private.h"

static const char *between(const struct ui *ui)
{
	return ui->glyphs->ascii ? " - " : " · ";
}

/* --- title --- */

static void tick(struct loop *loop, void *arg)
{
	(void)loop;
	ui_dirty(arg);
}

static void ask_title(struct ui *ui, struct ui_title *t)
{
	memset(t, 0, sizeof(*t));
	t->role = ROLE_NORMAL;
	t->colour = COLOUR_DEFAULT;
	if (ui->config.title != NULL)
		ui->config.title(ui->config.app, t);
	timer_stop(&ui->tick);
	if (t->next_ms > 0)
		timer_start(ui->loop, &ui->tick, t->next_ms, NULL, tick, ui);
}

static const char *state_sign(const struct ui *ui, enum role role)
{
	if (role == ROLE_GOOD)
		return ui->glyphs->active;
	if (role == ROLE_BAD)
		return ui->glyphs->bad;
	return role == ROLE_STALE || role == ROLE_WARN ? ui->glyphs->expired : "";
}

static void title_left(const struct ui *ui, const struct ui_title *t, bool compact, struct buf *out)
{
	if (compact) {
		buf_addf(out, " %s", t->name[0] != '\0' ? t->name : ui->config.product != NULL ? ui->config.product : "");
		return;
	}
	if (t->name[0] != '\0')
		buf_adds(out, t->name);
	if (t->server[0] != '\0')
		buf_addf(out, "%s%s", t->name[0] != '\0' ? between(ui) : "", t->server);
}

void ui_draw_title(struct ui *ui, int y, int width, bool compact)
{
	struct ui_title t;
	struct buf left = BUF_INIT, right = BUF_INIT;
	const char *state;
	int x = 0, right_width;

	ask_title(ui, &t);
	draw_tint(t.colour);
	draw_fill(y, 0, width, ROLE_TITLE, " ");
	state = compact && t.state_short[0] != '\0' ? t.state_short : t.state;
	if (state[0] != '\0')
		buf_addf(&right, "%s %s", state_sign(ui, t.role), state);
	if (compact)
		buf_addf(&right, " [%zu/%zu]", ui->tab + 1, ui->tab_count);
	buf_addc(&right, ' ');
	right_width = text_width(buf_str(&right));
	if (right_width > width)
		right_width = width;
	if (!compact && ui->config.product != NULL) {
		x += draw_text(y, 1, width - right_width - 2, ROLE_TITLE_NAME, ui->config.product) + 1;
		x += 3;
	}
	title_left(ui, &t, compact, &left);
	x += draw_text(y, x, width - right_width - x - 1, ROLE_TITLE, buf_str(&left));
	if (t.badges[0] != '\0')
		draw_text(y, x + 1, width - right_width - x - 2, ROLE_BAD, t.badges);
	draw_text(y, width - right_width, right_width, ROLE_TITLE, buf_str(&right));
	buf_release(&left);
	buf_release(&right);
}

/* --- tabs --- */

/* How a narrow bar makes room, step by step: the shorter titles, the tab shown last of all, then what words bear to be cut to;
 * the last step is numbers alone. */
struct tab_fit {
	bool brief, active_brief;
	int letters;
};

static const struct tab_fit fits[] = { { false, false, 99 }, { true, false, 99 }, { true, true, 99 }, { true, true, 5 }, { true, true, 4 },
	{ true, true, 3 }, { true, true, 0 } };

/* Beside a number alone another number would be taken for a tab's. */
static bool shows_badge(const struct ui *ui, size_t i, const struct tab_fit *fit)
{
	return ui->tabs[i].badge[0] != '\0' && (fit->letters > 0 || i == ui->tab);
}

static void tab_text(const struct ui *ui, size_t i, const struct tab_fit *fit, struct buf *out)
{
	const struct ui_tab *tab = &ui->tabs[i];
	bool is_active = i == ui->tab, brief = is_active ? fit->active_brief : fit->brief;
	int letters = is_active ? fits[0].letters : fit->letters;

	if (i < 9)
		buf_addf(out, "%zu", i + 1);
	if (letters > 0)
		buf_addf(out, "%s%.*s", i < 9 ? " " : "", letters,
			brief && tab->ops->brief ? tab->ops->brief : tab->ops->title);
	if (shows_badge(ui, i, fit))
		buf_addf(out, " %s", tab->badge);
	if (tab->badge_role == ROLE_BAD && (!shows_badge(ui, i, fit) || strchr(tab->badge, '!') == NULL))
		buf_adds(out, " !");
}

static int tabs_width(const struct ui *ui, const struct tab_fit *fit, int gap)
{
	int sum = 1;

	for (size_t i = 0; i < ui->tab_count; i++) {
		struct buf text = BUF_INIT;

		tab_text(ui, i, fit, &text);
		sum += text_width(buf_str(&text)) + gap;
		buf_release(&text);
	}
	return sum - gap;
}

static const struct tab_fit *choose_fit(const struct ui *ui, int width, int gap)
{
	size_t i = 0;

	while (i < ARRAY_LEN(fits) - 1 && tabs_width(ui, &fits[i], gap) > width)
		i++;
	return &fits[i];
}

static void draw_badge(const struct ui_tab *tab, bool whole, int y, int x)
{
	int w = whole ? text_width(tab->badge) : 0;

	if (tab->badge_role == ROLE_BAD && (!whole || strchr(tab->badge, '!') == NULL))
		w += 2;

	draw_restyle(y, x + tab->width - w, w, tab->badge_role == ROLE_NORMAL ? ROLE_BADGE : tab->badge_role);
}

void ui_draw_tabs(struct ui *ui, int y, int width)
{
	int gap = tabs_width(ui, &fits[0], 2) <= width ? 2 : 1;
	const struct tab_fit *fit = choose_fit(ui, width, gap);
	int x = 1;

	for (size_t i = 0; i < ui->tab_count; i++) {
		struct ui_tab *tab = &ui->tabs[i];
		enum role role = i == ui->tab ? ROLE_TAB_ACTIVE : ui_missing(ui, tab->ops) != 0 ? ROLE_TAB_OFF : ROLE_TAB;
		struct buf text = BUF_INIT;

		tab_text(ui, i, fit, &text);
		tab->x = x;
		tab->width = draw_text(y, x, width - x, role, buf_str(&text));
		if (role == ROLE_TAB && tab->badge[0] != '\0')
			draw_badge(tab, shows_badge(ui, i, fit), y, x);
		x += tab->width + gap;
		buf_release(&text);
	}
}

void ui_draw_rule(int y, int width)
{
	draw_fill(y, 0, width, ROLE_RULE, draw_glyphs()->hline);
}

/* --- heading --- */

static void heading_left(struct ui *ui, struct view *v, const struct view_status *s, struct buf *out)
{
	if (v->table != NULL && v->opened)
		table_describe(v->table, s->unread, out);
	if (s->note[0] != '\0')
		buf_addf(out, "%s%s", out->len > 0 ? between(ui) : "", s->note);
	if (v->paused)
		buf_addf(out, "%spaused", out->len > 0 ? between(ui) : "");
	if (v->following && (v->ops->flags & VIEW_TAIL))
		buf_addf(out, "%sfollowing", out->len > 0 ? between(ui) : "");
}

void ui_draw_heading(struct ui *ui, int y, int width)
{
	struct view *v = ui_view(ui);
	struct view_status s;
	struct buf left = BUF_INIT, right = BUF_INIT;
	int x = 1, room;

	view_status_of(v, &s);
	if (s.right[0] != '\0')
		buf_adds(&right, s.right);
	else if (v->table != NULL)
		table_describe_sort(v->table, &right);
	room = width - text_width(buf_str(&right)) - 2;
	x += draw_text(y, x, room - x, ROLE_HEADER, s.title[0] != '\0' ? s.title : v->ops->title) + 3;
	heading_left(ui, v, &s, &left);
	draw_text(y, x, room - x, s.stale ? ROLE_STALE : ROLE_NORMAL, buf_str(&left));
	draw_text_right(y, room + 1, width - room - 2, ROLE_DIM, buf_str(&right));
	buf_release(&left);
	buf_release(&right);
}

/* --- alarms --- */

static void draw_alarm(struct ui *ui, const struct ui_alarm *a, int y, int width, size_t more, bool focused)
{
	enum role role = a->role == ROLE_BAD ? ROLE_ALARM_BAD : ROLE_ALARM_WARN;
	struct buf cure = BUF_INIT;
	int w;

	if (more > 0)
		buf_addf(&cure, "+%zu ", more);
	if (a->label != NULL && a->label[0] != '\0')
		buf_addf(&cure, "%s %s ", focused ? ui->glyphs->enter : "!", a->label);
	w = text_width(buf_str(&cure));
	if (focused)
		draw_over(ROLE_SELECTED);
	draw_fill(y, 0, width, role, " ");
	draw_text(y, 1, 1, role, a->role == ROLE_BAD ? ui->glyphs->bad : ui->glyphs->warn);
	draw_text(y, 3, width - w - 4, role, a->text);
	draw_text(y, width - w, w, role, buf_str(&cure));
	draw_over(ROLE_NORMAL);
	buf_release(&cure);
}

int ui_draw_alarms(struct ui *ui, int y, int lines, int width)
{
	size_t n = ui->alarm_count;
	int shown = 0;

	for (; shown < lines && (size_t)shown < n; shown++) {
		size_t more = shown == lines - 1 ? n - (size_t)shown - 1 : 0;

		draw_alarm(ui, &ui->alarms[shown], y + shown, width, more, ui->alarm_focus == shown);
	}
	return shown;
}

static struct ui_alarm *find_alarm(struct ui *ui, const char *key)
{
	for (size_t i = 0; i < ui->alarm_count; i++)
		if (strcmp(ui->alarms[i].key, key) == 0)
			return &ui->alarms[i];
	return NULL;
}

static void release_alarm(struct ui_alarm *a)
{
	free(a->key);
	free(a->text);
	free(a->label);
}

void ui_clear_alarm(struct ui *ui, const char *key)
{
	struct ui_alarm *a = find_alarm(ui, key);

	if (a == NULL)
		return;
	release_alarm(a);
	memmove(a, a + 1, (size_t)(ui->alarms + ui->alarm_count - (a + 1)) * sizeof(*a));
	ui->alarm_count--;
	if (ui->alarm_focus >= (int)ui->alarm_count)
		ui->alarm_focus = -1;
	ui_dirty(ui);
}

static bool same_alarm(const struct ui_alarm *a, const struct ui_alarm *b)
{
	return a->role == b->role && strcmp(a->text, b->text) == 0 && strcmp(a->label, b->label) == 0;
}

void ui_set_alarm(struct ui *ui, const char *key, enum role role, const char *text, const char *label,
	void (*cure)(void *arg), void *arg)
{
	struct ui_alarm fresh = { xstrdup(key), xstrdup(text), xstrdup(label != NULL ? label : ""), role, cure, arg };
	struct ui_alarm *old = find_alarm(ui, key);
	size_t at = 0;

	if (old != NULL && same_alarm(old, &fresh)) {
		old->cure = cure;
		old->arg = arg;
		release_alarm(&fresh);
		return;
	}
	if (old != NULL && old->role == role) {
		release_alarm(old);
		*old = fresh;
		ui_dirty(ui);
		return;
	}
	ui_clear_alarm(ui, fresh.key);
	while (at < ui->alarm_count && (ui->alarms[at].role == ROLE_BAD || role != ROLE_BAD))
		at++;
	xgrow(&ui->alarms, &ui->alarm_cap, ui->alarm_count + 1, sizeof(*ui->alarms));
	memmove(ui->alarms + at + 1, ui->alarms + at, (ui->alarm_count - at) * sizeof(*ui->alarms));
	ui->alarms[at] = fresh;
	ui->alarm_count++;
	ui_dirty(ui);
}

void ui_raise_alarm(struct ui *ui, const char *key)
{
	struct ui_alarm *a = find_alarm(ui, key), first;

	if (a == NULL)
		return;
	first = *a;
	memmove(ui->alarms + 1, ui->alarms, (size_t)(a - ui->alarms) * sizeof(*a));
	ui->alarms[0] = first;
	ui_dirty(ui);
}
