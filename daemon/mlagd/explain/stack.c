// SPDX-License-Identifier: BSD-2-Clause
/*
 * What this machine does with a frame for one of its router MACs: takes it for itself, answers its
 * sender, or routes it; then a new frame begins its way through the bridge (R4).
 */
#include <linux/if_ether.h>
#include <string.h>

#include "explain/walk.h"

#define TEXT_OF(symbol, text) \
	case symbol:          \
		return text;

static const char *route_text(enum explain_route_kind kind)
{
	switch (kind) {
		EXPLAIN_ROUTES(TEXT_OF)
	}
	return "?";
}

/* Ends here: this machine takes it, drops it or answers. */
static void end(struct walk *walk, enum explain_verdict verdict, const char *ifname)
{
	enum explain_fate fate = verdict == EXPLAIN_VERDICT_LOCAL ? EXPLAIN_FATE_STACK
								  : EXPLAIN_FATE_DROPPED;

	walk_verdict(walk, verdict);
	(void)walk_copy(walk, EXPLAIN_HERE, fate, ifname);
}

static enum explain_verdict verdict_of(enum explain_route_kind kind)
{
	switch (kind) {
	case EXPLAIN_ROUTE_LOCAL:
	case EXPLAIN_ROUTE_GROUP:
		return EXPLAIN_VERDICT_LOCAL;
	case EXPLAIN_ROUTE_NONE:
	case EXPLAIN_ROUTE_UNREACHABLE:
	case EXPLAIN_ROUTE_PROHIBIT:
		return EXPLAIN_VERDICT_ANSWERED;
	case EXPLAIN_ROUTE_FORWARD:
		return EXPLAIN_VERDICT_ROUTED;
	case EXPLAIN_ROUTE_BLACKHOLE:
	case EXPLAIN_ROUTE_SOURCE:
	case EXPLAIN_ROUTE_OFF:
	case EXPLAIN_ROUTE_FAILED:
		break;
	}
	return EXPLAIN_VERDICT_DROPPED;
}

/* The new frame of a routed packet: our MAC to the next hop's. */
static void make_frame(const struct walk_frame *in, uint32_t ifindex,
		       const struct explain_device *device, const struct mlag_mac *next,
		       struct walk_frame *ret)
{
	*ret = *in;
	ret->ingress = NULL;
	ret->ingress_ifindex = ifindex;
	ret->vlan = device->vlan;
	ret->destination = *next;
	ret->source = device->mac;
	memcpy(ret->bytes, next->octets, ETH_ALEN);
	memcpy(ret->bytes + ETH_ALEN, device->mac.octets, ETH_ALEN);
	ret->ip.hop_limit--;
	ret->bytes[ETH_HLEN + (in->ip.family == 4 ? 8 : 7)]--;
}

static void note_route(struct walk *walk, const struct walk_frame *in,
		       const struct explain_route *route, const struct explain_device *device)
{
	bool is_last_resort = !mlag_route_is_ours(route->metric);
	struct walk_place place = {
		.stage = EXPLAIN_STAGE_ROUTE,
		.ifname = device->ifname,
		.rule = is_last_resort ? "R31" : NULL,
	};
	char hop[WALK_IP_SIZE];
	char to[WALK_IP_SIZE];

	(void)walk_ip_text(in->ip.family, in->ip.destination, to);
	if (route->has_gateway) {
		(void)walk_ip_text(route->gateway_family, route->gateway, hop);
	}
	(void)walk_note(walk, place, "%s: routed %s%s%s%s%s, hop limit %u", to,
			route->has_gateway ? "by way of " : "to the link itself",
			route->has_gateway ? hop : "", route->matched[0] != '\0' ? ", as " : "",
			route->matched, is_last_resort ? ", the last resort" : "",
			in->ip.hop_limit - 1u);
}

/* R27: is it a redirect of ICMP, which does not leave by an SVI of the pair? */
static struct mlag_decision decide_departure(const struct walk_frame *out, bool *ret_is_icmp)
{
	const uint8_t *header = out->bytes + ETH_HLEN;
	bool is_ipv4 = out->ip.family == 4;
	uint32_t behind = ETH_HLEN + (is_ipv4 ? (header[0] & 0xfu) * 4 : MLAG_IPV6_HEADER_SIZE);
	struct mlag_departure departure = {
		.family = out->ip.family,
		.protocol = out->ip.protocol,
		.later_fragment = is_ipv4 && ((header[6] & 0x1f) != 0 || header[7] != 0),
	};

	if (behind < out->size) {
		departure.icmp_type = out->bytes[behind];
	}
	*ret_is_icmp = mlag_departure_is_icmp(&departure);
	return mlag_svi_egress(&departure);
}

