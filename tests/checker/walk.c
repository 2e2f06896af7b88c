/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One frame, both members, every copy (see walk.h).  What a Linux bridge does between the programs
 * is here in its plainest form: one lookup, or a flood to every port whose flag is on; backup_port
 * for known unicast to a port without carrier; the router MACs that are local.
 */
#include "walk.h"

#include <string.h>

#define DEPTH_MAX 24

#define TEXT(symbol, text) text,
const char *const cargo_text[CARGOES_COUNT] = {CARGOES(TEXT)};

struct walker {
	const struct state *state;
	struct outcome outcome;
	FILE *story;
};

static void bridge(struct walker *walker, uint32_t member, uint32_t in_port,
		   const struct frame *frame);

__attribute__((format(printf, 3, 4))) static void tell(struct walker *walker, uint32_t member,
						       const char *format, ...)
{
	va_list arguments;

	if (walker->story == NULL) {
		return;
	}
	(void)fprintf(walker->story, "    S%u: ", member + 1);
	va_start(arguments, format);
	(void)vfprintf(walker->story, format, arguments);
	va_end(arguments);
	(void)fputc('\n', walker->story);
}

static const char *reason_text(enum mlag_reason reason)
{
#define REASON_TEXT(symbol, text, rule, expected) rule " " text,
	static const char *const texts[MLAG_REASONS_COUNT] = {MLAG_REASONS(REASON_TEXT)};

	return texts[reason];
}

static bool is_expected(enum mlag_reason reason)
{
#define REASON_EXPECTED(symbol, text, rule, expected) expected,
	static const bool values[MLAG_REASONS_COUNT] = {MLAG_REASONS(REASON_EXPECTED)};

	return values[reason];
}

static void drop(struct walker *walker, uint32_t member, enum mlag_reason reason)
{
	tell(walker, member, "dropped, %s", reason_text(reason));
	walker->outcome.dropped += !is_expected(reason);
}

static struct mlag_domain domain_of(const struct walker *walker, uint32_t member)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = walker->state->peer_link_missing ? 0 : PORT_PEER_LINK,
		.vlan_aware = 1,
		.route_for_peer = walker->state->route_for_peer[member],
	};

	return domain;
}

/* The LAG of a port, or LAGS. */
static uint32_t lag_of(uint32_t port)
{
	return port == PORT_LEG(0) ? 0 : port == PORT_LEG(1) ? 1 : LAGS;
}

static const struct mlag_port *find_port(const struct walker *walker, uint32_t member,
					 uint32_t port)
{
	static const struct mlag_port orphan = {.kind = MLAG_PORT_NONE};
	static const struct mlag_port peer_link = {.kind = MLAG_PORT_PEER_LINK};
	uint32_t lag = lag_of(port);

	if (lag < LAGS) {
		return model_port(lag, &walker->state->lags[lag].legs[member]);
	}
	return port == PORT_ORPHAN ? &orphan : port == PORT_PEER_LINK ? &peer_link : NULL;
}

static uint16_t lag_id_of(uint32_t host)
{
	return (uint16_t)(host < LAGS ? host + 1 : 0);
}

static enum place right_place(uint32_t host, uint32_t member)
{
	if (host < LAGS) {
		return host == 0 ? PLACE_LAG_1 : PLACE_LAG_2;
	}
	return host == LAGS + member ? PLACE_ORPHAN : PLACE_PEER_LINK;
}

static enum place find_place(const struct walker *walker, uint32_t member,
			     const struct frame *frame)
{
	if (frame->destination == TO_EVERYBODY || frame->destination == TO_RESERVED) {
		return PLACE_NONE;
	}
	if (frame->destination >= TO_ROUTER_1) {
		return walker->state->sticky[member] ? PLACE_PEER_LINK : PLACE_NONE;
	}
	/* The neighbour that a packet is routed to was resolved, so its MAC is known. */
	return frame->generation == 0 ? walker->state->place[member]
				      : right_place(frame->destination, member);
}

/* The map of known MACs follows the FDB; of a routed packet's neighbour both are right. */
static void ask_destination(const struct walker *walker, uint32_t member, const struct frame *frame,
			    struct mlag_frame *ret_frame)
{
	enum place place = find_place(walker, member, frame);

	ret_frame->destination_found = place != PLACE_NONE;
	ret_frame->destination.known = ret_frame->destination_found;
	ret_frame->destination.lag_id = (uint16_t)(place == PLACE_LAG_1	  ? 1
						   : place == PLACE_LAG_2 ? 2
									  : 0);
	ret_frame->destination.peer_knows = frame->generation == 0 &&
					    walker->state->place_shared[member];
}

