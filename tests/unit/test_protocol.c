/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that says anything, against one engine: what is malformed ends the session and changes
 * nothing, what is newer is skipped, and whoever does not fit is told why (SAFE-9, SAFE-10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

static struct rig rig;

static int start(void **state)
{
	(void)state;
	rig_init_connected(&rig);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

/* ---- numbers of claims ----------------------------------------------------------------------- */

static void test_a_claim_has_a_number(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 0, 0);
	rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
}

static void test_a_number_that_could_not_be_outdone_is_none(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, (uint32_t)TABLE_SEQ_MAX + 1, 0);
	rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
}

/* ---- every prefix of every message ---------------------------------------------------------- */

#define SAMPLES_MAX 20

struct sample {
	const char *name;
	uint16_t type;
	uint32_t size;
	uint8_t bytes[2 * sizeof(struct digest_buckets) + 64];
};

static struct sample samples[SAMPLES_MAX];
static uint32_t samples_count;

static void keep_sample(const char *name, uint16_t type)
{
	struct sample *sample = &samples[samples_count++];

	assert_true(samples_count <= SAMPLES_MAX);
	sample->name = name;
	sample->type = type;
	sample->size = rig.writer.offset - MLAG_WIRE_HEADER_SIZE;
	assert_true(sample->size <= sizeof(sample->bytes));
	memcpy(sample->bytes, rig.bytes + MLAG_WIRE_HEADER_SIZE, sample->size);
}

static void make_samples_of_rows(void)
{
	struct mlag_address_key address = {.kind = MLAG_ADDRESS_IP, .family = 4, .octets = {10, 1}};
	struct address_value domain = {.domain = 0};
	struct mlag_neighbor_key neighbor = {
		.family = 4, .device = MLAG_NEIGHBOR_ON_SVI, .vlan = RIG_VLAN, .octets = {10, 2}};
	struct neighbor_value value = {.mac = {{2, 0, 0, 0, 0, 9}}};

	buf_put_u8(rig_begin(&rig), WIRE_TABLE_ADDRESSES);
	buf_put_u32(&rig.writer, 1);
	buf_put_u16(&rig.writer, 1);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	address_table_class.put_key(&rig.writer, &address);
	buf_put_u32(&rig.writer, 1);
	address_table_class.put_value(&rig.writer, &domain);
	keep_sample("addresses", WIRE_ROWS);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_NEIGHBORS);
	buf_put_u32(&rig.writer, 1);
	buf_put_u16(&rig.writer, 1);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	neighbor_table_class.put_key(&rig.writer, &neighbor);
	buf_put_u32(&rig.writer, 1);
	neighbor_table_class.put_value(&rig.writer, &value);
	keep_sample("neighbours", WIRE_ROWS);
}

static void make_samples_of_repair(void)
{
	static const struct digest_buckets buckets;
	static const struct digest_set set;
	struct mlag_mac_key key = rig_key(1);

	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	digest_put_buckets(&rig.writer, &buckets);
	keep_sample("compare", WIRE_COMPARE);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	digest_put_set(&rig.writer, &set);
	keep_sample("repair begins", WIRE_REPAIR_BEGIN);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	keep_sample("repair ends", WIRE_REPAIR_END);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	buf_put_u32(&rig.writer, 5);
	buf_put_u8(&rig.writer, 1); /* of a key */
	buf_put_u32(&rig.writer, 0);
	mac_table_class.put_key(&rig.writer, &key);
	keep_sample("ask of a key", WIRE_ASK);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	buf_put_u32(&rig.writer, 6);
	buf_put_u8(&rig.writer, 2); /* of all rows */
	buf_put_u32(&rig.writer, 0);
	digest_put_buckets(&rig.writer, &buckets);
	digest_put_buckets(&rig.writer, &buckets);
	keep_sample("ask of a table", WIRE_ASK);
}

