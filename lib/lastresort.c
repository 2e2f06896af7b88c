/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last resort (see lastresort.h).  Level-triggered: whatever changed, everything is decided
 * again from what is observed here and what the peer claims.  Called by engine.c.
 */
#include "lastresort.h"

#include <string.h>

#include "engine.h"

/* Why it is not active; also told to people. */
static const char off_text[] = "it is off in the configuration";
static const char present_text[] = "the default route is there";
static const char never_text[] = "there was no default route yet";
static const char carrier_text[] = "the peer link has no carrier";
static const char absent_text[] = "there is no peer";
static const char split_text[] = "the peer is not reached by the peer link";
static const char session_text[] = "the session with the peer is down";
static const char unheard_text[] = "the peer was not heard yet";
static const char peer_off_text[] = "the peer does not take part";
static const char peer_lost_text[] = "the peer has no way out of its own";
static const char no_hop_text[] = "no address of the peer is known in a VLAN of both";
static const char unacked_text[] = "the peer has not confirmed yet";
static const char active_text[] = "the default route is gone, and the peer has one";

static const uint8_t families[LASTRESORT_FAMILIES] = {4, 6};

/* The place of a family, LASTRESORT_FAMILIES for another one. */
static uint32_t find(uint8_t family)
{
	uint32_t i = 0;

	while (i < LASTRESORT_FAMILIES && families[i] != family) {
		i++;
	}
	return i;
}

void lastresort_init(struct mlag_engine *engine)
{
	for (uint32_t i = 0; i < LASTRESORT_FAMILIES; i++) {
		struct mlag_last_resort *program = &engine->last_resorts[i].program;

		program->family = families[i];
		program->state = MLAG_LAST_RESORT_OFF;
		program->because = off_text;
	}
	engine->last_resort_dirty = true;
}

bool lastresort_concerns(const struct mlag_address_key *key)
{
	return key->kind == MLAG_ADDRESS_DEFAULT_ROUTE || key->kind == MLAG_ADDRESS_SVI_IP;
}

void lastresort_dirty(struct mlag_engine *engine)
{
	engine->last_resort_dirty = true;
}

/* ---- the rows ------------------------------------------------------------------------------- */

static void fill_key(uint8_t family, struct mlag_address_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	ret_key->kind = MLAG_ADDRESS_DEFAULT_ROUTE;
	ret_key->family = family;
}

/* A peer that does not know these rows would take them for malformed ones. */
static bool may_claim(const struct mlag_engine *engine)
{
	return engine->config.last_resort && engine->peer_known &&
	       (engine->peer.features & WIRE_FEATURE_LAST_RESORT) != 0;
}

static void claim(struct mlag_engine *engine, struct table_row *row, uint32_t way_out)
{
	struct address_value value;

	memset(&value, 0, sizeof(value));
	value.way_out = way_out;
	if (!table_row_is_own(row) ||
	    memcmp(table_own(&engine->addresses, row), &value, sizeof(value)) != 0) {
		table_claim(&engine->addresses, row, row->own_seq + 1, &value);
	}
}

/* Is a next hop an address of the peer's, in a VLAN of the bridge or in the routing domain? */
static bool is_peers(const struct mlag_engine *engine, const struct mlag_hop *hop)
{
	struct mlag_address_key key;
	const struct table_row *row;

	if (engine->peer_link.ifindex != 0 && (hop->ifindex == engine->peer_link.ifindex ||
					       hop->lower_ifindex == engine->peer_link.ifindex)) {
		return true;
	}
	if (hop->family == 0) {
		return false;
	}
	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_IP;
	key.family = hop->family;
	memcpy(key.octets, hop->octets, sizeof(key.octets));
	row = table_find(&engine->addresses, &key);
	if (row != NULL && table_row_is_peer(row)) {
		return true;
	}
	key.kind = MLAG_ADDRESS_LINK_LOCAL;
	for (uint16_t vlan = 0; vlan < MLAG_VLANS_MAX; vlan++) {
		if (engine->svis[vlan].ifindex != hop->ifindex) {
			continue;
		}
		key.vlan = vlan;
		row = table_find(&engine->addresses, &key);
		if (row != NULL && table_row_is_peer(row)) {
			return true;
		}
	}
	return false;
}

