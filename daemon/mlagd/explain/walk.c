// SPDX-License-Identifier: BSD-2-Clause
/*
 * The first half of a walk: a frame arrives, the receive program sees it (R20 to R26), the bridge
 * takes it or not.  What the bridge and this machine then do with it is in egress.c and stack.c.
 *
 * The order is the kernel's: programs at tc ingress come before the bridge's own checks, so a frame
 * may be rewritten that the bridge then refuses.
 */
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "explain/walk.h"

/* A decision of receive, and what it was made of. */
struct reception {
	struct mlag_packet packet;
	struct mlag_decision decision;
	struct mlag_decision program;
	bool ran;
};

void walk_compare(struct walk *walk, struct explain_step *step, bool ran,
		  const struct mlag_decision *program, const struct mlag_decision *decision)
{
	bool differs = ran &&
		       (program->action != decision->action || program->reason != decision->reason);

	if (!ran) {
		return;
	}
	walk->trace->runs++;
	walk->trace->differences += differs ? 1 : 0;
	if (differs && step == NULL) {
		step = walk_note(walk, (struct walk_place){.stage = EXPLAIN_STAGE_ISOLATE},
				 "a program decided otherwise than forward.h");
	}
	if (step != NULL) {
		step->ran = true;
		step->differs = differs;
	}
	if (step != NULL && differs) {
		size_t used = strlen(step->text);

		(void)snprintf(step->text + used, sizeof(step->text) - used,
			       "; but the program says action %d, reason %s: a bug",
			       (int)program->action, explain_reason_text(program->reason));
	}
}

bool walk_has_program(const struct walk *walk, const struct explain_port *port)
{
	return port->programmed && walk->scene->lookups->is_attached(walk->scene->user, port);
}

static const char *kind_text(const struct explain_scene *scene, const struct explain_port *port)
{
	if (port->ifindex == scene->domain.peer_link_ifindex) {
		return "the peer link";
	}
	return port->programmed && port->program.kind == MLAG_PORT_LEG ? "a leg" : "an orphan port";
}

static void note_arrival(struct walk *walk, const struct explain_port *port,
			 const struct explain_frame *frame)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_ARRIVAL, .ifname = port->ifname};
	char tag[24] = "without a tag";

	if (frame->tagged) {
		(void)snprintf(tag, sizeof(tag), "tagged %u", frame->tci & 0xfffu);
	}
	if (port->program.kind == MLAG_PORT_LEG && port->programmed) {
		(void)walk_note(walk, place, "arrives at a leg of LAG %u, %s", port->program.lag_id,
				tag);
	} else {
		(void)walk_note(walk, place, "arrives at %s, %s", kind_text(walk->scene, port),
				tag);
	}
}

/* The frame as decisions see it; VLAN and tag are those of the way in. */
static void take(const struct explain_scene *scene, const struct explain_port *port,
		 const struct explain_frame *frame, struct walk_frame *ret)
{
	struct mlag_tag tag = {.beside = frame->tagged, .beside_tci = frame->tci};

	memset(ret, 0, sizeof(*ret));
	ret->ingress = port;
	ret->ingress_ifindex = port->ifindex;
	ret->vlan = mlag_ingress_vid(scene->domain.vlan_aware, port->ingress_vid, &tag);
	ret->size = frame->size;
	memcpy(ret->bytes, frame->bytes, frame->size);
	memcpy(ret->destination.octets, frame->bytes, ETH_ALEN);
	memcpy(ret->source.octets, frame->bytes + ETH_ALEN, ETH_ALEN);
	if (mlag_family_of(scene->domain.vlan_aware, &tag, frame->ethertype) != 0) {
		explain_frame_ip(frame, &ret->ip);
	}
}

/* ---- receive -------------------------------------------------------------------------------- */

static void read_packet(const struct explain_scene *scene, const struct explain_frame *frame,
			struct mlag_packet *ret)
{
	struct mlag_tag tag = {.beside = frame->tagged, .beside_tci = frame->tci};
	uint32_t available = frame->size - ETH_HLEN;
	uint32_t wanted;

	ret->family = mlag_family_of(scene->domain.vlan_aware, &tag, frame->ethertype);
	wanted = ret->family == 4 ? MLAG_IPV4_HEADER_SIZE : MLAG_IPV6_HEADER_SIZE;
	if (ret->family == 0) {
		return;
	}
	if (available < wanted) {
		ret->malformed = 1;
	} else if (ret->family == 4) {
		mlag_packet_read_ipv4(ret, frame->bytes + ETH_HLEN, available, false);
	} else {
		mlag_packet_read_ipv6(ret, frame->bytes + ETH_HLEN, available);
	}
}

