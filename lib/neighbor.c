/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbours (see neighbor.h).  observe() takes over what the kernel holds, evaluate() draws the
 * claim from it, due_verb() says what is to be done in the kernel.  Called by engine.c with what
 * the kernel and the peer report.
 */
#include "neighbor.h"

#include <string.h>

#include "engine.h"

#define NEIGHBOR_WIRE_KEY_SIZE (1 + 1 + 2 + 16)
#define NEIGHBOR_RECHECK_NS (200 * ENGINE_MS)
#define NEIGHBOR_REGAIN_NS (50 * ENGINE_MS)	 /* since the last entry was flushed */
#define NEIGHBOR_REGAIN_MAX_NS (500 * ENGINE_MS) /* and since the first one was */
#define NEIGHBOR_RETRY_MAX_NS (32 * ENGINE_SECOND)

/* ---- on the wire ---------------------------------------------------------------------------- */

static void neighbor_put_key(struct buf_writer *writer, const void *key)
{
	const struct mlag_neighbor_key *neighbor = key;

	buf_put_u8(writer, neighbor->family);
	buf_put_u8(writer, neighbor->device);
	buf_put_u16(writer, neighbor->vlan);
	for (uint32_t i = 0; i < sizeof(neighbor->octets); i++) {
		buf_put_u8(writer, neighbor->octets[i]);
	}
}

static bool is_unicast4(const uint8_t *octets)
{
	static const uint8_t zero[12];

	return octets[0] != 0 && octets[0] != 127 && (octets[0] & 0xf0) != 224 &&
	       (octets[0] & octets[1] & octets[2] & octets[3]) != 255 &&
	       memcmp(octets + 4, zero, sizeof(zero)) == 0;
}

static bool is_unicast6(const uint8_t *octets)
{
	static const uint8_t zero[15];

	return octets[0] != 0xff && (memcmp(octets, zero, sizeof(zero)) != 0 || octets[15] > 1);
}

/* What this member claims, the other must accept. */
static bool is_possible(const struct mlag_neighbor_key *key)
{
	if (key->device == MLAG_NEIGHBOR_ON_NONE || key->device >= NEIGHBOR_DEVICES_COUNT ||
	    key->vlan >= MLAG_VLANS_MAX - 1) {
		return false;
	}
	return key->family == 4 ? is_unicast4(key->octets)
				: key->family == 6 && is_unicast6(key->octets);
}

static bool is_host_mac(const struct mlag_mac *mac)
{
	static const struct mlag_mac none;

	return (mac->octets[0] & 1) == 0 && memcmp(mac, &none, sizeof(none)) != 0;
}

static bool neighbor_get_key(struct buf_reader *reader, void *ret_key)
{
	struct mlag_neighbor_key *neighbor = ret_key;

	neighbor->family = buf_get_u8(reader);
	neighbor->device = buf_get_u8(reader);
	neighbor->vlan = buf_get_u16(reader);
	for (uint32_t i = 0; i < sizeof(neighbor->octets); i++) {
		neighbor->octets[i] = buf_get_u8(reader);
	}
	return !reader->failed && is_possible(neighbor);
}

static void neighbor_put_value(struct buf_writer *writer, const void *value)
{
	const struct neighbor_value *neighbor = value;

	buf_put_mac(writer, &neighbor->mac);
	buf_put_u8(writer, neighbor->flags);
}

static bool neighbor_get_value(struct buf_reader *reader, void *ret_value)
{
	struct neighbor_value *neighbor = ret_value;

	neighbor->mac = buf_get_mac(reader);
	neighbor->flags = buf_get_u8(reader);
	return !reader->failed && is_host_mac(&neighbor->mac);
}

static bool neighbor_is_idle(const void *local)
{
	const struct neighbor_local *neighbor = local;

	return neighbor->held.state == MLAG_NEIGHBOR_NONE && !neighbor->retry;
}

const struct table_class neighbor_table_class = {
	.id = WIRE_TABLE_NEIGHBORS,
	.key_size = sizeof(struct mlag_neighbor_key),
	.value_size = sizeof(struct neighbor_value),
	.local_size = sizeof(struct neighbor_local),
	.encoded_size_max = 1 + NEIGHBOR_WIRE_KEY_SIZE + 4 + 7,
	.put_key = neighbor_put_key,
	.get_key = neighbor_get_key,
	.put_value = neighbor_put_value,
	.get_value = neighbor_get_value,
	.is_idle = neighbor_is_idle,
};

