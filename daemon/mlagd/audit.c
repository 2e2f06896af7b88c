// SPDX-License-Identifier: BSD-2-Clause
/*
 * Compares ports with what they should be, and sets them up again.  Somebody deletes a clsact with
 * our filter in it, or sets a flood flag by hand: the pair then doubles or loses frames for ever,
 * and what the daemon believes says that all is well.
 *
 * An event is only a reason to look (RTNLGRP_TC; the settings in every message about a port): it
 * may be the echo of our own doing, or be about a past that is over.  What counts is what the
 * kernel answers when it is asked, so our own changes never cause a repair.  A few ports are looked
 * at every second without a reason, for events that were lost.  A port is set up again once a
 * second at most: with a program that insists on something else we take turns, no more.
 */
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "effects.h"
#include "fastpath.h"
#include "log.h"
#include "rundir.h"
#include "setup.h"

#define AUDIT_SECOND_NS UINT64_C(1000000000)
#define AUDIT_REPAIR_INTERVAL_NS AUDIT_SECOND_NS /* doubled for each repair that did not help */
#define AUDIT_FAILURES_MAX 3
#define AUDIT_TOLD_NS (60 * AUDIT_SECOND_NS) /* the same thing at a port is told ... */
#define AUDIT_TOLD_MAX 3		     /* so often in that time */
#define AUDIT_ROUND_S 5			     /* to have looked at every port */
#define AUDIT_ROUND_PORTS_MAX 16	     /* a second, however many there are */
#define AUDIT_ACCURACY_US 1000
#define AUDIT_TURN_NS UINT64_C(10000000) /* after so long the rest waits for the next turn */

#define AUDIT_FOUND_PROGRAMS 0x100   /* beside PORTS_FOUND_* */
#define AUDIT_FOUND_UNPREPARED 0x200 /* it could not be set up before */

/* A port that is audited: exactly one of @leg and @member, or none for the peer link. */
struct audited {
	uint32_t ifindex;
	enum mlag_port_kind kind;
	struct daemon_audit *audit;
	struct daemon_setup *setup; /* NULL: it is set up at once */
	struct daemon_port *leg;
};

/* ---- the ports ----------------------------------------------------------------------------- */

static uint32_t places_count(const struct daemon *daemon)
{
	return 1 + daemon->ports_count + daemon->member_ports_count;
}

/* The port at a place of the list: the peer link, legs, others.  False where there is none. */
static bool port_at(struct daemon *daemon, uint32_t place, struct audited *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (place == 0) {
		ret->ifindex = daemon->peer_link.ifindex;
		ret->kind = MLAG_PORT_PEER_LINK;
		ret->audit = &daemon->peer_link_audit;
		return ret->ifindex != 0;
	}
	place--;
	if (place < daemon->ports_count) {
		ret->leg = &daemon->leg_ports[place];
		ret->ifindex = ret->leg->seen_ifindex;
		ret->kind = MLAG_PORT_LEG;
		ret->audit = &ret->leg->audit;
		ret->setup = &ret->leg->setup;
		return ret->ifindex != 0 && ret->leg->wanted.ifindex == ret->ifindex;
	}
	place -= daemon->ports_count;
	if (place < daemon->member_ports_count) {
		ret->ifindex = daemon->member_ports[place].port.ifindex;
		ret->kind = MLAG_PORT_NONE;
		ret->audit = &daemon->member_ports[place].audit;
		ret->setup = &daemon->member_ports[place].setup;
		return !setup_is_leg(daemon, ret->ifindex);
	}
	return false;
}

/* Many events are about devices that are none of ours: no more work than to see that. */
static bool find_port(struct daemon *daemon, uint32_t ifindex, struct audited *ret)
{
	uint32_t place = 0;

	if (daemon->peer_link.ifindex == ifindex) {
		return port_at(daemon, 0, ret);
	}
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		place++;
		if (daemon->leg_ports[i].seen_ifindex == ifindex) {
			return port_at(daemon, place, ret);
		}
	}
	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		place++;
		if (daemon->member_ports[i].port.ifindex == ifindex) {
			return port_at(daemon, place, ret);
		}
	}
	return false;
}

