/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One engine with one leg, LAG 1, whose peer says what a test wants: the way of the leg from nothing
 * to open, step by step.
 */
#ifndef MLAG_TESTS_LEGRIG_H
#define MLAG_TESTS_LEGRIG_H

#include "rig.h"

extern struct rig legrig;
extern struct mlag_leg_observation legrig_seen; /* what legrig_observe() says next */
extern struct leg_value legrig_peer_leg;	/* what the peer says of its own */

/* Setup and teardown of a test. */
int legrig_start(void **state);
int legrig_end(void **state);

struct mlag_leg_view legrig_look(void);
struct leg *legrig_leg(void);

/** legrig_observe() - one observation, @ms later; the state that comes of it */
enum mlag_leg_state legrig_observe(uint32_t ms, bool distributing, bool collecting);

/** legrig_apply_one() - the last program that was handed out; everything is confirmed */
struct mlag_leg_program legrig_apply_one(void);

/** legrig_configure() - an LACP leg without carrier, its first program applied */
void legrig_configure(void);

/* Bring it there from nothing. */
void legrig_be_pending(void);
void legrig_be_ready(void);
void legrig_be_open(void);

/** legrig_connect_peer() - a session in which the peer has told all its legs: none, or that of LAG 1 */
void legrig_connect_peer(bool with_leg);

/** legrig_acknowledge() - the peer acknowledges the generation that the leg has now */
void legrig_acknowledge(void);

#endif
