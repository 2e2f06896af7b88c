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

#include "answers.h"
#include "deadman.h"
#include "fastpath.h"
#include "gateways.h"
#include "handover.h"
#include "holds.h"
#include "kernel/addressstate.h"
#include "keytext.h"
#include "log.h"
#include "neighbordevices.h"
#include "recorder.h"
#include "setup.h"

#define EFFECTS_ADDRESSES_MAX 64	     /* addresses of one slice */
#define EFFECTS_SLICES_MAX 4		     /* FDB slices before the event loop has its turn */
#define EFFECTS_TURN_NS UINT64_C(5000000)    /* nor does a slice begin after so long */
#define EFFECTS_LEGS_NS UINT64_C(10000000)   /* nor is another leg programmed: hellos are due */
#define EFFECTS_ATTACH_NS UINT64_C(10000000) /* nor, in a turn of their own, another program */

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
	case MLAG_NOTICE_PEER:
	case MLAG_NOTICE_PEER_LINK:
	case MLAG_NOTICE_BACKUP:
	case MLAG_NOTICE_SYNCED:
	case MLAG_NOTICE_LAST_RESORT:
	case MLAG_NOTICE_RESUMED:
		log_notice("%s: %s -> %s: %s", mlag_notice_text(effect->notice.notice),
			   effect->notice.from, effect->notice.to, effect->notice.because);
		break;
	case MLAG_NOTICE_LEG:
		log_notice("leg %s (LAG %u): %s -> %s: %s", lag != NULL ? lag->ifname : "?",
			   effect->notice.lag_id, effect->notice.from, effect->notice.to,
			   effect->notice.because);
		break;
	case MLAG_NOTICE_HOLD:
		log_notice("leg %s (LAG %u): held: %s -> %s: %s", lag != NULL ? lag->ifname : "?",
			   effect->notice.lag_id, effect->notice.from, effect->notice.to,
			   effect->notice.because);
		break;
	case MLAG_NOTICE_PEER_LEG:
		log_debug("LAG %u: the peer's leg is %s", effect->notice.lag_id, effect->notice.to);
		break;
	case MLAG_NOTICE_REFUSED:
	case MLAG_NOTICE_TABLE_FULL:
	case MLAG_NOTICE_FLAPPING:
	case MLAG_NOTICE_MISMATCH:
		log_warning("%s: %s: %s", mlag_notice_text(effect->notice.notice),
			    effect->notice.to, effect->notice.because);
		break;
	}
}

static void log_difference(const struct mlag_difference *difference)
{
	char text[MLAGD_KEY_TEXT_SIZE];

	log_warning("tables: %s: %s: %s; put right", mlag_table_text(difference->key.table),
		    keytext_write(&difference->key, text, sizeof(text)),
		    mlag_difference_text(difference->kind));
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
			if (effect->notice.notice == MLAG_NOTICE_LEG &&
			    strcmp(effect->notice.to, "open") == 0) {
				gateways_announce(daemon); /* to who is behind it */
			}
			break;
		case MLAG_EFFECT_DIFFERENCE:
			log_difference(&effect->difference);
			break;
		}
	}
	if (effects->notices_lost > 0) {
		log_notice("%u more changes were not listed", effects->notices_lost);
	}
}

static void plain_step(struct daemon *daemon, const struct mlag_event *event)
{
	struct mlag_effects effects;

	/* Many rows are read at the start, and all of them are how things are then. */
	recorder_step(daemon->recorder, daemon->engine, event,
		      daemon->starting ? daemon->starting_ns : daemon_now_ns(), &effects);
	perform(daemon, &effects);
}

/* Its device takes no programs: it is held, and the pair goes on without it. */
static void refuse_leg(struct daemon *daemon, uint16_t lag_id)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_REFUSED};
	struct daemon_port *port = setup_find_leg(daemon, lag_id);

	if (port == NULL || !setup_is_refused(daemon, port)) {
		return;
	}
	setup_end_floods(daemon, port); /* before the peer is told that it may deliver */
	holds_leg(daemon, port);
	if (!port->setup.is_told) {
		port->setup.is_told = true;
		event.leg_refused.lag_id = lag_id;
		plain_step(daemon, &event);
	}
}

