/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge (see promises.h).  Safety holds in every state; delivery is demanded wherever nothing
 * stands in its way: both directions of PL, tables that are right, belief that is fresh.
 */
#include "promises.h"

static bool is_leg(uint32_t port, uint32_t lag)
{
	return port == (uint32_t)PORT_LEG(lag);
}

/* The leg by which a frame came, NULL for another port. */
static const struct leg_state *ingress_leg(const struct state *state, uint32_t member,
					   uint32_t port)
{
	for (uint32_t lag = 0; lag < LAGS; lag++) {
		if (is_leg(port, lag)) {
			return &state->lags[lag].legs[member];
		}
	}
	return NULL;
}

/* May what came by this port go over PL whatever the maps say? */
static bool is_unrestricted(const struct state *state, uint32_t member, uint32_t port)
{
	const struct leg_state *leg = ingress_leg(state, member, port);

	return leg == NULL || leg->phase == PHASE_OPENING || leg->phase == PHASE_OPEN;
}

static const char *check_safety(const struct outcome *outcome)
{
	if (outcome->leaked) {
		return "SAFE-4: a gate lets through what it should not";
	}
	if (outcome->lost_way) {
		return "R5: sent to no device";
	}
	if (outcome->returned) {
		return "SAFE-1: it came back to its sender";
	}
	for (uint32_t member = 0; member < MEMBERS; member++) {
		for (uint32_t generation = 0; generation < GENERATIONS_MAX; generation++) {
			if (outcome->crossings[member][generation] > 1) {
				return "SAFE-3: it was twice on the peer link in one direction";
			}
		}
	}
	return outcome->loops ? "SAFE-1: it loops" : NULL;
}

static bool is_doubled(const struct outcome *outcome)
{
	for (uint32_t host = 0; host < HOSTS; host++) {
		if (outcome->copies[host] > 1) {
			return true;
		}
	}
	return false;
}

/*
 * The known limit: unknown unicast looks like known unicast at a port whose gate is not open.  What
 * tells them apart is the port's flood flag, which somebody may have changed (mlagd puts it right).
 */
static bool is_unknown_and_flooded(const struct state *state, const struct frame *frame)
{
	bool unknown = frame->destination <= TO_GHOST &&
		       (state->place[0] == PLACE_NONE || state->place[1] == PLACE_NONE);

	for (uint32_t lag = 0; unknown && lag < LAGS; lag++) {
		for (uint32_t member = 0; member < MEMBERS; member++) {
			enum phase phase = state->lags[lag].legs[member].phase;

			if (model_is_flooded(phase)) {
				return true;
			}
		}
	}
	return false;
}

static enum place place_of(uint32_t host, uint32_t member)
{
	if (host < LAGS) {
		return host == 0 ? PLACE_LAG_1 : PLACE_LAG_2;
	}
	return host == LAGS + member ? PLACE_ORPHAN : PLACE_PEER_LINK;
}

static bool is_at_right_place(const struct state *state, uint32_t host)
{
	return state->place[0] == place_of(host, 0) && state->place[1] == place_of(host, 1);
}

static bool is_not_misplaced(const struct state *state, uint32_t host)
{
	for (uint32_t member = 0; member < MEMBERS; member++) {
		if (state->place[member] != PLACE_NONE &&
		    state->place[member] != place_of(host, member)) {
			return false;
		}
	}
	return true;
}

static bool passes_both_ways(const struct state *state)
{
	return state->passes[0] && state->passes[1];
}

/* Neither member believes the sender to be where it was before. */
static bool is_source_right(const struct state *state)
{
	return state->source[0] <= SOURCE_SHARED && state->source[1] <= SOURCE_SHARED;
}

static bool is_settled(const struct state *state)
{
	return passes_both_ways(state) && !state->peer_link_hairpin &&
	       model_settled(&state->lags[0]) && model_settled(&state->lags[1]);
}

/* A leg by which unicast reaches the host. */
static bool is_served(const struct state *state, uint32_t host)
{
	return host >= LAGS || model_may_leave(&state->lags[host].legs[0]) ||
	       model_may_leave(&state->lags[host].legs[1]);
}

static const char *check_flood(const struct state *state, const struct frame *frame,
			       const struct outcome *outcome)
{
	for (uint32_t host = 0; host < HOSTS; host++) {
		bool due = host != frame->source && is_served(state, host) &&
			   (frame->destination == TO_EVERYBODY || frame->destination == host);

		if (due && outcome->copies[host] != 1) {
			return "LIVE-6: nothing is on its way, and yet somebody misses it";
		}
	}
	return NULL;
}

