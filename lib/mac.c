/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MAC addresses (see mac.h).  decide() is the pure heart: two claims in, what the kernel should
 * hold out; evaluate() compares that with what it is believed to hold and queues the row.  Called
 * by engine.c with what the kernel and the peer report.
 */
#include "mac.h"

#include <errno.h>
#include <string.h>

#include "engine.h"

/* What this member claims, the other must accept. */
static bool is_possible(const struct mlag_mac_key *key)
{
	return key->vlan < MLAG_VLANS_MAX - 1 && (key->mac.octets[0] & 1) == 0;
}

static void mac_put_key(struct buf_writer *writer, const void *key)
{
	const struct mlag_mac_key *mac = key;

	buf_put_u16(writer, mac->vlan);
	buf_put_mac(writer, &mac->mac);
}

static bool mac_get_key(struct buf_reader *reader, void *ret_key)
{
	struct mlag_mac_key *mac = ret_key;

	mac->vlan = buf_get_u16(reader);
	mac->mac = buf_get_mac(reader);
	return !reader->failed && is_possible(mac);
}

static void mac_put_value(struct buf_writer *writer, const void *value)
{
	const struct mac_value *mac = value;

	buf_put_u16(writer, mac->lag_id);
	buf_put_u8(writer, mac->flags);
}

static bool mac_get_value(struct buf_reader *reader, void *ret_value)
{
	struct mac_value *mac = ret_value;

	mac->lag_id = buf_get_u16(reader);
	mac->flags = buf_get_u8(reader);
	return !reader->failed;
}

static bool mac_is_idle(const void *local)
{
	const struct mac_local *mac = local;

	return mac->seen.kind == MLAG_FDB_NONE && mac->believed.kind == MLAG_FDB_NONE &&
	       !mac->source_known && !mac->retry;
}

const struct table_class mac_table_class = {
	.id = WIRE_TABLE_MACS,
	.key_size = sizeof(struct mlag_mac_key),
	.value_size = sizeof(struct mac_value),
	.local_size = sizeof(struct mac_local),
	.encoded_size_max = 1 + 8 + 4 + 3,
	.put_key = mac_put_key,
	.get_key = mac_get_key,
	.put_value = mac_put_value,
	.get_value = mac_get_value,
	.is_idle = mac_is_idle,
};

static struct mac_local *local_of(const struct mlag_engine *engine, const struct table_row *row)
{
	return table_local(&engine->macs, row);
}

static const struct mlag_mac_key *key_of(const struct mlag_engine *engine,
					 const struct table_row *row)
{
	return table_key(&engine->macs, row);
}

static bool is_sighting(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct mlag_fdb_entry *entry = &local_of(engine, row)->seen;
	uint16_t lag_id = leg_lag_of_device(engine, entry->ifindex);

	/* The kernel keeps static entries of a VLAN that left the port; nobody is reached there. */
	if (lag_id != 0 && !leg_has_vlan(engine, lag_id, key_of(engine, row)->vlan)) {
		return false;
	}
	switch (entry->kind) {
	case MLAG_FDB_NONE:
	case MLAG_FDB_INACTIVE:
	case MLAG_FDB_STICKY:
		break;
	case MLAG_FDB_EXTERNAL:
		/* Another control plane (EVPN) knows a host behind a port of ours. */
		return !local_of(engine, row)->external_is_ours && lag_id == 0 &&
		       entry->ifindex != 0 && entry->ifindex != engine->peer_link.ifindex;
	case MLAG_FDB_DYNAMIC:
	case MLAG_FDB_ACTIVE:
	case MLAG_FDB_OPERATOR:
		/* R7: what seems to be seen on the peer link is not seen here. */
		return entry->ifindex != 0 && entry->ifindex != engine->peer_link.ifindex;
	}
	return false;
}

static bool is_same_place(const struct mac_value *a, const struct mac_value *b)
{
	return a->lag_id != 0 && a->lag_id == b->lag_id;
}

/* R9: which of two claims for different places wins; the same answer on both members. */
static bool own_wins(const struct mlag_engine *engine, const struct table_row *row,
		     const struct mac_value *own, const struct mac_value *peer)
{
	if (((own->flags ^ peer->flags) & MAC_FLAG_STATIC) != 0) {
		return (own->flags & MAC_FLAG_STATIC) != 0;
	}
	if (row->own_seq != row->peer_seq) {
		return row->own_seq > row->peer_seq;
	}
	return memcmp(&engine->peer_link.mac, &engine->peer.member_id,
		      sizeof(engine->peer_link.mac)) < 0;
}