/* Its programs are about to come. */
static bool is_waiting(const struct audited *port)
{
	return port->setup != NULL && port->setup->waits;
}

/* ---- looking ------------------------------------------------------------------------------- */

static int check_settings(struct daemon *daemon, const struct audited *port, uint32_t *ret_found)
{
	switch (port->kind) {
	case MLAG_PORT_NONE:
		*ret_found = 0;
		return 0;
	case MLAG_PORT_PEER_LINK:
		return ports_check_peer_link(daemon->ports, port->ifindex, ret_found);
	case MLAG_PORT_LEG:
		return ports_check_leg(daemon->ports, port->ifindex, port->leg->lacp,
				       daemon->peer_link.ifindex,
				       setup_leg_system(daemon, port->leg), port->leg->wanted.flood,
				       ret_found);
	}
	return -EINVAL;
}

/* Ask the kernel what is not as it should be: 0 and nothing where the device just went away. */
static int check(struct daemon *daemon, const struct audited *port, uint32_t *ret_found)
{
	bool intact = true;
	uint32_t found = 0;
	int r = datapath_verify(daemon->datapath, port->ifindex, port->kind, &intact);

	if (r == 0) {
		r = check_settings(daemon, port, &found);
	}
	if (r == -ENODEV || r == -EOPNOTSUPP) {
		*ret_found = 0;
		return 0;
	}
	if (r < 0) {
		return r;
	}
	if (!intact || !fastpath_intact(daemon, port->ifindex)) {
		found |= AUDIT_FOUND_PROGRAMS;
	}
	if ((port->leg != NULL && port->leg->ifindex == 0) ||
	    (port->setup != NULL && port->setup->error < 0)) {
		found = AUDIT_FOUND_UNPREPARED; /* nobody else did anything */
	}
	*ret_found = found;
	return 0;
}

/* ---- repairing ----------------------------------------------------------------------------- */

static int repair(struct daemon *daemon, const struct audited *port)
{
	switch (port->kind) {
	case MLAG_PORT_NONE:
		return setup_repair_port(daemon, port->ifindex);
	case MLAG_PORT_PEER_LINK:
		return setup_repair_peer_link(daemon);
	case MLAG_PORT_LEG:
		return setup_repair_leg(daemon, port->leg);
	}
	return -EINVAL;
}

static void describe(uint32_t found, char *ret, size_t size)
{
	static const struct {
		uint32_t bit;
		const char *text;
	} words[] = {
		{AUDIT_FOUND_PROGRAMS, "removed our filter or program"},
		{PORTS_FOUND_FLOOD, "changed the flood flags"},
		{PORTS_FOUND_BACKUP, "changed backup_port"},
		{PORTS_FOUND_LEARNING, "turned learning on"},
		{PORTS_FOUND_ROUTER, "changed mcast_router"},
		{PORTS_FOUND_BOND, "changed ad_actor_system or all_slaves_active"},
	};
	size_t length = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((found & words[i].bit) != 0 && length < size) {
			length += (size_t)snprintf(ret + length, size - length, "%s%s",
						   length > 0 ? ", " : "", words[i].text);
		}
	}
}

/* Is it worth a line, or is it a quarrel that goes on? */
static bool may_tell(struct daemon_audit *audit, uint32_t found, uint64_t now_ns)
{
	if (audit->found != found || now_ns - audit->told_ns >= AUDIT_TOLD_NS) {
		audit->found = found;
		audit->told_ns = now_ns;
		audit->told_count = 0;
	}
	if (audit->told_count == AUDIT_TOLD_MAX) {
		return false;
	}
	audit->told_count++;
	return true;
}