static const char *check_known(const struct state *state, uint32_t member,
			       const struct frame *frame, const struct outcome *outcome)
{
	uint32_t host = frame->destination;

	if (!is_served(state, host)) {
		return NULL;
	}
	if (outcome->copies[host] != 1) {
		return "LIVE-7: known unicast does not arrive";
	}
	if (host < LAGS && model_may_leave(&state->lags[host].legs[member]) &&
	    outcome->crossings[member][0] > 0) {
		return "R6: a detour, with a leg at hand";
	}
	return NULL;
}

/* R10: control frames of our own leave whatever the gate is, those of others stay where they are. */
static const char *check_reserved(const struct state *state, uint32_t member, uint32_t port,
				  const struct outcome *outcome)
{
	for (uint32_t host = 0; host < HOSTS; host++) {
		bool here = host < LAGS ? state->lags[host].legs[member].phase != PHASE_NO_LINK
					: host == LAGS + member;

		if (outcome->copies[host] != (port == PORT_SVI && here)) {
			return "R10: a control frame is where it should not be, or is not";
		}
	}
	return outcome->crossings[member][0] == (port == PORT_SVI && !state->peer_link_missing)
		       ? NULL
		       : "R10: a control frame of another crosses, or ours does not";
}

const char *promise_bridged(const struct state *state, uint32_t member, uint32_t port,
			    const struct frame *frame, const struct outcome *outcome,
			    bool *ret_limit)
{
	const char *wrong = check_safety(outcome);
	uint32_t host = frame->destination;
	bool unrestricted = is_unrestricted(state, member, port);

	if (wrong == NULL && is_doubled(outcome)) {
		wrong = "SAFE-2: somebody got it twice";
	}
	if (wrong != NULL) {
		*ret_limit = is_unknown_and_flooded(state, frame) && !outcome->loops &&
			     !outcome->leaked && !outcome->lost_way;
		return *ret_limit ? NULL : wrong;
	}
	if (host == TO_RESERVED) {
		return check_reserved(state, member, port, outcome);
	}
	if (!is_source_right(state)) {
		return NULL;
	}
	if (is_settled(state) && unrestricted &&
	    (host == TO_EVERYBODY || (host < HOSTS && is_not_misplaced(state, host)))) {
		wrong = check_flood(state, frame, outcome);
	}
	if (wrong == NULL && host < HOSTS && is_at_right_place(state, host) &&
	    passes_both_ways(state) && (host >= LAGS || model_fresh(&state->lags[host])) &&
	    (unrestricted || state->place_shared[member] ||
	     state->source[member] == SOURCE_SHARED)) {
		wrong = check_known(state, member, frame, outcome);
	}
	return wrong;
}

static uint32_t answers_of(const struct outcome *outcome)
{
	return outcome->answered[0] + outcome->answered[1];
}

/* Router MAC of the other member: what the pair exists for. */
static bool is_for_peers_mac(const struct frame *frame)
{
	return frame->destination == TO_ROUTER_2;
}

static const char *check_routed_safety(const struct state *state, const struct frame *frame,
				       const struct outcome *outcome)
{
	uint32_t reached = outcome->reached[0] + outcome->reached[1];
	uint32_t copies = outcome->delivered[frame->third];
	bool third = frame->cargo == CARGO_THIRD;
	bool decided = !is_for_peers_mac(frame) || (state->route_for_peer[0] && !state->no_svi);

	if (reached + answers_of(outcome) + (third ? copies : 0) > 1) {
		return "SAFE-2: it was taken, answered or delivered more than once";
	}
	if ((frame->cargo == CARGO_MEMBER_1 && outcome->reached[1] > 0) ||
	    (frame->cargo == CARGO_MEMBER_2 && outcome->reached[0] > 0) || (third && reached > 0)) {
		return "SAFE-12: somebody took what is not his";
	}
	if ((frame->cargo == CARGO_OTHER || frame->cargo == CARGO_LINK_LOCAL) &&
	    frame->destination != TO_SHARED &&
	    outcome->reached[is_for_peers_mac(frame) ? 0 : 1] > 0) {
		return "SAFE-12: somebody took what is not his";
	}
	if (third && copies > 0 &&
	    (outcome->ttl[frame->third] == 0 ||
	     outcome->ttl[frame->third] + outcome->routed[0] + outcome->routed[1] != frame->ttl ||
	     outcome->routed[0] + outcome->routed[1] == 0)) {
		return "SAFE-13: its TTL is wrong";
	}
	if (third && frame->ttl == 0 && (copies > 0 || (decided && answers_of(outcome) > 0))) {
		return "R24: TTL 0 is dropped";
	}
	if (frame->cargo == CARGO_MALFORMED && outcome->dropped != 1) {
		return "R24: what is malformed goes nowhere, and is counted";
	}
	return NULL;
}

