// SPDX-License-Identifier: BSD-2-Clause
/*
 * What adapters report: every callback here turns what an adapter saw into an event of the engine,
 * and tells the rest of the daemon what the engine need not know.  main.c opens the adapters with
 * these callbacks.
 */
#include "events.h"

#include <errno.h>
#include <string.h>

#include "answers.h"
#include "audit.h"
#include "daemon.h"
#include "effects.h"
#include "fastpath.h"
#include "gateways.h"
#include "hello.h"
#include "log.h"
#include "neighbordevices.h"
#include "recorder.h"
#include "setup.h"
#include "svis.h"

static void on_peer_link(void *user, const struct mlag_peer_link *peer_link)
{
	struct daemon *daemon = user;
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK};

	if (daemon->left) {
		return;
	}
	if (!peer_link->carrier) {
		hellos_read(daemon->hellos); /* what came before it was lost counts as before */
	}
	daemon->peer_link = *peer_link;
	effects_peer_link(daemon);
	event.peer_link = &daemon->peer_link;
	effects_step(daemon, &event);
}

static void on_leg(void *user, uint16_t lag_id, const struct mlag_leg_observation *observation)
{
	const struct daemon *daemon = user;

	if (!daemon->left) {
		effects_leg(user, lag_id, observation);
	}
}

static void on_peer_link_forwards(void *user, const struct mlag_vlans *vlans)
{
	struct daemon *daemon = user;

	daemon->peer_link_forwards = *vlans;
	if (!daemon->left) {
		effects_shortcuts(daemon);
	}
}

static void on_port(void *user, const struct links_port *port)
{
	const struct daemon *daemon = user;

	if (!daemon->left) {
		setup_port(user, port);
	}
	if (daemon->setup_waits && !daemon->starting) {
		effects_soon(user);
	}
}

static void on_port_gone(void *user, uint32_t ifindex)
{
	answers_port_gone(user, ifindex); /* before its clsact may go */
	setup_port_gone(user, ifindex);
}

static void on_settings(void *user, uint32_t ifindex, const struct linkmsg_settings *settings)
{
	audit_settings(user, ifindex, settings);
}

static void on_filters_changed(void *user, uint32_t ifindex)
{
	const struct daemon *daemon = user;

	if (!daemon->left) {
		audit_want(user, ifindex);
		svis_want(user, ifindex);
	}
}

static void on_address(void *user, const struct mlag_address_key *key, bool present,
		       uint32_t domain, uint32_t ifindex)
{
	struct mlag_event event = {.type = MLAG_EVENT_ADDRESS};

	fastpath_svi(user, key, present ? ifindex : 0);
	event.address.key = *key;
	event.address.present = present;
	event.address.domain = domain;
	event.address.ifindex = ifindex;
	effects_note(user, &event);
}

static void on_neighbor(void *user, const struct mlag_neighbor_key *key,
			const struct mlag_neighbor_entry *entry)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR};

	event.neighbor.key = *key;
	event.neighbor.entry = *entry;
	effects_note(user, &event);
}

static void on_neighbor_dump_begin(void *user)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DUMP_BEGIN};

	effects_note(user, &event);
}

static void on_neighbor_dump_end(void *user)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DUMP_END};

	effects_note(user, &event);
}

static void on_neighbor_failed(void *user, const struct mlag_neighbor_key *key, int error)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_FAILED};

	event.neighbor_failed.key = *key;
	event.neighbor_failed.error = error;
	effects_note(user, &event);
}

static void on_addresses_changed(void *user)
{
	const struct daemon *daemon = user;

	if (daemon->left) {
		return;
	}
	gateways_want(user);
	effects_devices(user);
	if (neighbordevices_find(user)) {
		effects_soon(user);
	}
}

static void on_default_route(void *user, const struct mlag_default_route *route)
{
	struct mlag_event event = {.type = MLAG_EVENT_DEFAULT_ROUTE, .default_route = route};

	effects_step(user, &event);
}

