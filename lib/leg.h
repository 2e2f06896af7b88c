/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs of LAGs: when a leg may carry what, and in which VLANs R1 is in force (DESIGN §1 R1-R2, §4
 * leg-up and leg-down).
 *
 * A leg that gains carrier is *pending*: nothing may be flooded to it, its unicast goes over the
 * peer link.  It is *ready* when LACP proves that the partner takes part: unicast leaves here.  It
 * is *open* when the peer has put R1 in force for this very coming-up of the leg, named by a
 * generation: only then may both members flood towards the same host.
 */
#ifndef MLAG_LEG_H
#define MLAG_LEG_H

#include "hello.h"
#include "hold.h"
#include "mlag.h"
#include "table.h"

#define LEG_INPUTS(X)                                                     \
	X(LEG_INPUT_NONE, "none")                                         \
	X(LEG_INPUT_LOST, "no carrier, or no such port of the bridge")    \
	X(LEG_INPUT_ALIVE, "carrier, but no partner that takes part")     \
	X(LEG_INPUT_PROVEN, "the partner takes part")                     \
	X(LEG_INPUT_ACKED, "the peer isolates, or is out of the way")     \
	X(LEG_INPUT_UNACKED, "the peer is back and has not acknowledged") \
	X(LEG_INPUT_CLOSING, "it is to be held: floods end first")        \
	X(LEG_INPUT_HELD, "it is held")
#define LEG_INPUT_VALUE(symbol, text) symbol,
enum leg_input { LEG_INPUTS(LEG_INPUT_VALUE) LEG_INPUTS_COUNT };
const char *leg_input_text(enum leg_input input);

/** leg_transition() - the state machine of a leg; every cell is written */
enum mlag_leg_state leg_transition(enum mlag_leg_state state, enum leg_input input);

/* What the peer's hello said of its leg; it counts while there is no session. */
enum leg_word {
	LEG_WORD_NONE,
	LEG_WORD_DOWN,
	LEG_WORD_READY, /* it does not flood: what the table says of it may go on */
	LEG_WORD_OPEN, /* in the VLANs of the table, if that knows this coming-up, else maybe in all */
};

/* Key and value of the replicated table. */
struct leg_key {
	uint16_t lag_id;
};

/**
 * struct leg_value - what a member says of its leg
 * @up: ready or open
 * @open: floods leave through it
 * @generation: names this coming-up
 * @lacp: it is a bond in 802.3ad mode
 * @enforced: the generation of the *receiver's* leg for which R1 is in force at the sender, 0 for
 *	none: the acknowledgement
 * @partner_mac: LACP partner, all zero for none
 * @vlans: allowed on it
 */
struct leg_value {
	uint8_t up;
	uint8_t open;
	uint8_t lacp;
	uint8_t pad;
	struct mlag_mac partner_mac;
	uint32_t generation;
	uint32_t enforced;
	struct mlag_vlans vlans;
};

/**
 * struct leg - what this member keeps of a leg, in the row of its LAG
 * @configured: there is a [lag] section for it here
 * @fresh: its device has not been observed yet
 * @idle_seen: since it became pending the actor was seen without Distributing (the values of before
 *	the link came up linger for 36-80 ms)
 * @steady_ns: since when the actor distributes to a collecting partner without a break
 * @steady_count: observations of that
 * @collecting_seen: since it became ready the partner was seen collecting
 * @acked_vlans: the VLANs that the peer acknowledged with this generation
 * @opened_alone: it opened without the acknowledgement, because the peer was out of the way
 * @program: what the data plane should hold; @program_generation of the peer's leg it isolates
 * @applied_serial: what it holds; @applied_generation and @applied_gate likewise
 * @word, @word_generation: what the peer's hello said of its leg of this LAG
 * @handed_ns: when the program was handed out and not yet confirmed, else 0
 * @resumed: an earlier daemon had programmed it; @resumed_isolated, @resumed_generation: what R1 it
 *	had put in force, for which coming-up of the peer's leg
 * @hold: whether it is held
 * @refused: its device takes no programs
 */
