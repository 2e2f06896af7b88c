// SPDX-License-Identifier: BSD-2-Clause
/*
 * TLS between two buffers (peer/tls.h): it works however the bytes are cut, and nobody without the
 * key gets in or is let out: other keys and domains, peers in the clear, garbage, changed records,
 * certificates instead of the key, older versions.  Memory is counted, and refused.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mlag_limits.h"
#include "peer/tls.h"

#define WIRE_SIZE 300000

/* ---- the library's memory ------------------------------------------------------------------- */

static struct {
	size_t now;
	size_t peak;
	uint64_t calls;
	uint64_t fail_at; /* 0: never */
} memory;

static void *count_realloc(void *old, size_t size, const char *file, int line)
{
	size_t *block = old != NULL ? (size_t *)old - 2 : NULL;
	size_t before = block != NULL ? block[0] : 0;

	(void)file;
	(void)line;
	if (++memory.calls == memory.fail_at || size == 0) {
		return NULL;
	}
	block = realloc(block, size + 2 * sizeof(size_t));
	if (block == NULL) {
		return NULL;
	}
	block[0] = size;
	memory.now += size - before;
	memory.peak = memory.now > memory.peak ? memory.now : memory.peak;
	return block + 2;
}

static void *count_malloc(size_t size, const char *file, int line)
{
	return count_realloc(NULL, size, file, line);
}

static void count_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	if (old != NULL) {
		memory.now -= ((size_t *)old - 2)[0];
		free((size_t *)old - 2);
	}
}

/* ---- two ends ------------------------------------------------------------------------------- */

static const struct tls_key key = {{1, 2, 3}};
static const struct tls_key other_key = {{1, 2, 4}};

struct end {
	struct tls_context *context;
	struct tls *tls;
	uint8_t heard[WIRE_SIZE];
	uint32_t heard_size;
	int error;
};

static struct end client;
static struct end server;

static void open_end(struct end *end, const struct tls_key *its_key, uint16_t domain,
		     bool is_client)
{
	memset(end, 0, sizeof(*end));
	assert_int_equal(tls_context_new(&end->context, its_key, domain), 0);
	assert_int_equal(tls_new(&end->tls, end->context, is_client), 0);
}

/* Another connection of a member. */
static void open_late(struct end *late, const struct end *of)
{
	memset(late, 0, sizeof(*late));
	assert_int_equal(tls_new(&late->tls, of->context, false), 0);
}

static void open_both(void)
{
	open_end(&client, &key, 7, true);
	open_end(&server, &key, 7, false);
}

static void close_end(struct end *end)
{
	tls_free(end->tls);
	tls_context_free(end->context);
	end->tls = NULL;
	end->context = NULL;
}

static int close_both(void **state)
{
	(void)state;
	close_end(&client);
	close_end(&server);
	return 0;
}

static void hear(struct end *end)
{
	int n = 1;

	while (n > 0 && end->heard_size < WIRE_SIZE) {
		n = tls_read(end->tls, end->heard + end->heard_size, WIRE_SIZE - end->heard_size);
		end->heard_size += n > 0 ? (uint32_t)n : 0;
	}
	end->error = n < 0 ? n : end->error;
}

/* All that one has to say, in pieces; how many bytes. */
static uint32_t carry(struct end *from, struct end *to, uint32_t piece)
{
	const uint8_t *data;
	uint32_t size, total = 0;

	while ((size = tls_output(from->tls, &data)) > 0) {
		size = size < piece ? size : piece;
		if (tls_feed(to->tls, data, size) < 0) {
			to->error = -EPROTO;
		}
		tls_sent(from->tls, size);
		total += size;
		hear(to);
	}
	return total;
}

/* Until nobody says anything; how many bytes each has said. */
static void shake(uint32_t piece, uint32_t *ret_client, uint32_t *ret_server)
{
	uint32_t a, b;

	*ret_client = 0;
	*ret_server = 0;
	hear(&client);
	do {
		a = carry(&client, &server, piece);
		b = carry(&server, &client, piece);
		*ret_client += a;
		*ret_server += b;
	} while (a + b > 0);
}