/* What is done is acknowledged; what is not comes again, from the engine or setup_attach_next(). */
static void apply_leg(struct daemon *daemon, const struct mlag_leg_program *program)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

	if (setup_apply_leg(daemon, program) < 0) {
		refuse_leg(daemon, program->lag_id);
		return;
	}
	holds_leg(daemon, setup_find_leg(daemon, program->lag_id));
	event.leg_applied.lag_id = program->lag_id;
	event.leg_applied.serial = program->serial;
	plain_step(daemon, &event);
}

/* False when some legs wait for the next turn. */
static bool apply_legs(struct daemon *daemon)
{
	struct mlag_leg_program program;
	uint64_t began_ns = daemon_now_ns();

	while (recorder_next_leg(daemon->recorder, daemon->engine, &program)) {
		apply_leg(daemon, &program);
		if (daemon_now_ns() - began_ns > EFFECTS_LEGS_NS) {
			return false;
		}
	}
	setup_legs_anew(daemon);
	return true;
}

/* Programs of ports that wait for them, for a while. */
static void attach_slice(struct daemon *daemon)
{
	uint64_t began_ns = daemon_now_ns();
	struct daemon_port *leg;

	while (daemon_now_ns() - began_ns < EFFECTS_ATTACH_NS && setup_attach_next(daemon, &leg)) {
		if (leg != NULL) {
			apply_leg(daemon, &leg->wanted);
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
	count = recorder_next_fdb(daemon->recorder, daemon->engine, operations, MLAG_FDB_BATCH_MAX);
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

/* The peer's router MAC is known to both, so that unicast to it is no flood (R1). */
static int set_router_source(struct daemon *daemon, const struct mlag_router_key *router,
			     bool present)
{
	struct mlag_source_key key = {.vlan = router->vlan};
	struct mlag_source source = {
		.peer_knows = 1,
		.known = 1,
		.memory = MLAG_SOURCE_ROUTER,
	};

	memcpy(key.mac, router->mac, sizeof(key.mac));
	return datapath_set_source(daemon->datapath, &key, present ? &source : NULL);
}

static void set_router(struct daemon *daemon, const struct mlag_address_program *program)
{
	struct mlag_router_key key = {.vlan = program->key.vlan};
	struct mlag_router router;
	struct mlag_mac mac;
	int r;

	memcpy(key.mac, program->key.octets, sizeof(key.mac));
	memcpy(mac.octets, program->key.octets, sizeof(mac.octets));
	memset(&router, 0, sizeof(router));
	router.domain = program->domain;
	router.own_ifindex = program->own_ifindex;
	router.owner = (uint8_t)program->owner;
	memcpy(router.own_mac, program->own_mac.octets, sizeof(router.own_mac));
	r = datapath_set_router(daemon->datapath, &key,
				program->owner != MLAG_OWNER_NONE ? &router : NULL);
	if (r == 0) {
		r = set_router_source(daemon, &key, program->owner == MLAG_OWNER_PEER);
	}
	if (r < 0) {
		log_warning("a router MAC cannot be written into the data plane: %s", strerror(-r));
	}
	answers_router(daemon, program);
	r = fdb_set_local(daemon->fdb, program->key.vlan, &mac, program->owner == MLAG_OWNER_SELF);
	if (r < 0) {
		log_warning("a router MAC of ours gets no FDB entry: %s", strerror(-r));
	}
}

static void set_address(struct daemon *daemon, const struct mlag_address_program *program)
{
	struct mlag_address address;
	int r;

	memset(&address, 0, sizeof(address));
	address.domain = program->key.domain;
	address.vlan = program->key.vlan;
	address.family = program->key.family;
	memcpy(address.octets, program->key.octets, sizeof(address.octets));
	r = datapath_set_address(daemon->datapath, &address, (uint8_t)program->owner);
	if (r < 0) {
		log_warning("an address cannot be written into the data plane: %s", strerror(-r));
	}
}

/* The static entry that leads to the peer's router MAC; 0 or 1 operations. */
static uint32_t sticky_entry(const struct mlag_address_program *program,
			     struct mlag_fdb_operation *ret_operation)
{
	uint32_t ifindex = program->on_peer_link ? program->peer_link_ifindex
						 : program->old_peer_link_ifindex;

	if (ifindex == 0) {
		return 0;
	}
	memset(ret_operation, 0, sizeof(*ret_operation));
	ret_operation->verb = program->on_peer_link ? MLAG_FDB_VERB_SET : MLAG_FDB_VERB_DELETE;
	ret_operation->key.vlan = program->key.vlan;
	memcpy(ret_operation->key.mac.octets, program->key.octets,
	       sizeof(ret_operation->key.mac.octets));
	ret_operation->entry.ifindex = ifindex;
	ret_operation->entry.kind = MLAG_FDB_STICKY;
	return 1;
}

/* Who may route what, as far as it changed.  False when nothing was due. */
static bool apply_addresses(struct daemon *daemon)
{
	struct mlag_address_program programs[EFFECTS_ADDRESSES_MAX];
	struct mlag_fdb_operation operations[EFFECTS_ADDRESSES_MAX];
	uint32_t count = recorder_next_addresses(daemon->recorder, daemon->engine, programs,
						 EFFECTS_ADDRESSES_MAX);
	uint32_t operations_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (programs[i].key.kind == MLAG_ADDRESS_ROUTER_MAC) {
			set_router(daemon, &programs[i]);
			operations_count +=
				sticky_entry(&programs[i], &operations[operations_count]);
		} else {
			set_address(daemon, &programs[i]);
		}
	}
	if (operations_count > 0) {
		int r = fdb_apply(daemon->fdb, operations, operations_count);

		if (r < 0 && r != -ENODEV) {
			log_warning("router MACs: the FDB cannot be written: %s", strerror(-r));
		}
	}
	return count > 0;
}

/* What the peer hears next may rest on it: so it comes before every message (SAFE-31). */
static void apply_last_resort(struct daemon *daemon)
{
	uint64_t serial = mlag_last_resort_serial(daemon->engine);

	if (serial == daemon->last_resort_serial) {
		return;
	}
	daemon->last_resort_serial = serial;
	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		(void)mlag_get_last_resort(daemon->engine, i, &daemon->last_resort.resorts[i]);
	}
	routes_apply(daemon->routes, &daemon->last_resort);
}

void effects_devices(struct daemon *daemon)
{
	const struct addressstate *state = addresses_state(daemon->addresses);
	struct routes_wanted *wanted = &daemon->last_resort;
	uint32_t cursor = 0, count = 0, ifindex;
	bool changed = false;

	while (count < ROUTES_DEVICES_MAX &&
	       (ifindex = addressstate_next_router(state, &cursor)) != 0) {
		changed = changed || count >= wanted->devices_count ||
			  wanted->devices[count] != ifindex;
		wanted->devices[count++] = ifindex;
	}
	if (changed || count != wanted->devices_count) {
		wanted->devices_count = count;
		daemon->last_resort_serial = UINT64_MAX;
		effects_soon(daemon);
	}
}

static void apply_neighbor_devices(struct daemon *daemon)
{
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR_DEVICE};

	while (neighbordevices_next(daemon, &event.neighbor_device.vlan,
				    &event.neighbor_device.device,
				    &event.neighbor_device.ifindex)) {
		plain_step(daemon, &event);
		neighbors_set_device(daemon->neighbors, event.neighbor_device.vlan,
				     event.neighbor_device.device, event.neighbor_device.ifindex);
	}
}

