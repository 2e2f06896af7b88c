// SPDX-License-Identifier: BSD-2-Clause
/*
 * The scene of an explanation (see scene.h).  What the programs hold is read out of their maps, not
 * out of the engine that filled them: an explanation should be of what is there.  control/explain.c
 * calls this.
 */
#include "control/scene.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/datapath.h"
#include "datapath/trial.h"
#include "explain/walk.h"
#include "kernel/lookup.h"

#define DEVICE_LEVELS_MAX 4	       /* devices upon devices, down to the bridge */
#define SOURCE_LOOKS_MAX (1024 * 1024) /* rows of the MAC table */

/* ---- lookups -------------------------------------------------------------------------------- */

static bool is_attached(void *user, const struct explain_port *port)
{
	const struct scene *scene = user;
	enum mlag_port_kind kind = (enum mlag_port_kind)port->program.kind;
	bool intact = false;

	return datapath_verify(scene->context->datapath, port->ifindex, kind, &intact) == 0 &&
	       intact;
}

static void look_fdb(void *user, const struct mlag_mac_key *key, struct explain_fdb *ret)
{
	const struct scene *scene = user;
	struct mlag_fdb_entry entry = {0};
	int r = lookup_fdb(scene->lookup, scene->bridge_ifindex, scene->vlan_aware, key, &entry);

	memset(ret, 0, sizeof(*ret));
	if (r == -EADDRINUSE) {
		ret->place = EXPLAIN_FDB_LOCAL;
	} else if (r == 0) {
		ret->place = EXPLAIN_FDB_PORT;
		ret->ifindex = entry.ifindex;
		ret->kind = entry.kind;
	}
}

static bool look_source(void *user, const struct mlag_source_key *key, struct mlag_source *ret)
{
	const struct scene *scene = user;

	return datapath_get_source(scene->context->datapath, key, ret) == 0;
}

static bool look_router(void *user, const struct mlag_router_key *key, struct mlag_router *ret)
{
	const struct scene *scene = user;

	return datapath_get_router(scene->context->datapath, key, ret) == 0;
}

static uint8_t look_owner(void *user, const struct mlag_address *address)
{
	const struct scene *scene = user;
	uint8_t owner = MLAG_OWNER_NONE;

	(void)datapath_get_owner(scene->context->datapath, address, &owner);
	return owner;
}

static bool look_mac(void *user, const struct mlag_mac_key *key, struct mlag_mac_view *ret)
{
	const struct scene *scene = user;

	return mlag_get_mac(scene->context->engine, key, ret);
}

/* What the kernel answers, as a kind. */
static enum explain_route_kind route_kind(int error, uint8_t type)
{
	switch (error) {
	case 0:
		break;
	case -ENETUNREACH:
		return EXPLAIN_ROUTE_NONE;
	case -EHOSTUNREACH:
		return EXPLAIN_ROUTE_UNREACHABLE;
	case -EACCES:
		return EXPLAIN_ROUTE_PROHIBIT;
	case -EINVAL:
		return EXPLAIN_ROUTE_BLACKHOLE;
	case -EXDEV:
		return EXPLAIN_ROUTE_SOURCE;
	default:
		return EXPLAIN_ROUTE_FAILED;
	}
	if (type == RTN_LOCAL || type == RTN_ANYCAST) {
		return EXPLAIN_ROUTE_LOCAL;
	}
	return type == RTN_UNICAST ? EXPLAIN_ROUTE_FORWARD : EXPLAIN_ROUTE_GROUP;
}

static void tell_match(const struct lookup_route *route, uint8_t family, char ret[80])
{
	char prefix[WALK_IP_SIZE];
	char table[16];

	if (route->table == 0) {
		return;
	}
	(void)snprintf(table, sizeof(table), "%u", route->table);
	(void)snprintf(ret, 80, "%s/%u in table %s", walk_ip_text(family, route->prefix, prefix),
		       route->prefix_size, route->table == RT_TABLE_MAIN ? "main" : table);
}

