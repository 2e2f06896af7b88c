/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict, the role and what is held (see verdict.h).  Called by pair.c after every event.
 */
#include "verdict.h"

#include <string.h>

/**
 * struct cell - a conclusion for one state of affairs
 * @before, @timer: concluded until the timer has passed
 * @after: concluded then; without a timer at once
 */
struct cell {
	enum mlag_verdict before;
	enum verdict_timer timer;
	enum mlag_verdict after;
	const char *because;
	const char *next;
};

#define NOW(v, because, next)                                                          \
	{                                                                              \
		MLAG_VERDICT_NONE, VERDICT_TIMER_NONE, MLAG_VERDICT_##v, because, next \
	}
#define WAIT(b, t, v, because, next)                                                 \
	{                                                                            \
		MLAG_VERDICT_##b, VERDICT_TIMER_##t, MLAG_VERDICT_##v, because, next \
	}

/* What cannot be (a session with somebody who was never heard) freezes, which harms nobody. */
#define NEVER NOW(RESYNC, "what is known of the peer contradicts itself", "the next hello")

#define STARTING_NEXT "the peer is heard, or startup-wait passes"
#define HEARD_NEXT "the peer is heard"
#define FADING                                                                           \
	NOW(RESYNC, "nothing was heard that the peer said after the peer link was lost", \
	    "a hello by another path, or the dead time passes")
#define PART(because) NOW(SPLIT, because, "hellos are heard both ways on the peer link")
#define LEFT NOW(ALONE, "the peer said goodbye", "the peer starts again")
#define FENCED \
	NOW(ALONE, "the peer's guard says that its legs are down", "the peer's daemon starts")
#define HOLD(because)                                                                             \
	WAIT(RESYNC, HOLD, ALONE, because,                                                        \
	     "the peer is heard, or the longer restart-hold of both + 20 % passes, or its guard " \
	     "says that it is fenced, or the peer link loses carrier")

/* clang-format off */
static const struct cell cells[LIVENESS_LIVES_COUNT][LIVENESS_LINKS_COUNT][2] = {
	[LIVENESS_LIFE_NEVER] = {
		[LIVENESS_LINK_NO_CARRIER] = {
			WAIT(STARTING, STARTUP, ALONE_UNSURE,
			     "no peer was heard since the start, and the peer link has no carrier",
			     STARTING_NEXT),
			NEVER,
		},
		[LIVENESS_LINK_MUTE] = {
			WAIT(STARTING, STARTUP, ALONE, "no peer was heard since the start",
			     STARTING_NEXT),
			NEVER,
		},
		[LIVENESS_LINK_USABLE] = {NEVER, NEVER},
	},
	[LIVENESS_LIFE_LEFT] = {
		[LIVENESS_LINK_NO_CARRIER] = {LEFT, NEVER},
		[LIVENESS_LINK_MUTE] = {LEFT, NEVER},
		[LIVENESS_LINK_USABLE] = {NEVER, NEVER},
	},
	[LIVENESS_LIFE_FENCED] = {
		[LIVENESS_LINK_NO_CARRIER] = {FENCED, NEVER},
		[LIVENESS_LINK_MUTE] = {FENCED, NEVER},
		[LIVENESS_LINK_USABLE] = {NEVER, NEVER},
	},
	[LIVENESS_LIFE_SILENT_APART] = {
		[LIVENESS_LINK_NO_CARRIER] = {
			WAIT(RESYNC, DEAD, ALONE_UNSURE,
			     "the peer is silent and the peer link has no carrier; nothing proves "
			     "that it is dead", HEARD_NEXT),
			NEVER,
		},
		[LIVENESS_LINK_MUTE] = {
			HOLD("the peer is silent, and may forward behind the peer link"), NEVER,
		},
		[LIVENESS_LINK_USABLE] = {NEVER, NEVER},
	},
	[LIVENESS_LIFE_SILENT_TOGETHER] = {
		[LIVENESS_LINK_NO_CARRIER] = {
			WAIT(RESYNC, DEAD, ALONE,
			     "peer link and backup path fell silent at once: the peer is dead",
			     HEARD_NEXT),
			NEVER,
		},
		[LIVENESS_LINK_MUTE] = {
			HOLD("the peer is silent on both paths, and may forward behind the peer link"),
			NEVER,
		},
		[LIVENESS_LINK_USABLE] = {NEVER, NEVER},
	},
	[LIVENESS_LIFE_FADING] = {
		[LIVENESS_LINK_NO_CARRIER] = {FADING, FADING},
		[LIVENESS_LINK_MUTE] = {
			NOW(RESYNC, "the peer link has not proven yet that it passes hellos both ways",
			    "hellos are heard both ways on it, or the dead time passes"),
			NOW(RESYNC, "the peer link has not proven yet that it passes hellos both ways",
			    "hellos are heard both ways on it, or the dead time passes"),
		},
		[LIVENESS_LINK_USABLE] = {NEVER, NEVER},
	},
	[LIVENESS_LIFE_ALIVE] = {
		[LIVENESS_LINK_NO_CARRIER] = {
			PART("the peer link has no carrier, and the peer is alive"),
			PART("the peer link has no carrier, and the peer is alive"),
		},
		[LIVENESS_LINK_MUTE] = {
			PART("the peer link has carrier but does not pass hellos both ways, and the "
			     "peer is alive"),
			PART("the peer link has carrier but does not pass hellos both ways, and the "
			     "peer is alive"),
		},
		[LIVENESS_LINK_USABLE] = {
			NOW(RESYNC, "the peer is alive and the peer link usable, but there is no "
			    "session", "the session stands"),
			NOW(PEERED, "the peer link is usable and the session stands",
			    "the session or the peer link is lost"),
		},
	},
};
/* clang-format on */

