/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict and the role (see verdict.h).  Called by engine.c after every event.
 */
#include "verdict.h"

#include <string.h>

enum mlag_verdict verdict_decide(const struct verdict_view *view, uint64_t *ret_wait_ns)
{
	*ret_wait_ns = UINT64_MAX;
	if (view->session_up) {
		return view->carrier ? MLAG_VERDICT_PEERED : MLAG_VERDICT_SPLIT;
	}
	if (!view->heard) {
		if (view->startup_left_ns > 0) {
			*ret_wait_ns = view->startup_left_ns;
			return MLAG_VERDICT_STARTING;
		}
		return view->carrier ? MLAG_VERDICT_ALONE : MLAG_VERDICT_ALONE_UNSURE;
	}
	if (view->left) {
		return MLAG_VERDICT_ALONE;
	}
	if (view->carrier) {
		if (view->hold_left_ns > 0) {
			*ret_wait_ns = view->hold_left_ns;
			return MLAG_VERDICT_RESYNC;
		}
		return MLAG_VERDICT_ALONE;
	}
	if (view->dead_left_ns > 0) {
		*ret_wait_ns = view->dead_left_ns;
		return MLAG_VERDICT_RESYNC;
	}
	return MLAG_VERDICT_ALONE_UNSURE;
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
