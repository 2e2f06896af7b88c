// SPDX-License-Identifier: BSD-2-Clause
/*
 * From one daemon to the next (see handover.h).  All of it is kept in the maps of the data plane: what
 * is in force, with what has to be known of it, in one write; and one state of the pair, whose age is
 * the lease.  So there is nothing that could contradict what frames meet, and it goes when they go.
 * Called by main.c at the start and by effects.c after every step.
 */
#include "handover.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "datapath/trial.h"
#include "effects.h"
#include "log.h"
#include "setup.h"

#define HANDOVER_RENEW_NS UINT64_C(1000000000) /* a quarter of restart-hold where that is less */

_Static_assert(sizeof(((struct mlag_state *)0)->bytes) == MLAG_RESUME_SIZE_MAX, "one buffer");

/* ---- what was found ------------------------------------------------------------------------ */

bool handover_accept(void *user, const struct mlag_state *state)
{
	struct daemon *daemon = user;
	struct mlag_config config = {
		.domain_id = daemon->config->domain_id,
		.system_mac = daemon->config->system_mac,
	};
	struct mlag_resume found;
	const char *refused = "it is damaged, or of another version";

	if (mlag_resume_read(state->bytes, state->size, &found)) {
		refused = mlag_resume_refuse(
			&found, &config, if_nametoindex(daemon->config->bridge), daemon_now_ns());
	}
	daemon->refused = refused;
	if (refused != NULL) {
		return false;
	}
	daemon->found = found;
	return true;
}

/* Rows of one map on their way to the engine. */
struct handover_walk {
	struct daemon *daemon;
	uint32_t peer_link_ifindex; /* of the daemon before */
	uint32_t count;
};

static void on_source(void *user, const void *key, const void *value)
{
	const struct mlag_source_key *source_key = key;
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_MAC};
	struct handover_walk *walk = user;

	event.resume_mac.key.vlan = source_key->vlan;
	memcpy(event.resume_mac.key.mac.octets, source_key->mac, sizeof(source_key->mac));
	memcpy(&event.resume_mac.place, value, sizeof(event.resume_mac.place));
	effects_note(walk->daemon, &event);
	walk->count++;
}

static void resume_address(struct handover_walk *walk, const struct mlag_address_program *program)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_ADDRESS};

	event.resume_address = program;
	effects_note(walk->daemon, &event);
	walk->count++;
}

static void on_router(void *user, const void *key, const void *value)
{
	struct handover_walk *walk = user;
	const struct mlag_router_key *router_key = key;
	struct mlag_address_program program;
	struct mlag_router router;

	memcpy(&router, value, sizeof(router));
	memset(&program, 0, sizeof(program));
	program.key.kind = MLAG_ADDRESS_ROUTER_MAC;
	program.key.vlan = router_key->vlan;
	memcpy(program.key.octets, router_key->mac, sizeof(router_key->mac));
	program.owner = (enum mlag_owner)router.owner;
	program.domain = router.domain;
	program.own_ifindex = router.own_ifindex;
	memcpy(program.own_mac.octets, router.own_mac, sizeof(router.own_mac));
	if (router.owner == MLAG_OWNER_PEER && walk->peer_link_ifindex != 0) {
		program.on_peer_link = true;
		program.peer_link_ifindex = walk->peer_link_ifindex;
	}
	resume_address(walk, &program);
}

static bool is_link_local(const struct mlag_address *address)
{
	const uint8_t *octets = address->octets;

	return address->family == 4 ? octets[0] == 169 && octets[1] == 254
				    : octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
}

static void on_address(void *user, const void *key, const void *value)
{
	const struct mlag_address *address = key;
	const uint8_t *owner = value;
	struct mlag_address_program program;

	memset(&program, 0, sizeof(program));
	program.key.kind = is_link_local(address) ? MLAG_ADDRESS_LINK_LOCAL : MLAG_ADDRESS_IP;
	program.key.family = address->family;
	program.key.vlan = address->vlan;
	program.key.domain = address->domain;
	memcpy(program.key.octets, address->octets, sizeof(program.key.octets));
	program.owner = (enum mlag_owner) * owner;
	resume_address(user, &program);
}

