/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS 1.3 with a pre-shared key between two buffers (see tls.h).  Owns OpenSSL: nobody else
 * includes it.  Called by stream.c, the simulator and the tests.
 *
 * The library may answer a peer with certificates where the key is not known to it.  That must not
 * help anybody: a server has none, so it cannot; a client trusts none, and ends a handshake in
 * which the key was not used all the same.
 */
#include "peer/tls.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlag_limits.h"

#define IDENTITY_SIZE 32
#define RECORD_MAX (5 + 16384 + 256) /* header, payload and what RFC 8446 allows beyond it */

/* One purpose of the key, one derived key: hellos are to have another. */
#define PURPOSE "mlag session psk 1"

static const uint8_t aes_128_gcm_sha256[2] = {0x13, 0x01};

struct tls_context {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* the key, in the form that the library wants */
	char identity[IDENTITY_SIZE];
};

struct tls {
	const struct tls_context *context;
	SSL *ssl;
	BIO *in; /* both belong to ssl */
	BIO *out;
	uint32_t out_offset; /* of what was sent already */
	uint32_t fed;	     /* before the handshake was done */
	uint32_t records;    /* written since the last change of keys */
	bool is_ready;
	bool was_fed;
	bool other_identity;
	enum tls_failure failure;
};

#define FAILURE_WORD(symbol, word, sentence) \
	case symbol:                         \
		return word;
#define FAILURE_SENTENCE(symbol, word, sentence) \
	case symbol:                             \
		return sentence;

const char *tls_failure_word(enum tls_failure failure)
{
	switch (failure) {
		TLS_FAILURES(FAILURE_WORD)
	case TLS_FAILURES_COUNT:
		break;
	}
	return "?";
}

const char *tls_failure_text(enum tls_failure failure)
{
	switch (failure) {
		TLS_FAILURES(FAILURE_SENTENCE)
	case TLS_FAILURES_COUNT:
		break;
	}
	return "?";
}

bool tls_looks_like(const uint8_t *data, uint32_t size)
{
	/* Handshake or alert, version 3.x. */
	return size >= 2 && (data[0] == 0x16 || data[0] == 0x15) && data[1] == 0x03;
}

/* ---- the key -------------------------------------------------------------------------------- */

static struct tls *tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static int use_key(SSL *ssl, const EVP_MD *md, const unsigned char **ret_id, size_t *ret_size,
		   SSL_SESSION **ret_session)
{
	const struct tls_context *context = tls_of(ssl)->context;

	(void)md; /* the only cipher that is offered has the hash of the key */
	*ret_id = (const unsigned char *)context->identity;
	*ret_size = strlen(context->identity);
	*ret_session = SSL_SESSION_dup(context->session);
	return *ret_session != NULL ? 1 : 0;
}

static int find_key(SSL *ssl, const unsigned char *id, size_t size, SSL_SESSION **ret_session)
{
	struct tls *tls = tls_of(ssl);
	const struct tls_context *context = tls->context;

	*ret_session = NULL;
	if (size != strlen(context->identity) || memcmp(id, context->identity, size) != 0) {
		tls->other_identity = true;
		return 1; /* there is none: without a certificate nothing else can be agreed on */
	}
	*ret_session = SSL_SESSION_dup(context->session);
	return *ret_session != NULL ? 1 : 0;
}

static int make_session(struct tls_context *context, const struct tls_key *key)
{
	uint8_t derived[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	const SSL_CIPHER *cipher;
	SSL *ssl = SSL_new(context->ctx);
	int ok = 0;

	context->session = SSL_SESSION_new();
	if (ssl != NULL && context->session != NULL &&
	    HMAC(EVP_sha256(), key->octets, sizeof(key->octets), (const uint8_t *)PURPOSE,
		 sizeof(PURPOSE) - 1, derived, &size) != NULL) {
		cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
		ok = cipher != NULL &&
		     SSL_SESSION_set1_master_key(context->session, derived, size) == 1 &&
		     SSL_SESSION_set_cipher(context->session, cipher) == 1 &&
		     SSL_SESSION_set_protocol_version(context->session, TLS1_3_VERSION) == 1;
	}
	OPENSSL_cleanse(derived, sizeof(derived));
	SSL_free(ssl);
	return ok ? 0 : -ENOMEM;
}

static int make_ctx(struct tls_context *context)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	context->ctx = ctx;
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1) {
		return -ENOMEM;
	}
	SSL_CTX_set_options(ctx,
			    SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT | SSL_OP_ALLOW_NO_DHE_KEX);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, 1024);
	(void)SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_psk_use_session_callback(ctx, use_key);
	SSL_CTX_set_psk_find_session_callback(ctx, find_key);
	return 0;
}