static void look_route(void *user, uint32_t ifindex, const struct explain_ip *ip,
		       struct explain_route *ret)
{
	const struct scene *scene = user;
	struct lookup_packet packet = {
		.ifindex = ifindex,
		.family = ip->family,
		.tos = ip->tos,
		.protocol = ip->protocol,
		.source_port = ip->source_port,
		.destination_port = ip->destination_port,
		.mark = ip->mark,
	};
	struct lookup_route route;
	bool is_on = true;
	int r;

	memcpy(packet.source, ip->source, sizeof(packet.source));
	memcpy(packet.destination, ip->destination, sizeof(packet.destination));
	memset(ret, 0, sizeof(*ret));
	r = lookup_route(scene->lookup, &packet, &route);
	ret->kind = route_kind(r, route.type);
	if ((ret->kind == EXPLAIN_ROUTE_FORWARD || ret->kind == EXPLAIN_ROUTE_UNREACHABLE) &&
	    lookup_forwarding(scene->lookup, ifindex, ip->family, &is_on) == 0 && !is_on) {
		ret->kind = EXPLAIN_ROUTE_OFF;
	}
	if (r < 0) {
		return;
	}
	ret->ifindex = route.ifindex;
	ret->has_gateway = route.gateway_family != 0;
	ret->gateway_family = route.gateway_family;
	ret->metric = route.metric;
	memcpy(ret->gateway, route.gateway, sizeof(ret->gateway));
	tell_match(&route, ip->family, ret->matched);
}

static bool look_neighbor(void *user, uint32_t ifindex, uint8_t family, const uint8_t *address,
			  struct mlag_mac *ret)
{
	const struct scene *scene = user;

	return lookup_neighbor(scene->lookup, ifindex, family, address, ret) == 0;
}

static bool look_device(void *user, uint32_t ifindex, struct explain_device *ret)
{
	const struct scene *scene = user;
	struct linkmsg link;

	if (lookup_link(scene->lookup, ifindex, &link) < 0) {
		return false;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->ifname, link.ifname, sizeof(ret->ifname));
	ret->mac = link.address;
	ret->vlan = scene->bridge_vid;
	for (uint32_t level = 0; level < DEVICE_LEVELS_MAX; level++) {
		if (link.ifindex == scene->bridge_ifindex) {
			ret->on_bridge = true;
			return true;
		}
		if (link.kind == LINKMSG_KIND_VLAN) {
			ret->vlan = link.vlan;
		}
		if (link.lower == 0 || lookup_link(scene->lookup, link.lower, &link) < 0) {
			break;
		}
	}
	return true;
}

static void look_redirects(void *user, const char *ifname, struct explain_redirects *ret)
{
	const struct scene *scene = user;
	bool intact = false, may_send = true;
	int r = datapath_verify_svis(scene->context->datapath, scene->bridge_ifindex, &intact);

	ret->program = r == 0 && intact;
	ret->setting = lookup_redirects(ifname, &may_send) == 0 && !may_send;
}

static bool run_program(void *user, const struct explain_run *run, struct mlag_decision *ret)
{
	static const enum datapath_program programs[] = {
		[EXPLAIN_PROGRAM_NONE] = DATAPATH_PROGRAM_NONE,
		[EXPLAIN_PROGRAM_RECEIVE] = DATAPATH_PROGRAM_RECEIVE,
		[EXPLAIN_PROGRAM_LEG] = DATAPATH_PROGRAM_LEG,
		[EXPLAIN_PROGRAM_PEER_LINK] = DATAPATH_PROGRAM_PEER_LINK,
		[EXPLAIN_PROGRAM_SVI] = DATAPATH_PROGRAM_SVI,
	};
	struct scene *scene = user;
	struct datapath_question question = {
		.program = programs[run->program],
		.ifindex = run->ifindex,
		.ingress_ifindex = run->ingress_ifindex,
		.tagged = run->tagged,
		.tci = run->tci,
		.bytes = run->bytes,
		.size = run->size,
	};
	int r = scene->context->trial != NULL
			? datapath_trial_run(scene->context->trial, &question, ret)
			: -EOPNOTSUPP;

	if (r < 0 && scene->not_run == 0) {
		scene->not_run = r;
	}
	return r == 0;
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
	.run = run_program,
};

