/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs of LAGs (see leg.h).  The only writer of a leg's state is leg_enter(); what the data plane
 * should hold follows from state, peer and peer link by refresh_program(), and what the peer is
 * told by publish().  Called by engine.c.
 */
#include "leg.h"

#include <string.h>

#include "engine.h"

#define LEG_POLL_PENDING_NS (20 * ENGINE_MS)
#define LEG_POLL_LATER_NS (100 * ENGINE_MS) /* a leg pending for long: nobody may be there */
#define LEG_POLL_IDLE_NS (500 * ENGINE_MS)
#define LEG_POLL_STATIC_NS (100 * ENGINE_MS) /* a plain port's event may come a second late */
#define LEG_PENDING_LONG_NS (30 * ENGINE_SECOND)
#define LEG_STEADY_NS (300 * ENGINE_MS) /* well above the 80 ms that old LACP state lingers */
#define LEG_STEADY_COUNT 5
#define LEG_COLLECTING_NS (3 * ENGINE_SECOND) /* a partner that sends must collect by then */
#define LEG_APPLY_RETRY_NS (100 * ENGINE_MS)

struct leg *leg_of(const struct mlag_engine *engine, const struct table_row *row)
{
	return table_local(&engine->legs, row);
}

uint16_t leg_lag_id(const struct mlag_engine *engine, const struct table_row *row)
{
	return ((const struct leg_key *)table_key(&engine->legs, row))->lag_id;
}

struct table_row *leg_find(const struct mlag_engine *engine, uint16_t lag_id)
{
	struct leg_key key = {.lag_id = lag_id};

	return table_find(&engine->legs, &key);
}

/* Where a device is in the index, or where it would be. */
static uint32_t device_position(const struct mlag_engine *engine, uint32_t ifindex)
{
	uint32_t low = 0, high = engine->devices_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (engine->devices[middle].ifindex < ifindex) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* Note which device is which LAG's leg, by ascending ifindex: every FDB event asks. */
static void index_devices(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	engine->devices_count = 0;
	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg *leg = leg_of(engine, row);
		uint32_t position;

		if (!leg->configured || leg->seen.ifindex == 0) {
			continue;
		}
		mlag_assert(engine->devices_count < ENGINE_LEG_ROWS);
		position = device_position(engine, leg->seen.ifindex);
		memmove(&engine->devices[position + 1], &engine->devices[position],
			(engine->devices_count - position) * sizeof(engine->devices[0]));
		engine->devices[position].ifindex = leg->seen.ifindex;
		engine->devices[position].lag_id = leg_lag_id(engine, row);
		engine->devices_count++;
	}
}

bool leg_has_vlan(const struct mlag_engine *engine, uint16_t lag_id, uint16_t vlan)
{
	struct table_row *row = leg_find(engine, lag_id);
	const struct leg *leg;

	if (row == NULL) {
		return false;
	}
	leg = leg_of(engine, row);
	return leg->configured && !leg->refused && leg->seen.ifindex != 0 &&
	       mlag_vlans_has(&leg->seen.vlans, vlan);
}

uint16_t leg_lag_of_device(const struct mlag_engine *engine, uint32_t ifindex)
{
	uint32_t position = device_position(engine, ifindex);

	return position < engine->devices_count && engine->devices[position].ifindex == ifindex
		       ? engine->devices[position].lag_id
		       : 0;
}

const struct leg_value *leg_peer_value(const struct mlag_engine *engine,
				       const struct table_row *row)
{
	return table_row_is_peer(row) ? table_peer(&engine->legs, row) : NULL;
}

/*
 * What an earlier daemon put in force counts while the peer has not spoken of all its legs, unless its
 * hellos say more.
 */
static bool is_as_found(const struct mlag_engine *engine, const struct table_row *row)
{
	enum leg_word word = leg_of(engine, row)->word;

	return engine->isolation_frozen && (word == LEG_WORD_NONE || word == LEG_WORD_READY);
}

