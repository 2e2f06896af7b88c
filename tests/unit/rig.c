/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rig of rig.h.  Used by the tests of legs, MACs and the protocol.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

void rig_init(struct rig *rig, uint32_t macs_max)
{
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK};

	memset(rig, 0, sizeof(*rig));
	rig->now_ns = RIG_SECOND;
	rig->config.system_mac.octets[0] = 2;
	rig->config.domain_id = 1;
	rig->config.priority = 100;
	rig->config.hello_interval_ns = 100 * RIG_MS;
	rig->config.dead_multiplier = 3;
	rig->config.restart_hold_ns = 3 * RIG_SECOND;
	rig->config.startup_wait_ns = 60 * RIG_SECOND;
	rig->config.boot_id = 1000;
	rig->config.hash_seed = 5;
	rig->config.macs_max = macs_max == 0 ? 64 : macs_max;
	rig->memory = calloc(1, mlag_engine_size(&rig->config));
	mlag_assert(rig->memory != NULL);
	rig->engine = mlag_engine_init(rig->memory, &rig->config, rig->now_ns);
	rig->peer_link.ifindex = RIG_PEER_LINK;
	rig->peer_link.bridge_ifindex = 9;
	rig->peer_link.carrier = true;
	rig->peer_link.vlan_aware = true;
	rig->peer_link.mac.octets[5] = 1;
	mlag_vlans_add(&rig->peer_link.vlans, RIG_VLAN);
	event.peer_link = &rig->peer_link;
	rig_step(rig, &event);
	rig->hello.version = MLAG_PROTOCOL_VERSION;
	rig->hello.version_min = MLAG_PROTOCOL_VERSION;
	rig->hello.domain_id = 1;
	rig->hello.system_mac = rig->config.system_mac;
	rig->hello.member_id.octets[5] = 2;
	rig->hello.boot_id = 2000;
	rig->hello.priority = 100;
	rig->hello.flags = WIRE_HELLO_VLAN_AWARE;
	rig->hello.software[0] = 't';
	rig->path_hello.version = HELLO_VERSION;
	rig->path_hello.kind = HELLO_KIND_DAEMON;
	rig->path_hello.domain_id = 1;
	rig->path_hello.heard_boot_id = rig->config.boot_id;
	rig->path_hello.hears = 1U << MLAG_PATH_PEER_LINK;
	rig->path_hello.interval_ms = 100;
	rig->path_hello.restart_hold_ms = 3000;
	rig->silent = true;
}

void rig_fini(struct rig *rig)
{
	free(rig->memory);
	rig->memory = NULL;
}

void rig_step(struct rig *rig, const struct mlag_event *event)
{
	mlag_step(rig->engine, event, rig->now_ns, &rig->effects);
	for (uint32_t i = 0; i < rig->effects.count; i++) {
		const struct mlag_effect *effect = &rig->effects.items[i];

		if (effect->type == MLAG_EFFECT_CLOSE) {
			rig->closes++;
			rig->close_reason = effect->close.reason;
		} else if (effect->type == MLAG_EFFECT_NOTICE) {
			rig->notices[effect->notice.notice]++;
		}
	}
}

void rig_step_type(struct rig *rig, enum mlag_event_type type)
{
	struct mlag_event event = {.type = type};

	rig_step(rig, &event);
}

void rig_say_hello(struct rig *rig, enum mlag_path path, bool authentic)
{
	struct mlag_event event = {.type = MLAG_EVENT_HELLO};
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct buf_writer writer;

	rig->path_hello.sequence++;
	rig->path_hello.boot_id = rig->hello.boot_id;
	rig->path_hello.member_id = rig->hello.member_id;
	rig->path_hello.priority = rig->hello.priority;
	rig->path_hello.role_epoch = rig->hello.role_epoch;
	buf_writer_init(&writer, data, sizeof(data));
	hello_put(&writer, &rig->path_hello);
	event.hello.path = path;
	event.hello.data = data;
	event.hello.size = writer.offset;
	event.hello.authentic = authentic;
	rig_step(rig, &event);
}