/* ---- what is so ----------------------------------------------------------------------------- */

static struct neighbor_local *local_of(const struct mlag_engine *engine,
				       const struct table_row *row)
{
	return table_local(&engine->neighbors, row);
}

static const struct mlag_neighbor_key *key_of(const struct mlag_engine *engine,
					      const struct table_row *row)
{
	return table_key(&engine->neighbors, row);
}

static uint32_t device_of(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct mlag_neighbor_key *key = key_of(engine, row);

	return engine->neighbor.devices[key->device][key->vlan];
}

static bool has_mac(const struct mlag_neighbor_entry *entry)
{
	switch (entry->state) {
	case MLAG_NEIGHBOR_NONE:
	case MLAG_NEIGHBOR_FAILED:
		break;
	case MLAG_NEIGHBOR_KNOWN:
	case MLAG_NEIGHBOR_CONFIRMED:
	case MLAG_NEIGHBOR_STATIC:
		return true;
	}
	return false;
}

static bool is_same_mac(const struct mlag_mac *a, const struct mlag_mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The other device of the same VLAN has neighbours of its own: nothing is known of them. */
static void follow_device(const struct mlag_engine *engine, const struct table_row *row)
{
	struct neighbor_local *local = local_of(engine, row);
	uint32_t ifindex = device_of(engine, row);
	bool retry = local->retry;

	if (local->ifindex != ifindex) {
		memset(local, 0, sizeof(*local));
		local->ifindex = ifindex;
		local->retry = retry;
	}
}

/* R9 for neighbours: which of two claims wins; the same answer on both members. */
static bool own_wins(const struct mlag_engine *engine, const struct table_row *row,
		     const struct neighbor_value *own, const struct neighbor_value *peer)
{
	if (((own->flags ^ peer->flags) & NEIGHBOR_FLAG_STATIC) != 0) {
		return (own->flags & NEIGHBOR_FLAG_STATIC) != 0;
	}
	if (row->own_seq != row->peer_seq) {
		return row->own_seq > row->peer_seq;
	}
	return memcmp(&engine->peer_link.mac, &engine->peer.member_id,
		      sizeof(engine->peer_link.mac)) < 0;
}

/* An address or a MAC of one of the two members is none of a host. */
static bool is_members(const struct mlag_engine *engine, const struct table_row *row,
		       const struct mlag_mac *mac)
{
	const struct mlag_neighbor_key *key = key_of(engine, row);

	return address_is_router(engine, key->vlan, mac) ||
	       address_is_members(engine, key->vlan, key->family, key->octets);
}

/* ---- what follows from it ------------------------------------------------------------------- */

/* A claim of the peer's that may be written here, or NULL. */
static const struct neighbor_value *peer_word(const struct mlag_engine *engine,
					      const struct table_row *row)
{
	const struct neighbor_value *value = table_peer(&engine->neighbors, row);

	if (!table_row_is_peer(row) || local_of(engine, row)->refused ||
	    local_of(engine, row)->flushed || is_members(engine, row, &value->mac)) {
		return NULL;
	}
	return value;
}

/*
 * What was written for the peer's word goes when the peer has proven that it does not say so any
 * more, not when it is merely not heard: until then the kernel verifies it when it is used.
 */
static bool may_forget(const struct mlag_engine *engine, const struct table_row *row)
{
	return table_row_is_peer(row) ||
	       local_of(engine, row)->held.state == MLAG_NEIGHBOR_FAILED ||
	       (engine->neighbors.live && engine->neighbors.peer_complete);
}

/* What turns what the kernel is believed to hold into what it should hold. */
static enum mlag_neighbor_verb due_verb(const struct mlag_engine *engine,
					const struct table_row *row)
{
	const struct neighbor_local *local = local_of(engine, row);
	const struct neighbor_value *word;

	if (local->ifindex == 0) {
		return MLAG_NEIGHBOR_VERB_NONE;
	}
	if (local->verify) {
		return MLAG_NEIGHBOR_VERB_VERIFY;
	}
	if (table_row_is_own(row)) {
		return local->held.marked ? MLAG_NEIGHBOR_VERB_KEEP : MLAG_NEIGHBOR_VERB_NONE;
	}
	/* What a person set is never taken away. */
	if (local->held.state == MLAG_NEIGHBOR_STATIC) {
		return MLAG_NEIGHBOR_VERB_NONE;
	}
	word = peer_word(engine, row);
	if (word != NULL) {
		return has_mac(&local->held) && is_same_mac(&local->held.mac, &word->mac)
			       ? MLAG_NEIGHBOR_VERB_NONE
			       : MLAG_NEIGHBOR_VERB_SET;
	}
	return local->held.marked && may_forget(engine, row) ? MLAG_NEIGHBOR_VERB_DELETE
							     : MLAG_NEIGHBOR_VERB_NONE;
}

static void claim(struct mlag_engine *engine, struct table_row *row)
{
	const struct neighbor_local *local = local_of(engine, row);
	const struct neighbor_value *peer = table_peer(&engine->neighbors, row);
	struct neighbor_value value;
	uint32_t seq = row->own_seq > row->peer_seq ? row->own_seq : row->peer_seq;

	memset(&value, 0, sizeof(value));
	value.mac = local->held.mac;
	value.flags = local->held.state == MLAG_NEIGHBOR_STATIC ? NEIGHBOR_FLAG_STATIC : 0;
	if (table_row_is_own(row) &&
	    memcmp(table_own(&engine->neighbors, row), &value, sizeof(value)) == 0) {
		return;
	}
	if (!table_row_is_peer(row) || !is_same_mac(&value.mac, &peer->mac)) {
		seq++;
	}
	/* Of two that are new to both, after a restart, one that has just answered is the newer. */
	if (seq <= 1) {
		seq = local->held.state == MLAG_NEIGHBOR_CONFIRMED ? 2 : 1;
	}
	table_claim(&engine->neighbors, row, seq, &value);
}

/*
 * Claim what the kernel knows by itself, unless the peer knows better.
 * @news: it learned it just now; otherwise a claim that lost stays lost
 */
static void evaluate(struct mlag_engine *engine, struct table_row *row, bool news)
{
	const struct neighbor_local *local = local_of(engine, row);
	const struct neighbor_value *peer = table_peer(&engine->neighbors, row);
	bool differs = table_row_is_peer(row) && !is_same_mac(&peer->mac, &local->held.mac);

	if (!local->sighted || is_members(engine, row, &local->held.mac)) {
		table_withdraw(&engine->neighbors, row);
	} else if (table_row_is_own(row) || news || !differs ||
		   (local->held.state == MLAG_NEIGHBOR_STATIC &&
		    (peer->flags & NEIGHBOR_FLAG_STATIC) == 0)) {
		claim(engine, row);
	}
	if (table_row_is_own(row) && differs &&
	    !own_wins(engine, row, table_own(&engine->neighbors, row), peer)) {
		table_withdraw(&engine->neighbors, row);
	}
	if (due_verb(engine, row) != MLAG_NEIGHBOR_VERB_NONE) {
		table_program(&engine->neighbors, row);
	}
}

/* ---- what the kernel reports ---------------------------------------------------------------- */

static void forget_held(struct neighbor_local *local)
{
	memset(&local->held, 0, sizeof(local->held));
	local->sighted = false;
}

/*
 * Whoever flushed it wants it resolved anew: what the peer says helps, but not at once.  ip(8)
 * flushes until it finds nothing more, and would not come to an end.
 */
static void take_gone(struct mlag_engine *engine, struct neighbor_local *local, bool is_peer)
{
	struct neighbor_state *state = &engine->neighbor;

	if (!local->deleting) {
		local->refused = false;
	}
	if (!local->deleting && is_peer && has_mac(&local->held)) {
		local->flushed = true;
		if (state->regain_ns == 0) {
			state->regain_limit_ns = engine->now_ns + NEIGHBOR_REGAIN_MAX_NS;
		}
		state->regain_ns = engine->now_ns + NEIGHBOR_REGAIN_NS;
	}
	local->deleting = false;
	forget_held(local);
}

static void take_failed(struct neighbor_local *local, bool marked, bool is_peer)
{
	forget_held(local);
	local->refused = is_peer;
	if (marked) {
		/* The kernel keeps such an entry for ever: it is ours to remove. */
		local->held.state = MLAG_NEIGHBOR_FAILED;
		local->held.marked = true;
	}
}

/* Return: the kernel learned something just now. */
static bool take_valid(const struct mlag_engine *engine, struct neighbor_local *local,
		       const struct mlag_neighbor_entry *entry)
{
	bool was_there = has_mac(&local->held) && !(local->doubtful && entry->marked);
	bool moved = was_there && !is_same_mac(&local->held.mac, &entry->mac);
	bool confirmed = entry->state == MLAG_NEIGHBOR_CONFIRMED ||
			 entry->state == MLAG_NEIGHBOR_STATIC;

	/* A marked one that changed its MAC was changed by the kernel, for we did not. */
	local->sighted = !entry->marked || confirmed || moved ||
			 (has_mac(&local->held) && local->sighted);
	if (local->sighted) {
		local->refused = false;
	}
	local->deleting = false;
	local->flushed = false;
	local->held = *entry;
	return local->sighted && (moved || !was_there || (confirmed && !engine->neighbor.dumping));
}

static struct table_row *find_or_add(struct mlag_engine *engine,
				     const struct mlag_neighbor_key *key,
				     const struct mlag_neighbor_entry *entry)
{
	struct table_row *row;

	if (!has_mac(entry)) {
		return table_find(&engine->neighbors, key);
	}
	row = table_add(&engine->neighbors, key);
	if (row == NULL && !engine->neighbor.dropped) {
		engine->neighbor.dropped = true;
		engine_notice(engine, MLAG_NOTICE_TABLE_FULL, 0, "neighbors", "full",
			      "more neighbors than the table has rows");
	}
	return row;
}

static void observe(struct mlag_engine *engine, const struct mlag_neighbor_key *key,
		    const struct mlag_neighbor_entry *entry)
{
	struct table_row *row;
	struct neighbor_local *local;
	bool news = false;

	if (!is_possible(key) || (has_mac(entry) && !is_host_mac(&entry->mac)) ||
	    engine->neighbor.devices[key->device][key->vlan] == 0) {
		engine->ignored_count++;
		return;
	}
	row = find_or_add(engine, key, entry);
	if (row == NULL) {
		return;
	}
	follow_device(engine, row);
	local = local_of(engine, row);
	local->dump_epoch = engine->neighbor.dump_epoch;
	local->verify = false;
	switch (entry->state) {
	case MLAG_NEIGHBOR_NONE:
		take_gone(engine, local, table_row_is_peer(row));
		break;
	case MLAG_NEIGHBOR_FAILED:
		take_failed(local, entry->marked, table_row_is_peer(row));
		break;
	case MLAG_NEIGHBOR_KNOWN:
	case MLAG_NEIGHBOR_CONFIRMED:
	case MLAG_NEIGHBOR_STATIC:
		news = take_valid(engine, local, entry);
		break;
	}
	local->doubtful = false;
	evaluate(engine, row, news);
	table_settle(&engine->neighbors, row);
}

static void set_device(struct mlag_engine *engine, uint16_t vlan, enum mlag_neighbor_device device,
		       uint32_t ifindex)
{
	if (vlan >= MLAG_VLANS_MAX - 1 || device == MLAG_NEIGHBOR_ON_NONE ||
	    (uint32_t)device >= NEIGHBOR_DEVICES_COUNT) {
		engine->ignored_count++;
		return;
	}
	if (engine->neighbor.devices[device][vlan] != ifindex) {
		engine->neighbor.devices[device][vlan] = ifindex;
		neighbor_recheck(engine);
	}
}

bool mlag_wants_neighbor_dump(const struct mlag_engine *engine)
{
	uint32_t rows_max = engine->neighbors.rows_max;

	return engine->neighbor.dropped && engine->neighbors.rows_used < rows_max - rows_max / 16;
}

static void dump_begin(struct mlag_engine *engine)
{
	engine->neighbor.dropped = false;
	engine->neighbor.dumping = true;
	engine->neighbor.dump_epoch++;
}

static void dump_end(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	engine->neighbor.dumping = false;
	/* Dumps skip entries under churn: absence is a suspicion, the kernel is asked by key. */
	while ((row = table_next(&engine->neighbors, &cursor)) != NULL) {
		struct neighbor_local *local = local_of(engine, row);

		if (local->held.state != MLAG_NEIGHBOR_NONE &&
		    local->dump_epoch != engine->neighbor.dump_epoch) {
			local->verify = true;
			table_program(&engine->neighbors, row);
		}
	}
}

static void failed(struct mlag_engine *engine, const struct mlag_neighbor_key *key)
{
	struct neighbor_state *state = &engine->neighbor;
	struct table_row *row = is_possible(key) ? table_add(&engine->neighbors, key) : NULL;

	if (row == NULL) {
		return;
	}
	local_of(engine, row)->retry = true;
	local_of(engine, row)->doubtful = true;
	if (state->retry_ns != 0) {
		return;
	}
	/* What fails again and again is tried less and less often. */
	if (state->retried_ns == 0 ||
	    engine->now_ns - state->retried_ns > 2 * NEIGHBOR_RETRY_MAX_NS) {
		state->retry_delay_ns = ENGINE_SECOND;
	} else if (state->retry_delay_ns < NEIGHBOR_RETRY_MAX_NS) {
		state->retry_delay_ns *= 2;
	}
	state->retry_ns = engine->now_ns + state->retry_delay_ns;
}

void neighbor_event(struct mlag_engine *engine, const struct mlag_event *event)
{
	if (event->type == MLAG_EVENT_NEIGHBOR) {
		observe(engine, &event->neighbor.key, &event->neighbor.entry);
	} else if (event->type == MLAG_EVENT_NEIGHBOR_DEVICE) {
		set_device(engine, event->neighbor_device.vlan, event->neighbor_device.device,
			   event->neighbor_device.ifindex);
	} else if (event->type == MLAG_EVENT_NEIGHBOR_DUMP_BEGIN) {
		dump_begin(engine);
	} else if (event->type == MLAG_EVENT_NEIGHBOR_DUMP_END) {
		dump_end(engine);
	} else if (event->type == MLAG_EVENT_NEIGHBOR_FAILED) {
		failed(engine, &event->neighbor_failed.key);
	}
}

void neighbor_changed(void *user, struct table *table, struct table_row *row)
{
	struct mlag_engine *engine = user;

	(void)table;
	follow_device(engine, row);
	/* What is said anew is worth another try. */
	local_of(engine, row)->refused = false;
	evaluate(engine, row, false);
}

/* ---- time ----------------------------------------------------------------------------------- */

void neighbor_recheck(struct mlag_engine *engine)
{
	if (engine->neighbor.recheck_ns == 0) {
		engine->neighbor.recheck_ns = engine->now_ns + NEIGHBOR_RECHECK_NS;
	}
}

static void recheck_all(struct mlag_engine *engine, bool regain)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->neighbors, &cursor)) != NULL) {
		follow_device(engine, row);
		if (regain) {
			local_of(engine, row)->flushed = false;
		}
		evaluate(engine, row, false);
		table_settle(&engine->neighbors, row);
	}
}