/* ---- the ports ------------------------------------------------------------------------------ */

static struct explain_port *add_port(struct scene *scene)
{
	struct explain_scene *explain = &scene->scene;

	if (explain->ports_count == scene->ports_room) {
		uint32_t room = scene->ports_room != 0 ? 2 * scene->ports_room : 16;
		struct explain_port *ports = realloc(explain->ports, room * sizeof(*ports));

		if (ports == NULL) {
			return NULL;
		}
		explain->ports = ports;
		scene->ports_room = room;
	}
	return memset(&explain->ports[explain->ports_count++], 0, sizeof(*explain->ports));
}

static void on_port(void *user, const struct lookup_port *found)
{
	struct scene *scene = user;
	struct explain_port *port;

	if (found->is_bridge) {
		scene->scene.bridge_vlans = found->vlans.set;
		scene->bridge_vid = scene->vlan_aware ? found->vlans.ingress_vid : 0;
		return;
	}
	port = add_port(scene);
	if (port == NULL) {
		return;
	}
	port->ifindex = found->ifindex;
	memcpy(port->ifname, found->ifname, sizeof(port->ifname));
	if (scene->vlan_aware) {
		port->vlans = found->vlans.set;
		port->ingress_vid = found->vlans.ingress_vid;
		port->untagged_vid = found->vlans.untagged_vid;
	} else {
		mlag_vlans_add(&port->vlans, 0);
	}
	port->state = found->state;
	port->carrier = found->carrier;
	port->locked = found->locked;
	port->is_isolated = found->is_isolated;
	port->flood = found->settings.flood;
	port->mcast_flood = found->settings.mcast_flood;
	port->bcast_flood = found->settings.bcast_flood;
	port->backup_ifindex = found->settings.backup_ifindex;
}

/* ---- the pair ------------------------------------------------------------------------------- */

static void fill_legs(struct scene *scene)
{
	struct explain_scene *explain = &scene->scene;
	const struct control_context *context = scene->context;
	struct mlag_leg_view view;

	for (uint32_t i = 0;
	     explain->legs_count < EXPLAIN_LEGS_MAX && mlag_get_leg(context->engine, i, &view);
	     i++) {
		struct explain_leg *leg = &explain->legs[explain->legs_count++];
		const struct config_lag *lag = config_lag_by_id(context->config, view.lag_id);

		leg->lag_id = view.lag_id;
		leg->ifindex = view.ifindex;
		leg->peer_present = view.peer_present;
		leg->peer_up = view.peer_up;
		leg->peer_open = view.peer_open;
		leg->peer_isolates = view.peer_isolates;
		leg->peer_vlans = view.peer_vlans;
		if (lag != NULL) {
			(void)snprintf(leg->ifname, sizeof(leg->ifname), "%s", lag->ifname);
		}
	}
}

static int fill(struct scene *scene)
{
	struct explain_scene *explain = &scene->scene;
	struct mlag_view view;
	struct linkmsg bridge;
	int r = datapath_get_domain(scene->context->datapath, &explain->domain);

	if (r < 0) {
		return r;
	}
	r = lookup_link(scene->lookup, scene->bridge_ifindex, &bridge);
	if (r < 0) {
		return r;
	}
	explain->marks = scene->context->config->last_resort;
	explain->snooping = bridge.multicast_snooping;
	scene->vlan_aware = bridge.vlan_filtering;
	r = lookup_ports(scene->lookup, scene->bridge_ifindex, on_port, scene);
	if (r < 0) {
		return r;
	}
	for (uint32_t i = 0; i < explain->ports_count; i++) {
		struct explain_port *port = &explain->ports[i];

		port->programmed = datapath_get_port(scene->context->datapath, port->ifindex,
						     &port->program) == 0;
	}
	mlag_get_view(scene->context->engine, &view);
	explain->peer_known = view.peer_known;
	explain->peer_alive = view.session == MLAG_SESSION_UP;
	fill_legs(scene);
	return 0;
}

