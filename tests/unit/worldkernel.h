/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernels of a world, for world.c only. */
#ifndef MLAG_TESTS_WORLDKERNEL_H
#define MLAG_TESTS_WORLDKERNEL_H

#include "world.h"

/** world_judge_holds() - SAFE-32 and LIVE-32, after each quantum; a text or NULL */
const char *world_judge_holds(struct world *world);

void world_step(struct world *world, uint32_t member, const struct mlag_event *event);
bool worldkernel_distributes(const struct world *world, const struct world_leg *leg);
void worldkernel_apply_leg(struct world *world, uint32_t member,
			   const struct mlag_leg_program *program);
void worldkernel_set_source(struct world *world, uint32_t member,
			    const struct mlag_fdb_operation *operation);
void worldkernel_apply_fdb(struct world *world, uint32_t member,
			   const struct mlag_fdb_operation *operation);
void worldkernel_dump(struct world *world, uint32_t member);
void worldkernel_deliver_events(struct world *world, uint32_t member);
void worldkernel_start_neighbors(struct world *world, uint32_t member);
void worldkernel_deliver_neighbors(struct world *world, uint32_t member);
void worldkernel_apply_neighbors(struct world *world, uint32_t member);

#endif
