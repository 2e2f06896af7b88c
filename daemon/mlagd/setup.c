// SPDX-License-Identifier: BSD-2-Clause
/*
 * Setting up ports (see setup.h).  Everything here keeps three things apart: what is wanted of a
 * device, what it is believed to have, and which device that belief is about.  A belief is about
 * one incarnation of one device: what leaves the bridge and comes back has the settings of any new
 * port, and what is deleted and made again under its old number has no programs, so nothing is
 * believed of either.  Called by effects.c, and by audit.c when the kernel shows something else
 * than what is believed.
 *
 * A program at a port that has none of ours yet costs tens of milliseconds, in which the kernel waits
 * for its readers.  So ports wait for theirs, floods off, and get them one after the other in turns
 * that hellos, the session and the control socket come between.  What failed is left to audit.c.
 */
#include "setup.h"

#include <errno.h>
#include <string.h>

#include "datapath/qdisc.h"
#include "fastpath.h"
#include "log.h"

const char *setup_ifname(const struct daemon *daemon, uint32_t ifindex, char buf[IFNAMSIZ])
{
	return links_ifname(daemon->links, ifindex, buf);
}

struct daemon_port *setup_find_leg(struct daemon *daemon, uint16_t lag_id)
{
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		if (daemon->leg_ports[i].lag_id == lag_id) {
			return &daemon->leg_ports[i];
		}
	}
	return NULL;
}

static struct daemon_port *add_leg(struct daemon *daemon, uint16_t lag_id)
{
	struct daemon_port *port = setup_find_leg(daemon, lag_id);

	if (port == NULL && daemon->ports_count < MLAG_LEGS_MAX) {
		port = &daemon->leg_ports[daemon->ports_count++];
		memset(port, 0, sizeof(*port));
		port->lag_id = lag_id;
	}
	return port;
}

static struct daemon_port *find_leg_by_ifindex(struct daemon *daemon, uint32_t ifindex)
{
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		if (daemon->leg_ports[i].ifindex == ifindex) {
			return &daemon->leg_ports[i];
		}
	}
	return NULL;
}

bool setup_is_leg(const struct daemon *daemon, uint32_t ifindex)
{
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		if (daemon->leg_ports[i].seen_ifindex == ifindex) {
			return true;
		}
	}
	return false;
}

/* Its turn as a leg comes, though nothing may have been observed or wanted of it yet. */
static bool is_leg_to_be(const struct daemon *daemon, uint32_t ifindex)
{
	char name[IFNAMSIZ];

	(void)setup_ifname(daemon, ifindex, name);
	for (uint32_t i = 0; i < daemon->config->lags_count; i++) {
		if (strcmp(daemon->config->lags[i].ifname, name) == 0) {
			return true;
		}
	}
	return false;
}

struct daemon_member_port *setup_find_port(struct daemon *daemon, uint32_t ifindex)
{
	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		if (daemon->member_ports[i].port.ifindex == ifindex) {
			return &daemon->member_ports[i];
		}
	}
	return NULL;
}

static struct daemon_member_port *add_member_port(struct daemon *daemon, uint32_t ifindex)
{
	struct daemon_member_port *port = setup_find_port(daemon, ifindex);

	if (port == NULL && daemon->member_ports_count < DAEMON_PORTS_MAX) {
		port = &daemon->member_ports[daemon->member_ports_count++];
		memset(port, 0, sizeof(*port));
		port->port.ifindex = ifindex;
	}
	return port;
}

/* ---- programs and maps --------------------------------------------------------------------- */

/* Write what the programs know of a port: as a leg what the engine said, the rest as it is seen. */
static int write_port(struct daemon *daemon, uint32_t ifindex, const struct mlag_port *program)
{
	const struct daemon_member_port *member_port = setup_find_port(daemon, ifindex);
	struct mlag_port value = *program;
	char name[IFNAMSIZ];
	int r;

	if (member_port != NULL) {
		value.ingress_vid = member_port->port.ingress_vid;
		value.guarded = member_port->port.guarded;
		memcpy(value.forwards, member_port->port.forwards.words, sizeof(value.forwards));
	}
	r = datapath_set_port(daemon->datapath, ifindex, &value);
	if (r < 0) {
		log_error("port %s: its state cannot be written into the data plane: %s",
			  setup_ifname(daemon, ifindex, name), strerror(-r));
	}
	return r;
}

