/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The faults of a life of the simulator: links, partners, paths and processes that come and go, and
 * what hosts, routers and people do meanwhile.  faults.h has those that were thought of later.
 */
#ifndef MLAG_TESTS_CHAOS_H
#define MLAG_TESTS_CHAOS_H

#include "world.h"

/** chaos_tell() - a line of the story, if it is told */
void chaos_tell(const struct world *world, const char *what, uint32_t member, uint32_t lag);

/** chaos_start_member() - a daemon starts, and finds the addresses of its machine */
void chaos_start_member(struct world *world, uint32_t member);

/** chaos_break_something() - one fault; a text when a daemon that starts holds something back */
const char *chaos_break_something(struct world *world);

/**
 * chaos_change_default() - R31: perhaps a default route goes, comes by somebody outside, or comes by
 * the other member
 */
void chaos_change_default(struct world *world);

/**
 * chaos_change_drain() - perhaps somebody drains a leg, or no longer; by numbers of a stream of their
 * own
 */
void chaos_change_drain(struct world *world);

/**
 * chaos_stir_neighbors() - hosts change their MACs, are asked in vain, fall silent, and entries are
 * flushed
 */
void chaos_stir_neighbors(struct world *world);

/** chaos_heal() - everything works again, and both daemons run */
void chaos_heal(struct world *world);

#endif