/* One of each, as they can come one after another. */
static void make_samples(void)
{
	struct wire_keepalive keepalive = {.role_epoch = 1, .digests_count = 2};
	struct leg_value leg = {.up = 1, .generation = 3};
	struct leg_key leg_key = {.lag_id = 1};
	struct mac_value mac = {.lag_id = 1};
	struct mlag_mac_key key = rig_key(1);

	samples_count = 0;
	keepalive.digests[0].table = WIRE_TABLE_LEGS;
	keepalive.digests[1].table = WIRE_TABLE_MACS;
	wire_put_keepalive(rig_begin(&rig), &keepalive);
	keep_sample("keepalive", WIRE_KEEPALIVE);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 1);
	keep_sample("begin", WIRE_SNAPSHOT_BEGIN);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 1);
	buf_put_u16(&rig.writer, 1);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	leg_table_class.put_key(&rig.writer, &leg_key);
	buf_put_u32(&rig.writer, 1);
	memset(&leg.vlans, 0x55, sizeof(leg.vlans) / 16);
	leg_table_class.put_value(&rig.writer, &leg);
	keep_sample("legs", WIRE_ROWS);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 1);
	keep_sample("end", WIRE_SNAPSHOT_END);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	buf_put_u32(&rig.writer, 1);
	buf_put_u16(&rig.writer, 2);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	mac_table_class.put_key(&rig.writer, &key);
	buf_put_u32(&rig.writer, 1);
	mac_table_class.put_value(&rig.writer, &mac);
	buf_put_u8(&rig.writer, WIRE_ROW_WITHDRAW);
	mac_table_class.put_key(&rig.writer, &key);
	keep_sample("macs", WIRE_ROWS);
	make_samples_of_rows();
	make_samples_of_repair();
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 0);
	buf_put_u32(&rig.writer, 1);
	keep_sample("ack", WIRE_ACK);
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	keep_sample("resync", WIRE_RESYNC);
	buf_put_u16(rig_begin(&rig), MLAG_CLOSE_DOMAIN);
	keep_sample("refuse", WIRE_REFUSE);
	buf_put_u16(rig_begin(&rig), 0);
	keep_sample("goodbye", WIRE_GOODBYE);
}

static void say(const struct sample *sample, uint32_t size, uint32_t surplus)
{
	rig_begin(&rig);
	for (uint32_t i = 0; i < size; i++) {
		buf_put_u8(&rig.writer, sample->bytes[i]);
	}
	for (uint32_t i = 0; i < surplus; i++) {
		buf_put_u8(&rig.writer, 0xee);
	}
	rig_hear(&rig, sample->type);
}

/* What a message that was refused must not have changed. */
struct picture {
	uint32_t peer_macs;
	uint32_t peer_legs;
	uint64_t mac_digest;
	uint64_t leg_digest;
	uint32_t own_macs;
	uint32_t rows;
	bool peer_left;
	uint32_t programs;
};

static struct picture take_picture(void)
{
	struct picture picture;

	memset(&picture, 0, sizeof(picture));
	picture.peer_macs = rig.engine->macs.peer_count;
	picture.peer_legs = rig.engine->legs.peer_count;
	picture.mac_digest = rig.engine->macs.peer_digest;
	picture.leg_digest = rig.engine->legs.peer_digest;
	picture.own_macs = rig.engine->macs.own_count;
	picture.rows = rig.engine->macs.rows_used + rig.engine->legs.rows_used;
	picture.peer_left = rig.engine->peer_left;
	picture.programs = rig.engine->legs.program.count;
	return picture;
}

/* A whole keepalive of a peer that does not say up to which batch it has heard. */
static bool is_older_keepalive(const struct sample *sample, uint32_t size)
{
	return sample->type == WIRE_KEEPALIVE && size >= 7 &&
	       size == 7 + sample->bytes[6] * (1U + 1U + 12U + 12U);
}

static void test_safe9_every_prefix_of_every_message(void **state)
{
	(void)state;
	make_samples();
	for (uint32_t i = 0; i < samples_count; i++) {
		for (uint32_t size = 0; size < samples[i].size; size += size < 128 ? 1 : 509) {
			struct picture before;
			struct picture after;

			if (is_older_keepalive(&samples[i], size)) {
				continue;
			}
			(void)end(NULL);
			(void)start(NULL);
			for (uint32_t j = 0; j < i; j++) {
				say(&samples[j], samples[j].size, 0);
			}
			if (samples[i].type == WIRE_GOODBYE) {
				/* The one before ended the session. */
				rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
				rig_connect(&rig);
			}
			assert_int_equal(rig.engine->session, MLAG_SESSION_UP);
			before = take_picture();
			rig.closes = 0;
			say(&samples[i], size, 0);
			after = take_picture();
			assert_memory_equal(&before, &after, sizeof(before));
			assert_int_equal(rig.closes, 1);
			assert_int_equal(rig.close_reason, MLAG_CLOSE_MALFORMED);
			assert_true(rig.engine->malformed_count == 1);
		}
	}
}

