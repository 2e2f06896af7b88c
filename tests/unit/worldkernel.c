/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernels of a world: an FDB each, and bridging by the decisions of lib/forward.h.
 */
#include "worldkernel.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 16

static struct world_entry *find_entry(struct world_member *member, const struct mlag_mac_key *key,
				      bool make)
{
	struct world_entry *free_entry = NULL;

	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		struct world_entry *entry = &member->fdb[i];

		if (entry->used && memcmp(&entry->key, key, sizeof(*key)) == 0) {
			return entry;
		}
		if (!entry->used && free_entry == NULL) {
			free_entry = entry;
		}
	}
	if (!make || free_entry == NULL) {
		return NULL;
	}
	memset(free_entry, 0, sizeof(*free_entry));
	free_entry->used = true;
	free_entry->key = *key;
	return free_entry;
}

/* The kernel tells the daemon, some time later, but in order. */
static void notify(struct world *world, uint32_t member, const struct mlag_mac_key *key,
		   const struct mlag_fdb_entry *entry)
{
	struct world_member *m = &world->members[member];
	struct world_fdb_event *event;

	if (!m->running) {
		return;
	}
	mlag_assert(m->events_count < WORLD_EVENTS_MAX);
	event = &m->events[m->events_count];
	event->due_ns =
		world->now_ns +
		(uint64_t)world_random(world, (uint32_t)(world->event_delay_ns / 1000) + 1) * 1000;
	if (m->events_count > 0 && event[-1].due_ns > event->due_ns) {
		event->due_ns = event[-1].due_ns;
	}
	event->key = *key;
	event->entry = *entry;
	m->events_count++;
}

void worldkernel_deliver_events(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	while (m->running && m->events_count > 0 && m->events[0].due_ns <= world->now_ns) {
		struct mlag_event event = {.type = MLAG_EVENT_FDB};

		event.fdb.key = m->events[0].key;
		event.fdb.entry = m->events[0].entry;
		m->events_count--;
		memmove(&m->events[0], &m->events[1], m->events_count * sizeof(m->events[0]));
		world_step(world, member, &event);
	}
}

void worldkernel_set_entry(struct world *world, uint32_t member, const struct mlag_mac_key *key,
			   const struct mlag_fdb_entry *value)
{
	struct world_entry *entry = find_entry(&world->members[member], key, true);

	mlag_assert(entry != NULL);
	entry->entry = *value;
	entry->used = value->kind != MLAG_FDB_NONE;
	notify(world, member, key, value);
}

void worldkernel_dump(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event event = {.type = MLAG_EVENT_FDB_DUMP_BEGIN};

	world_step(world, member, &event);
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		if (m->fdb[i].used) {
			event.type = MLAG_EVENT_FDB;
			event.fdb.key = m->fdb[i].key;
			event.fdb.entry = m->fdb[i].entry;
			world_step(world, member, &event);
		}
	}
	event.type = MLAG_EVENT_FDB_DUMP_END;
	world_step(world, member, &event);
}

void world_overrun(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event event = {.type = MLAG_EVENT_FDB_DUMP_BEGIN};

	if (!m->running || m->stopped) {
		return;
	}
	world->faults[WORLD_FAULT_OVERRUN]++;
	m->events_count = 0;
	world_step(world, member, &event);
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		struct mlag_mac_view view;

		if (!m->fdb[i].used) {
			continue;
		}
		/* Measured: what is left out is what nobody touched, so it is known already. */
		if (mlag_get_mac(m->engine, &m->fdb[i].key, &view) &&
		    memcmp(&view.entry, &m->fdb[i].entry, sizeof(view.entry)) == 0 &&
		    world_fault_random(world, 4) == 0) {
			world->faults[WORLD_FAULT_DUMP_SKIPPED]++;
			continue;
		}
		event.type = MLAG_EVENT_FDB;
		event.fdb.key = m->fdb[i].key;
		event.fdb.entry = m->fdb[i].entry;
		world_step(world, member, &event);
	}
	event.type = MLAG_EVENT_FDB_DUMP_END;
	world_step(world, member, &event);
}

void world_delete_entry(struct world *world, uint32_t member, uint32_t number)
{
	static const struct mlag_fdb_entry none;
	struct world_entry *entry = &world->members[member].fdb[number % WORLD_MACS_MAX];

	if (entry->used && entry->entry.kind != MLAG_FDB_STICKY) {
		struct mlag_mac_key key = entry->key;

		world->faults[WORLD_FAULT_DELETED]++;
		worldkernel_set_entry(world, member, &key, &none);
	}
}