static uint8_t find_owner(const struct explain_scene *scene, const struct mlag_packet *packet)
{
	struct mlag_address key;

	memset(&key, 0, sizeof(key));
	key.domain = packet->router.domain;
	key.family = packet->family;
	memcpy(key.octets, packet->destination, sizeof(key.octets));
	return scene->lookups->owner(scene->user, &key);
}

/*
 * Does our kernel route it, or answer its sender?  Where the program ran, what its own lookup found
 * counts: it does not look at the source, and nobody else can ask in the same way.
 */
static bool is_routed(const struct explain_scene *scene, const struct reception *reception,
		      const struct explain_ip *ip)
{
	struct explain_route route;

	if (reception->ran) {
		return reception->program.reason != MLAG_REASON_NO_ROUTE;
	}
	if (scene->without_route) {
		return false;
	}
	scene->lookups->route(scene->user, reception->packet.router.own_ifindex, ip, &route);
	switch (route.kind) {
	case EXPLAIN_ROUTE_UNREACHABLE:
		return mlag_reject_is_route(reception->packet.router.domain);
	case EXPLAIN_ROUTE_FORWARD:
	case EXPLAIN_ROUTE_PROHIBIT:
	case EXPLAIN_ROUTE_BLACKHOLE:
	case EXPLAIN_ROUTE_SOURCE:
		return mlag_route_is_ours(route.metric);
	case EXPLAIN_ROUTE_NONE:
	case EXPLAIN_ROUTE_LOCAL:
	case EXPLAIN_ROUTE_GROUP:
	case EXPLAIN_ROUTE_OFF:
	case EXPLAIN_ROUTE_FAILED:
		break;
	}
	return false;
}

/* forward.h's decision, with an answer to each of its questions. */
static void decide(const struct explain_scene *scene, const struct explain_port *port,
		   const struct explain_frame *frame, const struct walk_frame *in,
		   struct reception *reception)
{
	struct mlag_tag tag = {.beside = frame->tagged, .beside_tci = frame->tci};
	struct mlag_packet *packet = &reception->packet;
	struct mlag_decision decision;

	packet->group = mlag_mac_is_group(in->destination.octets);
	decision = mlag_receive(&scene->domain, &port->program, packet);
	if (decision.action == MLAG_ACTION_ASK_ROUTER) {
		struct mlag_router_key key = {
			.vlan = mlag_ingress_vid(scene->domain.vlan_aware,
						 port->program.ingress_vid, &tag),
		};

		memcpy(key.mac, in->destination.octets, sizeof(key.mac));
		packet->router_asked = 1;
		packet->router_found = scene->lookups->router(scene->user, &key, &packet->router);
		if (packet->router_found) {
			read_packet(scene, frame, packet);
		}
		decision = mlag_receive(&scene->domain, &port->program, packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ADDRESS) {
		packet->address_asked = 1;
		packet->address_owner = find_owner(scene, packet);
		decision = mlag_receive(&scene->domain, &port->program, packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ROUTE) {
		packet->route_asked = 1;
		packet->route_found = is_routed(scene, reception, &in->ip);
		decision = mlag_receive(&scene->domain, &port->program, packet);
	}
	reception->decision = decision;
}

static void run_receive(const struct walk *walk, const struct explain_port *port,
			const struct explain_frame *frame, struct reception *reception)
{
	const struct explain_scene *scene = walk->scene;
	struct explain_run run = {
		.program = EXPLAIN_PROGRAM_RECEIVE,
		.ifindex = port->ifindex,
		.ingress_ifindex = port->ifindex,
		.tagged = frame->tagged,
		.tci = frame->tci,
		.bytes = frame->bytes,
		.size = frame->size,
	};

	reception->ran = !scene->assumed && scene->lookups->run != NULL &&
			 scene->lookups->run(scene->user, &run, &reception->program);
}

/* What a decision with a reason means, in a sentence. */
static const char *reason_sentence(enum mlag_reason reason)
{
	static const char *const sentences[MLAG_REASONS_COUNT] = {
		[MLAG_REASON_MALFORMED] = "the IP header contradicts itself or the frame: dropped",
		[MLAG_REASON_ROUTED_FOR_PEER] =
			"the peer's router MAC, for somebody else: made ours, to be routed here",
		[MLAG_REASON_PEER_UNPROVEN] =
			"the peer's router MAC; unproven, or no device of ours in the VLAN: to the peer",
		[MLAG_REASON_TO_PEER] =
			"the peer's router MAC and an address of its own: to the peer, untouched",
		[MLAG_REASON_NOT_ROUTABLE] =
			"the peer's router MAC, not IP or never routed: to the peer, untouched",
		[MLAG_REASON_TTL_ZERO] = "no hop is left (TTL or hop limit 0): dropped",
		[MLAG_REASON_NO_ROUTE] =
			"the peer's router MAC, and there is no route here: to the peer, untouched",
	};
	const char *sentence = (uint32_t)reason < MLAG_REASONS_COUNT ? sentences[reason] : NULL;

	return sentence != NULL ? sentence : explain_reason_text(reason);
}

static void note_router(struct walk *walk, const struct explain_port *port,
			const struct walk_frame *in, const struct mlag_packet *packet)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_RECEIVE, .ifname = port->ifname};
	bool is_peers = packet->router.owner == MLAG_OWNER_PEER;
	char mac[WALK_MAC_SIZE];

