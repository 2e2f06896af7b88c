/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever a peer says, and whatever the kernel reports meanwhile, the engine reads only what it
 * was given, keeps its promises to itself (asserts) and always comes to an end.  Its counts stay
 * within their limits and true; a malformed message ends the session and changes nothing else.
 *
 * The input is a list of steps: an operation, a length, and that many bytes.  Messages are framed
 * here, because a wrong length is one case and what is behind the frame is all the others.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)expression;
	(void)file;
	(void)line;
	abort();
}

#define PULLS_MAX 100000 /* of one step; more means that the engine never falls silent */

struct world {
	struct mlag_engine *engine;
	struct mlag_effects effects;
	struct mlag_config config;
	struct mlag_peer_link peer_link;
	uint64_t now_ns;
	uint32_t hellos; /* of the peer, on the paths */
	bool deaf;	 /* programs of legs are not confirmed */
};

static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

/* The counts of a table are those of its rows. */
static void check_table(const struct table *table)
{
	struct table_row *row;
	uint32_t cursor = 0;
	uint32_t used = 0;
	uint32_t own = 0;
	uint32_t peer = 0;
	uint32_t snapshot = 0;

	while ((row = table_next(table, &cursor)) != NULL) {
		used++;
		own += table_row_is_own(row);
		peer += table_row_is_peer(row);
		snapshot += (row->flags & TABLE_ROW_SNAPSHOT) != 0 &&
			    (row->flags & TABLE_ROW_PUBLISH) != 0;
		require(table_find(table, table_key(table, row)) == row);
		require((row->flags & TABLE_ROW_PUBLISH) == 0 ||
			(row->flags & TABLE_ROW_UNACKED) == 0);
	}
	require(used == table->rows_used && used <= table->rows_max);
	require(own == table->own_count && peer == table->peer_count);
	require(table->live || table->publish.count + table->unacked.count == 0);
	require(!table->live || snapshot == table->snapshot_left);
	require(table->sent_count != 0 || table->sent_digest == 0);
	require(peer != 0 || table->peer_digest == 0);
	require(table->program_popped_count + table->program.count == table->program_pushed_count);
}

/* What the kernel has from the peer alone is never claimed. */
static void check_neighbors(const struct world *world)
{
	struct mlag_neighbor_view neighbor;
	uint32_t cursor = 0;

	while (mlag_next_neighbor_view(world->engine, &cursor, &neighbor)) {
		require(!neighbor.own || neighbor.entry.state >= MLAG_NEIGHBOR_KNOWN);
		require((neighbor.mac.octets[0] & 1) == 0);
		require(neighbor.key.family == 4 || neighbor.key.family == 6);
	}
}

static void check(const struct world *world)
{
	struct mlag_mac_view mac;
	uint32_t cursor = 0;

	check_table(&world->engine->legs);
	check_table(&world->engine->macs);
	check_table(&world->engine->addresses);
	check_table(&world->engine->neighbors);
	check_neighbors(world);
	require(world->effects.count <= MLAG_EFFECTS_MAX);
	require((world->engine->session == MLAG_SESSION_UP) == world->engine->macs.live);
	while (mlag_next_mac(world->engine, &cursor, &mac)) {
		/* What is known from the peer alone is never claimed; EVPN's hosts are orphans. */
		require(!mac.own ||
			(mac.entry.kind != MLAG_FDB_INACTIVE && mac.entry.kind != MLAG_FDB_STICKY &&
			 (mac.entry.kind != MLAG_FDB_EXTERNAL || mac.lag_id == 0) &&
			 mac.entry.kind != MLAG_FDB_NONE));
		require((mac.key.mac.octets[0] & 1) == 0);
	}
}

