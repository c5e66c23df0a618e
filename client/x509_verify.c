/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chains: their order, whether a client would trust them and every reason why not, and stapled OCSP
 * answers. The time is a parameter. It must not know where a chain came from. */
#include <dirent.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "client/x509_ssl.h"
#include "core/buf.h"
#include "core/mem.h"
#include "model/net.h"

#define AUTH_LEVEL     2               /* 112 bits: what Debian's clients ask for */
#define OCSP_LEEWAY_MS (5 * 60 * 1000) /* between the responder's clock and ours */

static bool issued(X509 *issuer, X509 *subject)
{
	return X509_check_issued(issuer, subject) == X509_V_OK;
}

static bool issued_another(STACK_OF(X509) * certs, int i)
{
	for (int k = 0; k < sk_X509_num(certs); k++)
		if (k != i && issued(sk_X509_value(certs, i), sk_X509_value(certs, k)))
			return true;
	return false;
}

int x509_find_leaf(STACK_OF(X509) * certs)
{
	int found = -1;

	if (!issued_another(certs, 0) && !X509_check_ca(sk_X509_value(certs, 0)))
		return 0; /* first where servers look for it */
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (issued_another(certs, i))
			continue;
		if (found < 0 || !X509_check_ca(sk_X509_value(certs, i)))
			found = i;
	}
	return found < 0 ? 0 : found;
}

static bool is_in_order(STACK_OF(X509) * certs)
{
	for (int i = 1; i < sk_X509_num(certs); i++)
		if (!issued(sk_X509_value(certs, i), sk_X509_value(certs, i - 1)))
			return false;
	return true;
}

/* How many of certs a walk from the leaf over issuers reaches. */
static int reachable(STACK_OF(X509) * certs, int leaf)
{
	bool used[X509_CHAIN_MAX] = {false};
	int at = leaf, count = 1, n = sk_X509_num(certs);

	used[leaf] = true;
	for (bool found = true; found;) {
		found = false;
		for (int i = 0; i < n && !found; i++) {
			if (used[i] || !issued(sk_X509_value(certs, i), sk_X509_value(certs, at)))
				continue;
			used[i] = found = true;
			at = i;
			count++;
		}
	}
	return count;
}

static enum chain_state chain_of(STACK_OF(X509) * certs)
{
	int n = sk_X509_num(certs);

	if (n == 1)
		return X509_self_signed(sk_X509_value(certs, 0), 0) == 1 ? CHAIN_COMPLETE
									 : CHAIN_INCOMPLETE;
	if (n > X509_CHAIN_MAX)
		return CHAIN_FOREIGN;
	if (is_in_order(certs))
		return CHAIN_COMPLETE;
	return reachable(certs, x509_find_leaf(certs)) == n ? CHAIN_DISORDERED : CHAIN_FOREIGN;
}

void x509_fill_chain(struct cert *c, STACK_OF(X509) * certs)
{
	int n = sk_X509_num(certs);

	n = n > X509_CHAIN_MAX ? X509_CHAIN_MAX : n;
	if (n <= 0)
		return;
	c->chain_subjects = xcalloc((size_t)n, sizeof(*c->chain_subjects));
	c->chain_len = (size_t)n;
	for (int i = 0; i < n; i++)
		x509_set_name(
			&c->chain_subjects[i], X509_get_subject_name(sk_X509_value(certs, i)));
	c->chain = chain_of(certs);
	ERR_clear_error();
}

/* Reading a bundle of 140 CAs takes 20-30 ms: longer than a turn of the loop may. A directory of
 * hashes costs nothing until a chain asks for one of them. */
static bool has_hashes(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (e = readdir(dir)))
		found = strlen(e->d_name) == 10 && strspn(e->d_name, "0123456789abcdef") == 8 &&
			!strcmp(e->d_name + 8, ".0");
	closedir(dir);
	return found;
}

X509_STORE *x509_store_new(const char *ca_file, const char *ca_dir, struct err *err)
{
	X509_STORE *store = X509_STORE_new();
	const char *dir = ca_dir ? ca_dir : X509_get_default_cert_dir();

	if (!store)
		die("out of memory");
	if (ca_dir || has_hashes(dir))
		X509_STORE_load_path(store, dir);
	else
		X509_STORE_set_default_paths(store);
	if (ca_file && !X509_STORE_load_file(store, ca_file)) {
		err_set(err, ERR_IO, "CA file %s: %s", ca_file, x509_last_error());
		X509_STORE_free(store);
		return NULL;
	}
	ERR_clear_error(); /* a system without CAs is not an error: it trusts none */
	return store;
}

struct verdict_log {
	struct cert *cert;
	struct buf text;
};

static unsigned flag_of(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return VERIFY_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return VERIFY_NOT_YET;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return VERIFY_SELF_SIGNED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return VERIFY_UNKNOWN_ISSUER;
	default:
		return VERIFY_OTHER;
	}
}

