// SPDX-License-Identifier: BSD-2-Clause
/*
 * What to do about a shared gateway (see gatewayplan.h).  gateway.c looks, asks for the next step,
 * does it and asks again, at every event that may matter.  There is no memory of what was done: a
 * restarted daemon that finds everything in place has no step to do, and so loses nothing.
 */
#include "kernel/gatewayplan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define NAME_SUFFIX "-gw"
#define NAME_KEPT 8 /* characters of a long name that stay; then come four digits of a hash */

void gatewayplan_name(const char *svi, char ret_name[IFNAMSIZ])
{
	uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
	size_t length = strnlen(svi, IFNAMSIZ - 1);

	if (length + strlen(NAME_SUFFIX) < IFNAMSIZ) {
		(void)snprintf(ret_name, IFNAMSIZ, "%.12s%s", svi, NAME_SUFFIX);
		return;
	}
	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ (uint8_t)svi[i]) * UINT32_C(16777619);
	}
	(void)snprintf(ret_name, IFNAMSIZ, "%.*s%04x%s", NAME_KEPT, svi, hash & 0xffff,
		       NAME_SUFFIX);
}

void gatewayplan_alias(const char *bridge, char ret_alias[LINKMSG_ALIAS_SIZE])
{
	(void)snprintf(ret_alias, LINKMSG_ALIAS_SIZE, "mlagd shared gateway on %s", bridge);
}

/* ---- looking ------------------------------------------------------------------------------- */

