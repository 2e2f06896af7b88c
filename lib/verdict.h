/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this member concludes about the pair, who leads it, and which legs it holds (DESIGN §2): pure
 * functions of what is known of both members.  The verdict is a table with every cell written.
 */
#ifndef MLAG_VERDICT_H
#define MLAG_VERDICT_H

#include "liveness.h"
#include "types.h"

/* What a cell of the table waits for before it is final. */
enum verdict_timer {
	VERDICT_TIMER_NONE,
	VERDICT_TIMER_STARTUP, /* startup-wait, since the start */
	VERDICT_TIMER_DEAD,    /* the dead time, since the last sign of life */
	VERDICT_TIMER_HOLD,    /* the longer restart-hold of both + 20 %, since that or carrier */
	VERDICT_TIMERS_COUNT,
};

/**
 * struct verdict_view - what a verdict is drawn from
 * @life: what is known of the peer
 * @link: what is known of the peer link
 * @session_up: the session stands
 * @left_ns: what is left of each timer; 0 when it passed
 */
struct verdict_view {
	enum liveness_life life;
	enum liveness_link link;
	bool session_up;
	uint64_t left_ns[VERDICT_TIMERS_COUNT];
};

/**
 * struct verdict - a conclusion
 * @wait_ns: after this time alone it may be another; UINT64_MAX for never
 * @because: why; a constant string
 * @next: what would change it; a constant string
 */
struct verdict {
	enum mlag_verdict verdict;
	uint64_t wait_ns;
	const char *because;
	const char *next;
};

/** verdict_decide() - the verdict table of DESIGN §2 */
struct verdict verdict_decide(const struct verdict_view *view);

/** struct verdict_rank - what decides between two members */
struct verdict_rank {
	uint32_t role_epoch;
	uint16_t priority;
	struct mlag_mac member_id;
};

/**
 * verdict_is_first() - @own leads @peer: higher epoch, then lower priority, then lower member id
 */
bool verdict_is_first(const struct verdict_rank *own, const struct verdict_rank *peer);

/**
 * struct verdict_lead - what decides a role
 * @verdict: of this member
 * @role: it has now
 * @peer_heard: the peer is alive, and @peer is its own word
 */
struct verdict_lead {
	enum mlag_verdict verdict;
	enum mlag_role role;
	bool peer_heard;
	struct verdict_rank own;
	struct verdict_rank peer;
};

/**
 * verdict_role() - primary or secondary
 * @ret_promoted: this member takes the lead because nobody else is there: a new role epoch
 *
 * Who hears the other goes by rank, so both say the same; who was left alone leads; who cannot tell
 * stays what he is.
 */
enum mlag_role verdict_role(const struct verdict_lead *lead, bool *ret_promoted);

/**
 * verdict_next_epoch() - the role epoch of a promotion: above both members'
 */
uint32_t verdict_next_epoch(uint32_t own, uint32_t peer);

/* Why a leg is held. */
#define VERDICT_HOLDS(X)                                                                     \
	X(VERDICT_HOLD_NONE, "none")                                                         \
	X(VERDICT_HOLD_STARTING, "starting") /* until in sync, or startup-wait has passed */ \
	X(VERDICT_HOLD_SPLIT, "split")	     /* the primary serves this LAG */               \
	X(VERDICT_HOLD_RESYNC, "resync")     /* the same, and the session is refused too long */
enum verdict_hold { VERDICT_HOLDS(LIVENESS_VALUE) VERDICT_HOLDS_COUNT };

/**
 * struct verdict_leg - what decides whether the leg of one LAG is held
 * @role: of this member
 * @peer_leg_up: by the peer's word that is still alive, its leg of this LAG is up
 * @peer_trusted: its hellos are authentic
 * @hold_passed: restart-hold has passed since the session was lost
 */
struct verdict_leg {
	enum mlag_verdict verdict;
	enum mlag_role role;
	bool peer_leg_up;
	bool peer_trusted;
	bool hold_passed;
};

/**
 * verdict_hold() - is this leg held?
 *
 * Never both members' legs of a LAG: only a secondary holds, and only while the primary's is up.
 * Nothing calls it yet; the adapter that holds legs comes with it.
 */
enum verdict_hold verdict_hold(const struct verdict_leg *leg);

#endif
