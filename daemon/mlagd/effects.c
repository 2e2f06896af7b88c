/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From effects to calls (see effects.h).  The order of the calls is part of the protocol (DESIGN
 * §4, lib/mlag.h): a leg that fails is told to the peer before anything is programmed; what was
 * programmed is acknowledged after that; tables come last, in slices, so that none of them holds a
 * leg back.
 */
#include "effects.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "log.h"

#define EFFECTS_SLICES_MAX 4 /* FDB slices before the event loop has its turn */

static void log_notice_effect(struct daemon *daemon, const struct mlag_effect *effect)
{
	const struct config_lag *lag = config_lag_by_id(daemon->config, effect->notice.lag_id);

	switch (effect->notice.notice) {
	case MLAG_NOTICE_NONE:
		break;
	case MLAG_NOTICE_SESSION:
		/* Attempts come by the second; what they come to is what matters. */
		log_debug("session: %s -> %s: %s", effect->notice.from, effect->notice.to,
			  effect->notice.because);
		if (strcmp(effect->notice.to, "up") == 0 ||
		    strcmp(effect->notice.from, "up") == 0) {
			log_notice("session: %s -> %s: %s", effect->notice.from, effect->notice.to,
				   effect->notice.because);
		}
		break;
	case MLAG_NOTICE_VERDICT:
	case MLAG_NOTICE_ROLE:
	case MLAG_NOTICE_SYNCED:
		log_notice("%s: %s -> %s: %s", mlag_notice_text(effect->notice.notice),
			   effect->notice.from, effect->notice.to, effect->notice.because);
		break;
	case MLAG_NOTICE_LEG:
		log_notice("leg %s (LAG %u): %s -> %s: %s", lag != NULL ? lag->ifname : "?",
			   effect->notice.lag_id, effect->notice.from, effect->notice.to,
			   effect->notice.because);
		break;
	case MLAG_NOTICE_PEER_LEG:
		log_debug("LAG %u: the peer's leg is %s", effect->notice.lag_id, effect->notice.to);
		break;
	case MLAG_NOTICE_REFUSED:
	case MLAG_NOTICE_TABLE_FULL:
	case MLAG_NOTICE_MISMATCH:
		log_warning("%s: %s: %s", mlag_notice_text(effect->notice.notice),
			    effect->notice.to, effect->notice.because);
		break;
	}
}

static void perform(struct daemon *daemon, const struct mlag_effects *effects)
{
	for (uint32_t i = 0; i < effects->count; i++) {
		const struct mlag_effect *effect = &effects->items[i];

		switch (effect->type) {
		case MLAG_EFFECT_NONE:
			break;
		case MLAG_EFFECT_CLOSE:
			channel_end(daemon->channel, effect->close.retry_ns);
			break;
		case MLAG_EFFECT_NOTICE:
			log_notice_effect(daemon, effect);
			break;
		}
	}
	if (effects->notices_lost > 0) {
		log_notice("%u more changes were not listed", effects->notices_lost);
	}
}

static struct daemon_port *find_leg_port(struct daemon *daemon, uint16_t lag_id)
{
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		if (daemon->leg_ports[i].lag_id == lag_id) {
			return &daemon->leg_ports[i];
		}
	}
	return NULL;
}

static struct daemon_port *add_leg_port(struct daemon *daemon, uint16_t lag_id)
{
	struct daemon_port *port = find_leg_port(daemon, lag_id);

	if (port == NULL && daemon->ports_count < MLAG_LEGS_MAX) {
		port = &daemon->leg_ports[daemon->ports_count++];
		memset(port, 0, sizeof(*port));
		port->lag_id = lag_id;
	}
	return port;
}

static const char *name_of(struct daemon *daemon, uint32_t ifindex, char buf[IFNAMSIZ])
{
	return links_ifname(daemon->links, ifindex, buf);
}

