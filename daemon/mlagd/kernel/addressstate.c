// SPDX-License-Identifier: BSD-2-Clause
/*
 * The model of addresses: two tables of what the kernel told, and the rows worked out from them
 * whenever one of the two has changed.  A row depends on up to four things (an address, its device,
 * the device's VRF, the bridge's own VLANs), which come and go in any order; so nothing is kept up
 * to date by pieces.
 */
#include "kernel/addressstate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int addressstate_link_compare(const void *a, const void *b)
{
	const struct addressstate_link *left = a, *right = b;

	return (left->ifindex > right->ifindex) - (left->ifindex < right->ifindex);
}

static int addressstate_ip_compare(const void *a, const void *b)
{
	const struct addressmsg *left = a, *right = b;
	int order;

	if (left->ifindex != right->ifindex) {
		return left->ifindex < right->ifindex ? -1 : 1;
	}
	if (left->family != right->family) {
		return left->family < right->family ? -1 : 1;
	}
	order = memcmp(left->octets, right->octets, sizeof(left->octets));
	if (order != 0) {
		return order;
	}
	if (left->prefix != right->prefix) {
		return left->prefix < right->prefix ? -1 : 1;
	}
	return memcmp(left->far, right->far, sizeof(left->far));
}

int addressstate_row_compare(const void *a, const void *b)
{
	const struct mlag_address_key *left = a, *right = b;

	if (left->kind != right->kind) {
		return left->kind < right->kind ? -1 : 1;
	}
	if (left->family != right->family) {
		return left->family < right->family ? -1 : 1;
	}
	if (left->vlan != right->vlan) {
		return left->vlan < right->vlan ? -1 : 1;
	}
	if (left->domain != right->domain) {
		return left->domain < right->domain ? -1 : 1;
	}
	return memcmp(left->octets, right->octets, sizeof(left->octets));
}

void addressstate_init(struct addressstate *state)
{
	memset(state, 0, sizeof(*state));
	state->links.size = sizeof(struct addressstate_link);
	state->links.max = ADDRESSSTATE_LINKS_MAX;
	state->links.compare = addressstate_link_compare;
	state->ips.size = sizeof(struct addressstate_ip);
	state->ips.max = ADDRESSSTATE_IPS_MAX;
	state->ips.compare = addressstate_ip_compare;
}

void addressstate_fini(struct addressstate *state)
{
	sorted_fini(&state->links);
	sorted_fini(&state->ips);
}

static void addressstate_change(struct addressstate *state)
{
	state->changed = true;
	state->touched = true;
}

bool addressstate_set_bridge(struct addressstate *state, uint32_t ifindex, bool vlan_aware)
{
	if (state->bridge_ifindex == ifindex && state->vlan_aware == vlan_aware) {
		return false;
	}
	if (state->bridge_ifindex != ifindex) {
		memset(&state->vlans, 0, sizeof(state->vlans));
	}
	state->bridge_ifindex = ifindex;
	state->vlan_aware = vlan_aware;
	addressstate_change(state);
	return true;
}

static bool addressstate_vlans_equal(const struct linkmsg_vlans *a, const struct linkmsg_vlans *b)
{
	return a->ingress_vid == b->ingress_vid && a->ingress_untagged == b->ingress_untagged &&
	       a->untagged_vid == b->untagged_vid &&
	       a->untagged_vid_second == b->untagged_vid_second &&
	       memcmp(&a->set, &b->set, sizeof(a->set)) == 0;
}

void addressstate_set_vlans(struct addressstate *state, const struct linkmsg_vlans *vlans)
{
	if (!addressstate_vlans_equal(&state->vlans, vlans)) {
		state->vlans = *vlans;
		addressstate_change(state);
	}
}

static bool addressstate_link_equal(const struct addressstate_link *a,
				    const struct addressstate_link *b)
{
	return a->master == b->master && a->lower == b->lower && a->kind == b->kind &&
	       a->master_kind == b->master_kind && a->vlan == b->vlan && a->up == b->up &&
	       memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0 && strcmp(a->ifname, b->ifname) == 0;
}

int addressstate_put_link(struct addressstate *state, const struct linkmsg *message)
{
	struct addressstate_link link = {
		.ifindex = message->ifindex,
		.master = message->master,
		.lower = message->lower,
		.kind = message->kind,
		.master_kind = message->master_kind,
		.vlan = message->vlan,
		.up = message->up,
		.running = message->running,
		.seen = true,
		.mac = message->address,
	};
	struct addressstate_link *there;
	void *item;
	int r;

	memcpy(link.ifname, message->ifname, sizeof(link.ifname));
	memcpy(link.alias, message->alias, sizeof(link.alias));
	r = sorted_put(&state->links, &link, &item);
	if (r < 0) {
		return r;
	}
	there = item;
	if (r == 1 || !addressstate_link_equal(there, &link)) {
		addressstate_change(state);
	} else if (there->running != link.running || strcmp(there->alias, link.alias) != 0) {
		state->touched = true;
	}
	*there = link;
	return 0;
}