static void ask_source(const struct walker *walker, uint32_t member, const struct frame *frame,
		       struct mlag_frame *ret_frame)
{
	enum source source = frame->source < HOSTS ? walker->state->source[member] : SOURCE_UNKNOWN;
	bool stale = source == SOURCE_STALE || source == SOURCE_STALE_SHARED;
	uint16_t lag_id = lag_id_of(frame->source);

	ret_frame->source_asked = 1;
	ret_frame->source_found = source != SOURCE_UNKNOWN;
	ret_frame->source.lag_id = (uint16_t)(!stale ? lag_id : lag_id != 0 ? 0 : 1);
	ret_frame->source.peer_knows = source == SOURCE_SHARED || source == SOURCE_STALE_SHARED;
	ret_frame->source.known = ret_frame->source_found;
	if (frame->destination < HOSTS) {
		ask_destination(walker, member, frame, ret_frame);
	}
}

static struct mlag_frame frame_at(uint32_t in_port, const struct frame *frame)
{
	struct mlag_frame at = {
		.ingress_ifindex = in_port,
		.vlan = VLAN,
		.group = frame->destination == TO_EVERYBODY || frame->destination == TO_RESERVED,
		.reserved = frame->destination == TO_RESERVED,
	};

	return at;
}

static void to_peer_link(struct walker *walker, uint32_t member, uint32_t in_port,
			 const struct frame *frame)
{
	struct mlag_domain domain = domain_of(walker, member);
	const struct mlag_port *ingress = find_port(walker, member, in_port);
	struct mlag_frame at = frame_at(in_port, frame);
	struct mlag_decision decision = mlag_peer_link_egress(&domain, ingress, &at);

	if (walker->state->peer_link_missing) {
		return;
	}
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_source(walker, member, frame, &at);
		decision = mlag_peer_link_egress(&domain, ingress, &at);
	}
	if (decision.action != MLAG_ACTION_PASS) {
		drop(walker, member, decision.reason);
		return;
	}
	tell(walker, member, "over the peer link%s",
	     walker->state->passes[member] ? "" : ", which loses it");
	walker->outcome.crossings[member][frame->generation]++;
	if (walker->state->passes[member]) {
		bridge(walker, 1 - member, PORT_PEER_LINK, frame);
	}
}

/* What DESIGN says of a gate, in other words than forward.h. */
static bool may_pass(const struct mlag_port *port, bool group, bool from_peer)
{
	return port->gate == MLAG_GATE_OPEN ? from_peer || !(group && port->held[0])
					    : port->gate == MLAG_GATE_UNICAST && !group;
}

static void give(struct walker *walker, uint32_t host, const struct frame *frame)
{
	walker->outcome.copies[host]++;
	if (frame->destination == host) {
		walker->outcome.delivered[host]++;
		walker->outcome.ttl[host] = frame->ttl;
	}
	walker->outcome.returned |= frame->source == host;
}

static void to_leg(struct walker *walker, uint32_t member, uint32_t lag, uint32_t in_port,
		   const struct frame *frame)
{
	struct mlag_domain domain = domain_of(walker, member);
	const struct mlag_port *port = find_port(walker, member, (uint32_t)PORT_LEG(lag));
	struct mlag_frame at = frame_at(in_port, frame);
	struct mlag_decision decision = mlag_leg_egress(&domain, port, &at);

	tell(walker, member, "to its leg of LAG %u", lag + 1);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_source(walker, member, frame, &at);
		decision = mlag_leg_egress(&domain, port, &at);
	}
	if (decision.action == MLAG_ACTION_TO_PEER_LINK) {
		walker->outcome.lost_way |= domain.peer_link_ifindex == 0;
		to_peer_link(walker, member, in_port, frame);
	} else if (decision.action != MLAG_ACTION_PASS) {
		drop(walker, member, decision.reason);
	} else {
		tell(walker, member, "the host of LAG %u gets a copy", lag + 1);
		walker->outcome.leaked |= !at.reserved &&
					  !may_pass(port, at.group, in_port == PORT_PEER_LINK);
		give(walker, lag, frame);
	}
}

static bool is_flooded(const struct leg_state *leg)
{
	return leg->phase == PHASE_OPEN || leg->phase == PHASE_HELD || model_is_flooded(leg->phase);
}

