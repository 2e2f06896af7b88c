/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model behind links.h: every link of the namespace, and what is made of them for the peer link
 * and each leg.  Shared by links.c, which keeps it true, linkstate.c, which holds it, and
 * linkproblems.c, which judges it.
 */
#ifndef MLAGD_KERNEL_LINKSTATE_H
#define MLAGD_KERNEL_LINKSTATE_H

#include "kernel/linkmsg.h"
#include "kernel/links.h"

/* No port; see struct linkstate_link. */
#define LINKSTATE_NO_PORT UINT32_MAX
/* A table for a machine with every VLAN as a device, and then some. */
#define LINKSTATE_LINKS_MAX 65536

/**
 * struct linkstate_link - one link of the namespace
 * @message: as last described by the kernel
 * @seen: described since linkstate_unsee()
 * @is_bridge: it has the configured bridge's name
 * @port: index in ports of the port with its name, or LINKSTATE_NO_PORT
 * @incarnation: another number whenever the device appeared or changed its master; never 0
 * @vlans: NULL until the bridge spoke of it; owned
 */
struct linkstate_link {
	struct linkmsg message;
	uint32_t incarnation;
	bool seen;
	bool is_bridge;
	uint32_t port;
	struct linkmsg_vlans *vlans;
};

/**
 * struct linkstate_port - the peer link (index 0) or a leg (index in the spec + 1)
 * @link: its device, NULL while there is none; valid until the model changes
 * @slaves: of a bond
 * @slaves_up: slaves that are up and have carrier
 * @distributing, @collecting: see struct mlag_leg_observation
 * @reported: @leg was reported
 * @leg: the last report
 * @settings_incarnation: of the port whose @settings were reported, 0 for none
 * @settings: the last report of the bridge port's settings
 */
struct linkstate_port {
	const struct linkstate_link *link;
	uint32_t slaves;
	uint32_t slaves_up;
	bool distributing;
	bool collecting;
	bool reported;
	struct mlag_leg_observation leg;
	uint32_t settings_incarnation;
	struct linkmsg_settings settings;
};

/**
 * struct linkstate - the model
 * @links: by ascending ifindex
 * @bridge: as linkstate_port.link
 * @incarnations: the last one that was given to a link
 */
struct linkstate {
	struct links_spec spec;
	uint32_t incarnations;
	struct linkstate_link *links;
	uint32_t links_count;
	uint32_t links_room;
	const struct linkstate_link *bridge;
	struct linkstate_port ports[1 + MLAG_LEGS_MAX];
};

void linkstate_fini(struct linkstate *state);

/* Take over names; forgets what was reported of legs whose id or name changed. */
void linkstate_configure(struct linkstate *state, const struct links_spec *spec);

/* NULL if there is none. */
struct linkstate_link *linkstate_find(const struct linkstate *state, uint32_t ifindex);

/* Create or update; 0, -ENOMEM, or -ENOSPC beyond LINKSTATE_LINKS_MAX. */
int linkstate_update(struct linkstate *state, const struct linkmsg *message);

/* The VLANs of a link, if it is known; 0 or -ENOMEM.  NULL: it is no port any more. */
int linkstate_update_vlans(struct linkstate *state, uint32_t ifindex,
			   const struct linkmsg_vlans *vlans);

/* Which VLANs of a link do not forward, among those @named; see vlanmsg.h. */
void linkstate_update_vlan_states(struct linkstate *state, uint32_t ifindex,
				  const struct mlag_vlans *named, const struct mlag_vlans *blocked);

void linkstate_remove(struct linkstate *state, uint32_t ifindex);

/* Mark every link unseen. */
void linkstate_unsee(struct linkstate *state);

/* Work out bridge and ports anew from links; to be called before they are looked at. */
void linkstate_resolve(struct linkstate *state);

/* The device is a port of the configured bridge. */
bool linkstate_is_member(const struct linkstate *state, const struct linkstate_link *link);

/* Allowed VLANs as the engine wants them, and the untagged one (0 on a plain bridge). */
void linkstate_get_vlans(const struct linkstate *state, const struct linkstate_link *link,
			 struct mlag_vlans *ret_vlans, uint16_t *ret_untagged_vid);

/* VLANs in which the bridge forwards at a port of it: none unless its state says so. */
void linkstate_get_forwards(const struct linkstate *state, const struct linkstate_link *link,
			    struct mlag_vlans *ret);

/* What linkstate_resolve() found, in the engine's words. */
void linkstate_observe_peer_link(const struct linkstate *state, struct mlag_peer_link *ret);
void linkstate_observe_leg(const struct linkstate *state, uint32_t lag_index,
			   struct mlag_leg_observation *ret);

/*
 * The members from a place in links on: the first one there, and the place after it in *index.
 * False when there is none.
 */
bool linkstate_next_member(const struct linkstate *state, uint32_t *index, struct links_port *ret);

/*
 * The settings of the peer link (index 0) or a leg (index in the spec + 1), if it is a port of the
 * bridge and they are not those of the last call.  False when there is nothing to report.
 */
bool linkstate_take_settings(struct linkstate *state, uint32_t index, uint32_t *ret_ifindex,
			     struct linkmsg_settings *ret);

/* See links_get_bond(). */
void linkstate_get_bond(const struct linkstate *state, uint32_t ifindex, struct links_bond *ret);

bool linkstate_port_equal(const struct links_port *a, const struct links_port *b);
bool linkstate_peer_link_equal(const struct mlag_peer_link *a, const struct mlag_peer_link *b);
bool linkstate_leg_equal(const struct mlag_leg_observation *a,
			 const struct mlag_leg_observation *b);

/* linkproblems.c; linkstate_resolve() was called. */
uint32_t linkproblems_find(const struct linkstate *state, struct links_problem *ret, uint32_t max);

#endif
