/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbours (R29) of two members wired to each other (world.h), and of one engine with a peer made
 * of bytes (rig.h): who claims what, what each kernel holds, and what comes of it when they differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "world.h"
#include "worldkernel.h"

#define SVI 50

static struct world world;
static struct rig rig;

/* ---- two members ---------------------------------------------------------------------------- */

static int start_pair(void **state)
{
	(void)state;
	world_init(&world, 1);
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 10 * WORLD_SECOND));
	return 0;
}

static int end_pair(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static const struct mlag_neighbor_entry *entry_of(uint32_t member, uint32_t neighbor)
{
	return &world.members[member].neighbors[neighbor].entry;
}

/* What the kernel of a member holds; state none for nothing, and then no MAC. */
static void expect(uint32_t member, uint32_t neighbor, enum mlag_neighbor_state state, uint32_t mac,
		   bool marked)
{
	const struct mlag_neighbor_entry *entry = entry_of(member, neighbor);
	struct mlag_mac wanted = world_neighbor_mac(mac);

	assert_int_equal(entry->state, state);
	if (state != MLAG_NEIGHBOR_NONE) {
		assert_memory_equal(&entry->mac, &wanted, sizeof(wanted));
		assert_int_equal(entry->marked, marked);
	}
}

static bool view_of(uint32_t member, uint32_t neighbor, struct mlag_neighbor_view *ret)
{
	struct mlag_neighbor_key key = world_neighbor_key(neighbor);
	uint32_t cursor = 0;

	while (mlag_next_neighbor_view(world.members[member].engine, &cursor, ret)) {
		if (memcmp(&ret->key, &key, sizeof(key)) == 0) {
			return true;
		}
	}
	return false;
}

static void expect_claims(uint32_t neighbor, bool of_first, bool of_second)
{
	struct mlag_neighbor_view view;
	bool found = view_of(0, neighbor, &view);

	assert_int_equal(found, of_first || of_second);
	if (found) {
		assert_int_equal(view.own, of_first);
		assert_int_equal(view.peer, of_second);
		assert_true(view_of(1, neighbor, &view));
		assert_int_equal(view.own, of_second);
		assert_int_equal(view.peer, of_first);
	}
}

static void pass_time(void)
{
	world_run(&world, WORLD_SECOND);
}

static void test_r29_both_families_are_synced_both_ways(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	world_neighbor_asks(&world, 1, 1, 2);
	world_run(&world, 50 * WORLD_MS);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	expect(0, 1, MLAG_NEIGHBOR_KNOWN, 2, true);
	expect_claims(0, true, false);
	expect_claims(1, false, true);
}

static void test_r29_what_was_there_before_the_start_is_synced(void **state)
{
	(void)state;
	world_stop(&world, 0);
	world_stop(&world, 1);
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		world_neighbor_asks(&world, i % 2, i, 3);
	}
	world_start(&world, 0);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	pass_time();
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		expect(i % 2, i, MLAG_NEIGHBOR_KNOWN, 3, false);
		expect(1 - i % 2, i, MLAG_NEIGHBOR_KNOWN, 3, true);
	}
}

static void test_r29_hearsay_is_not_repeated_also_after_a_restart(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_stop(&world, 1);
	world_start(&world, 1);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	expect_claims(0, true, false);
}

static void test_r29_what_the_kernel_confirmed_becomes_its_own(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_neighbor_answers(&world, 1, 0, 1);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	expect_claims(0, true, true);
	/* And stays so, whatever the other forgets. */
	world_neighbor_flush(&world, 0, 0);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	expect(0, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	expect_claims(0, false, true);
}

static void test_r29_a_flush_of_its_owner_withdraws_an_entry(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_neighbor_flush(&world, 0, 0);
	pass_time();
	expect(0, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect_claims(0, false, false);
}

static void test_r29_a_flush_of_hearsay_brings_it_back(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_neighbor_flush(&world, 1, 0);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
}

static void test_r29_what_failed_at_its_owner_is_withdrawn(void **state)
{
	(void)state;
	world_neighbor_asks(&world, 0, 0, 1);
	world_neighbor_asks(&world, 0, 2, 1);
	world_neighbor_asks(&world, 1, 2, 1);
	pass_time();
	world_neighbor_fails(&world, 0, 0);
	world_neighbor_fails(&world, 0, 2);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect_claims(0, false, false);
	/* Unless the other has it of its own. */
	expect(1, 2, MLAG_NEIGHBOR_KNOWN, 1, false);
	expect_claims(2, false, true);
}

static void test_r29_hearsay_that_failed_is_cleared_and_not_insisted_on(void **state)
{
	(void)state;
	world_neighbor_asks(&world, 0, 0, 1);
	pass_time();
	world_neighbor_fails(&world, 1, 0);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	expect_claims(0, true, false);
	/* News is worth another try. */
	world_neighbor_answers(&world, 0, 0, 2);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 2, true);
	/* So is an answer that the kernel gets by itself. */
	world_neighbor_fails(&world, 1, 0);
	pass_time();
	world_neighbor_answers(&world, 1, 0, 2);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_CONFIRMED, 2, false);
	expect_claims(0, true, true);
}