/* Frames for a member itself: R20, R22, R23. */
static const char *check_own(const struct state *state, const struct frame *frame,
			     const struct outcome *outcome, bool way_to_peer)
{
	bool link_only = frame->cargo == CARGO_OTHER || frame->cargo == CARGO_LINK_LOCAL;

	if (frame->cargo == CARGO_MEMBER_2 || (link_only && is_for_peers_mac(frame))) {
		if (!is_for_peers_mac(frame) || !way_to_peer) {
			return NULL; /* our own MAC: ordinary routing to the peer */
		}
		return outcome->reached[1] == 1 && outcome->reached_ttl[1] == frame->ttl
			       ? NULL
			       : "R22: what is for the peer does not reach it untouched";
	}
	if (is_for_peers_mac(frame) && (!state->route_for_peer[0] || state->no_svi)) {
		return NULL;
	}
	return outcome->reached[0] == 1 && outcome->reached_ttl[0] == frame->ttl
		       ? NULL
		       : "R20: what is for this member does not reach it";
}

/* Unicast to the third party would arrive from this member. */
static bool delivers(const struct state *state, uint32_t member, uint32_t host)
{
	if (host >= LAGS) {
		return host == LAGS + member || state->passes[member];
	}
	return passes_both_ways(state) && model_fresh(&state->lags[host]) && is_served(state, host);
}

static const char *check_third(const struct state *state, const struct frame *frame,
			       const struct outcome *outcome, bool way_to_peer)
{
	bool here = !is_for_peers_mac(frame) || (state->route_for_peer[0] && !state->no_svi);
	uint32_t copies = outcome->delivered[frame->third];

	if (here && frame->ttl == 1 && state->route[0] != ROUTE_NONE) {
		return outcome->answered[0] == 1 ? NULL : "R24: no time exceeded from here";
	}
	if (frame->ttl < TTL_MANY) {
		return NULL;
	}
	if (here && state->route[0] == ROUTE_DIRECT && delivers(state, 0, frame->third)) {
		if (copies != 1 || outcome->ttl[frame->third] != frame->ttl - 1) {
			return "R21: it is not routed where it arrives";
		}
		if (frame->third < LAGS && model_may_leave(&state->lags[frame->third].legs[0]) &&
		    (outcome->crossings[0][0] > 0 || outcome->crossings[0][1] > 0)) {
			return "R21: a detour over the peer link";
		}
	}
	if (!is_for_peers_mac(frame)) {
		return state->route[0] != ROUTE_NONE || outcome->answered[0] == 1
			       ? NULL
			       : "R24: no route, and no answer";
	}
	if ((!here || state->route[0] == ROUTE_NONE) && way_to_peer) {
		if (state->route[1] == ROUTE_DIRECT && delivers(state, 1, frame->third) &&
		    (copies != 1 || outcome->ttl[frame->third] != frame->ttl - 1)) {
			return "R25: no route here, and the peer does not get it";
		}
		if (state->route[1] == ROUTE_NONE && answers_of(outcome) != 1) {
			return "R25: nobody has a route, and the sender is not told once";
		}
	}
	return NULL;
}

const char *promise_routed(const struct state *state, uint32_t port, const struct frame *frame,
			   const struct outcome *outcome)
{
	const char *wrong = check_safety(outcome);
	bool way_to_peer = state->passes[0] &&
			   (is_unrestricted(state, 0, port) || state->source[0] == SOURCE_SHARED);

	if (wrong == NULL) {
		wrong = check_routed_safety(state, frame, outcome);
	}
	if (wrong != NULL || frame->cargo == CARGO_MALFORMED) {
		return wrong;
	}
	return frame->cargo == CARGO_THIRD ? check_third(state, frame, outcome, way_to_peer)
					   : check_own(state, frame, outcome, way_to_peer);
}
