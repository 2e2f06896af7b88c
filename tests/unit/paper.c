// SPDX-License-Identifier: BSD-2-Clause
/*
 * The small pair of paper.h, and the answers to what a walk asks of it.
 */
#include "paper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct paper paper;

const struct mlag_mac paper_macs[WHO_COUNT] = {
	[OUR_MAC] = {{2, 0, 0, 0, 1, 1}},
	[PEER_MAC] = {{2, 0, 0, 0, 1, 2}},
	[AT_LAG1] = {{2, 0, 0, 0, 0, 1}},
	[AT_LAG2] = {{2, 0, 0, 0, 0, 2}},
	[AT_ORPHAN] = {{2, 0, 0, 0, 0, 3}},
	[AT_PEERS_ORPHAN] = {{2, 0, 0, 0, 0, 4}},
	[AT_LAG3] = {{2, 0, 0, 0, 0, 5}},
	[STRANGER] = {{2, 0, 0, 0, 0, 9}},
	[BROADCAST] = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	[MULTICAST] = {{1, 0, 0x5e, 0, 0, 5}},
	[RESERVED] = {{1, 0x80, 0xc2, 0, 0, 2}},
};

static const struct place {
	const char *ip; /* 10.x.0.y: of a third party in VLAN x */
	enum explain_route_kind route;
	uint8_t owner;
	uint32_t device;
	enum who neighbor;
} PLACES[] = {
	{"10.10.0.1", EXPLAIN_ROUTE_LOCAL, MLAG_OWNER_SELF, 0, STRANGER},
	{"10.10.0.2", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_PEER, SVI10, PEER_MAC},
	{"10.20.0.9", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI20, AT_LAG2},
	{"10.10.0.9", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI10, AT_PEERS_ORPHAN},
	{"10.10.0.8", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI10, WHO_COUNT}, /* no neighbour */
	{"10.30.0.9", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, OUTSIDE, WHO_COUNT},
	{"10.77.0.1", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI10,
	 PEER_MAC}, /* the last resort */
	{"10.88.0.1", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI10, PEER_MAC},
	{"10.99.0.1", EXPLAIN_ROUTE_NONE, MLAG_OWNER_NONE, 0, WHO_COUNT},
	{"10.66.0.1", EXPLAIN_ROUTE_BLACKHOLE, MLAG_OWNER_NONE, 0, WHO_COUNT},
	{"10.67.0.1", EXPLAIN_ROUTE_UNREACHABLE, MLAG_OWNER_NONE, 0, WHO_COUNT},
	{"10.68.0.1", EXPLAIN_ROUTE_SOURCE, MLAG_OWNER_NONE, 0, WHO_COUNT},
	{"10.69.0.1", EXPLAIN_ROUTE_OFF, MLAG_OWNER_NONE, 0, WHO_COUNT},
	{"169.254.0.9", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI10, WHO_COUNT},
	{"fd00:20::9", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_NONE, SVI20, AT_LAG2},
	{"fd00:10::2", EXPLAIN_ROUTE_FORWARD, MLAG_OWNER_PEER, SVI10, PEER_MAC},
};

static bool is_mac(const uint8_t *octets, enum who who)
{
	return memcmp(octets, paper_macs[who].octets, 6) == 0;
}

static bool is_attached(void *user, const struct explain_port *port)
{
	(void)user;
	return !paper.is_detached && port->programmed;
}

static void look_fdb(void *user, const struct mlag_mac_key *key, struct explain_fdb *ret)
{
	static const struct {
		enum who who;
		uint32_t ifindex;
		enum mlag_fdb_kind kind;
	} entries[] = {
		{AT_LAG1, LEG1, MLAG_FDB_DYNAMIC},     {AT_LAG2, LEG2, MLAG_FDB_INACTIVE},
		{AT_ORPHAN, ORPHAN, MLAG_FDB_DYNAMIC}, {AT_PEERS_ORPHAN, PL, MLAG_FDB_EXTERNAL},
		{AT_LAG3, PL, MLAG_FDB_EXTERNAL},      {PEER_MAC, PL, MLAG_FDB_STICKY},
	};

	(void)user;
	memset(ret, 0, sizeof(*ret));
	if (is_mac(key->mac.octets, OUR_MAC)) {
		ret->place = EXPLAIN_FDB_LOCAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		if (is_mac(key->mac.octets, entries[i].who)) {
			ret->place = EXPLAIN_FDB_PORT;
			ret->ifindex = entries[i].ifindex;
			ret->kind = entries[i].kind;
		}
	}
}

