/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine has to say: the next message for the peer, most urgent first (mlag_next_message),
 * and the state at a glance for people (mlag_get_view).  Nothing is queued here: each message is
 * made of the state at the moment when there is room for it.
 */
#include <string.h>

#include "engine.h"

static void put_hello(struct mlag_engine *engine, struct buf_writer *writer)
{
	struct wire_hello hello;

	memset(&hello, 0, sizeof(hello));
	hello.version = MLAG_PROTOCOL_VERSION;
	hello.version_min = MLAG_PROTOCOL_VERSION;
	hello.features = WIRE_FEATURE_LAST_RESORT | WIRE_FEATURE_REPAIR;
	hello.domain_id = engine->config.domain_id;
	hello.system_mac = engine->config.system_mac;
	hello.member_id = engine->peer_link.mac;
	hello.boot_id = engine->config.boot_id;
	hello.role_epoch = engine->role_epoch;
	hello.priority = engine->config.priority;
	hello.role = (uint8_t)engine->role;
	hello.flags = engine->peer_link.vlan_aware ? WIRE_HELLO_VLAN_AWARE : 0;
	memcpy(hello.software, MLAG_VERSION, sizeof(MLAG_VERSION));
	wire_put_hello(writer, &hello);
}

static void put_keepalive(struct mlag_engine *engine, struct buf_writer *writer)
{
	struct wire_keepalive keepalive;
	bool dirty = engine->now_ns >= engine->digest_ns;

	memset(&keepalive, 0, sizeof(keepalive));
	keepalive.role_epoch = engine->role_epoch;
	keepalive.role = (uint8_t)engine->role;
	keepalive.verdict = (uint8_t)engine->verdict;
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		dirty = dirty || engine_table(engine, i)->digest_dirty;
	}
	if (dirty) {
		engine->digest_ns = engine->now_ns + ENGINE_DIGEST_NS;
		keepalive.digests_count = ENGINE_TABLES;
		for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
			struct table *table = engine_table(engine, i);

			table_describe(table, &keepalive.digests[i]);
			/* A digest under change proves nothing: say it again when it is sent. */
			table->digest_dirty = !keepalive.digests[i].settled;
		}
	}
	wire_put_keepalive(writer, &keepalive);
}

/* The payload of what concerns the connection as a whole; none when nothing of it is due. */
static enum wire_type put_connection_message(struct mlag_engine *engine, struct buf_writer *writer)
{
	if (engine->refuse_due) {
		engine->refuse_due = false;
		buf_put_u16(writer, (uint16_t)engine->close_reason);
		buf_put_text(writer, mlag_close_reason_text(engine->close_reason));
		return WIRE_REFUSE;
	}
	if (engine->goodbye_due) {
		engine->goodbye_due = false;
		buf_put_u16(writer, 0);
		return WIRE_GOODBYE;
	}
	if (engine->hello_due) {
		engine->hello_due = false;
		put_hello(engine, writer);
		return WIRE_HELLO;
	}
	return WIRE_NONE;
}

/* The payload of the next message of an established session, most urgent first. */
static enum wire_type put_session_message(struct mlag_engine *engine, enum mlag_urgency urgency,
					  struct buf_writer *writer)
{
	if (table_has_message(&engine->legs)) {
		return table_put_message(&engine->legs, writer);
	}
	for (uint32_t i = 0; i < ENGINE_TABLES; i++) {
		struct table *table = engine_table(engine, i);

		table_refresh_acks(table);
		if (table->ack_due) {
			table_put_ack(table, writer);
			return WIRE_ACK;
		}
	}
	if (engine->keepalive_due) {
		engine->keepalive_due = false;
		put_keepalive(engine, writer);
		return WIRE_KEEPALIVE;
	}
	for (uint32_t i = 1; urgency == MLAG_URGENCY_BULK && i < ENGINE_TABLES; i++) {
		if (table_has_message(engine_table(engine, i))) {
			return table_put_message(engine_table(engine, i), writer);
		}
	}
	if (urgency == MLAG_URGENCY_BULK) {
		return diff_put_message(engine, writer);
	}
	return WIRE_NONE;
}