/* Take everything, in the order that mlag.h asks for, and confirm what was programmed. */
static void pull(struct world *world)
{
	static uint8_t message[MLAG_WIRE_MESSAGE_MAX];
	static struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	static struct mlag_address_program programs[MLAG_FDB_BATCH_MAX];
	static struct mlag_neighbor_operation neighbors[MLAG_NEIGHBOR_BATCH_MAX];
	struct mlag_leg_program program;
	struct mlag_effects effects;
	uint32_t pulls = 0;

	while (mlag_next_message(world->engine, MLAG_URGENCY_URGENT, world->now_ns, message) > 0 &&
	       pulls < PULLS_MAX) {
		pulls++;
	}
	while (mlag_next_leg(world->engine, &program) && pulls < PULLS_MAX) {
		struct mlag_event applied = {.type = MLAG_EVENT_LEG_APPLIED};

		pulls++;
		if (world->deaf) {
			continue;
		}
		applied.leg_applied.lag_id = program.lag_id;
		applied.leg_applied.serial = program.serial;
		mlag_step(world->engine, &applied, world->now_ns, &effects);
	}
	while (mlag_next_addresses(world->engine, programs, MLAG_FDB_BATCH_MAX) > 0 &&
	       pulls < PULLS_MAX) {
		pulls++;
	}
	while (mlag_next_fdb(world->engine, operations, MLAG_FDB_BATCH_MAX) > 0 &&
	       pulls < PULLS_MAX) {
		pulls++;
	}
	while (mlag_next_neighbors(world->engine, neighbors, MLAG_NEIGHBOR_BATCH_MAX) > 0 &&
	       pulls < PULLS_MAX) {
		pulls++;
	}
	while (mlag_next_message(world->engine, MLAG_URGENCY_BULK, world->now_ns, message) > 0 &&
	       pulls < PULLS_MAX) {
		pulls++;
	}
	(void)mlag_next_hello(world->engine, world->now_ns, message);
	require(pulls < PULLS_MAX);
	require(!world->engine->macs.live || world->engine->hello_due ||
		world->engine->macs.publish.count == 0);
}

static void step(struct world *world, const struct mlag_event *event)
{
	mlag_step(world->engine, event, world->now_ns, &world->effects);
	check(world);
	pull(world);
	check(world);
}

/* A message, and what it must not do if it was malformed. */
static void step_message(struct world *world, const struct mlag_event *event, uint16_t type)
{
	const struct mlag_engine *engine = world->engine;
	uint64_t malformed_count = engine->malformed_count;
	uint64_t mac_digest = engine->macs.peer_digest;
	uint64_t leg_digest = engine->legs.peer_digest;
	bool was_up = engine->session == MLAG_SESSION_UP;
	bool peer_left = engine->peer_left;
	bool closed = false;

	mlag_step(world->engine, event, world->now_ns, &world->effects);
	check(world);
	for (uint32_t i = 0; i < world->effects.count; i++) {
		closed |= world->effects.items[i].type == MLAG_EFFECT_CLOSE;
	}
	if (engine->malformed_count != malformed_count) {
		require(engine->session != MLAG_SESSION_UP);
		require(closed || !was_up);
		/* Of rows, those before the bad one may stay. */
		require(type == WIRE_ROWS || (mac_digest == engine->macs.peer_digest &&
					      leg_digest == engine->legs.peer_digest));
		require(peer_left == engine->peer_left);
	}
	require(!was_up || closed == (engine->session != MLAG_SESSION_UP));
	pull(world);
	check(world);
}

static void hear(struct world *world, uint16_t type, const uint8_t *payload, uint32_t size)
{
	static uint8_t message[MLAG_WIRE_MESSAGE_MAX];
	struct mlag_event event = {.type = MLAG_EVENT_MESSAGE};
	struct buf_writer writer;

	buf_writer_init(&writer, message, sizeof(message));
	wire_begin(&writer);
	for (uint32_t i = 0; i < size; i++) {
		buf_put_u8(&writer, payload[i]);
	}
	/* A copy of its very size, so that reading behind it is seen. */
	event.message.size = wire_end(&writer, (enum wire_type)type);
	event.message.data = malloc(event.message.size);
	if (event.message.data != NULL) {
		memcpy((void *)(uintptr_t)event.message.data, message, event.message.size);
		step_message(world, &event, type);
		free((void *)(uintptr_t)event.message.data);
	}
}