int addressstate_put_ip(struct addressstate *state, const struct addressmsg *message)
{
	struct addressstate_ip ip = {.message = *message, .seen = true};
	struct addressstate_ip *there;
	void *item;
	int r = sorted_put(&state->ips, &ip, &item);

	if (r < 0) {
		state->full = state->full || r == -ENOSPC;
		return r;
	}
	there = item;
	if (r == 1 || there->message.usable != message->usable) {
		addressstate_change(state);
	} else if (memcmp(&there->message, message, sizeof(*message)) != 0) {
		state->touched = true;
	}
	*there = ip;
	return 0;
}

static void addressstate_remove_ip_at(struct addressstate *state, uint32_t index)
{
	sorted_remove(&state->ips, index);
	addressstate_change(state);
	state->full = false;
}

/* The place of the first address of a device from a family on. */
static uint32_t addressstate_first_ip(const struct addressstate *state, uint32_t ifindex,
				      uint8_t family)
{
	struct addressstate_ip lowest = {.message = {.ifindex = ifindex, .family = family}};

	return sorted_lower(&state->ips, &lowest);
}

void addressstate_remove_link(struct addressstate *state, uint32_t ifindex)
{
	struct addressstate_link link = {.ifindex = ifindex};
	uint32_t index = sorted_lower(&state->links, &link);
	uint32_t first = addressstate_first_ip(state, ifindex, 0);

	if (index < state->links.count &&
	    ((struct addressstate_link *)sorted_at(&state->links, index))->ifindex == ifindex) {
		sorted_remove(&state->links, index);
		addressstate_change(state);
	}
	while (first < state->ips.count &&
	       ((struct addressstate_ip *)sorted_at(&state->ips, first))->message.ifindex ==
		       ifindex) {
		addressstate_remove_ip_at(state, first);
	}
}

void addressstate_remove_ip(struct addressstate *state, const struct addressmsg *message)
{
	struct addressstate_ip ip = {.message = *message};
	uint32_t index = sorted_lower(&state->ips, &ip);

	if (index < state->ips.count &&
	    addressstate_ip_compare(sorted_at(&state->ips, index), &ip) == 0) {
		addressstate_remove_ip_at(state, index);
	}
}

void addressstate_unsee(struct addressstate *state)
{
	uint32_t i;

	for (i = 0; i < state->links.count; i++) {
		((struct addressstate_link *)sorted_at(&state->links, i))->seen = false;
	}
	for (i = 0; i < state->ips.count; i++) {
		((struct addressstate_ip *)sorted_at(&state->ips, i))->seen = false;
	}
}

void addressstate_forget_unseen(struct addressstate *state, uint32_t ifindex, uint8_t family)
{
	uint32_t i = addressstate_first_ip(state, ifindex, family);

	while (i < state->ips.count) {
		const struct addressstate_ip *ip = sorted_at(&state->ips, i);

		if (ip->message.ifindex != ifindex || ip->message.family != family) {
			break;
		}
		if (ip->seen) {
			i++;
		} else {
			addressstate_remove_ip_at(state, i);
		}
	}
}

/* ---- rows ----------------------------------------------------------------------------------- */

const struct addressstate_link *addressstate_find(const struct addressstate *state,
						  uint32_t ifindex)
{
	struct addressstate_link wanted = {.ifindex = ifindex};

	return sorted_find(&state->links, &wanted);
}

const struct addressstate_link *addressstate_find_name(const struct addressstate *state,
						       const char *ifname)
{
	uint32_t i;

	for (i = 0; i < state->links.count; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);

		if (strcmp(link->ifname, ifname) == 0) {
			return link;
		}
	}
	return NULL;
}

const struct addressmsg *addressstate_next_ip(const struct addressstate *state, uint32_t ifindex,
					      uint32_t *cursor)
{
	uint32_t i = addressstate_first_ip(state, ifindex, 0) + *cursor;
	const struct addressstate_ip *ip;

	if (i >= state->ips.count) {
		return NULL;
	}
	ip = sorted_at(&state->ips, i);
	if (ip->message.ifindex != ifindex) {
		return NULL;
	}
	(*cursor)++;
	return &ip->message;
}

