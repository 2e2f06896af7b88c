/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes at the session's port of a member with a key, before the handshake and in a session;
 * and as a key file.  Nobody gets in, nothing comes out that the peer has not said, and what waits
 * stays bounded.
 */
#include "fuzz.h"
#include "keyfile.h"
#include "peer/tls.h"

static struct tls_context *context;

static struct tls *open_end(bool is_client)
{
	static const struct tls_key key = {{9, 8, 7}};
	struct tls *tls = NULL;

	if (context == NULL) {
		fuzz_require(tls_context_new(&context, &key, 1) == 0);
	}
	fuzz_require(tls_new(&tls, context, is_client) == 0);
	return tls;
}

static void carry(struct tls *from, struct tls *to)
{
	const uint8_t *output = NULL;
	uint8_t plain[16];
	uint32_t size;

	fuzz_require(tls_read(from, plain, sizeof(plain)) == 0);
	size = tls_output(from, &output);
	if (size > 0) {
		fuzz_require(tls_feed(to, output, size) == 0);
		tls_sent(from, size);
	}
	fuzz_require(tls_read(to, plain, sizeof(plain)) == 0);
}

/* In pieces, as long as it is heard. */
static void say(struct tls *tls, const uint8_t *data, size_t size, uint32_t piece)
{
	static uint8_t plain[65536];

	for (size_t offset = 0; offset < size; offset += piece) {
		uint32_t some = (uint32_t)(size - offset < piece ? size - offset : piece);
		int r = tls_feed(tls, data + offset, some);

		if (r == 0) {
			r = tls_read(tls, plain, sizeof(plain));
			fuzz_require(r <= 0); /* whatever is said, nobody here has the keys */
		}
		fuzz_require(tls_output(tls, NULL) <= TLS_OUTPUT_MAX);
		if (r < 0) {
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_key key;
	struct tls *tls;
	struct tls *peer;

	if (size < 2) {
		return 0;
	}
	(void)keyfile_parse((const char *)data, size, &key);
	tls = open_end((data[0] & 1) != 0);
	if ((data[0] & 2) == 0) {
		uint8_t none[1];

		fuzz_require(tls_read(tls, none, sizeof(none)) == 0);
		say(tls, data + 2, size - 2, data[1] + 1U);
		fuzz_require(!tls_is_ready(tls));
		tls_free(tls);
		return 0;
	}
	peer = open_end((data[0] & 1) == 0);
	for (uint32_t i = 0; i < 3; i++) {
		carry(tls, peer);
		carry(peer, tls);
	}
	fuzz_require(tls_is_ready(tls) && tls_is_ready(peer));
	say(tls, data + 2, size - 2, data[1] + 1U);
	tls_free(peer);
	tls_free(tls);
	return 0;
}