void rig_tick(struct rig *rig, uint64_t duration_ns)
{
	struct mlag_event event = {.type = MLAG_EVENT_TICK};
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	uint64_t end_ns = rig->now_ns + duration_ns;

	/* Not in one leap: an engine that was not stepped for long was not running. */
	do {
		uint64_t left_ns = end_ns - rig->now_ns;

		rig->now_ns += left_ns < RIG_STEP_NS ? left_ns : RIG_STEP_NS;
		if (!rig->silent) {
			rig_say_hello(rig, MLAG_PATH_PEER_LINK, true);
		}
		event.tick.read_ns = rig->now_ns;
		rig_step(rig, &event);
		(void)mlag_next_hello(rig->engine, rig->now_ns, data);
	} while (rig->now_ns < end_ns);
}

struct buf_writer *rig_begin(struct rig *rig)
{
	buf_writer_init(&rig->writer, rig->bytes, sizeof(rig->bytes));
	wire_begin(&rig->writer);
	return &rig->writer;
}

void rig_hear(struct rig *rig, uint16_t type)
{
	uint32_t size = wire_end(&rig->writer, (enum wire_type)type);

	mlag_assert(size != 0);
	rig_hear_bytes(rig, rig->bytes, size);
}

void rig_hear_bytes(struct rig *rig, const uint8_t *data, uint32_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_MESSAGE};
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	mlag_assert(copy != NULL);
	memcpy(copy, data, size);
	event.message.data = copy;
	event.message.size = size;
	rig_step(rig, &event);
	free(copy);
}

void rig_hear_hello(struct rig *rig)
{
	wire_put_hello(rig_begin(rig), &rig->hello);
	rig_hear(rig, WIRE_HELLO);
}

void rig_connect(struct rig *rig)
{
	rig->batch = 0;
	rig->leg_batch = 0;
	rig->neighbor_batch = 0;
	rig_step_type(rig, MLAG_EVENT_CHANNEL_UP);
	rig_hear_hello(rig);
	mlag_assert(rig->engine->session == MLAG_SESSION_UP);
	rig_say_hello(rig, MLAG_PATH_PEER_LINK, true);
}

struct buf_writer *rig_begin_rows(struct rig *rig, enum wire_table table, uint16_t count)
{
	uint32_t *batch = table == WIRE_TABLE_LEGS	  ? &rig->leg_batch
			  : table == WIRE_TABLE_NEIGHBORS ? &rig->neighbor_batch
							  : &rig->batch;

	rig_begin(rig);
	buf_put_u8(&rig->writer, (uint8_t)table);
	buf_put_u32(&rig->writer, ++*batch);
	buf_put_u16(&rig->writer, count);
	return &rig->writer;
}

void rig_hear_begin(struct rig *rig, enum wire_table table, uint32_t id)
{
	rig_begin(rig);
	buf_put_u8(&rig->writer, (uint8_t)table);
	buf_put_u32(&rig->writer, id);
	rig_hear(rig, WIRE_SNAPSHOT_BEGIN);
}

void rig_hear_end(struct rig *rig, enum wire_table table, uint32_t id)
{
	rig_begin(rig);
	buf_put_u8(&rig->writer, (uint8_t)table);
	buf_put_u32(&rig->writer, id);
	rig_hear(rig, WIRE_SNAPSHOT_END);
}

void rig_hear_ack(struct rig *rig, enum wire_table table, uint32_t batch, uint32_t snapshot)
{
	rig_begin(rig);
	buf_put_u8(&rig->writer, (uint8_t)table);
	buf_put_u32(&rig->writer, batch);
	buf_put_u32(&rig->writer, snapshot);
	rig_hear(rig, WIRE_ACK);
}

void rig_hear_snapshots(struct rig *rig)
{
	rig_hear_begin(rig, WIRE_TABLE_LEGS, 1);
	rig_hear_end(rig, WIRE_TABLE_LEGS, 1);
	rig_hear_begin(rig, WIRE_TABLE_ADDRESSES, 1);
	rig_hear_end(rig, WIRE_TABLE_ADDRESSES, 1);
	rig_hear_begin(rig, WIRE_TABLE_MACS, 1);
	rig_hear_end(rig, WIRE_TABLE_MACS, 1);
	rig_hear_begin(rig, WIRE_TABLE_NEIGHBORS, 1);
	rig_hear_end(rig, WIRE_TABLE_NEIGHBORS, 1);
}