/* What was never there is not lost: of two that boot, one has its backup path up before the peer link. */
static const struct cell awaited =
	WAIT(STARTING, STARTUP, RESYNC,
	     "the peer was heard, but the peer link was not usable yet since the start",
	     "hellos are heard both ways on the peer link, or startup-wait passes");

static bool awaits_link(const struct verdict_view *view)
{
	if (!view->link_awaited || view->link == LIVENESS_LINK_USABLE ||
	    view->left_ns[VERDICT_TIMER_STARTUP] == 0) {
		return false;
	}
	switch (view->life) {
	case LIVENESS_LIFE_NEVER: /* has a cell of its own, which says so */
	case LIVENESS_LIFE_LEFT:
	case LIVENESS_LIFE_FENCED:
	case LIVENESS_LIVES_COUNT:
		break;
	case LIVENESS_LIFE_SILENT_APART:
	case LIVENESS_LIFE_SILENT_TOGETHER:
	case LIVENESS_LIFE_FADING:
	case LIVENESS_LIFE_ALIVE:
		return true;
	}
	return false;
}

struct verdict verdict_decide(const struct verdict_view *view)
{
	const struct cell *cell =
		awaits_link(view) ? &awaited
				  : &cells[view->life][view->link][view->session_up ? 1 : 0];
	struct verdict verdict = {cell->after, UINT64_MAX, cell->because, cell->next};

	if (view->left_ns[cell->timer] > 0 && cell->timer != VERDICT_TIMER_NONE) {
		verdict.verdict = cell->before;
		verdict.wait_ns = view->left_ns[cell->timer];
	} else if (cell->timer != VERDICT_TIMER_NONE) {
		verdict.next = HEARD_NEXT;
	}
	return verdict;
}

bool verdict_is_first(const struct verdict_rank *own, const struct verdict_rank *peer)
{
	if (own->role_epoch != peer->role_epoch) {
		return own->role_epoch > peer->role_epoch;
	}
	if (own->priority != peer->priority) {
		return own->priority < peer->priority;
	}
	return memcmp(&own->member_id, &peer->member_id, sizeof(own->member_id)) < 0;
}