/* R8: where a MAC that only the peer sees belongs in this kernel. */
static struct mlag_fdb_entry decide(const struct mlag_engine *engine, uint16_t vlan,
				    const struct mac_value *peer)
{
	struct mlag_fdb_entry entry = {0, MLAG_FDB_NONE};
	struct table_row *leg_row = peer->lag_id != 0 ? leg_find(engine, peer->lag_id) : NULL;

	if (leg_row != NULL && leg_has_vlan(engine, peer->lag_id, vlan)) {
		entry.ifindex = leg_of(engine, leg_row)->seen.ifindex;
		entry.kind = MLAG_FDB_INACTIVE;
		return entry;
	}
	if (engine->peer_link.ifindex != 0 && mlag_vlans_has(&engine->peer_link.vlans, vlan)) {
		entry.ifindex = engine->peer_link.ifindex;
		entry.kind = MLAG_FDB_EXTERNAL;
	}
	return entry;
}

static bool is_same_entry(const struct mlag_fdb_entry *a, const struct mlag_fdb_entry *b)
{
	return a->kind == b->kind && a->ifindex == b->ifindex;
}

static bool is_damped(const struct mlag_engine *engine, const struct table_row *row)
{
	return flap_is_damped(&engine->flaps, key_of(engine, row), engine->config.hash_seed,
			      engine->now_ns);
}

/* R9: a move that is one too many is not followed; the kernel is asked again when that is over. */
static bool is_move_damped(struct mlag_engine *engine, struct table_row *row)
{
	bool began, damped;

	damped = flap_move(&engine->flaps, key_of(engine, row), engine->config.hash_seed,
			   engine->now_ns, &began);
	if (began) {
		engine_notice(engine, MLAG_NOTICE_FLAPPING, 0, "followed", "damped",
			      "a MAC moves to and fro; status names it");
	}
	if (damped) {
		local_of(engine, row)->retry = true;
		if (engine->mac_retry_ns == 0) {
			engine->mac_retry_ns = engine->now_ns + ENGINE_SECOND;
		}
	}
	return damped;
}

/* What the kernel should hold; for a MAC seen here, whatever it holds. */
static struct mlag_fdb_entry wanted_entry(const struct mlag_engine *engine,
					  const struct table_row *row)
{
	const struct mac_local *local = local_of(engine, row);
	struct mlag_fdb_entry none = {0, MLAG_FDB_NONE};

	/* What a person set is never taken away. */
	if (table_row_is_own(row) || local->believed.kind == MLAG_FDB_OPERATOR) {
		return local->believed;
	}
	/* Where it is seen here counts for the traffic here, as long as nobody follows it. */
	if (is_sighting(engine, row) && is_damped(engine, row)) {
		return local->believed;
	}
	if (table_row_is_peer(row)) {
		return decide(engine, key_of(engine, row)->vlan, table_peer(&engine->macs, row));
	}
	return none;
}

/*
 * The peer sends what comes by a leg that is not open over PL, counting on our knowing its source
 * (R1).  What was told to be known is therefore forgotten only when the peer has heard that.
 */
static bool is_counted_on(const struct mlag_engine *engine, const struct mac_local *local)
{
	return local->source_known && local->source.lag_id != 0 && engine->peer_known &&
	       !engine->peer_left && !engine->synced && !engine_is_alone(engine);
}

/* The port of ours that a claimed MAC is behind, 0 for none: it is reached over the peer link. */
static uint32_t port_of(const struct mlag_engine *engine, const struct table_row *row)
{
	struct mlag_fdb_entry entry;

	if (table_row_is_own(row)) {
		return local_of(engine, row)->seen.ifindex;
	}
	entry = decide(engine, key_of(engine, row)->vlan, table_peer(&engine->macs, row));
	return entry.kind == MLAG_FDB_INACTIVE ? entry.ifindex : 0;
}

/* What the daemon after this one has to know of the two claims. */
static void remember_claims(const struct mlag_engine *engine, const struct table_row *row,
			    bool agreed, struct mlag_source *source)
{
	const struct mac_value *peer = table_peer(&engine->macs, row);

	source->own_seq = table_row_is_own(row) ? row->own_seq : 0;
	source->peer_seq = table_row_is_peer(row) ? row->peer_seq : 0;
	if (agreed) {
		source->memory = MLAG_SOURCE_PEER;
		source->memory |= (peer->flags & MAC_FLAG_STATIC) != 0 ? MLAG_SOURCE_PEER_STATIC
								       : 0;
	}
}

