/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Default routes in the world of world.h, and what must hold of the last resort (R31).
 */
#include <string.h>

#include "worldkernel.h"

/* What the kernel holds of ours changes before the peer hears why. */
void worldroutes_apply(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_last_resort wanted;

	for (uint32_t i = 0; mlag_get_last_resort(m->engine, i, &wanted); i++) {
		if (!wanted.keep) {
			world->last_resort_changes += m->last_resorts[i].state != wanted.state;
			m->last_resorts[i] = wanted;
		}
	}
	if (world->complaint == NULL) {
		world->complaint = world_check_last_resort(world);
	}
}

void world_observe_default(struct world *world, uint32_t member, uint32_t index)
{
	struct mlag_event event = {.type = MLAG_EVENT_DEFAULT_ROUTE};

	event.default_route = &world->members[member].defaults[index];
	if (world->members[member].running && !world->members[member].stopped) {
		world_step(world, member, &event);
		worldkernel_run_member(world, member);
	}
}

void world_set_default(struct world *world, uint32_t member, uint32_t index,
		       const struct mlag_default_route *route)
{
	world->members[member].defaults[index] = *route;
	world->members[member].defaults[index].family = index == 0 ? 4 : 6;
	world_observe_default(world, member, index);
}

/* The route there is ours: of this very next hop. */
static bool is_active(const struct world_member *member, uint32_t index)
{
	return member->last_resorts[index].state == MLAG_LAST_RESORT_ACTIVE;
}

const char *world_check_last_resort_live(const struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		for (uint32_t i = 0; i < 2; i++) {
			const struct mlag_default_route *there = &world->members[1 - m].defaults[i];
			bool helps = world->members[m].last_resorts[i].armed &&
				     !world->members[m].defaults[i].present && there->present &&
				     there->hops[0].ifindex != WORLD_PEER_LINK;

			if (is_active(&world->members[m], i) != helps) {
				return "LIVE-31: the last resort is not what the routes ask for";
			}
		}
	}
	return NULL;
}

const char *world_check_last_resort(const struct world *world)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (is_active(&world->members[0], i) && is_active(&world->members[1], i)) {
			return "SAFE-31: both members send by each other as their last resort";
		}
	}
	return NULL;
}