/* What the kernel holds is not known: ask, and act on the answer. */
static void retry_all(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->neighbors, &cursor)) != NULL) {
		struct neighbor_local *local = local_of(engine, row);

		if (local->retry) {
			local->retry = false;
			follow_device(engine, row);
			local->verify = true;
			table_program(&engine->neighbors, row);
		}
	}
}

static uint64_t regain_due_ns(const struct neighbor_state *state)
{
	if (state->regain_ns == 0) {
		return MLAG_NEVER_NS;
	}
	return state->regain_ns < state->regain_limit_ns ? state->regain_ns
							 : state->regain_limit_ns;
}

void neighbor_tick(struct mlag_engine *engine)
{
	struct neighbor_state *state = &engine->neighbor;

	if (engine->now_ns >= regain_due_ns(state)) {
		state->regain_ns = 0;
		state->recheck_ns = 0;
		recheck_all(engine, true);
	}
	if (state->recheck_ns != 0 && engine->now_ns >= state->recheck_ns) {
		state->recheck_ns = 0;
		recheck_all(engine, false);
	}
	if (state->retry_ns == 0 || engine->now_ns < state->retry_ns) {
		return;
	}
	state->retry_ns = 0;
	state->retried_ns = engine->now_ns;
	retry_all(engine);
}

