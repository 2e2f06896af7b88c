/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of legs that are held, at every moment (SAFE-32, LIVE-32); called by world.c.
 */
#include "world.h"
#include "worldkernel.h"

/*
 * Until a leg that is held must have been given free when the other one cannot serve: the longest that
 * anything is frozen (restart-hold of both + 20 %), and what it takes to hear of it.
 */
#define DARK_NS (6 * WORLD_SECOND)

/* Held because the other leg serves; not what somebody asked for, nor what waits for its first sync. */
static bool gave_way(const struct world_leg *leg)
{
	return leg->held == MLAG_HOLD_SPLIT || leg->held == MLAG_HOLD_RESYNC ||
	       leg->held == MLAG_HOLD_REJOIN;
}

static bool is_awake(const struct world *world, uint32_t member)
{
	return world->members[member].running && !world->members[member].stopped;
}

/* It could serve if it were not held, and the other one cannot. */
static bool is_kept_dark(const struct world *world, uint32_t member, uint32_t lag)
{
	const struct world_leg *leg = &world->members[member].legs[lag];
	const struct world_leg *other = &world->members[1 - member].legs[lag];

	/* Who never hears anything is told nothing: then what was last heard counts. */
	return is_awake(world, member) && leg->cable && leg->partner && gave_way(leg) &&
	       !(other->link && other->partner) && world->hello_loss_percent == 0;
}

const char *world_judge_holds(struct world *world)
{
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		if (is_awake(world, 0) && is_awake(world, 1) &&
		    gave_way(&world->members[0].legs[lag]) &&
		    gave_way(&world->members[1].legs[lag])) {
			return "SAFE-32: both legs of a LAG are held";
		}
		for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
			struct world_leg *leg = &world->members[m].legs[lag];

			if (!is_kept_dark(world, m, lag)) {
				leg->dark_ns = 0;
			} else if (leg->dark_ns == 0) {
				leg->dark_ns = world->now_ns;
			} else if (world->now_ns - leg->dark_ns > DARK_NS) {
				return "LIVE-32: a leg is held, and the other one does not serve";
			}
		}
	}
	return NULL;
}
