/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The vocabulary of what a key can ask for. One row per action: its name (rc file, `:name`, man page), group, what it
 * needs, how much it deserves the hint line, its label there, and a sentence for the help page. Knows no key. */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H

#include <stdbool.h>

enum action_flags {
	ACT_ROW = 1,    /* needs a row under the cursor */
	ACT_WRITE = 2,  /* changes the server: refused read-only, stale, or while another change runs (hook `permits`) */
	ACT_LIST = 4,   /* needs a list, not a page */
	ACT_REPEAT = 8, /* a key held down: safe to run many times a second */
	ACT_MARKED = 16, /* with ACT_ROW: marked rows do instead */
};

enum action_group { GROUP_MOVE, GROUP_VIEW, GROUP_FIND, GROUP_MARK, GROUP_CHANGE, GROUP_SHOW, GROUP_PROGRAM, GROUP_COUNT };

/* _(ID, name, group, flags, hint, label, help): hint 0 = never in the hint line, 9 = first */
#define ACTION_INFO(_)                                                                                       \
	_(NONE, "none", PROGRAM, 0, 0, "", "do nothing (takes a key out of use)")                            \
	_(UP, "up", MOVE, ACT_REPEAT, 0, "up", "one row up")                                                 \
	_(DOWN, "down", MOVE, ACT_REPEAT, 0, "down", "one row down")                                         \
	_(LEFT, "left", MOVE, ACT_REPEAT, 0, "left", "scroll the columns left")                              \
	_(RIGHT, "right", MOVE, ACT_REPEAT, 0, "right", "scroll the columns right")                          \
	_(PAGE_UP, "page-up", MOVE, ACT_REPEAT, 0, "page up", "one page up")                                 \
	_(PAGE_DOWN, "page-down", MOVE, ACT_REPEAT, 0, "page down", "one page down")                         \
	_(HALF_UP, "half-page-up", MOVE, ACT_REPEAT, 0, "half page up", "half a page up")                    \
	_(HALF_DOWN, "half-page-down", MOVE, ACT_REPEAT, 0, "half page down", "half a page down")            \
	_(FIRST, "first", MOVE, 0, 0, "first", "first row")                                                  \
	_(LAST, "last", MOVE, 0, 0, "last", "last row")                                                      \
	_(OPEN, "open", VIEW, ACT_ROW, 9, "open", "open what is under the cursor")                           \
	_(BACK, "back", VIEW, 0, 0, "cancel", "cancel, clear the filter, or go back one level; never quits") \
	_(QUIT, "quit", VIEW, 0, 2, "quit", "go back one level; from a tab, quit")                           \
	_(EXIT, "exit", PROGRAM, 0, 0, "exit", "quit from anywhere")                                         \
	_(TAB_1, "tab-1", VIEW, 0, 0, "tab 1", "first tab")                                                  \
	_(TAB_2, "tab-2", VIEW, 0, 0, "tab 2", "second tab")                                                 \
	_(TAB_3, "tab-3", VIEW, 0, 0, "tab 3", "third tab")                                                  \
	_(TAB_4, "tab-4", VIEW, 0, 0, "tab 4", "fourth tab")                                                 \
	_(TAB_5, "tab-5", VIEW, 0, 0, "tab 5", "fifth tab")                                                  \
	_(TAB_6, "tab-6", VIEW, 0, 0, "tab 6", "sixth tab")                                                  \
	_(TAB_7, "tab-7", VIEW, 0, 0, "tab 7", "seventh tab")                                                \
	_(TAB_8, "tab-8", VIEW, 0, 0, "tab 8", "eighth tab")                                                 \
	_(TAB_9, "tab-9", VIEW, 0, 0, "tab 9", "ninth tab")                                                  \
	_(TAB_NEXT, "tab-next", VIEW, 0, 0, "next tab", "next tab")                                          \
	_(TAB_PREV, "tab-previous", VIEW, 0, 0, "previous tab", "previous tab")                              \
	_(TAB_LAST, "tab-last", VIEW, 0, 0, "last tab", "the tab shown before this one")                     \
	_(ALARM, "alarm", VIEW, 0, 0, "cure", "go to the cure of the topmost alarm")                         \
	_(FILTER, "filter", FIND, 0, 6, "filter", "show only rows that match, as you type")                  \
	_(SEARCH, "search", FIND, 0, 0, "search", "find text without hiding rows")                           \
	_(SEARCH_NEXT, "search-next", FIND, 0, 0, "next hit", "next row that matches the last search or filter") \
	_(SEARCH_PREV, "search-previous", FIND, 0, 0, "previous hit", "previous row that matches")           \
	_(MARK, "mark", MARK, ACT_ROW | ACT_LIST, 0, "mark", "mark or unmark this row and go down")          \
	_(MARK_ALL, "mark-all", MARK, ACT_LIST, 0, "mark all", "mark every row shown; again: unmark them")   \
	_(MARK_RANGE, "mark-range", MARK, ACT_ROW | ACT_LIST, 0, "range", "start a range of marks here; again: end it") \
	_(UNMARK_ALL, "unmark-all", MARK, ACT_LIST, 0, "unmark all", "remove every mark")                    \
	_(ADD, "add", CHANGE, ACT_WRITE, 5, "add", "add an entry")                                           \
	_(BLOCK, "block", CHANGE, ACT_WRITE, 5, "block", "block an address or a network")                    \
	_(REMOVE, "remove", CHANGE, ACT_ROW | ACT_MARKED | ACT_WRITE, 7, "remove", "remove the row or the marked rows")   \
	_(EDIT, "edit", CHANGE, ACT_ROW | ACT_WRITE, 6, "edit", "change the row")                            \
	_(ALLOW, "allow", CHANGE, ACT_ROW | ACT_MARKED | ACT_WRITE, 4, "allow", "allow the address and lift its block")   \
	_(RESET_COUNTERS, "reset-counters", CHANGE, ACT_WRITE, 0, "reset counters", "reset the failure counters, for everyone") \
	_(FIX, "fix", CHANGE, ACT_ROW | ACT_WRITE, 4, "fix", "un-block, allow and reset the counters, then watch") \
	_(DEFAULT, "default", CHANGE, ACT_ROW | ACT_WRITE, 0, "default", "go back to the server's default")  \
	_(OFF, "off", CHANGE, ACT_ROW | ACT_WRITE, 0, "off", "switch off")                                   \
	_(UNDO, "undo", CHANGE, ACT_WRITE, 1, "undo", "take back the last change, or the one under the cursor") \
	_(RELOAD, "reload-server", CHANGE, ACT_WRITE, 2, "reload server", "make the server reload its settings") \
	_(RENEW, "renew", CHANGE, ACT_ROW | ACT_WRITE, 3, "renew", "have the certificate renewed")           \
	_(UPLOAD, "upload", CHANGE, ACT_WRITE, 0, "upload", "upload a certificate and its key")              \
	_(WATCH, "watch", SHOW, 0, 0, "watch", "watch the log for what the last change did")                 \
	_(WHY, "why", SHOW, ACT_ROW, 5, "why", "everything known about this address")                        \
	_(DETAILS, "details", SHOW, 0, 0, "details", "show or hide the details of the row")                  \
	_(OUTCOME, "outcome", SHOW, 0, 0, "outcome", "show or hide the steps of the last change")            \
	_(EXPORT, "export", SHOW, 0, 3, "export", "write the rows shown to a file")                          \
	_(PROBE, "probe", SHOW, 0, 3, "probe", "connect to the endpoints and look at what they serve")       \
	_(SORT, "sort", SHOW, ACT_LIST, 4, "sort", "choose the column to sort by")                           \
	_(SORT_NEXT, "sort-next", SHOW, ACT_LIST, 0, "sort by next", "sort by the next column")              \
	_(SORT_PREV, "sort-previous", SHOW, ACT_LIST, 0, "sort by previous", "sort by the previous column")  \
	_(SORT_INVERT, "sort-invert", SHOW, ACT_LIST, 0, "invert", "turn the sort around")                   \
	_(GROUP, "group", SHOW, 0, 5, "group", "next grouping")                                              \
	_(GROUP_DAY, "group-day", SHOW, 0, 0, "by day", "group by day")                                      \
	_(GROUP_ADDRESS, "group-address", SHOW, 0, 0, "by address", "group by address")                      \
	_(GROUP_RANGE, "group-range", SHOW, 0, 0, "by range", "group by range")                              \
	_(GROUP_REASON, "group-reason", SHOW, 0, 0, "by reason", "group by reason")                          \
	_(GROUP_ACCOUNT, "group-account", SHOW, 0, 0, "by account", "group by account")                      \
	_(RANGES, "ranges", SHOW, 0, 3, "ranges", "networks worth one rule instead of many entries")         \
	_(FOLLOW, "follow", SHOW, 0, 4, "follow", "follow new rows as they come, or stop")                   \
	_(PAUSE, "pause", SHOW, 0, 2, "pause", "stop refreshing, or go on")                                  \
	_(REFRESH, "refresh", SHOW, 0, 2, "refresh", "fetch from the server now")                            \
	_(COPY, "copy", SHOW, ACT_ROW, 0, "copy", "copy the first column to the clipboard")                  \
	_(COPY_ROW, "copy-row", SHOW, ACT_ROW, 0, "copy row", "copy the whole row to the clipboard")         \
	_(COMMAND, "command", PROGRAM, 0, 1, "command", "type a command")                                    \
	_(HELP, "help", PROGRAM, 0, 3, "help", "the keys of this panel")                                     \
	_(REDRAW, "redraw", PROGRAM, 0, 0, "redraw", "draw the screen afresh")                               \
	_(INTERRUPT, "interrupt", PROGRAM, 0, 0, "stop", "stop what is running; twice within a second: quit") \
	_(SUSPEND, "suspend", PROGRAM, 0, 0, "suspend", "give the terminal back to the shell for a while")

enum action {
#define ACTION_ENUM(id, name, group, flags, hint, label, help) ACTION_##id,
	ACTION_INFO(ACTION_ENUM)
#undef ACTION_ENUM
	ACTION_COUNT
};

struct action_info {
	const char *name, *label, *help;
	enum action_group group;
	unsigned flags;
	int hint;
};

const struct action_info *action_info(enum action a);
bool action_parse(const char *name, enum action *out);
const char *action_group_title(enum action_group g);

#endif
