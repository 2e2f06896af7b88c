// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the peer does with what left by the peer link, as far as it is known here: its legs from the
 * table of legs, its hosts from the table of MACs, its own addresses.  The decision is forward.h's,
 * with the peer's legs in the place of ours.  Its orphans' ports, its routes and its devices' names
 * are not known here, and the trace says so.
 */
#include <string.h>

#include "explain/walk.h"

#define PEER_LINK_THERE 1 /* a number for its end of the peer link */

static struct walk_place place_of(enum explain_stage stage, const char *rule)
{
	return (struct walk_place){.member = EXPLAIN_PEER, .stage = stage, .rule = rule};
}

static struct explain_copy *copy_there(struct walk *walk, const struct walk_frame *frame,
				       enum explain_fate fate, uint16_t lag_id)
{
	struct explain_copy *copy = walk_copy(walk, EXPLAIN_PEER, fate, "");

	if (copy != NULL) {
		copy->lag_id = lag_id;
		copy->vlan = frame->vlan;
	}
	return copy;
}

/* ---- its legs ------------------------------------------------------------------------------- */

static uint8_t gate_of(const struct explain_leg *leg)
{
	if (leg->peer_open) {
		return MLAG_GATE_OPEN;
	}
	return leg->peer_up ? MLAG_GATE_UNICAST : MLAG_GATE_CLOSED;
}

static bool find_place(const struct walk *walk, const struct walk_frame *frame,
		       const struct mlag_mac *mac, struct mlag_source *ret)
{
	struct mlag_mac_key key = {.vlan = frame->vlan, .mac = *mac};
	struct mlag_mac_view view;

	if (!walk->scene->lookups->mac(walk->scene->user, &key, &view)) {
		return false;
	}
	ret->lag_id = view.lag_id;
	ret->known = 1;
	return true;
}

/* Where the peer has sender and receiver: both members' claims are known here. */
static void ask_places(const struct walk *walk, const struct walk_frame *frame,
		       struct mlag_frame *ret)
{
	ret->source_asked = 1;
	ret->source_found = find_place(walk, frame, &frame->source, &ret->source);
	ret->destination_found = find_place(walk, frame, &frame->destination, &ret->destination);
}

/* R1 to R3 at a leg of the peer's. */
static struct mlag_decision decide(const struct walk *walk, const struct walk_frame *frame,
				   const struct explain_leg *leg)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = PEER_LINK_THERE,
		.vlan_aware = walk->scene->domain.vlan_aware,
	};
	struct mlag_port port = {
		.kind = MLAG_PORT_LEG,
		.gate = gate_of(leg),
		.lag_id = leg->lag_id,
	};
	struct mlag_frame values = {
		.ingress_ifindex = PEER_LINK_THERE,
		.vlan = frame->vlan,
		.group = walk_is_group(frame),
	};
	const struct explain_port *own = explain_find_port(walk->scene, leg->ifindex);
	struct mlag_decision decision;

	if (leg->peer_isolates && own != NULL) {
		memcpy(port.isolated, own->vlans.words, sizeof(port.isolated));
	}
	decision = mlag_leg_egress(&domain, &port, &values);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_places(walk, frame, &values);
		decision = mlag_leg_egress(&domain, &port, &values);
	}
	return decision;
}

/* Return: whether it leaves by that leg. */
static bool leave(struct walk *walk, const struct walk_frame *frame, const struct explain_leg *leg)
{
	struct mlag_decision decision = decide(walk, frame, leg);
	struct explain_copy *copy;

	if (!leg->peer_up) {
		walk_say(copy_there(walk, frame, EXPLAIN_FATE_DROPPED, leg->lag_id),
			 "its leg is down");
		return false;
	}
	if (decision.action == MLAG_ACTION_DROP) {
		copy = copy_there(walk, frame, EXPLAIN_FATE_DROPPED, leg->lag_id);
		walk_blame(copy, decision.reason);
		walk_say(copy, decision.reason == MLAG_REASON_ISOLATED ? "it isolates the LAG: our "
									 "leg is up"
			       : decision.reason == MLAG_REASON_ECHO
				       ? "the sender is at this LAG"
				       : "its leg is not open for this");
		return false;
	}
	copy = copy_there(walk, frame, EXPLAIN_FATE_SENT, leg->lag_id);
	if (copy != NULL) {
		copy->rule = "R2";
	}
	return true;
}

/* Its leg of the LAG is there, in the VLAN of the frame. */
static bool is_in_vlan(const struct walk *walk, const struct walk_frame *frame,
		       const struct explain_leg *leg)
{
	return leg->peer_present &&
	       (!walk->scene->domain.vlan_aware || mlag_vlans_has(&leg->peer_vlans, frame->vlan));
}

static void flood(struct walk *walk, const struct walk_frame *frame)
{
	const struct explain_scene *scene = walk->scene;

	(void)walk_note(walk, place_of(EXPLAIN_STAGE_BRIDGE, "R3"),
			"the peer floods it to its orphans and to LAGs whose leg here is down");
	walk_say(copy_there(walk, frame, EXPLAIN_FATE_UNKNOWN, 0),
		 "its orphans in the VLAN; which it has is not known here");
	if (walk_is_group(frame)) {
		walk_say(copy_there(walk, frame, EXPLAIN_FATE_STACK, 0),
			 "the peer itself, if it has a device in the VLAN");
	}
	for (uint32_t i = 0; i < scene->legs_count; i++) {
		if (is_in_vlan(walk, frame, &scene->legs[i])) {
			(void)leave(walk, frame, &scene->legs[i]);
		}
	}
}