static void log_repair(struct daemon *daemon, const struct audited *port, uint32_t found, int error,
		       uint64_t now_ns)
{
	struct daemon_audit *audit = port->audit;
	char name[IFNAMSIZ];
	char words[192];
	char again[48] = "";

	found &= ~(uint32_t)AUDIT_FOUND_UNPREPARED;
	if (found == 0) {
		return; /* nobody did anything: what failed before was tried again */
	}
	if (!may_tell(audit, found, now_ns)) {
		audit->silent_count++;
		return;
	}
	if (audit->silent_count > 0) {
		(void)snprintf(again, sizeof(again), " (%u times more before this)",
			       audit->silent_count);
	}
	describe(found, words, sizeof(words));
	log_warning("port %s: somebody %s: %s%s", setup_ifname(daemon, port->ifindex, name), words,
		    error == 0 ? "set up again" : "it cannot be set up again, trying later", again);
	audit->silent_count = 0;
}

static void audit_port(struct daemon *daemon, const struct audited *port, uint64_t now_ns)
{
	char name[IFNAMSIZ];
	uint32_t found, left;
	int r = check(daemon, port, &found);

	port->audit->due = false;
	if (r < 0) {
		log_debug("port %s cannot be audited: %s",
			  setup_ifname(daemon, port->ifindex, name), strerror(-r));
		return;
	}
	if (found == 0) {
		port->audit->failures = 0;
		fastpath_retry(daemon, port->ifindex);
		return;
	}
	r = repair(daemon, port);
	fastpath_port(daemon, port->ifindex);
	if (r == 0 && check(daemon, port, &left) == 0 && left != 0) {
		r = -EIO; /* the kernel said yes, and it is not so */
	}
	port->audit->repaired_ns = now_ns;
	port->audit->due = r < 0;
	if (r == -EAGAIN) {
		effects_soon(daemon); /* a part is done; after the rest it is compared again */
		r = 0;
		port->audit->failures = 0;
	} else if (r == 0) {
		port->audit->failures = 0;
	} else if (port->audit->failures < AUDIT_FAILURES_MAX) {
		port->audit->failures++;
	}
	log_repair(daemon, port, found, r, now_ns);
}

/* ---- when ---------------------------------------------------------------------------------- */

/* A few ports a second, so that all had their turn after some seconds. */
static void begin_round(struct daemon *daemon, uint64_t now_ns)
{
	uint32_t places = places_count(daemon);
	uint32_t count = (places + AUDIT_ROUND_S - 1) / AUDIT_ROUND_S;
	struct audited port;

	if (count > AUDIT_ROUND_PORTS_MAX) {
		count = AUDIT_ROUND_PORTS_MAX;
	}
	for (uint32_t i = 0; i < count; i++) {
		daemon->audit_next = (daemon->audit_next + 1) % places;
		if (port_at(daemon, daemon->audit_next, &port)) {
			port.audit->due = true;
		}
	}
	daemon->audit_round_ns = now_ns + AUDIT_SECOND_NS;
	fastpath_round(daemon);
	rundir_look(daemon);
}

static void arm(struct daemon *daemon, uint64_t time_ns)
{
	if (daemon->audit_timer == NULL) {
		return; /* not started yet; the first round looks at all */
	}
	(void)sd_event_source_set_time(daemon->audit_timer, time_ns / 1000);
	(void)sd_event_source_set_enabled(daemon->audit_timer, SD_EVENT_ONESHOT);
}

/* With a program that insists on something else we take turns, no more. */
static uint64_t allowed_at(const struct daemon_audit *audit)
{
	if (audit->repaired_ns == 0) {
		return 0;
	}
	return audit->repaired_ns + (AUDIT_REPAIR_INTERVAL_NS << audit->failures);
}