static void test_longer_messages_of_a_newer_peer(void **state)
{
	(void)state;
	make_samples();
	for (uint32_t surplus = 1; surplus < 300; surplus += 37) {
		(void)end(NULL);
		(void)start(NULL);
		for (uint32_t i = 0; i < samples_count; i++) {
			if (samples[i].type == WIRE_REFUSE) {
				break;
			}
			say(&samples[i], samples[i].size, surplus);
			assert_int_equal(rig.closes, 0);
			assert_int_equal(rig.engine->session, MLAG_SESSION_UP);
		}
		assert_int_equal(rig.engine->legs.peer_count, 1);
		assert_true(rig.engine->malformed_count == 0);
	}
}

static void test_unknown_types_and_tables_are_skipped(void **state)
{
	struct picture before = take_picture();
	struct picture after;

	(void)state;
	for (uint32_t type = 0; type < 65536; type += type < 64 ? 1 : 1021) {
		if (type >= WIRE_HELLO && type <= WIRE_RESYNC) {
			continue;
		}
		buf_put_u64(rig_begin(&rig), UINT64_MAX);
		rig_hear(&rig, (uint16_t)type);
	}
	for (uint32_t table = 0; table < 256; table++) {
		for (uint16_t type = WIRE_SNAPSHOT_BEGIN; type <= WIRE_RESYNC; type++) {
			if (table == WIRE_TABLE_LEGS || table == WIRE_TABLE_MACS ||
			    table == WIRE_TABLE_ADDRESSES || table == WIRE_TABLE_NEIGHBORS) {
				continue;
			}
			buf_put_u8(rig_begin(&rig), (uint8_t)table);
			buf_put_u64(&rig.writer, UINT64_MAX);
			rig_hear(&rig, type);
		}
	}
	after = take_picture();
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(rig.closes, 0);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_UP);
	assert_true(rig_view(&rig)->malformed_count == 0);
}

static void test_frames_that_lie_about_their_size(void **state)
{
	uint8_t bytes[12] = {0, 0, 0, 4, 0, WIRE_RESYNC, 0, 0, WIRE_TABLE_MACS};

	(void)state;
	for (uint32_t size = 0; size < sizeof(bytes); size++) {
		(void)end(NULL);
		(void)start(NULL);
		rig_hear_bytes(&rig, bytes, size);
		rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
	}
}

/* ---- rows that make no sense ---------------------------------------------------------------- */

static void test_legs_that_make_no_sense(void **state)
{
	struct leg_value value;

	(void)state;
	for (uint32_t what = 0; what < 5; what++) {
		(void)end(NULL);
		(void)start(NULL);
		memset(&value, 0, sizeof(value));
		value.open = what == 0; /* without up */
		value.up = what == 1;	/* without a generation */
		if (what >= 2) {
			value.up = 1;
			value.generation = 1;
		}
		if (what < 3) {
			rig_hear_leg(&rig, what == 2 ? 0 : 1, &value);
		} else {
			struct leg_key key = {.lag_id = 1};

			rig_begin_rows(&rig, WIRE_TABLE_LEGS, 1);
			buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
			leg_table_class.put_key(&rig.writer, &key);
			buf_put_u32(&rig.writer, 1);
			leg_table_class.put_value(&rig.writer, &value);
			rig.writer.offset -= 2;
			buf_put_u16(&rig.writer, what == 3 ? 1 : UINT16_MAX);
			buf_put_u16(&rig.writer, 9);
			buf_put_u16(&rig.writer, what == 3 ? 5 : 4096);
			rig_hear(&rig, WIRE_ROWS);
		}
		rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig.engine->legs.peer_count, 0);
	}
}