static void shake_whole(void)
{
	uint32_t a, b;

	shake(UINT32_MAX, &a, &b);
}

static uint8_t *message(void)
{
	static uint8_t data[MLAG_WIRE_MESSAGE_MAX];

	for (uint32_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i * 7 + i / 251);
	}
	return data;
}

static void test_two_members_with_one_key_talk_however_the_bytes_are_cut(void **state)
{
	uint32_t sizes[2] = {0, 0}, a, b;

	(void)state;
	for (uint32_t piece = 1; piece < 700; piece = piece < 40 ? piece + 1 : piece * 2) {
		open_both();
		shake(piece, &a, &b);
		assert_true(tls_is_ready(client.tls) && tls_is_ready(server.tls));
		/* Other random numbers each time, and never another length: the simulator counts on it. */
		assert_true(sizes[0] == 0 || (sizes[0] == a && sizes[1] == b));
		sizes[0] = a;
		sizes[1] = b;
		assert_int_equal(tls_write(client.tls, message(), MLAG_WIRE_MESSAGE_MAX), 0);
		assert_int_equal(tls_write(server.tls, message(), 17), 0);
		carry(&client, &server, piece * 50);
		carry(&server, &client, piece);
		assert_int_equal(server.heard_size, MLAG_WIRE_MESSAGE_MAX);
		assert_memory_equal(server.heard, message(), MLAG_WIRE_MESSAGE_MAX);
		assert_int_equal(client.heard_size, 17);
		assert_memory_equal(client.heard, message(), 17);
		assert_int_equal(client.error, 0);
		assert_int_equal(server.error, 0);
		close_both(NULL);
	}
	print_message("a handshake: %u bytes from the client, %u from the server\n", sizes[0],
		      sizes[1]);
	assert_true(sizes[0] + sizes[1] < TLS_HANDSHAKE_MAX / 4);
}

static void test_nothing_is_said_before_the_key_is_proven(void **state)
{
	(void)state;
	open_both();
	assert_int_equal(tls_write(client.tls, message(), 10), -EAGAIN);
	assert_int_equal(tls_write(server.tls, message(), 10), -EAGAIN);
	hear(&client);
	carry(&client, &server, UINT32_MAX);
	assert_false(tls_is_ready(server.tls)); /* it has not seen the client's proof */
	assert_int_equal(tls_write(server.tls, message(), 10), -EAGAIN);
}

static void test_a_handshake_that_is_cut_short_is_never_done(void **state)
{
	const uint8_t *data;
	uint32_t size;

	(void)state;
	open_both();
	hear(&client);
	size = tls_output(client.tls, &data);
	for (uint32_t cut = 0; cut < size; cut++) {
		static struct end late;

		open_late(&late, &server);
		assert_int_equal(tls_feed(late.tls, data, cut), 0);
		hear(&late);
		assert_false(tls_is_ready(late.tls));
		assert_int_equal(late.heard_size + tls_output(late.tls, NULL), 0);
		close_end(&late);
	}
}

/* ---- who does not get in -------------------------------------------------------------------- */

static void test_another_key_is_found_and_named_by_both(void **state)
{
	(void)state;
	open_end(&client, &other_key, 7, true);
	open_end(&server, &key, 7, false);
	shake_whole();
	assert_false(tls_is_ready(client.tls) || tls_is_ready(server.tls));
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_KEY);
	assert_int_equal(tls_failure(client.tls), TLS_FAILURE_KEY);
	assert_int_equal(tls_write(client.tls, message(), 10), -EPROTO);
	assert_int_equal(client.heard_size + server.heard_size, 0);
}

static void test_the_key_of_another_domain_is_named_by_both(void **state)
{
	(void)state;
	open_end(&client, &key, 8, true);
	open_end(&server, &key, 7, false);
	shake_whole();
	assert_false(tls_is_ready(client.tls) || tls_is_ready(server.tls));
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_IDENTITY);
	assert_int_equal(tls_failure(client.tls), TLS_FAILURE_IDENTITY);
}