static void forward(struct walker *walker, uint32_t member, uint32_t port, uint32_t in_port,
		    const struct frame *frame, bool flood)
{
	uint32_t lag = lag_of(port);
	const struct leg_state *leg;

	if (port == in_port && !(port == PORT_PEER_LINK && walker->state->peer_link_hairpin)) {
		return;
	}
	if (port == PORT_PEER_LINK) {
		to_peer_link(walker, member, in_port, frame);
		return;
	}
	if (lag == LAGS) {
		tell(walker, member, "its orphan gets a copy");
		give(walker, LAGS + member, frame);
		return;
	}
	leg = &walker->state->lags[lag].legs[member];
	if (leg->phase == PHASE_NO_LINK) {
		if (!flood && in_port != PORT_PEER_LINK) {
			tell(walker, member, "LAG %u has no link here: backup_port", lag + 1);
			to_peer_link(walker, member, in_port, frame);
		}
	} else if (!flood || is_flooded(leg)) {
		to_leg(walker, member, lag, in_port, frame);
	}
}

/* A frame with no flags to stop it: the machine's own group frames, and those without R1's help. */
static void flood(struct walker *walker, uint32_t member, uint32_t in_port,
		  const struct frame *frame)
{
	bool own_group = in_port == PORT_SVI &&
			 (frame->destination == TO_EVERYBODY || frame->destination == TO_RESERVED);

	forward(walker, member, PORT_PEER_LINK, in_port, frame, true);
	forward(walker, member, PORT_ORPHAN, in_port, frame, true);
	for (uint32_t lag = 0; lag < LAGS; lag++) {
		const struct leg_state *leg = &walker->state->lags[lag].legs[member];

		/* The flood flags do not hold back what the bridge itself sends (FACTS). */
		if (own_group && leg->phase != PHASE_NO_LINK) {
			to_leg(walker, member, lag, in_port, frame);
		} else {
			forward(walker, member, (uint32_t)PORT_LEG(lag), in_port, frame, true);
		}
	}
}

static void route(struct walker *walker, uint32_t member, const struct frame *frame,
		  uint32_t destination)
{
	struct frame routed = *frame;

	if (frame->ttl <= 1) {
		tell(walker, member, "answers: time exceeded");
		walker->outcome.answered[member]++;
		return;
	}
	if (frame->generation + 1 >= GENERATIONS_MAX) {
		walker->outcome.loops = true;
		return;
	}
	routed.generation++;
	routed.ttl--;
	routed.source = FROM_ROUTER_1 + member;
	routed.destination = destination;
	walker->outcome.routed[member]++;
	tell(walker, member, "routes it");
	bridge(walker, member, PORT_SVI, &routed);
}

static void reach(struct walker *walker, uint32_t member, const struct frame *frame)
{
	tell(walker, member, "takes it itself");
	walker->outcome.reached[member]++;
	walker->outcome.reached_ttl[member] = frame->ttl;
}

/* The kernel's IP, for a frame whose destination MAC is local. */
static void deliver(struct walker *walker, uint32_t member, const struct frame *frame)
{
	uint32_t peer_router = member == 0 ? TO_ROUTER_2 : TO_ROUTER_1;

	switch (frame->cargo) {
	case CARGO_OTHER:
	case CARGO_LINK_LOCAL:
	case CARGO_BOTH:
		reach(walker, member, frame);
		break;
	case CARGO_MEMBER_1:
	case CARGO_MEMBER_2:
		if (frame->cargo == (member == 0 ? CARGO_MEMBER_1 : CARGO_MEMBER_2)) {
			reach(walker, member, frame);
		} else {
			route(walker, member, frame, peer_router);
		}
		break;
	case CARGO_THIRD:
		if (walker->state->route[member] == ROUTE_NONE) {
			tell(walker, member, "answers: unreachable");
			walker->outcome.answered[member]++;
		} else {
			route(walker, member, frame,
			      walker->state->route[member] == ROUTE_PEER ? peer_router
									 : frame->third);
		}
		break;
	case CARGO_MALFORMED:
	case CARGOES_COUNT:
		break;
	}
}

static bool is_local(uint32_t destination, uint32_t member)
{
	return destination == TO_SHARED || destination == TO_ROUTER_1 + member;
}

static void bridge(struct walker *walker, uint32_t member, uint32_t in_port,
		   const struct frame *frame)
{
	static const uint32_t ports[PLACES_COUNT] = {
		[PLACE_NONE] = 0,
		[PLACE_LAG_1] = PORT_LEG(0),
		[PLACE_LAG_2] = PORT_LEG(1),
		[PLACE_ORPHAN] = PORT_ORPHAN,
		[PLACE_PEER_LINK] = PORT_PEER_LINK,
	};
	enum place place;

	if (++walker->outcome.steps > DEPTH_MAX) {
		walker->outcome.loops = true;
		return;
	}
	if (frame->destination == TO_RESERVED && in_port != PORT_SVI) {
		tell(walker, member, "keeps it to itself (R10)");
		return;
	}
	if (is_local(frame->destination, member)) {
		deliver(walker, member, frame);
		return;
	}
	place = find_place(walker, member, frame);
	if (place == PLACE_NONE) {
		tell(walker, member, "floods it");
		flood(walker, member, in_port, frame);
	} else {
		forward(walker, member, ports[place], in_port, frame, false);
	}
}