static bool is_usable(const struct mlag_default_route *route)
{
	for (uint32_t i = 0; route->present && !route->reject && i < route->hops_count; i++) {
		if (route->hops[i].usable) {
			return true;
		}
	}
	return false;
}

/* One next hop that does not lead to the peer is a way out. */
static bool has_way_out(const struct mlag_engine *engine, const struct mlag_default_route *route)
{
	for (uint32_t i = 0; route->present && !route->reject && i < route->hops_count; i++) {
		if (route->hops[i].usable && !is_peers(engine, &route->hops[i])) {
			return true;
		}
	}
	return false;
}

static void refresh_claims(struct mlag_engine *engine)
{
	bool allowed = may_claim(engine);
	struct mlag_address_key key;
	struct table_row *row;
	uint32_t cursor = 0;

	if (!allowed && !engine->last_resort_claimed) {
		return; /* off: it costs nothing */
	}
	engine->last_resort_claimed = allowed;
	for (uint32_t i = 0; i < LASTRESORT_FAMILIES; i++) {
		fill_key(families[i], &key);
		row = allowed ? table_add(&engine->addresses, &key)
			      : table_find(&engine->addresses, &key);
		if (row != NULL && allowed) {
			claim(engine, row,
			      has_way_out(engine, &engine->last_resorts[i].seen)
				      ? LASTRESORT_WAY_OUT
				      : 0);
		} else if (row != NULL) {
			table_withdraw(&engine->addresses, row);
			table_settle(&engine->addresses, row);
		}
	}
	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		const struct mlag_address_key *row_key = table_key(&engine->addresses, row);
		const struct address_local *local = table_local(&engine->addresses, row);

		if (row_key->kind != MLAG_ADDRESS_SVI_IP) {
			continue;
		}
		if (allowed && local->present) {
			claim(engine, row, 0);
		} else {
			table_withdraw(&engine->addresses, row);
			table_settle(&engine->addresses, row);
		}
	}
}

void lastresort_session_start(struct mlag_engine *engine)
{
	refresh_claims(engine);
	engine->last_resort_dirty = true;
}

/* ---- the next hop --------------------------------------------------------------------------- */

/* VLANs where both members have an SVI in the default routing domain, and PL leads there. */
static void find_vlans(const struct mlag_engine *engine, struct mlag_vlans *ret_vlans)
{
	struct mlag_vlans peers;
	struct table_row *row;
	uint32_t cursor = 0;

	memset(ret_vlans, 0, sizeof(*ret_vlans));
	memset(&peers, 0, sizeof(peers));
	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		const struct mlag_address_key *key = table_key(&engine->addresses, row);

		if (key->kind != MLAG_ADDRESS_ROUTER_MAC) {
			continue;
		}
		if (table_row_is_peer(row) && !table_row_is_own(row) &&
		    ((const struct address_value *)table_peer(&engine->addresses, row))->domain ==
			    0) {
			mlag_vlans_add(&peers, key->vlan);
		}
		if (table_row_is_own(row) && engine->svis[key->vlan].ifindex != 0 &&
		    ((const struct address_value *)table_own(&engine->addresses, row))->domain ==
			    0 &&
		    mlag_vlans_has(&engine->peer_link.vlans, key->vlan)) {
			mlag_vlans_add(ret_vlans, key->vlan);
		}
	}
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		ret_vlans->words[i] &= peers.words[i];
	}
}

static bool is_before(const struct mlag_address_key *a, const struct mlag_address_key *b)
{
	return a->vlan != b->vlan ? a->vlan < b->vlan
				  : memcmp(a->octets, b->octets, sizeof(a->octets)) < 0;
}

