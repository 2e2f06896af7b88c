/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table for R20 to R27, whoever decides: each scene says what forward.h and shortcut.h answer,
 * and from that follows what the program at tc and the one at XDP must do with the frame.
 */
#ifndef MLAG_TESTS_SCENES_H
#define MLAG_TESTS_SCENES_H

#include <stdbool.h>
#include <stdint.h>

#include "forward.h"
#include "ip.h"
#include "shortcut.h"
#include "wire.h"

#define SCENES_VRF 77 /* a routing domain that is not the default one */

/* Somewhere that a packet goes: who has the address, and whether the kernel routes it. */
struct place {
	const char *ip;
	enum mlag_owner owner;
	enum mlag_owner owner_in_vrf;
	bool route;
	bool rejects;  /* by a route that says unreachable */
	bool next_hop; /* which is a neighbour, by an interface that may be the bridge's */
};

enum mac {
	MAC_PEER,
	MAC_OWN,
	MAC_STRANGER,
	MAC_GROUP,
	MACS_COUNT,
};

/* What stands in the way of a shortcut that there would be otherwise. */
enum obstacle {
	OBSTACLE_NONE,
	OBSTACLE_INGRESS_VLAN, /* the bridge does not forward the frame's VLAN where it comes in */
	OBSTACLE_GUARDED,
	OBSTACLE_SENDER_DUE,
	OBSTACLE_PEER_LINK_VLAN,
	OBSTACLE_NO_PEER_LINK,
};

/**
 * struct scene_exit - the port that the next hop of a routed packet is behind, if there is one
 * @known: there is
 * @vlan: of the interface that the kernel routes to
 * @untagged_vid, @gate: of the port
 * @is_peer_link: it is the peer link
 * @not_forwarding: the bridge does not forward the VLAN there
 * @held: the peer has not acknowledged the VLAN there
 * @elsewhere: the interface is none of the bridge's
 * @refused: routing, neighbours or reverse path do not let it go there, which only the kernel knows
 * @reverse_path: see struct mlag_svi; of the interface that the packet came by
 */
struct scene_exit {
	bool known;
	uint16_t vlan;
	uint16_t untagged_vid;
	enum mlag_gate gate;
	bool is_peer_link;
	bool not_forwarding;
	bool held;
	bool elsewhere;
	bool refused;
	uint8_t reverse_path;
};

/**
 * struct scene - a frame, and what there is to know of it
 * @ip: destination; NULL: not IP
 * @from: source, if it is not the host of the network that the frame comes from
 * @router_vlan: where the router MACs are known
 * @ethertype: instead of the packet's
 * @domain: of the routers
 * @segmented: the kernel's segmentation offload; not at XDP
 * @gate: of the port it comes by
 * @peer_link_untagged_vid: see struct mlag_domain
 * @action, @reason: what mlag_receive() says
 * @shortcut: what mlag_shortcut() says when all ways may be taken; 0: the same
 */
struct scene {
	const char *name;
	const char *ip;
	uint8_t hop_limit;
	enum ip_shape shape;
	const char *from;
	enum mac to;
	bool vlan_aware;
	uint16_t ingress_vid;
	uint16_t router_vlan;
	uint32_t tags[2];
	uint16_t ethertype;
	uint32_t domain;
	bool unproven;
	bool without_svi;
	bool without_port;
	bool segmented;
	enum mlag_port_kind kind;
	enum mlag_gate gate;
	uint16_t peer_link_untagged_vid;
	enum obstacle obstacle;
	struct scene_exit exit;
	enum mlag_action action;
	enum mlag_reason reason;
	enum mlag_action shortcut;
};

extern const struct place PLACES[];
extern const uint32_t PLACES_COUNT;
extern const struct scene SCENES[];
extern const uint32_t SCENES_COUNT;

#endif