static void test_addresses_that_make_no_sense(void **state)
{
	static const struct mlag_address_key keys[] = {
		{.kind = 0, .family = 4, .octets = {10}},
		{.kind = MLAG_ADDRESS_DEFAULT_ROUTE + 1, .family = 4, .octets = {10}},
		{.kind = MLAG_ADDRESS_ROUTER_MAC, .family = 4, .octets = {2}},
		{.kind = MLAG_ADDRESS_ROUTER_MAC, .domain = 1, .octets = {2}},
		{.kind = MLAG_ADDRESS_ROUTER_MAC, .vlan = 4095, .octets = {2}},
		{.kind = MLAG_ADDRESS_ROUTER_MAC, .octets = {1}},
		{.kind = MLAG_ADDRESS_ROUTER_MAC, .octets = {2, 0, 0, 0, 0, 0, 1}},
		{.kind = MLAG_ADDRESS_IP, .family = 5, .octets = {10}},
		{.kind = MLAG_ADDRESS_IP, .family = 4, .vlan = 1, .octets = {10}},
		{.kind = MLAG_ADDRESS_IP, .family = 4, .octets = {224}},
		{.kind = MLAG_ADDRESS_IP, .family = 4, .octets = {10, 0, 0, 0, 1}},
		{.kind = MLAG_ADDRESS_IP, .family = 6, .octets = {0xff}},
		{.kind = MLAG_ADDRESS_LINK_LOCAL, .family = 5, .octets = {10}},
		{.kind = MLAG_ADDRESS_LINK_LOCAL, .family = 4, .domain = 1, .octets = {169, 254}},
		{.kind = MLAG_ADDRESS_LINK_LOCAL, .family = 4, .vlan = 4095, .octets = {169, 254}},
		{.kind = MLAG_ADDRESS_SVI_IP, .family = 5, .octets = {10}},
		{.kind = MLAG_ADDRESS_SVI_IP, .family = 4, .vlan = 4095, .octets = {10}},
		{.kind = MLAG_ADDRESS_DEFAULT_ROUTE, .family = 5},
		{.kind = MLAG_ADDRESS_DEFAULT_ROUTE, .family = 4, .vlan = 1},
		{.kind = MLAG_ADDRESS_DEFAULT_ROUTE, .family = 4, .octets = {1}},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct address_value value = {.domain = 0};

		(void)end(NULL);
		(void)start(NULL);
		rig_begin_rows(&rig, WIRE_TABLE_ADDRESSES, 1);
		buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
		address_table_class.put_key(&rig.writer, &keys[i]);
		buf_put_u32(&rig.writer, 1);
		address_table_class.put_value(&rig.writer, &value);
		rig_hear(&rig, WIRE_ROWS);
		rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig.engine->addresses.peer_count, 0);
	}
}

static void test_neighbors_that_make_no_sense(void **state)
{
#define SVI MLAG_NEIGHBOR_ON_SVI
	static const struct mlag_neighbor_key keys[] = {
		{.family = 4, .device = MLAG_NEIGHBOR_ON_NONE, .octets = {10}},
		{.family = 4, .device = MLAG_NEIGHBOR_ON_GATEWAY + 1, .octets = {10}},
		{.family = 4, .device = SVI, .vlan = 4095, .octets = {10}},
		{.family = 5, .device = SVI, .octets = {10}},
		{.family = 4, .device = SVI, .octets = {0}},
		{.family = 4, .device = SVI, .octets = {127, 0, 0, 1}},
		{.family = 4, .device = SVI, .octets = {224, 0, 0, 5}},
		{.family = 4, .device = SVI, .octets = {255, 255, 255, 255}},
		{.family = 4, .device = SVI, .octets = {10, 0, 0, 0, 1}},
		{.family = 6, .device = SVI, .octets = {0xff, 2}},
		{.family = 6, .device = SVI, .octets = {0}},
		{.family = 4, .device = SVI, .octets = {10, 1}}, /* its MAC is a group */
		{.family = 4, .device = SVI, .octets = {10, 2}}, /* it has none */
	};
#undef SVI
	uint32_t count = sizeof(keys) / sizeof(keys[0]);

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		struct neighbor_value value = {.mac = {{2, 0, 0, 0, 0, 9}}};

		value.mac.octets[0] = i == count - 2 ? 1 : 2;
		if (i == count - 1) {
			memset(&value, 0, sizeof(value));
		}
		(void)end(NULL);
		(void)start(NULL);
		rig_begin_rows(&rig, WIRE_TABLE_NEIGHBORS, 1);
		buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
		neighbor_table_class.put_key(&rig.writer, &keys[i]);
		buf_put_u32(&rig.writer, 1);
		neighbor_table_class.put_value(&rig.writer, &value);
		rig_hear(&rig, WIRE_ROWS);
		rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig.engine->neighbors.peer_count, 0);
	}
}