/* One slice of operations on neighbours.  False when nothing was due. */
static bool apply_neighbors_slice(struct daemon *daemon)
{
	struct mlag_neighbor_operation operations[MLAG_NEIGHBOR_BATCH_MAX];
	uint32_t count;

	neighbors_drain(daemon->neighbors);
	count = recorder_next_neighbors(daemon->recorder, daemon->engine, operations,
					MLAG_NEIGHBOR_BATCH_MAX);
	if (count > 0) {
		(void)neighbors_apply(daemon->neighbors, operations, count);
	}
	return count > 0;
}

static void write_domain(struct daemon *daemon, const struct mlag_domain *domain)
{
	int r;

	if (memcmp(domain, &daemon->domain, sizeof(*domain)) == 0) {
		return;
	}
	r = datapath_set_domain(daemon->datapath, domain);
	if (r < 0) {
		log_error("the state of the pair cannot be written into the data plane: %s",
			  strerror(-r));
		return;
	}
	daemon->domain = *domain;
}

/* R30: while questions for the peer are answered here they must not be sent to it. */
static void fill_shortcuts(const struct daemon *daemon, struct mlag_domain *domain)
{
	domain->shortcuts = fastpath_shortcuts(daemon->config);
	if (mlag_answers_for_peer(daemon->engine)) {
		domain->shortcuts &= ~(uint32_t)MLAG_SHORTCUT_TO_PEER;
	}
	memcpy(domain->peer_link_forwards, daemon->peer_link_forwards.words,
	       sizeof(domain->peer_link_forwards));
}

