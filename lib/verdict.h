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
 * @link_awaited: the peer link has not been usable since the start, which is not over: nothing was
 *	lost yet
 * @left_ns: what is left of each timer; 0 when it passed
 */
struct verdict_view {
	enum liveness_life life;
	enum liveness_link link;
	bool session_up;
	bool link_awaited;
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

/**
 * struct verdict_leg - what decides whether the leg of one LAG is held
 * @role: of this member
 * @peer_role: what the peer last said of itself
 * @peer_leg_up: by the peer's last word, its leg of this LAG serves
 * @peer_trusted: its hellos are authentic
 * @hold_passed: restart-hold has passed since the verdict is resync
 * @rejoin_passed: the pair is in sync, and the peer link has been stable for long enough
 * @held: as the leg is held now
 * @drained: somebody asked for it
 * @unproven: it has not served since the start, and sync has not been proven
 * @startup_passed: startup-wait has, since the start
 * @refused: its device takes no programs
 */
struct verdict_leg {
	enum mlag_verdict verdict;
	enum mlag_role role;
	enum mlag_role peer_role;
	bool peer_leg_up;
	bool peer_trusted;
	bool hold_passed;
	bool rejoin_passed;
	enum mlag_hold held;
	bool drained;
	bool unproven;
	bool startup_passed;
	bool refused;
};

/**
 * verdict_hold() - is this leg held, and why?
 *
 * But for what somebody asked for, what cannot be programmed, and until startup-wait has passed, never both members' legs of a
 * LAG: only a secondary holds, only while the peer says that it is the primary and that its leg
 * serves, and a leg that is held does not serve.
 */
enum mlag_hold verdict_hold(const struct verdict_leg *leg);

#endif
