/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbours (R29) of one engine with a peer made of bytes (rig.h): who claims what, what is written and
 * when it is tried again.  Two members are test_neighbor_pair.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define SVI 50

static struct rig rig;

static int start_rig(void **state)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DEVICE};

	(void)state;
	rig_init(&rig, 0);
	event.neighbor_device.vlan = RIG_VLAN;
	event.neighbor_device.device = MLAG_NEIGHBOR_ON_SVI;
	event.neighbor_device.ifindex = SVI;
	rig_step(&rig, &event);
	return 0;
}

static int end_rig(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static struct mlag_neighbor_key key_of(uint8_t last, enum mlag_neighbor_device device)
{
	struct mlag_neighbor_key key;

	memset(&key, 0, sizeof(key));
	key.family = 4;
	key.device = (uint8_t)device;
	key.vlan = RIG_VLAN;
	key.octets[0] = 10;
	key.octets[3] = last;
	return key;
}

static void report(const struct mlag_neighbor_key *key, enum mlag_neighbor_state state, uint8_t mac,
		   bool marked)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR};

	event.neighbor.key = *key;
	event.neighbor.entry.state = state;
	event.neighbor.entry.marked = marked;
	event.neighbor.entry.mac.octets[0] = 0x02;
	event.neighbor.entry.mac.octets[5] = mac;
	rig_step(&rig, &event);
}

static uint32_t operations(struct mlag_neighbor_operation *ret)
{
	return mlag_next_neighbors(rig.engine, ret, MLAG_NEIGHBOR_BATCH_MAX);
}

static void hear_claim(const struct mlag_neighbor_key *key, uint8_t mac, uint32_t seq)
{
	struct neighbor_value value = {.mac = {{0x02, 0, 0, 0, 0, mac}}};

	rig_begin_rows(&rig, WIRE_TABLE_NEIGHBORS, 1);
	buf_put_u8(&rig.writer, WIRE_ROW_CLAIM);
	neighbor_table_class.put_key(&rig.writer, key);
	buf_put_u32(&rig.writer, seq);
	neighbor_table_class.put_value(&rig.writer, &value);
	rig_hear(&rig, WIRE_ROWS);
}

static void test_a_dump_alone_withdraws_nothing(void **state)
{
	struct mlag_neighbor_key key = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_neighbor_operation ops[MLAG_NEIGHBOR_BATCH_MAX];
	struct mlag_view view;

	(void)state;
	report(&key, MLAG_NEIGHBOR_KNOWN, 1, false);
	rig_step_type(&rig, MLAG_EVENT_NEIGHBOR_DUMP_BEGIN);
	rig_step_type(&rig, MLAG_EVENT_NEIGHBOR_DUMP_END);
	mlag_get_view(rig.engine, &view);
	assert_int_equal(view.neighbors.local_count, 1);
	assert_int_equal(operations(ops), 1);
	assert_int_equal(ops[0].verb, MLAG_NEIGHBOR_VERB_VERIFY);
	assert_int_equal(ops[0].ifindex, SVI);
	/* The kernel's word for it does. */
	report(&key, MLAG_NEIGHBOR_NONE, 0, false);
	mlag_get_view(rig.engine, &view);
	assert_int_equal(view.neighbors.local_count, 0);
	assert_int_equal(rig.engine->neighbors.rows_used, 0);
}

