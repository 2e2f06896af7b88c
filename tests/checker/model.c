/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a pair (see model.h), and what is assumed of them:
 *
 * ASSUME-1 A member floods by a leg only while the other has R1 in force for its LAG there, or has
 *	no link there (SAFE-4).  A VLAN that came to an open leg is held until then.
 * ASSUME-2 A member's map says that the peer knows where a MAC is only while the peer's map has it
 *	at the same place.
 * ASSUME-3 It says so of a destination only while both FDBs lead there.
 * ASSUME-4 The map has a destination at a LAG only while the member's own FDB leads there.
 *
 * Nothing else is assumed: tables may be stale, PL may pass one way only, each member's belief may
 * be old.
 */
#include "model.h"

#include <string.h>

#define TEXT(symbol, text) text,
const char *const phase_text[PHASES_COUNT] = {PHASES(TEXT)};
const char *const source_text[SOURCES_COUNT] = {SOURCES(TEXT)};
const char *const place_text[PLACES_COUNT] = {PLACES(TEXT)};
const char *const route_text[ROUTES_COUNT] = {ROUTES(TEXT)};

static bool floods(const struct leg_state *leg)
{
	return leg->phase == PHASE_OPENING || leg->phase == PHASE_OPEN;
}

/* ASSUME-1 for the leg of one member. */
static bool is_covered(const struct lag_state *lag, uint32_t member)
{
	const struct leg_state *other = &lag->legs[1 - member];

	return !floods(&lag->legs[member]) || other->isolated || other->phase == PHASE_NO_LINK;
}

/* Without a link nothing leaves, so R1 makes no difference there. */
static bool is_distinct(const struct leg_state *leg)
{
	return leg->phase != PHASE_NO_LINK || leg->isolated;
}

uint32_t model_lag_states(struct lag_state *ret_states)
{
	struct leg_state legs[2 * PHASES_COUNT];
	uint32_t legs_count = 0;
	uint32_t count = 0;

	for (uint32_t phase = 0; phase < PHASES_COUNT; phase++) {
		for (uint32_t isolated = 0; isolated < 2; isolated++) {
			struct leg_state leg = {(enum phase)phase, isolated != 0};

			if (is_distinct(&leg)) {
				legs[legs_count++] = leg;
			}
		}
	}
	for (uint32_t i = 0; i < legs_count * legs_count; i++) {
		struct lag_state lag = {{legs[i % legs_count], legs[i / legs_count]}};

		if (is_covered(&lag, 0) && is_covered(&lag, 1)) {
			ret_states[count++] = lag;
		}
	}
	return count;
}

bool model_source_allowed(const enum source source[MEMBERS])
{
	for (uint32_t member = 0; member < MEMBERS; member++) {
		enum source other = source[1 - member];

		if (source[member] == SOURCE_SHARED && other != SOURCE_OURS &&
		    other != SOURCE_SHARED) {
			return false;
		}
		if (source[member] == SOURCE_STALE_SHARED && other != SOURCE_STALE &&
		    other != SOURCE_STALE_SHARED) {
			return false;
		}
	}
	return true;
}

/* Where this entry leads, seen from the other member. */
static enum place seen_from_peer(enum place place)
{
	if (place == PLACE_ORPHAN) {
		return PLACE_PEER_LINK;
	}
	return place == PLACE_PEER_LINK ? PLACE_ORPHAN : place;
}

bool model_place_allowed(const struct state *state)
{
	bool agreed = state->place[0] != PLACE_NONE &&
		      state->place[1] == seen_from_peer(state->place[0]);

	return agreed || !(state->place_shared[0] || state->place_shared[1]);
}

static enum mlag_gate gate_of(enum phase phase)
{
	switch (phase) {
	case PHASE_NO_LINK:
	case PHASE_CLOSED:
	case PHASE_CLOSED_FLOODED:
		break;
	case PHASE_UNICAST:
	case PHASE_UNICAST_FLOODED:
		return MLAG_GATE_UNICAST;
	case PHASE_OPENING:
	case PHASE_OPEN:
	case PHASE_HELD:
		return MLAG_GATE_OPEN;
	case PHASES_COUNT:
		break;
	}
	return MLAG_GATE_CLOSED;
}

const struct mlag_port *model_port(uint32_t lag, const struct leg_state *leg)
{
	static struct mlag_port ports[LAGS][PHASES_COUNT][2];
	struct mlag_port *port = &ports[lag][leg->phase][leg->isolated];

	if (port->kind == MLAG_PORT_NONE) {
		port->kind = MLAG_PORT_LEG;
		port->gate = (uint8_t)gate_of(leg->phase);
		port->lag_id = (uint16_t)(lag + 1);
		memset(port->isolated, leg->isolated ? 0xff : 0, sizeof(port->isolated));
		memset(port->held, leg->phase == PHASE_HELD ? 0xff : 0, sizeof(port->held));
	}
	return port;
}

bool model_fresh(const struct lag_state *lag)
{
	for (uint32_t member = 0; member < MEMBERS; member++) {
		const struct leg_state *leg = &lag->legs[member];

		if (leg->phase != PHASE_NO_LINK &&
		    leg->isolated != model_may_leave(&lag->legs[1 - member])) {
			return false;
		}
	}
	return true;
}

bool model_settled(const struct lag_state *lag)
{
	for (uint32_t member = 0; member < MEMBERS; member++) {
		enum phase phase = lag->legs[member].phase;

		if (phase != PHASE_NO_LINK && phase != PHASE_CLOSED && phase != PHASE_OPEN) {
			return false;
		}
	}
	return model_fresh(lag);
}

uint32_t model_oddity(const struct state *state)
{
	uint32_t oddity = 0;

	for (uint32_t lag = 0; lag < LAGS; lag++) {
		oddity += model_fresh(&state->lags[lag]) ? 0 : 2;
		for (uint32_t member = 0; member < MEMBERS; member++) {
			const struct leg_state *leg = &state->lags[lag].legs[member];

			oddity += leg->phase == PHASE_OPEN	? 0
				  : leg->phase == PHASE_NO_LINK ? 1
								: 2;
		}
	}
	for (uint32_t member = 0; member < MEMBERS; member++) {
		oddity += state->passes[member] ? 0 : 2;
		oddity += (uint32_t)state->source[member] + (uint32_t)state->place[member];
		oddity += state->route_for_peer[member] ? 0 : 1;
		oddity += state->sticky[member] ? 0 : 1;
		oddity += state->route[member] == ROUTE_DIRECT ? 0 : 1;
	}
	return oddity;
}