static void on_fdb_entry(void *user, const struct mlag_mac_key *key,
			 const struct mlag_fdb_entry *entry)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB};

	event.fdb.key = *key;
	event.fdb.entry = *entry;
	effects_note(user, &event);
}

static void on_fdb_listed(void *user, const struct mlag_mac_key *key,
			  const struct mlag_fdb_entry *entry)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB};

	event.fdb.key = *key;
	event.fdb.entry = *entry;
	event.fdb.listed = true;
	effects_note(user, &event);
}

static void on_fdb_dump_begin(void *user)
{
	struct mlag_event event = {.type = MLAG_EVENT_FDB_DUMP_BEGIN};

	effects_note(user, &event);
}

static void on_fdb_dump_end(void *user)
{
	struct daemon *daemon = user;
	struct mlag_event event = {.type = MLAG_EVENT_FDB_DUMP_END};

	daemon->fdb_dumped = true;
	effects_note(daemon, &event);
}

static void on_fdb_failed(void *user, const struct mlag_mac_key *key, int error)
{
	const uint8_t *mac = key->mac.octets;
	struct mlag_event event = {.type = MLAG_EVENT_FDB_FAILED};

	log_warning(
		"MAC %02x:%02x:%02x:%02x:%02x:%02x VLAN %u: the kernel refuses the entry: %s; %s",
		mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], key->vlan, strerror(error),
		error == EADDRINUSE ? "it is an address of this machine"
				    : "trying again in a second");
	event.fdb_failed.key = *key;
	event.fdb_failed.error = error;
	effects_note(user, &event);
}

static void on_channel_up(void *user)
{
	struct mlag_event event = {.type = MLAG_EVENT_CHANNEL_UP};

	effects_step(user, &event);
}

static void on_channel_down(void *user)
{
	struct mlag_event event = {.type = MLAG_EVENT_CHANNEL_DOWN};

	effects_step(user, &event);
}

static void on_channel_message(void *user, const uint8_t *data, uint32_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_MESSAGE};

	event.message.data = data;
	event.message.size = size;
	effects_message(user, &event);
}

void events_hello(void *user, enum mlag_path path, const uint8_t *data, uint32_t size)
{
	struct mlag_event event = {.type = MLAG_EVENT_HELLO};
	struct hello hello;

	event.hello.path = path;
	event.hello.data = data;
	event.hello.size = size;
	/* There is no key: who claims to have one cannot be believed, nobody else has to be. */
	event.hello.authentic = hello_get(data, size, &hello) &&
				hello.authentication == HELLO_AUTHENTICATION_NONE;
	effects_message(user, &event); /* many may have come while there was much to do */
}

static uint32_t on_channel_next(void *user, bool bulk, uint8_t *ret_data)
{
	struct daemon *daemon = user;

	return recorder_next_message(daemon->recorder, daemon->engine,
				     bulk ? MLAG_URGENCY_BULK : MLAG_URGENCY_URGENT,
				     daemon_now_ns(), ret_data);
}

const struct links_handler events_of_links = {
	.peer_link = on_peer_link,
	.leg = on_leg,
	.peer_link_forwards = on_peer_link_forwards,
	.port = on_port,
	.port_gone = on_port_gone,
	.settings = on_settings,
};

const struct filters_handler events_of_filters = {
	.changed = on_filters_changed,
};
const struct addresses_handler events_of_addresses = {
	.address = on_address,
	.changed = on_addresses_changed,
};
const struct routes_handler events_of_routes = {
	.default_route = on_default_route,
};
const struct fdb_handler events_of_fdb = {
	.entry = on_fdb_entry,
	.listed = on_fdb_listed,
	.dump_begin = on_fdb_dump_begin,
	.dump_end = on_fdb_dump_end,
	.failed = on_fdb_failed,
};

const struct neighbors_handler events_of_neighbors = {
	.entry = on_neighbor,
	.dump_begin = on_neighbor_dump_begin,
	.dump_end = on_neighbor_dump_end,
	.failed = on_neighbor_failed,
};
const struct channel_handler events_of_channel = {
	.up = on_channel_up,
	.down = on_channel_down,
	.message = on_channel_message,
	.next = on_channel_next,
};