static void test_macs_that_make_no_sense(void **state)
{
	(void)state;
	for (uint32_t what = 0; what < 3; what++) {
		struct mlag_mac_key key = rig_key(1);
		struct mac_value value = {.lag_id = 0};

		(void)end(NULL);
		(void)start(NULL);
		if (what == 0) {
			key.mac.octets[0] = 1;
		} else {
			key.vlan = what == 1 ? 4095 : 65535;
		}
		rig_begin_rows(&rig, WIRE_TABLE_MACS, 1);
		buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
		mac_table_class.put_key(&rig.writer, &key);
		buf_put_u32(&rig.writer, 1);
		mac_table_class.put_value(&rig.writer, &value);
		rig_hear(&rig, WIRE_ROWS);
		rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig.engine->macs.rows_used, 0);
	}
}

static void test_safe9_of_a_message_with_one_bad_row_nothing_is_taken(void **state)
{
	struct mlag_mac_key key = rig_key(1);
	struct mac_value value = {.lag_id = 0};

	(void)state;
	rig_begin_rows(&rig, WIRE_TABLE_MACS, 2);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	mac_table_class.put_key(&rig.writer, &key);
	buf_put_u32(&rig.writer, 1);
	mac_table_class.put_value(&rig.writer, &value);
	buf_put_u8(&rig.writer, 99);
	mac_table_class.put_key(&rig.writer, &key);
	buf_put_u32(&rig.writer, 1);
	mac_table_class.put_value(&rig.writer, &value);
	rig_hear(&rig, WIRE_ROWS);
	rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
	assert_int_equal(rig.engine->macs.peer_count, 0);
	assert_int_equal(rig.engine->macs.rows_used, 0);
	assert_int_equal(rig_view(&rig)->closes[MLAG_CLOSE_MALFORMED], 1);
}

static void test_rows_that_only_the_peer_had_go_with_its_claim(void **state)
{
	struct leg_value value = {.up = 0};
	uint32_t rows_used = rig.engine->legs.rows_used;

	(void)state;
	for (uint16_t lag_id = 50; lag_id < 60; lag_id++) {
		rig_hear_leg(&rig, lag_id, &value);
	}
	assert_int_equal(rig.engine->legs.rows_used, rows_used + 10);
	for (uint16_t lag_id = 50; lag_id < 55; lag_id++) {
		rig_hear_no_leg(&rig, lag_id);
	}
	assert_int_equal(rig.engine->legs.rows_used, rows_used + 5);
	/* Those that a snapshot does not mention too. */
	rig_hear_snapshots(&rig);
	assert_int_equal(rig.engine->legs.rows_used, rows_used);
}

static void test_a_peer_cannot_fill_more_than_the_tables(void **state)
{
	struct leg_value value = {.up = 1, .generation = 1};

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		rig_hear_mac(&rig, (uint8_t)i, (uint16_t)i, i + 1, (uint8_t)i);
	}
	for (uint16_t lag_id = 1; lag_id < 2000; lag_id++) {
		rig_hear_leg(&rig, lag_id, &value);
	}
	assert_int_equal(rig.closes, 0);
	assert_true(rig.engine->macs.rows_used <= 64);
	assert_true(rig.engine->legs.rows_used <= ENGINE_LEG_ROWS);
	assert_true(rig.effects.count <= MLAG_EFFECTS_MAX);
	assert_true(rig_view(&rig)->macs.full);
	assert_true(rig_view(&rig)->legs.full);
	assert_int_equal(rig_view(&rig)->macs.remote_count, 64);
}