/* What the map of known MACs should hold: the place of the winning claim. */
static bool wanted_source(const struct mlag_engine *engine, const struct table_row *row,
			  struct mlag_source *ret_source)
{
	const struct mac_local *local = local_of(engine, row);
	const struct mac_value *value;
	bool agreed;

	if (table_row_is_own(row)) {
		value = table_own(&engine->macs, row);
	} else if (table_row_is_peer(row)) {
		value = table_peer(&engine->macs, row);
	} else if (is_counted_on(engine, local)) {
		*ret_source = local->source;
		ret_source->peer_knows = 0;
		ret_source->ifindex = 0;
		ret_source->own_seq = 0;
		ret_source->peer_seq = 0;
		ret_source->memory = 0;
		return true;
	} else {
		return false;
	}
	memset(ret_source, 0, sizeof(*ret_source));
	agreed = table_row_is_peer(row) &&
		 (!table_row_is_own(row) || is_same_place(value, table_peer(&engine->macs, row)));
	ret_source->known = 1;
	ret_source->lag_id = value->lag_id;
	ret_source->ifindex = port_of(engine, row);
	ret_source->peer_knows = !engine->peer_forgets &&
				 (table_row_is_acked(&engine->macs, row) || agreed);
	remember_claims(engine, row, agreed, ret_source);
	return true;
}

/* Should the kernel or the map hold something else than they are believed to hold? */
static bool is_due(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct mac_local *local = local_of(engine, row);
	struct mlag_fdb_entry wanted = wanted_entry(engine, row);
	struct mlag_source source;
	bool source_known = wanted_source(engine, row, &source);

	return !is_same_entry(&wanted, &local->believed) || local->verify ||
	       source_known != local->source_known ||
	       (source_known && memcmp(&source, &local->source, sizeof(source)) != 0);
}

static void queue_if_due(struct mlag_engine *engine, struct table_row *row)
{
	if (is_due(engine, row)) {
		table_program(&engine->macs, row);
	}
}

static void evaluate(struct mlag_engine *engine, struct table_row *row)
{
	if (table_row_is_own(row) && table_row_is_peer(row)) {
		const struct mac_value *own = table_own(&engine->macs, row);
		const struct mac_value *peer = table_peer(&engine->macs, row);

		if (!is_same_place(own, peer) && !own_wins(engine, row, own, peer)) {
			table_withdraw(&engine->macs, row);
		}
	}
	queue_if_due(engine, row);
}

/* Claim the MAC for where the kernel sees it, if that is news. */
static void claim_sighting(struct mlag_engine *engine, struct table_row *row)
{
	const struct mac_local *local = local_of(engine, row);
	struct mac_value value;
	uint32_t seq = row->own_seq > row->peer_seq ? row->own_seq : row->peer_seq;

	memset(&value, 0, sizeof(value));
	value.lag_id = leg_lag_of_device(engine, local->seen.ifindex);
	if (local->seen.kind == MLAG_FDB_OPERATOR) {
		value.flags = MAC_FLAG_STATIC;
	}
	if (table_row_is_own(row) &&
	    memcmp(table_own(&engine->macs, row), &value, sizeof(value)) == 0) {
		return;
	}
	if ((table_row_is_own(row) || table_row_is_peer(row)) &&
	    !(table_row_is_peer(row) && is_same_place(&value, table_peer(&engine->macs, row))) &&
	    is_move_damped(engine, row)) {
		return;
	}
	if (!table_row_is_peer(row) || !is_same_place(&value, table_peer(&engine->macs, row))) {
		seq++;
	}
	table_claim(&engine->macs, row, seq == 0 ? 1 : seq, &value);
}

/* An event since the dump began says more than a line of it, which may have waited for its reader. */
static bool is_outdated(const struct mlag_engine *engine, const struct mlag_mac_key *key)
{
	struct table_row *row = table_find(&engine->macs, key);

	return row != NULL && local_of(engine, row)->seen.kind != MLAG_FDB_NONE &&
	       local_of(engine, row)->dump_epoch == engine->dump_epoch;
}

