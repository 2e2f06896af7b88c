// SPDX-License-Identifier: BSD-2-Clause
/*
 * Legs out of service (see holds.h).  effects.c calls holds_leg() when the engine or the kernel has
 * something new of a leg; a timer looks again where something is still to be done, and once a second
 * while anything is held, for a slave may come to a bond without a word that a leg would hear.
 */
#include "holds.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "effects.h"
#include "kernel/addressstate.h"
#include "kernel/heldfile.h"
#include "kernel/statefile.h"
#include "log.h"
#include "setup.h"

#define HOLDS_LOOK_NS UINT64_C(1000000000)
#define HOLDS_SAVE_NS UINT64_C(20000000) /* the file is not written more often */
#define HOLDS_TURN_NS UINT64_C(10000000) /* no further leg is looked at after so long */
#define HOLDS_PATH_SIZE 512
#define HOLDS_SERVED_MAX 4096		     /* devices of legs that have served */
#define HOLDS_SERVED_NS UINT64_C(1000000000) /* what was up for less was being configured */
#define HOLDS_RECORDS_MAX 16384		     /* devices that are held */

/**
 * struct holds_leg - what the next daemon has to know of a LAG
 * @ifindex: the device that serves, 0 while it does not
 * @held, @held_ifindex: why it is out of service instead
 * @drained: somebody asked for it
 */
struct holds_leg {
	uint16_t lag_id;
	bool drained;
	uint32_t ifindex;
	enum mlag_hold held;
	uint32_t held_ifindex;
};

/** struct holds_candidate - a device of a leg that serves, and has not for long; since when */
struct holds_candidate {
	uint32_t ifindex;
	uint64_t since_ns;
};

struct holds {
	struct holder *holder;
	sd_event_source *timer;
	uint64_t due_ns; /* what the timer is set to, 0 for off */
	char path[HOLDS_PATH_SIZE];
	char held_path[HOLDS_PATH_SIZE];
	int file_error;
	bool unsaved;	   /* the timer writes the file */
	uint64_t saved_ns; /* when that was done last */
	uint32_t next;	   /* the leg that the timer looks at first */
	bool left;	   /* the pair: nothing is in service for it any more */
	uint32_t legs_count;
	struct holds_leg legs[2 * MLAG_LEGS_MAX];
	uint32_t served_count;
	uint32_t served[HOLDS_SERVED_MAX]; /* ifindexes */
	uint32_t candidates_count;
	struct holds_candidate candidates[HOLDS_SERVED_MAX];
};

/* ---- the kernel ---------------------------------------------------------------------------- */

static int do_set_up(void *user, uint32_t ifindex, bool up)
{
	const struct daemon *daemon = user;

	return ports_set_up(daemon->ports, ifindex, up);
}

static int do_get_priority(void *user, uint32_t ifindex, uint16_t *ret_priority)
{
	const struct daemon *daemon = user;

	return ports_get_system_priority(daemon->ports, ifindex, ret_priority);
}

static int do_set_priority(void *user, uint32_t ifindex, uint16_t priority)
{
	const struct daemon *daemon = user;

	return ports_set_system_priority(daemon->ports, ifindex, priority);
}

static const char *get_error_text(void *user)
{
	const struct daemon *daemon = user;

	return ports_error(daemon->ports);
}

static int do_save(void *user, const struct holder_record *records, uint32_t count)
{
	const struct daemon *daemon = user;

	return heldfile_save(daemon->holds->held_path, records, count);
}

static const struct holder_ops ops = {do_set_up, do_get_priority, do_set_priority, get_error_text,
				      do_save};

/* ---- what the next daemon has to know ------------------------------------------------------ */

static struct holds_leg *find_leg(struct holds *holds, uint16_t lag_id)
{
	for (uint32_t i = 0; i < holds->legs_count; i++) {
		if (holds->legs[i].lag_id == lag_id) {
			return &holds->legs[i];
		}
	}
	return NULL;
}

static struct holds_leg *add_leg(struct holds *holds, uint16_t lag_id)
{
	struct holds_leg *leg = find_leg(holds, lag_id);