static int write_leg(struct daemon *daemon, uint32_t ifindex,
		     const struct mlag_leg_program *program)
{
	struct mlag_port value;

	memset(&value, 0, sizeof(value));
	value.kind = MLAG_PORT_LEG;
	value.gate = (uint8_t)program->gate;
	value.lag_id = program->lag_id;
	value.untagged_vid = program->untagged_vid;
	memcpy(value.isolated, program->isolated.words, sizeof(value.isolated));
	memcpy(value.held, program->held.words, sizeof(value.held));
	value.memory = program->memory;
	return write_port(daemon, ifindex, &value);
}

static int attach_port(struct daemon *daemon, uint32_t ifindex, enum mlag_port_kind kind)
{
	char name[IFNAMSIZ];
	int r = datapath_attach_begin(daemon->datapath, ifindex, kind);

	if (r < 0 && r != -ENODEV && r != -EAGAIN) {
		log_error("port %s: the programs cannot be attached: %s",
			  setup_ifname(daemon, ifindex, name), strerror(-r));
	}
	return r;
}

/* Note what came of setting a port up. */
static int end_setup(struct daemon *daemon, struct daemon_setup *setup, struct daemon_audit *audit,
		     int r)
{
	setup->waits = r == -EAGAIN;
	setup->error = r == -EAGAIN ? 0 : r;
	daemon->setup_waits = daemon->setup_waits || setup->waits;
	audit->due = audit->due || setup->error < 0;
	return r;
}

/* What every port of the bridge has that is neither leg nor peer link. */
static void setup_ordinary(struct daemon *daemon, struct daemon_member_port *port)
{
	static const struct mlag_port ordinary;
	uint32_t ifindex = port->port.ifindex;
	int r = write_port(daemon, ifindex, &ordinary);

	if (port->setup.error < 0) {
		return;
	}
	if (r == 0) {
		r = datapath_has_programs(daemon->datapath, ifindex, MLAG_PORT_NONE)
			    ? attach_port(daemon, ifindex, MLAG_PORT_NONE)
			    : -EAGAIN;
	}
	(void)end_setup(daemon, &port->setup, &port->audit, r);
}

static void detach_port(struct daemon *daemon, uint32_t ifindex)
{
	(void)datapath_detach(daemon->datapath, ifindex);
	(void)datapath_delete_port(daemon->datapath, ifindex);
	if (ports_take_qdisc(daemon->ports, ifindex)) {
		(void)qdisc_remove(ifindex);
	}
}

int setup_leave(struct daemon *daemon)
{
	int error = datapath_detach_all(daemon->datapath);
	uint32_t ifindex = 0;
	char name[IFNAMSIZ];

	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		detach_port(daemon, daemon->member_ports[i].port.ifindex);
	}
	while ((ifindex = ports_next_found(daemon->ports, ifindex)) != 0) {
		int r = ports_restore(daemon->ports, ifindex,
				      ifindex == daemon->peer_link.ifindex ||
					      setup_find_port(daemon, ifindex) != NULL);

		if (r < 0) {
			log_warning("port %s: it is not as it was found: %s",
				    setup_ifname(daemon, ifindex, name),
				    ports_error(daemon->ports));
			error = r;
		}
		detach_port(daemon, ifindex);
	}
	return error;
}

/* ---- legs ---------------------------------------------------------------------------------- */

static void forget_beliefs(struct daemon_port *port)
{
	port->ifindex = 0;
	port->flood_known = false;
	port->backup_ifindex = 0;
	port->rx_frames = 0;
	port->setup = (struct daemon_setup){0};
}