/* R21: only once it is known what the peer's own addresses are. */
static void apply_route_for_peer(struct daemon *daemon)
{
	struct mlag_domain domain = daemon->domain;

	domain.route_for_peer = mlag_may_route_for_peer(daemon->engine);
	fill_shortcuts(daemon, &domain);
	write_domain(daemon, &domain);
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
	uint64_t due_ns = handover_due_ns(daemon);

	deadline_ns = due_ns < deadline_ns ? due_ns : deadline_ns;
	links_set_poll(daemon->links, mlag_leg_poll_ns(daemon->engine));
	if (daemon->timer_set && deadline_ns == daemon->deadline_ns) {
		return;
	}
	daemon->timer_set = true;
	daemon->deadline_ns = deadline_ns; /* 0 is one, too: at once */
	(void)sd_event_source_set_time(daemon->timer, deadline_ns / 1000 + 1);
	(void)sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
}

/* Say hello if it is time to, or if there is something new that cannot wait. */
static void send_hello(struct daemon *daemon)
{
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	uint32_t size =
		recorder_next_hello(daemon->recorder, daemon->engine, daemon_now_ns(), data);

	if (size > 0) {
		hellos_send(daemon->hellos, data, size);
		deadman_renew(daemon, data, size);
	}
}

/* False when some of it waits for the next turn. */
static bool run_urgent(struct daemon *daemon)
{
	bool done;

	apply_last_resort(daemon);
	channel_pump(daemon->channel, false);
	done = apply_legs(daemon);
	channel_pump(daemon->channel, false);
	send_hello(daemon);
	return done;
}

/* Do all that is due, urgent things first and again after each slice of the rest. */
static void effects_run(struct daemon *daemon)
{
	uint64_t began_ns = daemon_now_ns();
	bool more = true;

	if (daemon->running || daemon->starting || daemon->left) {
		return;
	}
	daemon->running = true;
	/* Before the legs: R1 that is lifted is never found with a word that it must not be. */
	handover_keep(daemon);
	apply_neighbor_devices(daemon);
	for (uint32_t i = 0; i < EFFECTS_SLICES_MAX && more; i++) {
		if (!run_urgent(daemon)) {
			break;
		}
		/* The peer can work on what it is told while this member programs. */
		channel_pump(daemon->channel, true);
		if (i > 0 && daemon_now_ns() - began_ns > EFFECTS_TURN_NS) {
			break;
		}
		more = apply_addresses(daemon);
		more = apply_fdb_slice(daemon) || more;
		more = apply_neighbors_slice(daemon) || more;
	}
	apply_route_for_peer(daemon);
	answers_run(daemon);
	if (mlag_wants_dump(daemon->engine)) {
		fdb_resync(daemon->fdb); /* MACs that had found no room */
	}
	if (mlag_wants_neighbor_dump(daemon->engine)) {
		neighbors_resync(daemon->neighbors);
	}
	channel_pump(daemon->channel, true);
	handover_keep(daemon);
	daemon->running = false;
	if (more || daemon->setup_waits) {
		effects_soon(daemon);
	}
	say_ready(daemon);
	set_timers(daemon);
}

int effects_last_resort(struct daemon *daemon)
{
	bool enabled = daemon->config->last_resort;
	int r;

	daemon->last_resort_serial = UINT64_MAX; /* also what an earlier daemon left is looked at */
	/* On: the mark comes before the rules that look for it; off: it goes after them. */
	datapath_set_marking(daemon->datapath, enabled);
	if (daemon->peer_link.ifindex != 0) {
		(void)setup_repair_peer_link(daemon);
	}
	r = routes_set_enabled(daemon->routes, enabled);
	if (r < 0) {
		log_error("last resort: the routes cannot be watched: %s", strerror(-r));
	}
	return r;
}

void effects_step(struct daemon *daemon, const struct mlag_event *event)
{
	plain_step(daemon, event);
	effects_run(daemon);
}

void effects_message(struct daemon *daemon, const struct mlag_event *event)
{
	plain_step(daemon, event);
	if (!daemon->running && !daemon->starting && !daemon->left) {
		daemon->running = true;
		handover_keep(daemon);
		(void)run_urgent(daemon);
		daemon->running = false;
		set_timers(daemon);
		effects_soon(daemon);
	}
}