	if (leg == NULL && holds->legs_count < sizeof(holds->legs) / sizeof(holds->legs[0])) {
		leg = &holds->legs[holds->legs_count++];
		memset(leg, 0, sizeof(*leg));
		leg->lag_id = lag_id;
	}
	return leg;
}

static enum mlag_hold parse_hold(const char *text)
{
	for (enum mlag_hold hold = MLAG_HOLD_STARTING; hold <= MLAG_HOLD_REFUSED; hold++) {
		if (strcmp(text, mlag_hold_text(hold)) == 0) {
			return hold;
		}
	}
	return MLAG_HOLD_NONE;
}

static bool has_served(const struct holds *holds, uint32_t ifindex)
{
	for (uint32_t i = 0; i < holds->served_count; i++) {
		if (holds->served[i] == ifindex) {
			return true;
		}
	}
	return false;
}

/* With no room left it is one that has served: what is down then stays down. */
static bool note_served(struct holds *holds, uint32_t ifindex)
{
	if (ifindex == 0 || holds->served_count == HOLDS_SERVED_MAX || has_served(holds, ifindex)) {
		return false;
	}
	holds->served[holds->served_count++] = ifindex;
	return true;
}

static void read_line(void *user, const char *line)
{
	struct holds_leg *leg;
	unsigned int lag_id, ifindex;
	char reason[16];

	if (sscanf(line, "held %u %u %15s", &lag_id, &ifindex, reason) == 3 &&
	    lag_id <= UINT16_MAX) {
		leg = add_leg(user, (uint16_t)lag_id);
		if (leg != NULL) {
			leg->held = parse_hold(reason);
			leg->held_ifindex = ifindex;
		}
	} else if (sscanf(line, "serving %u %u", &lag_id, &ifindex) == 2 && lag_id <= UINT16_MAX) {
		leg = add_leg(user, (uint16_t)lag_id);
		if (leg != NULL) {
			leg->ifindex = ifindex;
		}
	} else if (sscanf(line, "drained %u", &lag_id) == 1 && lag_id <= UINT16_MAX) {
		leg = add_leg(user, (uint16_t)lag_id);
		if (leg != NULL) {
			leg->drained = true;
		}
	} else if (sscanf(line, "served %u", &ifindex) == 1) {
		(void)note_served(user, ifindex);
	}
}

static void write_lines(void *user, FILE *file)
{
	const struct holds *holds = user;

	for (uint32_t i = 0; i < holds->legs_count; i++) {
		const struct holds_leg *leg = &holds->legs[i];

		if (leg->ifindex != 0) {
			(void)fprintf(file, "serving %u %u\n", leg->lag_id, leg->ifindex);
		}
		if (leg->held != MLAG_HOLD_NONE) {
			(void)fprintf(file, "held %u %u %s\n", leg->lag_id, leg->held_ifindex,
				      mlag_hold_text(leg->held));
		}
		if (leg->drained) {
			(void)fprintf(file, "drained %u\n", leg->lag_id);
		}
	}
	for (uint32_t i = 0; i < holds->served_count; i++) {
		(void)fprintf(file, "served %u\n", holds->served[i]);
	}
}

static void save(struct holds *holds)
{
	int error = statefile_save(holds->path, write_lines, holds);

	holds->unsaved = false;
	holds->saved_ns = daemon_now_ns();
	if (error < 0 && error != holds->file_error) {
		log_warning("%s cannot be written: %s; what is drained, and what served, is not "
			    "known to the next daemon",
			    holds->path, strerror(-error));
	}
	holds->file_error = error;
}

/* At once, but not for each of many legs: the timer writes the file for all the others. */
static void save_soon(struct holds *holds)
{
	if (daemon_now_ns() - holds->saved_ns >= HOLDS_SAVE_NS) {
		save(holds);
	} else {
		holds->unsaved = true;
	}
}