static void test_a_peer_in_the_clear_is_named_and_can_tell(void **state)
{
	static const uint8_t hello[] = {0, 0, 0, 20, 0, 1, 0, 0};
	const uint8_t *data;
	uint32_t size;

	(void)state;
	open_both();
	hear(&client);
	size = tls_output(client.tls, &data);
	assert_true(tls_looks_like(data, size));
	assert_false(tls_looks_like(hello, sizeof(hello)));
	tls_sent(client.tls, size);
	for (uint32_t i = 0; i < 2; i++) {
		struct end *end = i == 0 ? &client : &server;

		assert_int_equal(tls_feed(end->tls, hello, sizeof(hello)), -EPROTO);
		assert_int_equal(tls_failure(end->tls), TLS_FAILURE_PLAINTEXT);
		size = tls_output(end->tls, &data);
		assert_true(tls_looks_like(data, size));
	}
}

static void test_garbage_is_garbage_and_costs_little(void **state)
{
	uint64_t random = 1;
	uint8_t data[1000];
	static struct end late;

	(void)state;
	open_end(&server, &key, 7, false);
	for (uint32_t round = 0; round < 200; round++) {
		size_t before = memory.now;

		memory.peak = memory.now;
		open_late(&late, &server);
		for (uint32_t i = 0; i < sizeof(data); i++) {
			random = random * UINT64_C(6364136223846793005) +
				 UINT64_C(1442695040888963407);
			data[i] = (uint8_t)(random >> 56);
		}
		if (round % 2 == 0) { /* deeper */
			memcpy(data, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
		}
		for (uint32_t i = 0; i < 100 && tls_failure(late.tls) == TLS_FAILURE_NONE; i++) {
			(void)tls_feed(late.tls, data, sizeof(data));
			hear(&late);
		}
		assert_int_not_equal(tls_failure(late.tls), TLS_FAILURE_NONE);
		assert_false(tls_is_ready(late.tls));
		assert_true(memory.peak - before < 300000);
		close_end(&late);
	}
}

static void test_a_record_that_is_too_long_is_refused_at_its_header(void **state)
{
	static const uint8_t first[] = {0x16, 3, 1, 0xff, 0xff, 1};
	static const uint8_t later[] = {0x17, 3, 3, 0xff, 0xff, 1};

	(void)state;
	open_both();
	assert_int_equal(tls_feed(server.tls, first, sizeof(first)), 0);
	hear(&server);
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_GARBAGE);
	close_both(NULL);
	open_both();
	shake_whole();
	assert_int_equal(tls_feed(server.tls, later, sizeof(later)), 0);
	hear(&server);
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_GARBAGE);
	assert_int_equal(server.heard_size, 0);
}

static void test_who_dawdles_in_the_handshake_is_bounded(void **state)
{
	/* A hello whose end never comes: 64 kB are said to follow, in records of 1000. */
	static uint8_t record[1005] = {0x16, 3, 1, 3, 0xe8};
	uint32_t fed = 0;

	(void)state;
	open_end(&server, &key, 7, false);
	memcpy(record + 5, "\x01\x00\xff\xff", 4);
	while (tls_failure(server.tls) == TLS_FAILURE_NONE && fed < 10 * TLS_HANDSHAKE_MAX) {
		(void)tls_feed(server.tls, record, sizeof(record));
		hear(&server);
		memset(record + 5, 0, 4);
		fed += sizeof(record);
	}
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_GARBAGE);
	assert_true(fed <= TLS_HANDSHAKE_MAX + sizeof(record));
}

/* ---- a session ------------------------------------------------------------------------------ */