static bool run_svi(const struct walk *walk, const struct walk_frame *out,
		    struct mlag_decision *ret)
{
	const struct explain_scene *scene = walk->scene;
	struct explain_run run = {
		.program = EXPLAIN_PROGRAM_SVI,
		.ifindex = scene->bridge_ifindex,
		.ingress_ifindex = out->ingress_ifindex,
		.bytes = out->bytes,
		.size = out->size,
	};

	return !scene->assumed && scene->lookups->run != NULL &&
	       scene->lookups->run(scene->user, &run, ret);
}

/*
 * R27: the new frame passes the program at egress of the bridge itself, which reads what is ICMP.
 * Return: false when it ends there.
 */
static bool pass_svi(struct walk *walk, const struct walk_frame *out, const char *ifname,
		     const struct explain_redirects *redirects)
{
	struct walk_place place = {.stage = EXPLAIN_STAGE_STACK, .ifname = ifname};
	struct mlag_decision program = mlag_pass();
	bool is_icmp;
	struct mlag_decision decision = decide_departure(out, &is_icmp);
	struct explain_step *step;
	bool ran;

	if (!is_icmp) {
		return true;
	}
	if (!redirects->program) {
		if (decision.action == MLAG_ACTION_DROP) {
			place.rule = "R27";
			(void)walk_note(walk, place,
					"an ICMP redirect, and the program that drops it is not at "
					"%s",
					walk->scene->bridge_ifname);
		}
		return true;
	}
	ran = run_svi(walk, out, &program);
	place.reason = decision.reason;
	if (decision.action != MLAG_ACTION_DROP) {
		step = walk_note(walk, place, "ICMP, but no redirect: it may leave");
		walk_compare(walk, step, ran, &program, &decision);
		return true;
	}
	step = walk_note(walk, place, "an ICMP redirect: it does not leave by an SVI");
	walk_compare(walk, step, ran, &program, &decision);
	walk_blame(walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_DROPPED, ifname), decision.reason);
	return false;
}

/* R27: a kernel tells the sender of a packet that leaves by the device it came by of a shorter way. */
static void note_redirect(struct walk *walk, uint8_t family, const char *ifname,
			  const struct explain_redirects *redirects)
{
	struct walk_place place = {
		.stage = EXPLAIN_STAGE_ROUTE,
		.ifname = ifname,
		.rule = "R27",
	};
	bool is_off = family == 4 && redirects->setting;

	if (!is_off && !redirects->program) {
		(void)walk_note(
			walk, place,
			"by the device it came by, so its sender would get an ICMP redirect: "
			"%sthe program that drops them is not at %s",
			family == 4 ? "send_redirects is on, and " : "",
			walk->scene->bridge_ifname);
		return;
	}
	(void)walk_note(walk, place,
			"by the device it came by, but no ICMP redirect to its sender: %s%s%s%s",
			is_off ? "send_redirects is off" : "",
			is_off && redirects->program ? ", and " : "",
			redirects->program ? "the program drops them at " : "",
			redirects->program ? walk->scene->bridge_ifname : "");
}

/* The new frame leaves by an SVI. */
static void leave_svi(struct walk *walk, const struct walk_frame *out, uint32_t ifindex,
		      const struct explain_device *device)
{
	const struct explain_scene *scene = walk->scene;
	struct explain_redirects redirects = {0};

	walk_verdict(walk, EXPLAIN_VERDICT_ROUTED);
	scene->lookups->redirects(scene->user, device->ifname, &redirects);
	if (ifindex == out->ingress_ifindex) {
		note_redirect(walk, out->ip.family, device->ifname, &redirects);
	}
	if (pass_svi(walk, out, device->ifname, &redirects)) {
		walk_forward(walk, out);
	}
}

/* The packet leaves this machine by a device. */
static void route_out(struct walk *walk, const struct walk_frame *in, uint32_t ifindex,
		      const struct explain_route *route)
{
	const struct explain_scene *scene = walk->scene;
	const uint8_t *next = route->has_gateway ? route->gateway : in->ip.destination;
	uint8_t family = route->has_gateway ? route->gateway_family : in->ip.family;
	struct explain_device device = {0};
	struct walk_frame out;
	struct mlag_mac mac;
	char text[WALK_IP_SIZE];

	if (!scene->lookups->device(scene->user, route->ifindex, &device)) {
		device.on_bridge = false;
	}
	note_route(walk, in, route, &device);
	walk->trace->hop_limit = in->ip.hop_limit - 1;
	if (!device.on_bridge) {
		walk_verdict(walk, EXPLAIN_VERDICT_ROUTED);
		(void)walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_OUTSIDE, device.ifname);
		return;
	}
	if (!scene->lookups->neighbor(scene->user, route->ifindex, family, next, &mac)) {
		struct walk_place place = {
			.stage = EXPLAIN_STAGE_NEIGHBOR,
			.ifname = device.ifname,
		};

		(void)walk_note(walk, place, "the MAC of %s is not known: asked for first, by %s",
				walk_ip_text(family, next, text), family == 4 ? "ARP" : "ND");
		walk_verdict(walk, EXPLAIN_VERDICT_UNDECIDED);
		(void)walk_copy(walk, EXPLAIN_HERE, EXPLAIN_FATE_UNKNOWN, device.ifname);
		return;
	}
	make_frame(in, ifindex, &device, &mac, &out);
	leave_svi(walk, &out, route->ifindex, &device);
}