void effects_note(struct daemon *daemon, const struct mlag_event *event)
{
	plain_step(daemon, event);
	if (!daemon->running && !daemon->starting) {
		effects_soon(daemon);
	}
}

static int on_more(sd_event_source *source, void *user)
{
	struct daemon *daemon = user;

	(void)source;
	if (!daemon->left && daemon->setup_waits) {
		attach_slice(daemon);
	}
	effects_run(daemon);
	return 0;
}

void effects_more(struct daemon *daemon)
{
	effects_run(daemon);
}

/*
 * A new source each time: a deferred one counts as waiting since it was made, and of sources with one
 * priority the one that waits longest comes first.  It would always be the same.
 */
void effects_soon(struct daemon *daemon)
{
	int r;

	if (daemon->more != NULL && sd_event_source_get_enabled(daemon->more, NULL) > 0) {
		return;
	}
	sd_event_source_unref(daemon->more);
	daemon->more = NULL;
	r = sd_event_add_defer(daemon->event, &daemon->more, on_more, daemon);
	if (r < 0) {
		log_error("what is due waits for the next event: %s", strerror(-r));
	}
}

void effects_leg(struct daemon *daemon, uint16_t lag_id,
		 const struct mlag_leg_observation *observation)
{
	struct mlag_leg_observation copy = *observation;
	struct mlag_event event = {.type = MLAG_EVENT_LEG};
	struct daemon_port *port = setup_observe_leg(daemon, lag_id, observation);
	uint64_t rx_frames;

	if (port == NULL) {
		return;
	}
	if (port->ifindex != 0 && port->ifindex == observation->ifindex &&
	    datapath_leg_rx(daemon->datapath, port->ifindex, &rx_frames) == 0) {
		copy.data_seen = rx_frames != port->rx_frames;
		port->rx_frames = rx_frames;
	}
	if (daemon->leave != NULL) {
		/* Whatever it is: nothing leaves by it any more, and the peer is to know. */
		copy.carrier = false;
		copy.distributing = false;
		copy.partner_collecting = false;
	}
	fastpath_slaves(daemon, observation->ifindex);
	holds_leg(daemon, port);
	event.leg.lag_id = lag_id;
	event.leg.observation = &copy;
	if (memcmp(&copy, &port->observed, sizeof(copy)) == 0) {
		effects_note(daemon, &event); /* a poll; it comes for all legs at once */
		return;
	}
	port->observed = copy;
	effects_message(daemon, &event);
}

void effects_identity(const struct config *config, struct mlag_config *ret_config)
{
	memset(ret_config, 0, sizeof(*ret_config));
	ret_config->system_mac = config->system_mac;
	ret_config->domain_id = config->domain_id;
	ret_config->priority = config->priority;
	ret_config->hello_interval_ns = config->hello_interval_ns;
	ret_config->dead_multiplier = config->dead_multiplier;
	ret_config->restart_hold_ns = config->restart_hold_ns;
	ret_config->startup_wait_ns = config->startup_wait_ns;
	ret_config->backup = config->backup_local.size != 0;
	ret_config->macs_max = config->macs_max;
	ret_config->last_resort = config->last_resort;
}

void effects_shortcuts(struct daemon *daemon)
{
	struct mlag_domain domain = daemon->domain;

	fill_shortcuts(daemon, &domain);
	write_domain(daemon, &domain);
}

void effects_peer_link(struct daemon *daemon)
{
	const struct mlag_peer_link *peer_link = &daemon->peer_link;
	struct mlag_domain domain;

	memset(&domain, 0, sizeof(domain));
	domain.peer_link_ifindex = peer_link->ifindex;
	domain.peer_link_untagged_vid = peer_link->untagged_vid;
	domain.vlan_aware = peer_link->vlan_aware;
	domain.route_for_peer = daemon->domain.route_for_peer;
	fill_shortcuts(daemon, &domain);
	write_domain(daemon, &domain);
	fdb_set_peer_link(daemon->fdb, peer_link->ifindex);
	(void)fdb_set_bridge(daemon->fdb, peer_link->bridge_ifindex, peer_link->vlan_aware);
	addresses_set_bridge(daemon->addresses, peer_link->bridge_ifindex, peer_link->vlan_aware);
	setup_peer_link(daemon);
	hellos_set_peer_link(daemon->hellos, peer_link->ifindex, peer_link->incarnation);
}