static void add_reason(struct verdict_log *log, unsigned flag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add_reason(struct verdict_log *log, unsigned flag, const char *fmt, ...)
{
	va_list ap;

	log->cert->verify_flags |= flag;
	if (log->text.len)
		buf_adds(&log->text, "; ");
	va_start(ap, fmt);
	buf_vaddf(&log->text, fmt, ap);
	va_end(ap);
}

/* Notes each reason once and goes on, so that all are found. */
static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	struct verdict_log *log = X509_STORE_CTX_get_app_data(ctx);
	int code = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
	unsigned flag = flag_of(code);

	if (ok || (flag != VERIFY_OTHER && log->cert->verify_flags & flag))
		return 1;
	/* says no more than that the issuer is not known */
	if (code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE &&
		log->cert->verify_flags & (VERIFY_SELF_SIGNED | VERIFY_UNKNOWN_ISSUER))
		return 1;
	if (depth > 0)
		add_reason(log, flag, "%s (certificate %d of the chain)",
			X509_verify_cert_error_string(code), depth + 1);
	else
		add_reason(log, flag, "%s", X509_verify_cert_error_string(code));
	return 1;
}

static bool names(X509 *leaf, const char *name)
{
	struct net net;

	if (net_parse(name, strlen(name), &net, NULL))
		return X509_check_ip_asc(leaf, name, 0) == 1;
	return X509_check_host(leaf, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

/* Verification knows better than the order alone. */
static void judge_chain(struct cert *c)
{
	bool unknown = c->verify_flags & VERIFY_UNKNOWN_ISSUER;

	if (c->chain == CHAIN_INCOMPLETE && !unknown)
		c->chain = CHAIN_COMPLETE; /* its issuer is a CA that is known here */
	else if (c->chain == CHAIN_COMPLETE && unknown)
		c->chain = CHAIN_UNKNOWN; /* in order, but where it leads is not known here */
}

static X509 *issuer_in(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(ctx);
	X509 *issuer = built && sk_X509_num(built) > 1 ? sk_X509_value(built, 1) : NULL;

	if (issuer)
		X509_up_ref(issuer);
	return issuer;
}

void x509_verify(struct cert *c, X509 *leaf, STACK_OF(X509) * certs, X509_STORE *store,
	const char *name, int64_t now, X509 **issuer)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct verdict_log log = {c, BUF_INIT};
	X509_VERIFY_PARAM *param;

	if (!ctx || !X509_STORE_CTX_init(ctx, store, leaf, certs))
		die("out of memory");
	X509_STORE_CTX_set_default(ctx, "ssl_server");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)(now / 1000));
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_STORE_CTX_set_app_data(ctx, &log);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	c->verify_flags = VERIFY_DONE;
	if (X509_verify_cert(ctx) != 1 && c->verify_flags == VERIFY_DONE)
		add_reason(&log, VERIFY_OTHER, "%s",
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	if (name && *name && !names(leaf, name))
		add_reason(&log, VERIFY_NAME, "does not name %s", name);
	judge_chain(c);
	cert_set_text(&c->verify, log.text.len ? log.text.data : "trusted", SIZE_MAX);
	if (issuer)
		*issuer = issuer_in(ctx);
	buf_release(&log.text);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

/* The answer for this very certificate: its id is made with whichever digest the responder used. */
static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);
		OCSP_CERTID *theirs = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one), *ours;
		ASN1_OBJECT *digest = NULL;
		bool same;

		OCSP_id_get0_info(NULL, &digest, NULL, NULL, theirs);
		ours = OCSP_cert_to_id(EVP_get_digestbyobj(digest), leaf, issuer);
		same = ours && !OCSP_id_cmp(ours, theirs);
		OCSP_CERTID_free(ours);
		if (same)
			return one;
	}
	return NULL;
}

/* Signed by the issuer, or by a responder that the issuer signed: whether the issuer itself is
 * trusted is another question. */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer, int64_t now)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *signers = sk_X509_new_null();
	bool ok;

	if (!store || !signers || !sk_X509_push(signers, issuer))
		die("out of memory");
	X509_STORE_add_cert(store, issuer);
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)(now / 1000));
	ok = OCSP_basic_verify(basic, signers, store, 0) == 1;
	sk_X509_free(signers);
	X509_STORE_free(store);
	return ok;
}

static enum ocsp_state read_single(struct cert *c, OCSP_SINGLERESP *one, int64_t now)
{
	ASN1_GENERALIZEDTIME *revoked, *this, *next;
	int status = OCSP_single_get0_status(one, NULL, &revoked, &this, &next);

	c->ocsp_this = x509_time(this);
	c->ocsp_next = x509_time(next);
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return OCSP_REVOKED;
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return OCSP_UNKNOWN;
	if (c->ocsp_this == TIME_NONE || c->ocsp_this > now + OCSP_LEEWAY_MS)
		return OCSP_INVALID;
	if (c->ocsp_next != TIME_NONE && c->ocsp_next < now - OCSP_LEEWAY_MS)
		return OCSP_STALE;
	return OCSP_GOOD;
}

void x509_fill_ocsp(
	struct cert *c, X509 *leaf, X509 *issuer, const unsigned char *der, size_t len, int64_t now)
{
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)len);
	OCSP_BASICRESP *basic = NULL;
	OCSP_SINGLERESP *one = NULL;

	c->ocsp = OCSP_INVALID;
	if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	if (basic && issuer && is_signed(basic, issuer, now))
		one = find_single(basic, leaf, issuer);
	if (one)
		c->ocsp = read_single(c, one, now);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
}