static bool look_mac(void *user, const struct mlag_mac_key *key, struct mlag_mac_view *ret)
{
	static const struct {
		enum who who;
		bool own;
		bool peer;
		uint16_t lag_id;
	} claims[] = {
		{AT_LAG1, true, true, 1},    {AT_LAG2, true, true, 2},
		{AT_ORPHAN, true, false, 0}, {AT_PEERS_ORPHAN, false, true, 0},
		{AT_LAG3, false, true, 3},
	};

	(void)user;
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		if (is_mac(key->mac.octets, claims[i].who)) {
			memset(ret, 0, sizeof(*ret));
			ret->own = claims[i].own;
			ret->peer = claims[i].peer;
			ret->lag_id = claims[i].lag_id;
			return true;
		}
	}
	return false;
}

static bool look_source(void *user, const struct mlag_source_key *key, struct mlag_source *ret)
{
	struct mlag_mac_key mac_key = {.vlan = key->vlan};
	struct mlag_mac_view view;

	memcpy(mac_key.mac.octets, key->mac, 6);
	if (!look_mac(user, &mac_key, &view)) {
		return false;
	}
	*ret = (struct mlag_source){.lag_id = view.lag_id, .peer_knows = 1, .known = 1};
	return true;
}

static bool look_router(void *user, const struct mlag_router_key *key, struct mlag_router *ret)
{
	(void)user;
	if (!is_mac(key->mac, OUR_MAC) && !is_mac(key->mac, PEER_MAC)) {
		return false;
	}
	memset(ret, 0, sizeof(*ret));
	ret->owner = is_mac(key->mac, OUR_MAC) ? MLAG_OWNER_SELF : MLAG_OWNER_PEER;
	ret->own_ifindex = key->vlan == 10 ? SVI10 : SVI20;
	memcpy(ret->own_mac, paper_macs[OUR_MAC].octets, 6);
	return true;
}

/* Return: the family, 0 for no address. */
uint8_t paper_parse_ip(const char *text, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (text == NULL) {
		return 0;
	}
	if (inet_pton(AF_INET, text, ret) == 1) {
		return 4;
	}
	assert_int_equal(inet_pton(AF_INET6, text, ret), 1);
	return 6;
}

static const struct place *place_of(uint8_t family, const uint8_t *address)
{
	for (size_t i = 0; i < ARRAY_SIZE(PLACES); i++) {
		uint8_t octets[16];

		if (paper_parse_ip(PLACES[i].ip, octets) == family &&
		    memcmp(octets, address, 16) == 0) {
			return &PLACES[i];
		}
	}
	return NULL;
}

static uint8_t look_owner(void *user, const struct mlag_address *address)
{
	const struct place *place = place_of(address->family, address->octets);

	(void)user;
	return place != NULL ? place->owner : MLAG_OWNER_NONE;
}

static void look_route(void *user, uint32_t ifindex, const struct explain_ip *ip,
		       struct explain_route *ret)
{
	const struct place *place = place_of(ip->family, ip->destination);

	(void)user;
	assert_true(ifindex == SVI10 || ifindex == SVI20);
	memset(ret, 0, sizeof(*ret));
	if (place != NULL && strcmp(place->ip, LAST_RESORT_IP) == 0) {
		ret->metric = MLAG_LAST_RESORT_METRIC;
	}
	if ((ip->mark & MLAG_MARK_RETURN) != 0) {
		return;
	}
	if (place != NULL && !(ret->metric != 0 && ip->mark == MLAG_MARK_PEER_LINK)) {
		ret->kind = place->route;
		ret->ifindex = place->device;
	}
}

static bool look_neighbor(void *user, uint32_t ifindex, uint8_t family, const uint8_t *address,
			  struct mlag_mac *ret)
{
	const struct place *place = place_of(family, address);

	(void)user;
	(void)ifindex;
	if (place == NULL || place->neighbor == WHO_COUNT) {
		return false;
	}
	*ret = paper_macs[place->neighbor];
	return true;
}