/* Rows with the number that the engine expects, because no fuzzer counts. */
static void hear_rows(struct world *world, const uint8_t *bytes, uint32_t size)
{
	uint8_t payload[512];
	struct buf_writer writer;
	static const uint8_t tables[] = {WIRE_TABLE_LEGS, WIRE_TABLE_MACS, WIRE_TABLE_ADDRESSES,
					 WIRE_TABLE_NEIGHBORS};
	uint8_t table = tables[size > 0 ? bytes[0] & 3 : 0];
	const struct table *rows = table == WIRE_TABLE_LEGS	   ? &world->engine->legs
				   : table == WIRE_TABLE_MACS	   ? &world->engine->macs
				   : table == WIRE_TABLE_ADDRESSES ? &world->engine->addresses
								   : &world->engine->neighbors;

	buf_writer_init(&writer, payload, sizeof(payload));
	buf_put_u8(&writer, table);
	buf_put_u32(&writer, rows->batch_heard + 1);
	buf_put_u8(&writer, 0);
	for (uint32_t i = 1; i < size; i++) {
		buf_put_u8(&writer, bytes[i]);
	}
	hear(world, WIRE_ROWS, payload, writer.offset);
}

static void hear_hello(struct world *world)
{
	struct wire_hello hello = {.version = MLAG_PROTOCOL_VERSION,
				   .version_min = MLAG_PROTOCOL_VERSION,
				   .features = WIRE_FEATURE_LAST_RESORT,
				   .domain_id = 1,
				   .system_mac = {{2, 0, 0, 0, 0, 1}},
				   .member_id = {{2, 0, 0, 0, 0, 9}},
				   .boot_id = 7,
				   .priority = 32768,
				   .flags = WIRE_HELLO_VLAN_AWARE,
				   .software = "fuzz"};
	uint8_t bytes[256];
	struct buf_writer writer;

	buf_writer_init(&writer, bytes, sizeof(bytes));
	wire_put_hello(&writer, &hello);
	hear(world, WIRE_HELLO, bytes, writer.offset);
}

static void observe(struct world *world, const uint8_t *bytes, uint32_t size)
{
	struct mlag_leg_observation leg = {.lacp = true, .untagged_vid = 1};
	struct mlag_event event = {.type = MLAG_EVENT_LEG};
	uint8_t bits = size > 0 ? bytes[0] : 0;

	mlag_vlans_add(&leg.vlans, 1);
	mlag_vlans_add(&leg.vlans, size > 1 ? bytes[1] : 10);
	leg.carrier = bits & 1;
	leg.distributing = bits & 2;
	leg.partner_collecting = bits & 4;
	leg.data_seen = bits & 8;
	event.leg.lag_id = 1 + (bits >> 7);
	leg.ifindex = (bits & 16) != 0 ? 0 : 20U + (bits >> 7);
	leg.lacp = (bits & 32) == 0;
	event.leg.observation = &leg;
	step(world, &event);
}

static void report_fdb(struct world *world, const uint8_t *bytes, uint32_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB};

	event.fdb.key.vlan = size > 0 ? bytes[0] % 12 : 1;
	event.fdb.key.mac.octets[5] = size > 1 ? bytes[1] : 1;
	event.fdb.entry.kind = size > 2 ? bytes[2] % (MLAG_FDB_STICKY + 1) : MLAG_FDB_DYNAMIC;
	event.fdb.entry.ifindex = size > 3 && bytes[3] % 3 != 0 ? 10 * (bytes[3] % 3) : 30;
	step(world, &event);
}

static void start(struct world *world, void *memory, const struct mlag_config *config)
{
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK};

	memset(world, 0, sizeof(*world));
	world->config = *config;
	world->peer_link = (struct mlag_peer_link){.ifindex = 10,
						   .bridge_ifindex = 9,
						   .carrier = true,
						   .vlan_aware = true,
						   .mac = {{2, 0, 0, 0, 0, 5}}};
	memset(world->peer_link.vlans.words, 0xff, sizeof(world->peer_link.vlans.words));
	world->now_ns = 1000000000;
	world->engine = mlag_engine_init(memory, config, world->now_ns);
	event.peer_link = &world->peer_link;
	step(world, &event);
	for (uint16_t lag_id = 1; lag_id <= 2; lag_id++) {
		struct mlag_event configure = {.type = MLAG_EVENT_LEG_CONFIGURE};

		configure.leg_configure.lag_id = lag_id;
		step(world, &configure);
	}
	event = (struct mlag_event){.type = MLAG_EVENT_CHANNEL_UP};
	step(world, &event);
}