enum mlag_role verdict_role(const struct verdict_lead *lead, bool *ret_promoted)
{
	*ret_promoted = false;
	switch (lead->verdict) {
	case MLAG_VERDICT_ALONE:
		*ret_promoted = lead->role != MLAG_ROLE_PRIMARY;
		return MLAG_ROLE_PRIMARY;
	case MLAG_VERDICT_PEERED:
	case MLAG_VERDICT_RESYNC:
	case MLAG_VERDICT_SPLIT:
		if (lead->peer_heard) {
			return verdict_is_first(&lead->own, &lead->peer) ? MLAG_ROLE_PRIMARY
									 : MLAG_ROLE_SECONDARY;
		}
		break;
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_STARTING:
	case MLAG_VERDICT_ALONE_UNSURE:
		break;
	}
	return lead->role;
}

uint32_t verdict_next_epoch(uint32_t own, uint32_t peer)
{
	uint32_t higher = own > peer ? own : peer;

	return higher == UINT32_MAX ? higher : higher + 1;
}

/* A leg that has not served since the start waits for sync, but not for ever: somebody has to serve. */
static bool waits_for_sync(const struct verdict_leg *leg, bool served)
{
	if (!leg->unproven) {
		return false;
	}
	switch (leg->verdict) {
	case MLAG_VERDICT_STARTING:
		return true;
	case MLAG_VERDICT_PEERED:
	case MLAG_VERDICT_RESYNC:
		return !leg->startup_passed || served;
	case MLAG_VERDICT_SPLIT:
		/* There will be no sync while PL is down; the primary serves at once. */
		return leg->role != MLAG_ROLE_PRIMARY && (!leg->startup_passed || served);
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_ALONE:
	case MLAG_VERDICT_ALONE_UNSURE:
		break;
	}
	return false;
}

/* It gave way to the primary's leg. */
static bool gives_way(enum mlag_hold held)
{
	return held == MLAG_HOLD_SPLIT || held == MLAG_HOLD_RESYNC || held == MLAG_HOLD_REJOIN;
}

/* What the pair as it is asks of a leg that could serve. */
static enum mlag_hold hold_for_pair(const struct verdict_leg *leg, bool served)
{
	switch (leg->verdict) {
	case MLAG_VERDICT_SPLIT:
		return served ? MLAG_HOLD_SPLIT : MLAG_HOLD_NONE;
	case MLAG_VERDICT_RESYNC:
		/* What is held stays so while nothing newer is known: frozen. */
		return served && (gives_way(leg->held) || (leg->peer_trusted && leg->hold_passed))
			       ? MLAG_HOLD_RESYNC
			       : MLAG_HOLD_NONE;
	case MLAG_VERDICT_PEERED:
		return served && gives_way(leg->held) && !leg->rejoin_passed ? MLAG_HOLD_REJOIN
									     : MLAG_HOLD_NONE;
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_STARTING:
	case MLAG_VERDICT_ALONE:
	case MLAG_VERDICT_ALONE_UNSURE:
		break;
	}
	return MLAG_HOLD_NONE;
}

enum mlag_hold verdict_hold(const struct verdict_leg *leg)
{
	bool served = leg->role == MLAG_ROLE_SECONDARY && leg->peer_role == MLAG_ROLE_PRIMARY &&
		      leg->peer_leg_up;
	enum mlag_hold hold;

	if (leg->drained) {
		return MLAG_HOLD_DRAINED;
	}
	if (leg->refused) {
		return MLAG_HOLD_REFUSED;
	}
	/* A leg that gave way under an earlier daemon has served: that reason says more. */
	hold = hold_for_pair(leg, served);
	if (hold == MLAG_HOLD_NONE && waits_for_sync(leg, served)) {
		hold = MLAG_HOLD_STARTING;
	}
	return hold;
}