static void test_every_changed_byte_of_a_record_is_found(void **state)
{
	uint8_t record[100];
	const uint8_t *data;
	uint32_t size;

	(void)state;
	for (uint32_t at = 0;; at++) {
		open_both();
		shake_whole();
		assert_int_equal(tls_write(client.tls, message(), 20), 0);
		size = tls_output(client.tls, &data);
		assert_in_range(size, 21, sizeof(record));
		if (at == size) {
			break;
		}
		memcpy(record, data, size);
		record[at] ^= 1;
		assert_int_equal(tls_feed(server.tls, record, size), 0);
		/* A length that grew waits for more. */
		assert_int_equal(tls_feed(server.tls, message(), 600), 0);
		hear(&server);
		assert_int_equal(server.heard_size, 0);
		if (at >= 5) {
			assert_int_equal(tls_failure(server.tls), TLS_FAILURE_TAMPERED);
			/* Its word for it comes to the other end. */
			carry(&server, &client, UINT32_MAX);
			assert_int_equal(tls_failure(client.tls), TLS_FAILURE_TAMPERED);
		} else {
			assert_int_not_equal(tls_failure(server.tls), TLS_FAILURE_NONE);
		}
		close_both(NULL);
	}
}

static void test_a_record_that_is_repeated_or_left_out_is_found(void **state)
{
	uint8_t first[64], second[64];
	uint32_t size;
	const uint8_t *data;

	(void)state;
	for (uint32_t repeated = 0; repeated < 2; repeated++) {
		open_both();
		shake_whole();
		assert_int_equal(tls_write(client.tls, message(), 20), 0);
		size = tls_output(client.tls, &data);
		assert_true(size <= sizeof(first));
		memcpy(first, data, size);
		tls_sent(client.tls, size);
		assert_int_equal(tls_write(client.tls, message(), 20), 0);
		assert_int_equal(tls_output(client.tls, &data), size);
		memcpy(second, data, size);
		if (repeated == 1) {
			assert_int_equal(tls_feed(server.tls, first, size), 0);
			hear(&server);
			assert_int_equal(server.heard_size, 20);
		}
		assert_int_equal(tls_feed(server.tls, repeated == 1 ? first : second, size), 0);
		hear(&server);
		assert_int_equal(tls_failure(server.tls), TLS_FAILURE_TAMPERED);
		assert_int_equal(server.heard_size, repeated == 1 ? 20 : 0);
		close_both(NULL);
	}
}

static void test_an_end_in_good_order_is_told_from_a_failure(void **state)
{
	(void)state;
	open_both();
	shake_whole();
	assert_int_equal(tls_write(client.tls, message(), 5), 0);
	tls_end(client.tls);
	carry(&client, &server, 1);
	assert_int_equal(server.heard_size, 5);
	assert_int_equal(server.error, -ECONNRESET);
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_NONE);
}

static void test_what_waits_is_bounded_both_ways(void **state)
{
	uint8_t noise[4096];
	uint32_t fed = 0;
	int r = 0;

	(void)state;
	open_both();
	shake_whole();
	memset(noise, 0, sizeof(noise));
	while (r == 0) {
		r = tls_write(client.tls, message(), MLAG_WIRE_MESSAGE_MAX);
		assert_true(tls_output(client.tls, NULL) <= TLS_OUTPUT_MAX + 1000);
	}
	assert_int_equal(r, -ENOBUFS);
	for (r = 0; r == 0; fed += sizeof(noise)) {
		r = tls_feed(server.tls, noise, sizeof(noise));
	}
	assert_int_equal(r, -ENOBUFS);
	assert_true(fed <= TLS_FEED_MAX + sizeof(noise));
	assert_int_equal(tls_failure(server.tls), TLS_FAILURE_NONE);
}

static void test_keys_change_and_nobody_notices(void **state)
{
	(void)state;
	open_both();
	shake_whole();
	for (uint32_t i = 0; i < TLS_RECORDS_PER_KEY + 1000; i++) {
		assert_int_equal(tls_write(client.tls, message() + i % 100, 1), 0);
		if (tls_output(client.tls, NULL) > 20000) {
			carry(&client, &server, UINT32_MAX);
			server.heard_size = 0;
		}
	}
	carry(&client, &server, UINT32_MAX);
	assert_int_equal(server.error, 0);
	assert_int_equal(tls_write(server.tls, message(), 9), 0);
	carry(&server, &client, UINT32_MAX);
	assert_int_equal(client.heard_size, 9);
}

