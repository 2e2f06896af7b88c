/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leg's transition table (see leg.h).  leg.c finds the input, and does what a new state asks for.
 */
#include "leg.h"

#define LEG_INPUT_TEXT(symbol, text) \
	case symbol:                 \
		return text;

const char *leg_input_text(enum leg_input input)
{
	switch (input) {
		LEG_INPUTS(LEG_INPUT_TEXT)
	case LEG_INPUTS_COUNT:
		break;
	}
	return "?";
}

/* clang-format off */
static const enum mlag_leg_state next_state[MLAG_LEG_OPEN + 1][LEG_INPUTS_COUNT] = {
	[MLAG_LEG_NONE] = {
		[LEG_INPUT_NONE] = MLAG_LEG_NONE,
		[LEG_INPUT_LOST] = MLAG_LEG_NONE,
		[LEG_INPUT_ALIVE] = MLAG_LEG_NONE,
		[LEG_INPUT_PROVEN] = MLAG_LEG_NONE,
		[LEG_INPUT_ACKED] = MLAG_LEG_NONE,
		[LEG_INPUT_UNACKED] = MLAG_LEG_NONE,
		[LEG_INPUT_CLOSING] = MLAG_LEG_NONE,
		[LEG_INPUT_HELD] = MLAG_LEG_NONE,
	},
	[MLAG_LEG_DOWN] = {
		[LEG_INPUT_NONE] = MLAG_LEG_DOWN,
		[LEG_INPUT_LOST] = MLAG_LEG_DOWN,
		[LEG_INPUT_ALIVE] = MLAG_LEG_PENDING,
		[LEG_INPUT_PROVEN] = MLAG_LEG_READY,
		[LEG_INPUT_ACKED] = MLAG_LEG_DOWN,
		[LEG_INPUT_UNACKED] = MLAG_LEG_DOWN,
		[LEG_INPUT_CLOSING] = MLAG_LEG_DOWN,
		[LEG_INPUT_HELD] = MLAG_LEG_DOWN,
	},
	[MLAG_LEG_PENDING] = {
		[LEG_INPUT_NONE] = MLAG_LEG_PENDING,
		[LEG_INPUT_LOST] = MLAG_LEG_DOWN,
		[LEG_INPUT_ALIVE] = MLAG_LEG_PENDING,
		[LEG_INPUT_PROVEN] = MLAG_LEG_READY,
		[LEG_INPUT_ACKED] = MLAG_LEG_PENDING,
		[LEG_INPUT_UNACKED] = MLAG_LEG_PENDING,
		[LEG_INPUT_CLOSING] = MLAG_LEG_PENDING,
		[LEG_INPUT_HELD] = MLAG_LEG_PENDING,
	},
	[MLAG_LEG_READY] = {
		[LEG_INPUT_NONE] = MLAG_LEG_READY,
		[LEG_INPUT_LOST] = MLAG_LEG_DOWN,
		[LEG_INPUT_ALIVE] = MLAG_LEG_PENDING,
		[LEG_INPUT_PROVEN] = MLAG_LEG_READY,
		[LEG_INPUT_ACKED] = MLAG_LEG_OPEN,
		[LEG_INPUT_UNACKED] = MLAG_LEG_READY,
		[LEG_INPUT_CLOSING] = MLAG_LEG_READY,
		[LEG_INPUT_HELD] = MLAG_LEG_PENDING,
	},
	[MLAG_LEG_OPEN] = {
		[LEG_INPUT_NONE] = MLAG_LEG_OPEN,
		[LEG_INPUT_LOST] = MLAG_LEG_DOWN,
		[LEG_INPUT_ALIVE] = MLAG_LEG_PENDING,
		[LEG_INPUT_PROVEN] = MLAG_LEG_OPEN,
		[LEG_INPUT_ACKED] = MLAG_LEG_OPEN,
		[LEG_INPUT_UNACKED] = MLAG_LEG_READY,
		[LEG_INPUT_CLOSING] = MLAG_LEG_READY,
		[LEG_INPUT_HELD] = MLAG_LEG_PENDING,
	},
};
/* clang-format on */

enum mlag_leg_state leg_transition(enum mlag_leg_state state, enum leg_input input)
{
	return next_state[state][input];
}
