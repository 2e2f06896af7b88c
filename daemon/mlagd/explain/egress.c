// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the bridge does with a frame it has taken: looks its destination up, floods it or sends it to
 * one port; and what the programs at the way out say (R1 to R5).
 */
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <string.h>

#include "explain/walk.h"

/* What a decision at the way out means, in a sentence. */
static const char *reason_sentence(enum mlag_reason reason)
{
	static const char *const sentences[MLAG_REASONS_COUNT] = {
		[MLAG_REASON_ISOLATED] = "came over the peer link, and the peer serves this LAG",
		[MLAG_REASON_ECHO] = "came over the peer link, and its sender is at this LAG",
		[MLAG_REASON_UNKNOWN_SOURCE] =
			"came by a leg that is not open, and the peer cannot tell its sender",
		[MLAG_REASON_PEER_LINK_RETURN] = "came over the peer link, and would go back there",
		[MLAG_REASON_GATE_FLOOD] = "the leg is not open for floods",
		[MLAG_REASON_GATE_REDIRECT] = "the leg is closed: over the peer link instead",
		[MLAG_REASON_NO_PEER_LINK] = "the leg is closed, and there is no peer link",
	};
	const char *sentence = (uint32_t)reason < MLAG_REASONS_COUNT ? sentences[reason] : NULL;

	return sentence != NULL ? sentence : explain_reason_text(reason);
}

static bool is_peer_link(const struct walk *walk, const struct explain_port *port)
{
	return port->ifindex == walk->scene->domain.peer_link_ifindex;
}

static bool is_leg(const struct explain_port *port)
{
	return port->programmed && port->program.kind == MLAG_PORT_LEG;
}

static bool is_tagged(const struct walk *walk, const struct explain_port *port, uint16_t vlan)
{
	return walk->scene->domain.vlan_aware && vlan != 0 && vlan != port->untagged_vid;
}

static struct explain_copy *copy_at(struct walk *walk, const struct walk_frame *frame,
				    const struct explain_port *port, enum explain_fate fate)
{
	struct explain_copy *copy = walk_copy(walk, EXPLAIN_HERE, fate, port->ifname);

	if (copy != NULL) {
		copy->lag_id = is_leg(port) ? port->program.lag_id : 0;
		copy->peer_link = is_peer_link(walk, port);
		copy->vlan = frame->vlan;
		copy->tagged = is_tagged(walk, port, frame->vlan);
	}
	return copy;
}

/* ---- the programs --------------------------------------------------------------------------- */

static bool find_place(const struct explain_scene *scene, uint16_t vlan, const struct mlag_mac *mac,
		       struct mlag_source *ret)
{
	struct mlag_source_key key = {.vlan = vlan};

	memcpy(key.mac, mac->octets, sizeof(key.mac));
	return scene->lookups->source(scene->user, &key, ret);
}

static void ask_places(const struct explain_scene *scene, uint16_t vlan,
		       const struct walk_frame *frame, struct mlag_frame *ret)
{
	ret->source_asked = 1;
	ret->source_found = find_place(scene, vlan, &frame->source, &ret->source);
	ret->destination_found = find_place(scene, vlan, &frame->destination, &ret->destination);
}

static const struct mlag_port *ingress_program(const struct walk *walk,
					       const struct walk_frame *frame)
{
	const struct explain_port *port = explain_find_port(walk->scene, frame->ingress_ifindex);

	return port != NULL && port->programmed ? &port->program : NULL;
}

static struct mlag_decision decide(const struct walk *walk, const struct walk_frame *frame,
				   const struct explain_port *port, const struct mlag_frame *values)
{
	const struct mlag_domain *domain = &walk->scene->domain;

	if (is_peer_link(walk, port)) {
		return mlag_peer_link_egress(domain, ingress_program(walk, frame), values);
	}
	return mlag_leg_egress(domain, &port->program, values);
}

