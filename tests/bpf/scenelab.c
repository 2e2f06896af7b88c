// SPDX-License-Identifier: BSD-2-Clause
/*
 * Scenes as user space decides them (see scenelab.h).
 */
#include "scenelab.h"

#include <linux/if_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct scenelab scenelab;

static const uint8_t SOURCE_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
const uint8_t scenelab_our_mac[6] = {0x02, 0, 0, 0, 1, 0x01};
const uint8_t scenelab_neighbor_mac[6] = {0x02, 0, 0, 0, 2, 0x09};
const uint8_t scenelab_macs[MACS_COUNT][6] = {
	[MAC_PEER] = {0x02, 0, 0, 0, 1, 0x02},
	[MAC_OWN] = {0x02, 0, 0, 0, 1, 0x01},
	[MAC_STRANGER] = {0x02, 0, 0, 0, 0, 0x0b},
	[MAC_GROUP] = {0x01, 0, 0x5e, 0, 0, 0x05},
};

static const struct place *place_of(const char *ip)
{
	for (uint32_t index = 0; index < PLACES_COUNT; index++) {
		if (strcmp(PLACES[index].ip, ip) == 0) {
			return &PLACES[index];
		}
	}
	fail_msg("%s is no place", ip);
	return NULL;
}

static enum mlag_owner owner_at(const struct place *place, uint32_t domain)
{
	return domain == SCENES_VRF ? place->owner_in_vrf : place->owner;
}

static void forward_everywhere(__u64 *words)
{
	memset(words, 0xff, MLAG_FORWARD_VLAN_WORDS * sizeof(*words));
}

struct mlag_domain scenelab_domain_of(const struct scene *scene)
{
	struct mlag_domain domain = {
		.peer_link_ifindex = scene->obstacle == OBSTACLE_NO_PEER_LINK ? 0 : scenelab.narrow,
		.peer_link_untagged_vid = scene->peer_link_untagged_vid,
		.vlan_aware = scene->vlan_aware,
		.route_for_peer = !scene->unproven,
		.shortcuts = scenelab.shortcuts,
	};

	if (scene->obstacle != OBSTACLE_PEER_LINK_VLAN) {
		forward_everywhere(domain.peer_link_forwards);
	}
	return domain;
}

struct mlag_port scenelab_port_of(const struct scene *scene)
{
	struct mlag_port port = {
		.kind = (uint8_t)scene->kind,
		.gate = (uint8_t)scene->gate,
		.ingress_vid = scene->ingress_vid,
		.guarded = scene->obstacle == OBSTACLE_GUARDED,
	};

	if (scene->obstacle != OBSTACLE_INGRESS_VLAN) {
		forward_everywhere(port.forwards);
	}
	return port;
}

struct mlag_port scenelab_exit_of(const struct scene *scene)
{
	const struct scene_exit *exit = &scene->exit;
	struct mlag_port port = {
		.kind = exit->is_peer_link ? MLAG_PORT_PEER_LINK : MLAG_PORT_LEG,
		.gate = (uint8_t)exit->gate,
		.lag_id = 9,
		.untagged_vid = exit->untagged_vid,
	};

	if (!exit->not_forwarding) {
		port.forwards[exit->vlan / 64] = UINT64_C(1) << (exit->vlan % 64);
	}
	if (exit->held) {
		port.held[exit->vlan / 64] = UINT64_C(1) << (exit->vlan % 64);
	}
	return port;
}

struct mlag_router scenelab_router_of(const struct scene *scene, enum mac mac)
{
	struct mlag_router router = {
		.domain = scene->domain,
		.own_ifindex = scene->without_svi ? 0 : scenelab.svi,
		.owner = mac == MAC_OWN ? MLAG_OWNER_SELF : MLAG_OWNER_PEER,
	};

	memcpy(router.own_mac, scenelab_our_mac, sizeof(router.own_mac));
	return router;
}

/* The source that was not seen for a second is another one each time. */
static void source_of(const struct scene *scene, uint8_t ret[6])
{
	static uint8_t strangers;

	memcpy(ret, SOURCE_MAC, 6);
	if (scene->obstacle == OBSTACLE_SENDER_DUE) {
		ret[3] = 1;
		ret[4] = ++strangers;
	}
}

void scenelab_frame_of(const struct scene *scene, struct wire_frame *ret)
{
	uint8_t source_mac[6];
	struct ip_packet packet = {
		.destination_mac = scenelab_macs[scene->to],
		.source_mac = source_mac,
		.tags = {scene->tags[0], scene->tags[1]},
		.source = scene->ip && strchr(scene->ip, ':') ? "2001:db8:10::5" : "10.0.10.5",
		.destination = scene->ip,
		.hop_limit = scene->hop_limit,
		.shape = scene->shape,
	};

	source_of(scene, source_mac);
	if (!scene->ip) {
		wire_frame_make(ret, scenelab_macs[scene->to], source_mac, scene->tags, 2, 46);
		return;
	}
	if (scene->from) {
		packet.source = scene->from;
	}
	ip_frame_make(ret, &packet);
	if (scene->ethertype) {
		uint32_t offset = scene->tags[0] ? 16 : 12;

		ret->bytes[offset] = (uint8_t)(scene->ethertype >> 8);
		ret->bytes[offset + 1] = (uint8_t)scene->ethertype;
	}
}

