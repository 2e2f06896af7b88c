/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session with the peer as a state machine: a pure function of state and input.  What the
 * actions do is in engine.c; which transition happens when is only here.
 */
#ifndef MLAG_SESSION_H
#define MLAG_SESSION_H

#include "types.h"

#define SESSION_INPUTS(X)                                                 \
	X(SESSION_INPUT_NONE, "none")                                     \
	X(SESSION_INPUT_CONNECTED, "the connection stands")               \
	X(SESSION_INPUT_DISCONNECTED, "the connection ended")             \
	X(SESSION_INPUT_HELLO, "an acceptable hello")                     \
	X(SESSION_INPUT_BAD_HELLO, "a hello that does not fit")           \
	X(SESSION_INPUT_REFUSED, "the peer refuses")                      \
	X(SESSION_INPUT_GOODBYE, "the peer said goodbye")                 \
	X(SESSION_INPUT_SILENCE, "nothing heard within the dead time")    \
	X(SESSION_INPUT_BROKEN, "a malformed message or one out of turn") \
	X(SESSION_INPUT_RESET, "this member's identity changed, or it leaves")
#define SESSION_INPUT_VALUE(symbol, text) symbol,
enum session_input { SESSION_INPUTS(SESSION_INPUT_VALUE) SESSION_INPUTS_COUNT };

enum session_action {
	SESSION_ACTION_NONE,
	SESSION_ACTION_IGNORE,	     /* count it */
	SESSION_ACTION_GREET,	     /* a hello is due */
	SESSION_ACTION_ESTABLISH,    /* snapshots are due */
	SESSION_ACTION_REFUSE,	     /* say why, then close */
	SESSION_ACTION_GIVE_UP,	     /* the peer said why: close, retry later */
	SESSION_ACTION_CLOSE,	     /* close, retry soon */
	SESSION_ACTION_FREEZE,	     /* it had been up, and is gone: keep what was heard */
	SESSION_ACTION_FREEZE_CLOSE, /* the same, and close */
	SESSION_ACTION_PART,	     /* the peer left on purpose: forget what it claimed, close */
};

struct session_cell {
	enum mlag_session_state next;
	enum session_action action;
};

/**
 * session_transition() - the state machine
 * @state: any state
 * @input: any input
 *
 * Return: the next state and what is to be done; every cell is written.
 */
struct session_cell session_transition(enum mlag_session_state state, enum session_input input);

#endif