static bool look_device(void *user, uint32_t ifindex, struct explain_device *ret)
{
	(void)user;
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->ifname, IFNAMSIZ, "dev%u", ifindex);
	ret->on_bridge = ifindex != OUTSIDE;
	ret->vlan = ifindex == SVI10 ? 10 : 20;
	ret->mac = paper_macs[OUR_MAC];
	return true;
}

static void look_redirects(void *user, const char *ifname, struct explain_redirects *ret)
{
	(void)user;
	(void)ifname;
	*ret = paper.redirects;
}

static bool run(void *user, const struct explain_run *question, struct mlag_decision *ret)
{
	(void)user;
	assert_true(question->size >= EXPLAIN_FRAME_MIN);
	paper.runs++;
	if (paper.programs == SILENT) {
		return false;
	}
	*ret = paper.programs == HONEST ? paper.honest : mlag_drop(MLAG_REASON_ECHO);
	return true;
}

static const struct explain_lookups lookups = {
	.is_attached = is_attached,
	.fdb = look_fdb,
	.source = look_source,
	.router = look_router,
	.owner = look_owner,
	.mac = look_mac,
	.route = look_route,
	.neighbor = look_neighbor,
	.device = look_device,
	.redirects = look_redirects,
	.run = run,
};

static void set_port(uint32_t index, uint32_t ifindex, const char *name, enum mlag_port_kind kind,
		     uint16_t lag_id)
{
	struct explain_port *port = &paper.ports[index];

	memset(port, 0, sizeof(*port));
	port->ifindex = ifindex;
	(void)snprintf(port->ifname, IFNAMSIZ, "%s", name);
	port->state = BR_STATE_FORWARDING;
	port->carrier = port->programmed = true;
	port->flood = port->mcast_flood = port->bcast_flood = true;
	mlag_vlans_add(&port->vlans, 10);
	if (ifindex == PL || ifindex == LEG2) {
		mlag_vlans_add(&port->vlans, 20);
	}
	port->program.kind = (uint8_t)kind;
	port->program.lag_id = lag_id;
	if (kind != MLAG_PORT_PEER_LINK) {
		port->ingress_vid = port->untagged_vid = 10;
		port->program.ingress_vid = port->program.untagged_vid = 10;
	}
	if (kind == MLAG_PORT_LEG) {
		port->backup_ifindex = PL;
		port->program.gate = MLAG_GATE_OPEN;
		memcpy(port->program.isolated, port->vlans.words, sizeof(port->program.isolated));
	}
}

static void set_leg(uint32_t index, uint16_t lag_id, uint32_t ifindex, const char *name)
{
	struct explain_leg *leg = &paper.scene.legs[index];

	leg->lag_id = lag_id;
	leg->ifindex = ifindex;
	(void)snprintf(leg->ifname, IFNAMSIZ, "%s", name);
	leg->peer_present = leg->peer_up = leg->peer_open = true;
	leg->peer_isolates = ifindex != 0;
	mlag_vlans_add(&leg->peer_vlans, 10);
	if (lag_id == 2) {
		mlag_vlans_add(&leg->peer_vlans, 20);
	}
}

int paper_set_up(void **state)
{
	(void)state;
	memset(&paper, 0, sizeof(paper));
	paper.scene.domain.peer_link_ifindex = PL;
	paper.scene.domain.vlan_aware = 1;
	paper.scene.domain.route_for_peer = 1;
	(void)snprintf(paper.scene.bridge_ifname, IFNAMSIZ, "br0");
	mlag_vlans_add(&paper.scene.bridge_vlans, 10);
	paper.scene.ports = paper.ports;
	paper.scene.ports_count = ARRAY_SIZE(paper.ports);
	set_port(0, PL, "peerlink", MLAG_PORT_PEER_LINK, 0);
	set_port(1, LEG1, "bond1", MLAG_PORT_LEG, 1);
	set_port(2, LEG2, "bond2", MLAG_PORT_LEG, 2);
	set_port(3, ORPHAN, "o1", MLAG_PORT_NONE, 0);
	paper.scene.legs_count = 3;
	set_leg(0, 1, LEG1, "bond1");
	set_leg(1, 2, LEG2, "bond2");
	set_leg(2, 3, 0, "");
	paper.scene.peer_known = paper.scene.peer_alive = true;
	paper.scene.lookups = &lookups;
	paper.redirects = (struct explain_redirects){.program = true, .setting = true};
	return 0;
}