/* An address of the peer's on an SVI of both: the first by VLAN, then by address. */
static bool find_hop(const struct mlag_engine *engine, struct mlag_last_resort *program)
{
	enum mlag_address_kind kind = program->family == 4 ? MLAG_ADDRESS_SVI_IP
							   : MLAG_ADDRESS_LINK_LOCAL;
	const struct mlag_address_key *best = NULL;
	struct mlag_vlans vlans;
	struct table_row *row;
	uint32_t cursor = 0;

	find_vlans(engine, &vlans);
	while ((row = table_next(&engine->addresses, &cursor)) != NULL) {
		const struct mlag_address_key *key = table_key(&engine->addresses, row);
		const struct address_local *local = table_local(&engine->addresses, row);

		if (key->kind == kind && key->family == program->family && key->domain == 0 &&
		    table_row_is_peer(row) && !table_row_is_own(row) && !local->present &&
		    mlag_vlans_has(&vlans, key->vlan) && (best == NULL || is_before(key, best))) {
			best = key;
		}
	}
	if (best == NULL) {
		return false;
	}
	program->vlan = best->vlan;
	program->ifindex = engine->svis[best->vlan].ifindex;
	memcpy(program->octets, best->octets, sizeof(program->octets));
	return true;
}

/* ---- deciding ------------------------------------------------------------------------------- */

/* The peer is there by the peer link, or may come back to what it was: silence proves nothing. */
static bool peer_may_return(const struct mlag_engine *engine)
{
	switch (engine->verdict) {
	case MLAG_VERDICT_STARTING:
	case MLAG_VERDICT_PEERED:
	case MLAG_VERDICT_RESYNC:
		return !engine->peer_left;
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_SPLIT:
	case MLAG_VERDICT_ALONE:
	case MLAG_VERDICT_ALONE_UNSURE:
		break;
	}
	return false;
}

/* While nothing new is heard of the peer, what was decided stays; the SVI must be there. */
static const char *hold(const struct mlag_engine *engine, struct lastresort *resort,
			struct mlag_last_resort *program)
{
	uint32_t ifindex = engine->svis[program->vlan].ifindex;

	if (resort->adopting) {
		return unheard_text;
	}
	if (program->state != MLAG_LAST_RESORT_ACTIVE || ifindex == 0) {
		return session_text;
	}
	program->ifindex = ifindex;
	return NULL;
}

/*
 * What the peer says, and whether it knows that we have no way out.  Who is active already need not
 * ask again: the peer would, before it becomes active, and we would hear from it that it has no way
 * out before it hears that we know.
 */
static const char *ask_peer(const struct mlag_engine *engine, const struct lastresort *resort,
			    struct mlag_last_resort *program)
{
	bool active = resort->adopting || program->state == MLAG_LAST_RESORT_ACTIVE;
	struct mlag_address_key key;
	const struct table_row *row;

	fill_key(program->family, &key);
	row = table_find(&engine->addresses, &key);
	if (row == NULL || !table_row_is_peer(row)) {
		return peer_off_text;
	}
	if (((const struct address_value *)table_peer(&engine->addresses, row))->way_out !=
	    LASTRESORT_WAY_OUT) {
		return peer_lost_text;
	}
	if (!find_hop(engine, program)) {
		return no_hop_text;
	}
	return active || table_row_is_acked(&engine->addresses, row) ? NULL : unacked_text;
}

/* NULL: it is to be active.  Otherwise why not. */
static const char *find_obstacle(const struct mlag_engine *engine, struct lastresort *resort,
				 struct mlag_last_resort *program)
{
	if (resort->seen.present) {
		return present_text;
	}
	if (!resort->had) {
		return never_text;
	}
	if (engine->peer_link.ifindex == 0 || !engine->peer_link.carrier) {
		return resort->adopting && engine->peer_link.ifindex == 0 ? unheard_text
									  : carrier_text;
	}
	if (!peer_may_return(engine)) {
		return engine->verdict == MLAG_VERDICT_SPLIT ? split_text : absent_text;
	}
	return engine->session == MLAG_SESSION_UP && engine->addresses.peer_complete
		       ? ask_peer(engine, resort, program)
		       : hold(engine, resort, program);
}