static void test_r29_a_changed_mac_is_right_on_both_whoever_notices(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 8; round++) {
		uint32_t member = round % 2;

		world_neighbor_answers(&world, member, 0, 1 + round);
		world_run(&world, 20 * WORLD_MS);
		expect(member, 0, MLAG_NEIGHBOR_CONFIRMED, 1 + round, false);
		assert_memory_equal(&entry_of(0, 0)->mac, &entry_of(1, 0)->mac,
				    sizeof(entry_of(0, 0)->mac));
	}
	assert_null(world_check_neighbors(&world));
}

static void test_r29_two_sightings_at_once_end_alike_on_both(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 8; round++) {
		world.latency_ns = (1 + round * 5) * WORLD_MS;
		world_neighbor_answers(&world, 0, 0, 1);
		world_neighbor_answers(&world, 1, 0, 2);
		pass_time();
		assert_null(world_check_neighbors(&world));
	}
}

static void test_r29_what_a_person_set_is_not_overruled(void **state)
{
	(void)state;
	world_neighbor_set(&world, 0, 0, 1);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* Another MAC that the other member meets gives way at once. */
	world_neighbor_answers(&world, 1, 0, 2);
	pass_time();
	expect(0, 0, MLAG_NEIGHBOR_STATIC, 1, false);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* Two persons of two minds: each keeps what he set, and nobody quarrels. */
	world_neighbor_set(&world, 1, 0, 3);
	pass_time();
	world.steps = 0;
	pass_time();
	expect(0, 0, MLAG_NEIGHBOR_STATIC, 1, false);
	expect(1, 0, MLAG_NEIGHBOR_STATIC, 3, false);
	assert_true(world.steps < 500);
}

static void test_r29_a_silent_peer_takes_nothing_with_it(void **state)
{
	(void)state;
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	world_stop(&world, 0);
	world_run(&world, 10 * WORLD_SECOND);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* Also not a restart while it is silent. */
	world_stop(&world, 1);
	world_start(&world, 1);
	world_run(&world, 10 * WORLD_SECOND);
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* But what it forgot meanwhile goes when it is back. */
	world_neighbor_flush(&world, 0, 0);
	world_start(&world, 0);
	assert_true(world_run_until_open(&world, 20 * WORLD_SECOND));
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
}

static void test_r29_without_the_device_nothing_is_written_and_then_all(void **state)
{
	(void)state;
	world_set_svi(&world, 1, false);
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	world_set_svi(&world, 1, true);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_KNOWN, 1, true);
	/* The owner's device goes: its neighbours are nobody's. */
	world_set_svi(&world, 0, false);
	pass_time();
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
}

static struct mlag_address_key address_of(uint32_t neighbor, uint32_t domain)
{
	struct mlag_neighbor_key neighbor_key = world_neighbor_key(neighbor);
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_IP;
	key.family = neighbor_key.family;
	key.domain = domain;
	memcpy(key.octets, neighbor_key.octets, sizeof(key.octets));
	return key;
}

static struct mlag_address_key router_of(uint32_t mac)
{
	struct mlag_mac octets = world_neighbor_mac(mac);
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_ROUTER_MAC;
	key.vlan = WORLD_VLAN;
	memcpy(key.octets, octets.octets, sizeof(octets.octets));
	return key;
}

static void test_r29_the_members_own_addresses_are_no_neighbours(void **state)
{
	struct mlag_address_key ip = address_of(0, 7);
	struct mlag_address_key svi = router_of(20);

	(void)state;
	/* Known as a neighbour first, as an address of the peer's afterwards. */
	world_neighbor_answers(&world, 0, 0, 1);
	pass_time();
	expect_claims(0, true, false);
	world_set_address(&world, 0, &svi, true, 7, WORLD_SVI);
	world_set_address(&world, 1, &ip, true, 0, 0);
	pass_time();
	expect_claims(0, false, false);
	expect(0, 0, MLAG_NEIGHBOR_CONFIRMED, 1, false);
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
	/* It is an address no more: a host like any other. */
	world_set_address(&world, 1, &ip, false, 0, 0);
	pass_time();
	expect_claims(0, true, false);
	/* The same address in another routing domain says nothing of this one. */
	ip = address_of(0, 8);
	world_set_address(&world, 1, &ip, true, 0, 0);
	pass_time();
	expect_claims(0, true, false);
}