/* A leg that serves is not held by the next start; one that is held is so for the same reason. */
static bool note(struct holds *holds, uint16_t lag_id, uint32_t ifindex, enum mlag_hold held)
{
	struct holds_leg *leg = holds->left ? NULL : add_leg(holds, lag_id);
	uint32_t serving = held == MLAG_HOLD_NONE ? ifindex : 0;
	bool changed;

	if (leg == NULL || (leg->ifindex == serving && leg->held == held &&
			    (held == MLAG_HOLD_NONE || leg->held_ifindex == ifindex))) {
		return false;
	}
	changed = leg->ifindex != serving;
	leg->ifindex = serving;
	leg->held = held;
	leg->held_ifindex = ifindex;
	save_soon(holds);
	return changed;
}

void holds_configure_leg(const struct daemon *daemon, const struct config_lag *lag,
			 struct mlag_event *event)
{
	const struct holds_leg *leg = find_leg(daemon->holds, lag->id);
	uint32_t ifindex = if_nametoindex(lag->ifname);

	event->leg_configure.is_new = leg == NULL || leg->ifindex == 0 || leg->ifindex != ifindex;
	if (leg != NULL && ifindex != 0 && leg->held_ifindex == ifindex) {
		event->leg_configure.held = leg->held;
	}
	event->leg_configure.is_drained = leg != NULL && leg->drained;
}

/* ---- what is wanted ------------------------------------------------------------------------ */

static void arm(struct daemon *daemon, uint64_t due_ns)
{
	struct holds *holds = daemon->holds;

	if (due_ns == 0 || (holds->due_ns != 0 && holds->due_ns <= due_ns)) {
		return;
	}
	holds->due_ns = due_ns;
	(void)sd_event_source_set_time(holds->timer, due_ns / 1000);
	(void)sd_event_source_set_enabled(holds->timer, SD_EVENT_ONESHOT);
}

static void apply(struct daemon *daemon, uint32_t ifindex, bool lacp, bool hold)
{
	char name[IFNAMSIZ];
	struct holder_leg leg = {
		.ifindex = ifindex,
		.ifname = links_ifname(daemon->links, ifindex, name),
		.lacp = lacp,
		.hold = hold,
	};
	struct links_bond bond;
	uint64_t now_ns = daemon_now_ns();

	links_get_bond(daemon->links, ifindex, &bond);
	if (!bond.is_bond || bond.has_more) {
		/* Of more slaves than can be told the bond itself stands: LACP falls silent with it. */
		bond.slaves_count = 0;
		leg.devices[leg.devices_count].ifindex = ifindex;
		leg.devices[leg.devices_count++].is_up = bond.is_up;
	}
	for (uint32_t i = 0; i < bond.slaves_count && i < HOLDER_DEVICES_MAX; i++) {
		leg.devices[leg.devices_count].ifindex = bond.slaves[i].ifindex;
		leg.devices[leg.devices_count++].is_up = bond.slaves[i].is_up;
	}
	arm(daemon, holder_apply(daemon->holds->holder, &leg, now_ns));
	if (hold) {
		arm(daemon, now_ns + HOLDS_LOOK_NS);
	}
}

/* ---- devices that the machine left down at boot -------------------------------------------- */

/*
 * "bring-up = on": what has not served yet is set up here, and again if somebody sets it down before
 * it has served, for a bond and whoever configures it do both while they put it together.  From then on it is the
 * administrator's, also over restarts.  A slave has served when LACP has taken it; where there is no LACP to say
 * so, a device with carrier of a leg that is in service, once it has been that for a second.
 */
static bool served_long_enough(struct daemon *daemon, uint32_t ifindex, bool serves)
{
	struct holds *holds = daemon->holds;
	uint64_t now_ns = daemon_now_ns();
	uint32_t i = 0;

	while (i < holds->candidates_count && holds->candidates[i].ifindex != ifindex) {
		i++;
	}
	if (!serves || has_served(holds, ifindex)) {
		if (i < holds->candidates_count) {
			holds->candidates[i] = holds->candidates[--holds->candidates_count];
		}
		return false;
	}
	if (i == HOLDS_SERVED_MAX) {
		return true;
	}
	if (i == holds->candidates_count) {
		holds->candidates[holds->candidates_count++] =
			(struct holds_candidate){ifindex, now_ns};
	}
	if (now_ns - holds->candidates[i].since_ns >= HOLDS_SERVED_NS) {
		holds->candidates[i] = holds->candidates[--holds->candidates_count];
		return true;
	}
	arm(daemon, holds->candidates[i].since_ns + HOLDS_SERVED_NS);
	return false;
}