static void say(struct mlag_engine *engine, const struct mlag_last_resort *old,
		const struct mlag_last_resort *now)
{
	static const char *const texts[LASTRESORT_FAMILIES][4] = {
		{"none", "IPv4 off", "IPv4 ready", "IPv4 active"},
		{"none", "IPv6 off", "IPv6 ready", "IPv6 active"},
	};
	uint32_t family = now->family == 6;

	if (old->state != now->state) {
		engine_notice(engine, MLAG_NOTICE_LAST_RESORT, 0, texts[family][old->state],
			      texts[family][now->state], now->because);
	}
}

static void decide(struct mlag_engine *engine, struct lastresort *resort)
{
	struct mlag_last_resort program = resort->program;
	const char *obstacle;

	if (!engine->config.last_resort) {
		resort->had = false;
		resort->adopting = false;
		obstacle = off_text;
	} else {
		resort->had = resort->had || is_usable(&resort->seen);
		obstacle = find_obstacle(engine, resort, &program);
	}
	/* What an earlier daemon left is ours to keep or to remove, once this is more than a guess. */
	resort->adopting = resort->adopting && obstacle == unheard_text;
	program.armed = resort->had;
	program.keep = resort->adopting;
	program.because = obstacle != NULL ? obstacle : active_text;
	program.state = obstacle == NULL	      ? MLAG_LAST_RESORT_ACTIVE
			: !engine->config.last_resort ? MLAG_LAST_RESORT_OFF
						      : MLAG_LAST_RESORT_READY;
	if (program.state != MLAG_LAST_RESORT_ACTIVE) {
		program.vlan = 0;
		program.ifindex = 0;
		memset(program.octets, 0, sizeof(program.octets));
	}
	if (memcmp(&program, &resort->program, sizeof(program)) != 0) {
		say(engine, &resort->program, &program);
		resort->program = program;
		engine->last_resort_serial++;
	}
}

void lastresort_observe(struct mlag_engine *engine, const struct mlag_default_route *route)
{
	uint32_t place = find(route->family);
	struct lastresort *resort;

	if (place == LASTRESORT_FAMILIES || route->domain != 0 ||
	    route->hops_count > MLAG_HOPS_MAX) {
		engine->ignored_count++;
		return;
	}
	resort = &engine->last_resorts[place];
	resort->seen = *route;
	if (route->adopted && engine->config.last_resort) {
		resort->had = true;
		resort->adopting = true;
	}
	engine->last_resort_dirty = true;
}

void lastresort_refresh(struct mlag_engine *engine)
{
	if (!engine->last_resort_dirty && engine->verdict == engine->last_resort_verdict) {
		return;
	}
	engine->last_resort_dirty = false;
	engine->last_resort_verdict = engine->verdict;
	refresh_claims(engine);
	for (uint32_t i = 0; i < LASTRESORT_FAMILIES; i++) {
		decide(engine, &engine->last_resorts[i]);
	}
}

/* ---- what is to be done --------------------------------------------------------------------- */

uint64_t mlag_last_resort_serial(const struct mlag_engine *engine)
{
	return engine->last_resort_serial;
}

bool mlag_get_last_resort(const struct mlag_engine *engine, uint32_t index,
			  struct mlag_last_resort *ret_last_resort)
{
	if (index >= LASTRESORT_FAMILIES) {
		return false;
	}
	*ret_last_resort = engine->last_resorts[index].program;
	return true;
}

bool mlag_last_resort_differs(const struct mlag_engine *engine)
{
	struct mlag_address_key key;
	const struct table_row *row;

	fill_key(4, &key);
	row = table_find(&engine->addresses, &key);
	return engine->config.last_resort && engine->session == MLAG_SESSION_UP &&
	       engine->addresses.peer_complete && (row == NULL || !table_row_is_peer(row));
}