static int on_audit(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;
	uint64_t now_ns = daemon_now_ns();
	uint64_t next_ns;
	struct audited port;

	(void)source;
	(void)usec;
	if (now_ns >= daemon->audit_round_ns) {
		begin_round(daemon, now_ns);
	}
	next_ns = daemon->audit_round_ns;
	for (uint32_t place = 0; place < places_count(daemon); place++) {
		uint64_t allowed_ns;

		if (!port_at(daemon, place, &port) || !port.audit->due || is_waiting(&port)) {
			continue;
		}
		if (daemon_now_ns() - now_ns > AUDIT_TURN_NS) {
			next_ns = now_ns; /* at once, when others had their turn */
			break;
		}
		allowed_ns = allowed_at(port.audit);
		if (now_ns >= allowed_ns) {
			audit_port(daemon, &port, now_ns);
			allowed_ns = allowed_at(port.audit);
		}
		if (port.audit->due && allowed_ns < next_ns) {
			next_ns = allowed_ns;
		}
	}
	arm(daemon, next_ns);
	return 0;
}

static void want(struct daemon *daemon, const struct audited *port)
{
	port->audit->due = true;
	arm(daemon, daemon_now_ns());
}

void audit_want(struct daemon *daemon, uint32_t ifindex)
{
	struct audited port;

	if (ifindex != 0) {
		if (find_port(daemon, ifindex, &port)) {
			want(daemon, &port);
		}
		return;
	}
	for (uint32_t place = 0; place < places_count(daemon); place++) {
		if (port_at(daemon, place, &port)) {
			want(daemon, &port);
		}
	}
}

void audit_settings(struct daemon *daemon, uint32_t ifindex,
		    const struct linkmsg_settings *settings)
{
	struct audited port;
	bool flood;

	if (!find_port(daemon, ifindex, &port)) {
		return;
	}
	if (port.kind == MLAG_PORT_PEER_LINK && settings->learning) {
		want(daemon, &port);
	}
	if (port.kind != MLAG_PORT_LEG) {
		return;
	}
	flood = port.leg->wanted.flood;
	if (settings->flood != flood || settings->mcast_flood != flood ||
	    settings->bcast_flood != flood ||
	    settings->backup_ifindex != daemon->peer_link.ifindex) {
		want(daemon, &port);
	}
}

uint32_t audit_problems(void *user, struct links_problem *ret, uint32_t max)
{
	struct daemon *daemon = user;
	struct audited port;
	char name[IFNAMSIZ];
	uint32_t waiting_count = 0;
	uint32_t count = 0;

	for (uint32_t place = 0; place < places_count(daemon) && count < max; place++) {
		bool has_failed;

		if (!port_at(daemon, place, &port)) {
			continue;
		}
		has_failed = port.setup != NULL && port.setup->error < 0;
		waiting_count += is_waiting(&port);
		if (port.audit->failures == 0 && !has_failed) {
			continue;
		}
		ret[count].code = "port-not-set-up";
		(void)snprintf(ret[count].text, sizeof(ret[count].text),
			       "the port %s is not as it should be, and setting it up again "
			       "does not help; see the log",
			       setup_ifname(daemon, port.ifindex, name));
		count++;
	}
	if (waiting_count > 0 && count < max) {
		ret[count].code = "ports-waiting";
		(void)snprintf(ret[count].text, sizeof(ret[count].text),
			       "%u ports wait for their programs, which the kernel attaches one "
			       "after the other",
			       waiting_count);
		count++;
	}
	return count;
}

int audit_start(struct daemon *daemon)
{
	daemon->audit_round_ns = daemon_now_ns() + AUDIT_SECOND_NS;
	return sd_event_add_time(daemon->event, &daemon->audit_timer, CLOCK_MONOTONIC,
				 daemon->audit_round_ns / 1000, AUDIT_ACCURACY_US, on_audit,
				 daemon);
}

void audit_close(struct daemon *daemon)
{
	daemon->audit_timer = sd_event_source_disable_unref(daemon->audit_timer);
}