/* What this member itself may do or meet with. */
static void disturb(struct world *world, uint8_t bits)
{
	struct mlag_event event = {.type = MLAG_EVENT_NONE};

	switch (bits % 8) {
	case 0:
		world->peer_link.carrier = (bits & 8) != 0;
		world->peer_link.ifindex = (bits & 16) != 0 ? 10 : 0;
		event.type = MLAG_EVENT_PEER_LINK;
		event.peer_link = &world->peer_link;
		break;
	case 1:
		world->peer_link.vlans.words[0] ^= bits;
		event.type = MLAG_EVENT_PEER_LINK;
		event.peer_link = &world->peer_link;
		break;
	case 2:
		world->config.priority = bits;
		event.type = MLAG_EVENT_RECONFIGURE;
		event.reconfigure = &world->config;
		break;
	case 3:
		event.type = MLAG_EVENT_GOODBYE;
		break;
	case 4:
		event.type = MLAG_EVENT_LEG_REMOVE;
		event.leg_configure.lag_id = 1 + (bits >> 7);
		break;
	case 5:
		event.type = MLAG_EVENT_LEG_CONFIGURE;
		event.leg_configure.lag_id = (bits >> 4) & 3;
		break;
	case 6:
		event.type = MLAG_EVENT_FDB_FAILED;
		event.fdb_failed.key.vlan = 1;
		event.fdb_failed.key.mac.octets[5] = bits >> 4;
		event.fdb_failed.error = 16;
		break;
	default:
		world->deaf = (bits & 8) != 0;
		return;
	}
	step(world, &event);
}

/* An own address comes or goes, also an impossible one. */
static void report_address(struct world *world, const uint8_t *bytes, size_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_ADDRESS};
	uint8_t *key = (uint8_t *)&event.address.key;

	for (size_t i = 0; i < size && i < sizeof(event.address.key); i++) {
		key[i] = bytes[i];
	}
	event.address.present = (size & 1) != 0;
	event.address.ifindex = (uint32_t)size;
	step(world, &event);
}

/* A hello on one of the paths; what it says of its length is true, or nothing would be read. */
static void hear_path(struct world *world, const uint8_t *bytes, uint32_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_HELLO};
	uint8_t data[HELLO_HEAD_SIZE + 256];
	uint64_t sessions_count = world->engine->sessions_count;
	struct hello head = {.version = HELLO_VERSION, .kind = HELLO_KIND_DAEMON, .domain_id = 1};
	uint8_t bits = size > 0 ? bytes[0] : 0;
	struct buf_writer writer;

	head.kind += bits >> 7;
	head.boot_id = 1 + (bits & 3);
	head.sequence = ++world->hellos;
	buf_writer_init(&writer, data, sizeof(data));
	hello_put(&writer, &head);
	writer.offset = HELLO_HEAD_SIZE;
	for (uint32_t i = 1; i < size; i++) {
		buf_put_u8(&writer, bytes[i]);
	}
	buf_patch_u16(&writer, 6, (uint16_t)writer.offset);
	event.hello.path = (enum mlag_path)(bits >> 2 & 3);
	event.hello.authentic = (bits & 16) != 0;
	event.hello.size = writer.offset;
	event.hello.data = malloc(event.hello.size);
	if (event.hello.data == NULL) {
		return;
	}
	memcpy((void *)(uintptr_t)event.hello.data, data, event.hello.size);
	step(world, &event);
	free((void *)(uintptr_t)event.hello.data);
	require(world->engine->sessions_count == sessions_count);
	require(world->engine->liveness.boot_id == 0 || world->engine->liveness.boot_id > 1);
}

/* The default route of a family comes, goes or changes; also an impossible one. */
static void report_default_route(struct world *world, const uint8_t *bytes, size_t size)
{
	struct mlag_default_route route;
	struct mlag_event event = {.type = MLAG_EVENT_DEFAULT_ROUTE, .default_route = &route};
	uint8_t bits = size > 0 ? bytes[0] : 0;

	memset(&route, 0, sizeof(route));
	route.family = (bits & 1) != 0 ? 4 : (bits & 2) != 0 ? 5 : 6;
	route.present = (bits & 4) != 0;
	route.reject = (bits & 8) != 0;
	route.adopted = (bits & 16) != 0;
	route.hops_count = bits >> 5 == 7 ? MLAG_HOPS_MAX + 1 : bits >> 5;
	for (size_t i = 1; i < size && i <= sizeof(route.hops[0].octets); i++) {
		route.hops[0].octets[i - 1] = bytes[i];
		route.hops[0].ifindex = bytes[i];
		route.hops[0].family = bytes[i] & 6;
		route.hops[0].usable = true;
	}
	step(world, &event);
}