static bool bring_up_device(struct daemon *daemon, const struct config_lag *lag, uint32_t ifindex,
			    bool is_up, bool serves)
{
	int error;

	if (is_up) {
		return serves && note_served(daemon->holds, ifindex);
	}
	if (has_served(daemon->holds, ifindex) || daemon->holds->served_count == HOLDS_SERVED_MAX) {
		return false;
	}
	error = ports_set_up(daemon->ports, ifindex, true);
	if (error < 0 && error != -ENODEV) {
		log_warning("leg %s: %s; trying on", lag->ifname, ports_error(daemon->ports));
	}
	return false;
}

static void bring_up(struct daemon *daemon, const struct daemon_port *port)
{
	const struct config_lag *lag = config_lag_by_id(daemon->config, port->lag_id);
	bool in_service = port->observed.carrier && port->wanted.gate != MLAG_GATE_CLOSED;
	struct links_bond bond;
	bool changed = false, serves;

	if (lag == NULL || !lag->bring_up || daemon->holds->left) {
		return;
	}
	/* A slave that comes, or is set down, may be nothing new of the leg: nobody would say so. */
	arm(daemon, daemon_now_ns() + HOLDS_LOOK_NS);
	if (!daemon->ready_said) { /* the programs are not at every port yet */
		return;
	}
	links_get_bond(daemon->links, port->seen_ifindex, &bond);
	if (!bond.is_bond) {
		serves = served_long_enough(daemon, port->seen_ifindex, bond.is_up && in_service);
		changed = bring_up_device(daemon, lag, port->seen_ifindex, bond.is_up, serves);
	}
	for (uint32_t i = 0; i < bond.slaves_count; i++) {
		const struct links_slave *slave = &bond.slaves[i];

		serves = slave->collects;
		if (!bond.is_lacp_leg) {
			serves = served_long_enough(daemon, slave->ifindex,
						    slave->has_carrier && in_service);
		}
		changed |= bring_up_device(daemon, lag, slave->ifindex, slave->is_up, serves);
	}
	if (changed) {
		save(daemon->holds);
	}
}

/* ---- interfaces of VLANs that nobody here reaches ------------------------------------------ */

/* VLANs of held legs alone: no port forwards them, and in a split PL does not either. */
static void find_held_vlans(const struct daemon *daemon, struct mlag_vlans *ret_vlans)
{
	memset(ret_vlans, 0, sizeof(*ret_vlans));
	if (!daemon->config->hold_svis) {
		return;
	}
	mlag_held_vlans(daemon->engine, ret_vlans);
	ret_vlans->words[0] &= ~UINT64_C(1); /* a plain bridge is its own interface */
	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		for (uint32_t j = 0; j < MLAG_VLAN_WORDS; j++) {
			ret_vlans->words[j] &= ~daemon->member_ports[i].port.forwards.words[j];
		}
	}
}

static bool is_held_svi(const struct daemon *daemon, const struct mlag_vlans *vlans,
			const struct addressstate_link *link)
{
	uint16_t vlan;
	bool delivers;

	return link != NULL && link->kind == LINKMSG_KIND_VLAN &&
	       addressstate_role(addresses_state(daemon->addresses), link, &vlan, &delivers) ==
		       ADDRESSSTATE_ROLE_SVI &&
	       mlag_vlans_has(vlans, vlan);
}

static void apply_svi(struct daemon *daemon, const struct addressstate_link *link, bool hold)
{
	struct holder_leg leg = {
		.ifindex = link->ifindex,
		.ifname = link->ifname,
		.hold = hold,
		.devices_count = 1,
	};

	leg.devices[0].ifindex = link->ifindex;
	leg.devices[0].is_up = link->up;
	arm(daemon, holder_apply(daemon->holds->holder, &leg, daemon_now_ns()));
}

