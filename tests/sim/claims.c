/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims (see claims.h).  Most wrong claims do no harm but for some milliseconds, and many of those
 * are put right by others: these checks look at the claim itself.
 */
#include "claims.h"

#include "engine.h"
#include "leg.h"

#define MOVE_NS (WORLD_SECOND / 2) /* until everybody has heard of a move */

static bool is_isolated(const struct mlag_port *port)
{
	return ((port->isolated[WORLD_VLAN / 64] >> (WORLD_VLAN % 64)) & 1) != 0;
}

/*
 * By the program; or there is none yet, and the port that was just made a leg does not flood; or it
 * takes none and has no carrier, so that nothing leaves by it.
 */
static bool holds_back(const struct world_leg *leg)
{
	bool is_dark = leg->port.kind != MLAG_PORT_LEG && !leg->link;

	return is_isolated(&leg->port) || is_dark ||
	       (leg->port.kind == MLAG_PORT_NONE && !leg->flood);
}

/* It says so of this coming-up of the peer's leg, as it knows it itself. */
static bool says_enforced(const struct mlag_engine *engine, const struct table_row *row)
{
	const struct leg_value *peer = leg_peer_value(engine, row);
	const struct leg_value *own;

	if (peer == NULL || !peer->up || !mlag_vlans_has(&peer->vlans, WORLD_VLAN) ||
	    !table_row_is_own(row)) {
		return false;
	}
	own = table_own(&engine->legs, row);
	return own->enforced == peer->generation && leg_of(engine, row)->seen.ifindex != 0;
}

const char *claims_check_enforced(const struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		const struct world_member *member = &world->members[m];
		const struct table_row *row;
		uint32_t cursor = 0;

		if (!member->running || member->stopped) {
			continue;
		}
		while ((row = table_next(&member->engine->legs, &cursor)) != NULL) {
			const struct leg_key *key = table_key(&member->engine->legs, row);
			const struct world_leg *leg = &member->legs[key->lag_id - 1];

			if (says_enforced(member->engine, row) && !holds_back(leg)) {
				return "SAFE-4: R1 is said to be in force, and is not";
			}
		}
	}
	return NULL;
}

static uint32_t place_of(const struct world *world, uint32_t host, uint32_t sender, uint32_t member)
{
	const struct world_member *m = &world->members[member];

	if (host < WORLD_LAGS) {
		return m->legs[host].ifindex;
	}
	return sender == member ? m->orphan_ifindex : WORLD_PEER_LINK;
}

const char *claims_check_moves(struct world *world)
{
	static const struct {
		uint32_t host;
		uint32_t member;
	} moves[] = {{WORLD_ORPHAN_HOST(0), 0}, {WORLD_ORPHAN_HOST(1), 1},
		     {WORLD_ORPHAN_HOST(0), 0}, {0, 1},
		     {WORLD_ORPHAN_HOST(1), 1}, {1, 0}};
	const struct mlag_mac mac = {{0x02, 0xcd, 0, 0, 0, 1}};

	for (uint32_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		uint32_t host = moves[i].host;

		if (!world_can_send(world, host, moves[i].member)) {
			continue;
		}
		(void)world_send_mac(world, host, moves[i].member, &mac, WORLD_HOSTS);
		world_run(world, MOVE_NS);
		for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
			if (world_lookup(world, m, &mac).ifindex !=
			    place_of(world, host, moves[i].member, m)) {
				return "R9: a MAC that moved is not where it was last";
			}
		}
	}
	return NULL;
}