static void test_r29_the_members_router_macs_are_no_neighbours(void **state)
{
	struct mlag_address_key svi = router_of(1);

	(void)state;
	world_set_address(&world, 1, &svi, true, 0, WORLD_SVI);
	world_run(&world, 50 * WORLD_MS);
	world_neighbor_answers(&world, 0, 0, 1);
	world_neighbor_answers(&world, 0, 2, 2);
	pass_time();
	expect_claims(0, false, false);
	expect_claims(2, true, false);
	expect(1, 0, MLAG_NEIGHBOR_NONE, 0, false);
}

static void test_r29_failed_writes_are_made_good(void **state)
{
	(void)state;
	world.write_failure_percent = 70;
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		world_neighbor_answers(&world, i % 2, i, 1);
	}
	pass_time();
	world.write_failure_percent = 0;
	world_run(&world, 70 * WORLD_SECOND);
	assert_true(world.write_failures > 0);
	for (uint32_t i = 0; i < WORLD_NEIGHBORS_MAX; i++) {
		expect(1 - i % 2, i, MLAG_NEIGHBOR_KNOWN, 1, true);
	}
}

static void test_r30_a_member_answers_for_its_peer_when_nobody_can_ask_it(void **state)
{
	(void)state;
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	world_set_peer_link(&world, false);
	pass_time();
	assert_true(mlag_answers_for_peer(world.members[0].engine));
	world_set_peer_link(&world, true);
	pass_time();
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	/* Behind carrier the kernel of a member whose daemon is dead answers by itself. */
	world_stop(&world, 1);
	world_run(&world, 10 * WORLD_SECOND);
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	/* Of a dead box nobody else does, and routers go on using its MAC (R26). */
	world_set_peer_link(&world, false);
	pass_time();
	assert_true(mlag_answers_for_peer(world.members[0].engine));
}

static void test_r30_nobody_answers_for_a_peer_that_left_or_was_never_there(void **state)
{
	struct mlag_event goodbye = {.type = MLAG_EVENT_GOODBYE};

	(void)state;
	world_step(&world, 1, &goodbye);
	world_run(&world, 50 * WORLD_MS);
	world_stop(&world, 1);
	world_set_peer_link(&world, false);
	world_run(&world, WORLD_SECOND);
	assert_false(mlag_answers_for_peer(world.members[0].engine));
	world_start(&world, 0);
	world_run(&world, 10 * WORLD_SECOND);
	assert_false(mlag_answers_for_peer(world.members[0].engine));
}

/* ---- one member, and bytes ------------------------------------------------------------------ */

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

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, start_pair, end_pair)
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, start_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_r29_both_families_are_synced_both_ways),
		PAIR_TEST(test_r29_what_was_there_before_the_start_is_synced),
		PAIR_TEST(test_r29_hearsay_is_not_repeated_also_after_a_restart),
		PAIR_TEST(test_r29_what_the_kernel_confirmed_becomes_its_own),
		PAIR_TEST(test_r29_a_flush_of_its_owner_withdraws_an_entry),
		PAIR_TEST(test_r29_a_flush_of_hearsay_brings_it_back),
		PAIR_TEST(test_r29_what_failed_at_its_owner_is_withdrawn),
		PAIR_TEST(test_r29_hearsay_that_failed_is_cleared_and_not_insisted_on),
		PAIR_TEST(test_r29_a_changed_mac_is_right_on_both_whoever_notices),
		PAIR_TEST(test_r29_two_sightings_at_once_end_alike_on_both),
		PAIR_TEST(test_r29_what_a_person_set_is_not_overruled),
		PAIR_TEST(test_r29_a_silent_peer_takes_nothing_with_it),
		PAIR_TEST(test_r29_without_the_device_nothing_is_written_and_then_all),
		PAIR_TEST(test_r29_the_members_own_addresses_are_no_neighbours),
		PAIR_TEST(test_r29_the_members_router_macs_are_no_neighbours),
		PAIR_TEST(test_r29_failed_writes_are_made_good),
		PAIR_TEST(test_r30_a_member_answers_for_its_peer_when_nobody_can_ask_it),
		PAIR_TEST(test_r30_nobody_answers_for_a_peer_that_left_or_was_never_there),
		RIG_TEST(test_a_dump_alone_withdraws_nothing),
		RIG_TEST(test_an_address_of_ours_is_no_neighbour),
		RIG_TEST(test_a_full_table_says_so_and_wants_a_dump_when_there_is_room),
		RIG_TEST(test_the_gateway_of_a_vlan_has_neighbours_of_its_own),
		RIG_TEST(test_a_claim_that_lost_stays_lost_without_news),
		RIG_TEST(test_of_two_first_sightings_an_answer_is_the_newer),
		RIG_TEST(test_what_is_being_flushed_waits_for_its_end),
		RIG_TEST(test_what_was_not_written_is_not_taken_for_a_change),
		RIG_TEST(test_impossible_neighbours_are_ignored),
		RIG_TEST(test_a_claim_that_cannot_be_ends_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