void mac_observe(struct mlag_engine *engine, const struct mlag_mac_key *key,
		 const struct mlag_fdb_entry *entry, bool listed)
{
	static const struct mlag_fdb_entry none = {0, MLAG_FDB_NONE};
	struct table_row *row;
	struct mac_local *local;

	if (!is_possible(key)) {
		engine->ignored_count++;
		return;
	}
	if (listed && is_outdated(engine, key)) {
		return;
	}
	if (address_owns_entry(engine, key, entry->kind)) {
		entry = &none; /* a router, not a host */
	}
	if (entry->kind == MLAG_FDB_NONE) {
		row = table_find(&engine->macs, key);
	} else {
		row = table_add(&engine->macs, key);
		if (row == NULL && !engine->macs_dropped) {
			engine->macs_dropped = true;
			engine_notice(engine, MLAG_NOTICE_TABLE_FULL, 0, "macs", "full",
				      "more MACs than the table has rows");
		}
	}
	if (row == NULL) {
		return;
	}
	local = local_of(engine, row);
	local->seen = *entry;
	if (entry->kind == MLAG_FDB_NONE) {
		local->seen.ifindex = 0;
	}
	local->believed = local->seen;
	local->dump_epoch = engine->dump_epoch;
	local->verify = false;
	if (entry->kind != MLAG_FDB_EXTERNAL) {
		local->external_is_ours = false;
	}
	if (engine->resuming) {
		return; /* not all that says where it is has been read */
	}
	if (is_sighting(engine, row)) {
		claim_sighting(engine, row);
	} else {
		table_withdraw(&engine->macs, row);
	}
	evaluate(engine, row);
	table_settle(&engine->macs, row);
}

void mac_resume(struct mlag_engine *engine, const struct mlag_mac_key *key,
		const struct mlag_source *place)
{
	bool seqs_are_possible = place->own_seq <= TABLE_SEQ_MAX &&
				 place->peer_seq <= TABLE_SEQ_MAX;
	struct table_row *row;
	struct mac_value value;

	if (!engine->resuming || !is_possible(key) || !place->known || !seqs_are_possible ||
	    (place->memory & MLAG_SOURCE_ROUTER) != 0) {
		engine->ignored_count++;
		return;
	}
	row = table_add(&engine->macs, key);
	if (row == NULL) {
		engine->macs_dropped = true;
		return;
	}
	local_of(engine, row)->source_known = true;
	local_of(engine, row)->source = *place;
	if ((place->memory & MLAG_SOURCE_PEER) != 0 && place->peer_seq != 0) {
		memset(&value, 0, sizeof(value));
		value.lag_id = place->lag_id;
		value.flags = (place->memory & MLAG_SOURCE_PEER_STATIC) != 0 ? MAC_FLAG_STATIC : 0;
		table_adopt_peer(&engine->macs, row, place->peer_seq, &value);
	}
}

/* Claim again what was claimed before, as it was; what is elsewhere now has moved since. */
static void claim_again(struct mlag_engine *engine, struct table_row *row)
{
	const struct mac_local *local = local_of(engine, row);
	struct mac_value value;

	memset(&value, 0, sizeof(value));
	value.lag_id = leg_lag_of_device(engine, local->seen.ifindex);
	value.flags = local->seen.kind == MLAG_FDB_OPERATOR ? MAC_FLAG_STATIC : 0;
	if (local->source_known && local->source.own_seq != 0 &&
	    local->source.lag_id == value.lag_id) {
		table_claim(&engine->macs, row, local->source.own_seq, &value);
		if (local->source.peer_knows) {
			row->flags |= TABLE_ROW_ACKED; /* the peer holds it still */
		}
		return;
	}
	/* To win it takes a number beyond that of a claim for another place, which is not kept. */
	if (local->source_known && row->peer_seq < local->source.peer_seq) {
		row->peer_seq = local->source.peer_seq;
	}
	if (local->source_known && row->own_seq < local->source.own_seq) {
		row->own_seq = local->source.own_seq;
	}
	claim_sighting(engine, row);
}

void mac_resumed(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->macs, &cursor)) != NULL) {
		struct mac_local *local = local_of(engine, row);

		if (is_sighting(engine, row)) {
			claim_again(engine, row);
		}
		/* A dump may miss entries: what was there and did not come is asked for by name. */
		if (local->source_known && local->seen.kind == MLAG_FDB_NONE) {
			local->verify = true;
		}
		evaluate(engine, row);
		table_settle(&engine->macs, row);
	}
}