/* By the session's word, or what that was when it was last heard: frozen. */
static void isolate_by_table(const struct mlag_engine *engine, const struct leg_value *peer,
			     struct mlag_vlans *ret_isolated)
{
	if (peer != NULL && peer->up) {
		*ret_isolated = peer->vlans;
	} else {
		bool known = peer != NULL || engine->peer_legs_known;

		memset(ret_isolated, known ? 0 : 0xff, sizeof(*ret_isolated));
	}
}

/*
 * R1 and R2: the VLANs in which what came over PL must not leave through this leg.  Without a session
 * the hellos of the peer say whether its leg is up, and whether it floods.
 */
static void decide_isolation(const struct mlag_engine *engine, const struct table_row *row,
			     struct mlag_vlans *ret_isolated)
{
	const struct leg_value *peer = leg_peer_value(engine, row);
	const struct leg *leg = leg_of(engine, row);

	memset(ret_isolated, 0xff, sizeof(*ret_isolated));
	if (!engine->lift_allowed) {
		return;
	}
	if (is_as_found(engine, row)) {
		if (leg->resumed) {
			*ret_isolated = leg->resumed_isolated;
		}
		return;
	}
	switch (leg->word) {
	case LEG_WORD_NONE:
	case LEG_WORD_READY:
		isolate_by_table(engine, peer, ret_isolated);
		break;
	case LEG_WORD_DOWN:
		memset(ret_isolated, 0, sizeof(*ret_isolated));
		break;
	case LEG_WORD_OPEN:
		/* A VLAN that came to it since has given it another generation. */
		if (peer != NULL && peer->up &&
		    (uint16_t)peer->generation == leg->word_generation) {
			*ret_isolated = peer->vlans;
		}
		break;
	}
}

/*
 * R2: VLANs that come to an open leg are flooded here only when the peer isolates them.  All that it
 * did not acknowledge are held, so that one is before we even hear that it came.
 */
static void decide_held(const struct leg *leg, struct mlag_vlans *ret_held)
{
	memset(ret_held, 0, sizeof(*ret_held));
	for (uint32_t i = 0; leg->state == MLAG_LEG_OPEN && i < MLAG_VLAN_WORDS; i++) {
		ret_held->words[i] = ~leg->acked_vlans.words[i];
	}
}

/* The coming-up of the peer's leg that R1 is in force for, 0 for none. */
static uint32_t decide_generation(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg *leg = leg_of(engine, row);
	const struct leg_value *peer = leg_peer_value(engine, row);

	if (is_as_found(engine, row)) {
		return leg->resumed ? leg->resumed_generation : 0;
	}
	return peer != NULL && peer->up && leg->word != LEG_WORD_DOWN ? peer->generation : 0;
}

/* What the daemon after this one has to know. */
static void decide_memory(const struct mlag_engine *engine, const struct table_row *row,
			  struct mlag_port_memory *ret_memory)
{
	const struct leg *leg = leg_of(engine, row);
	const struct leg_value *peer = leg_peer_value(engine, row);

	ret_memory->generation = leg->generation;
	ret_memory->peer_generation = decide_generation(engine, row);
	ret_memory->flags = leg->state == MLAG_LEG_OPEN && leg->opened_alone ? MLAG_MEMORY_ALONE
									     : 0;
	if (peer != NULL) {
		ret_memory->flags |= MLAG_MEMORY_PEER_PRESENT;
		ret_memory->flags |= peer->open ? MLAG_MEMORY_PEER_OPEN : 0;
		ret_memory->flags |= peer->lacp ? MLAG_MEMORY_PEER_LACP : 0;
	}
}

static enum mlag_gate decide_gate(enum mlag_leg_state state)
{
	switch (state) {
	case MLAG_LEG_NONE:
	case MLAG_LEG_DOWN:
	case MLAG_LEG_PENDING:
		break;
	case MLAG_LEG_READY:
		return MLAG_GATE_UNICAST;
	case MLAG_LEG_OPEN:
		return MLAG_GATE_OPEN;
	}
	return MLAG_GATE_CLOSED;
}

