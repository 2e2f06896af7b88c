/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of verdicts and roles in the world of world.h, at every moment.
 */
#include <string.h>

#include "engine.h"
#include "worldkernel.h"

#define AUDIBLE_NS WORLD_SECOND /* until a peer that can be heard must have been */

static void complain(struct world *world, const char *complaint)
{
	if (world->complaint == NULL) {
		world->complaint = complaint;
	}
}

/* Note since when what holds; any loss makes it a matter of luck. */
static void note_paths(struct world *world)
{
	bool sure = world->hello_loss_percent == 0;
	bool link = world->peer_link && world->link_passes[0] && world->link_passes[1];
	bool both = worldkernel_is_awake(world, 0) && worldkernel_is_awake(world, 1);

	if (!(sure && link && both)) {
		world->link_good_ns = 0;
	} else if (world->link_good_ns == 0) {
		world->link_good_ns = world->now_ns;
	}
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct world_member *member = &world->members[m];
		bool audible = sure && both &&
			       ((world->peer_link && world->link_passes[1 - m]) ||
				world->backup_passes[1 - m]);

		member->link_unmet = member->link_unmet && !(link && both);
		if (!audible) {
			member->peer_audible_ns = 0;
		} else if (member->peer_audible_ns == 0) {
			member->peer_audible_ns = world->now_ns;
		}
		if ((world->peer_link && world->link_passes[1 - m]) || !both) {
			member->deaf_ns = 0; /* or reads what came before it was stopped */
		} else if (member->deaf_ns == 0) {
			member->deaf_ns = world->now_ns;
		}
	}
}

/* A start that was over for a moment is over. */
void worldjudge_hear_verdict(struct world_member *member, const char *text)
{
	if (strcmp(text, mlag_verdict_text(MLAG_VERDICT_STARTING)) != 0 &&
	    strcmp(text, mlag_verdict_text(MLAG_VERDICT_SPLIT)) != 0) {
		member->link_unmet = false;
	}
}

void worldjudge_start_over(struct world *world)
{
	world->link_good_ns = 0;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world->members[m].peer_audible_ns = 0;
	}
}

static bool is_since(const struct world *world, uint64_t since_ns)
{
	return since_ns != 0 && world->now_ns - since_ns >
					AUDIBLE_NS + world->hello_delay_ns + 2 * world->latency_ns;
}

/* R2: what the peer link carries no more, nobody's word of before lifts R1 for. */
static bool is_lifted(const struct world_member *member)
{
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		const struct mlag_port *port = &member->legs[lag].port;

		if (port->kind == MLAG_PORT_LEG &&
		    ((port->isolated[WORLD_VLAN / 64] >> (WORLD_VLAN % 64)) & 1) == 0) {
			return true;
		}
	}
	return false;
}

static void judge_isolation(struct world *world, struct world_member *member,
			    enum mlag_verdict verdict)
{
	if (world->peer_link && verdict != MLAG_VERDICT_SPLIT) {
		member->lost_ns = 0;
	} else if (member->lost_ns == 0) {
		member->lost_ns = world->now_ns;
	}
	if (is_lifted(member) && is_since(world, member->lost_ns)) {
		complain(world, "R2: the peer link is lost, and R1 is not back in force");
	}
}

static void judge_member(struct world *world, uint32_t m)
{
	struct world_member *member = &world->members[m];
	uint64_t hold_ns = member->config.restart_hold_ns + member->config.restart_hold_ns / 5;
	struct mlag_view view;
	bool alone;

	mlag_get_view(member->engine, &view);
	judge_isolation(world, member, view.verdict);
	alone = view.verdict == MLAG_VERDICT_ALONE || view.verdict == MLAG_VERDICT_ALONE_UNSURE;
	if (alone && is_since(world, member->peer_audible_ns)) {
		complain(world, "SAFE-14: alone, and the peer can be heard");
	}
	if (view.verdict == MLAG_VERDICT_PEERED &&
	    (is_since(world, member->deaf_ns) || is_since(world, world->members[1 - m].deaf_ns))) {
		complain(world, "SAFE-15: peered over a peer link that does not pass both ways");
	}
	if (view.verdict == MLAG_VERDICT_SPLIT && is_since(world, world->link_good_ns)) {
		complain(world, "SAFE-15: split over a peer link that passes both ways");
	}
	if (view.verdict == MLAG_VERDICT_SPLIT && member->link_unmet &&
	    world->now_ns - member->fresh_ns < member->config.startup_wait_ns) {
		complain(
			world,
			"SAFE-15: split from a peer link that was never there, before startup-wait");
	}
	if (view.verdict != member->verdict) {
		world->verdicts[view.verdict]++;
		if (view.verdict == MLAG_VERDICT_ALONE && world->peer_link &&
		    view.peer_finding != MLAG_PEER_FINDING_FENCED && member->hello_heard_ns != 0 &&
		    world->now_ns - member->hello_heard_ns + world->hello_delay_ns +
				    2 * world->latency_ns <
			    hold_ns) {
			complain(world, "SAFE-16: alone behind carrier before restart-hold passed");
		}
		member->verdict = view.verdict;
	}
}

void worldjudge_verdicts(struct world *world)
{
	struct mlag_view views[WORLD_MEMBERS];

	note_paths(world);
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (worldkernel_is_awake(world, m)) {
			judge_member(world, m);
		} else {
			world->members[m].lost_ns = 0;
		}
	}
	if (world->link_good_ns == 0) {
		world->one_role_ns = 0;
		return;
	}
	mlag_get_view(world->members[0].engine, &views[0]);
	mlag_get_view(world->members[1].engine, &views[1]);
	if (views[0].role != views[1].role) {
		world->one_role_ns = 0;
	} else if (world->one_role_ns == 0) {
		world->one_role_ns = world->now_ns;
	}
	if (is_since(world, world->link_good_ns) && is_since(world, world->one_role_ns)) {
		complain(world, "SAFE-17: two members that hear each other have one role");
	}
}

const char *world_check_verdicts(const struct world *world)
{
	return world->complaint;
}

bool world_holds_claims(const struct table *here, const struct table *there)
{
	struct table_row *row;
	uint32_t cursor = 0;
	uint32_t claims = 0;

	while ((row = table_next(there, &cursor)) != NULL) {
		const struct table_row *heard;

		if (!table_row_is_own(row)) {
			continue;
		}
		claims++;
		heard = table_find(here, table_key(there, row));
		if (heard == NULL || !table_row_is_peer(heard) || heard->peer_seq != row->own_seq ||
		    memcmp(table_peer(here, heard), table_own(there, row),
			   here->class->value_size) != 0) {
			return false;
		}
	}
	for (cursor = 0; (row = table_next(here, &cursor)) != NULL;) {
		claims -= table_row_is_peer(row);
	}
	return claims == 0;
}