static bool run(const struct walk *walk, const struct walk_frame *frame,
		const struct explain_port *port, bool tagged, struct mlag_decision *ret)
{
	const struct explain_scene *scene = walk->scene;
	struct explain_run question = {
		.program = is_peer_link(walk, port) ? EXPLAIN_PROGRAM_PEER_LINK
						    : EXPLAIN_PROGRAM_LEG,
		.ifindex = port->ifindex,
		.ingress_ifindex = frame->ingress_ifindex,
		.tagged = tagged,
		.tci = frame->vlan,
		.bytes = frame->bytes,
		.size = frame->size,
	};

	return !scene->assumed && scene->lookups->run != NULL &&
	       scene->lookups->run(scene->user, &question, ret);
}

static void note_isolate(struct walk *walk, const struct walk_frame *frame,
			 const struct explain_port *port, bool ran,
			 const struct mlag_decision *program, const struct mlag_decision *decision)
{
	struct walk_place place = {
		.stage = EXPLAIN_STAGE_ISOLATE,
		.ifname = port->ifname,
		.reason = decision->reason,
	};
	struct explain_step *step = NULL;

	if (walk->quiet && decision->action != MLAG_ACTION_TO_PEER_LINK) {
		/* the copy says it */
	} else if (decision->reason != MLAG_REASON_NONE) {
		step = walk_note(walk, place, "%s", reason_sentence(decision->reason));
	} else if (frame->ingress == NULL && walk->from_peer_link) {
		place.rule = "R4";
		step = walk_note(walk, place, "a routed packet is a new frame: may leave");
	} else if (walk->from_peer_link && is_leg(port)) {
		place.rule = "R2";
		step = walk_note(walk, place,
				 "came over the peer link, but the peer does not "
				 "serve this LAG: may leave");
	} else {
		step = walk_note(walk, place, "may leave");
	}
	walk_compare(walk, step, ran, program, decision);
}

/* The decision of the program at the way out of a port. */
static struct mlag_decision isolate(struct walk *walk, const struct walk_frame *frame,
				    const struct explain_port *port)
{
	struct mlag_tag tag = {
		.beside = is_tagged(walk, port, frame->vlan),
		.beside_tci = frame->vlan,
	};
	const struct mlag_domain *domain = &walk->scene->domain;
	uint16_t untagged_vid = is_peer_link(walk, port) ? domain->peer_link_untagged_vid
							 : port->program.untagged_vid;
	struct mlag_vlan vlan = mlag_vlan_of(domain->vlan_aware, untagged_vid, &tag);
	struct mlag_frame values = {
		.ingress_ifindex = frame->ingress_ifindex,
		.vlan = vlan.vid,
		.group = walk_is_group(frame),
		.reserved = mlag_mac_is_reserved(frame->destination.octets),
	};
	struct mlag_decision decision = mlag_pass();
	struct mlag_decision program = mlag_pass();
	bool ran;

	if (!is_leg(port) && !is_peer_link(walk, port)) {
		return decision; /* an orphan's port has no program there */
	}
	if (!walk_has_program(walk, port)) {
		(void)walk_note(walk,
				(struct walk_place){.stage = EXPLAIN_STAGE_ISOLATE,
						    .ifname = port->ifname},
				"the program is not there: everything may leave");
		return decision;
	}
	decision = decide(walk, frame, port, &values);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_places(walk->scene, vlan.vid, frame, &values);
		decision = decide(walk, frame, port, &values);
	}
	ran = run(walk, frame, port, tag.beside, &program);
	note_isolate(walk, frame, port, ran, &program, &decision);
	return decision;
}

/* ---- one port ------------------------------------------------------------------------------- */

