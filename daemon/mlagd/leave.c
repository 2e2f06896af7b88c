// SPDX-License-Identifier: BSD-2-Clause
/*
 * Leaving the pair (see leave.h), in the order in which nobody loses or doubles anything: the legs
 * stop flooding and hand their unicast to the peer; when the peer has said that it floods for them,
 * their links go down, so that LACP partners use the other member; the peer is told that nobody is
 * here any more; and then all that was programmed is taken back, by what is written down of it (ports,
 * settings, qdiscs), by its mark (neighbours, routes, rules, gateways), or by what it is (programs
 * and FDB entries on the pair's ports).
 *
 * It goes on when whoever asked for it is gone, and waits for nobody for longer than a second.
 */
#include "leave.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "audit.h"
#include "deadman.h"
#include "effects.h"
#include "gateways.h"
#include "holds.h"
#include "kernel/addressstate.h"
#include "kernel/clear.h"
#include "log.h"
#include "setup.h"
#include "svis.h"

#define LEAVE_POLL_NS (10 * UINT64_C(1000000))
#define LEAVE_DRAIN_NS UINT64_C(1000000000)	  /* for the peer's acknowledgement */
#define LEAVE_GOODBYE_NS (50 * UINT64_C(1000000)) /* for what is in the socket */
#define LEAVE_TELL_NS UINT64_C(1000000000)	  /* for who asked, to hear the end */
#define LEAVE_STEPS_MAX 16
#define LEAVE_RETRY_NS (60 * UINT64_C(1000000000)) /* no new session before this process ends */

enum leave_phase {
	LEAVE_NONE,
	LEAVE_DRAIN,
	LEAVE_GOODBYE,
	LEAVE_DONE,
	LEAVE_TOLD,
};

struct leave {
	enum leave_phase phase;
	sd_event_source *timer;
	uint64_t deadline_ns;
	uint32_t steps_count;
	struct control_leave_step steps[LEAVE_STEPS_MAX];
};

/* ---- what was done ------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void note(struct daemon *daemon, const char *name,
						       int error, const char *format, ...)
{
	struct leave *leave = daemon->leave;
	struct control_leave_step *step;
	va_list list;

	if (leave->steps_count == LEAVE_STEPS_MAX) {
		return;
	}
	step = &leave->steps[leave->steps_count++];
	step->name = name;
	step->error = error;
	va_start(list, format);
	(void)vsnprintf(step->text, sizeof(step->text), format, list);
	va_end(list);
	if (error < 0) {
		log_warning("leave: %s: %s: %s", name, step->text, strerror(-error));
	} else {
		log_notice("leave: %s: %s", name, step->text);
	}
}

int leave_get_step(void *user, uint32_t index, struct control_leave_step *ret)
{
	struct leave *leave = ((struct daemon *)user)->leave;

	if (leave != NULL && index < leave->steps_count) {
		*ret = leave->steps[index];
		return 1;
	}
	if (leave != NULL && leave->phase < LEAVE_DONE) {
		return -EAGAIN;
	}
	if (leave != NULL) {
		leave->phase = LEAVE_TOLD;
	}
	return 0;
}

/* ---- legs ---------------------------------------------------------------------------------- */

/* The peer still relies on a leg of ours. */
static bool is_relied_on(const struct daemon *daemon)
{
	struct mlag_leg_view leg;
	struct mlag_view view;

	mlag_get_view(daemon->engine, &view);
	if (view.session != MLAG_SESSION_UP) {
		return false;
	}
	for (uint32_t i = 0; mlag_get_leg(daemon->engine, i, &leg); i++) {
		if (leg.peer_isolates) {
			return true;
		}
	}
	return false;
}

static int take_down(struct daemon *daemon, uint32_t ifindex)
{
	struct links_bond bond;
	int error = 0;

	links_get_bond(daemon->links, ifindex, &bond);
	if (!bond.is_bond || bond.has_more) {
		return ports_set_up(daemon->ports, ifindex, false);
	}
	for (uint32_t i = 0; i < bond.slaves_count; i++) {
		int r = ports_set_up(daemon->ports, bond.slaves[i].ifindex, false);

		error = r < 0 && r != -ENODEV ? r : error;
	}
	return error;
}

static void take_legs_down(struct daemon *daemon)
{
	uint32_t count = 0;
	int error = 0;

	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		uint32_t ifindex = daemon->leg_ports[i].seen_ifindex;
		int r = ifindex != 0 ? take_down(daemon, ifindex) : 0;

		count += ifindex != 0;
		error = r < 0 && r != -ENODEV ? r : error;
	}
	note(daemon, "legs", error, "the links of %u leg%s are down", count, count == 1 ? "" : "s");
}

/* ---- taking back --------------------------------------------------------------------------- */

static bool is_our_entry(void *user, const struct mlag_mac_key *key,
			 const struct mlag_fdb_entry *entry)
{
	const struct daemon *daemon = user;

	(void)key;
	if (entry->ifindex == daemon->peer_link.ifindex) {
		return entry->kind == MLAG_FDB_EXTERNAL || entry->kind == MLAG_FDB_STICKY;
	}
	return setup_is_leg(daemon, entry->ifindex) &&
	       (entry->kind == MLAG_FDB_ACTIVE || entry->kind == MLAG_FDB_INACTIVE);
}