/* The kernel knows a neighbour, loses one, or has another device; also impossible ones. */
static void report_neighbor(struct world *world, const uint8_t *bytes, size_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR};
	struct mlag_neighbor_key *key = &event.neighbor.key;
	uint8_t what = size > 0 ? bytes[0] : 0;

	key->family = (what & 1) != 0 ? 6 : 4;
	key->device = what >> 1 & 3;
	key->vlan = size > 1 ? bytes[1] % 3 : 0;
	key->octets[0] = 10;
	key->octets[3] = size > 2 ? bytes[2] % 8 : 1;
	if ((what & 0x70) == 0x10) {
		event.type = MLAG_EVENT_NEIGHBOR_FAILED;
		event.neighbor_failed.key = *key;
		event.neighbor_failed.error = 16;
	} else if ((what & 0x70) == 0x20) {
		uint16_t vlan = key->vlan;
		uint8_t device = key->device;

		event.type = MLAG_EVENT_NEIGHBOR_DEVICE;
		event.neighbor_device.vlan = vlan;
		event.neighbor_device.device = device;
		event.neighbor_device.ifindex = size > 2 ? bytes[2] % 3 : 0;
	} else if ((what & 0x70) == 0x30) {
		event.type = (what & 8) != 0 ? MLAG_EVENT_NEIGHBOR_DUMP_BEGIN
					     : MLAG_EVENT_NEIGHBOR_DUMP_END;
	} else {
		event.neighbor.entry.state = size > 3 ? bytes[3] % (MLAG_NEIGHBOR_STATIC + 1) : 2;
		event.neighbor.entry.marked = (what & 0x80) != 0;
		event.neighbor.entry.mac.octets[5] = size > 4 ? bytes[4] % 4 : 1;
	}
	step(world, &event);
}

static void act(struct world *world, uint8_t operation, const uint8_t *bytes, uint32_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_NONE};

	switch (operation % 14) {
	case 0:
		hear_hello(world);
		return;
	case 1:
	case 2:
		hear(world, operation >> 4, bytes, size);
		return;
	case 3:
	case 4:
		hear_rows(world, bytes, size);
		return;
	case 5:
		observe(world, bytes, size);
		return;
	case 6:
		report_fdb(world, bytes, size);
		return;
	case 7:
		world->now_ns += UINT64_C(10000000) * (operation >> 2);
		event.type = MLAG_EVENT_TICK;
		event.tick.read_ns = world->now_ns;
		break;
	case 8:
		event.type = (operation & 0x80) != 0 ? MLAG_EVENT_CHANNEL_DOWN
						     : MLAG_EVENT_CHANNEL_UP;
		break;
	case 10:
		report_address(world, bytes, size);
		return;
	case 11:
		hear_path(world, bytes, size);
		return;
	case 12:
		report_default_route(world, bytes, size);
		return;
	case 13:
		report_neighbor(world, bytes, size);
		return;
	case 9:
		disturb(world, size > 0 ? bytes[0] : operation);
		return;
	default:
		event.type = (operation & 0x80) != 0 ? MLAG_EVENT_FDB_DUMP_END
						     : MLAG_EVENT_FDB_DUMP_BEGIN;
		break;
	}
	step(world, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mlag_config config = {.system_mac = {{2, 0, 0, 0, 0, 1}},
				     .domain_id = 1,
				     .priority = 32768,
				     .hello_interval_ns = 100000000,
				     .dead_multiplier = 3,
				     .restart_hold_ns = 3000000000,
				     .startup_wait_ns = 3000000000,
				     .backup = true,
				     .boot_id = 1,
				     .hash_seed = 1,
				     .macs_max = 64,
				     .neighbors_max = 64,
				     .last_resort = true};
	void *memory = calloc(1, mlag_engine_size(&config));
	struct world world;

	if (memory == NULL) {
		return 0;
	}
	start(&world, memory, &config);
	while (size >= 2) {
		uint32_t length = data[1];

		length = length > size - 2 ? (uint32_t)(size - 2) : length;
		act(&world, data[0], data + 2, length);
		data += 2 + length;
		size -= 2 + length;
	}
	free(memory);
	return 0;
}
