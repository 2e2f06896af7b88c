/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guard decides: pure functions of the lease, the peer's hellos and time (DESIGN §2,
 * dead-man).  Nothing here knows a socket or a clock.
 *
 * A daemon is dead or hung for ever when its lease has expired.  Its data plane goes on by the last
 * state, which is good as long as nothing changes, and may be the only one that is left.  So legs
 * are taken down only while the peer's daemon is heard, and each leg only when that daemon says
 * that its own leg of this LAG is up: what a host is left with is never taken from it.
 */
#ifndef MLAGGUARD_DECIDE_H
#define MLAGGUARD_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#define DECIDE_HEARD_NS UINT64_C(1000000000)  /* what a hello of the peer's daemon counts for */
#define DECIDE_GONE_NS UINT64_C(3000000000)   /* without a word, and without carrier */
#define DECIDE_LISTEN_NS UINT64_C(2000000000) /* before a lease expires */

#define DECIDE_STATES(X)                                                              \
	X(DECIDE_STATE_IDLE, "idle")	     /* no daemon was here, or it has left */ \
	X(DECIDE_STATE_WATCHING, "watching") /* the lease is renewed */               \
	X(DECIDE_STATE_FROZEN, "frozen")     /* it expired; nothing is touched */     \
	X(DECIDE_STATE_FENCED, "fenced")     /* it expired; the peer is told so */
#define DECIDE_VALUE(symbol, text) symbol,
enum decide_state { DECIDE_STATES(DECIDE_VALUE) DECIDE_STATES_COUNT };
const char *decide_state_text(enum decide_state state);

#define DECIDE_INPUTS(X)                                                                         \
	X(DECIDE_INPUT_NONE, "no daemon was here since the machine started")                     \
	X(DECIDE_INPUT_LEFT, "this member has left the pair")                                    \
	X(DECIDE_INPUT_RENEWED, "the daemon renews its lease")                                   \
	X(DECIDE_INPUT_RELEASED, "the daemon is in sync again")                                  \
	X(DECIDE_INPUT_HEARD, "the lease has expired, and the peer's daemon is heard")           \
	X(DECIDE_INPUT_SILENT, "the lease has expired, and the peer's daemon is not heard")      \
	X(DECIDE_INPUT_GONE, "the lease has expired, the peer is silent, and the peer link has " \
			     "no carrier")
enum decide_input { DECIDE_INPUTS(DECIDE_VALUE) DECIDE_INPUTS_COUNT };
const char *decide_input_text(enum decide_input input);

/** decide_next() - the state machine of a guard; every cell is written */
enum decide_state decide_next(enum decide_state state, enum decide_input input);

/**
 * struct decide_view - what an input is drawn from
 * @known: mlagd has said something in this boot of the machine
 * @left: it said goodbye
 * @released: it says that legs may be given back, of this very fence
 * @age_ns: of the lease, without the time in which this process did not run
 * @hold_ns: for how long a lease holds
 * @heard_ns: how long ago the peer's daemon was heard; UINT64_MAX for never
 * @carrier: the peer link has carrier
 */
struct decide_view {
	bool known;
	bool left;
	bool released;
	uint64_t age_ns;
	uint64_t hold_ns;
	uint64_t heard_ns;
	bool carrier;
};

enum decide_input decide_input(const struct decide_view *view);

/** decide_listens() - is it time to hear whether the peer's daemon lives? */
bool decide_listens(enum decide_state state, uint64_t age_ns, uint64_t hold_ns);

/**
 * decide_hears() - does what the peer's daemon last said count?
 * @heard_ns: how long ago that was
 * @hold_ns: for how long a lease holds
 *
 * For half a hold at most.  So all that the peer's guard did on the word of a daemon is over, and half
 * a hold old, when the lease of that daemon expires: no two guards act on what was true before the other
 * one acted, and never both take down the same LAG.
 */
bool decide_hears(uint64_t heard_ns, uint64_t hold_ns);

#define DECIDE_OFFER_NS UINT64_C(3500000000) /* three hellos of a guard, one a second */

/* What a leg of a fenced member should be. */
enum decide_leg {
	DECIDE_LEG_LEAVE, /* as it is; given back, if it is down by us */
	DECIDE_LEG_DOWN,
	DECIDE_LEG_OFFER, /* still down, and said to be up: the peer is to hear that first */
};

/**
 * struct decide_leg_view - what is known of a LAG
 * @expired: the lease; a daemon that is back takes care of a leg that is not down
 * @was_down: our leg is down by us
 * @known: the peer's daemon was heard within the last second, and said which of its legs are up
 * @peer_up: its leg of this LAG is
 * @peer_down_ns: for how long it was not, without a break
 */
struct decide_leg_view {
	bool expired;
	bool was_down;
	bool known;
	bool peer_up;
	uint64_t peer_down_ns;
};

/** decide_leg() - down while the peer's leg is up; what nobody knows stays as it is */
enum decide_leg decide_leg(enum decide_state state, const struct decide_leg_view *view);

/**
 * struct decide_clock - the age of a lease, as far as this process saw it grow; zeroed first
 * @looked_ns: when it last looked
 * @wake_ns: when it then wanted to look again
 * @renewed_ns: what the lease said
 * @age_ns: of the lease
 */
struct decide_clock {
	uint64_t looked_ns;
	uint64_t wake_ns;
	uint64_t renewed_ns;
	uint64_t age_ns;
};

/**
 * decide_look() - look at the lease
 * @renewed_ns: what it says
 *
 * Who was stopped, descheduled or swapped out himself, alone or with the daemon, does not hold that
 * time against it.
 *
 * Return: true when it was so: what was heard before says nothing of now either.
 */
bool decide_look(struct decide_clock *clock, uint64_t renewed_ns, uint64_t now_ns);

/** decide_sleep_ns() - when to look again, from now on; noted in @clock */
uint64_t decide_sleep_ns(struct decide_clock *clock, uint64_t hold_ns, bool listens,
			 uint64_t now_ns);

#endif