/* More legs change at once than a step has room for notices: the close is never lost. */
static void test_notices_give_way_to_the_close(void **state)
{
	struct leg_value value = {.up = 1, .generation = 1};

	(void)state;
	for (uint16_t i = 1; i < 200; i++) {
		rig_hear_leg(&rig, (uint16_t)(100 + i), &value);
	}
	buf_put_u16(rig_begin(&rig), 0);
	rig_hear(&rig, WIRE_GOODBYE); /* all of them go */
	assert_true(rig.effects.notices_lost > 0);
	assert_true(rig.effects.count <= MLAG_EFFECTS_MAX);
	rig_expect_closed(&rig, MLAG_CLOSE_GOODBYE);
}

/* ---- hello ---------------------------------------------------------------------------------- */

static void expect_refusal(enum mlag_close_reason reason)
{
	struct buf_reader payload;

	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
	rig.closes = 0;
	rig_hear_hello(&rig);
	rig_expect_closed(&rig, reason);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_REFUSED);
	assert_true(rig_view(&rig)->refused_by_us);
	/* And the peer is told why. */
	assert_int_equal(rig_next(&rig, &payload), WIRE_REFUSE);
	assert_int_equal(buf_get_u16(&payload), reason);
}

static void test_safe10_hellos_that_do_not_fit(void **state)
{
	struct wire_hello good = rig.hello;

	(void)state;
	rig.hello.version = 9;
	rig.hello.version_min = 2;
	expect_refusal(MLAG_CLOSE_VERSION);
	rig.hello.version = 0;
	rig.hello.version_min = 0;
	expect_refusal(MLAG_CLOSE_VERSION);
	rig.hello = good;
	rig.hello.domain_id = 2;
	expect_refusal(MLAG_CLOSE_DOMAIN);
	rig.hello = good;
	rig.hello.system_mac.octets[5] ^= 1;
	expect_refusal(MLAG_CLOSE_SYSTEM_MAC);
	rig.hello = good;
	rig.hello.member_id = rig.peer_link.mac;
	expect_refusal(MLAG_CLOSE_SAME_MEMBER);
	rig.hello = good;
	rig.hello.flags = 0;
	expect_refusal(MLAG_CLOSE_VLAN_MODE);
	/* A newer one that still speaks version 1, with bits and flags nobody knows. */
	rig.hello = good;
	rig.hello.version = 65535;
	rig.hello.features = UINT64_MAX;
	rig.hello.flags = 0xff;
	rig.hello.role = 0xff;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_connect(&rig);
	assert_int_equal(rig_view(&rig)->peer_protocol, 65535);
	assert_int_equal(rig_view(&rig)->close_reason, MLAG_CLOSE_NONE);
}

static void test_every_prefix_of_a_hello(void **state)
{
	uint32_t size;

	(void)state;
	wire_put_hello(rig_begin(&rig), &rig.hello);
	size = rig.writer.offset - MLAG_WIRE_HEADER_SIZE;
	for (uint32_t cut = 0; cut < size; cut++) {
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
		rig.closes = 0;
		wire_put_hello(rig_begin(&rig), &rig.hello);
		rig.writer.offset = MLAG_WIRE_HEADER_SIZE + cut;
		rig_hear(&rig, WIRE_HELLO);
		rig_expect_closed(&rig, MLAG_CLOSE_MALFORMED);
		assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_IDLE);
	}
}

static void test_anything_before_hello_ends_the_connection(void **state)
{
	(void)state;
	for (uint16_t type = 0; type < 20; type++) {
		if (type == WIRE_HELLO || type == WIRE_REFUSE) {
			continue;
		}
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
		rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
		rig.closes = 0;
		buf_put_u64(rig_begin(&rig), 0);
		rig_hear(&rig, type);
		rig_expect_closed(&rig, MLAG_CLOSE_UNEXPECTED);
	}
}

static void test_a_second_hello_ends_the_session(void **state)
{
	(void)state;
	rig_hear_hello(&rig);
	rig_expect_closed(&rig, MLAG_CLOSE_UNEXPECTED);
}