/* ---- others who speak TLS ------------------------------------------------------------------- */

static struct {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in;
	BIO *out;
} stranger;

static void make_certificate(void)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	assert_non_null(pair);
	assert_non_null(certificate);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -1000);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 100000);
	assert_int_equal(X509_set_pubkey(certificate, pair), 1);
	assert_int_not_equal(X509_sign(certificate, pair, EVP_sha256()), 0);
	assert_int_equal(SSL_CTX_use_certificate(stranger.ctx, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(stranger.ctx, pair), 1);
	X509_free(certificate);
	EVP_PKEY_free(pair);
}

static void open_stranger(bool is_client, int version)
{
	stranger.ctx = SSL_CTX_new(TLS_method());
	assert_non_null(stranger.ctx);
	assert_int_equal(SSL_CTX_set_max_proto_version(stranger.ctx, version), 1);
	make_certificate();
	stranger.ssl = SSL_new(stranger.ctx);
	stranger.in = BIO_new(BIO_s_mem());
	stranger.out = BIO_new(BIO_s_mem());
	assert_true(stranger.ssl != NULL && stranger.in != NULL && stranger.out != NULL);
	SSL_set_bio(stranger.ssl, stranger.in, stranger.out);
	if (is_client) {
		SSL_set_connect_state(stranger.ssl);
	} else {
		SSL_set_accept_state(stranger.ssl);
	}
}

static void meet_stranger(struct end *end)
{
	uint8_t bytes[16384];

	hear(end);
	for (uint32_t i = 0; i < 10; i++) {
		const uint8_t *data;
		uint32_t size = tls_output(end->tls, &data);
		int n;

		if (size > 0) {
			assert_int_equal(BIO_write(stranger.in, data, (int)size), (int)size);
			tls_sent(end->tls, size);
		}
		(void)SSL_do_handshake(stranger.ssl);
		n = BIO_read(stranger.out, bytes, sizeof(bytes));
		if (n > 0) {
			(void)tls_feed(end->tls, bytes, (uint32_t)n);
			hear(end);
		}
	}
}

static void close_stranger(void)
{
	SSL_free(stranger.ssl);
	SSL_CTX_free(stranger.ctx);
}

static void test_a_server_with_a_certificate_and_no_key_is_refused(void **state)
{
	(void)state;
	open_stranger(false, TLS1_3_VERSION);
	open_end(&client, &key, 7, true);
	meet_stranger(&client);
	assert_false(tls_is_ready(client.tls));
	assert_int_not_equal(tls_failure(client.tls), TLS_FAILURE_NONE);
	assert_int_equal(tls_write(client.tls, message(), 10), -EPROTO);
	close_stranger();
}

static void test_a_client_without_the_key_or_of_an_older_version_is_refused(void **state)
{
	static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		open_stranger(true, versions[i]);
		open_end(&server, &key, 7, false);
		meet_stranger(&server);
		assert_false(tls_is_ready(server.tls));
		assert_int_not_equal(tls_failure(server.tls), TLS_FAILURE_NONE);
		assert_int_equal(SSL_is_init_finished(stranger.ssl), 0);
		close_stranger();
		close_end(&server);
	}
}

/* ---- memory --------------------------------------------------------------------------------- */