/* False while the VRF is not known by name. */
static bool addressstate_domain(const struct addressstate *state,
				const struct addressstate_link *link, uint32_t *ret_domain)
{
	const struct addressstate_link *vrf = link;

	if (link->kind != LINKMSG_KIND_VRF) {
		if (link->master_kind != LINKMSG_KIND_VRF) {
			*ret_domain = 0;
			return true;
		}
		vrf = addressstate_find(state, link->master);
	}
	if (vrf == NULL) {
		return false;
	}
	*ret_domain = mlag_routing_domain(vrf->ifname);
	return true;
}

static bool addressstate_is_on_bridge(const struct addressstate *state,
				      const struct addressstate_link *link)
{
	return state->bridge_ifindex != 0 && state->vlan_aware && link->vlan != 0 &&
	       link->lower == state->bridge_ifindex;
}

/* Frames of the VLAN reach the bridge itself with their tag, or without it. */
static bool addressstate_delivers(const struct linkmsg_vlans *vlans, uint16_t vlan, bool tagged)
{
	bool untagged = vlan == vlans->untagged_vid || vlan == vlans->untagged_vid_second ||
			(vlan == vlans->ingress_vid && vlans->ingress_untagged);

	return mlag_vlans_has(&vlans->set, vlan) && untagged == !tagged;
}

static bool addressstate_is_svi(const struct addressstate *state,
				const struct addressstate_link *link, uint16_t *ret_vlan,
				bool *ret_delivers)
{
	const struct linkmsg_vlans *vlans = &state->vlans;

	if (state->bridge_ifindex == 0) {
		return false;
	}
	if (link->ifindex == state->bridge_ifindex) {
		*ret_vlan = state->vlan_aware ? vlans->ingress_vid : 0;
		*ret_delivers = !state->vlan_aware ||
				(vlans->ingress_vid != 0 &&
				 addressstate_delivers(vlans, vlans->ingress_vid, false));
		return true;
	}
	*ret_vlan = link->vlan;
	*ret_delivers = addressstate_delivers(vlans, link->vlan, true);
	return addressstate_is_on_bridge(state, link);
}

enum addressstate_role addressstate_role(const struct addressstate *state,
					 const struct addressstate_link *link, uint16_t *ret_vlan,
					 bool *ret_delivers)
{
	const struct addressstate_link *lower;

	if (addressstate_is_svi(state, link, ret_vlan, ret_delivers)) {
		return ADDRESSSTATE_ROLE_SVI;
	}
	if (link->kind != LINKMSG_KIND_MACVLAN) {
		return ADDRESSSTATE_ROLE_NONE;
	}
	lower = addressstate_find(state, link->lower);
	return lower != NULL && addressstate_is_svi(state, lower, ret_vlan, ret_delivers)
		       ? ADDRESSSTATE_ROLE_MACVLAN
		       : ADDRESSSTATE_ROLE_NONE;
}

/* What arrives in the VLAN gets to the device, and what has its MAC is for it. */
static enum addressstate_role addressstate_receives(const struct addressstate *state,
						    const struct addressstate_link *link,
						    uint16_t *ret_vlan)
{
	bool delivers;
	enum addressstate_role role = addressstate_role(state, link, ret_vlan, &delivers);

	if (role == ADDRESSSTATE_ROLE_NONE || !delivers || !link->up) {
		return ADDRESSSTATE_ROLE_NONE;
	}
	if (role == ADDRESSSTATE_ROLE_MACVLAN && !addressstate_find(state, link->lower)->up) {
		return ADDRESSSTATE_ROLE_NONE;
	}
	return role;
}

static bool addressstate_is_unicast(const struct mlag_mac *mac)
{
	static const struct mlag_mac none;

	return (mac->octets[0] & 1) == 0 && memcmp(mac, &none, sizeof(none)) != 0;
}

static bool addressstate_make_svi(const struct addressstate *state,
				  const struct addressstate_link *link,
				  struct addressstate_row *ret_row)
{
	enum addressstate_role role;
	uint16_t vlan;

	memset(ret_row, 0, sizeof(*ret_row));
	role = addressstate_receives(state, link, &vlan);
	if (role == ADDRESSSTATE_ROLE_NONE || !addressstate_is_unicast(&link->mac) ||
	    !addressstate_domain(state, link, &ret_row->domain)) {
		return false;
	}
	ret_row->key.kind = MLAG_ADDRESS_ROUTER_MAC;
	ret_row->key.vlan = vlan;
	memcpy(ret_row->key.octets, link->mac.octets, sizeof(link->mac.octets));
	ret_row->ifindex = role == ADDRESSSTATE_ROLE_SVI ? link->ifindex : 0;
	return true;
}

uint32_t addressstate_next_router(const struct addressstate *state, uint32_t *cursor)
{
	struct addressstate_row row;

	while (*cursor < state->links.count) {
		const struct addressstate_link *link = sorted_at(&state->links, (*cursor)++);

		if (addressstate_make_svi(state, link, &row) && row.domain == 0) {
			return link->ifindex;
		}
	}
	return 0;
}