/* The map is by device, whatever is in it. */
bool worldkernel_apply_leg(struct world *world, uint32_t member,
			   const struct mlag_leg_program *program)
{
	struct world_leg *leg = NULL;

	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		if (world->members[member].legs[lag].ifindex == program->ifindex) {
			leg = &world->members[member].legs[lag];
		}
	}
	if (leg == NULL) {
		return false;
	}
	leg->port.kind = MLAG_PORT_LEG;
	leg->port.gate = (uint8_t)program->gate;
	leg->port.lag_id = program->lag_id;
	leg->port.untagged_vid = program->untagged_vid;
	memcpy(leg->port.isolated, program->isolated.words, sizeof(leg->port.isolated));
	memcpy(leg->port.held, program->held.words, sizeof(leg->port.held));
	leg->port.memory = program->memory;
	leg->flood = program->flood;
	return true;
}

/* A port leaves the bridge, and all that was known behind it. */
void worldkernel_flush_port(struct world *world, uint32_t member, uint32_t ifindex)
{
	static const struct mlag_fdb_entry none;

	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		struct world_entry *entry = &world->members[member].fdb[i];

		if (entry->used && entry->entry.ifindex == ifindex) {
			struct mlag_mac_key key = entry->key;

			worldkernel_set_entry(world, member, &key, &none);
		}
	}
}

void worldkernel_set_source(struct world *world, uint32_t member,
			    const struct mlag_fdb_operation *operation)
{
	struct world_source *sources = world->members[member].sources;
	struct world_source *place = NULL;

	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		if (sources[i].used &&
		    memcmp(&sources[i].key, &operation->key, sizeof(operation->key)) == 0) {
			place = &sources[i];
			break;
		}
		if (!sources[i].used && place == NULL) {
			place = &sources[i];
		}
	}
	mlag_assert(place != NULL);
	place->used = operation->place_known;
	place->key = operation->key;
	place->source = operation->place;
}

void worldkernel_apply_fdb(struct world *world, uint32_t member,
			   const struct mlag_fdb_operation *operation)
{
	struct mlag_fdb_entry none = {0, MLAG_FDB_NONE};
	struct world_entry *entry = find_entry(&world->members[member], &operation->key, false);

	worldkernel_set_source(world, member, operation);
	switch (operation->verb) {
	case MLAG_FDB_VERB_NONE:
		break;
	case MLAG_FDB_VERB_SET:
		if (entry != NULL && entry->entry.kind != MLAG_FDB_EXTERNAL &&
		    operation->entry.kind == MLAG_FDB_EXTERNAL) {
			struct mlag_fdb_entry kept = operation->entry;

			/* The flags of the old kind survive a plain replacement. */
			kept.kind = entry->entry.kind;
			worldkernel_set_entry(world, member, &operation->key, &kept);
			break;
		}
		worldkernel_set_entry(world, member, &operation->key, &operation->entry);
		break;
	case MLAG_FDB_VERB_RENEW:
		if (entry != NULL) {
			worldkernel_set_entry(world, member, &operation->key, &none);
		}
		worldkernel_set_entry(world, member, &operation->key, &operation->entry);
		break;
	case MLAG_FDB_VERB_DELETE:
		if (entry != NULL && entry->entry.ifindex == operation->entry.ifindex) {
			worldkernel_set_entry(world, member, &operation->key, &none);
		}
		break;
	case MLAG_FDB_VERB_VERIFY:
		notify(world, member, &operation->key, entry != NULL ? &entry->entry : &none);
		break;
	}
}

struct mlag_mac world_host_mac(uint32_t host)
{
	struct mlag_mac mac = {{0x02, 0xaa, 0, 0, 0, (uint8_t)host}};

	return mac;
}

struct mlag_fdb_entry world_lookup(const struct world *world, uint32_t member,
				   const struct mlag_mac *mac)
{
	struct mlag_fdb_entry none = {0, MLAG_FDB_NONE};
	struct mlag_mac_key key = {WORLD_VLAN, *mac};
	const struct world_member *m = &world->members[member];

	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		if (m->fdb[i].used && memcmp(&m->fdb[i].key, &key, sizeof(key)) == 0) {
			return m->fdb[i].entry;
		}
	}
	return none;
}

