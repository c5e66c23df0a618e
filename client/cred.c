/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets in pages of their own. Knows no server and no file. */
#include "client/cred.h"

#include <string.h>
#include <sys/mman.h>

#include "client/profile.h"
#include "core/mem.h"

struct cred_page {
	char user[CRED_MAX];
	char secret[CRED_MAX];
};

void cred_init(struct cred *c)
{
	c->page = NULL;
	c->is_token = false;
}

void cred_release(struct cred *c)
{
	if (!c->page)
		return;
	explicit_bzero(c->page, sizeof(*c->page));
	munlock(c->page, sizeof(*c->page));
	munmap(c->page, sizeof(*c->page));
	cred_init(c);
}

static struct cred_page *page_new(void)
{
	struct cred_page *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("out of memory");
	/* A tight RLIMIT_MEMLOCK makes this fail; the secret is then as safe as any other memory, and still wiped. */
	if (mlock(p, sizeof(*p)) != 0 || madvise(p, sizeof(*p), MADV_DONTDUMP) != 0)
		return p;
	madvise(p, sizeof(*p), MADV_DONTFORK);
	return p;
}

bool cred_set(struct cred *c, const char *user, const char *secret, bool is_token, struct err *err)
{
	size_t user_len = user ? strlen(user) : 0, len = strlen(secret);
	struct cred_page *p;

	if (!secret_check(secret, len, is_token, err))
		return false;
	if (!is_token && user_len == 0)
		return err_set(err, ERR_USAGE, "a password needs a user name");
	if (!is_token && strchr(user, ':'))
		return err_set(err, ERR_USAGE, "a user name can't hold a colon");
	if (user_len && !secret_check(user, user_len, false, NULL))
		return err_set(err, ERR_USAGE, "the user name holds bytes that can't be sent");
	if (user_len >= CRED_MAX || len >= CRED_MAX)
		return err_set(err, ERR_LIMIT, "the secret is longer than %d bytes", CRED_MAX - 1);
	p = page_new();
	memcpy(p->user, user ? user : "", user_len + 1);
	memcpy(p->secret, secret, len + 1);
	cred_release(c);
	c->page = p;
	c->is_token = is_token;
	return true;
}

bool cred_is_set(const struct cred *c)
{
	return c->page != NULL;
}

const char *cred_user(const struct cred *c)
{
	return c->page ? c->page->user : "";
}

const char *cred_secret(const struct cred *c)
{
	return c->page ? c->page->secret : "";
}