/* It is not ours to set any more. */
static void restore(struct daemon *daemon, uint32_t ifindex, bool same_port)
{
	char name[IFNAMSIZ];

	if (ports_restore(daemon->ports, ifindex, same_port) < 0) {
		log_warning("port %s: it is not as it was found: %s",
			    setup_ifname(daemon, ifindex, name), ports_error(daemon->ports));
	}
}

/* The device is no leg any more, or gone: what stays is what every port of the bridge has. */
static void leave_device(struct daemon *daemon, struct daemon_port *port)
{
	struct daemon_member_port *member_port;
	uint32_t ifindex = port->ifindex;

	if (ifindex == 0) {
		return;
	}
	forget_beliefs(port);
	if (ifindex == daemon->peer_link_prepared || find_leg_by_ifindex(daemon, ifindex) != NULL) {
		return; /* the number is somebody else's by now, who has been set up already */
	}
	member_port = setup_find_port(daemon, ifindex);
	restore(daemon, ifindex, member_port != NULL);
	if (member_port != NULL) {
		setup_ordinary(daemon, member_port);
	} else {
		detach_port(daemon, ifindex);
	}
}

static int set_flood(struct daemon *daemon, struct daemon_port *port, uint32_t ifindex, bool flood)
{
	char name[IFNAMSIZ];
	int r;

	if (port->flood_known && port->flood == flood) {
		return 0;
	}
	r = ports_set_flood(daemon->ports, ifindex, flood);
	if (r < 0) {
		port->flood_known = false;
		if (r != -ENODEV) {
			log_warning("leg %s: flood flags: %s", setup_ifname(daemon, ifindex, name),
				    ports_error(daemon->ports));
		}
		return r;
	}
	port->flood_known = true;
	port->flood = flood;
	return 0;
}

static int attach_leg(struct daemon *daemon, struct daemon_port *port, uint32_t ifindex)
{
	int r = attach_port(daemon, ifindex, MLAG_PORT_LEG);

	if (r < 0) {
		return r;
	}
	port->ifindex = ifindex;
	if (datapath_leg_rx(daemon->datapath, ifindex, &port->rx_frames) < 0) {
		port->rx_frames = 0;
	}
	return 0;
}

const struct mlag_mac *setup_leg_system(const struct daemon *daemon, const struct daemon_port *port)
{
	return port->wanted.own_system ? NULL : &daemon->config->system_mac;
}

/* The settings that stay as they are while the leg goes up and down. */
static void prepare_leg(struct daemon *daemon, struct daemon_port *port)
{
	uint32_t backup_ifindex = daemon->peer_link.ifindex;
	char name[IFNAMSIZ];

	if (port->backup_ifindex == backup_ifindex && backup_ifindex != 0 &&
	    port->own_system == port->wanted.own_system) {
		return;
	}
	if (ports_prepare_leg(daemon->ports, port->ifindex, port->lacp, backup_ifindex,
			      setup_leg_system(daemon, port)) < 0) {
		/* It forwards without; the audit finds that, and tries again. */
		log_warning("leg %s: %s", setup_ifname(daemon, port->ifindex, name),
			    ports_error(daemon->ports));
		port->audit.due = true;
	} else if (port->lacp && port->own_system != port->wanted.own_system) {
		log_notice("leg %s: LACP under %s system id",
			   setup_ifname(daemon, port->ifindex, name),
			   port->wanted.own_system ? "its own" : "the pair's");
	}
	port->backup_ifindex = backup_ifindex;
	port->own_system = port->wanted.own_system;
}