static bool has_first_program(const struct leg *leg)
{
	return leg->seen.ifindex == 0 || leg->applied_serial != 0;
}

/*
 * Does the data plane hold a gate that lets this through, whatever it should hold?  Without
 * carrier it does not matter: nothing leaves, and the peer is told at once.
 */
bool leg_gate_passes(const struct leg *leg, enum mlag_gate gate)
{
	return leg->seen.carrier && leg->seen.ifindex != 0 && leg->applied_gate >= gate;
}

bool leg_says_up(const struct leg *leg)
{
	/* Floods have ended before the peer lifts R1 for what it is told here. */
	return leg_gate_passes(leg, MLAG_GATE_UNICAST) &&
	       (leg->hold.stage == HOLD_STAGE_FREE || leg_says_open(leg));
}

bool leg_says_open(const struct leg *leg)
{
	return leg_gate_passes(leg, MLAG_GATE_OPEN);
}

/* Tell the peer what it does not know yet.  Nothing is said before our own gate is in place. */
static void publish(struct mlag_engine *engine, struct table_row *row)
{
	const struct leg *leg = leg_of(engine, row);
	struct leg_value value;

	if (!leg->configured || (!has_first_program(leg) && !leg->refused)) {
		return;
	}
	memset(&value, 0, sizeof(value));
	/*
	 * Lost carrier is said at once.  Otherwise what counts is what is programmed: the peer lifts
	 * and enforces R1 on our word, so it must not lift while our gate still passes floods, nor
	 * enforce while our gate still sends unicast over PL.
	 */
	value.up = leg_says_up(leg);
	value.open = leg_says_open(leg);
	value.lacp = leg->seen.lacp;
	value.generation = leg->generation;
	value.enforced = leg->applied_generation;
	value.partner_mac = leg->seen.partner_mac;
	value.vlans = leg->seen.vlans;
	if (!table_row_is_own(row) ||
	    memcmp(table_own(&engine->legs, row), &value, sizeof(value)) != 0) {
		table_claim(&engine->legs, row, row->own_seq + 1, &value);
		engine->hello_soon = true;
	}
}

/*
 * Nothing is known of the peer, and PL is lost: two sides of one system would each get half of what a
 * host has for both.  As two systems they leave the choice to the partner's LACP (DESIGN §2).
 */
static bool decide_own_system(const struct mlag_engine *engine, const struct leg *leg)
{
	return leg->seen.lacp && engine->verdict == MLAG_VERDICT_ALONE_UNSURE &&
	       engine->role != MLAG_ROLE_PRIMARY;
}

/* Work out what the data plane should hold, and hand it out if that is something new. */
static void refresh_program(struct mlag_engine *engine, struct table_row *row)
{
	struct leg *leg = leg_of(engine, row);
	struct mlag_leg_program program;
	uint32_t generation = decide_generation(engine, row);

	memset(&program, 0, sizeof(program));
	program.lag_id = leg_lag_id(engine, row);
	program.ifindex = leg->seen.ifindex;
	program.untagged_vid = leg->seen.untagged_vid;
	program.gate = decide_gate(leg->state);
	program.flood = leg->state == MLAG_LEG_OPEN;
	program.carrier = leg->seen.carrier;
	hold_program(engine, leg, &program);
	program.own_system = decide_own_system(engine, leg);
	decide_isolation(engine, row, &program.isolated);
	decide_held(leg, &program.held);
	decide_memory(engine, row, &program.memory);
	program.serial = leg->program.serial;
	if (memcmp(&program, &leg->program, sizeof(program)) != 0 ||
	    leg->program_generation != generation) {
		if (program.ifindex != leg->program.ifindex) {
			leg->applied_serial = 0;
			leg->applied_generation = 0;
			leg->applied_gate = MLAG_GATE_NONE;
			/* Another one may take it; what was held under an earlier daemon is this one. */
			leg->refused = leg->refused && leg->program.ifindex == 0;
		}
		program.serial++;
		memcpy(&leg->program, &program, sizeof(program));
		leg->program_generation = generation;
		table_program(&engine->legs, row);
	}
	if (program.ifindex == 0 || (leg->refused && !leg->seen.carrier)) {
		/* There is no port that could flood: R1 holds by itself. */
		leg->applied_generation = generation;
	} else if (generation == 0 || leg->refused) {
		leg->applied_generation = 0;
	}
	publish(engine, row);
}

