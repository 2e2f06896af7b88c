/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the peer says: a message is taken apart and goes to whom it concerns, the session or a table.
 * Whatever a peer may send is checked and answered here; outbox.c is the other direction.
 */
#include <string.h>

#include "engine.h"
#include "pair.h"
#include "repair.h"

static void session_broken(struct mlag_engine *engine, enum mlag_close_reason reason)
{
	engine->malformed_count++;
	engine_session_input(engine, SESSION_INPUT_BROKEN, reason, NULL);
}

/* Why a peer that says this cannot be ours; none if it can. */
static enum mlag_close_reason judge_hello(const struct mlag_engine *engine,
					  const struct wire_hello *hello)
{
	const struct mlag_config *config = &engine->config;
	bool vlan_aware = (hello->flags & WIRE_HELLO_VLAN_AWARE) != 0;

	if (hello->version_min > MLAG_PROTOCOL_VERSION || hello->version < MLAG_PROTOCOL_VERSION) {
		return MLAG_CLOSE_VERSION;
	}
	if (hello->domain_id != config->domain_id) {
		return MLAG_CLOSE_DOMAIN;
	}
	if (memcmp(&hello->system_mac, &config->system_mac, sizeof(hello->system_mac)) != 0) {
		return MLAG_CLOSE_SYSTEM_MAC;
	}
	if (memcmp(&hello->member_id, &engine->peer_link.mac, sizeof(hello->member_id)) == 0) {
		return MLAG_CLOSE_SAME_MEMBER;
	}
	if (engine->peer_link.bridge_ifindex != 0 && vlan_aware != engine->peer_link.vlan_aware) {
		return MLAG_CLOSE_VLAN_MODE;
	}
	return MLAG_CLOSE_NONE;
}

static void get_hello(struct mlag_engine *engine, struct buf_reader *reader)
{
	struct wire_hello hello;
	enum mlag_close_reason reason;

	if (!wire_get_hello(reader, &hello)) {
		session_broken(engine, MLAG_CLOSE_MALFORMED);
		return;
	}
	if (engine->session == MLAG_SESSION_UP) {
		engine_session_input(engine, SESSION_INPUT_HELLO, MLAG_CLOSE_UNEXPECTED, &hello);
		return;
	}
	reason = judge_hello(engine, &hello);
	if (reason == MLAG_CLOSE_NONE) {
		engine_session_input(engine, SESSION_INPUT_HELLO, reason, &hello);
		return;
	}
	engine_notice(engine, MLAG_NOTICE_REFUSED, 0, "", "this member refuses the peer",
		      mlag_close_reason_text(reason));
	engine_session_input(engine, SESSION_INPUT_BAD_HELLO, reason, NULL);
}

static void get_refuse(struct mlag_engine *engine, struct buf_reader *reader)
{
	uint16_t reason = buf_get_u16(reader);

	if (reader->failed) {
		session_broken(engine, MLAG_CLOSE_MALFORMED);
		return;
	}
	if (reason > MLAG_CLOSE_LIMIT) {
		reason = MLAG_CLOSE_NONE; /* a newer peer's reason */
	}
	engine_notice(engine, MLAG_NOTICE_REFUSED, 0, "", "the peer refuses this member",
		      mlag_close_reason_text((enum mlag_close_reason)reason));
	engine_session_input(engine, SESSION_INPUT_REFUSED, (enum mlag_close_reason)reason, NULL);
}

static struct table *table_by_id(struct mlag_engine *engine, uint8_t id, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		if (engine_table(engine, i)->class->id == id) {
			*ret_index = i;
			return engine_table(engine, i);
		}
	}
	return NULL; /* a table of a newer peer */
}

static void get_keepalive(struct mlag_engine *engine, struct buf_reader *reader)
{
	struct wire_keepalive keepalive;

	if (!wire_get_keepalive(reader, &keepalive)) {
		session_broken(engine, MLAG_CLOSE_MALFORMED);
		return;
	}
	engine->peer.role_epoch = keepalive.role_epoch;
	engine->peer_role = (enum mlag_role)keepalive.role;
	for (uint32_t i = 0; i < keepalive.digests_count; i++) {
		uint32_t index;
		struct table *table = table_by_id(engine, keepalive.digests[i].table, &index);

		if (table == NULL || table_compare(table, &keepalive.digests[i])) {
			continue;
		}
		/* A table that cannot be repaired must not be asked for all the time. */
		if (engine->now_ns < engine->resync_ns[table->class->id]) {
			table->resync_due = false;
			table->compare_due = false;
			continue;
		}
		/* Comparing costs a few kilobytes; what finds no room here is not asked for so often. */
		engine->resync_ns[table->class->id] =
			engine->now_ns + (table->resync_due || table->peer_dropped
						  ? ENGINE_RESYNC_NS
						  : ENGINE_COMPARE_NS);
		engine_notice(engine, MLAG_NOTICE_MISMATCH, 0, engine_tables[index].name,
			      table->resync_due ? "resync" : "compare",
			      "the table is not what the peer publishes");
	}
}