static void refresh_svis(struct daemon *daemon)
{
	const struct addressstate *state = addresses_state(daemon->addresses);
	struct mlag_vlans vlans;

	find_held_vlans(daemon, &vlans);
	for (uint32_t i = 0; i < state->links.count; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);
		bool hold = is_held_svi(daemon, &vlans, link);

		if (hold || (link->kind == LINKMSG_KIND_VLAN &&
			     holder_is_held(daemon->holds->holder, link->ifindex))) {
			apply_svi(daemon, link, hold);
		}
	}
}

void holds_leg(struct daemon *daemon, const struct daemon_port *port)
{
	bool hold = port->wanted.hold != MLAG_HOLD_NONE;
	bool changed = false;

	if (daemon->holds->left || port->wanted.stay) {
		return; /* who has left holds nothing, whatever becomes of the pair */
	}
	if (port->seen_ifindex == 0 || port->wanted.ifindex != port->seen_ifindex) {
		arm(daemon,
		    daemon_now_ns() + HOLDS_LOOK_NS); /* what it was may have to be given back */
		return;
	}
	if (hold) {
		changed = note(daemon->holds, port->lag_id, port->seen_ifindex, port->wanted.hold);
	}
	apply(daemon, port->seen_ifindex, port->lacp, hold);
	if (!hold) {
		bring_up(daemon, port);
		changed = note(daemon->holds, port->lag_id, port->seen_ifindex, MLAG_HOLD_NONE);
	}
	if (daemon->holds->unsaved) {
		arm(daemon, daemon->holds->saved_ns + HOLDS_SAVE_NS);
	}
	if (changed) {
		arm(daemon, daemon_now_ns()); /* interfaces of its VLANs follow */
	}
}

/* What was held of a device that is no leg any more. */
static void give_others_back(struct daemon *daemon)
{
	const struct addressstate *state = addresses_state(daemon->addresses);
	uint32_t cursor = 0, ifindex;
	struct mlag_vlans vlans;

	find_held_vlans(daemon, &vlans);
	while ((ifindex = holder_next_leg(daemon->holds->holder, &cursor)) != 0) {
		if (!setup_is_leg(daemon, ifindex) &&
		    !is_held_svi(daemon, &vlans, addressstate_find(state, ifindex))) {
			apply(daemon, ifindex, false, false);
			cursor = holder_is_held(daemon->holds->holder, ifindex) ? cursor : 0;
		}
	}
}

/* False when there are more, but others have their turn first. */
static bool look_at_legs(struct daemon *daemon)
{
	struct holds *holds = daemon->holds;
	uint64_t began_ns = daemon_now_ns();

	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		const struct daemon_port *port =
			&daemon->leg_ports[holds->next++ % daemon->ports_count];

		if (port->seen_ifindex != 0 && port->wanted.ifindex == port->seen_ifindex) {
			holds_leg(daemon, port);
		}
		if (daemon_now_ns() - began_ns > HOLDS_TURN_NS) {
			return i + 1 == daemon->ports_count;
		}
	}
	return true;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;

	(void)source;
	(void)usec;
	daemon->holds->due_ns = 0;
	if (daemon->holds->unsaved) {
		save_soon(daemon->holds);
	}
	if (daemon->holds->unsaved) {
		arm(daemon, daemon->holds->saved_ns + HOLDS_SAVE_NS);
	}
	if (daemon->holds->left) {
		return 0;
	}
	if (!daemon->ready_said) {
		/* A leg that has not been seen yet is no device that nobody wants held. */
		arm(daemon, daemon_now_ns() + HOLDS_LOOK_NS);
		return 0;
	}
	if (!look_at_legs(daemon)) {
		arm(daemon, daemon_now_ns());
		return 0;
	}
	refresh_svis(daemon);
	give_others_back(daemon);
	return 0;
}