static void leave(struct walk *walk, const struct walk_frame *frame,
		  const struct explain_port *port)
{
	struct mlag_decision decision = isolate(walk, frame, port);

	if (decision.action == MLAG_ACTION_DROP) {
		struct explain_copy *copy = copy_at(walk, frame, port, EXPLAIN_FATE_DROPPED);

		walk_blame(copy, decision.reason);
		walk_say(copy, "%s", reason_sentence(decision.reason));
	} else if (decision.action == MLAG_ACTION_TO_PEER_LINK) {
		walk_blame(copy_at(walk, frame, port, EXPLAIN_FATE_REDIRECTED), decision.reason);
		walk_over_peer_link(walk, frame);
	} else if (!port->carrier) {
		walk_say(copy_at(walk, frame, port, EXPLAIN_FATE_DROPPED), "no carrier");
	} else {
		(void)copy_at(walk, frame, port, EXPLAIN_FATE_SENT);
		if (is_peer_link(walk, port)) {
			walk_peer(walk, frame);
		}
	}
}

void walk_over_peer_link(struct walk *walk, const struct walk_frame *frame)
{
	const struct explain_port *port = explain_peer_link(walk->scene);

	if (port == NULL) {
		walk_say(walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_DROPPED, ""),
			 "there is no peer link");
		return;
	}
	leave(walk, frame, port);
}

/* Why the bridge would not send it there; NULL when it would. */
static const char *refusal(const struct walk *walk, const struct walk_frame *frame,
			   const struct explain_port *port)
{
	if (port->ifindex == frame->ingress_ifindex) {
		return "it came from there";
	}
	if (walk->scene->domain.vlan_aware && !mlag_vlans_has(&port->vlans, frame->vlan)) {
		return "the VLAN is not allowed there";
	}
	if (port->state != BR_STATE_FORWARDING) {
		return port->carrier ? "the port does not forward" : "no carrier";
	}
	if (port->is_isolated && frame->ingress != NULL && frame->ingress->is_isolated) {
		return "both ports are isolated by the bridge";
	}
	return NULL;
}

/* Known unicast; a port without carrier has another in its place. */
static void send_to(struct walk *walk, const struct walk_frame *frame,
		    const struct explain_port *port)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_BRIDGE, .ifname = port->ifname};
	const struct explain_port *backup = explain_find_port(walk->scene, port->backup_ifindex);
	const char *why;

	if (!port->carrier && backup != NULL) {
		place.rule = "R5";
		(void)walk_note(walk, place, "no carrier: the bridge takes %s instead",
				backup->ifname);
		port = backup;
		place.ifname = port->ifname;
	}
	why = refusal(walk, frame, port);
	if (why != NULL) {
		place.rule = "";
		(void)walk_note(walk, place, "the bridge does not send it there: %s", why);
		walk_say(copy_at(walk, frame, port, EXPLAIN_FATE_DROPPED), "%s", why);
		return;
	}
	if (is_peer_link(walk, port) && walk->is_handed) {
		walk_verdict(walk, EXPLAIN_VERDICT_TO_PEER);
	}
	walk_verdict(walk, EXPLAIN_VERDICT_BRIDGED);
	leave(walk, frame, port);
}

/* ---- many ports ----------------------------------------------------------------------------- */

static bool is_broadcast(const struct walk_frame *frame)
{
	static const struct mlag_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	return memcmp(&frame->destination, &broadcast, sizeof(broadcast)) == 0;
}

/* The machine's own group frames are exempt from the ports' flags. */
static bool is_flooded_to(const struct walk_frame *frame, const struct explain_port *port)
{
	if (!walk_is_group(frame)) {
		return port->flood;
	}
	if (frame->ingress == NULL) {
		return true;
	}
	return is_broadcast(frame) ? port->bcast_flood : port->mcast_flood;
}

static void flood_to(struct walk *walk, const struct walk_frame *frame,
		     const struct explain_port *port)
{
	const char *why = refusal(walk, frame, port);
	struct explain_copy *copy;

	if (port->ifindex == frame->ingress_ifindex ||
	    (walk->scene->domain.vlan_aware && !mlag_vlans_has(&port->vlans, frame->vlan))) {
		return;
	}
	if (why == NULL && is_flooded_to(frame, port)) {
		leave(walk, frame, port);
		return;
	}
	copy = copy_at(walk, frame, port, EXPLAIN_FATE_DROPPED);
	walk_say(copy, "%s", why != NULL ? why : "the bridge does not flood to it");
	if (copy != NULL && why == NULL && is_leg(port)) {
		copy->rule = "R3";
	}
}