/* R29: an address of a member is no neighbour, of whatever scope it is; one beside it is. */
static void test_an_address_of_ours_is_no_neighbour(void **state)
{
	static const struct {
		uint8_t kind;
		uint8_t family;
		uint8_t octets[4];
	} own[] = {
		{MLAG_ADDRESS_IP, 4, {10, 9, 9, 1}},
		{MLAG_ADDRESS_IP, 6, {0x20, 1, 0xd, 0xb8}},
		{MLAG_ADDRESS_LINK_LOCAL, 4, {169, 254, 0, 1}},
		{MLAG_ADDRESS_LINK_LOCAL, 6, {0xfe, 0x80, 0, 1}},
		{MLAG_ADDRESS_IP, 4, {169, 253, 0, 1}},
		{MLAG_ADDRESS_IP, 6, {0xfe, 0xc0, 0, 1}},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct mlag_event event = {.type = MLAG_EVENT_ADDRESS};
		struct mlag_neighbor_key key = key_of(1, MLAG_NEIGHBOR_ON_SVI);
		struct mlag_view view;

		event.address.key.kind = own[i].kind;
		event.address.key.family = own[i].family;
		event.address.key.vlan = own[i].kind == MLAG_ADDRESS_LINK_LOCAL ? RIG_VLAN : 0;
		memcpy(event.address.key.octets, own[i].octets, sizeof(own[i].octets));
		event.address.present = true;
		rig_step(&rig, &event);
		memset(key.octets, 0, sizeof(key.octets));
		memcpy(key.octets, own[i].octets, sizeof(own[i].octets));
		key.family = own[i].family;
		report(&key, MLAG_NEIGHBOR_CONFIRMED, 1, false);
		mlag_get_view(rig.engine, &view);
		assert_int_equal(view.neighbors.local_count, i);
		key.octets[2] ^= 0x10;
		report(&key, MLAG_NEIGHBOR_CONFIRMED, 1, false);
		mlag_get_view(rig.engine, &view);
		assert_int_equal(view.neighbors.local_count, i + 1);
	}
}

static void test_a_full_table_says_so_and_wants_a_dump_when_there_is_room(void **state)
{
	struct mlag_view view;

	(void)state;
	rig_fini(&rig);
	memset(&rig, 0, sizeof(rig));
	rig_init(&rig, 0);
	rig_fini(&rig);
	rig.config.neighbors_max = 32;
	rig.memory = calloc(1, mlag_engine_size(&rig.config));
	assert_non_null(rig.memory);
	rig.engine = mlag_engine_init(rig.memory, &rig.config, rig.now_ns);
	rig.engine->neighbor.devices[MLAG_NEIGHBOR_ON_SVI][RIG_VLAN] = SVI;
	for (uint8_t i = 1; i <= 40; i++) {
		struct mlag_neighbor_key key = key_of(i, MLAG_NEIGHBOR_ON_SVI);

		report(&key, MLAG_NEIGHBOR_KNOWN, i, false);
	}
	mlag_get_view(rig.engine, &view);
	assert_true(view.neighbors.full);
	assert_int_equal(view.neighbors.local_count, 32);
	assert_int_equal(rig.notices[MLAG_NOTICE_TABLE_FULL], 1);
	assert_false(mlag_wants_neighbor_dump(rig.engine));
	for (uint8_t i = 1; i <= 10; i++) {
		struct mlag_neighbor_key key = key_of(i, MLAG_NEIGHBOR_ON_SVI);

		report(&key, MLAG_NEIGHBOR_NONE, 0, false);
	}
	assert_true(mlag_wants_neighbor_dump(rig.engine));
	rig_step_type(&rig, MLAG_EVENT_NEIGHBOR_DUMP_BEGIN);
	assert_false(mlag_wants_neighbor_dump(rig.engine));
}

static void test_the_gateway_of_a_vlan_has_neighbours_of_its_own(void **state)
{
	struct mlag_neighbor_key svi = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_neighbor_key gateway = key_of(1, MLAG_NEIGHBOR_ON_GATEWAY);
	struct mlag_neighbor_operation ops[MLAG_NEIGHBOR_BATCH_MAX];
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DEVICE};

	(void)state;
	rig_connect(&rig);
	hear_claim(&svi, 1, 1);
	hear_claim(&gateway, 2, 1);
	/* There is no gateway here yet. */
	assert_int_equal(operations(ops), 1);
	assert_int_equal(ops[0].ifindex, SVI);
	assert_int_equal(ops[0].mac.octets[5], 1);
	event.neighbor_device.vlan = RIG_VLAN;
	event.neighbor_device.device = MLAG_NEIGHBOR_ON_GATEWAY;
	event.neighbor_device.ifindex = SVI + 1;
	rig_step(&rig, &event);
	rig_tick(&rig, RIG_SECOND);
	assert_int_equal(operations(ops), 1);
	assert_int_equal(ops[0].ifindex, SVI + 1);
	assert_int_equal(ops[0].mac.octets[5], 2);
}

static uint32_t own_seq(const struct mlag_neighbor_key *key)
{
	const struct table_row *row = table_find(&rig.engine->neighbors, key);

	return row != NULL && table_row_is_own(row) ? row->own_seq : 0;
}