static void test_a_connection_costs_bounded_memory_and_gives_it_back(void **state)
{
	struct tls_context *context;
	size_t idle;

	(void)state;
	open_both(); /* whatever the library keeps for good is there now */
	shake_whole();
	close_both(NULL);
	assert_int_equal(tls_context_new(&context, &key, 7), 0);
	idle = memory.now;
	memory.peak = idle;
	for (uint32_t i = 0; i < 20; i++) {
		memset(&client, 0, sizeof(client));
		memset(&server, 0, sizeof(server));
		assert_int_equal(tls_new(&client.tls, context, true), 0);
		assert_int_equal(tls_new(&server.tls, context, false), 0);
		shake_whole();
		for (uint32_t n = 0; n < 4; n++) {
			assert_int_equal(tls_write(client.tls, message(), MLAG_WIRE_MESSAGE_MAX),
					 0);
			carry(&client, &server, 32768);
			server.heard_size = 0;
		}
		tls_free(client.tls);
		tls_free(server.tls);
		assert_int_equal(memory.now, idle);
	}
	print_message("two connections: %zu kB at most; idle context %zu kB\n",
		      (memory.peak - idle) / 1024, idle / 1024);
	assert_true(memory.peak - idle < 600000);
	tls_context_free(context);
	client.tls = NULL;
	server.tls = NULL;
}

static void test_an_allocation_that_fails_is_an_error_and_no_leak(void **state)
{
	struct tls_context *context;
	uint64_t fail_after = 1;
	bool done = false;
	size_t idle;

	(void)state;
	assert_int_equal(tls_context_new(&context, &key, 7), 0);
	idle = memory.now;
	for (; !done; fail_after += 1 + fail_after / 50) {
		int r;

		memset(&client, 0, sizeof(client));
		memset(&server, 0, sizeof(server));
		memory.fail_at = memory.calls + fail_after;
		r = tls_new(&client.tls, context, true);
		if (r == 0) {
			r = tls_new(&server.tls, context, false);
		}
		if (r == 0) {
			shake_whole();
			done = memory.calls < memory.fail_at;
		} else {
			assert_int_equal(r, -ENOMEM);
		}
		memory.fail_at = 0;
		tls_free(client.tls);
		tls_free(server.tls);
		assert_true(memory.now < idle + 20000); /* the library's error queue */
	}
	print_message("%llu allocations of two handshakes\n", (unsigned long long)fail_after);
	client.tls = NULL;
	server.tls = NULL;
	tls_context_free(context);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_members_with_one_key_talk_however_the_bytes_are_cut),
		cmocka_unit_test_teardown(test_nothing_is_said_before_the_key_is_proven,
					  close_both),
		cmocka_unit_test_teardown(test_a_handshake_that_is_cut_short_is_never_done,
					  close_both),
		cmocka_unit_test_teardown(test_another_key_is_found_and_named_by_both, close_both),
		cmocka_unit_test_teardown(test_the_key_of_another_domain_is_named_by_both,
					  close_both),
		cmocka_unit_test_teardown(test_a_peer_in_the_clear_is_named_and_can_tell,
					  close_both),
		cmocka_unit_test_teardown(test_garbage_is_garbage_and_costs_little, close_both),
		cmocka_unit_test_teardown(test_a_record_that_is_too_long_is_refused_at_its_header,
					  close_both),
		cmocka_unit_test_teardown(test_who_dawdles_in_the_handshake_is_bounded, close_both),
		cmocka_unit_test_teardown(test_every_changed_byte_of_a_record_is_found, close_both),
		cmocka_unit_test(test_a_record_that_is_repeated_or_left_out_is_found),
		cmocka_unit_test_teardown(test_an_end_in_good_order_is_told_from_a_failure,
					  close_both),
		cmocka_unit_test_teardown(test_what_waits_is_bounded_both_ways, close_both),
		cmocka_unit_test_teardown(test_keys_change_and_nobody_notices, close_both),
		cmocka_unit_test_teardown(test_a_server_with_a_certificate_and_no_key_is_refused,
					  close_both),
		cmocka_unit_test_teardown(
			test_a_client_without_the_key_or_of_an_older_version_is_refused,
			close_both),
		cmocka_unit_test_teardown(test_a_connection_costs_bounded_memory_and_gives_it_back,
					  close_both),
		cmocka_unit_test(test_an_allocation_that_fails_is_an_error_and_no_leak),
	};

	if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