struct leg {
	bool configured;
	bool fresh;
	bool idle_seen;
	bool collecting_seen;
	bool opened_alone;
	enum mlag_leg_state state;
	uint32_t generation;
	uint32_t steady_count;
	uint64_t since_ns;
	uint64_t steady_ns;
	struct mlag_leg_observation seen;
	struct mlag_vlans acked_vlans;
	struct mlag_leg_program program;
	uint32_t program_generation;
	uint32_t applied_serial;
	uint32_t applied_generation;
	enum mlag_gate applied_gate;
	enum leg_word word;
	uint16_t word_generation;
	uint64_t handed_ns;
	bool resumed;
	uint32_t resumed_generation;
	struct mlag_vlans resumed_isolated;
	struct hold hold;
	bool refused;
};

extern const struct table_class leg_table_class;

struct table_row *leg_find(const struct mlag_engine *engine, uint16_t lag_id);
struct leg *leg_of(const struct mlag_engine *engine, const struct table_row *row);

uint16_t leg_lag_id(const struct mlag_engine *engine, const struct table_row *row);

/** leg_peer_value() - what the peer's table says of its leg; NULL for nothing */
const struct leg_value *leg_peer_value(const struct mlag_engine *engine,
				       const struct table_row *row);

/**
 * leg_gate_passes() - does the data plane hold a gate that lets this through, whatever it should hold?
 *
 * Without carrier it does not matter: nothing leaves, and the peer is told at once.
 */
bool leg_gate_passes(const struct leg *leg, enum mlag_gate gate);

/** leg_says_up(), leg_says_open() - what the peer is told: a leg that is to be held serves no more */
bool leg_says_up(const struct leg *leg);
bool leg_says_open(const struct leg *leg);

/** leg_next_generation() - it comes up anew: what the peer acknowledged so far does not count */
void leg_next_generation(struct mlag_engine *engine, struct leg *leg);

/** leg_lag_of_device() - the LAG whose configured leg is device @ifindex; 0 for none */
uint16_t leg_lag_of_device(const struct mlag_engine *engine, uint32_t ifindex);

/** leg_has_vlan() - the local leg of a LAG is a port of the bridge and carries @vlan */
bool leg_has_vlan(const struct mlag_engine *engine, uint16_t lag_id, uint16_t vlan);

/** leg_configure() - a [lag] section appeared; see struct mlag_event */
void leg_configure(struct mlag_engine *engine, uint16_t lag_id, bool is_new, bool is_drained,
		   enum mlag_hold held);
void leg_remove(struct mlag_engine *engine, uint16_t lag_id);

/** leg_observe() - a leg was looked at; true when something is not as it was */
bool leg_observe(struct mlag_engine *engine, uint16_t lag_id,
		 const struct mlag_leg_observation *observation);
void leg_applied(struct mlag_engine *engine, uint16_t lag_id, uint32_t serial);

/** leg_refused() - no program can be had for a leg that has none: go on without it */
void leg_refused(struct mlag_engine *engine, uint16_t lag_id);

/** leg_begin() - a configured leg of which nothing is known yet */
void leg_begin(const struct mlag_engine *engine, struct leg *leg);

/** leg_resume() - go on with what an earlier daemon has programmed for a configured leg */
void leg_resume(struct mlag_engine *engine, const struct mlag_leg_program *held);

/** leg_peer_changed() - table_row_fn: the peer said something else about its leg */
void leg_peer_changed(void *user, struct table *table, struct table_row *row);

/**
 * leg_hear_hello() - without a session the peer's hello says which of its legs are up (R2)
 * @legs: all that it has
 * @boot_id: of the daemon that says so, 0 for a guard, who knows better than any session
 */
void leg_hear_hello(struct mlag_engine *engine, const struct hello_leg *legs, uint32_t count,
		    uint64_t boot_id);

/** leg_forget_hello() - a session says it better */
void leg_forget_hello(struct mlag_engine *engine);

/** leg_fill_hello() - our own legs for our hello; returns how many of MLAG_LEGS_MAX */
uint16_t leg_fill_hello(const struct mlag_engine *engine, struct hello_leg *ret_legs);

/** leg_refresh_all() - session, verdict or peer link changed: reconsider every leg */
void leg_refresh_all(struct mlag_engine *engine);

/** leg_all_applied() - the data plane holds a program for every leg that exists */
bool leg_all_applied(const struct mlag_engine *engine);

/** leg_tick() - hand programs out again that were not confirmed within 100 ms */
void leg_tick(struct mlag_engine *engine);
uint64_t leg_deadline_ns(const struct mlag_engine *engine);

#endif