bool mlag_wants_dump(const struct mlag_engine *engine)
{
	uint32_t rows_max = engine->macs.rows_max;

	return engine->macs_dropped && engine->macs.rows_used < rows_max - rows_max / 16;
}

void mac_dump_begin(struct mlag_engine *engine)
{
	engine->macs_dropped = false;
	engine->dump_epoch++;
}

void mac_dump_end(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	/* Dumps skip entries under churn: absence is a suspicion, the kernel is asked by name. */
	while ((row = table_next(&engine->macs, &cursor)) != NULL) {
		struct mac_local *local = local_of(engine, row);

		/* Also what was written and never came back as an event. */
		if ((local->seen.kind != MLAG_FDB_NONE || local->believed.kind != MLAG_FDB_NONE) &&
		    local->dump_epoch != engine->dump_epoch) {
			local->verify = true;
			table_program(&engine->macs, row);
		}
	}
}

void mac_failed(struct mlag_engine *engine, const struct mlag_mac_key *key, int error)
{
	struct table_row *row;

	if (address_failed(engine, key)) {
		return;
	}
	/* A MAC of this very machine is nowhere else, whatever the peer saw: do not insist. */
	if (error == EADDRINUSE || !is_possible(key)) {
		return;
	}
	/* The row of a deletion that failed may be gone already. */
	row = table_add(&engine->macs, key);
	if (row == NULL) {
		return;
	}
	local_of(engine, row)->retry = true;
	if (engine->mac_retry_ns == 0) {
		engine->mac_retry_ns = engine->now_ns + ENGINE_SECOND;
	}
}

void mac_tick(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	if (engine->mac_retry_ns == 0 || engine->now_ns < engine->mac_retry_ns) {
		return;
	}
	engine->mac_retry_ns = 0;
	flap_expire(&engine->flaps, engine->now_ns);
	while ((row = table_next(&engine->macs, &cursor)) != NULL) {
		struct mac_local *local = local_of(engine, row);

		if (local->retry) {
			/* What the kernel holds is not known: ask, and act on the answer. */
			local->retry = false;
			local->verify = true;
			table_program(&engine->macs, row);
		}
	}
}

void mac_changed(void *user, struct table *table, struct table_row *row)
{
	(void)table;
	evaluate(user, row);
}

void mac_port_gone(struct mlag_engine *engine, uint32_t ifindex)
{
	struct mlag_fdb_entry none = {0, MLAG_FDB_NONE};
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->macs, &cursor)) != NULL) {
		struct mac_local *local = local_of(engine, row);

		if (local->seen.ifindex == ifindex) {
			local->seen = none;
		}
		if (local->believed.ifindex == ifindex) {
			local->believed = none;
		}
	}
}

void mac_refresh_peer(struct mlag_engine *engine)
{
	bool forgets = (engine->was_away || engine->peer_afresh) && !engine->synced &&
		       liveness_hears(&engine->liveness) != 0;

	if (forgets && !engine->peer_forgets) {
		engine->peer_forgets = true;
		mac_refresh_all(engine);
	}
}

static void refresh_row(struct mlag_engine *engine, struct table_row *row)
{
	if (!is_sighting(engine, row)) {
		table_withdraw(&engine->macs, row);
	} else if (table_row_is_own(row) || !table_row_is_peer(row)) {
		claim_sighting(engine, row); /* a claim that lost stays lost */
	}
	evaluate(engine, row);
	table_settle(&engine->macs, row);
}

void mac_refresh_slice(struct mlag_engine *engine)
{
	struct mac_pass *pass = &engine->mac_pass;
	const struct table *macs = &engine->macs;

	for (uint32_t i = 0; i < macs->slice_rows && pass->cursor < macs->rows_made; i++) {
		struct table_row *row = table_row_at(macs, ++pass->cursor);

		if ((row->flags & TABLE_ROW_USED) != 0) {
			refresh_row(engine, row);
		}
	}
	if (pass->cursor >= macs->rows_made) {
		pass->active = pass->again;
		pass->again = false;
		pass->cursor = 0;
	}
}

void mac_refresh_all(struct mlag_engine *engine)
{
	struct mac_pass *pass = &engine->mac_pass;

	if (engine->resuming) {
		return;
	}
	/* One that is under way goes on, or the last rows would never have their turn. */
	pass->again = pass->active;
	pass->active = true;
	mac_refresh_slice(engine);
}