int scene_open(struct scene *ret, struct control_context *context)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->context = context;
	ret->scene.lookups = &lookups;
	ret->scene.user = ret;
	(void)snprintf(ret->scene.bridge_ifname, IFNAMSIZ, "%s", context->config->bridge);
	ret->bridge_ifindex = if_nametoindex(context->config->bridge);
	if (ret->bridge_ifindex == 0) {
		return -ENODEV;
	}
	if (context->trial == NULL) {
		ret->not_run = datapath_trial_open(&context->trial, context->datapath);
	}
	ret->scene.bridge_ifindex = ret->bridge_ifindex;
	r = lookup_open(&ret->lookup);
	return r < 0 ? r : fill(ret);
}

void scene_close(struct scene *scene)
{
	lookup_close(scene->lookup);
	free(scene->scene.ports);
}

/* ---- a sender ------------------------------------------------------------------------------- */

static bool is_at(const struct scene *scene, const struct explain_port *port,
		  const struct mlag_mac_view *view)
{
	if (port->programmed && port->program.kind == MLAG_PORT_LEG) {
		return view->lag_id == port->program.lag_id;
	}
	return view->lag_id == 0 && view->entry.ifindex == port->ifindex &&
	       (view->own || port->ifindex == scene->scene.domain.peer_link_ifindex);
}

bool scene_find_source(const struct scene *scene, const struct explain_port *port, uint16_t vlan,
		       struct mlag_mac *ret)
{
	struct mlag_mac_view view;
	uint32_t cursor = 0;

	for (uint32_t i = 0; i < SOURCE_LOOKS_MAX; i++) {
		if (!mlag_next_mac(scene->context->engine, &cursor, &view)) {
			break;
		}
		if (view.key.vlan == vlan && is_at(scene, port, &view)) {
			*ret = view.key.mac;
			return true;
		}
	}
	return false;
}

/* Another host of an own address's network: the last one but the broadcast address. */
static void make_neighbor(uint8_t family, uint8_t prefix_size, uint8_t address[16])
{
	uint32_t own, host;

	if (family == 6 || prefix_size > 30) {
		address[family == 6 ? 15 : 3] ^= family == 6 ? 2 : 1;
		return;
	}
	own = (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 |
	      address[3];
	host = (own | (UINT32_MAX >> prefix_size)) - 1;
	host -= host == own ? 1 : 0;
	address[0] = (uint8_t)(host >> 24);
	address[1] = (uint8_t)(host >> 16);
	address[2] = (uint8_t)(host >> 8);
	address[3] = (uint8_t)host;
}

void scene_find_source_ip(const struct scene *scene, uint16_t vlan, const struct mlag_mac *router,
			  const struct mlag_mac *source, uint8_t family, uint8_t ret[16])
{
	static const uint8_t nobody[2][16] = {{192, 0, 2, 1}, {0x20, 1, 0x0d, 0xb8, [15] = 1}};
	struct mlag_router_key key = {.vlan = vlan};
	struct mlag_router found = {0};
	uint8_t prefix_size = 0;

	memcpy(key.mac, router->octets, sizeof(key.mac));
	memcpy(ret, nobody[family == 6], 16);
	if (!look_router((void *)scene, &key, &found) || found.own_ifindex == 0) {
		return;
	}
	if (lookup_neighbor_of(scene->lookup, found.own_ifindex, family, source, ret) == 0) {
		return;
	}
	if (lookup_address(scene->lookup, found.own_ifindex, family, ret, &prefix_size) == 0) {
		make_neighbor(family, prefix_size, ret);
	} else {
		memcpy(ret, nobody[family == 6], 16);
	}
}