uint64_t neighbor_deadline_ns(const struct mlag_engine *engine)
{
	const struct neighbor_state *state = &engine->neighbor;
	uint64_t deadline = regain_due_ns(state);

	if (state->recheck_ns != 0 && state->recheck_ns < deadline) {
		deadline = state->recheck_ns;
	}
	if (state->retry_ns != 0 && state->retry_ns < deadline) {
		deadline = state->retry_ns;
	}
	return deadline;
}

/* ---- what the kernel is to do --------------------------------------------------------------- */

/* Fill one operation in, and believe it done. */
static void fill_operation(struct mlag_engine *engine, struct table_row *row,
			   enum mlag_neighbor_verb verb,
			   struct mlag_neighbor_operation *ret_operation)
{
	struct neighbor_local *local = local_of(engine, row);

	memset(ret_operation, 0, sizeof(*ret_operation));
	ret_operation->verb = verb;
	ret_operation->key = *key_of(engine, row);
	ret_operation->ifindex = local->ifindex;
	switch (verb) {
	case MLAG_NEIGHBOR_VERB_NONE:
		break;
	case MLAG_NEIGHBOR_VERB_SET:
		forget_held(local);
		local->deleting = false;
		local->held.state = MLAG_NEIGHBOR_KNOWN;
		local->held.marked = true;
		local->held.mac =
			((struct neighbor_value *)table_peer(&engine->neighbors, row))->mac;
		ret_operation->mac = local->held.mac;
		break;
	case MLAG_NEIGHBOR_VERB_KEEP:
		local->held.marked = false;
		break;
	case MLAG_NEIGHBOR_VERB_DELETE:
		forget_held(local);
		local->deleting = true;
		break;
	case MLAG_NEIGHBOR_VERB_VERIFY:
		local->verify = false;
		break;
	}
}

