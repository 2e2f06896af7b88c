/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two ends of TLS between the engines (see simtls.h).  What one says is cut into pieces of any size
 * before the other gets it, as TCP does; whatever comes out must be what went in.
 */
#include "simtls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlagd/peer/tls.h"

#define RECORD_PAYLOAD 16384U
#define RECORD_OVERHEAD 22U /* header 5, type 1, tag 16 */

static struct tls_context *context;
static struct tls *ends[WORLD_MEMBERS];
static uint64_t pieces_random = 1; /* of its own: no life changes by it */
static uint32_t handshake_sizes[WORLD_MEMBERS];
static struct {
	uint64_t handshakes;
	uint64_t messages;
	uint64_t pieces;
	uint64_t octets;
} totals;

static uint32_t any_piece(uint32_t size)
{
	uint32_t most;

	pieces_random = pieces_random * UINT64_C(6364136223846793005) + 1442695040888963407U;
	most = (pieces_random >> 60) == 0 ? 1U : (uint32_t)(pieces_random >> 33) % (size + 1) + 1;
	return most < size ? most : size;
}

/* Bytes for @member in pieces; how many plain ones came out. */
static uint32_t feed(uint32_t member, const uint8_t *data, uint32_t size, uint8_t *ret_data,
		     uint32_t room)
{
	uint32_t plain = 0;

	for (uint32_t offset = 0; offset < size;) {
		uint32_t piece = any_piece(size - offset);
		int n;

		piece = piece < TLS_FEED_MAX / 2 ? piece : TLS_FEED_MAX / 2;
		mlag_assert(tls_feed(ends[member], data + offset, piece) == 0);
		offset += piece;
		totals.pieces++;
		do {
			n = tls_read(ends[member], ret_data + plain, room - plain);
			mlag_assert(n >= 0);
			plain += (uint32_t)n;
		} while (n > 0 && plain < room);
	}
	return plain;
}

/* All that @member has to say goes to the other; how many octets. */
static uint32_t carry(uint32_t member)
{
	const uint8_t *data = NULL;
	uint32_t size = tls_output(ends[member], &data);
	uint8_t none[1];

	if (size > 0) {
		mlag_assert(feed(1 - member, data, size, none, sizeof(none)) == 0);
		tls_sent(ends[member], size);
	}
	return size;
}

static void connect_ends(struct world *world)
{
	uint32_t sizes[WORLD_MEMBERS] = {0};
	uint8_t none[1];

	(void)world;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		tls_free(ends[m]);
		mlag_assert(tls_new(&ends[m], context, m == 0) == 0);
	}
	mlag_assert(tls_read(ends[0], none, sizeof(none)) == 0);
	for (uint32_t i = 0; i < 4; i++) {
		sizes[i % 2] += carry(i % 2);
	}
	mlag_assert(tls_is_ready(ends[0]) && tls_is_ready(ends[1]));
	mlag_assert(totals.handshakes == 0 || memcmp(sizes, handshake_sizes, sizeof(sizes)) == 0);
	memcpy(handshake_sizes, sizes, sizeof(sizes));
	totals.handshakes++;
}

static uint32_t seal(struct world *world, uint32_t sender, const uint8_t *data, uint32_t size,
		     uint8_t *ret_data)
{
	const uint8_t *output = NULL;
	uint32_t sealed;

	(void)world;
	mlag_assert(tls_write(ends[sender], data, size) == 0);
	sealed = tls_output(ends[sender], &output);
	mlag_assert(sealed <= WORLD_SEALED_MAX);
	mlag_assert(sealed - size ==
			    (size + RECORD_PAYLOAD - 1) / RECORD_PAYLOAD * RECORD_OVERHEAD ||
		    sealed - size > 100); /* new keys were announced */
	memcpy(ret_data, output, sealed);
	tls_sent(ends[sender], sealed);
	totals.messages++;
	totals.octets += sealed;
	return sealed;
}

static uint32_t unseal(struct world *world, uint32_t receiver, const uint8_t *data, uint32_t size,
		       uint8_t *ret_data)
{
	(void)world;
	return feed(receiver, data, size, ret_data, MLAG_WIRE_MESSAGE_MAX);
}

void simtls_begin(struct world *world)
{
	static const struct world_wire wire = {connect_ends, seal, unseal};
	static const struct tls_key key = {{1, 2, 3}};

	if (context == NULL) {
		mlag_assert(tls_context_new(&context, &key, 1) == 0);
	}
	world->wire = &wire;
}

void simtls_end(struct world *world)
{
	world->wire = NULL;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		tls_free(ends[m]);
		ends[m] = NULL;
	}
}

void simtls_print(void)
{
	(void)printf("sim: TLS: %llu handshakes of %u and %u octets, %llu messages in %llu octets, "
		     "%llu pieces\n",
		     (unsigned long long)totals.handshakes, handshake_sizes[0], handshake_sizes[1],
		     (unsigned long long)totals.messages, (unsigned long long)totals.octets,
		     (unsigned long long)totals.pieces);
}