static int set_flood(struct daemon *daemon, struct daemon_port *port, bool flood)
{
	char name[IFNAMSIZ];
	int r;

	if (port->flood_known && port->flood == flood) {
		return 0;
	}
	r = ports_set_flood(daemon->ports, port->ifindex, flood);
	if (r < 0) {
		port->flood_known = false;
		log_warning("leg %s: flood flags: %s", name_of(daemon, port->ifindex, name),
			    ports_error(daemon->ports));
		return r;
	}
	port->flood_known = true;
	port->flood = flood;
	return 0;
}

static int write_port(struct daemon *daemon, const struct mlag_leg_program *program)
{
	struct mlag_port value;
	char name[IFNAMSIZ];
	int r;

	memset(&value, 0, sizeof(value));
	value.kind = MLAG_PORT_LEG;
	value.gate = (uint8_t)program->gate;
	value.lag_id = program->lag_id;
	value.untagged_vid = program->untagged_vid;
	memcpy(value.isolated, program->isolated.words, sizeof(value.isolated));
	r = datapath_set_port(daemon->datapath, program->ifindex, &value);
	if (r < 0) {
		log_error("leg %s: its state cannot be written into the data plane: %s",
			  name_of(daemon, program->ifindex, name), strerror(-r));
	}
	return r;
}

/* The device is no leg any more, or gone: leave nothing of ours on it. */
static void forget_device(struct daemon *daemon, struct daemon_port *port)
{
	if (port->ifindex != 0) {
		(void)datapath_detach(daemon->datapath, port->ifindex);
		(void)datapath_delete_port(daemon->datapath, port->ifindex);
		port->ifindex = 0;
		port->rx_frames = 0;
	}
}

/* A device that is new as a leg gets its programs and port settings, after its map entry. */
static int prepare_leg(struct daemon *daemon, struct daemon_port *port,
		       const struct mlag_leg_program *program)
{
	char name[IFNAMSIZ];
	int r;

	if (port->ifindex != program->ifindex) {
		forget_device(daemon, port);
		r = datapath_attach(daemon->datapath, program->ifindex, MLAG_PORT_LEG);
		if (r < 0) {
			log_error("leg %s: the filter cannot be attached: %s",
				  name_of(daemon, program->ifindex, name), strerror(-r));
			return r;
		}
		port->ifindex = program->ifindex;
		port->flood_known = false;
		port->backup_ifindex = 0;
	}
	if (port->backup_ifindex != daemon->peer_link.ifindex || port->backup_ifindex == 0) {
		r = ports_prepare_leg(daemon->ports, port->ifindex, port->lacp,
				      daemon->peer_link.ifindex, &daemon->config->system_mac);
		if (r < 0) {
			log_warning("leg %s: %s", name_of(daemon, port->ifindex, name),
				    ports_error(daemon->ports));
			return 0; /* it forwards without; the next change tries again */
		}
		port->backup_ifindex = daemon->peer_link.ifindex;
	}
	return 0;
}

/* Program one leg; the order of gate and flood flags is that of DESIGN §4. */
static int apply_leg(struct daemon *daemon, const struct mlag_leg_program *program)
{
	struct daemon_port *port = add_leg_port(daemon, program->lag_id);
	int r;

	if (port == NULL) {
		return -ENOSPC;
	}
	if (port->ifindex == program->ifindex && !program->flood && program->carrier) {
		r = set_flood(daemon, port, false);
		if (r < 0) {
			return r;
		}
	}
	r = write_port(daemon, program);
	if (r < 0) {
		return r;
	}
	r = prepare_leg(daemon, port, program);
	return r < 0 ? r : set_flood(daemon, port, program->flood);
}

static void plain_step(struct daemon *daemon, const struct mlag_event *event)
{
	struct mlag_effects effects;

	mlag_step(daemon->engine, event, daemon_now_ns(), &effects);
	perform(daemon, &effects);
}

