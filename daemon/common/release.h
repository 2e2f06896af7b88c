/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a daemon that is back says that its guard may give the legs back: pure, for mlagd and the simulator.
 * Clearing a fence takes a resync (DESIGN §2), not what a daemon that was merely stopped still believes.
 */
#ifndef MLAG_COMMON_RELEASE_H
#define MLAG_COMMON_RELEASE_H

#include "mlag.h"

#define RELEASE_WAIT_NS UINT64_C(1000000000) /* who was stopped hears again what is true now */

/**
 * struct release - zeroed when the daemon starts
 * @fence: the last one seen, and when; @sessions_count: how many sessions there had been then
 */
struct release {
	uint64_t fence;
	uint64_t fence_ns;
	uint64_t sessions_count;
};

/**
 * release_look() - may the legs of this fence be given back?
 * @fence: that the guard keeps, by number, not 0
 * @view: of the engine
 */
bool release_look(struct release *release, uint64_t fence, const struct mlag_view *view,
		  uint64_t now_ns);

#endif