/* The rest of setup_apply_leg(); a repair comes by the audit, which takes its own turns. */
static int apply_leg(struct daemon *daemon, struct daemon_port *port, bool is_repair)
{
	const struct mlag_leg_program *program = &port->wanted;
	bool fresh = port->ifindex != program->ifindex;
	bool waits = fresh && !is_repair &&
		     (port->setup.waits ||
		      !datapath_has_programs(daemon->datapath, program->ifindex, MLAG_PORT_LEG));
	int r;

	/* A new port floods from the start, and nothing else holds that back yet. */
	if (waits || (!program->flood && (program->carrier || fresh))) {
		r = set_flood(daemon, port, program->ifindex, false);
		if (r < 0) {
			return r;
		}
	}
	r = write_leg(daemon, program->ifindex, program);
	if (r == 0 && waits) {
		return -EAGAIN;
	}
	if (r == 0 && fresh) {
		r = attach_leg(daemon, port, program->ifindex);
	}
	if (r < 0) {
		return r;
	}
	prepare_leg(daemon, port);
	return set_flood(daemon, port, program->ifindex, program->flood);
}

int setup_apply_leg(struct daemon *daemon, const struct mlag_leg_program *program)
{
	struct daemon_port *port = add_leg(daemon, program->lag_id);

	if (port == NULL) {
		return -ENOSPC;
	}
	if (program != &port->wanted) {
		port->wanted = *program;
	}
	if (port->ifindex != program->ifindex) {
		leave_device(daemon, port);
	}
	if (port->setup.error < 0) {
		/* What was found before the programs came may be there. */
		(void)write_leg(daemon, program->ifindex, program);
		return port->setup.error;
	}
	return end_setup(daemon, &port->setup, &port->audit, apply_leg(daemon, port, false));
}

/* There is a device, and it is known what is wanted of it. */
static bool may_set_up(const struct daemon_port *port)
{
	return port->seen_ifindex != 0 && port->wanted.ifindex == port->seen_ifindex;
}

void setup_legs_anew(struct daemon *daemon)
{
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		struct daemon_port *port = &daemon->leg_ports[i];

		if (port->anew && may_set_up(port)) {
			/* Should this fail, the audit comes by. */
			(void)setup_apply_leg(daemon, &port->wanted);
		}
		port->anew = false;
	}
}

/* One program of a port that waits; an error ends that. */
static void attach_waiting(struct daemon *daemon, uint32_t ifindex, enum mlag_port_kind kind,
			   struct daemon_setup *setup, struct daemon_audit *audit)
{
	(void)end_setup(daemon, setup, audit, attach_port(daemon, ifindex, kind));
}

bool setup_attach_next(struct daemon *daemon, struct daemon_port **ret_leg)
{
	*ret_leg = NULL;
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		struct daemon_port *port = &daemon->leg_ports[i];

		if (port->setup.waits) {
			attach_waiting(daemon, port->wanted.ifindex, MLAG_PORT_LEG, &port->setup,
				       &port->audit);
			*ret_leg = port->setup.waits ? NULL : port;
			return true;
		}
	}
	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		struct daemon_member_port *port = &daemon->member_ports[i];

		if (port->setup.waits && setup_is_leg(daemon, port->port.ifindex)) {
			port->setup.waits = false; /* it became one meanwhile */
		}
		if (port->setup.waits) {
			attach_waiting(daemon, port->port.ifindex, MLAG_PORT_NONE, &port->setup,
				       &port->audit);
			return true;
		}
	}
	daemon->setup_waits = false;
	return false;
}

bool setup_is_refused(const struct daemon *daemon, const struct daemon_port *port)
{
	return port->setup.error < 0 && port->setup.error != -ENODEV && port->ifindex == 0 &&
	       port->wanted.ifindex != 0 &&
	       !datapath_has_programs(daemon->datapath, port->wanted.ifindex, MLAG_PORT_LEG);
}

void setup_end_floods(struct daemon *daemon, struct daemon_port *port)
{
	(void)set_flood(daemon, port, port->wanted.ifindex, false);
}

int setup_repair_leg(struct daemon *daemon, struct daemon_port *port)
{
	if (!may_set_up(port)) {
		return 0;
	}
	forget_beliefs(port);
	return end_setup(daemon, &port->setup, &port->audit, apply_leg(daemon, port, true));
}