/* Never one of before, also of a leg that was removed in between. */
void leg_next_generation(struct mlag_engine *engine, struct leg *leg)
{
	engine->leg_generation += engine->leg_generation == UINT32_MAX ? 2 : 1;
	leg->generation = engine->leg_generation;
}

/*
 * As engine_nobody_floods(), of one LAG: a guard takes the peer's legs down one by one, each when it
 * hears that ours is up.  What an earlier daemon had opened stays so until the guard has spoken again.
 */
static bool nobody_floods_there(const struct mlag_engine *engine, const struct leg *leg)
{
	if (!engine->liveness.fenced) {
		return engine_nobody_floods(engine);
	}
	return leg->word == LEG_WORD_DOWN ||
	       (leg->word == LEG_WORD_NONE && leg->state == MLAG_LEG_OPEN) ||
	       liveness_link(&engine->liveness) == LIVENESS_LINK_NO_CARRIER;
}

static void leg_enter(struct mlag_engine *engine, struct table_row *row, enum mlag_leg_state state,
		      enum leg_input input)
{
	struct leg *leg = leg_of(engine, row);

	engine_notice(engine, MLAG_NOTICE_LEG, leg_lag_id(engine, row),
		      mlag_leg_state_text(leg->state), mlag_leg_state_text(state),
		      leg_input_text(input));
	switch (state) {
	case MLAG_LEG_NONE:
	case MLAG_LEG_DOWN:
		break;
	case MLAG_LEG_PENDING:
		leg->idle_seen = !leg->seen.distributing;
		leg->steady_count = 0;
		leg->steady_ns = engine->now_ns;
		break;
	case MLAG_LEG_READY:
		if (leg->state != MLAG_LEG_OPEN) {
			leg_next_generation(engine, leg);
			leg->collecting_seen = leg->seen.partner_collecting;
		}
		leg->opened_alone = false;
		break;
	case MLAG_LEG_OPEN:
		leg->opened_alone = nobody_floods_there(engine, leg);
		break;
	}
	leg->state = state;
	leg->since_ns = engine->now_ns;
}

/* Does LACP prove, since the leg became pending, that the partner takes part?  (DESIGN §4) */
static bool lacp_became_ready(const struct mlag_engine *engine, const struct leg *leg)
{
	const struct mlag_leg_observation *seen = &leg->seen;

	if (!seen->distributing) {
		return false;
	}
	if (leg->idle_seen && (seen->partner_collecting || seen->data_seen)) {
		return true;
	}
	return seen->partner_collecting && leg->steady_count >= LEG_STEADY_COUNT &&
	       engine->now_ns - leg->steady_ns >= LEG_STEADY_NS;
}

static bool lacp_still_ready(const struct mlag_engine *engine, const struct leg *leg)
{
	if (!leg->seen.distributing) {
		return false;
	}
	return leg->seen.partner_collecting ||
	       (!leg->collecting_seen && engine->now_ns - leg->since_ns < LEG_COLLECTING_NS);
}

static enum leg_input physical_input(const struct mlag_engine *engine, const struct leg *leg)
{
	bool proven = true;