/* br_fdb_update(): learn, roam, or note activity. */
static void learn(struct world *world, uint32_t member, uint32_t port, const struct mlag_mac *mac)
{
	struct mlag_mac_key key = {WORLD_VLAN, *mac};
	struct world_entry *entry = find_entry(&world->members[member], &key, true);
	struct mlag_fdb_entry now;

	if (entry == NULL) {
		return;
	}
	now = entry->entry;
	if (now.kind == MLAG_FDB_NONE) {
		now.kind = MLAG_FDB_DYNAMIC;
	}
	if (now.kind == MLAG_FDB_INACTIVE) {
		now.kind = MLAG_FDB_ACTIVE;
	}
	if (now.ifindex != port && now.kind == MLAG_FDB_EXTERNAL) {
		now.kind = MLAG_FDB_DYNAMIC;
	}
	now.ifindex = port;
	if (memcmp(&now, &entry->entry, sizeof(now)) != 0) {
		worldkernel_set_entry(world, member, &key, &now);
	}
}

void world_age(struct world *world, uint32_t member, const struct mlag_mac *mac)
{
	struct mlag_mac_key key = {WORLD_VLAN, *mac};
	struct world_entry *entry = find_entry(&world->members[member], &key, false);
	struct mlag_fdb_entry now;

	if (entry == NULL) {
		return;
	}
	now = entry->entry;
	if (now.kind == MLAG_FDB_DYNAMIC) {
		now.kind = MLAG_FDB_NONE;
		now.ifindex = 0;
	} else if (now.kind == MLAG_FDB_ACTIVE) {
		now.kind = MLAG_FDB_INACTIVE;
	} else {
		return;
	}
	worldkernel_set_entry(world, member, &key, &now);
}

struct walk {
	struct world *world;
	struct world_delivery *delivery;
	struct mlag_mac source;
	struct mlag_mac destination;
	bool group;
};

static void bridge(struct walk *walk, uint32_t member, uint32_t in_port);

static void fill_frame(const struct walk *walk, uint32_t in_port, struct mlag_frame *ret_frame)
{
	memset(ret_frame, 0, sizeof(*ret_frame));
	ret_frame->ingress_ifindex = in_port;
	ret_frame->vlan = WORLD_VLAN;
	ret_frame->group = walk->group;
}

static void ask_source(const struct walk *walk, uint32_t member, struct mlag_frame *frame)
{
	const struct world_member *m = &walk->world->members[member];
	struct mlag_mac_key key = {WORLD_VLAN, walk->source};
	struct mlag_mac_key destination = {WORLD_VLAN, walk->destination};

	frame->source_asked = 1;
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		if (m->sources[i].used && memcmp(&m->sources[i].key, &key, sizeof(key)) == 0) {
			frame->source_found = 1;
			frame->source = m->sources[i].source;
		}
		if (m->sources[i].used &&
		    memcmp(&m->sources[i].key, &destination, sizeof(destination)) == 0) {
			frame->destination_found = 1;
			frame->destination = m->sources[i].source;
		}
	}
}

static const struct mlag_domain domain = {.peer_link_ifindex = WORLD_PEER_LINK, .vlan_aware = 1};

static void to_peer_link(struct walk *walk, uint32_t member, uint32_t in_port)
{
	const struct world_member *m = &walk->world->members[member];
	const struct mlag_port *ingress = NULL;
	struct mlag_frame frame;
	struct mlag_decision decision;

	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		if (in_port == m->legs[lag].ifindex) {
			ingress = &m->legs[lag].port;
		}
	}
	if (!walk->world->peer_link || !walk->world->link_passes[member]) {
		return;
	}
	fill_frame(walk, in_port, &frame);
	decision = mlag_peer_link_egress(&domain, ingress, &frame);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_source(walk, member, &frame);
		decision = mlag_peer_link_egress(&domain, ingress, &frame);
	}
	if (decision.action == MLAG_ACTION_PASS) {
		walk->delivery->peer_link[member]++;
		bridge(walk, 1 - member, WORLD_PEER_LINK);
	}
}

static void to_leg(struct walk *walk, uint32_t member, uint32_t lag, uint32_t in_port)
{
	const struct world_leg *leg = &walk->world->members[member].legs[lag];
	struct mlag_frame frame;
	struct mlag_decision decision;

	fill_frame(walk, in_port, &frame);
	decision = mlag_leg_egress(&domain, &leg->port, &frame);
	if (decision.action == MLAG_ACTION_ASK_SOURCE) {
		ask_source(walk, member, &frame);
		decision = mlag_leg_egress(&domain, &leg->port, &frame);
	}
	if (decision.action == MLAG_ACTION_TO_PEER_LINK) {
		to_peer_link(walk, member, in_port);
	} else if (decision.action == MLAG_ACTION_PASS &&
		   worldkernel_distributes(walk->world, leg)) {
		walk->delivery->copies[lag]++;
	}
}