/* ---- one destination ------------------------------------------------------------------------ */

static void to_host(struct walk *walk, const struct walk_frame *frame,
		    const struct mlag_mac_view *view)
{
	const struct explain_leg *leg = explain_find_leg(walk->scene, view->lag_id);

	if (view->lag_id == 0 && view->peer) {
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_FDB, "R8"),
				"the peer has the MAC at an orphan of its own");
		walk_say(copy_there(walk, frame, EXPLAIN_FATE_SENT, 0), "to its orphan");
	} else if (leg != NULL && is_in_vlan(walk, frame, leg)) {
		bool sent;

		(void)walk_note(walk, place_of(EXPLAIN_STAGE_FDB, "R8"),
				"the peer has the MAC at its leg of LAG %u", leg->lag_id);
		sent = leave(walk, frame, leg);
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_ISOLATE, sent ? "R2" : "R1"),
				sent ? "the leg here does not serve the LAG, so the peer's does"
				     : "the peer does not send it there");
	} else {
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_FDB, NULL),
				"the peer has the MAC here, and nothing goes back");
		walk_blame(copy_there(walk, frame, EXPLAIN_FATE_DROPPED, 0),
			   MLAG_REASON_PEER_LINK_RETURN);
	}
}

static bool is_its_own(const struct walk *walk, const struct walk_frame *frame, uint32_t domain)
{
	const struct explain_scene *scene = walk->scene;
	struct mlag_address key;

	memset(&key, 0, sizeof(key));
	key.domain = domain;
	key.family = frame->ip.family;
	memcpy(key.octets, frame->ip.destination, sizeof(key.octets));
	return scene->lookups->owner(scene->user, &key) == MLAG_OWNER_PEER;
}

static void to_router(struct walk *walk, const struct walk_frame *frame, uint32_t domain)
{
	struct mlag_packet packet = {.family = frame->ip.family};

	memcpy(packet.destination, frame->ip.destination, sizeof(packet.destination));
	if (packet.family == 0 || !mlag_packet_is_routable(&packet)) {
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_STACK, "R23"),
				"the peer takes it for itself");
		(void)copy_there(walk, frame, EXPLAIN_FATE_STACK, 0);
	} else if (is_its_own(walk, frame, domain)) {
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_STACK, "R22"),
				"an address of the peer's own: it takes it, hop limit %u untouched",
				frame->ip.hop_limit);
		(void)copy_there(walk, frame, EXPLAIN_FATE_STACK, 0);
	} else if (frame->ip.hop_limit <= 1) {
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_ROUTE, "R24"),
				"the hop limit ends at the peer: ICMP time exceeded from there");
		walk_say(copy_there(walk, frame, EXPLAIN_FATE_DROPPED, 0), "answered by the peer");
	} else {
		(void)walk_note(walk, place_of(EXPLAIN_STAGE_ROUTE, NULL),
				"the peer routes it, hop limit %u; its routes are not known here",
				frame->ip.hop_limit - 1u);
		walk_say(copy_there(walk, frame, EXPLAIN_FATE_UNKNOWN, 0),
			 "as the peer's routes say");
	}
}

/* Return: false when there is nobody to follow the frame to. */
static bool note_peer(struct walk *walk)
{
	const struct explain_scene *scene = walk->scene;
	struct walk_place place = place_of(EXPLAIN_STAGE_PEER_LINK, NULL);

	if (scene->peer_dead) {
		(void)walk_note(walk, place, "the peer is dead: it is lost");
		return false;
	}
	if (!scene->peer_known) {
		(void)walk_note(walk, place, "no peer was heard yet: what it does is not known");
		return false;
	}
	(void)walk_note(walk, place, "over the peer link, tagged as that is there%s",
			scene->peer_alive ? "" : "; the peer's daemon is not heard: as last known");
	return true;
}

void walk_peer(struct walk *walk, const struct walk_frame *frame)
{
	const struct explain_scene *scene = walk->scene;
	struct mlag_router_key router_key = {.vlan = frame->vlan};
	struct mlag_mac_key key = {.vlan = frame->vlan, .mac = frame->destination};
	struct mlag_router router;
	struct mlag_mac_view view;

	if (walk->peer_reached) {
		return;
	}
	walk->peer_reached = true;
	if (!note_peer(walk)) {
		(void)copy_there(walk, frame,
				 scene->peer_dead ? EXPLAIN_FATE_DROPPED : EXPLAIN_FATE_UNKNOWN, 0);
		return;
	}
	memcpy(router_key.mac, frame->destination.octets, sizeof(router_key.mac));
	if (scene->lookups->router(scene->user, &router_key, &router) &&
	    router.owner == MLAG_OWNER_PEER) {
		to_router(walk, frame, router.domain);
	} else if (!walk_is_group(frame) && !scene->without_mac &&
		   scene->lookups->mac(scene->user, &key, &view)) {
		to_host(walk, frame, &view);
	} else {
		flood(walk, frame);
	}
}