	if (!packet->router_found) {
		return;
	}
	place.rule = "R20";
	(void)walk_note(walk, place, "%s is a router MAC of %s",
			walk_mac_text(&in->destination, mac),
			is_peers ? "the peer, which this member receives too" : "this member");
	if (is_peers && (walk->scene->peer_dead || !walk->scene->peer_alive)) {
		place.rule = "R26";
		(void)walk_note(walk, place,
				"the peer is not heard; its MAC is received and routed "
				"for all the same");
	}
}

static void note_reception(struct walk *walk, const struct explain_port *port,
			   const struct walk_frame *in, const struct reception *reception)
{
	enum mlag_reason reason = reception->decision.reason;
	struct walk_place place = {
		.stage = EXPLAIN_STAGE_RECEIVE,
		.ifname = port->ifname,
		.reason = reason,
	};
	struct explain_step *step;

	note_router(walk, port, in, &reception->packet);
	if (reason != MLAG_REASON_NONE) {
		step = walk_note(walk, place, "%s", reason_sentence(reason));
	} else if (reception->packet.router_found) {
		step = walk_note(walk, place, "left to this machine");
	} else {
		step = walk_note(walk, place, "%s: left to the bridge",
				 reception->packet.group ? "a group address"
							 : "no router's MAC in this VLAN");
	}
	walk_compare(walk, step, reception->ran, &reception->program, &reception->decision);
}

static void set_destination(struct walk_frame *frame, const uint8_t *mac)
{
	memcpy(frame->destination.octets, mac, ETH_ALEN);
	memcpy(frame->bytes, mac, ETH_ALEN);
}

/* Return: false when nothing is left for the bridge. */
static bool receive(struct walk *walk, const struct explain_port *port,
		    const struct explain_frame *frame, struct walk_frame *in)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_RECEIVE, .ifname = port->ifname};
	struct reception reception = {0};

	if (port->ifindex == walk->scene->domain.peer_link_ifindex) {
		return true; /* nothing runs there: what comes over it is the bridge's */
	}
	if (!walk_has_program(walk, port)) {
		(void)walk_note(walk, place, "the program is not there: the bridge is left alone");
		return true;
	}
	run_receive(walk, port, frame, &reception);
	decide(walk->scene, port, frame, in, &reception);
	note_reception(walk, port, in, &reception);
	if (reception.decision.action == MLAG_ACTION_DROP) {
		walk_blame(walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_DROPPED, port->ifname),
			   reception.decision.reason);
		return false;
	}
	if (reception.decision.action == MLAG_ACTION_TO_PEER_LINK) {
		walk_verdict(walk, EXPLAIN_VERDICT_TO_PEER);
		walk_over_peer_link(walk, in);
		return false;
	}
	if (reception.decision.action == MLAG_ACTION_REWRITE) {
		set_destination(in, reception.packet.router.own_mac);
	} else {
		walk->is_handed = reception.decision.reason != MLAG_REASON_NONE;
	}
	return true;
}

/* ---- the bridge's own checks ---------------------------------------------------------------- */

static const char *state_text(uint8_t state)
{
	static const char *const texts[] = {
		[BR_STATE_DISABLED] = "disabled", [BR_STATE_LISTENING] = "listening",
		[BR_STATE_LEARNING] = "learning", [BR_STATE_FORWARDING] = "forwarding",
		[BR_STATE_BLOCKING] = "blocking",
	};

	return state <= BR_STATE_BLOCKING ? texts[state] : "unknown";
}

/* A locked port takes only what the FDB has there. */
static bool is_locked_out(const struct explain_scene *scene, const struct explain_port *port,
			  const struct walk_frame *in)
{
	struct mlag_mac_key key = {.vlan = in->vlan, .mac = in->source};
	struct explain_fdb fdb = {0};

	if (!port->locked) {
		return false;
	}
	scene->lookups->fdb(scene->user, &key, &fdb);
	return fdb.place != EXPLAIN_FDB_PORT || fdb.ifindex != port->ifindex;
}