/* R31: what came over PL for a router of ours is marked, and not for the last resort. */
static uint32_t mark_of(const struct walk *walk, const struct walk_frame *in, uint8_t owner)
{
	const struct explain_scene *scene = walk->scene;
	bool marks = scene->marks && in->ingress_ifindex == scene->domain.peer_link_ifindex;

	return marks ? mlag_peer_link_mark(0, walk_is_group(in), owner) : 0;
}

/* R31: whether what the peer has routed here would leave by the device it came by, back to it. */
static bool goes_back(const struct explain_scene *scene, const struct walk_frame *in,
		      uint32_t ifindex)
{
	struct mlag_router_key key = {.vlan = in->vlan};
	struct mlag_router sender = {0};
	struct explain_route route = {0};
	struct mlag_mac next;
	const uint8_t *hop;

	memcpy(key.mac, in->source.octets, sizeof(key.mac));
	if (in->ip.mark == 0 || !scene->lookups->router(scene->user, &key, &sender)) {
		return false;
	}
	scene->lookups->route(scene->user, ifindex, &in->ip, &route);
	hop = route.has_gateway ? route.gateway : in->ip.destination;
	return route.kind == EXPLAIN_ROUTE_FORWARD && route.ifindex == ifindex &&
	       scene->lookups->neighbor(scene->user, ifindex,
					route.has_gateway ? route.gateway_family : in->ip.family,
					hop, &next) &&
	       memcmp(&next, &in->source, sizeof(next)) == 0 &&
	       mlag_return_mark(0, sender.owner, true) != 0;
}

static void route(struct walk *walk, const struct walk_frame *in, uint32_t ifindex)
{
	const struct explain_scene *scene = walk->scene;
	struct walk_place place = {.stage = EXPLAIN_STAGE_ROUTE, .ifname = scene->bridge_ifname};
	struct explain_route route = {0};
	char to[WALK_IP_SIZE];

	scene->lookups->route(scene->user, ifindex, &in->ip, &route);
	if (scene->without_route && route.kind == EXPLAIN_ROUTE_FORWARD) {
		memset(&route, 0, sizeof(route));
	}
	(void)walk_ip_text(in->ip.family, in->ip.destination, to);
	if (route.kind != EXPLAIN_ROUTE_FORWARD) {
		(void)walk_note(walk, place, "%s: %s%s", to, route_text(route.kind),
				verdict_of(route.kind) == EXPLAIN_VERDICT_ANSWERED
					? ": ICMP unreachable to the sender"
					: "");
		end(walk, verdict_of(route.kind), scene->bridge_ifname);
		return;
	}
	if (in->ip.hop_limit <= 1) {
		place.rule = "R24";
		(void)walk_note(walk, place,
				"%s: the hop limit ends here: ICMP time exceeded to the "
				"sender",
				to);
		end(walk, EXPLAIN_VERDICT_ANSWERED, scene->bridge_ifname);
		return;
	}
	route_out(walk, in, ifindex, &route);
}

void walk_stack(struct walk *walk, const struct walk_frame *in)
{
	const struct explain_scene *scene = walk->scene;
	struct walk_place place = {.stage = EXPLAIN_STAGE_STACK, .ifname = scene->bridge_ifname};
	struct mlag_router_key key = {.vlan = in->vlan};
	struct mlag_router router = {0};
	struct walk_frame marked;

	memcpy(key.mac, in->destination.octets, sizeof(key.mac));
	if (in->ingress == NULL || in->ip.family == 0) {
		(void)walk_note(walk, place, "this machine takes it for itself%s",
				in->ip.family == 0 ? ": it is not IP" : "");
		end(walk, EXPLAIN_VERDICT_LOCAL, scene->bridge_ifname);
		return;
	}
	if (!scene->lookups->router(scene->user, &key, &router) || router.own_ifindex == 0) {
		(void)walk_note(walk, place,
				"this machine takes it, but no device of it is known in "
				"the VLAN");
		end(walk, EXPLAIN_VERDICT_LOCAL, scene->bridge_ifname);
		return;
	}
	marked = *in;
	marked.ip.mark = mark_of(walk, in, router.owner);
	if (goes_back(scene, &marked, router.own_ifindex)) {
		marked.ip.mark |= MLAG_MARK_RETURN;
		place.rule = "R31";
		(void)walk_note(walk, place,
				"the peer has routed it here, and it would be routed back to the "
				"peer: made unreachable");
	}
	route(walk, &marked, router.own_ifindex);
}