/* A message about a table: its number comes first. */
static void get_table_message(struct mlag_engine *engine, enum wire_type type,
			      struct buf_reader *reader)
{
	uint32_t index;
	struct table *table = table_by_id(engine, buf_get_u8(reader), &index);
	bool ok = true;

	if (reader->failed) {
		session_broken(engine, MLAG_CLOSE_MALFORMED);
		return;
	}
	if (table == NULL) {
		return;
	}
	switch (type) {
	case WIRE_SNAPSHOT_BEGIN:
		ok = table_get_begin(table, reader);
		break;
	case WIRE_ROWS:
		ok = table_get_rows(table, reader, engine_tables[index].changed, engine);
		break;
	case WIRE_SNAPSHOT_END:
		ok = table_get_end(table, reader, engine_tables[index].changed, engine);
		lastresort_dirty(engine);
		engine->peer_legs_known |= engine->legs.peer_complete;
		if (engine->legs.peer_complete) {
			leg_forget_hello(engine); /* the table says it better */
		}
		if (table == &engine->neighbors) {
			neighbor_recheck(engine); /* what the peer does not say any more goes */
		}
		break;
	case WIRE_ACK:
		ok = table_get_ack(table, reader, engine_tables[index].acked, engine);
		break;
	case WIRE_RESYNC:
		table_snapshot_again(table);
		break;
	case WIRE_COMPARE:
		ok = repair_get_compare(table, reader);
		break;
	case WIRE_REPAIR_BEGIN:
		ok = repair_get_begin(table, reader);
		break;
	case WIRE_REPAIR_END:
		ok = repair_get_end(table, reader, engine_tables[index].changed, engine);
		break;
	case WIRE_ASK:
		ok = diff_get_ask(engine, table, reader);
		break;
	case WIRE_TELL:
		ok = diff_get_tell(engine, table, reader);
		break;
	case WIRE_NONE:
	case WIRE_HELLO:
	case WIRE_REFUSE:
	case WIRE_KEEPALIVE:
	case WIRE_GOODBYE:
		break;
	}
	engine_tell_differences(engine, table);
	if (!ok) {
		session_broken(engine, MLAG_CLOSE_MALFORMED);
	}
}

void engine_get_message(struct mlag_engine *engine, const uint8_t *data, uint32_t size)
{
	struct buf_reader reader;
	uint16_t type;

	if (!wire_open(data, size, &type, &reader)) {
		session_broken(engine, MLAG_CLOSE_MALFORMED);
		return;
	}
	engine->heard_ns = engine->now_ns;
	if (type == WIRE_HELLO) {
		get_hello(engine, &reader);
		return;
	}
	if (type == WIRE_REFUSE) {
		get_refuse(engine, &reader);
		return;
	}
	if (engine->session != MLAG_SESSION_UP) {
		session_broken(engine, MLAG_CLOSE_UNEXPECTED);
		return;
	}
	switch (type) {
	case WIRE_KEEPALIVE:
		get_keepalive(engine, &reader);
		break;
	case WIRE_GOODBYE:
		buf_get_u16(&reader);
		if (reader.failed) {
			session_broken(engine, MLAG_CLOSE_MALFORMED);
			break;
		}
		engine_session_input(engine, SESSION_INPUT_GOODBYE, MLAG_CLOSE_GOODBYE, NULL);
		break;
	case WIRE_SNAPSHOT_BEGIN:
	case WIRE_ROWS:
	case WIRE_SNAPSHOT_END:
	case WIRE_ACK:
	case WIRE_RESYNC:
	case WIRE_COMPARE:
	case WIRE_REPAIR_BEGIN:
	case WIRE_REPAIR_END:
	case WIRE_ASK:
	case WIRE_TELL:
		get_table_message(engine, (enum wire_type)type, &reader);
		break;
	default:
		break; /* a message of a newer peer */
	}
	if (engine->session == MLAG_SESSION_UP) {
		pair_hear_session(engine);
	}
}