/* Reads the packet as the programs should. */
static void read_packet(const struct wire_frame *frame, uint32_t offset, uint8_t family,
			bool segmented, struct mlag_packet *ret)
{
	uint32_t size = family == 4 ? MLAG_IPV4_HEADER_SIZE : MLAG_IPV6_HEADER_SIZE;

	ret->family = family;
	if (!family) {
		return;
	}
	if (frame->size < offset + size) {
		ret->malformed = 1;
	} else if (family == 4) {
		mlag_packet_read_ipv4(ret, frame->bytes + offset, frame->size - offset, segmented);
	} else {
		mlag_packet_read_ipv6(ret, frame->bytes + offset, frame->size - offset);
	}
}

/* What mlag_receive() says, asked as often as it wants. */
static struct mlag_decision answer(const struct scene *scene, const struct wire_frame *frame,
				   uint16_t vlan, uint8_t family, uint32_t offset,
				   struct mlag_packet *packet)
{
	struct mlag_domain domain = scenelab_domain_of(scene);
	struct mlag_port port = scenelab_port_of(scene);
	struct mlag_decision decision = mlag_receive(&domain, &port, packet);

	if (decision.action == MLAG_ACTION_ASK_ROUTER) {
		packet->router_asked = 1;
		packet->router_found = (scene->to == MAC_PEER || scene->to == MAC_OWN) &&
				       vlan == scene->router_vlan;
		packet->router = scenelab_router_of(scene, scene->to);
		if (packet->router_found) {
			read_packet(frame, offset, family, scene->segmented, packet);
		}
		decision = mlag_receive(&domain, &port, packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ADDRESS) {
		packet->address_asked = 1;
		packet->address_owner = (uint8_t)owner_at(place_of(scene->ip), scene->domain);
		decision = mlag_receive(&domain, &port, packet);
	}
	if (decision.action == MLAG_ACTION_ASK_ROUTE) {
		packet->route_asked = 1;
		packet->route_found =
			place_of(scene->ip)->route &&
			(!place_of(scene->ip)->rejects || mlag_reject_is_route(scene->domain));
		decision = mlag_receive(&domain, &port, packet);
	}
	return decision;
}

/* What mlag_shortcut() says of that. */
static struct mlag_decision shorten(const struct scene *scene, const struct mlag_tag *tag,
				    const struct mlag_packet *packet, struct mlag_decision decision)
{
	struct mlag_domain domain = scenelab_domain_of(scene);
	struct mlag_port port = scenelab_port_of(scene);
	struct mlag_port exit = scenelab_exit_of(scene);
	struct mlag_arrival arrival = mlag_arrival_of(scene->vlan_aware, scene->ingress_vid, tag);
	struct mlag_exit way = {0};
	struct mlag_decision shortcut;

	arrival.sender_due = scene->obstacle == OBSTACLE_SENDER_DUE;
	shortcut = mlag_shortcut(&domain, &port, packet, &arrival, &way, decision);
	if (shortcut.action == MLAG_ACTION_ASK_EXIT) {
		bool found = scene->exit.known && !scene->exit.elsewhere && !scene->exit.refused &&
			     place_of(scene->ip)->next_hop;

		way.asked = 1;
		way.vlan = scene->exit.vlan;
		way.port = found ? &exit : NULL;
		shortcut = mlag_shortcut(&domain, &port, packet, &arrival, &way, decision);
	}
	return shortcut;
}

struct verdict scenelab_decide(const struct scene *scene, const struct wire_frame *frame)
{
	uint16_t type = (uint16_t)(frame->bytes[12] << 8 | frame->bytes[13]);
	struct mlag_tag tag = {.inside = type == ETH_P_8021Q};
	struct mlag_packet packet = {.group = mlag_mac_is_group(frame->bytes)};
	struct verdict verdict = {mlag_pass(), mlag_pass()};
	uint32_t offset = ETH_HLEN;

	if (scene->without_port) {
		return verdict; /* forward.h is not even asked */
	}
	if (tag.inside) {
		tag.inside_tci = (uint16_t)(frame->bytes[14] << 8 | frame->bytes[15]);
		type = (uint16_t)(frame->bytes[16] << 8 | frame->bytes[17]);
		offset += 4;
	}
	verdict.decision = answer(scene, frame,
				  mlag_ingress_vid(scene->vlan_aware, scene->ingress_vid, &tag),
				  mlag_family_of(scene->vlan_aware, &tag, type), offset, &packet);
	verdict.shortcut = shorten(scene, &tag, &packet, verdict.decision);
	return verdict;
}