static bool is_our_device(void *user, uint32_t ifindex)
{
	const struct daemon *daemon = user;
	const struct addressstate *state = addresses_state(daemon->addresses);
	bool delivers;
	uint16_t vlan;

	for (uint32_t i = 0; i < state->links.count; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);

		if (link->ifindex == ifindex) {
			return addressstate_role(state, link, &vlan, &delivers) !=
			       ADDRESSSTATE_ROLE_NONE;
		}
	}
	return false;
}

static void clear_tables(struct daemon *daemon)
{
	uint32_t entries = 0, neighbors = 0;
	int error = fdb_let_locals(daemon->fdb);
	int r;

	if (daemon->peer_link.bridge_ifindex != 0) {
		r = clear_fdb(daemon->peer_link.bridge_ifindex, daemon->peer_link.vlan_aware,
			      is_our_entry, daemon, &entries);
		error = r < 0 ? r : error;
	}
	note(daemon, "fdb", error, "%u entries for the peer's word are gone", entries);
	error = clear_neighbors(is_our_device, daemon, &neighbors);
	note(daemon, "neighbors", error, "%u neighbours for the peer's word are gone", neighbors);
}

static void end_last_resort(struct daemon *daemon)
{
	struct mlag_config identity;
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE};
	const char *problem;

	daemon->config->last_resort = false;
	effects_identity(daemon->config, &identity);
	event.reconfigure = &identity;
	effects_step(daemon, &event);
	(void)effects_last_resort(daemon);
	effects_more(daemon);
	problem = routes_problem(daemon->routes);
	note(daemon, "routes", problem != NULL ? -EIO : 0, "%.100s",
	     problem != NULL ? problem : "no route or rule of ours is left");
}

static void take_back(struct daemon *daemon)
{
	int error;

	end_last_resort(daemon);
	error = gateways_leave(daemon);
	note(daemon, "gateways", error, "the shared gateways are gone");
	error = svis_leave(daemon);
	note(daemon, "settings", error, "settings of SVIs are as they were found");
	/* From here on nothing may be programmed any more, whatever is heard. */
	daemon->left = true;
	audit_close(daemon);
	answers_leave(daemon);
	clear_tables(daemon);
	error = setup_leave(daemon);
	note(daemon, "ports", error, "programs are gone, ports and bonds as they were found");
}

/* ---- one thing after the other ------------------------------------------------------------- */

static void say_goodbye(struct daemon *daemon)
{
	struct mlag_event event = {.type = MLAG_EVENT_GOODBYE};
	struct mlag_view view;
	bool told;

	mlag_get_view(daemon->engine, &view);
	told = view.session == MLAG_SESSION_UP;
	deadman_leave(daemon); /* from here on nobody is to be watched over */
	effects_step(daemon, &event);
	channel_end(daemon->channel, LEAVE_RETRY_NS);
	note(daemon, "goodbye", 0, "%s",
	     told ? "the peer was told"
		  : "there is no session; the peer was told by hellos at most");
}

static void advance(struct daemon *daemon, uint64_t now_ns)
{
	struct leave *leave = daemon->leave;

	switch (leave->phase) {
	case LEAVE_NONE:
		break;
	case LEAVE_DRAIN:
		if (is_relied_on(daemon) && now_ns < leave->deadline_ns) {
			break;
		}
		note(daemon, "drain", 0, "%s",
		     is_relied_on(daemon) ? "the peer did not acknowledge within a second"
					  : "nobody relies on a leg here");
		take_legs_down(daemon);
		holds_left(daemon);
		say_goodbye(daemon);
		leave->phase = LEAVE_GOODBYE;
		leave->deadline_ns = now_ns + LEAVE_GOODBYE_NS;
		break;
	case LEAVE_GOODBYE:
		if (now_ns < leave->deadline_ns) {
			break;
		}
		take_back(daemon);
		leave->phase = LEAVE_DONE;
		leave->deadline_ns = now_ns + LEAVE_TELL_NS;
		break;
	case LEAVE_DONE:
		if (now_ns >= leave->deadline_ns) {
			(void)sd_event_exit(daemon->event, 0);
		}
		break;
	case LEAVE_TOLD:
		log_notice("leave: done");
		(void)sd_event_exit(daemon->event, 0);
		break;
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;
	uint64_t now_ns = daemon_now_ns();

	(void)usec;
	advance(daemon, now_ns);
	(void)sd_event_source_set_time(source, (daemon_now_ns() + LEAVE_POLL_NS) / 1000);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int leave_begin(void *user)
{
	struct daemon *daemon = user;
	struct leave *leave;
	int r;

	if (daemon->leave != NULL) {
		return 0;
	}
	leave = calloc(1, sizeof(*leave));
	if (leave == NULL) {
		return -ENOMEM;
	}
	r = sd_event_add_time(daemon->event, &leave->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
			      daemon);
	if (r < 0) {
		free(leave);
		return r;
	}
	log_notice("leave: this member leaves the pair");
	leave->phase = LEAVE_DRAIN;
	leave->deadline_ns = daemon_now_ns() + LEAVE_DRAIN_NS;
	daemon->leave = leave;
	/* Every leg is told anew, and as one without carrier (effects_leg()). */
	links_repeat(daemon->links);
	return 0;
}

void leave_close(struct daemon *daemon)
{
	if (daemon->leave == NULL) {
		return;
	}
	sd_event_source_disable_unref(daemon->leave->timer);
	free(daemon->leave);
	daemon->leave = NULL;
}