	if (leg->seen.ifindex == 0 || !leg->seen.carrier) {
		return LEG_INPUT_LOST;
	}
	if (leg->seen.lacp) {
		switch (leg->state) {
		case MLAG_LEG_NONE:
			proven = false;
			break;
		case MLAG_LEG_DOWN:
			/*
			 * What is in full swing when we first look at it came up before us: to gate
			 * it would only lose frames.  Floods wait for the acknowledgement anyway.
			 */
			proven = leg->fresh && leg->seen.distributing &&
				 leg->seen.partner_collecting;
			break;
		case MLAG_LEG_PENDING:
			proven = lacp_became_ready(engine, leg);
			break;
		case MLAG_LEG_READY:
		case MLAG_LEG_OPEN:
			proven = lacp_still_ready(engine, leg);
			break;
		}
	}
	return proven ? LEG_INPUT_PROVEN : LEG_INPUT_ALIVE;
}

static bool has_no_leg_there(const struct mlag_engine *engine, const struct table_row *row)
{
	return !table_row_is_peer(row) && engine->session == MLAG_SESSION_UP &&
	       engine->legs.peer_complete;
}

/* R2: the peer has R1 in force for what this leg is now, or nobody is there who would need it. */
static bool is_acked(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg_value *peer = leg_peer_value(engine, row);

	return (peer != NULL && peer->enforced == leg_of(engine, row)->generation &&
		engine->session == MLAG_SESSION_UP) ||
	       has_no_leg_there(engine, row) || nobody_floods_there(engine, leg_of(engine, row));
}

/* May a ready leg open, must an open one close its floods again? */
static enum leg_input peer_input(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg *leg = leg_of(engine, row);
	const struct leg_value *peer = leg_peer_value(engine, row);
	bool enforced = peer != NULL && peer->enforced == leg->generation;

	if (leg->state == MLAG_LEG_READY && is_acked(engine, row)) {
		return LEG_INPUT_ACKED;
	}
	/* A peer of old may still deliver what it lifted R1 for while we were alone. */
	if (leg->state == MLAG_LEG_OPEN && leg->opened_alone && !enforced &&
	    !has_no_leg_there(engine, row) && !nobody_floods_there(engine, leg) &&
	    engine->peer_known) {
		return LEG_INPUT_UNACKED;
	}
	return LEG_INPUT_NONE;
}

static void apply_input(struct mlag_engine *engine, struct table_row *row, enum leg_input input)
{
	struct leg *leg = leg_of(engine, row);
	enum mlag_leg_state next = leg_transition(leg->state, input);

	if (next != leg->state) {
		leg_enter(engine, row, next, input);
	}
}

/* Bring one leg in line with everything known; ends when nothing changes any more. */
static void refresh(struct mlag_engine *engine, struct table_row *row)
{
	const struct leg_value *peer = leg_peer_value(engine, row);
	struct leg *leg = leg_of(engine, row);

	if (!leg->configured) {
		return;
	}
	hold_refresh(engine, row);
	if (leg->hold.stage == HOLD_STAGE_FREE || physical_input(engine, leg) == LEG_INPUT_LOST) {
		apply_input(engine, row, physical_input(engine, leg));
		apply_input(engine, row, peer_input(engine, row));
	} else {
		apply_input(engine, row,
			    leg->hold.stage == HOLD_STAGE_CLOSING ? LEG_INPUT_CLOSING
								  : LEG_INPUT_HELD);
	}
	if (leg->opened_alone && peer != NULL && peer->enforced == leg->generation) {
		leg->opened_alone = false;
	}
	if (leg->state == MLAG_LEG_OPEN && is_acked(engine, row)) {
		leg->acked_vlans = leg->seen.vlans;
	}
	refresh_program(engine, row);
}

void leg_begin(const struct mlag_engine *engine, struct leg *leg)
{
	struct hold hold = leg->hold;

	memset(leg, 0, sizeof(*leg));
	leg->hold = hold;
	leg->configured = true;
	leg->fresh = true;
	leg->generation = engine->leg_generation;
	leg->state = MLAG_LEG_DOWN;
	leg->since_ns = engine->now_ns;
}