static void test_a_claim_that_lost_stays_lost_without_news(void **state)
{
	struct mlag_neighbor_key key = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_neighbor_operation ops[MLAG_NEIGHBOR_BATCH_MAX];

	(void)state;
	rig_connect(&rig);
	report(&key, MLAG_NEIGHBOR_KNOWN, 1, false);
	assert_int_equal(own_seq(&key), 1);
	hear_claim(&key, 2, 2);
	assert_int_equal(own_seq(&key), 0);
	/* The kernel only asks the old one whether it is still there. */
	report(&key, MLAG_NEIGHBOR_KNOWN, 1, false);
	assert_int_equal(own_seq(&key), 0);
	assert_int_equal(operations(ops), 1);
	assert_int_equal(ops[0].verb, MLAG_NEIGHBOR_VERB_SET);
	assert_int_equal(ops[0].mac.octets[5], 2);
	/* But an answer is news, and newer than what the peer knows. */
	report(&key, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	assert_int_equal(own_seq(&key), 3);
}

static void test_of_two_first_sightings_an_answer_is_the_newer(void **state)
{
	struct mlag_neighbor_key known = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_neighbor_key confirmed = key_of(2, MLAG_NEIGHBOR_ON_SVI);

	(void)state;
	rig_step_type(&rig, MLAG_EVENT_NEIGHBOR_DUMP_BEGIN);
	report(&known, MLAG_NEIGHBOR_KNOWN, 1, false);
	report(&confirmed, MLAG_NEIGHBOR_CONFIRMED, 2, false);
	rig_step_type(&rig, MLAG_EVENT_NEIGHBOR_DUMP_END);
	assert_true(own_seq(&confirmed) > own_seq(&known));
}

static void test_what_is_being_flushed_waits_for_its_end(void **state)
{
	struct mlag_neighbor_key first = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_neighbor_key second = key_of(2, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_neighbor_operation ops[MLAG_NEIGHBOR_BATCH_MAX];

	(void)state;
	rig_connect(&rig);
	hear_claim(&first, 1, 1);
	hear_claim(&second, 2, 1);
	assert_int_equal(operations(ops), 2);
	report(&first, MLAG_NEIGHBOR_NONE, 0, false);
	assert_int_equal(operations(ops), 0);
	rig_tick(&rig, 40 * RIG_MS);
	report(&second, MLAG_NEIGHBOR_NONE, 0, false);
	rig_tick(&rig, 40 * RIG_MS);
	assert_int_equal(operations(ops), 0);
	assert_true(mlag_deadline_ns(rig.engine) <= rig.now_ns + 10 * RIG_MS);
	rig_tick(&rig, 10 * RIG_MS);
	assert_int_equal(operations(ops), 2);
	/* One that never ends is not waited for. */
	for (uint32_t i = 0; i < 12; i++) {
		report(&first, MLAG_NEIGHBOR_NONE, 0, false);
		report(&first, MLAG_NEIGHBOR_KNOWN, 1, true);
		report(&second, MLAG_NEIGHBOR_NONE, 0, false);
		rig_tick(&rig, 45 * RIG_MS);
	}
	assert_int_equal(operations(ops), 1);
}

static void test_what_was_not_written_is_not_taken_for_a_change(void **state)
{
	struct mlag_neighbor_key key = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_FAILED};
	struct mlag_neighbor_operation ops[MLAG_NEIGHBOR_BATCH_MAX];

	(void)state;
	rig_connect(&rig);
	hear_claim(&key, 1, 1);
	assert_int_equal(operations(ops), 1);
	hear_claim(&key, 2, 2);
	assert_int_equal(operations(ops), 1);
	event.neighbor_failed.key = key;
	event.neighbor_failed.error = 16;
	rig_step(&rig, &event);
	rig_tick(&rig, 2 * RIG_SECOND);
	assert_int_equal(operations(ops), 1);
	assert_int_equal(ops[0].verb, MLAG_NEIGHBOR_VERB_VERIFY);
	/* It still holds what we wrote before: the kernel has learned nothing. */
	report(&key, MLAG_NEIGHBOR_KNOWN, 1, true);
	assert_int_equal(own_seq(&key), 0);
	assert_int_equal(operations(ops), 1);
	assert_int_equal(ops[0].verb, MLAG_NEIGHBOR_VERB_SET);
	assert_int_equal(ops[0].mac.octets[5], 2);
}

/* 1, 2, 4 ... 32 s; after twice the longest wait without a failure from the beginning. */
static void test_what_fails_again_and_again_is_tried_less_and_less_often(void **state)
{
	static const uint32_t waits_s[] = {1, 2, 4, 8, 16, 32, 32};
	struct mlag_neighbor_key key = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_FAILED};
	struct mlag_neighbor_operation ops[MLAG_NEIGHBOR_BATCH_MAX];

	(void)state;
	report(&key, MLAG_NEIGHBOR_KNOWN, 1, false);
	assert_int_equal(operations(ops), 0);
	event.neighbor_failed.key = key;
	event.neighbor_failed.error = 16;
	for (uint32_t i = 0; i <= sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		uint64_t wait_ns = RIG_SECOND;

		if (i < sizeof(waits_s) / sizeof(waits_s[0])) {
			wait_ns = waits_s[i] * RIG_SECOND;
		} else {
			rig_tick(&rig, 65 * RIG_SECOND);
		}
		rig_step(&rig, &event);
		rig_tick(&rig, wait_ns - RIG_MS);
		assert_int_equal(operations(ops), 0);
		rig_tick(&rig, RIG_MS);
		assert_int_equal(operations(ops), 1);
		assert_int_equal(ops[0].verb, MLAG_NEIGHBOR_VERB_VERIFY);
		report(&key, MLAG_NEIGHBOR_KNOWN, 1, false);
		assert_int_equal(operations(ops), 0);
	}
}

