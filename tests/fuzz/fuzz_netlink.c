/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any messages in place of the kernel's: nothing is read outside of one, what is accepted is within
 * its bounds, what this daemon writes is read as it was meant, and the models that are made of such
 * messages stay true to themselves in whatever order they come.
 *
 * The input is a list of messages: the type, the size of what follows the header, and that.  So a
 * message that was captured is a seed (tests/fuzz/seeds.c).
 */
#include "fuzz.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/legdown.h"
#include "kernel/addressmsg.h"
#include "kernel/addressstate.h"
#include "kernel/fdbmsg.h"
#include "kernel/linkmsg.h"
#include "kernel/linkstate.h"
#include "kernel/neighbormsg.h"
#include "kernel/netlink.h"
#include "kernel/routesmsg.h"
#include "kernel/vlanmsg.h"

#define MESSAGES_MAX 64

struct models {
	struct linkstate *links;
	struct addressstate addresses;
	struct routesmsg_choice choice;
};

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Only VLANs that exist. */
static void check_vlans(const struct mlag_vlans *vlans)
{
	fuzz_require(!mlag_vlans_has(vlans, 0) && !mlag_vlans_has(vlans, MLAG_VLANS_MAX - 1));
}

/* ---- links ----------------------------------------------------------------------------------- */

static void try_link(struct models *models, const struct nlmsghdr *message)
{
	struct linkmsg link;

	if (linkmsg_parse(message, &link) < 0) {
		return;
	}
	fuzz_require(link.ifindex != 0 && is_text(link.ifname, sizeof(link.ifname)) &&
		     is_text(link.alias, sizeof(link.alias)));
	fuzz_require(link.vlan < MLAG_VLANS_MAX - 1);
	if (message->nlmsg_type == RTM_DELLINK) {
		linkstate_remove(models->links, link.ifindex);
		addressstate_remove_link(&models->addresses, link.ifindex);
	} else {
		fuzz_require(linkstate_update(models->links, &link) == 0);
		fuzz_require(addressstate_put_link(&models->addresses, &link) == 0);
	}
}

static void try_bridge_link(struct models *models, const struct nlmsghdr *message)
{
	struct linkmsg_settings settings;
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	(void)linkmsg_parse_settings(message, &ifindex, &settings);
	if (linkmsg_parse_vlans(message, &ifindex, &vlans) < 0) {
		return;
	}
	fuzz_require(ifindex != 0);
	check_vlans(&vlans.set);
	fuzz_require(vlans.untagged_vid == 0 || mlag_vlans_has(&vlans.set, vlans.untagged_vid));
	fuzz_require(vlans.ingress_vid < MLAG_VLANS_MAX - 1);
	fuzz_require(linkstate_update_vlans(models->links, ifindex, &vlans) == 0);
	addressstate_set_vlans(&models->addresses, &vlans);
}

static void try_vlan_states(struct models *models, const struct nlmsghdr *message)
{
	struct mlag_vlans named, blocked;
	uint32_t ifindex;

	if (vlanmsg_parse_states(message, &ifindex, &named, &blocked) < 0) {
		return;
	}
	check_vlans(&named);
	for (uint16_t vlan = 1; vlan < MLAG_VLANS_MAX - 1; vlan++) {
		fuzz_require(!mlag_vlans_has(&blocked, vlan) || mlag_vlans_has(&named, vlan));
	}
	linkstate_update_vlan_states(models->links, ifindex, &named, &blocked);
}

/* What the guard makes of a whole datagram; its socket is a pair here. */
static void try_guard(const struct nlmsghdr *message)
{
	static struct legdown legdown;
	static int far = -1;
	uint8_t request[512];

	if (far < 0) {
		int fds[2];

		fuzz_require(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) == 0);
		legdown.fd = fds[0];
		far = fds[1];
	}
	if (message->nlmsg_len > LEGDOWN_BUFFER_SIZE / 2) {
		return;
	}
	/* The answer is there before the question, and its end. */
	struct nlmsghdr done = {.nlmsg_len = NLMSG_LENGTH(sizeof(int)),
				.nlmsg_type = NLMSG_DONE,
				.nlmsg_seq = legdown.sequence + 1};
	struct nlmsghdr *copy = (void *)fuzz_copy(message, message->nlmsg_len);
	uint8_t end[NLMSG_LENGTH(sizeof(int))] = {0};

	copy->nlmsg_seq = done.nlmsg_seq;
	copy->nlmsg_pid = 0;
	memcpy(end, &done, sizeof(done));
	fuzz_require(send(far, copy, copy->nlmsg_len, 0) == (ssize_t)copy->nlmsg_len);
	fuzz_require(send(far, end, sizeof(end), 0) == (ssize_t)sizeof(end));
	(void)legdown_look(&legdown);
	fuzz_require(legdown.devices_count <= 1);
	for (uint32_t i = 0; i < legdown.devices_count; i++) {
		fuzz_require(is_text(legdown.devices[i].ifname, IFNAMSIZ));
		/* One that is cut short is no device: what is behind it is not its own. */
		fuzz_require(message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)));
	}
	free(copy);
	while (recv(far, request, sizeof(request), 0) >= 0) {
	}
	while (recv(legdown.fd, request, sizeof(request), 0) >= 0) {
	}
}