/* One copy is about to leave through @port. */
static void forward(struct walk *walk, uint32_t member, uint32_t port, uint32_t in_port, bool flood)
{
	const struct world_member *m = &walk->world->members[member];

	if (port == in_port) {
		return;
	}
	if (port == WORLD_PEER_LINK) {
		to_peer_link(walk, member, in_port);
		return;
	}
	if (port == m->orphan_ifindex) {
		walk->delivery->copies[WORLD_ORPHAN_HOST(member)]++;
		return;
	}
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		const struct world_leg *leg = &m->legs[lag];

		if (port != leg->ifindex || leg->vlan_missing || (flood && !leg->flood)) {
			continue;
		}
		if (leg->link) {
			to_leg(walk, member, lag, in_port);
		} else if (!flood && in_port != WORLD_PEER_LINK) {
			to_peer_link(walk, member, in_port); /* backup_port */
		}
	}
}

static void bridge(struct walk *walk, uint32_t member, uint32_t in_port)
{
	const struct world_member *m = &walk->world->members[member];
	struct mlag_fdb_entry entry = {0, MLAG_FDB_NONE};

	if (++walk->delivery->depth > DEPTH_MAX) {
		return;
	}
	if (in_port != WORLD_PEER_LINK) {
		learn(walk->world, member, in_port, &walk->source); /* R7: not from PL */
	}
	if (!walk->group) {
		entry = world_lookup(walk->world, member, &walk->destination);
	}
	if (entry.kind != MLAG_FDB_NONE) {
		forward(walk, member, entry.ifindex, in_port, false);
		return;
	}
	forward(walk, member, WORLD_PEER_LINK, in_port, true);
	forward(walk, member, m->orphan_ifindex, in_port, true);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		forward(walk, member, m->legs[lag].ifindex, in_port, true);
	}
}

bool world_can_send(const struct world *world, uint32_t host, uint32_t member)
{
	const struct world_leg *leg;

	if (host >= WORLD_LAGS) {
		return host == WORLD_ORPHAN_HOST(member);
	}
	leg = &world->members[member].legs[host];
	return leg->link && !leg->vlan_missing &&
	       (leg->is_static || (leg->partner && world->now_ns >= leg->join_ns));
}

struct world_delivery world_send_mac(struct world *world, uint32_t host, uint32_t member,
				     const struct mlag_mac *source, uint32_t destination)
{
	struct world_delivery delivery;
	struct walk walk = {.world = world, .delivery = &delivery, .source = *source};

	memset(&delivery, 0, sizeof(delivery));
	world->frames++;
	if (destination == WORLD_HOSTS) {
		memset(&walk.destination, 0xff, sizeof(walk.destination));
		walk.group = true;
	} else {
		walk.destination = world_host_mac(destination < WORLD_HOSTS ? destination : 0xee);
	}
	if (host < WORLD_LAGS) {
		world->members[member].legs[host].data_arrived = true;
	}
	bridge(&walk, member,
	       host < WORLD_LAGS ? world->members[member].legs[host].ifindex
				 : world->members[member].orphan_ifindex);
	return delivery;
}

struct world_delivery world_send(struct world *world, uint32_t host, uint32_t member,
				 uint32_t destination)
{
	struct mlag_mac source = world_host_mac(host);

	return world_send_mac(world, host, member, &source, destination);
}

static char complaint[256];

static const char *complain(uint32_t host, uint32_t member, uint32_t destination, const char *what)
{
	(void)snprintf(complaint, sizeof(complaint), "a frame of host %u by S%u to %s%u: %s", host,
		       member + 1, destination >= WORLD_HOSTS ? "everybody, " : "host ",
		       destination, what);
	return complaint;
}

static const char *check_copies(const struct world_delivery *delivery, uint32_t host)
{
	for (uint32_t to = 0; to < WORLD_HOSTS; to++) {
		if (to == host && delivery->copies[to] > 0) {
			return "it came back to its sender";
		}
		if (delivery->copies[to] > 1) {
			return "somebody got it twice";
		}
	}
	if (delivery->peer_link[0] > 1 || delivery->peer_link[1] > 1) {
		return "it crossed the peer link twice in one direction";
	}
	return delivery->depth > DEPTH_MAX ? "it loops" : NULL;
}