struct daemon_port *setup_observe_leg(struct daemon *daemon, uint16_t lag_id,
				      const struct mlag_leg_observation *observation)
{
	struct daemon_port *port = add_leg(daemon, lag_id);
	bool is_new;

	if (port == NULL) {
		return NULL;
	}
	if (port->ifindex == 0 && port->seen_ifindex != observation->ifindex &&
	    (port->setup.waits || port->setup.error < 0)) {
		port->ifindex = port->seen_ifindex; /* which may have a part of it all */
	}
	if (port->ifindex != observation->ifindex) {
		leave_device(daemon, port);
	}
	is_new = port->seen_ifindex != observation->ifindex ||
		 port->seen_incarnation != observation->incarnation;
	if (is_new) {
		if (port->seen_ifindex == observation->ifindex) {
			ports_forget(daemon->ports, port->seen_ifindex);
		}
		forget_beliefs(port);
		port->anew = true;
	}
	if (port->lacp != observation->lacp) {
		port->lacp = observation->lacp;
		port->backup_ifindex = 0;
		port->anew = true;
	}
	if (observation->ifindex == 0) {
		port->wanted.ifindex = 0; /* what comes next is not what was wanted here */
	}
	port->seen_ifindex = observation->ifindex;
	port->seen_incarnation = observation->incarnation;
	if (is_new && observation->ifindex != 0 &&
	    !datapath_has_programs(daemon->datapath, observation->ifindex, MLAG_PORT_LEG)) {
		/* A new port floods; many others may have their turn before it. */
		(void)set_flood(daemon, port, observation->ifindex, false);
	}
	return port;
}

void setup_forget_leg(struct daemon *daemon, uint16_t lag_id)
{
	struct daemon_port *port = setup_find_leg(daemon, lag_id);

	if (port == NULL) {
		return;
	}
	port->ifindex = port->seen_ifindex; /* whatever came of setting it up */
	leave_device(daemon, port);
	*port = daemon->leg_ports[--daemon->ports_count];
}

/* ---- other ports --------------------------------------------------------------------------- */

void setup_port(struct daemon *daemon, const struct links_port *observed)
{
	uint32_t ifindex = observed->ifindex;
	struct daemon_port *leg = find_leg_by_ifindex(daemon, ifindex);
	struct daemon_member_port *port = add_member_port(daemon, ifindex);
	char name[IFNAMSIZ];

	if (port == NULL) {
		log_warning("port %s: more than %d ports; what arrives there for the peer's router "
			    "MAC crosses the peer link",
			    setup_ifname(daemon, ifindex, name), DAEMON_PORTS_MAX);
		return;
	}
	if (port->port.incarnation != observed->incarnation) {
		port->setup = (struct daemon_setup){0};
	}
	port->port = *observed;
	if (leg != NULL) {
		/* Should it be a new device, the leg is the next to be reported. */
		(void)write_leg(daemon, ifindex, &leg->wanted);
	} else if (!is_leg_to_be(daemon, ifindex)) {
		/* What an earlier daemon left at a leg goes on filtering until that is replaced. */
		setup_ordinary(daemon, port);
	}
	fastpath_port(daemon, ifindex);
}

void setup_port_gone(struct daemon *daemon, uint32_t ifindex)
{
	struct daemon_member_port *port = setup_find_port(daemon, ifindex);

	if (port != NULL) {
		fastpath_forget(daemon, port);
		*port = daemon->member_ports[--daemon->member_ports_count];
	}
	if (find_leg_by_ifindex(daemon, ifindex) == NULL) {
		detach_port(daemon, ifindex);
	}
}

int setup_repair_port(struct daemon *daemon, uint32_t ifindex)
{
	static const struct mlag_port ordinary;
	struct daemon_member_port *port = setup_find_port(daemon, ifindex);
	int r;

	if (port == NULL) {
		return 0;
	}
	r = write_port(daemon, ifindex, &ordinary);
	return end_setup(daemon, &port->setup, &port->audit,
			 r < 0 ? r : attach_port(daemon, ifindex, MLAG_PORT_NONE));
}

