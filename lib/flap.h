/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MACs that move too often (R9).  Two machines with one address, or a loop behind a port, make a MAC
 * move with every frame: each move is a message to the peer and a write to its kernel.  Such a MAC is
 * damped: for a while its further moves are not followed, and it is named.
 */
#ifndef MLAG_FLAP_H
#define MLAG_FLAP_H

#include <stdbool.h>
#include <stdint.h>

#include "mlag.h"

#define FLAP_SLOTS 256	  /* MACs whose moves are counted */
#define FLAP_WAYS 4	  /* places for one of them */
#define FLAP_MOVES_MAX 30 /* followed within FLAP_WINDOW_NS */
#define FLAP_WINDOW_NS UINT64_C(10000000000)
#define FLAP_HOLD_NS UINT64_C(10000000000)

/**
 * struct flap - the moves of one MAC
 * @moves: in this window, 0: the slot is free
 * @window_ns: when it began
 * @until_ns: the MAC is damped until then, 0: it is not
 */
struct flap {
	struct mlag_mac_key key;
	uint32_t moves;
	uint64_t window_ns;
	uint64_t until_ns;
};

struct flaps {
	uint32_t damped_count; /* slots with until_ns */
	struct flap slots[FLAP_SLOTS];
};

/**
 * flap_move() - a MAC is about to move
 * @seed: of the hash
 * @ret_began: it is damped from now on
 *
 * Return: true when it is damped: the move is not to be followed.
 */
bool flap_move(struct flaps *flaps, const struct mlag_mac_key *key, uint64_t seed, uint64_t now_ns,
	       bool *ret_began);

/** flap_is_damped() - its moves are not followed now */
bool flap_is_damped(const struct flaps *flaps, const struct mlag_mac_key *key, uint64_t seed,
		    uint64_t now_ns);

/** flap_expire() - forget who has been damped for long enough */
void flap_expire(struct flaps *flaps, uint64_t now_ns);

#endif