static void on_port(void *user, const void *key, const void *value)
{
	struct handover_walk *walk = user;
	struct daemon *daemon = walk->daemon;
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_LEG};
	struct mlag_leg_program program;
	struct mlag_port port;
	uint32_t ifindex;

	memcpy(&ifindex, key, sizeof(ifindex));
	memcpy(&port, value, sizeof(port));
	if (daemon->found_ports_count < DAEMON_PORTS_MAX) {
		daemon->found_ports[daemon->found_ports_count].ifindex = ifindex;
		daemon->found_ports[daemon->found_ports_count++].kind =
			(enum mlag_port_kind)port.kind;
	}
	if (port.kind != MLAG_PORT_LEG || config_lag_by_id(daemon->config, port.lag_id) == NULL) {
		return;
	}
	memset(&program, 0, sizeof(program));
	program.lag_id = port.lag_id;
	program.ifindex = ifindex;
	program.untagged_vid = port.untagged_vid;
	program.gate = (enum mlag_gate)port.gate;
	program.memory = port.memory;
	memcpy(program.isolated.words, port.isolated, sizeof(port.isolated));
	memcpy(program.held.words, port.held, sizeof(port.held));
	event.resume_leg = &program;
	effects_note(daemon, &event);
	walk->count++;
}

static void walk(struct daemon *daemon, enum datapath_map map,
		 void (*on_row)(void *user, const void *key, const void *value),
		 struct handover_walk *walk)
{
	int r = datapath_walk(daemon->datapath, map, on_row, walk);

	if (r < 0) {
		log_warning("what the daemon before left cannot be read as a whole: %s",
			    strerror(-r));
	}
}

static void say_refused(const struct daemon *daemon)
{
	const char *refused = datapath_refused(daemon->datapath);

	refused = refused != NULL ? refused : daemon->refused;
	if (refused != NULL) {
		log_warning("what an earlier daemon left is not taken over: %s; starting afresh",
			    refused);
	}
}

void handover_begin(struct daemon *daemon)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUME, .resume = &daemon->found};
	struct handover_walk rows = {.daemon = daemon};
	uint64_t began_ns = daemon_now_ns();

	if (!datapath_is_adopted(daemon->datapath) ||
	    datapath_get_domain(daemon->datapath, &daemon->domain) < 0) {
		say_refused(daemon);
		return;
	}
	daemon->is_resuming = true;
	effects_note(daemon, &event);
	rows.peer_link_ifindex = daemon->domain.peer_link_ifindex;
	walk(daemon, DATAPATH_MAP_ROUTERS, on_router, &rows);
	walk(daemon, DATAPATH_MAP_ADDRESSES, on_address, &rows);
	walk(daemon, DATAPATH_MAP_SOURCES, on_source, &rows);
	log_notice("going on with the data plane of an earlier daemon: %u rows read in %llu ms",
		   rows.count,
		   (unsigned long long)((daemon_now_ns() - began_ns) / UINT64_C(1000000)));
}

void handover_legs(struct daemon *daemon)
{
	struct handover_walk rows = {.daemon = daemon};

	if (daemon->is_resuming) {
		walk(daemon, DATAPATH_MAP_PORTS, on_port, &rows);
	}
}

void handover_end(struct daemon *daemon)
{
	struct mlag_event event = {.type = MLAG_EVENT_RESUMED};

	if (!daemon->is_resuming) {
		return;
	}
	for (uint32_t i = 0; i < daemon->found_ports_count; i++) {
		setup_clean_port(daemon, daemon->found_ports[i].ifindex,
				 daemon->found_ports[i].kind);
	}
	daemon->found_ports_count = 0;
	daemon->is_resuming = false;
	effects_note(daemon, &event);
}

/* ---- what is left behind ------------------------------------------------------------------- */

uint64_t handover_due_ns(const struct daemon *daemon)
{
	uint64_t interval_ns = daemon->config->restart_hold_ns / 4;

	return daemon->kept_ns +
	       (interval_ns < HANDOVER_RENEW_NS ? interval_ns : HANDOVER_RENEW_NS);
}

void handover_keep(struct daemon *daemon)
{
	uint64_t now_ns = daemon_now_ns();
	struct mlag_state state = {0};
	struct mlag_resume resume;
	int r;

	mlag_get_resume(daemon->engine, &resume);
	if (!mlag_resume_differs(&resume, &daemon->kept) && now_ns < handover_due_ns(daemon)) {
		return;
	}
	daemon->kept = resume;
	daemon->kept_ns = now_ns;
	resume.written_ns = now_ns;
	state.size = mlag_resume_write(&resume, state.bytes);
	r = datapath_set_state(daemon->datapath, &state);
	if (r < 0) {
		log_warning("what the next daemon has to know cannot be written: %s", strerror(-r));
	}
}