/* Nobody has written down how it was found: it floods like any port, and has no backup. */
static void release_settings(struct daemon *daemon, uint32_t ifindex)
{
	(void)ports_set_flood(daemon->ports, ifindex, true);
	(void)ports_prepare_leg(daemon->ports, ifindex, false, 0, NULL);
}

void setup_clean_port(struct daemon *daemon, uint32_t ifindex, enum mlag_port_kind kind)
{
	bool is_member = setup_find_port(daemon, ifindex) != NULL;
	char name[IFNAMSIZ];

	if (ifindex == daemon->peer_link.ifindex || setup_is_leg(daemon, ifindex)) {
		return;
	}
	if (kind == MLAG_PORT_LEG && is_member) {
		log_notice("port %s: a leg for the daemon before, and not any more",
			   setup_ifname(daemon, ifindex, name));
		if (ports_next_found(daemon->ports, ifindex - 1) != ifindex) {
			release_settings(daemon, ifindex);
		}
	}
	restore(daemon, ifindex, is_member);
	if (!is_member) {
		detach_port(daemon, ifindex);
	}
}

/* ---- the peer link ------------------------------------------------------------------------- */

static int attach_peer_link(struct daemon *daemon, uint32_t ifindex)
{
	struct mlag_port port;
	int r;

	memset(&port, 0, sizeof(port));
	port.kind = MLAG_PORT_PEER_LINK;
	r = write_port(daemon, ifindex, &port);
	if (r < 0) {
		return r;
	}
	/* There is one of it, and all else is by way of it: that waits for nothing. */
	r = attach_port(daemon, ifindex, MLAG_PORT_PEER_LINK);
	return r == -EAGAIN ? attach_port(daemon, ifindex, MLAG_PORT_PEER_LINK) : r;
}

/* The kernel takes the backup port from every leg when that leaves the bridge. */
static void set_backups(struct daemon *daemon)
{
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		daemon->leg_ports[i].backup_ifindex = 0;
		if (daemon->leg_ports[i].ifindex != 0 && daemon->peer_link.ifindex != 0) {
			prepare_leg(daemon, &daemon->leg_ports[i]);
		}
	}
}

int setup_repair_peer_link(struct daemon *daemon)
{
	uint32_t ifindex = daemon->peer_link.ifindex;
	int programs_error, settings_error;

	if (ifindex == 0) {
		return 0;
	}
	programs_error = attach_peer_link(daemon, ifindex);
	settings_error = ports_prepare_peer_link(daemon->ports, ifindex);
	if (settings_error < 0) {
		log_warning("peer link %s: %s", daemon->config->link, ports_error(daemon->ports));
	}
	daemon->peer_link_prepared = ifindex;
	daemon->peer_link_incarnation = daemon->peer_link.incarnation;
	fastpath_port(daemon, ifindex);
	set_backups(daemon);
	return programs_error < 0 ? programs_error : settings_error;
}

void setup_peer_link(struct daemon *daemon)
{
	const struct mlag_peer_link *peer_link = &daemon->peer_link;

	if (peer_link->ifindex == daemon->peer_link_prepared &&
	    peer_link->incarnation == daemon->peer_link_incarnation) {
		return;
	}
	if (daemon->peer_link_prepared != 0 && daemon->peer_link_prepared != peer_link->ifindex) {
		detach_port(daemon, daemon->peer_link_prepared);
		restore(daemon, daemon->peer_link_prepared, true);
	} else if (daemon->peer_link_prepared != 0) {
		ports_forget(daemon->ports, daemon->peer_link_prepared);
	}
	if (peer_link->ifindex != 0) {
		(void)setup_repair_peer_link(daemon);
		return;
	}
	daemon->peer_link_prepared = 0;
	daemon->peer_link_incarnation = 0;
	set_backups(daemon);
}