/* The verb that turns what is believed into what is wanted. */
static enum mlag_fdb_verb verb_for(const struct mlag_fdb_entry *believed,
				   const struct mlag_fdb_entry *wanted)
{
	if (is_same_entry(believed, wanted)) {
		return MLAG_FDB_VERB_NONE;
	}
	if (wanted->kind == MLAG_FDB_NONE) {
		return MLAG_FDB_VERB_DELETE;
	}
	/* The static flags of the old kind would survive a plain replacement (docs/netlink.md). */
	if (wanted->kind == MLAG_FDB_EXTERNAL && believed->kind != MLAG_FDB_NONE &&
	    believed->kind != MLAG_FDB_EXTERNAL) {
		return MLAG_FDB_VERB_RENEW;
	}
	return MLAG_FDB_VERB_SET;
}

static void fill_operation(struct mlag_engine *engine, struct table_row *row,
			   struct mlag_fdb_operation *ret_operation)
{
	struct mac_local *local = local_of(engine, row);
	struct mlag_fdb_entry wanted = wanted_entry(engine, row);

	memset(ret_operation, 0, sizeof(*ret_operation));
	ret_operation->key = *key_of(engine, row);
	ret_operation->entry = wanted;
	if (local->verify) {
		local->verify = false;
		ret_operation->verb = MLAG_FDB_VERB_VERIFY;
	} else {
		ret_operation->verb = verb_for(&local->believed, &wanted);
		if (ret_operation->verb == MLAG_FDB_VERB_DELETE) {
			ret_operation->entry = local->believed;
		}
		local->believed = wanted;
		local->external_is_ours = wanted.kind == MLAG_FDB_EXTERNAL;
	}
	local->source_known = wanted_source(engine, row, &local->source);
	ret_operation->place_known = local->source_known;
	ret_operation->place = local->source;
}

uint32_t mlag_next_fdb(struct mlag_engine *engine, struct mlag_fdb_operation *ret_operations,
		       uint32_t size_max)
{
	uint32_t count = 0;

	mlag_assert(size_max >= 1 && size_max <= MLAG_FDB_BATCH_MAX);
	while (count < size_max) {
		struct table_row *row = table_program_pop(&engine->macs);

		if (row == NULL) {
			break;
		}
		if (is_due(engine, row)) {
			fill_operation(engine, row, &ret_operations[count++]);
		}
		table_settle(&engine->macs, row);
	}
	return count;
}

static bool fill_view(const struct mlag_engine *engine, const struct table_row *row,
		      struct mlag_mac_view *ret_view)
{
	const struct mac_value *value;

	if (!table_row_is_own(row) && !table_row_is_peer(row)) {
		return false;
	}
	value = table_row_is_own(row) ? table_own(&engine->macs, row)
				      : table_peer(&engine->macs, row);
	memset(ret_view, 0, sizeof(*ret_view));
	ret_view->key = *key_of(engine, row);
	ret_view->own = table_row_is_own(row);
	ret_view->peer = table_row_is_peer(row);
	ret_view->lag_id = value->lag_id;
	ret_view->entry = local_of(engine, row)->seen;
	ret_view->own_seq = row->own_seq;
	ret_view->peer_seq = row->peer_seq;
	return true;
}

bool mlag_get_mac(const struct mlag_engine *engine, const struct mlag_mac_key *key,
		  struct mlag_mac_view *ret_view)
{
	const struct table_row *row = is_possible(key) ? table_find(&engine->macs, key) : NULL;

	return row != NULL && fill_view(engine, row, ret_view);
}

bool mlag_next_mac(const struct mlag_engine *engine, uint32_t *cursor,
		   struct mlag_mac_view *ret_view)
{
	struct table_row *row;

	do {
		row = table_next(&engine->macs, cursor);
		if (row == NULL) {
			return false;
		}
	} while (!fill_view(engine, row, ret_view));
	return true;
}

bool mlag_next_flap(const struct mlag_engine *engine, uint32_t *cursor,
		    struct mlag_flap_view *ret_view)
{
	while (engine->flaps.damped_count > 0 && *cursor < FLAP_SLOTS) {
		const struct flap *flap = &engine->flaps.slots[(*cursor)++];

		if (flap->until_ns > engine->now_ns) {
			ret_view->key = flap->key;
			ret_view->moves = flap->moves;
			ret_view->until_ns = flap->until_ns;
			return true;
		}
	}
	return false;
}