static void flood(struct walk *walk, const struct walk_frame *frame)
{
	const struct explain_scene *scene = walk->scene;
	struct walk_place place = {
		.stage = EXPLAIN_STAGE_BRIDGE,
		.ifname = scene->bridge_ifname,
		.rule = "R3",
	};

	walk_verdict(walk, EXPLAIN_VERDICT_FLOODED);
	(void)walk_note(walk, place, "flooded %s",
			walk->from_peer_link && frame->ingress != NULL
				? "to orphans, and to LAGs that the peer does not serve"
				: "to the ports of the VLAN, and to the peer link");
	if (walk_is_group(frame) && !is_broadcast(frame) && scene->snooping) {
		place.rule = "R11";
		(void)walk_note(walk, place,
				"multicast snooping is on: groups are not looked at here");
	}
	walk->quiet = true;
	for (uint32_t i = 0; i < scene->ports_count; i++) {
		flood_to(walk, frame, &scene->ports[i]);
	}
	walk->quiet = false;
}

/* ---- where to ------------------------------------------------------------------------------- */

static void note_place(struct walk *walk, const struct walk_frame *frame,
		       const struct explain_port *port, enum mlag_fdb_kind kind)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_FDB, .ifname = port->ifname};
	char mac[WALK_MAC_SIZE];

	if (is_leg(port)) {
		place.rule = "R6";
	} else if (is_peer_link(walk, port)) {
		place.rule = kind == MLAG_FDB_STICKY ? "R20" : "R8";
	}
	(void)walk_note(walk, place, "the bridge has %s there (%s)",
			walk_mac_text(&frame->destination, mac), mlag_fdb_kind_text(kind));
}

/* What can be unknown is a host; a router's MAC is pinned. */
static void look_up(const struct walk *walk, const struct walk_frame *frame,
		    struct explain_fdb *ret)
{
	const struct explain_scene *scene = walk->scene;
	struct mlag_mac_key key = {.vlan = frame->vlan, .mac = frame->destination};

	memset(ret, 0, sizeof(*ret));
	scene->lookups->fdb(scene->user, &key, ret);
	if (scene->without_mac && ret->place == EXPLAIN_FDB_PORT && ret->kind != MLAG_FDB_STICKY) {
		memset(ret, 0, sizeof(*ret));
	}
}

static void forward_unicast(struct walk *walk, const struct walk_frame *frame)
{
	struct walk_place place = {
		.stage = EXPLAIN_STAGE_FDB,
		.ifname = walk->scene->bridge_ifname,
	};
	const struct explain_port *port;
	char mac[WALK_MAC_SIZE];
	struct explain_fdb fdb;

	look_up(walk, frame, &fdb);
	port = fdb.place == EXPLAIN_FDB_PORT ? explain_find_port(walk->scene, fdb.ifindex) : NULL;
	(void)walk_mac_text(&frame->destination, mac);
	if (fdb.place == EXPLAIN_FDB_LOCAL) {
		(void)walk_note(walk, place, "%s is an address of this machine", mac);
		walk_stack(walk, frame);
	} else if (port != NULL) {
		note_place(walk, frame, port, fdb.kind);
		send_to(walk, frame, port);
	} else {
		(void)walk_note(walk, place, "the bridge does not know %s", mac);
		flood(walk, frame);
	}
}

void walk_forward(struct walk *walk, const struct walk_frame *frame)
{
	const struct explain_scene *scene = walk->scene;

	if (!walk_is_group(frame)) {
		forward_unicast(walk, frame);
		return;
	}
	if (!scene->domain.vlan_aware || mlag_vlans_has(&scene->bridge_vlans, frame->vlan)) {
		walk_say(walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_STACK, scene->bridge_ifname),
			 "this machine gets a copy");
	}
	flood(walk, frame);
}