static void test_impossible_neighbours_are_ignored(void **state)
{
	struct mlag_neighbor_key keys[7];
	struct mlag_view before, after;

	(void)state;
	for (uint32_t i = 0; i < 7; i++) {
		keys[i] = key_of(1, MLAG_NEIGHBOR_ON_SVI);
	}
	keys[0].family = 5;
	keys[1].octets[0] = 224;
	keys[2].octets[9] = 1;
	keys[3].vlan = 4095;
	keys[4].device = 3;
	keys[5].vlan = RIG_VLAN + 1; /* no device there */
	mlag_get_view(rig.engine, &before);
	for (uint32_t i = 0; i < 6; i++) {
		report(&keys[i], MLAG_NEIGHBOR_KNOWN, 1, false);
	}
	/* A MAC that is none. */
	rig.engine->neighbor.devices[MLAG_NEIGHBOR_ON_SVI][RIG_VLAN] = SVI;
	{
		struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR};

		event.neighbor.key = keys[6];
		event.neighbor.entry.state = MLAG_NEIGHBOR_KNOWN;
		event.neighbor.entry.mac.octets[0] = 1;
		rig_step(&rig, &event);
	}
	mlag_get_view(rig.engine, &after);
	assert_int_equal(after.ignored_count - before.ignored_count, 7);
	assert_int_equal(after.neighbors.local_count, 0);
}

static void test_a_claim_that_cannot_be_ends_the_session(void **state)
{
	struct mlag_neighbor_key key = key_of(1, MLAG_NEIGHBOR_ON_SVI);

	(void)state;
	rig_connect(&rig);
	key.octets[0] = 127;
	hear_claim(&key, 1, 1);
	assert_int_equal(rig.closes, 1);
	assert_int_equal(rig.close_reason, MLAG_CLOSE_MALFORMED);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, start_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_a_dump_alone_withdraws_nothing),
		RIG_TEST(test_an_address_of_ours_is_no_neighbour),
		RIG_TEST(test_a_full_table_says_so_and_wants_a_dump_when_there_is_room),
		RIG_TEST(test_the_gateway_of_a_vlan_has_neighbours_of_its_own),
		RIG_TEST(test_a_claim_that_lost_stays_lost_without_news),
		RIG_TEST(test_of_two_first_sightings_an_answer_is_the_newer),
		RIG_TEST(test_what_is_being_flushed_waits_for_its_end),
		RIG_TEST(test_what_was_not_written_is_not_taken_for_a_change),
		RIG_TEST(test_what_fails_again_and_again_is_tried_less_and_less_often),
		RIG_TEST(test_impossible_neighbours_are_ignored),
		RIG_TEST(test_a_claim_that_cannot_be_ends_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