static void test_messages_after_the_end_are_ignored(void **state)
{
	(void)state;
	rig_hear_hello(&rig);
	for (uint16_t type = 0; type < 20; type++) {
		buf_put_u64(rig_begin(&rig), 0);
		rig_hear(&rig, type);
	}
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	rig_hear_hello(&rig);
	assert_int_equal(rig.closes, 1);
	assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_IDLE);
	assert_true(rig_view(&rig)->ignored_count > 0);
}

static void test_refusals_of_the_peer_are_shown(void **state)
{
	(void)state;
	for (uint32_t up = 0; up < 2; up++) {
		for (uint32_t reason = 0; reason < 70; reason++) {
			rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
			rig_step_type(&rig, MLAG_EVENT_CHANNEL_UP);
			if (up != 0) {
				rig_hear_hello(&rig);
			}
			rig.closes = 0;
			buf_put_u16(rig_begin(&rig), (uint16_t)reason);
			rig_hear(&rig, WIRE_REFUSE);
			/* A newer peer's reason is none that we know. */
			rig_expect_closed(&rig, reason <= MLAG_CLOSE_LIMIT
							? (enum mlag_close_reason)reason
							: MLAG_CLOSE_NONE);
			assert_int_equal(rig_view(&rig)->session, MLAG_SESSION_REFUSED);
			assert_false(rig_view(&rig)->refused_by_us);
		}
	}
}

static void test_goodbye_is_not_death(void **state)
{
	(void)state;
	rig_hear_mac(&rig, 1, 0, 1, 0);
	buf_put_u16(rig_begin(&rig), 0);
	rig_hear(&rig, WIRE_GOODBYE);
	rig_expect_closed(&rig, MLAG_CLOSE_GOODBYE);
	assert_int_equal(rig_view(&rig)->macs.remote_count, 0);
	assert_int_equal(rig_view(&rig)->verdict, MLAG_VERDICT_ALONE);
	assert_int_equal(rig_view(&rig)->role, MLAG_ROLE_PRIMARY);
}

static void test_own_goodbye_is_sent_and_ends_the_session(void **state)
{
	struct buf_reader payload;

	(void)state;
	rig_step_type(&rig, MLAG_EVENT_GOODBYE);
	rig_expect_closed(&rig, MLAG_CLOSE_GOODBYE);
	assert_int_equal(rig_next(&rig, &payload), WIRE_GOODBYE);
	assert_int_equal(buf_left(&payload), 2);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
	/* Without a session there is nobody to tell. */
	rig_step_type(&rig, MLAG_EVENT_GOODBYE);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
}

#define PROTOCOL_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROTOCOL_TEST(test_a_claim_has_a_number),
		PROTOCOL_TEST(test_a_number_that_could_not_be_outdone_is_none),
		PROTOCOL_TEST(test_safe9_every_prefix_of_every_message),
		PROTOCOL_TEST(test_longer_messages_of_a_newer_peer),
		PROTOCOL_TEST(test_unknown_types_and_tables_are_skipped),
		PROTOCOL_TEST(test_frames_that_lie_about_their_size),
		PROTOCOL_TEST(test_legs_that_make_no_sense),
		PROTOCOL_TEST(test_neighbors_that_make_no_sense),
		PROTOCOL_TEST(test_addresses_that_make_no_sense),
		PROTOCOL_TEST(test_macs_that_make_no_sense),
		PROTOCOL_TEST(test_safe9_of_a_message_with_one_bad_row_nothing_is_taken),
		PROTOCOL_TEST(test_rows_that_only_the_peer_had_go_with_its_claim),
		PROTOCOL_TEST(test_a_peer_cannot_fill_more_than_the_tables),
		PROTOCOL_TEST(test_notices_give_way_to_the_close),
		PROTOCOL_TEST(test_safe10_hellos_that_do_not_fit),
		PROTOCOL_TEST(test_every_prefix_of_a_hello),
		PROTOCOL_TEST(test_anything_before_hello_ends_the_connection),
		PROTOCOL_TEST(test_a_second_hello_ends_the_session),
		PROTOCOL_TEST(test_messages_after_the_end_are_ignored),
		PROTOCOL_TEST(test_refusals_of_the_peer_are_shown),
		PROTOCOL_TEST(test_goodbye_is_not_death),
		PROTOCOL_TEST(test_own_goodbye_is_sent_and_ends_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