uint32_t mlag_next_neighbors(struct mlag_engine *engine,
			     struct mlag_neighbor_operation *ret_operations, uint32_t size_max)
{
	uint32_t count = 0;

	mlag_assert(size_max >= 1 && size_max <= MLAG_NEIGHBOR_BATCH_MAX);
	while (count < size_max) {
		struct table_row *row = table_program_pop(&engine->neighbors);
		enum mlag_neighbor_verb verb;

		if (row == NULL) {
			break;
		}
		follow_device(engine, row);
		verb = due_verb(engine, row);
		if (verb != MLAG_NEIGHBOR_VERB_NONE) {
			fill_operation(engine, row, verb, &ret_operations[count++]);
		}
		table_settle(&engine->neighbors, row);
	}
	return count;
}

bool mlag_next_neighbor_view(const struct mlag_engine *engine, uint32_t *cursor,
			     struct mlag_neighbor_view *ret_view)
{
	const struct neighbor_value *value;
	struct table_row *row;

	do {
		row = table_next(&engine->neighbors, cursor);
		if (row == NULL) {
			return false;
		}
	} while (!table_row_is_own(row) && !table_row_is_peer(row));
	value = table_row_is_own(row) ? table_own(&engine->neighbors, row)
				      : table_peer(&engine->neighbors, row);
	memset(ret_view, 0, sizeof(*ret_view));
	ret_view->key = *key_of(engine, row);
	ret_view->own = table_row_is_own(row);
	ret_view->peer = table_row_is_peer(row);
	ret_view->mac = value->mac;
	ret_view->ifindex = device_of(engine, row);
	ret_view->entry = local_of(engine, row)->held;
	return true;
}

bool mlag_answers_for_peer(const struct mlag_engine *engine)
{
	/*
	 * Behind a peer link with carrier the peer's own kernel answers.  A dead one does not, and who
	 * routes by its addresses must not notice (R26): what comes for its MAC is routed here.
	 */
	return engine->verdict == MLAG_VERDICT_SPLIT ||
	       (engine_is_alone(engine) && engine->liveness.ever_heard && !engine->peer_left &&
		liveness_link(&engine->liveness) == LIVENESS_LINK_NO_CARRIER);
}