const char *world_check_safety(struct world *world)
{
	for (uint32_t host = 0; host < WORLD_HOSTS; host++) {
		for (uint32_t member = 0; member < WORLD_MEMBERS; member++) {
			struct world_delivery delivery;
			const char *what;

			if (!world_can_send(world, host, member)) {
				continue;
			}
			delivery = world_send(world, host, member, WORLD_HOSTS);
			what = check_copies(&delivery, host);
			if (what != NULL) {
				return complain(host, member, WORLD_HOSTS, what);
			}
			for (uint32_t to = 0; to < WORLD_HOSTS; to++) {
				if (to == host) {
					continue;
				}
				delivery = world_send(world, host, member, to);
				what = check_copies(&delivery, host);
				if (what != NULL) {
					return complain(host, member, to, what);
				}
			}
		}
	}
	return NULL;
}

static bool reachable(const struct world *world, uint32_t host)
{
	return world_can_send(world, host, 0) || world_can_send(world, host, 1);
}

const char *world_check_live(struct world *world)
{
	for (uint32_t host = 0; host < WORLD_HOSTS; host++) {
		for (uint32_t member = 0; member < WORLD_MEMBERS; member++) {
			if (!world_can_send(world, host, member)) {
				continue;
			}
			for (uint32_t to = 0; to <= WORLD_HOSTS; to++) {
				struct world_delivery delivery;

				if (to == host) {
					continue;
				}
				delivery = world_send(world, host, member, to);
				for (uint32_t at = 0; at < WORLD_HOSTS; at++) {
					bool due = at != host && reachable(world, at) &&
						   (to == at || to == WORLD_HOSTS);

					if (due && delivery.copies[at] != 1) {
						return complain(host, member, to,
								"somebody did not get it");
					}
					if (!due && delivery.copies[at] != 0) {
						return complain(host, member, to,
								"somebody got it by mistake");
					}
				}
			}
		}
	}
	return NULL;
}

void world_take_picture(struct world *world, struct world_picture *ret_picture)
{
	memset(ret_picture, 0, sizeof(*ret_picture));
	for (uint32_t host = 0; host < WORLD_HOSTS; host++) {
		for (uint32_t member = 0; member < WORLD_MEMBERS; member++) {
			if (!world_can_send(world, host, member)) {
				continue;
			}
			ret_picture->sent[host][member] = 1;
			for (uint32_t to = 0; to <= WORLD_HOSTS; to++) {
				struct world_delivery delivery;

				delivery = world_send(world, host, member, to);
				for (uint32_t at = 0; to != host && at < WORLD_HOSTS; at++) {
					ret_picture->copies[host][member][to][at] =
						(uint8_t)delivery.copies[at];
				}
			}
		}
	}
}

const char *world_check_picture(struct world *world, const struct world_picture *before)
{
	static struct world_picture now;

	world_take_picture(world, &now);
	for (uint32_t host = 0; host < WORLD_HOSTS; host++) {
		for (uint32_t member = 0; member < WORLD_MEMBERS; member++) {
			for (uint32_t to = 0; to <= WORLD_HOSTS; to++) {
				if (before->sent[host][member] &&
				    memcmp(now.copies[host][member][to],
					   before->copies[host][member][to], WORLD_HOSTS) != 0) {
					return complain(host, member, to,
							"it comes out elsewhere than before");
				}
			}
		}
	}
	return NULL;
}

const char *world_check_nothing_held(struct world *world, const struct world_picture *before)
{
	static struct world_picture now;

	world_take_picture(world, &now);
	for (uint32_t host = 0; host < WORLD_HOSTS; host++) {
		for (uint32_t member = 0; member < WORLD_MEMBERS; member++) {
			for (uint32_t to = 0; to <= WORLD_HOSTS; to++) {
				for (uint32_t at = 0; at < WORLD_HOSTS; at++) {
					/* What was flooded to others is not theirs. */
					if (to < WORLD_HOSTS && at != to) {
						continue;
					}
					if (now.copies[host][member][to][at] <
					    before->copies[host][member][to][at]) {
						return complain(host, member, to,
								"held by a daemon that started");
					}
				}
			}
		}
	}
	return NULL;
}
