/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the exhaustive checker varies: everything that a forwarding decision of either member reads,
 * reduced to the cases that differ.  Two members, two LAGs, an orphan on each member, one VLAN of
 * hosts and one of routed destinations, the peer link.
 *
 * A state is allowed when it keeps the assumptions ASSUME-1 to ASSUME-4 of model.c, which are what
 * the engine promises about the order of its writes; the simulator holds the engine to them.
 */
#ifndef MLAG_TESTS_CHECKER_MODEL_H
#define MLAG_TESTS_CHECKER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "forward.h"

#define MEMBERS 2
#define LAGS 2
#define HOSTS 4 /* one on each LAG, then the orphan of each member */

#define PORT_PEER_LINK 1
#define PORT_SVI 2
#define PORT_LEG(lag) (10 + (lag))
#define PORT_ORPHAN 20

#define VLAN 10

/* What one leg is, as far as a frame can tell. */
#define PHASES(X)                                                                   \
	X(PHASE_NO_LINK, "no link")                                                 \
	X(PHASE_CLOSED, "gate closed")		 /* pending, or its partner left */ \
	X(PHASE_UNICAST, "gate open to unicast") /* ready, not acknowledged */      \
	X(PHASE_OPENING, "gate open, port not flooded to")                          \
	X(PHASE_OPEN, "open")                                                       \
	X(PHASE_HELD, "open, this VLAN held") /* the VLAN came to an open leg */    \
	X(PHASE_CLOSED_FLOODED, "gate closed, flood flags on")                      \
	X(PHASE_UNICAST_FLOODED, "gate open to unicast, flood flags on")
#define PHASE_VALUE(symbol, text) symbol,
enum phase { PHASES(PHASE_VALUE) PHASES_COUNT };
extern const char *const phase_text[PHASES_COUNT];

struct leg_state {
	enum phase phase;
	bool isolated; /* R1 in force here */
};

/* Both legs of a LAG. */
struct lag_state {
	struct leg_state legs[MEMBERS];
};

#define LAG_STATES_MAX (4 * PHASES_COUNT * PHASES_COUNT)

/** model_lag_states() - all allowed states of one LAG */
uint32_t model_lag_states(struct lag_state *ret_states);

/* What the map of known MACs of a member says of the source. */
#define SOURCES(X)                                         \
	X(SOURCE_UNKNOWN, "not known")                     \
	X(SOURCE_OURS, "known here")                       \
	X(SOURCE_SHARED, "known here, and the peer knows") \
	X(SOURCE_STALE, "known elsewhere")                 \
	X(SOURCE_STALE_SHARED, "known elsewhere by the peer too")
#define SOURCE_VALUE(symbol, text) symbol,
enum source { SOURCES(SOURCE_VALUE) SOURCES_COUNT };
extern const char *const source_text[SOURCES_COUNT];

/* Where a member's FDB has a unicast destination. */
#define PLACES(X)                    \
	X(PLACE_NONE, "unknown")     \
	X(PLACE_LAG_1, "at LAG 1")   \
	X(PLACE_LAG_2, "at LAG 2")   \
	X(PLACE_ORPHAN, "an orphan") \
	X(PLACE_PEER_LINK, "over PL")
#define PLACE_VALUE(symbol, text) symbol,
enum place { PLACES(PLACE_VALUE) PLACES_COUNT };
extern const char *const place_text[PLACES_COUNT];

/* What routing on a member says of a third party. */
#define ROUTES(X)                  \
	X(ROUTE_NONE, "no route")  \
	X(ROUTE_DIRECT, "a route") \
	X(ROUTE_PEER, "a route by the peer")
#define ROUTE_VALUE(symbol, text) symbol,
enum route { ROUTES(ROUTE_VALUE) ROUTES_COUNT };
extern const char *const route_text[ROUTES_COUNT];

struct state {
	struct lag_state lags[LAGS];
	bool passes[MEMBERS];	/* what this member sends over PL arrives */
	bool peer_link_missing; /* the device is gone on both */
	bool peer_link_hairpin; /* somebody set the bridge port so */
	/* bridging */
	enum source source[MEMBERS];
	enum place place[MEMBERS];
	bool place_shared[MEMBERS]; /* the map says that the peer knows the destination */
	/* routing; what the first member alone decides is of the first */
	bool no_svi; /* it has no address in the VLAN */
	bool route_for_peer[MEMBERS];
	bool sticky[MEMBERS]; /* the peer's router MAC has its entry on PL */
	enum route route[MEMBERS];
};

/**
 * model_is_flooded() - the port's flood flags are on although its gate is not open
 *
 * Somebody changed them, or they are about to change.  Broadcast and multicast are still stopped by
 * the gate.
 */
static inline bool model_is_flooded(enum phase phase)
{
	return phase == PHASE_CLOSED_FLOODED || phase == PHASE_UNICAST_FLOODED;
}

static inline bool model_is_closed(enum phase phase)
{
	return phase == PHASE_CLOSED || phase == PHASE_CLOSED_FLOODED;
}

/** model_is_quiet() - both legs are open */
static inline bool model_is_quiet(const struct lag_state *lag)
{
	return lag->legs[0].phase == PHASE_OPEN && lag->legs[1].phase == PHASE_OPEN;
}

/** model_has_flooded() - a leg has wrong flood flags */
static inline bool model_has_flooded(const struct lag_state *lag)
{
	return model_is_flooded(lag->legs[0].phase) || model_is_flooded(lag->legs[1].phase);
}

/** model_source_allowed() - ASSUME-2 */
bool model_source_allowed(const enum source source[MEMBERS]);

/** model_place_allowed() - ASSUME-3 */
bool model_place_allowed(const struct state *state);

/** model_port() - what the programs' map of ports holds for a leg */
const struct mlag_port *model_port(uint32_t lag, const struct leg_state *leg);

/** model_fresh() - every member's belief about the other's legs is the truth */
bool model_fresh(const struct lag_state *lag);

/** model_settled() - nothing is on its way: every leg is open, or out of use */
bool model_settled(const struct lag_state *lag);

/** model_may_leave() - unicast goes out by this leg */
static inline bool model_may_leave(const struct leg_state *leg)
{
	return leg->phase != PHASE_NO_LINK && !model_is_closed(leg->phase);
}

/** model_oddity() - how far a state is from a quiet pair; the plainest failure is shown */
uint32_t model_oddity(const struct state *state);

#endif