uint32_t mlag_next_message(struct mlag_engine *engine, enum mlag_urgency urgency, uint64_t now_ns,
			   uint8_t *ret_data)
{
	static const struct mlag_mac nobody;
	bool introduced = memcmp(&engine->peer_link.mac, &nobody, sizeof(nobody)) != 0 &&
			  leg_all_applied(engine);
	struct buf_writer writer;
	enum wire_type type;
	uint32_t size;

	engine->now_ns = now_ns > engine->now_ns ? now_ns : engine->now_ns;
	/* Who does not know itself yet, or has legs without a gate, has nothing to say. */
	if (engine->hello_due && !introduced && !engine->refuse_due) {
		return 0;
	}
	buf_writer_init(&writer, ret_data, MLAG_WIRE_MESSAGE_MAX);
	wire_begin(&writer);
	type = put_connection_message(engine, &writer);
	if (type == WIRE_NONE && engine->session == MLAG_SESSION_UP) {
		type = put_session_message(engine, urgency, &writer);
	}
	if (type == WIRE_NONE) {
		return 0;
	}
	size = wire_end(&writer, type);
	mlag_assert(size != 0);
	return size;
}

static void view_table(const struct table *table, struct mlag_table_view *ret_view)
{
	ret_view->local_count = table->own_count;
	ret_view->remote_count = table->peer_count;
	ret_view->match = table->live && table->own_proven && table->peer_proven;
	ret_view->full = table->peer_dropped;
	ret_view->differences_count = table->differences_count;
}

void mlag_get_view(const struct mlag_engine *engine, struct mlag_view *ret_view)
{
	memset(ret_view, 0, sizeof(*ret_view));
	ret_view->role = engine->role;
	ret_view->verdict = engine->verdict;
	ret_view->verdict_since_ns = engine->verdict_since_ns;
	ret_view->verdict_because = engine->verdict_because;
	ret_view->verdict_next = engine->verdict_next;
	ret_view->peer_finding = engine->peer_finding;
	ret_view->link_finding = engine->link_finding;
	ret_view->backup_finding = engine->backup_finding;
	ret_view->session = engine->session;
	ret_view->session_since_ns = engine->session_since_ns;
	ret_view->refused_by_us = engine->refused_by_us;
	ret_view->close_reason = engine->close_reason;
	ret_view->member_id = engine->peer_link.mac;
	ret_view->boot_id = engine->config.boot_id;
	ret_view->role_epoch = engine->role_epoch;
	ret_view->peer_known = engine->peer_known;
	if (engine->peer_known) {
		ret_view->peer_member_id = engine->peer.member_id;
		ret_view->peer_boot_id = engine->peer.boot_id;
		ret_view->peer_priority = engine->peer.priority;
		ret_view->peer_protocol = engine->peer.version;
		memcpy(ret_view->peer_version, engine->peer.software,
		       sizeof(ret_view->peer_version));
	}
	ret_view->peer_link_carrier = engine->peer_link.carrier;
	ret_view->peer_link_usable = liveness_link(&engine->liveness) == LIVENESS_LINK_USABLE;
	ret_view->synced = engine->synced;
	view_table(&engine->legs, &ret_view->legs);
	view_table(&engine->macs, &ret_view->macs);
	ret_view->macs.full |= engine->macs_dropped;
	view_table(&engine->addresses, &ret_view->addresses);
	view_table(&engine->neighbors, &ret_view->neighbors);
	ret_view->neighbors.full |= engine->neighbor.dropped;
	ret_view->neighbors_pending = engine->neighbors.program.count;
	ret_view->legs_pending = engine->legs.program.count;
	ret_view->fdb_pending = engine->macs.program.count;
	ret_view->malformed_count = engine->malformed_count;
	memcpy(ret_view->closes, engine->closes, sizeof(ret_view->closes));
	ret_view->ignored_count = engine->ignored_count;
	ret_view->sessions_count = engine->sessions_count;
}
