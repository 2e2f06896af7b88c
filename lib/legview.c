/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs as they are told: in our hello, by the peer's, and to people (mlag_get_leg).  What a leg is and
 * does is in leg.c.  Called by pair.c, engine.c and the control socket.
 */
#include <string.h>

#include "engine.h"
#include "leg.h"

static enum leg_word word_of(const struct hello_leg *leg)
{
	if ((leg->flags & HELLO_LEG_OPEN) != 0) {
		return LEG_WORD_OPEN;
	}
	return (leg->flags & HELLO_LEG_UP) != 0 ? LEG_WORD_READY : LEG_WORD_DOWN;
}

/*
 * Hellos overtake each other, and one may come after what the session said later: what was said before
 * a coming-up that is known does not undo it.
 */
static bool is_outdated(const struct mlag_engine *engine, const struct table_row *row,
			const struct hello_leg *leg, uint64_t boot_id)
{
	const struct leg_value *peer = leg_peer_value(engine, row);

	return peer != NULL && boot_id == engine->peer.boot_id &&
	       (int16_t)(uint16_t)(leg->generation - (uint16_t)peer->generation) < 0;
}

void leg_hear_hello(struct mlag_engine *engine, const struct hello_leg *legs, uint32_t count,
		    uint64_t boot_id)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		struct leg *leg = leg_of(engine, row);

		leg->word = leg->configured ? LEG_WORD_DOWN : LEG_WORD_NONE;
		for (uint32_t i = 0; leg->configured && i < count; i++) {
			if (legs[i].lag_id == leg_lag_id(engine, row)) {
				leg->word = is_outdated(engine, row, &legs[i], boot_id)
						    ? LEG_WORD_NONE
						    : word_of(&legs[i]);
				leg->word_generation = legs[i].generation;
				break;
			}
		}
	}
	engine->hello_legs_known = true;
}

void leg_forget_hello(struct mlag_engine *engine)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		leg_of(engine, row)->word = LEG_WORD_NONE;
	}
	engine->hello_legs_known = false;
}

uint16_t leg_fill_hello(const struct mlag_engine *engine, struct hello_leg *ret_legs)
{
	struct table_row *row;
	uint32_t cursor = 0;
	uint16_t count = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL && count < MLAG_LEGS_MAX) {
		const struct leg *leg = leg_of(engine, row);

		if (leg->configured) {
			ret_legs[count].lag_id = leg_lag_id(engine, row);
			ret_legs[count].generation = (uint16_t)leg->generation;
			ret_legs[count].flags =
				(uint8_t)((leg_says_up(leg) ? HELLO_LEG_UP : 0) |
					  (leg_says_open(leg) ? HELLO_LEG_OPEN : 0));
			count++;
		}
	}
	return count;
}

static bool is_same_system(const struct mlag_mac *a, const struct mlag_mac *b)
{
	static const struct mlag_mac none;

	return memcmp(a, &none, sizeof(none)) != 0 && memcmp(a, b, sizeof(none)) == 0;
}

/* The LAG of the peer's whose LACP partner is ours under another id, or 0: ids were mixed up. */
static uint16_t find_partner_elsewhere(const struct mlag_engine *engine,
				       const struct mlag_leg_view *view)
{
	struct table_row *row;
	uint32_t cursor = 0;

	while ((row = table_next(&engine->legs, &cursor)) != NULL) {
		const struct leg_value *peer = leg_peer_value(engine, row);

		if (peer != NULL && leg_lag_id(engine, row) != view->lag_id &&
		    is_same_system(&view->partner_mac, &peer->partner_mac)) {
			return leg_lag_id(engine, row);
		}
	}
	return 0;
}

bool mlag_get_leg(const struct mlag_engine *engine, uint32_t index, struct mlag_leg_view *ret_view)
{
	static const struct mlag_mac none;
	const struct leg_value *peer;
	const struct leg *leg;
	struct table_row *row;
	uint32_t cursor = 0;

	do {
		row = table_next(&engine->legs, &cursor);
		if (row == NULL) {
			return false;
		}
		if (!leg_of(engine, row)->configured && !table_row_is_peer(row)) {
			index++;
		}
	} while (index-- > 0);
	leg = leg_of(engine, row);
	peer = leg_peer_value(engine, row);
	memset(ret_view, 0, sizeof(*ret_view));
	ret_view->lag_id = leg_lag_id(engine, row);
	ret_view->ifindex = leg->seen.ifindex;
	ret_view->state = leg->state;
	ret_view->hold = leg->hold.reason;
	ret_view->held = leg->hold.stage == HOLD_STAGE_DOWN && !leg->seen.carrier;
	ret_view->since_ns = leg->since_ns;
	ret_view->generation = leg->generation;
	ret_view->partner_mac = leg->seen.partner_mac;
	if (peer != NULL) {
		ret_view->peer_present = true;
		ret_view->peer_up = peer->up;
		ret_view->peer_open = peer->open;
		ret_view->peer_isolates = leg->configured && leg->generation != 0 &&
					  peer->enforced == leg->generation;
		ret_view->peer_partner_mac = peer->partner_mac;
		ret_view->peer_vlans = peer->vlans;
		ret_view->mode_differs = leg->configured && leg->seen.ifindex != 0 &&
					 peer->lacp != leg->seen.lacp;
	}
	ret_view->partner_elsewhere_lag_id = find_partner_elsewhere(engine, ret_view);
	for (uint32_t i = 0; leg->configured && i < MLAG_VLAN_WORDS; i++) {
		ret_view->isolated |= (leg->program.isolated.words[i] & leg->seen.vlans.words[i]) !=
				      0;
	}
	ret_view->partner_differs =
		memcmp(&ret_view->partner_mac, &none, sizeof(none)) != 0 &&
		memcmp(&ret_view->peer_partner_mac, &none, sizeof(none)) != 0 &&
		!is_same_system(&ret_view->partner_mac, &ret_view->peer_partner_mac);
	return true;
}