static void apply_legs(struct daemon *daemon)
{
	struct mlag_leg_program program;

	while (mlag_next_leg(daemon->engine, &program)) {
		if (apply_leg(daemon, &program) == 0) {
			struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

			event.leg_applied.lag_id = program.lag_id;
			event.leg_applied.serial = program.serial;
			plain_step(daemon, &event);
		}
	}
}

/* Bring the map of known MACs in line; the kernel's FDB follows in the same slice. */
static void apply_sources(struct daemon *daemon, const struct mlag_fdb_operation *operations,
			  uint32_t count)
{
	struct mlag_source_key keys[MLAG_FDB_BATCH_MAX];
	struct mlag_source sources[MLAG_FDB_BATCH_MAX];
	int r;

	memset(sources, 0, sizeof(sources));
	for (uint32_t i = 0; i < count; i++) {
		keys[i].vlan = operations[i].key.vlan;
		memcpy(keys[i].mac, operations[i].key.mac.octets, sizeof(keys[i].mac));
		if (operations[i].place_known) {
			sources[i] = operations[i].place;
		}
	}
	r = datapath_set_sources(daemon->datapath, keys, sources, count);
	if (r < 0) {
		log_warning("MACs: the map of known MACs cannot be written: %s; an echo is "
			    "possible while a leg returns",
			    strerror(-r));
	}
}

/* One slice of FDB operations.  False when nothing was due. */
static bool apply_fdb_slice(struct daemon *daemon)
{
	struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	uint32_t count;
	int r;

	fdb_drain(daemon->fdb);
	count = mlag_next_fdb(daemon->engine, operations, MLAG_FDB_BATCH_MAX);
	if (count == 0) {
		return false;
	}
	apply_sources(daemon, operations, count);
	r = fdb_apply(daemon->fdb, operations, count);
	if (r < 0 && r != -ENODEV) {
		log_warning("MACs: the FDB cannot be written: %s; trying again", strerror(-r));
	}
	return true;
}

static void say_ready(struct daemon *daemon)
{
	struct mlag_view view;

	if (daemon->ready_said || !daemon->fdb_dumped) {
		return;
	}
	mlag_get_view(daemon->engine, &view);
	daemon->ready_said = true;
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", mlag_verdict_text(view.verdict));
	log_notice("ready: links and FDB are read");
}

