/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of one frame in one state: the numbered promises of docs/invariants.md.
 */
#ifndef MLAG_TESTS_CHECKER_PROMISES_H
#define MLAG_TESTS_CHECKER_PROMISES_H

#include "walk.h"

/**
 * promise_bridged() - judge a frame that was not routed
 * @member, @port: where it arrived
 * @ret_limit: set when the frame was doubled in the one way that is a known limit
 *
 * Return: NULL, or what is wrong.
 */
const char *promise_bridged(const struct state *state, uint32_t member, uint32_t port,
			    const struct frame *frame, const struct outcome *outcome,
			    bool *ret_limit);

/** promise_routed() - judge a frame with a router MAC that arrived at the first member */
const char *promise_routed(const struct state *state, uint32_t port, const struct frame *frame,
			   const struct outcome *outcome);

#endif
