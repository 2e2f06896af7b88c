// SPDX-License-Identifier: BSD-2-Clause
/*
 * The model of the links: a table of what the kernel described, and the few ports that matter
 * worked out from it.  No socket is in here; links.c feeds it, and the unit tests do.
 */
#include "kernel/linkstate.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

void linkstate_fini(struct linkstate *state)
{
	uint32_t i;

	for (i = 0; i < state->links_count; i++) {
		free(state->links[i].vlans);
	}
	free(state->links);
	memset(state, 0, sizeof(*state));
}

static void linkstate_name(const struct linkstate *state, struct linkstate_link *link)
{
	const char *ifname = link->message.ifname;
	uint32_t i;

	link->is_bridge = strcmp(ifname, state->spec.bridge) == 0;
	link->port = LINKSTATE_NO_PORT;
	if (strcmp(ifname, state->spec.peer_link) == 0) {
		link->port = 0;
		return;
	}
	for (i = 0; i < state->spec.lags_count; i++) {
		if (strcmp(ifname, state->spec.lags[i].ifname) == 0) {
			link->port = i + 1;
			return;
		}
	}
}

/* What was reported of a leg with this id and name, before the spec changed. */
static const struct linkstate_port *linkstate_reported(const struct linkstate_port *ports,
						       const struct links_spec *spec, uint16_t id,
						       const char *ifname)
{
	uint32_t i;

	for (i = 0; i < spec->lags_count; i++) {
		if (spec->lags[i].id == id && strcmp(spec->lags[i].ifname, ifname) == 0) {
			return ports[i + 1].reported ? &ports[i + 1] : NULL;
		}
	}
	return NULL;
}

void linkstate_configure(struct linkstate *state, const struct links_spec *spec)
{
	struct linkstate_port ports[1 + MLAG_LEGS_MAX] = {0};
	uint32_t i;

	for (i = 0; i < spec->lags_count; i++) {
		const struct linkstate_port *old = linkstate_reported(
			state->ports, &state->spec, spec->lags[i].id, spec->lags[i].ifname);

		if (old != NULL) {
			ports[i + 1].reported = true;
			ports[i + 1].leg = old->leg;
		}
	}
	memcpy(state->ports, ports, sizeof(ports));
	state->spec = *spec;
	for (i = 0; i < state->links_count; i++) {
		linkstate_name(state, &state->links[i]);
	}
}