int tls_context_new(struct tls_context **ret, const struct tls_key *key, uint16_t domain_id)
{
	struct tls_context *context;
	int r;

	/* What openssl.cnf says is for others: both members speak one thing. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1) {
		return -ENOMEM;
	}
	context = calloc(1, sizeof(*context));
	if (context == NULL) {
		return -ENOMEM;
	}
	(void)snprintf(context->identity, sizeof(context->identity), "mlag/1/domain/%u", domain_id);
	ERR_clear_error();
	r = make_ctx(context);
	if (r == 0) {
		r = make_session(context, key);
	}
	ERR_clear_error();
	if (r < 0) {
		tls_context_free(context);
		return r;
	}
	*ret = context;
	return 0;
}

void tls_context_free(struct tls_context *context)
{
	if (context != NULL) {
		SSL_SESSION_free(context->session);
		SSL_CTX_free(context->ctx);
		free(context);
	}
}

/* ---- a connection --------------------------------------------------------------------------- */

int tls_new(struct tls **ret, const struct tls_context *context, bool is_client)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL) {
		return -ENOMEM;
	}
	tls->context = context;
	tls->ssl = SSL_new(context->ctx);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL ||
	    SSL_set_app_data(tls->ssl, tls) != 1) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		SSL_free(tls->ssl);
		free(tls);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	if (is_client) {
		SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL); /* and nobody is trusted */
		SSL_set_connect_state(tls->ssl);
	} else {
		SSL_set_accept_state(tls->ssl);
	}
	*ret = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	if (tls != NULL) {
		SSL_free(tls->ssl);
		free(tls);
	}
}

/* What an error of the library means for people. */
static enum tls_failure judge(const struct tls *tls, int reason)
{
	if (tls->other_identity) {
		return TLS_FAILURE_IDENTITY;
	}
	switch (reason) {
	case SSL_R_BINDER_DOES_NOT_VERIFY:
	case SSL_AD_REASON_OFFSET + SSL_AD_ILLEGAL_PARAMETER: /* the other end found it */
	case SSL_AD_REASON_OFFSET + SSL_AD_DECRYPT_ERROR:
		return TLS_FAILURE_KEY;
	case SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_PSK_IDENTITY:
		return TLS_FAILURE_IDENTITY;
	case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
	case SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC:
	case SSL_R_DIGEST_CHECK_FAILED:
		return tls->is_ready ? TLS_FAILURE_TAMPERED : TLS_FAILURE_KEY;
	case ERR_R_MALLOC_FAILURE:
	case ERR_R_INTERNAL_ERROR:
		return TLS_FAILURE_INTERNAL;
	default:
		return TLS_FAILURE_GARBAGE;
	}
}

static int fail(struct tls *tls, enum tls_failure failure)
{
	if (tls->failure == TLS_FAILURE_NONE) {
		tls->failure = failure;
	}
	return -EPROTO;
}