void rig_hear_mac(struct rig *rig, uint8_t mac, uint16_t lag_id, uint32_t seq, uint8_t flags)
{
	struct mlag_mac_key key = rig_key(mac);
	struct mac_value value = {.lag_id = lag_id, .flags = flags};

	rig_begin_rows(rig, WIRE_TABLE_MACS, 1);
	buf_put_u8(&rig->writer, WIRE_ROW_CLAIM);
	mac_table_class.put_key(&rig->writer, &key);
	buf_put_u32(&rig->writer, seq);
	mac_table_class.put_value(&rig->writer, &value);
	rig_hear(rig, WIRE_ROWS);
}

void rig_hear_no_mac(struct rig *rig, uint8_t mac)
{
	struct mlag_mac_key key = rig_key(mac);

	rig_begin_rows(rig, WIRE_TABLE_MACS, 1);
	buf_put_u8(&rig->writer, WIRE_ROW_WITHDRAW);
	mac_table_class.put_key(&rig->writer, &key);
	rig_hear(rig, WIRE_ROWS);
}

void rig_hear_leg(struct rig *rig, uint16_t lag_id, const struct leg_value *value)
{
	struct leg_key key = {.lag_id = lag_id};

	rig_begin_rows(rig, WIRE_TABLE_LEGS, 1);
	buf_put_u8(&rig->writer, WIRE_ROW_CLAIM);
	leg_table_class.put_key(&rig->writer, &key);
	buf_put_u32(&rig->writer, rig->leg_batch);
	leg_table_class.put_value(&rig->writer, value);
	rig_hear(rig, WIRE_ROWS);
}

void rig_hear_no_leg(struct rig *rig, uint16_t lag_id)
{
	struct leg_key key = {.lag_id = lag_id};

	rig_begin_rows(rig, WIRE_TABLE_LEGS, 1);
	buf_put_u8(&rig->writer, WIRE_ROW_WITHDRAW);
	leg_table_class.put_key(&rig->writer, &key);
	rig_hear(rig, WIRE_ROWS);
}

enum wire_type rig_next(struct rig *rig, struct buf_reader *ret_payload)
{
	uint32_t size = mlag_next_message(rig->engine, MLAG_URGENCY_BULK, rig->now_ns, rig->bytes);
	uint16_t type;

	if (size == 0) {
		return WIRE_NONE;
	}
	mlag_assert(wire_open(rig->bytes, size, &type, ret_payload));
	return (enum wire_type)type;
}

uint32_t rig_drain(struct rig *rig)
{
	struct buf_reader payload;
	uint32_t count = 0;

	while (rig_next(rig, &payload) != WIRE_NONE) {
		mlag_assert(++count < 100000);
	}
	return count;
}

uint32_t rig_apply(struct rig *rig)
{
	struct mlag_leg_program program;
	uint32_t count = 0;

	while (mlag_next_leg(rig->engine, &program)) {
		struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

		event.leg_applied.lag_id = program.lag_id;
		event.leg_applied.serial = program.serial;
		rig_step(rig, &event);
		mlag_assert(++count < 100000);
	}
	return count;
}

void rig_init_connected(struct rig *rig)
{
	rig_init(rig, 0);
	rig_static_leg(rig);
	rig_connect(rig);
	(void)rig_drain(rig);
}

const struct mlag_view *rig_view(struct rig *rig)
{
	mlag_get_view(rig->engine, &rig->view);
	return &rig->view;
}

void rig_expect_closed(struct rig *rig, enum mlag_close_reason reason)
{
	mlag_assert(rig->closes == 1);
	mlag_assert(rig->close_reason == reason);
	mlag_assert(rig_view(rig)->session != MLAG_SESSION_UP);
	mlag_assert(rig->view.close_reason == reason);
}

struct mlag_mac_key rig_key(uint8_t mac)
{
	struct mlag_mac_key key = {RIG_VLAN, {{0x02, 0, 0, 0, 0, mac}}};

	return key;
}