static bool same_mac(const struct mlag_mac *a, const struct mlag_mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same_octets(const struct gatewayplan_address *a, const struct gatewayplan_address *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static struct gatewayplan_address address_of(const struct addressmsg *ip)
{
	struct gatewayplan_address address = {.family = ip->family, .length = ip->length};

	memcpy(address.octets, ip->octets, sizeof(address.octets));
	return address;
}

/* Which wanted address this is; the count of them for none. */
static uint32_t find_wanted(const struct gatewayplan_wanted *wanted,
			    const struct gatewayplan_address *address, bool with_length)
{
	uint32_t i;

	for (i = 0; i < wanted->addresses_count; i++) {
		if (same_octets(&wanted->addresses[i], address) &&
		    (!with_length || wanted->addresses[i].length == address->length)) {
			break;
		}
	}
	return i;
}

static void look_at_svi(const struct addressstate *state, const struct gatewayplan_wanted *wanted,
			struct gatewayplan_seen *ret)
{
	const struct addressstate_link *link = addressstate_find_name(state, wanted->svi);
	const struct addressstate_link *vrf;
	const struct addressmsg *ip;
	uint32_t cursor = 0;

	if (link == NULL) {
		return;
	}
	ret->svi.present = true;
	ret->svi.ifindex = link->ifindex;
	ret->svi.up = link->up;
	ret->svi.running = link->running;
	ret->svi.mac = link->mac;
	ret->svi.role = addressstate_role(state, link, &ret->svi.vlan, &ret->svi.delivers) ==
			ADDRESSSTATE_ROLE_SVI;
	vrf = link->master_kind == LINKMSG_KIND_VRF ? addressstate_find(state, link->master) : NULL;
	if (vrf != NULL) {
		ret->svi.vrf_ifindex = vrf->ifindex;
		memcpy(ret->svi.vrf, vrf->ifname, sizeof(ret->svi.vrf));
	}
	while ((ip = addressstate_next_ip(state, link->ifindex, &cursor)) != NULL) {
		struct gatewayplan_address address = address_of(ip);
		uint32_t i = find_wanted(wanted, &address, false);

		if (i < wanted->addresses_count) {
			ret->doubled |= UINT32_C(1) << i;
		}
	}
}

static void look_at_addresses(const struct addressstate *state,
			      const struct gatewayplan_wanted *wanted, struct gatewayplan_seen *ret)
{
	const struct addressmsg *ip;
	uint32_t cursor = 0;

	while ((ip = addressstate_next_ip(state, ret->device.ifindex, &cursor)) != NULL) {
		struct gatewayplan_address address = address_of(ip);
		uint32_t i = find_wanted(wanted, &address, true);

		if (i < wanted->addresses_count) {
			ret->there |= UINT32_C(1) << i;
		} else if (ip->protocol == GATEWAYPLAN_PROTOCOL &&
			   ret->stale_count < GATEWAYPLAN_STALE_MAX) {
			ret->stale[ret->stale_count++] = address;
		}
	}
}

static void look_at_device(const struct addressstate *state,
			   const struct gatewayplan_wanted *wanted, struct gatewayplan_seen *ret)
{
	const struct addressstate_link *link = addressstate_find_name(state, wanted->device);
	bool fresh;

	if (link == NULL) {
		return;
	}
	/* What is left of a daemon that ended before it had written the alias. */
	fresh = link->alias[0] == '\0' && !link->up && same_mac(&link->mac, &wanted->mac) &&
		link->lower == ret->svi.ifindex && ret->svi.present;
	ret->device.present = true;
	ret->device.ifindex = link->ifindex;
	ret->device.marked = strcmp(link->alias, wanted->alias) == 0;
	ret->device.ours = link->kind == LINKMSG_KIND_MACVLAN && (ret->device.marked || fresh);
	ret->device.up = link->up;
	ret->device.lower = link->lower;
	ret->device.master = link->master;
	ret->device.mac = link->mac;
	if (ret->device.ours) {
		look_at_addresses(state, wanted, ret);
	}
}

void gatewayplan_look(const struct addressstate *state, const struct gatewayplan_wanted *wanted,
		      struct gatewayplan_seen *ret_seen)
{
	struct gatewayplan_hold hold = ret_seen->hold, old_hold = ret_seen->old_hold;

	memset(ret_seen, 0, sizeof(*ret_seen));
	ret_seen->hold = hold;
	ret_seen->old_hold = old_hold;
	look_at_svi(state, wanted, ret_seen);
	look_at_device(state, wanted, ret_seen);
}

const struct addressstate_link *gatewayplan_stray(const struct addressstate *state,
						  const char *alias, uint32_t *cursor)
{
	while (*cursor < state->links.count) {
		const struct addressstate_link *link = sorted_at(&state->links, (*cursor)++);

		if (link->kind == LINKMSG_KIND_MACVLAN && strcmp(link->alias, alias) == 0) {
			return link;
		}
	}
	return NULL;
}

/* ---- planning ------------------------------------------------------------------------------ */

/* What can only be answered by not having the device. */
static bool cannot_be(const struct gatewayplan_seen *seen)
{
	return !seen->svi.present || !seen->svi.role ||
	       (seen->device.present && !seen->device.ours);
}

/* The device may be there, but must not answer now. */
static bool must_be_down(const struct gatewayplan_wanted *wanted,
			 const struct gatewayplan_seen *seen)
{
	return !seen->svi.up || !seen->svi.delivers || same_mac(&seen->svi.mac, &wanted->mac);
}

static enum gatewayplan_verb next_to_end(const struct gatewayplan_seen *seen)
{
	if (seen->device.present && seen->device.ours) {
		return GATEWAYPLAN_DELETE;
	}
	if (seen->old_hold.present) {
		return GATEWAYPLAN_LET_OLD;
	}
	return seen->hold.present ? GATEWAYPLAN_LET : GATEWAYPLAN_NONE;
}

static enum gatewayplan_verb next_to_be_down(const struct gatewayplan_seen *seen)
{
	if (seen->device.present && seen->device.up) {
		return GATEWAYPLAN_SET_DOWN;
	}
	if (seen->old_hold.present) {
		return GATEWAYPLAN_LET_OLD;
	}
	return seen->hold.present ? GATEWAYPLAN_LET : GATEWAYPLAN_NONE;
}

static bool holds_wanted(const struct gatewayplan_wanted *wanted,
			 const struct gatewayplan_seen *seen)
{
	return seen->hold.present && seen->hold.vlan == seen->svi.vlan &&
	       same_mac(&seen->hold.mac, &wanted->mac);
}

/* An IPv6 address is on a device once: with another prefix length it has to go first. */
static bool must_go_first(const struct gatewayplan_wanted *wanted,
			  const struct gatewayplan_address *stale)
{
	return stale->family == 6 && find_wanted(wanted, stale, false) < wanted->addresses_count;
}

static enum gatewayplan_verb next_address(const struct gatewayplan_wanted *wanted,
					  const struct gatewayplan_seen *seen, uint32_t *ret_index)
{
	uint32_t i;

	for (i = 0; i < seen->stale_count; i++) {
		if (must_go_first(wanted, &seen->stale[i])) {
			*ret_index = i;
			return GATEWAYPLAN_REMOVE;
		}
	}
	for (i = 0; i < wanted->addresses_count; i++) {
		if ((seen->there & UINT32_C(1) << i) == 0) {
			*ret_index = i;
			return GATEWAYPLAN_ADD;
		}
	}
	*ret_index = 0;
	return seen->stale_count > 0 ? GATEWAYPLAN_REMOVE : GATEWAYPLAN_NONE;
}

static enum gatewayplan_verb next_to_be_up(const struct gatewayplan_wanted *wanted,
					   const struct gatewayplan_seen *seen, uint32_t *ret_index)
{
	enum gatewayplan_verb verb;

	if (!seen->device.present) {
		return GATEWAYPLAN_CREATE;
	}
	if (seen->device.lower != seen->svi.ifindex) {
		return GATEWAYPLAN_DELETE;
	}
	if (!seen->device.marked) {
		return GATEWAYPLAN_MARK;
	}
	if (seen->device.master != seen->svi.vrf_ifindex) {
		return GATEWAYPLAN_ENSLAVE;
	}
	if (!holds_wanted(wanted, seen)) {
		return GATEWAYPLAN_HOLD;
	}
	if (!same_mac(&seen->device.mac, &wanted->mac)) {
		return GATEWAYPLAN_SET_MAC;
	}
	if (seen->old_hold.present) {
		return GATEWAYPLAN_LET_OLD;
	}
	verb = next_address(wanted, seen, ret_index);
	if (verb == GATEWAYPLAN_NONE && !seen->device.up) {
		verb = GATEWAYPLAN_SET_UP;
	}
	return verb;
}

void gatewayplan_next(const struct gatewayplan_wanted *wanted, const struct gatewayplan_seen *seen,
		      struct gatewayplan_step *ret_step)
{
	ret_step->index = 0;
	if (cannot_be(seen)) {
		ret_step->verb = next_to_end(seen);
	} else if (must_be_down(wanted, seen)) {
		ret_step->verb = next_to_be_down(seen);
	} else {
		ret_step->verb = next_to_be_up(wanted, seen, &ret_step->index);
	}
}

void gatewayplan_end(const struct gatewayplan_seen *seen, struct gatewayplan_step *ret_step)
{
	ret_step->index = 0;
	ret_step->verb = next_to_end(seen);
}

/* ---- judging ------------------------------------------------------------------------------- */

static enum gatewayplan_state judge_doubled(const struct gatewayplan_wanted *wanted,
					    const struct gatewayplan_seen *seen, char *ret_reason)
{
	const struct gatewayplan_address *address = wanted->addresses;
	char text[INET6_ADDRSTRLEN] = "?";
	uint32_t i = 0;

	while ((seen->doubled & UINT32_C(1) << i) == 0) {
		i++;
	}
	(void)inet_ntop(address[i].family == 4 ? AF_INET : AF_INET6, address[i].octets, text,
			sizeof(text));
	(void)snprintf(ret_reason, GATEWAYPLAN_REASON_SIZE,
		       "%s is also an address of %s itself, which answers with its own MAC", text,
		       wanted->svi);
	return GATEWAYPLAN_STATE_CONFLICT;
}

enum gatewayplan_state gatewayplan_judge(const struct gatewayplan_wanted *wanted,
					 const struct gatewayplan_seen *seen,
					 char ret_reason[GATEWAYPLAN_REASON_SIZE])
{
	const size_t size = GATEWAYPLAN_REASON_SIZE;

	ret_reason[0] = '\0';
	if (!seen->svi.present) {
		(void)snprintf(ret_reason, size, "%s does not exist", wanted->svi);
		return GATEWAYPLAN_STATE_WAITING;
	}
	if (!seen->svi.role) {
		(void)snprintf(ret_reason, size, "%s is no SVI of the bridge", wanted->svi);
		return GATEWAYPLAN_STATE_CONFLICT;
	}
	if (seen->device.present && !seen->device.ours) {
		(void)snprintf(ret_reason, size, "there is a device %s that is not mlagd's",
			       wanted->device);
		return GATEWAYPLAN_STATE_CONFLICT;
	}
	if (same_mac(&seen->svi.mac, &wanted->mac)) {
		(void)snprintf(ret_reason, size, "%s itself has the shared MAC", wanted->svi);
		return GATEWAYPLAN_STATE_CONFLICT;
	}
	if (!seen->svi.delivers) {
		(void)snprintf(ret_reason, size, "the bridge itself is no member of the VLAN of %s",
			       wanted->svi);
		return GATEWAYPLAN_STATE_WAITING;
	}
	if (!seen->svi.up || !seen->svi.running) {
		(void)snprintf(ret_reason, size, "%s %s", wanted->svi,
			       seen->svi.up ? "has no carrier" : "is down");
		return GATEWAYPLAN_STATE_WAITING;
	}
	if (seen->doubled != 0) {
		return judge_doubled(wanted, seen, ret_reason);
	}
	if (!seen->device.present || !seen->device.up) {
		(void)snprintf(ret_reason, size, "%s is being set up", wanted->device);
		return GATEWAYPLAN_STATE_WAITING;
	}
	return GATEWAYPLAN_STATE_ACTIVE;
}
