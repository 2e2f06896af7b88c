/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a world, for world*.c only. */
#ifndef MLAG_TESTS_WORLDKERNEL_H
#define MLAG_TESTS_WORLDKERNEL_H

#include "world.h"

/** worldjudge_verdicts() - what must hold of verdicts, after each quantum */
void worldjudge_verdicts(struct world *world);

/** worldjudge_start_over() - something changed, and may have changed back before anybody looked */
void worldjudge_start_over(struct world *world);

/** worldjudge_hear_verdict() - a member concludes something, which may be over before anybody looks */
void worldjudge_hear_verdict(struct world_member *member, const char *text);

/** world_judge_holds() - SAFE-32 and LIVE-32, after each quantum; a text or NULL */
const char *world_judge_holds(struct world *world);

/** worldfdb_note_claims() - what a daemon claims of what its kernel sees, after each of its turns */
void worldfdb_note_claims(struct world *world, uint32_t member);

/** worldfdb_forget_claims() - a daemon starts, which may know nothing of the numbers before */
void worldfdb_forget_claims(struct world *world, uint32_t member);

/** worldfdb_judge() - SAFE-37 of one write, before it is done */
void worldfdb_judge(struct world *world, uint32_t member,
		    const struct mlag_fdb_operation *operation);

/* Of the daemons, in world.c. */
bool worldkernel_is_awake(const struct world *world, uint32_t member);
void worldkernel_run_member(struct world *world, uint32_t member);
void worldkernel_report_peer_link(struct world *world, uint32_t member);
void worldkernel_observe_leg(struct world *world, uint32_t member, uint32_t lag);
void world_step(struct world *world, uint32_t member, const struct mlag_event *event);
bool worldkernel_distributes(const struct world *world, const struct world_leg *leg);
/* False: no leg has the device that the program is for. */
bool worldkernel_apply_leg(struct world *world, uint32_t member,
			   const struct mlag_leg_program *program);
void worldkernel_flush_port(struct world *world, uint32_t member, uint32_t ifindex);
void worldkernel_set_entry(struct world *world, uint32_t member, const struct mlag_mac_key *key,
			   const struct mlag_fdb_entry *value);
void worldkernel_set_source(struct world *world, uint32_t member,
			    const struct mlag_fdb_operation *operation);
void worldkernel_apply_fdb(struct world *world, uint32_t member,
			   const struct mlag_fdb_operation *operation);
void worldkernel_dump(struct world *world, uint32_t member);
void worldkernel_deliver_events(struct world *world, uint32_t member);
void worldkernel_start_neighbors(struct world *world, uint32_t member);
void worldkernel_deliver_neighbors(struct world *world, uint32_t member);
void worldkernel_apply_neighbors(struct world *world, uint32_t member);

/* The guards: what their member's daemon says renews the lease, what the peer's says they hear. */
void worldguard_renew(struct world *world, uint32_t member, const uint8_t *hello, uint32_t size);
void worldguard_hear(struct world *world, uint32_t member, const uint8_t *hello, uint32_t size);
void worldguard_start(struct world *world, uint32_t member);
void worldguard_run(struct world *world, uint32_t member);

/* Hellos of a daemon, and to it. */
void worldhello_say(struct world *world, uint32_t member);
void worldhello_deliver(struct world *world, uint32_t member);

/** worldroutes_apply() - what the daemon says of the last resort is done */
void worldroutes_apply(struct world *world, uint32_t member);

/** world_say() - send a hello by every path */
void world_say(struct world *world, uint32_t member, const uint8_t *data, uint32_t size);

/** worldlies_pass() - time passes, for clocks that stand still */
void worldlies_pass(struct world *world, uint64_t duration_ns);

/** worldlies_tell_carrier() - the daemon is told of a leg's carrier, perhaps late */
void worldlies_tell_carrier(struct world *world, uint32_t member, uint32_t lag);

/** worldlies_set_slices() - how many rows the engine of a daemon that starts looks at in one go */
void worldlies_set_slices(struct world *world, uint32_t member);

/** world_change_carrier() - carrier follows cable and guard */
void world_change_carrier(struct world *world, uint32_t member, uint32_t lag);

#endif