static void set_timers(struct daemon *daemon)
{
	uint64_t deadline_ns = mlag_deadline_ns(daemon->engine);

	links_set_poll(daemon->links, mlag_leg_poll_ns(daemon->engine));
	if (deadline_ns == daemon->deadline_ns) {
		return;
	}
	daemon->deadline_ns = deadline_ns;
	if (deadline_ns == MLAG_NEVER_NS) {
		(void)sd_event_source_set_enabled(daemon->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(daemon->timer, (deadline_ns + 999) / 1000);
	(void)sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
}

/* Do all that is due, urgent things first and again after each slice of the rest. */
static void effects_run(struct daemon *daemon)
{
	bool more = true;

	if (daemon->running) {
		return;
	}
	daemon->running = true;
	for (uint32_t i = 0; i < EFFECTS_SLICES_MAX && more; i++) {
		channel_pump(daemon->channel, false);
		apply_legs(daemon);
		channel_pump(daemon->channel, false);
		more = apply_fdb_slice(daemon);
	}
	channel_pump(daemon->channel, true);
	daemon->running = false;
	if (more) {
		(void)sd_event_source_set_enabled(daemon->more, SD_EVENT_ONESHOT);
	}
	say_ready(daemon);
	set_timers(daemon);
}

void effects_step(struct daemon *daemon, const struct mlag_event *event)
{
	plain_step(daemon, event);
	effects_run(daemon);
}

void effects_note(struct daemon *daemon, const struct mlag_event *event)
{
	plain_step(daemon, event);
	if (!daemon->running) {
		(void)sd_event_source_set_enabled(daemon->more, SD_EVENT_ONESHOT);
	}
}

void effects_more(struct daemon *daemon)
{
	effects_run(daemon);
}

void effects_leg(struct daemon *daemon, uint16_t lag_id,
		 const struct mlag_leg_observation *observation)
{
	struct mlag_leg_observation copy = *observation;
	struct mlag_event event = {.type = MLAG_EVENT_LEG};
	struct daemon_port *port = add_leg_port(daemon, lag_id);
	uint64_t rx_frames;

	if (port == NULL) {
		return;
	}
	if (port->lacp != observation->lacp) {
		port->lacp = observation->lacp;
		port->backup_ifindex = 0; /* to be prepared again */
	}
	if (port->ifindex != 0 && port->ifindex == observation->ifindex &&
	    datapath_leg_rx(daemon->datapath, port->ifindex, &rx_frames) == 0) {
		copy.data_seen = rx_frames != port->rx_frames;
		port->rx_frames = rx_frames;
	}
	event.leg.lag_id = lag_id;
	event.leg.observation = &copy;
	effects_step(daemon, &event);
}

void effects_peer_link(struct daemon *daemon)
{
	const struct mlag_peer_link *peer_link = &daemon->peer_link;
	struct mlag_domain domain;
	struct mlag_port port;
	int r;

	memset(&domain, 0, sizeof(domain));
	domain.peer_link_ifindex = peer_link->ifindex;
	domain.peer_link_untagged_vid = links_peer_link_untagged_vid(daemon->links);
	domain.vlan_aware = peer_link->vlan_aware;
	r = datapath_set_domain(daemon->datapath, &domain);
	if (r < 0) {
		log_error("peer link: its state cannot be written into the data plane: %s",
			  strerror(-r));
	}
	(void)fdb_set_bridge(daemon->fdb, peer_link->bridge_ifindex, peer_link->vlan_aware);
	if (peer_link->ifindex == daemon->peer_link_prepared) {
		return;
	}
	if (daemon->peer_link_prepared != 0) {
		(void)datapath_detach(daemon->datapath, daemon->peer_link_prepared);
		(void)datapath_delete_port(daemon->datapath, daemon->peer_link_prepared);
		daemon->peer_link_prepared = 0;
	}
	if (peer_link->ifindex == 0) {
		return;
	}
	memset(&port, 0, sizeof(port));
	port.kind = MLAG_PORT_PEER_LINK;
	r = datapath_set_port(daemon->datapath, peer_link->ifindex, &port);
	if (r == 0) {
		r = datapath_attach(daemon->datapath, peer_link->ifindex, MLAG_PORT_PEER_LINK);
	}
	if (r < 0) {
		log_error("peer link %s: the filter cannot be attached: %s", daemon->config->link,
			  strerror(-r));
	}
	r = ports_prepare_peer_link(daemon->ports, peer_link->ifindex);
	if (r < 0) {
		log_warning("peer link %s: %s", daemon->config->link, ports_error(daemon->ports));
	}
	daemon->peer_link_prepared = peer_link->ifindex;
	for (uint32_t i = 0; i < daemon->ports_count; i++) {
		struct daemon_port *leg = &daemon->leg_ports[i];

		if (leg->ifindex != 0 &&
		    ports_prepare_leg(daemon->ports, leg->ifindex, leg->lacp, peer_link->ifindex,
				      &daemon->config->system_mac) == 0) {
			leg->backup_ifindex = peer_link->ifindex;
		}
	}
}

void effects_forget_leg(struct daemon *daemon, uint16_t lag_id)
{
	struct daemon_port *port = find_leg_port(daemon, lag_id);

	if (port == NULL) {
		return;
	}
	if (port->ifindex != 0) {
		(void)ports_set_flood(daemon->ports, port->ifindex, true);
	}
	forget_device(daemon, port);
	*port = daemon->leg_ports[--daemon->ports_count];
}