/* ---- FDB and neighbours ---------------------------------------------------------------------- */

static void rewrite_fdb(const struct fdbmsg_bridge *bridge, const struct mlag_mac_key *key,
			const struct mlag_fdb_entry *entry)
{
	uint8_t bytes[FDBMSG_SIZE_MAX + 16] __attribute__((aligned(4))) = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct mlag_mac_key key_again;
	struct mlag_fdb_entry again;

	message->nlmsg_type = RTM_NEWNEIGH;
	fdbmsg_put_set(message, key, entry);
	fuzz_require(message->nlmsg_len <= FDBMSG_SIZE_MAX);
	mnl_attr_put_u32(message, NDA_MASTER, bridge->ifindex); /* as the kernel tells it */
	fuzz_require(fdbmsg_parse(message, bridge, &key_again, &again) == 0);
	fuzz_require(memcmp(&key_again.mac, &key->mac, sizeof(key->mac)) == 0 &&
		     key_again.vlan == key->vlan);
	fuzz_require(again.kind == entry->kind && again.ifindex == entry->ifindex);
}

static void try_fdb(const struct nlmsghdr *message)
{
	for (uint32_t aware = 0; aware < 2; aware++) {
		struct fdbmsg_bridge bridge = {.ifindex = 2, .vlan_aware = aware != 0};
		struct mlag_mac_key key;
		struct mlag_fdb_entry entry;
		int r = fdbmsg_parse(message, &bridge, &key, &entry);

		if (r != 0 && r != -EADDRINUSE) {
			continue;
		}
		fuzz_require((key.mac.octets[0] & 1) == 0 && key.vlan < MLAG_VLANS_MAX - 1);
		if (r != 0) {
			continue;
		}
		fuzz_require(bridge.vlan_aware == (key.vlan != 0));
		fuzz_require((entry.kind == MLAG_FDB_NONE) == (entry.ifindex == 0));
		if (entry.kind != MLAG_FDB_NONE) {
			rewrite_fdb(&bridge, &key, &entry);
		}
	}
}

static void try_neighbor(const struct nlmsghdr *message)
{
	uint8_t bytes[NEIGHBORMSG_SIZE_MAX] __attribute__((aligned(4))) = {0};
	struct nlmsghdr *written = mnl_nlmsg_put_header(bytes);
	struct neighbormsg neighbor, again;

	if (neighbormsg_parse(message, &neighbor) < 0) {
		return;
	}
	fuzz_require(neighbor.ifindex != 0 && (neighbor.family == 4 || neighbor.family == 6));
	for (uint32_t i = 4; neighbor.family == 4 && i < 16; i++) {
		fuzz_require(neighbor.octets[i] == 0);
	}
	if (neighbor.entry.state < MLAG_NEIGHBOR_KNOWN) {
		return;
	}
	written->nlmsg_type = RTM_NEWNEIGH;
	neighbormsg_put_set(written, &neighbor);
	fuzz_require(written->nlmsg_len <= NEIGHBORMSG_SIZE_MAX);
	((struct ndmsg *)mnl_nlmsg_get_payload(written))->ndm_type = RTN_UNICAST;
	fuzz_require(neighbormsg_parse(written, &again) == 0 && again.entry.marked);
	fuzz_require(again.ifindex == neighbor.ifindex && again.family == neighbor.family);
	fuzz_require(memcmp(again.octets, neighbor.octets, sizeof(again.octets)) == 0);
	fuzz_require(memcmp(&again.entry.mac, &neighbor.entry.mac, sizeof(again.entry.mac)) == 0);
}

/* ---- addresses and routes -------------------------------------------------------------------- */

static void try_address(struct models *models, const struct nlmsghdr *message)
{
	struct addressmsg address;

	if (addressmsg_parse(message, &address) < 0) {
		return;
	}
	fuzz_require(address.ifindex != 0 && (address.family == 4 || address.family == 6));
	(void)addressmsg_scope(address.family, address.octets);
	if (message->nlmsg_type == RTM_DELADDR) {
		addressstate_remove_ip(&models->addresses, &address);
	} else {
		fuzz_require(addressstate_put_ip(&models->addresses, &address) == 0);
	}
}

static void try_route(struct models *models, const struct nlmsghdr *message)
{
	struct mlag_default_route chosen = {0};
	struct routesmsg route;

	if (routesmsg_parse(message, &route) < 0) {
		return;
	}
	fuzz_require((route.family == 4 || route.family == 6) && route.hops_count <= MLAG_HOPS_MAX);
	(void)routesmsg_rejects(&route);
	routesmsg_consider(&models->choice, &route);
	fuzz_require(models->choice.nexthops_count <= ROUTES_NEXTHOPS_MAX);
	routesmsg_conclude(&models->choice, route.family, &chosen);
	fuzz_require(chosen.hops_count <= MLAG_HOPS_MAX);
}

