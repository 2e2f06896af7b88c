/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard's decisions (see decide.h).  Called by guard.c; the next state is a table with every cell
 * written.
 */
#include "decide.h"

#define DECIDE_SLACK_NS UINT64_C(500000000) /* later than that: this process did not run */
#define DECIDE_SLEEP_MAX_NS UINT64_C(1000000000)
#define DECIDE_SLEEP_LISTENING_NS UINT64_C(250000000)
#define DECIDE_SLEEP_PART 8 /* of the hold */

#define DECIDE_TEXT(symbol, text) \
	case symbol:              \
		return text;

const char *decide_state_text(enum decide_state state)
{
	switch (state) {
		DECIDE_STATES(DECIDE_TEXT)
	case DECIDE_STATES_COUNT:
		break;
	}
	return "?";
}

const char *decide_input_text(enum decide_input input)
{
	switch (input) {
		DECIDE_INPUTS(DECIDE_TEXT)
	case DECIDE_INPUTS_COUNT:
		break;
	}
	return "?";
}

/* clang-format off */
static const enum decide_state next_state[DECIDE_STATES_COUNT][DECIDE_INPUTS_COUNT] = {
	[DECIDE_STATE_IDLE] = {
		[DECIDE_INPUT_NONE] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_LEFT] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_RENEWED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_RELEASED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_HEARD] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_SILENT] = DECIDE_STATE_FROZEN,
		[DECIDE_INPUT_GONE] = DECIDE_STATE_FROZEN,
	},
	[DECIDE_STATE_WATCHING] = {
		[DECIDE_INPUT_NONE] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_LEFT] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_RENEWED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_RELEASED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_HEARD] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_SILENT] = DECIDE_STATE_FROZEN,
		[DECIDE_INPUT_GONE] = DECIDE_STATE_FROZEN,
	},
	[DECIDE_STATE_FROZEN] = {
		[DECIDE_INPUT_NONE] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_LEFT] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_RENEWED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_RELEASED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_HEARD] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_SILENT] = DECIDE_STATE_FROZEN,
		[DECIDE_INPUT_GONE] = DECIDE_STATE_FROZEN,
	},
	[DECIDE_STATE_FENCED] = {
		/* Who is fenced stays so until the daemon is in sync, or the peer is gone. */
		[DECIDE_INPUT_NONE] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_LEFT] = DECIDE_STATE_IDLE,
		[DECIDE_INPUT_RENEWED] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_RELEASED] = DECIDE_STATE_WATCHING,
		[DECIDE_INPUT_HEARD] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_SILENT] = DECIDE_STATE_FENCED,
		[DECIDE_INPUT_GONE] = DECIDE_STATE_FROZEN,
	},
};
/* clang-format on */

enum decide_state decide_next(enum decide_state state, enum decide_input input)
{
	return next_state[state][input];
}

bool decide_hears(uint64_t heard_ns, uint64_t hold_ns)
{
	return heard_ns <= DECIDE_HEARD_NS && heard_ns <= hold_ns / 2;
}

enum decide_input decide_input(const struct decide_view *view)
{
	if (!view->known) {
		return DECIDE_INPUT_NONE;
	}
	if (view->left) {
		return DECIDE_INPUT_LEFT;
	}
	if (view->age_ns < view->hold_ns) {
		return view->released ? DECIDE_INPUT_RELEASED : DECIDE_INPUT_RENEWED;
	}
	if (decide_hears(view->heard_ns, view->hold_ns)) {
		return DECIDE_INPUT_HEARD;
	}
	return view->carrier || view->heard_ns < DECIDE_GONE_NS ? DECIDE_INPUT_SILENT
								: DECIDE_INPUT_GONE;
}

bool decide_listens(enum decide_state state, uint64_t age_ns, uint64_t hold_ns)
{
	switch (state) {
	case DECIDE_STATE_FROZEN:
	case DECIDE_STATE_FENCED:
		return true;
	case DECIDE_STATE_IDLE:
		return false;
	case DECIDE_STATE_WATCHING:
		break;
	case DECIDE_STATES_COUNT:
		return false;
	}
	return age_ns + DECIDE_LISTEN_NS >= hold_ns && age_ns >= hold_ns / 4;
}

enum decide_leg decide_leg(enum decide_state state, const struct decide_leg_view *view)
{
	switch (state) {
	case DECIDE_STATE_FENCED:
		break;
	case DECIDE_STATE_IDLE:
	case DECIDE_STATE_WATCHING:
	case DECIDE_STATE_FROZEN:
	case DECIDE_STATES_COUNT:
		return DECIDE_LEG_LEAVE;
	}
	if (!view->known) {
		return view->was_down ? DECIDE_LEG_DOWN : DECIDE_LEG_LEAVE;
	}
	if (view->peer_up) {
		return view->expired || view->was_down ? DECIDE_LEG_DOWN : DECIDE_LEG_LEAVE;
	}
	return view->was_down && view->peer_down_ns < DECIDE_OFFER_NS ? DECIDE_LEG_OFFER
								      : DECIDE_LEG_LEAVE;
}

bool decide_look(struct decide_clock *clock, uint64_t renewed_ns, uint64_t now_ns)
{
	bool first = clock->looked_ns == 0;
	bool absent = first || now_ns > clock->wake_ns + DECIDE_SLACK_NS;
	uint64_t seen_to_ns = absent ? clock->wake_ns : now_ns;

	if (first || (renewed_ns != clock->renewed_ns && (absent || renewed_ns > now_ns))) {
		clock->age_ns = 0;
	} else if (renewed_ns != clock->renewed_ns) {
		clock->age_ns = now_ns - renewed_ns;
	} else if (seen_to_ns > clock->looked_ns) {
		clock->age_ns += seen_to_ns - clock->looked_ns;
	}
	clock->renewed_ns = renewed_ns;
	clock->looked_ns = now_ns;
	return absent;
}

uint64_t decide_sleep_ns(struct decide_clock *clock, uint64_t hold_ns, bool listens,
			 uint64_t now_ns)
{
	uint64_t sleep_ns = listens ? DECIDE_SLEEP_LISTENING_NS : DECIDE_SLEEP_MAX_NS;

	if (hold_ns / DECIDE_SLEEP_PART < sleep_ns) {
		sleep_ns = hold_ns / DECIDE_SLEEP_PART;
	}
	/* A lease that expires in between is looked at then. */
	if (listens && clock->age_ns < hold_ns && hold_ns - clock->age_ns < sleep_ns) {
		sleep_ns = hold_ns - clock->age_ns;
	}
	clock->wake_ns = now_ns + sleep_ns;
	return sleep_ns;
}