static bool is_null_mac(const struct mlag_mac *mac)
{
	static const struct mlag_mac none;

	return memcmp(mac, &none, sizeof(none)) == 0;
}

/* Writes why the bridge does not take it; false when it does. */
static bool is_refused(const struct explain_scene *scene, const struct explain_port *port,
		       const struct walk_frame *in, char ret[EXPLAIN_TEXT_MAX])
{
	if (mlag_mac_is_group(in->source.octets) || is_null_mac(&in->source)) {
		(void)snprintf(ret, EXPLAIN_TEXT_MAX, "the source MAC is no address of a sender");
	} else if (port->state != BR_STATE_FORWARDING) {
		(void)snprintf(ret, EXPLAIN_TEXT_MAX, "the port is %s", state_text(port->state));
	} else if (scene->domain.vlan_aware && in->vlan == 0) {
		(void)snprintf(ret, EXPLAIN_TEXT_MAX, "the port has no VLAN for what has no tag");
	} else if (scene->domain.vlan_aware && !mlag_vlans_has(&port->vlans, in->vlan)) {
		(void)snprintf(ret, EXPLAIN_TEXT_MAX, "VLAN %u is not allowed on the port",
			       in->vlan);
	} else if (is_locked_out(scene, port, in)) {
		(void)snprintf(ret, EXPLAIN_TEXT_MAX,
			       "the port is locked, and the source MAC is not known there");
	} else {
		return false;
	}
	return true;
}

/* Return: true when the bridge takes the frame. */
static bool enter(struct walk *walk, const struct explain_port *port, const struct walk_frame *in)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_BRIDGE, .ifname = port->ifname};
	char why[EXPLAIN_TEXT_MAX];

	if (mlag_mac_is_reserved(in->destination.octets)) {
		place.rule = "R10";
		(void)walk_note(walk, place, "a reserved address: it never crosses the bridge");
		walk_verdict(walk, EXPLAIN_VERDICT_LOCAL);
		(void)walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_STACK, port->ifname);
		return false;
	}
	if (is_refused(walk->scene, port, in, why)) {
		(void)walk_note(walk, place, "%s: the bridge drops it", why);
		walk_say(walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_DROPPED, port->ifname), "%s",
			 why);
		return false;
	}
	if (walk->scene->domain.vlan_aware) {
		(void)walk_note(walk, place, "taken into VLAN %u", in->vlan);
	}
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Does anybody get it? */
static bool is_delivered(const struct explain_trace *trace)
{
	for (uint32_t i = 0; i < trace->copies_count; i++) {
		switch (trace->copies[i].fate) {
		case EXPLAIN_FATE_SENT:
		case EXPLAIN_FATE_STACK:
		case EXPLAIN_FATE_OUTSIDE:
			return true;
		case EXPLAIN_FATE_NONE:
		case EXPLAIN_FATE_DROPPED:
		case EXPLAIN_FATE_REDIRECTED:
		case EXPLAIN_FATE_UNKNOWN:
			break;
		}
	}
	return trace->copies_lost != 0;
}

static void conclude(struct explain_trace *trace)
{
	bool stays = trace->verdict == EXPLAIN_VERDICT_ANSWERED ||
		     trace->verdict == EXPLAIN_VERDICT_UNDECIDED;

	if (!stays && !is_delivered(trace)) {
		trace->verdict = EXPLAIN_VERDICT_DROPPED;
	}
}

void explain_walk(const struct explain_scene *scene, const struct explain_port *port,
		  const struct explain_frame *frame, struct explain_trace *ret)
{
	struct walk walk = {.scene = scene, .trace = ret};
	struct walk_frame in;

	memset(ret, 0, sizeof(*ret));
	take(scene, port, frame, &in);
	ret->vlan = in.vlan;
	ret->hop_limit = in.ip.family != 0 ? in.ip.hop_limit : -1;
	walk.from_peer_link = port->ifindex == scene->domain.peer_link_ifindex;
	note_arrival(&walk, port, frame);
	if (!port->carrier) {
		struct walk_place place = {
			.stage = EXPLAIN_STAGE_ARRIVAL,
			.ifname = port->ifname,
		};

		(void)walk_note(&walk, place, "but there is no carrier: nothing arrives");
		ret->verdict = EXPLAIN_VERDICT_DROPPED;
		return;
	}
	if (receive(&walk, port, frame, &in) && enter(&walk, port, &in)) {
		walk_forward(&walk, &in);
	}
	conclude(ret);
}