/* The last call of the library returned r: 0 for "not now", otherwise -errno. */
static int explain(struct tls *tls, int r)
{
	unsigned long error = ERR_peek_error();

	switch (SSL_get_error(tls->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -ECONNRESET;
	default:
		break;
	}
	fail(tls, judge(tls, ERR_GET_REASON(error)));
	ERR_clear_error();
	return -EPROTO;
}

/* Not one byte of it is TLS: say so in a way that a peer in the clear can tell, too. */
static int refuse_stream(struct tls *tls, uint8_t first)
{
	static const uint8_t alert[] = {0x15, 3, 3, 0, 2, SSL3_AL_FATAL, SSL_AD_PROTOCOL_VERSION};

	(void)BIO_write(tls->out, alert, sizeof(alert));
	/* The length of a message in the clear is below 65536, in four bytes. */
	return fail(tls, first == 0 ? TLS_FAILURE_PLAINTEXT : TLS_FAILURE_GARBAGE);
}

int tls_feed(struct tls *tls, const uint8_t *data, uint32_t size)
{
	if (tls->failure != TLS_FAILURE_NONE) {
		return -EPROTO;
	}
	if (size == 0) {
		return 0;
	}
	if (!tls->was_fed && data[0] != SSL3_RT_HANDSHAKE && data[0] != SSL3_RT_ALERT) {
		return refuse_stream(tls, data[0]);
	}
	tls->was_fed = true;
	if (BIO_ctrl_pending(tls->in) + size > TLS_FEED_MAX) {
		return -ENOBUFS;
	}
	if (!tls->is_ready) {
		tls->fed += size;
	}
	if (BIO_write(tls->in, data, (int)size) != (int)size) {
		ERR_clear_error();
		return fail(tls, TLS_FAILURE_INTERNAL);
	}
	return 0;
}

static int shake_hands(struct tls *tls)
{
	int r = SSL_do_handshake(tls->ssl);

	/* What comes behind the handshake is not of it, and waits. */
	if (tls->fed > TLS_HANDSHAKE_MAX + BIO_ctrl_pending(tls->in)) {
		return fail(tls, TLS_FAILURE_GARBAGE);
	}
	if (r != 1) {
		return explain(tls, r);
	}
	if (SSL_session_reused(tls->ssl) != 1) {
		return fail(tls, TLS_FAILURE_IDENTITY); /* not by the key */
	}
	tls->is_ready = true;
	return 0;
}

int tls_read(struct tls *tls, uint8_t *ret_data, uint32_t size)
{
	int r;

	if (tls->failure != TLS_FAILURE_NONE) {
		return -EPROTO;
	}
	ERR_clear_error();
	if (!tls->is_ready) {
		r = shake_hands(tls);
		if (r < 0 || !tls->is_ready) {
			return r;
		}
	}
	r = SSL_read(tls->ssl, ret_data, size < INT32_MAX ? (int)size : INT32_MAX);
	if (r <= 0) {
		r = explain(tls, r);
	}
	/* Whoever asks for new keys without end fills our memory with answers. */
	if (tls_output(tls, NULL) > TLS_OUTPUT_MAX) {
		return fail(tls, TLS_FAILURE_GARBAGE);
	}
	return r;
}

int tls_write(struct tls *tls, const uint8_t *data, uint32_t size)
{
	int r;

	if (tls->failure != TLS_FAILURE_NONE) {
		return -EPROTO;
	}
	if (!tls->is_ready) {
		return -EAGAIN;
	}
	if (size > MLAG_WIRE_MESSAGE_MAX || tls_output(tls, NULL) > TLS_OUTPUT_MAX / 2) {
		return -ENOBUFS;
	}
	ERR_clear_error();
	tls->records += 1 + size / SSL3_RT_MAX_PLAIN_LENGTH;
	if (tls->records > TLS_RECORDS_PER_KEY) {
		tls->records = 0;
		(void)SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
	}
	r = SSL_write(tls->ssl, data, (int)size);
	if (r != (int)size) {
		return r <= 0 && explain(tls, r) < 0 ? -EPROTO : fail(tls, TLS_FAILURE_INTERNAL);
	}
	return 0;
}

void tls_end(struct tls *tls)
{
	if (tls->is_ready && tls->failure == TLS_FAILURE_NONE) {
		ERR_clear_error();
		(void)SSL_shutdown(tls->ssl);
		ERR_clear_error();
	}
}

uint32_t tls_output(const struct tls *tls, const uint8_t **ret_data)
{
	char *data = NULL;
	long size = BIO_get_mem_data(tls->out, &data);

	if (size <= 0) {
		return 0; /* and no pointer */
	}
	if (ret_data != NULL) {
		*ret_data = (const uint8_t *)data + tls->out_offset;
	}
	return (uint32_t)size - tls->out_offset;
}

void tls_sent(struct tls *tls, uint32_t size)
{
	uint32_t left = tls_output(tls, NULL);

	tls->out_offset += size < left ? size : left;
	if (tls_output(tls, NULL) == 0) {
		(void)BIO_reset(tls->out);
		tls->out_offset = 0;
	}
}

bool tls_is_ready(const struct tls *tls)
{
	return tls->is_ready;
}

enum tls_failure tls_failure(const struct tls *tls)
{
	return tls->failure;
}