void rig_fdb(struct rig *rig, uint8_t mac, uint32_t ifindex, enum mlag_fdb_kind kind)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB};

	event.fdb.key = rig_key(mac);
	event.fdb.entry.ifindex = ifindex;
	event.fdb.entry.kind = kind;
	rig_step(rig, &event);
}

uint32_t rig_operations(struct rig *rig, struct mlag_fdb_operation *ret_operations)
{
	return mlag_next_fdb(rig->engine, ret_operations, MLAG_FDB_BATCH_MAX);
}

struct mlag_fdb_operation rig_operation(struct rig *rig)
{
	static struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count = rig_operations(rig, operations);

	mlag_assert(count == 1);
	return operations[0];
}

bool rig_mac(const struct rig *rig, uint8_t mac, struct mlag_mac_view *ret_view)
{
	struct mlag_mac_key key = rig_key(mac);
	uint32_t cursor = 0;

	while (mlag_next_mac(rig->engine, &cursor, ret_view)) {
		if (memcmp(&ret_view->key, &key, sizeof(key)) == 0) {
			return true;
		}
	}
	return false;
}

void rig_configure_leg(struct rig *rig, uint16_t lag_id)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};

	event.leg_configure.lag_id = lag_id;
	rig_step(rig, &event);
}

void rig_observe_leg(struct rig *rig, uint16_t lag_id, const struct mlag_leg_observation *seen)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG};

	event.leg.lag_id = lag_id;
	event.leg.observation = seen;
	rig_step(rig, &event);
}

void rig_static_leg(struct rig *rig)
{
	struct mlag_leg_observation seen;

	memset(&seen, 0, sizeof(seen));
	seen.ifindex = RIG_LEG;
	seen.carrier = true;
	mlag_vlans_add(&seen.vlans, RIG_VLAN);
	rig_configure_leg(rig, 1);
	rig_observe_leg(rig, 1, &seen);
	(void)rig_apply(rig);
}

const struct leg_value *rig_own_leg(const struct rig *rig, uint16_t lag_id)
{
	struct table_row *row = leg_find(rig->engine, lag_id);

	return row != NULL && table_row_is_own(row) ? table_own(&rig->engine->legs, row) : NULL;
}

struct mlag_resume rig_resume(void)
{
	struct mlag_resume resume;

	memset(&resume, 0, sizeof(resume));
	resume.system_mac.octets[0] = 2;
	resume.domain_id = 1;
	resume.bridge_ifindex = 9;
	resume.written_ns = 5000;
	resume.birth_ns = 1000;
	resume.peer_rank_known = true;
	resume.peer_rank_boot_id = 77;
	resume.peer_hold_ns = 30 * RIG_SECOND;
	resume.rejoin_wait_ns = 4 * RIG_SECOND;
	resume.verdict_since_ns = 3000;
	resume.role = MLAG_ROLE_SECONDARY;
	resume.role_epoch = 8;
	resume.verdict = MLAG_VERDICT_SPLIT;
	resume.session_up = true;
	resume.peer_known = true;
	resume.peer_legs_known = true;
	resume.lift_allowed = true;
	resume.addresses_known = true;
	resume.peer_member_id.octets[5] = 2;
	resume.peer_boot_id = UINT64_C(0x123456789abcdef0);
	resume.peer_role_epoch = 9;
	resume.peer_priority = 100;
	resume.peer_protocol = 1;
	memcpy(resume.peer_version, "0.1.0", 6);
	resume.liveness.boot_id = 77;
	resume.liveness.boot_id_before = 76;
	resume.liveness.sequence = 1000;
	resume.liveness.hears = 6;
	resume.liveness.peer_interval_ns = 100 * RIG_MS;
	resume.liveness.ever_heard = true;
	resume.liveness.usable = true;
	resume.liveness.life_ns = 4900;
	resume.liveness.carrier_ns = 2000;
	resume.liveness.lost_ns = 1500;
	resume.liveness.paths[MLAG_PATH_PEER_LINK] = (struct liveness_path){
		.present = true,
		.heard = true,
		.ever_heard = true,
		.trusted = true,
		.heard_ns = 4900,
		.boot_id = 77,
		.sequence = 1000,
	};
	return resume;
}