void leg_configure(struct mlag_engine *engine, uint16_t lag_id, bool is_new, bool is_drained,
		   enum mlag_hold held)
{
	struct leg_key key = {.lag_id = lag_id};
	struct table_row *row = lag_id == 0 ? NULL : table_add(&engine->legs, &key);
	struct leg *leg;

	if (row == NULL) {
		engine->ignored_count++;
		return;
	}
	leg = leg_of(engine, row);
	if (leg->configured) {
		return;
	}
	leg_begin(engine, leg);
	hold_configure(engine, row, is_new, is_drained, held);
	leg->refused = held == MLAG_HOLD_REFUSED; /* until this daemon was able to program it */
	refresh(engine, row);
}

void leg_remove(struct mlag_engine *engine, uint16_t lag_id)
{
	struct table_row *row = leg_find(engine, lag_id);
	struct leg *leg;

	if (row == NULL || !leg_of(engine, row)->configured) {
		engine->ignored_count++;
		return;
	}
	leg = leg_of(engine, row);
	memset(leg, 0, sizeof(*leg));
	table_withdraw(&engine->legs, row);
	table_settle(&engine->legs, row);
	index_devices(engine);
	mac_refresh_all(engine);
}

static bool has_more_vlans(const struct mlag_vlans *now, const struct mlag_vlans *before)
{
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		if ((now->words[i] & ~before->words[i]) != 0) {
			return true;
		}
	}
	return false;
}

bool leg_observe(struct mlag_engine *engine, uint16_t lag_id,
		 const struct mlag_leg_observation *observation)
{
	struct table_row *row = leg_find(engine, lag_id);
	struct leg *leg;
	uint32_t old_ifindex;
	enum mlag_leg_state old_state;
	bool ports_changed, changed;

	if (row == NULL || !leg_of(engine, row)->configured) {
		engine->ignored_count++;
		return false;
	}
	leg = leg_of(engine, row);
	old_ifindex = leg->seen.ifindex;
	if (leg->resumed && old_ifindex == 0 && observation->ifindex != leg->program.ifindex) {
		leg_begin(engine, leg); /* what was found is about another device */
	}
	old_state = leg->state;
	changed = memcmp(&leg->seen, observation, sizeof(*observation)) != 0;
	ports_changed = old_ifindex != observation->ifindex ||
			memcmp(&leg->seen.vlans, &observation->vlans, sizeof(leg->seen.vlans)) != 0;
	if (has_more_vlans(&observation->vlans, &leg->seen.vlans) &&
	    (leg->state == MLAG_LEG_READY || leg->state == MLAG_LEG_OPEN)) {
		leg_next_generation(engine, leg); /* the peer is to acknowledge the new ones */
	}
	leg->seen = *observation;
	if (!observation->distributing) {
		leg->idle_seen = true;
	}
	if (!observation->distributing || !observation->partner_collecting) {
		leg->steady_count = 0;
		leg->steady_ns = engine->now_ns;
	} else {
		leg->steady_count++;
		leg->collecting_seen = true;
	}
	refresh(engine, row);
	leg->fresh = leg->fresh && observation->ifindex == 0;
	if (ports_changed) {
		index_devices(engine);
		if (old_ifindex != 0 && old_ifindex != observation->ifindex) {
			mac_port_gone(engine, old_ifindex);
		}
		mac_refresh_all(engine);
	}
	return changed || leg->state != old_state;
}