static struct mlag_packet packet_of(const struct frame *frame)
{
	static const uint8_t third[16] = {10, 0, 20, 1};
	static const uint8_t members[MEMBERS][16] = {{10, 0, 10, 2}, {10, 0, 10, 3}};
	static const uint8_t shared[16] = {10, 0, 10, 1};
	static const uint8_t link_local[16] = {169, 254, 0, 1};
	const uint8_t *destination = third;
	struct mlag_packet packet = {
		.group = frame->destination == TO_EVERYBODY || frame->destination == TO_RESERVED,
		.family = frame->cargo == CARGO_OTHER ? 0 : 4,
		.malformed = frame->cargo == CARGO_MALFORMED,
		.hop_limit = (uint8_t)frame->ttl,
	};

	if (frame->cargo == CARGO_MEMBER_1 || frame->cargo == CARGO_MEMBER_2) {
		destination = members[frame->cargo - CARGO_MEMBER_1];
	} else if (frame->cargo == CARGO_BOTH) {
		destination = shared;
	} else if (frame->cargo == CARGO_LINK_LOCAL) {
		destination = link_local;
	}
	memcpy(packet.destination, destination, sizeof(packet.destination));
	return packet;
}

/* What the maps of a member answer; addresses are complete only where it routes for the peer. */
static void answer(const struct walker *walker, uint32_t member, const struct frame *frame,
		   enum mlag_action question, struct mlag_packet *packet)
{
	enum cargo own = member == 0 ? CARGO_MEMBER_1 : CARGO_MEMBER_2;

	if (question == MLAG_ACTION_ASK_ROUTER) {
		packet->router_asked = 1;
		packet->router_found = frame->destination >= TO_ROUTER_1;
		packet->router.owner = (uint8_t)(is_local(frame->destination, member)
							 ? MLAG_OWNER_SELF
							 : MLAG_OWNER_PEER);
		packet->router.own_ifindex = walker->state->no_svi && member == 0 ? 0 : PORT_SVI;
	} else if (question == MLAG_ACTION_ASK_ADDRESS) {
		packet->address_asked = 1;
		packet->address_owner = (uint8_t)(frame->cargo == own || frame->cargo == CARGO_BOTH
							  ? MLAG_OWNER_SELF
						  : walker->state->route_for_peer[member] &&
								  (frame->cargo == CARGO_MEMBER_1 ||
								   frame->cargo == CARGO_MEMBER_2)
							  ? MLAG_OWNER_PEER
							  : MLAG_OWNER_NONE);
	} else {
		packet->route_asked = 1;
		packet->route_found = walker->state->route[member] != ROUTE_NONE;
	}
}

static bool is_question(enum mlag_action action)
{
	return action == MLAG_ACTION_ASK_ROUTER || action == MLAG_ACTION_ASK_ADDRESS ||
	       action == MLAG_ACTION_ASK_ROUTE;
}

/* tc ingress of a port: R20 to R26. */
static void arrive(struct walker *walker, uint32_t member, uint32_t in_port,
		   const struct frame *frame)
{
	struct mlag_domain domain = domain_of(walker, member);
	const struct mlag_port *port = find_port(walker, member, in_port);
	struct mlag_packet packet = packet_of(frame);
	struct mlag_decision decision = mlag_receive(&domain, port, &packet);
	struct frame passed = *frame;

	for (uint32_t asked = 0; is_question(decision.action) && asked < 3; asked++) {
		answer(walker, member, frame, decision.action, &packet);
		decision = mlag_receive(&domain, port, &packet);
	}
	if (decision.reason != MLAG_REASON_NONE) {
		tell(walker, member, "receives: %s", reason_text(decision.reason));
	}
	if (decision.action == MLAG_ACTION_DROP) {
		drop(walker, member, decision.reason);
		return;
	}
	if (decision.action == MLAG_ACTION_TO_PEER_LINK) {
		to_peer_link(walker, member, in_port, frame);
		return;
	}
	if (decision.action == MLAG_ACTION_REWRITE) {
		passed.destination = walker->state->no_svi && member == 0 ? TO_GHOST
									  : TO_ROUTER_1 + member;
	}
	bridge(walker, member, in_port, &passed);
}

struct outcome walk(const struct state *state, uint32_t member, uint32_t port,
		    const struct frame *frame, FILE *story)
{
	struct walker walker = {.state = state, .story = story};

	if (port == PORT_SVI) {
		bridge(&walker, member, port, frame);
	} else {
		arrive(&walker, member, port, frame);
	}
	return walker.outcome;
}