void holds_config(struct daemon *daemon)
{
	struct holds *holds = daemon->holds;
	uint32_t i = 0;

	give_others_back(daemon);
	while (i < holds->legs_count) {
		if (config_lag_by_id(daemon->config, holds->legs[i].lag_id) == NULL) {
			holds->legs[i] = holds->legs[--holds->legs_count];
			save(holds);
		} else {
			i++;
		}
	}
}

void holds_left(struct daemon *daemon)
{
	struct holds *holds = daemon->holds;
	uint32_t cursor = 0, ifindex;
	char name[IFNAMSIZ];

	holds->left = true;
	holds->legs_count = 0;
	holds->served_count = 0;
	save(holds);
	while ((ifindex = holder_next_leg(holds->holder, &cursor)) != 0) {
		if (setup_is_leg(daemon, ifindex)) {
			holder_drop(holds->holder, ifindex,
				    links_ifname(daemon->links, ifindex, name));
		} else {
			apply(daemon, ifindex, false, false);
		}
		cursor = holder_is_held(holds->holder, ifindex) ? cursor : 0;
	}
}

/* ---- for people ---------------------------------------------------------------------------- */

static void drain_leg(struct daemon *daemon, uint16_t lag_id, bool on)
{
	struct mlag_event event = {.type = MLAG_EVENT_DRAIN};
	struct holds_leg *leg = add_leg(daemon->holds, lag_id);

	if (leg != NULL && leg->drained != on) {
		leg->drained = on;
		save(daemon->holds);
	}
	event.drain.lag_id = lag_id;
	event.drain.on = on;
	effects_step(daemon, &event);
}

int holds_drain(void *user, uint16_t lag_id, bool on, bool force, uint16_t *ret_lag_id,
		const char **ret_because)
{
	struct daemon *daemon = user;
	const struct config *config = daemon->config;

	for (uint32_t i = 0; on && !force && i < config->lags_count; i++) {
		if ((lag_id == 0 || config->lags[i].id == lag_id) &&
		    !mlag_may_drain(daemon->engine, config->lags[i].id, ret_because)) {
			*ret_lag_id = config->lags[i].id;
			return -EPERM;
		}
	}
	for (uint32_t i = 0; i < config->lags_count; i++) {
		if (lag_id == 0 || config->lags[i].id == lag_id) {
			drain_leg(daemon, config->lags[i].id, on);
		}
	}
	return 0;
}

bool holds_is_held(const struct daemon *daemon, const char *ifname)
{
	uint32_t ifindex = if_nametoindex(ifname);

	return ifindex != 0 && holder_is_held(daemon->holds->holder, ifindex);
}

/* ---- life and death ------------------------------------------------------------------------ */

int holds_open(struct daemon *daemon)
{
	struct holds *holds = calloc(1, sizeof(*holds));
	int r;

	if (holds == NULL) {
		return -ENOMEM;
	}
	daemon->holds = holds;
	if (snprintf(holds->path, sizeof(holds->path), "%s/legs", daemon->run_dir) >=
		    (int)sizeof(holds->path) ||
	    snprintf(holds->held_path, sizeof(holds->held_path), "%s/held", daemon->run_dir) >=
		    (int)sizeof(holds->held_path)) {
		return -ENAMETOOLONG;
	}
	statefile_load(holds->path, read_line, holds);
	r = holder_open(&holds->holder, HOLDS_RECORDS_MAX, &ops, daemon);
	if (r < 0) {
		return r;
	}
	heldfile_load(holds->held_path, holds->holder);
	/* What an earlier daemon held and nobody wants held is given back even if nothing else happens. */
	return sd_event_add_time_relative(daemon->event, &holds->timer, CLOCK_MONOTONIC,
					  HOLDS_LOOK_NS / 1000, 1000, on_timer, daemon);
}

void holds_close(struct daemon *daemon)
{
	if (daemon->holds == NULL) {
		return;
	}
	if (daemon->holds->unsaved) {
		save(daemon->holds);
	}
	sd_event_source_disable_unref(daemon->holds->timer);
	holder_close(daemon->holds->holder);
	free(daemon->holds);
	daemon->holds = NULL;
}