static bool addressstate_make_ip(const struct addressstate *state, const struct addressmsg *ip,
				 struct addressstate_row *ret_row)
{
	const struct addressstate_link *link = addressstate_find(state, ip->ifindex);
	enum addressmsg_scope scope = addressmsg_scope(ip->family, ip->octets);
	struct mlag_address_key *key = &ret_row->key;

	memset(ret_row, 0, sizeof(*ret_row));
	if (link == NULL || !link->up || !ip->usable) {
		return false;
	}
	key->family = ip->family;
	memcpy(key->octets, ip->octets, sizeof(key->octets));
	switch (scope) {
	case ADDRESSMSG_SCOPE_NONE:
		return false;
	case ADDRESSMSG_SCOPE_LINK:
		key->kind = MLAG_ADDRESS_LINK_LOCAL;
		return addressstate_receives(state, link, &key->vlan) != ADDRESSSTATE_ROLE_NONE;
	case ADDRESSMSG_SCOPE_GLOBAL:
		key->kind = MLAG_ADDRESS_IP;
		return addressstate_domain(state, link, &key->domain);
	}
	return false;
}

/* IPv4 has no link-local next hop: what the peer may send to in a VLAN (R31). */
static bool addressstate_make_svi_ip(const struct addressstate *state, const struct addressmsg *ip,
				     struct addressstate_row *ret_row)
{
	const struct addressstate_link *link = addressstate_find(state, ip->ifindex);
	struct mlag_address_key *key = &ret_row->key;

	memset(ret_row, 0, sizeof(*ret_row));
	if (link == NULL || !ip->usable || ip->family != 4 ||
	    addressmsg_scope(ip->family, ip->octets) != ADDRESSMSG_SCOPE_GLOBAL) {
		return false;
	}
	key->kind = MLAG_ADDRESS_SVI_IP;
	key->family = 4;
	memcpy(key->octets, ip->octets, sizeof(key->octets));
	return addressstate_receives(state, link, &key->vlan) == ADDRESSSTATE_ROLE_SVI &&
	       addressstate_domain(state, link, &key->domain);
}

/* The same address on two devices of a domain is one row; a router MAC rather that of an SVI. */
static uint32_t addressstate_unique(struct addressstate_row *rows, uint32_t count)
{
	uint32_t i, kept = 0;

	for (i = 0; i < count; i++) {
		if (kept == 0 || addressstate_row_compare(&rows[kept - 1], &rows[i]) != 0) {
			rows[kept++] = rows[i];
		} else if (rows[kept - 1].ifindex == 0) {
			rows[kept - 1] = rows[i];
		}
	}
	return kept;
}

int addressstate_rows(struct addressstate *state, struct addressstate_row **ret_rows,
		      uint32_t *ret_count)
{
	struct addressstate_row *rows = calloc(
		(size_t)state->links.count + 2 * (size_t)state->ips.count + 1, sizeof(*rows));
	uint32_t i, count = 0;

	if (rows == NULL) {
		return -ENOMEM;
	}
	for (i = 0; i < state->links.count; i++) {
		count += addressstate_make_svi(state, sorted_at(&state->links, i), &rows[count]);
	}
	for (i = 0; i < state->ips.count; i++) {
		const struct addressstate_ip *ip = sorted_at(&state->ips, i);

		count += addressstate_make_ip(state, &ip->message, &rows[count]);
		count += addressstate_make_svi_ip(state, &ip->message, &rows[count]);
	}
	qsort(rows, count, sizeof(*rows), addressstate_row_compare);
	state->changed = false;
	*ret_count = addressstate_unique(rows, count);
	*ret_rows = rows;
	return 0;
}

/* ---- problems ------------------------------------------------------------------------------- */

uint32_t addressstate_problems(const struct addressstate *state, struct addresses_problem *ret,
			       uint32_t max)
{
	uint32_t i, count = 0;

	if (state->full && count < max) {
		ret[count].code = "too-many-addresses";
		(void)snprintf(ret[count].text, sizeof(ret[count].text),
			       "this machine has more than %d IP addresses; the rest is not known "
			       "to the peer",
			       ADDRESSSTATE_IPS_MAX);
		count++;
	}
	for (i = 0; i < state->links.count && count < max; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);

		if (!link->up || !addressstate_is_on_bridge(state, link) ||
		    addressstate_delivers(&state->vlans, link->vlan, true)) {
			continue;
		}
		ret[count].code = "svi-without-vlan";
		(void)snprintf(ret[count].text, sizeof(ret[count].text),
			       "%s gets nothing: the bridge itself is no tagged member of VLAN %u",
			       link->ifname, link->vlan);
		count++;
	}
	return count;
}