void leg_applied(struct mlag_engine *engine, uint16_t lag_id, uint32_t serial)
{
	struct table_row *row = leg_find(engine, lag_id);
	struct leg *leg;

	if (row == NULL) {
		engine->ignored_count++;
		return;
	}
	leg = leg_of(engine, row);
	if (!leg->configured || serial != leg->program.serial) {
		return; /* a newer one is on its way */
	}
	leg->handed_ns = 0;
	if (leg->refused) {
		leg->refused = false;
		mac_refresh_all(engine); /* hosts are behind it again */
	}
	leg->applied_serial = serial;
	leg->applied_generation = leg->program_generation;
	leg->applied_gate = leg->program.gate;
	publish(engine, row);
}

void leg_refused(struct mlag_engine *engine, uint16_t lag_id)
{
	struct table_row *row = leg_find(engine, lag_id);
	struct leg *leg = row != NULL ? leg_of(engine, row) : NULL;

	if (leg == NULL || !leg->configured || leg->seen.ifindex == 0) {
		engine->ignored_count++;
		return;
	}
	if (leg->refused) {
		return;
	}
	leg->refused = true;
	/* What was in force there is not any more; it is handed out until it is. */
	leg->applied_serial = 0;
	leg->applied_generation = 0;
	leg->applied_gate = MLAG_GATE_NONE;
	table_program(&engine->legs, row);
	mac_refresh_all(engine); /* nobody is reached through it */
}

void leg_peer_changed(void *user, struct table *table, struct table_row *row)
{
	struct mlag_engine *engine = user;
	const struct leg_value *peer = leg_peer_value(engine, row);

	(void)table;
	engine_notice(engine, MLAG_NOTICE_PEER_LEG, leg_lag_id(engine, row), "",
		      peer == NULL ? "none"
		      : peer->open ? "open"
		      : peer->up   ? "ready"
				   : "down",
		      "the peer says so");
	refresh(engine, row);
}

void leg_refresh_all(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		refresh(engine, row);
	}
}

bool leg_all_applied(const struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg *leg = leg_of(engine, row);

		if (leg->configured && !has_first_program(leg) && !leg->refused) {
			return false;
		}
	}
	return true;
}

void leg_tick(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		struct leg *leg = leg_of(engine, row);

		if (leg->handed_ns != 0 && engine->now_ns - leg->handed_ns >= LEG_APPLY_RETRY_NS) {
			leg->handed_ns = 0;
			table_program(&engine->legs, row);
		}
	}
}

uint64_t leg_deadline_ns(const struct mlag_engine *engine)
{
	uint64_t deadline = MLAG_NEVER_NS;
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg *leg = leg_of(engine, row);

		if (leg->handed_ns != 0 && leg->handed_ns + LEG_APPLY_RETRY_NS < deadline) {
			deadline = leg->handed_ns + LEG_APPLY_RETRY_NS;
		}
	}
	return deadline;
}

bool mlag_next_leg(struct mlag_engine *engine, struct mlag_leg_program *ret_program)
{
	struct table_row *row;

	while ((row = table_program_pop(&engine->legs)) != NULL) {
		struct leg *leg = leg_of(engine, row);

		if (leg->configured && leg->program.ifindex != 0) {
			leg->handed_ns = engine->now_ns;
			*ret_program = leg->program;
			return true;
		}
		table_settle(&engine->legs, row);
	}
	return false;
}

uint64_t mlag_leg_poll_ns(const struct mlag_engine *engine)
{
	uint64_t poll = MLAG_NEVER_NS;
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg *leg = leg_of(engine, row);
		uint64_t wanted = LEG_POLL_IDLE_NS;

		if (!leg->configured || leg->seen.ifindex == 0 || !leg->seen.carrier) {
			continue;
		}
		if (!leg->seen.lacp) {
			wanted = LEG_POLL_STATIC_NS;
		} else if (leg->state == MLAG_LEG_PENDING) {
			wanted = engine->now_ns - leg->since_ns < LEG_PENDING_LONG_NS
					 ? LEG_POLL_PENDING_NS
					 : LEG_POLL_LATER_NS;
		}
		poll = wanted < poll ? wanted : poll;
	}
	return poll;
}