static void try_rule(const struct nlmsghdr *message)
{
	struct routesmsg_rule rule;

	if (routesmsg_parse_rule(message, &rule) == 0) {
		fuzz_require(is_text(rule.ifname, sizeof(rule.ifname)));
		fuzz_require(rule.family == 4 || rule.family == 6);
	}
}

static void try_neighbor_table(const struct nlmsghdr *message)
{
	struct neighbormsg_table table;

	if (neighbormsg_parse_table(message, &table) == 0) {
		fuzz_require(table.family == 4 || table.family == 6);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void try_message(struct models *models, const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case NLMSG_ERROR:
		fuzz_require(netlink_error(message) <= 0);
		break;
	case NLMSG_DONE:
		if (message->nlmsg_len >= NLMSG_HDRLEN) {
			fuzz_require(netlink_done(message) <= 0);
		}
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		(void)linkmsg_family(message);
		try_link(models, message);
		try_bridge_link(models, message);
		try_guard(message);
		break;
	case RTM_NEWVLAN:
	case RTM_DELVLAN:
		try_vlan_states(models, message);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		try_fdb(message);
		try_neighbor(message);
		break;
	case RTM_NEWNEIGHTBL:
		try_neighbor_table(message);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		try_address(models, message);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		try_route(models, message);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		try_rule(message);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		(void)routesmsg_parse_nexthop(message);
		break;
	default:
		break;
	}
}

/* A plain bridge has one VLAN, number 0. */
static void check_observed(const struct mlag_vlans *vlans, bool aware)
{
	for (uint16_t vlan = 0; vlan < MLAG_VLANS_MAX; vlan++) {
		fuzz_require(!mlag_vlans_has(vlans, vlan) ||
			     (aware ? vlan != 0 && vlan < MLAG_VLANS_MAX - 1 : vlan == 0));
	}
}

/* What the daemon asks of its models after every batch of events. */
static void ask_links(struct linkstate *links)
{
	struct linkmsg_settings settings;
	struct links_problem problems[8];
	struct mlag_leg_observation leg;
	struct mlag_peer_link peer_link;
	struct links_bond bond;
	struct links_port port;
	uint32_t index = 0;
	uint32_t before = 0;

	linkstate_resolve(links);
	linkstate_observe_peer_link(links, &peer_link);
	check_observed(&peer_link.vlans, peer_link.vlan_aware);
	for (uint32_t lag = 0; lag < links->spec.lags_count; lag++) {
		linkstate_observe_leg(links, lag, &leg);
		check_observed(&leg.vlans, peer_link.vlan_aware);
		linkstate_get_bond(links, leg.ifindex, &bond);
		(void)linkstate_take_settings(links, lag + 1, &index, &settings);
	}
	for (index = 0; linkstate_next_member(links, &index, &port);) {
		fuzz_require(index > before);
		before = index;
	}
	fuzz_require(linkproblems_find(links, problems, 8) <= 8);
	for (uint32_t i = 1; i < links->links_count; i++) {
		fuzz_require(links->links[i - 1].message.ifindex < links->links[i].message.ifindex);
	}
}

static void ask_addresses(struct addressstate *addresses)
{
	struct addresses_problem problems[8];
	struct addressstate_row *rows = NULL;
	uint32_t cursor = 0;
	uint32_t count = 0;

	(void)addressstate_set_bridge(addresses, 2, true);
	fuzz_require(addressstate_rows(addresses, &rows, &count) == 0);
	for (uint32_t i = 1; i < count; i++) {
		fuzz_require(addressstate_row_compare(&rows[i - 1], &rows[i]) < 0);
	}
	free(rows);
	while (addressstate_next_router(addresses, &cursor) != 0) {
	}
	fuzz_require(addressstate_problems(addresses, problems, 8) <= 8);
}

static struct linkstate *new_links(void)
{
	struct linkstate *links = calloc(1, sizeof(*links));
	struct links_spec spec = {.bridge = "br0", .peer_link = "pl", .lags_count = 2};

	fuzz_require(links != NULL);
	memcpy(spec.lags[0].ifname, "bond1", 6);
	spec.lags[0].id = 1;
	memcpy(spec.lags[1].ifname, "eth9", 5);
	spec.lags[1].id = 9;
	linkstate_configure(links, &spec);
	return links;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct models models = {.links = new_links()};

	addressstate_init(&models.addresses);
	for (uint32_t i = 0; i < MESSAGES_MAX && input.size > 0; i++) {
		uint16_t type = fuzz_take_u16(&input);
		struct fuzz_input body = fuzz_take(&input, fuzz_take_u16(&input));
		struct nlmsghdr *message = malloc(NLMSG_HDRLEN + body.size);

		fuzz_require(message != NULL);
		*message = (struct nlmsghdr){.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + body.size),
					     .nlmsg_type = type};
		memcpy((uint8_t *)message + NLMSG_HDRLEN, body.data, body.size);
		try_message(&models, message);
		free(message);
		ask_links(models.links);
	}
	ask_addresses(&models.addresses);
	linkstate_fini(models.links);
	free(models.links);
	addressstate_fini(&models.addresses);
	return 0;
}
