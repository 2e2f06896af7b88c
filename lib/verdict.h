/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this member concludes about the pair, and who leads it (DESIGN §2): two pure functions.
 */
#ifndef MLAG_VERDICT_H
#define MLAG_VERDICT_H

#include "types.h"

/**
 * struct verdict_view - what a verdict is drawn from
 * @carrier: the peer link has carrier here
 * @session_up: the session stands
 * @heard: a session stood at some time since the start
 * @left: the peer's last word was goodbye
 * @startup_left_ns: what is left of startup-wait; 0 when it passed
 * @dead_left_ns: what is left of the dead time since the session was lost
 * @hold_left_ns: what is left of restart-hold + 20 % since the session was lost
 */
struct verdict_view {
	bool carrier;
	bool session_up;
	bool heard;
	bool left;
	uint64_t startup_left_ns;
	uint64_t dead_left_ns;
	uint64_t hold_left_ns;
};

/**
 * verdict_decide() - the verdict table of DESIGN §2, as far as sessions alone can tell
 * @view: what is known now
 * @ret_wait_ns: after this time alone the verdict may be another; UINT64_MAX for never
 *
 * Without hellos of their own a peer is alive exactly while its session is, so a silent peer behind
 * a peer link with carrier is `resync` for restart-hold + 20 %, then `alone`.
 */
enum mlag_verdict verdict_decide(const struct verdict_view *view, uint64_t *ret_wait_ns);

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

#endif
