/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One engine that goes on where an earlier one ended, a second ago and in sync; its peer is made of
 * bytes.  What was left can be changed by a test before it is read.
 */
#ifndef MLAG_TESTS_RESUMERIG_H
#define MLAG_TESTS_RESUMERIG_H

#include "rig.h"

extern struct rig resumerig;
extern struct mlag_resume resumerig_left;
extern struct mlag_leg_observation resumerig_seen; /* of LAG 1, when the links are read */
extern struct leg_value resumerig_peer_leg;

/* Setup and teardown of a test. */
int resumerig_start(void **state);
int resumerig_end(void **state);

/** resumerig_pair() - what was left of the pair is read; the first of all */
void resumerig_pair(void);

/** resumerig_held_leg() - what the data plane holds for LAG 1, opened under generation 400; the peer's is 500 */
struct mlag_leg_program resumerig_held_leg(enum mlag_gate gate);

/* What was left of a leg, configured first, and of a MAC. */
void resumerig_leg(const struct mlag_leg_program *held);
void resumerig_mac(uint8_t mac, const struct mlag_source *place);

/** resumerig_resumed() - the links were read, the FDB by the test; now it may decide */
void resumerig_resumed(void);

#endif