/* Where a link is, or where it would be. */
static uint32_t linkstate_position(const struct linkstate *state, uint32_t ifindex)
{
	uint32_t low = 0;
	uint32_t high = state->links_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (state->links[middle].message.ifindex < ifindex) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

struct linkstate_link *linkstate_find(const struct linkstate *state, uint32_t ifindex)
{
	uint32_t position = linkstate_position(state, ifindex);

	if (position == state->links_count || state->links[position].message.ifindex != ifindex) {
		return NULL;
	}
	return &state->links[position];
}

/* Make room for one more at a position. */
static int linkstate_insert(struct linkstate *state, uint32_t position)
{
	if (state->links_count == LINKSTATE_LINKS_MAX) {
		return -ENOSPC;
	}
	if (state->links_count == state->links_room) {
		uint32_t room = state->links_room == 0 ? 64 : state->links_room * 2;
		struct linkstate_link *links =
			reallocarray(state->links, room, sizeof(*state->links));

		if (links == NULL) {
			return -ENOMEM;
		}
		state->links = links;
		state->links_room = room;
	}
	memmove(&state->links[position + 1], &state->links[position],
		(state->links_count - position) * sizeof(*state->links));
	memset(&state->links[position], 0, sizeof(*state->links));
	state->links_count++;
	return 0;
}

/* What was set at the port before is gone, though device and number may be the same. */
static void linkstate_is_anew(struct linkstate *state, struct linkstate_link *link)
{
	state->incarnations = state->incarnations == UINT32_MAX ? 1 : state->incarnations + 1;
	link->incarnation = state->incarnations;
}

int linkstate_update(struct linkstate *state, const struct linkmsg *message)
{
	uint32_t position = linkstate_position(state, message->ifindex);
	struct linkstate_link *link;

	if (position == state->links_count ||
	    state->links[position].message.ifindex != message->ifindex) {
		int error = linkstate_insert(state, position);

		if (error < 0) {
			return error;
		}
		linkstate_is_anew(state, &state->links[position]);
	}
	link = &state->links[position];
	if (link->message.master != message->master) {
		linkstate_is_anew(state, link);
		/* The new bridge tells its VLANs by a message of its own. */
		free(link->vlans);
		link->vlans = NULL;
	}
	link->message = *message;
	link->seen = true;
	linkstate_name(state, link);
	return 0;
}

int linkstate_update_vlans(struct linkstate *state, uint32_t ifindex,
			   const struct linkmsg_vlans *vlans)
{
	struct linkstate_link *link = linkstate_find(state, ifindex);
	struct mlag_vlans blocked;

	if (link == NULL) {
		return 0;
	}
	if (vlans == NULL) {
		free(link->vlans);
		link->vlans = NULL;
		return 0;
	}
	if (link->vlans == NULL) {
		link->vlans = calloc(1, sizeof(*link->vlans));
		if (link->vlans == NULL) {
			return -ENOMEM;
		}
	}
	blocked = link->vlans->blocked; /* told by other messages */
	*link->vlans = *vlans;
	link->vlans->blocked = blocked;
	return 0;
}

void linkstate_update_vlan_states(struct linkstate *state, uint32_t ifindex,
				  const struct mlag_vlans *named, const struct mlag_vlans *blocked)
{
	struct linkstate_link *link = linkstate_find(state, ifindex);

	if (link == NULL || link->vlans == NULL) {
		return;
	}
	for (uint32_t i = 0; i < MLAG_VLAN_WORDS; i++) {
		uint64_t *word = &link->vlans->blocked.words[i];

		*word = (*word & ~named->words[i]) | blocked->words[i];
	}
}

void linkstate_remove(struct linkstate *state, uint32_t ifindex)
{
	uint32_t position = linkstate_position(state, ifindex);

	if (position == state->links_count || state->links[position].message.ifindex != ifindex) {
		return;
	}
	free(state->links[position].vlans);
	state->links_count--;
	memmove(&state->links[position], &state->links[position + 1],
		(state->links_count - position) * sizeof(*state->links));
}

void linkstate_unsee(struct linkstate *state)
{
	uint32_t i;

	for (i = 0; i < state->links_count; i++) {
		state->links[i].seen = false;
	}
}

/*
 * Add a slave to its bond.  Only the active aggregator forwards, though every aggregator's slaves
 * show Distributing; a slave's carrier counts when it is up, whatever the bond says of it.
 */
static void linkstate_add_slave(struct linkstate_port *port, const struct linkmsg *slave)
{
	const struct linkmsg *bond = &port->link->message;

	port->slaves++;
	if (!slave->up || !slave->lower_up) {
		return;
	}
	port->slaves_up++;
	if (bond->aggregator != 0 && slave->aggregator != bond->aggregator) {
		return;
	}
	if ((slave->actor_state & LINKMSG_LACP_DISTRIBUTING) == 0) {
		return;
	}
	port->distributing = true;
	if ((slave->partner_state & LINKMSG_LACP_SYNCHRONIZATION) != 0 &&
	    (slave->partner_state & LINKMSG_LACP_COLLECTING) != 0) {
		port->collecting = true;
	}
}

void linkstate_resolve(struct linkstate *state)
{
	uint32_t i;

	state->bridge = NULL;
	for (i = 0; i <= state->spec.lags_count; i++) {
		state->ports[i].link = NULL;
		state->ports[i].slaves = 0;
		state->ports[i].slaves_up = 0;
		state->ports[i].distributing = false;
		state->ports[i].collecting = false;
	}
	for (i = 0; i < state->links_count; i++) {
		const struct linkstate_link *link = &state->links[i];

		if (link->is_bridge && link->message.kind == LINKMSG_KIND_BRIDGE) {
			state->bridge = link;
		}
		if (link->port != LINKSTATE_NO_PORT) {
			state->ports[link->port].link = link;
		}
	}
	for (i = 0; i < state->links_count; i++) {
		const struct linkmsg *slave = &state->links[i].message;
		const struct linkstate_link *bond;

		if (slave->master_kind != LINKMSG_KIND_BOND) {
			continue;
		}
		bond = linkstate_find(state, slave->master);
		if (bond != NULL && bond->port != LINKSTATE_NO_PORT &&
		    state->ports[bond->port].link == bond) {
			linkstate_add_slave(&state->ports[bond->port], slave);
		}
	}
}

bool linkstate_is_member(const struct linkstate *state, const struct linkstate_link *link)
{
	return state->bridge != NULL && link != NULL &&
	       link->message.master == state->bridge->message.ifindex;
}

/* A bond follows its slaves at once; its own carrier lags by miimon. */
static bool linkstate_carrier(const struct linkstate_port *port)
{
	const struct linkmsg *message = &port->link->message;

	if (!message->up || !message->running || !message->lower_up) {
		return false;
	}
	return message->kind != LINKMSG_KIND_BOND || port->slaves_up > 0;
}

void linkstate_get_vlans(const struct linkstate *state, const struct linkstate_link *link,
			 struct mlag_vlans *ret_vlans, uint16_t *ret_untagged_vid)
{
	memset(ret_vlans, 0, sizeof(*ret_vlans));
	*ret_untagged_vid = 0;
	if (!linkstate_is_member(state, link)) {
		return;
	}
	if (!state->bridge->message.vlan_filtering) {
		mlag_vlans_add(ret_vlans, 0);
		return;
	}
	if (link->vlans != NULL) {
		*ret_vlans = link->vlans->set;
		*ret_untagged_vid = link->vlans->untagged_vid;
	}
}

void linkstate_get_forwards(const struct linkstate *state, const struct linkstate_link *link,
			    struct mlag_vlans *ret)
{
	uint16_t untagged_vid;

	linkstate_get_vlans(state, link, ret, &untagged_vid);
	/* The programs know tags of 802.1Q only. */
	if (!linkstate_is_member(state, link) || !link->message.settings.forwarding ||
	    (state->bridge->message.vlan_filtering && state->bridge->message.vlan_protocol != 0 &&
	     state->bridge->message.vlan_protocol != ETH_P_8021Q)) {
		memset(ret, 0, sizeof(*ret));
		return;
	}
	for (uint32_t i = 0;
	     state->bridge->message.vlan_filtering && link->vlans != NULL && i < MLAG_VLAN_WORDS;
	     i++) {
		ret->words[i] &= ~link->vlans->blocked.words[i];
	}
}

void linkstate_observe_peer_link(const struct linkstate *state, struct mlag_peer_link *ret)
{
	const struct linkstate_port *port = &state->ports[0];

	memset(ret, 0, sizeof(*ret));
	if (state->bridge != NULL) {
		ret->bridge_ifindex = state->bridge->message.ifindex;
		ret->vlan_aware = state->bridge->message.vlan_filtering;
	}
	if (port->link == NULL) {
		return;
	}
	ret->mac = port->link->message.mac;
	if (linkstate_is_member(state, port->link)) {
		ret->ifindex = port->link->message.ifindex;
		ret->incarnation = port->link->incarnation;
		ret->carrier = linkstate_carrier(port);
		linkstate_get_vlans(state, port->link, &ret->vlans, &ret->untagged_vid);
	}
}

void linkstate_observe_leg(const struct linkstate *state, uint32_t lag_index,
			   struct mlag_leg_observation *ret)
{
	const struct linkstate_port *port = &state->ports[lag_index + 1];

	memset(ret, 0, sizeof(*ret));
	if (!linkstate_is_member(state, port->link)) {
		return;
	}
	ret->ifindex = port->link->message.ifindex;
	ret->incarnation = port->link->incarnation;
	ret->carrier = linkstate_carrier(port);
	ret->lacp = port->link->message.bond_8023ad;
	ret->distributing = ret->lacp && port->distributing;
	ret->partner_collecting = ret->lacp && port->collecting;
	ret->partner_mac = port->link->message.partner_mac;
	linkstate_get_vlans(state, port->link, &ret->vlans, &ret->untagged_vid);
}

bool linkstate_next_member(const struct linkstate *state, uint32_t *index, struct links_port *ret)
{
	while (*index < state->links_count) {
		const struct linkstate_link *link = &state->links[(*index)++];

		if (!linkstate_is_member(state, link) || link == state->ports[0].link) {
			continue;
		}
		ret->ifindex = link->message.ifindex;
		ret->incarnation = link->incarnation;
		ret->ingress_vid = 0;
		if (state->bridge->message.vlan_filtering && link->vlans != NULL) {
			ret->ingress_vid = link->vlans->ingress_vid;
		}
		ret->guarded = link->message.settings.guarded;
		linkstate_get_forwards(state, link, &ret->forwards);
		return true;
	}
	return false;
}

static bool linkstate_settings_equal(const struct linkmsg_settings *a,
				     const struct linkmsg_settings *b)
{
	return a->learning == b->learning && a->flood == b->flood &&
	       a->mcast_flood == b->mcast_flood && a->bcast_flood == b->bcast_flood &&
	       a->backup_ifindex == b->backup_ifindex && a->forwarding == b->forwarding &&
	       a->guarded == b->guarded;
}

bool linkstate_take_settings(struct linkstate *state, uint32_t index, uint32_t *ret_ifindex,
			     struct linkmsg_settings *ret)
{
	struct linkstate_port *port = &state->ports[index];
	const struct linkstate_link *link = port->link;

	if (!linkstate_is_member(state, link)) {
		port->settings_incarnation = 0;
		return false;
	}
	if (port->settings_incarnation == link->incarnation &&
	    linkstate_settings_equal(&port->settings, &link->message.settings)) {
		return false;
	}
	port->settings_incarnation = link->incarnation;
	port->settings = link->message.settings;
	*ret_ifindex = link->message.ifindex;
	*ret = link->message.settings;
	return true;
}

static bool linkstate_vlans_equal(const struct mlag_vlans *a, const struct mlag_vlans *b)
{
	return memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

static bool linkstate_mac_equal(const struct mlag_mac *a, const struct mlag_mac *b)
{
	return memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

void linkstate_get_bond(const struct linkstate *state, uint32_t ifindex, struct links_bond *ret)
{
	const struct linkstate_link *bond = linkstate_find(state, ifindex);

	memset(ret, 0, sizeof(*ret));
	if (bond == NULL) {
		return;
	}
	ret->is_up = bond->message.up;
	if (bond->message.kind != LINKMSG_KIND_BOND) {
		return;
	}
	ret->is_bond = true;
	ret->is_lacp_leg = bond->message.bond_8023ad && bond->port != LINKSTATE_NO_PORT;
	for (uint32_t i = 0; i < state->links_count; i++) {
		const struct linkmsg *slave = &state->links[i].message;

		if (slave->master != ifindex) {
			continue;
		}
		if (ret->slaves_count == LINKS_SLAVES_MAX) {
			ret->has_more = true;
			return;
		}
		ret->slaves[ret->slaves_count].ifindex = slave->ifindex;
		ret->slaves[ret->slaves_count].is_up = slave->up;
		ret->slaves[ret->slaves_count].has_carrier = slave->up && slave->lower_up;
		ret->slaves[ret->slaves_count].collects =
			slave->up && slave->lower_up &&
			slave->aggregator == bond->message.aggregator &&
			(slave->actor_state & LINKMSG_LACP_COLLECTING) != 0;
		ret->slaves_count++;
	}
}

bool linkstate_port_equal(const struct links_port *a, const struct links_port *b)
{
	return a->ifindex == b->ifindex && a->incarnation == b->incarnation &&
	       a->ingress_vid == b->ingress_vid && a->guarded == b->guarded &&
	       linkstate_vlans_equal(&a->forwards, &b->forwards);
}

bool linkstate_peer_link_equal(const struct mlag_peer_link *a, const struct mlag_peer_link *b)
{
	return a->ifindex == b->ifindex && a->incarnation == b->incarnation &&
	       a->bridge_ifindex == b->bridge_ifindex && a->carrier == b->carrier &&
	       a->vlan_aware == b->vlan_aware && a->untagged_vid == b->untagged_vid &&
	       linkstate_mac_equal(&a->mac, &b->mac) && linkstate_vlans_equal(&a->vlans, &b->vlans);
}

bool linkstate_leg_equal(const struct mlag_leg_observation *a, const struct mlag_leg_observation *b)
{
	return a->ifindex == b->ifindex && a->incarnation == b->incarnation &&
	       a->carrier == b->carrier && a->lacp == b->lacp &&
	       a->distributing == b->distributing &&
	       a->partner_collecting == b->partner_collecting && a->data_seen == b->data_seen &&
	       a->untagged_vid == b->untagged_vid &&
	       linkstate_mac_equal(&a->partner_mac, &b->partner_mac) &&
	       linkstate_vlans_equal(&a->vlans, &b->vlans);
}
