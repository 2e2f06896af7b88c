/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of world.h: time, network, daemons.  What happens to them is in worldset.c, what must
 * hold of verdicts in worldjudge.c.  Frames and their kernel are in worldframes.c.
 */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worldkernel.h"

#define QUANTUM_NS WORLD_MS
#define LINGER_NS (60 * WORLD_MS)      /* old LACP state after a link came up */
#define DISTRIBUTE_NS (120 * WORLD_MS) /* from the partner's first data to our own Distributing */
#define COLLECTING_NS (200 * WORLD_MS) /* and to its visible Collecting */

uint32_t world_random(struct world *world, uint32_t below)
{
	/* splitmix64 */
	uint64_t z = (world->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return below == 0 ? 0 : (uint32_t)((z ^ (z >> 31)) % below);
}

static void hold_leg(struct world *world, uint32_t member, const struct mlag_leg_program *program);

bool worldkernel_is_awake(const struct world *world, uint32_t member)
{
	return world->members[member].running && !world->members[member].stopped;
}

static void take_notices(struct world *world, uint32_t member, const struct mlag_effects *effects)
{
	for (uint32_t i = 0; i < effects->count; i++) {
		const struct mlag_effect *effect = &effects->items[i];

		if (effect->type != MLAG_EFFECT_NOTICE) {
			continue;
		}
		if (effect->notice.notice == MLAG_NOTICE_VERDICT) {
			worldjudge_hear_verdict(&world->members[member], effect->notice.to);
		}
		if (world->trace) {
			(void)printf("%9.3f ms  S%u  %s %u: %s -> %s: %s\n",
				     (double)world->now_ns / 1e6, member + 1,
				     mlag_notice_text(effect->notice.notice), effect->notice.lag_id,
				     effect->notice.from, effect->notice.to,
				     effect->notice.because);
		}
	}
}

/* Does what @sender says in the session arrive? */
static bool session_passes(const struct world *world, uint32_t sender)
{
	if (!world->path) {
		return false;
	}
	switch (world->route) {
	case WORLD_ROUTE_OWN:
		break;
	case WORLD_ROUTE_PEER_LINK:
		return world->peer_link && world->link_passes[sender];
	case WORLD_ROUTE_BACKUP:
		return world->backup_passes[sender];
	}
	return true;
}

bool world_session_works(const struct world *world)
{
	return world->connected && session_passes(world, 0) && session_passes(world, 1) &&
	       !world->members[0].stopped && !world->members[1].stopped;
}

static bool session_is_up(const struct mlag_engine *engine)
{
	struct mlag_view view;

	mlag_get_view(engine, &view);
	return view.session == MLAG_SESSION_UP;
}

static void drop_inbox(struct world_member *member)
{
	for (uint32_t i = 0; i < member->inbox_count; i++) {
		free(member->inbox[i].data);
	}
	member->inbox_count = 0;
}

static void give(struct world *world, uint32_t member, const struct world_message *message)
{
	static uint8_t data[MLAG_WIRE_MESSAGE_MAX];
	struct mlag_event event = {.type = MLAG_EVENT_MESSAGE};

	event.message.data = message->data;
	event.message.size = message->size;
	if (world->wire != NULL) {
		event.message.size =
			world->wire->unseal(world, member, message->data, message->size, data);
		event.message.data = data;
	}
	world_step(world, member, &event);
}

/* What was sent before the end still arrives, when the path lets it through. */
static void empty_inbox(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	for (uint32_t i = 0;
	     session_passes(world, 1 - member) && m->running && !m->stopped && i < m->inbox_count;
	     i++) {
		give(world, member, &m->inbox[i]);
	}
	drop_inbox(m);
}

/* The connection ends; @closer has seen enough, or is WORLD_MEMBERS. */
static void cut_connection(struct world *world, uint32_t closer)
{
	struct mlag_event event = {.type = MLAG_EVENT_CHANNEL_DOWN};

	if (!world->connected) {
		return;
	}
	world->connected = false;
	world->sessions_cut++;
	world->connect_ns = world->now_ns + 100 * WORLD_MS;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (m != closer) {
			empty_inbox(world, m);
		}
		drop_inbox(&world->members[m]);
		if (world->members[m].connected && world->members[m].running &&
		    !world->members[m].stopped) {
			world->members[m].connected = false;
			world_step(world, m, &event);
		}
		/* Who is stopped will read of it later. */
		world->members[m].connected &= world->members[m].stopped;
	}
}

/* Put what the member has to say on the wire, as far as there is room. */
static void pump(struct world *world, uint32_t member, enum mlag_urgency urgency)
{
	static uint8_t data[MLAG_WIRE_MESSAGE_MAX];
	static uint8_t sealed[WORLD_SEALED_MAX];
	struct world_member *to = &world->members[1 - member];

	while (world->connected && to->inbox_count < WORLD_MESSAGES_MAX) {
		struct world_message *message = &to->inbox[to->inbox_count];
		uint32_t size = 0;

		if (world->dialect == WORLD_DIALECT_NEWER && world_session_works(world) &&
		    world_fault_random(world, 1024) == 0 &&
		    session_is_up(world->members[member].engine)) {
			size = world_unknown_message(world, data);
		} else {
			size = mlag_next_message(world->members[member].engine, urgency,
						 world_member_ns(world, member), data);
			size = size != 0 ? world_translate(world, data, size) : 0;
		}

		if (size == 0) {
			return;
		}
		if (world->wire != NULL) {
			size = world->wire->seal(world, member, data, size, sealed);
		}
		message->data = malloc(size);
		mlag_assert(message->data != NULL);
		memcpy(message->data, world->wire != NULL ? sealed : data, size);
		message->size = size;
		message->due_ns = world->now_ns + world->latency_ns;
		/* In order, whatever the latency is now. */
		if (to->inbox_count > 0 && message[-1].due_ns > message->due_ns) {
			message->due_ns = message[-1].due_ns;
		}
		to->inbox_count++;
		world->messages++;
	}
}

void world_step(struct world *world, uint32_t member, const struct mlag_event *event)
{
	struct mlag_effects effects;
	struct world_member *m = &world->members[member];

	world->steps++;
	mlag_step(m->engine, event, world_member_ns(world, member), &effects);
	take_notices(world, member, &effects);
	for (uint32_t i = 0; i < effects.count; i++) {
		if (effects.items[i].type == MLAG_EFFECT_CLOSE) {
			pump(world, member, MLAG_URGENCY_URGENT);
			m->retry_ns = world->now_ns + effects.items[i].close.retry_ns;
			cut_connection(world, member);
		}
	}
}

/* A device that takes no programs: nothing was applied. */
static bool refuse_leg(struct world *world, uint32_t member, const struct mlag_leg_program *program)
{
	struct world_leg *leg = &world->members[member].legs[program->lag_id - 1U];
	struct mlag_event event = {.type = MLAG_EVENT_LEG_REFUSED};

	if (!leg->refuses || leg->port.kind == MLAG_PORT_LEG || program->ifindex != leg->ifindex) {
		return false;
	}
	world->faults[WORLD_FAULT_REFUSED]++;
	leg->flood = false;
	if (program->hold != MLAG_HOLD_NONE) {
		hold_leg(world, member, program);
	}
	event.leg_refused.lag_id = program->lag_id;
	world_step(world, member, &event);
	return true;
}

static void apply_legs(struct world *world, uint32_t member)
{
	struct mlag_leg_program program;

	while (mlag_next_leg(world->members[member].engine, &program)) {
		struct mlag_event event = {.type = MLAG_EVENT_LEG_APPLIED};

		/* A write that fails once is tried again, and then works. */
		if (!world->members[member].leg_failed &&
		    world_random(world, 100) < world->write_failure_percent) {
			world->members[member].leg_failed = true;
			world->write_failures++;
			continue;
		}
		world->members[member].leg_failed = false;
		if (refuse_leg(world, member, &program)) {
			continue;
		}
		if (worldkernel_apply_leg(world, member, &program)) {
			hold_leg(world, member, &program);
		}
		event.leg_applied.lag_id = program.lag_id;
		event.leg_applied.serial = program.serial;
		world_step(world, member, &event);
	}
}

/* EBUSY, and what else kernels say. */
static int world_write_error(struct world *world)
{
	static const int errors[] = {EBUSY, EEXIST, ENOENT, EPERM, ENOMEM}; /* as in WORLD_FAULTS */
	uint32_t which = world_fault_random(world, 5);

	world->faults[WORLD_FAULT_EBUSY + which]++;
	return errors[which];
}

static void apply_fdb(struct world *world, uint32_t member)
{
	struct mlag_fdb_operation operations[16];
	uint32_t count = mlag_next_fdb(world->members[member].engine, operations, 16);

	for (uint32_t i = 0; i < count; i++) {
		worldfdb_judge(world, member, &operations[i]);
		if (operations[i].verb != MLAG_FDB_VERB_NONE &&
		    operations[i].verb != MLAG_FDB_VERB_VERIFY &&
		    world_random(world, 100) < world->write_failure_percent) {
			struct mlag_event event = {.type = MLAG_EVENT_FDB_FAILED};

			world->write_failures++;
			worldkernel_set_source(world, member, &operations[i]);
			event.fdb_failed.key = operations[i].key;
			event.fdb_failed.error = world_write_error(world);
			world_step(world, member, &event);
			continue;
		}
		worldkernel_apply_fdb(world, member, &operations[i]);
	}
}

static void apply_addresses(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_address_program program;

	while (mlag_next_addresses(m->engine, &program, 1) == 1) {
		uint32_t i = 0;

		while (i < m->addresses_count &&
		       memcmp(&m->addresses[i].key, &program.key, sizeof(program.key)) != 0) {
			i++;
		}
		mlag_assert(i < WORLD_ADDRESSES_MAX);
		m->addresses_count += i == m->addresses_count;
		m->addresses[i] = program;
		if (program.owner == MLAG_OWNER_NONE) {
			m->addresses[i] = m->addresses[--m->addresses_count];
		}
	}
}

const struct mlag_address_program *world_address(const struct world *world, uint32_t member,
						 const struct mlag_address_key *key)
{
	const struct world_member *m = &world->members[member];

	for (uint32_t i = 0; i < m->addresses_count; i++) {
		if (memcmp(&m->addresses[i].key, key, sizeof(*key)) == 0) {
			return &m->addresses[i];
		}
	}
	return NULL;
}

/* What the machine has, for the daemon after this one. */
static void note_own(struct world_member *m, const struct mlag_event *event)
{
	uint32_t i = 0;

	while (i < m->own_count && memcmp(&m->own[i].address.key, &event->address.key,
					  sizeof(event->address.key)) != 0) {
		i++;
	}
	mlag_assert(i < WORLD_ADDRESSES_MAX);
	m->own_count += i == m->own_count;
	m->own[i] = *event;
	if (!event->address.present) {
		m->own[i] = m->own[--m->own_count];
	}
}

void world_set_address(struct world *world, uint32_t member, const struct mlag_address_key *key,
		       bool present, uint32_t domain, uint32_t ifindex)
{
	struct mlag_event event = {.type = MLAG_EVENT_ADDRESS};

	event.address.key = *key;
	event.address.present = present;
	event.address.domain = domain;
	event.address.ifindex = ifindex;
	note_own(&world->members[member], &event);
	world_step(world, member, &event);
	worldkernel_run_member(world, member);
}

/* Leave behind what the daemon after this one has to know. */
static void keep(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	m->kept_before = m->is_kept ? m->kept : m->kept_before;
	mlag_get_resume(m->engine, &m->kept);
	m->kept.written_ns = world_member_ns(world, member);
	if (!m->is_kept) {
		m->kept_before = m->kept;
	}
	m->is_kept = true;
}

/* Everything that is due, in the order of lib/mlag.h. */
void worldkernel_run_member(struct world *world, uint32_t member)
{
	if (!world->members[member].running || world->members[member].stopped) {
		return;
	}
	keep(world,
	     member); /* before the legs: who dies in between finds R1 as it was, or may lift it */
	worldroutes_apply(world, member);
	for (uint32_t i = 0; i < 2; i++) {
		pump(world, member, MLAG_URGENCY_URGENT);
		apply_legs(world, member);
	}
	pump(world, member, MLAG_URGENCY_URGENT);
	worldhello_say(world, member);
	apply_addresses(world, member);
	apply_fdb(world, member);
	worldkernel_apply_neighbors(world, member);
	pump(world, member, MLAG_URGENCY_BULK);
	keep(world, member);
	worldfdb_note_claims(world, member);
}

void worldkernel_report_peer_link(struct world *world, uint32_t member)
{
	struct mlag_peer_link peer_link;
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &peer_link};

	memset(&peer_link, 0, sizeof(peer_link));
	peer_link.ifindex = WORLD_PEER_LINK;
	peer_link.bridge_ifindex = WORLD_BRIDGE;
	peer_link.carrier = world->peer_link;
	peer_link.vlan_aware = true;
	peer_link.mac.octets[0] = 0x02;
	peer_link.mac.octets[5] = (uint8_t)(member + 1);
	mlag_vlans_add(&peer_link.vlans, WORLD_VLAN);
	world_step(world, member, &event);
}

/* The LACP state as it can be read now (measured: old values linger, Collecting shows late). */
void worldkernel_observe_leg(struct world *world, uint32_t member, uint32_t lag)
{
	struct world_leg *leg = &world->members[member].legs[lag];
	struct mlag_leg_observation seen;
	struct mlag_event event = {.type = MLAG_EVENT_LEG};
	bool lingers = leg->partner_before && world->now_ns < leg->link_ns + LINGER_NS;

	memset(&seen, 0, sizeof(seen));
	leg->told_ns = 0;
	seen.ifindex = leg->ifindex;
	seen.carrier = leg->link;
	seen.lacp = !leg->is_static;
	seen.distributing = leg->link && (lingers || worldkernel_distributes(world, leg));
	seen.partner_collecting =
		leg->link &&
		(lingers || (leg->partner && world->now_ns >= leg->join_ns + COLLECTING_NS));
	seen.data_seen = leg->data_arrived;
	leg->data_arrived = false;
	if (!leg->vlan_missing) {
		mlag_vlans_add(&seen.vlans, WORLD_VLAN);
	}
	seen.partner_mac.octets[5] = leg->is_static ? 0 : (uint8_t)(lag + 1);
	event.leg.lag_id = (uint16_t)(lag + 1);
	event.leg.observation = &seen;
	world_step(world, member, &event);
}

bool worldkernel_distributes(const struct world *world, const struct world_leg *leg)
{
	return leg->link &&
	       (leg->is_static || (leg->partner && world->now_ns >= leg->join_ns + DISTRIBUTE_NS));
}

/* What the data plane holds of MACs and addresses. */
static void resume_rows(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_ADDRESS};

	for (uint32_t i = 0; i < m->addresses_count; i++) {
		event.resume_address = &m->addresses[i];
		world_step(world, member, &event);
	}
	event.type = MLAG_EVENT_RESUME_MAC;
	for (uint32_t i = 0; i < WORLD_MACS_MAX; i++) {
		if (m->sources[i].used) {
			event.resume_mac.key = m->sources[i].key;
			event.resume_mac.place = m->sources[i].source;
			world_step(world, member, &event);
		}
	}
}

static void resume_leg(struct world *world, uint32_t member, uint32_t lag)
{
	const struct mlag_port *port = &world->members[member].legs[lag].port;
	struct mlag_event event = {.type = MLAG_EVENT_RESUME_LEG};
	struct mlag_leg_program program;

	memset(&program, 0, sizeof(program));
	program.lag_id = port->lag_id;
	program.ifindex = world->members[member].legs[lag].ifindex;
	program.gate = (enum mlag_gate)port->gate;
	program.untagged_vid = port->untagged_vid;
	program.memory = port->memory;
	memcpy(program.isolated.words, port->isolated, sizeof(program.isolated.words));
	memcpy(program.held.words, port->held, sizeof(program.held.words));
	event.resume_leg = &program;
	if (port->kind == MLAG_PORT_LEG) {
		world_step(world, member, &event);
	}
}

/* Go on with what was found, or start afresh.  True for the former. */
static bool resume(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event event = {.type = MLAG_EVENT_RESUME};
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	struct mlag_resume found;

	mlag_assert(!m->is_kept ||
		    mlag_resume_read(bytes, mlag_resume_write(&m->kept, bytes), &found));
	if (!m->is_kept || mlag_resume_refuse(&found, &m->config, WORLD_BRIDGE,
					      world_member_ns(world, member)) != NULL) {
		m->addresses_count = 0;
		memset(m->sources, 0, sizeof(m->sources));
		return false;
	}
	event.resume = &found;
	world_step(world, member, &event);
	resume_rows(world, member);
	return true;
}

/* Own addresses and default routes, as they are read at a start. */
static void report_rest(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event event = {.type = MLAG_EVENT_DEFAULT_ROUTE};

	for (uint32_t i = 0; i < m->own_count; i++) {
		world_step(world, member, &m->own[i]);
	}
	for (uint32_t i = 0; i < 2; i++) {
		m->defaults[i].adopted = m->last_resorts[i].armed;
		event.default_route = &m->defaults[i];
		world_step(world, member, &event);
		m->defaults[i].adopted = false;
	}
}

void world_forget(struct world *world, uint32_t member)
{
	world->members[member].is_kept = false;
}

void world_start(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};
	bool resumed;

	if (m->running) {
		world_stop(world, member);
	}
	m->config.boot_id = ((uint64_t)(member + 1) << 40) + 1000 * ++m->starts;
	free(m->memory);
	m->memory = calloc(1, mlag_engine_size(&m->config));
	mlag_assert(m->memory != NULL);
	m->engine = mlag_engine_init(m->memory, &m->config, world_member_ns(world, member));
	worldlies_set_slices(world, member);
	m->running = true;
	m->stopped = false;
	m->hellos_count = 0;
	m->peer_audible_ns = 0;
	m->deaf_ns = 0;
	m->verdict = MLAG_VERDICT_STARTING;
	m->events_count = 0;
	m->leg_failed = false;
	worldfdb_forget_claims(world, member);
	worldguard_start(world, member);
	resumed = resume(world, member);
	if (!resumed) {
		m->fresh_ns = world->now_ns;
		m->link_unmet = true;
	}
	for (uint16_t lag = 0; lag < WORLD_LAGS; lag++) {
		event.leg_configure.lag_id = (uint16_t)(lag + 1);
		event.leg_configure.is_drained = m->legs[lag].drained;
		event.leg_configure.is_new = world->hold_at_start && !m->legs[lag].served;
		event.leg_configure.held = m->legs[lag].held;
		world_step(world, member, &event);
		if (resumed) {
			resume_leg(world, member, lag);
		}
	}
	worldkernel_report_peer_link(world, member);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		worldkernel_observe_leg(world, member, lag);
	}
	worldkernel_dump(world, member);
	report_rest(world, member);
	worldkernel_start_neighbors(world, member);
	if (resumed) {
		event.type = MLAG_EVENT_RESUMED;
		world_step(world, member, &event);
	}
	worldkernel_run_member(world, member);
}

void world_stop(struct world *world, uint32_t member)
{
	if (world->members[member].running) {
		world->members[member].running = false;
		world->members[member].stopped = false;
		world->restarts++;
		worldjudge_start_over(world);
		cut_connection(world, member);
	}
}

void world_set_stream(struct world *world, uint64_t seed, uint32_t stream)
{
	world->stream = stream;
	world->fault_random = seed ^ UINT64_C(0x6661756c74732) ^ ((uint64_t)stream << 40);
}

void world_init(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->random = seed;
	world_set_stream(world, seed, 0);
	world->neighbor_random = seed ^ UINT64_C(0x6e65696768626f72);
	world->now_ns = WORLD_SECOND;
	world->peer_link = true;
	world->path = true;
	world->latency_ns = WORLD_MS;
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world->link_passes[m] = true;
		world->backup_passes[m] = true;
	}
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		struct world_member *member = &world->members[m];

		member->config.domain_id = 1;
		member->config.priority = 32768;
		member->config.hello_interval_ns = 100 * WORLD_MS;
		member->config.dead_multiplier = 3;
		member->config.restart_hold_ns = 3 * WORLD_SECOND;
		member->config.startup_wait_ns = 3 * WORLD_SECOND;
		member->config.backup = true;
		member->config.hash_seed = seed;
		member->config.macs_max = WORLD_MACS_MAX;
		member->defaults[0].family = 4;
		member->defaults[1].family = 6;
		member->config.neighbors_max = 2 * WORLD_NEIGHBORS_MAX;
		member->svi = true;
		member->orphan_ifindex = WORLD_ORPHAN;
		for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
			member->legs[lag].ifindex = WORLD_LEG(lag);
			member->legs[lag].link = true;
			member->legs[lag].cable = true;
			member->legs[lag].partner = true;
			member->legs[lag].flood = true;
		}
	}
}

void world_fini(struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		drop_inbox(&world->members[m]);
		free(world->members[m].memory);
	}
}

/* Connect when both are there and neither pauses. */
static void connect_members(struct world *world)
{
	struct mlag_event event = {.type = MLAG_EVENT_CHANNEL_UP};

	if (world->connected || world->now_ns < world->connect_ns) {
		return;
	}
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		if (!session_passes(world, m) || world->members[m].stopped ||
		    world->members[m].connected || !world->members[m].running ||
		    world->now_ns < world->members[m].retry_ns) {
			return;
		}
	}
	world->connected = true;
	if (world->wire != NULL) {
		world->wire->connect(world);
	}
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		world->members[m].connected = true;
		world_step(world, m, &event);
	}
}

static void deliver_messages(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];

	/* A path that is cut lets nothing through, and nobody is told. */
	while (m->running && session_passes(world, 1 - member) && m->inbox_count > 0 &&
	       m->inbox[0].due_ns <= world->now_ns) {
		struct world_message message = m->inbox[0];

		m->inbox_count--;
		memmove(&m->inbox[0], &m->inbox[1], m->inbox_count * sizeof(m->inbox[0]));
		give(world, member, &message);
		free(message.data);
		worldkernel_run_member(world, member);
	}
}

static void run_quantum(struct world *world, uint32_t member)
{
	struct world_member *m = &world->members[member];
	struct mlag_event tick = {.type = MLAG_EVENT_TICK};
	uint64_t poll_ns;

	if (!m->running || m->stopped) {
		return;
	}
	if (m->connected && !world->connected) {
		/* It ended while this member was stopped. */
		struct mlag_event event = {.type = MLAG_EVENT_CHANNEL_DOWN};

		m->connected = false;
		world_step(world, member, &event);
	}
	deliver_messages(world, member);
	worldhello_deliver(world, member);
	worldkernel_deliver_events(world, member);
	worldkernel_deliver_neighbors(world, member);
	poll_ns = mlag_leg_poll_ns(m->engine);
	for (uint32_t lag = 0; lag < WORLD_LAGS; lag++) {
		if (m->legs[lag].told_ns != 0 && world->now_ns >= m->legs[lag].told_ns) {
			worldkernel_observe_leg(world, member, lag);
		}
		if (poll_ns != MLAG_NEVER_NS && world->now_ns >= m->legs[lag].next_poll_ns) {
			m->legs[lag].next_poll_ns = world->now_ns + poll_ns;
			worldkernel_observe_leg(world, member, lag);
		} else if (poll_ns != MLAG_NEVER_NS &&
			   m->legs[lag].next_poll_ns > world->now_ns + poll_ns) {
			m->legs[lag].next_poll_ns = world->now_ns + poll_ns;
		}
	}
	if (mlag_deadline_ns(m->engine) <= world_member_ns(world, member)) {
		tick.tick.read_ns = world_member_ns(world, member);
		world_step(world, member, &tick);
	}
	worldkernel_run_member(world, member);
}

void world_run(struct world *world, uint64_t duration_ns)
{
	uint64_t end_ns = world->now_ns + duration_ns;

	while (world->now_ns < end_ns) {
		world->now_ns += QUANTUM_NS;
		worldlies_pass(world, QUANTUM_NS);
		connect_members(world);
		for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
			run_quantum(world, m);
		}
		for (uint32_t m = 0; m < WORLD_MEMBERS && world->guards; m++) {
			worldguard_run(world, m);
		}
		worldjudge_verdicts(world);
		if (world->complaint == NULL) {
			world->complaint = world_judge_holds(world);
		}
	}
}

static bool all_open(const struct world *world)
{
	for (uint32_t m = 0; m < WORLD_MEMBERS; m++) {
		const struct world_member *member = &world->members[m];
		struct mlag_leg_view leg;
		struct mlag_view view;

		if (!member->running) {
			continue;
		}
		mlag_get_view(member->engine, &view);
		if (!view.synced || !view.macs.match || !view.legs.match || view.fdb_pending != 0 ||
		    !view.neighbors.match || view.neighbors_pending != 0 ||
		    member->neighbor_events_count != 0 || member->events_count != 0) {
			return false;
		}
		for (uint32_t i = 0; mlag_get_leg(member->engine, i, &leg); i++) {
			if (member->legs[leg.lag_id - 1].link && leg.state != MLAG_LEG_OPEN) {
				return false;
			}
		}
	}
	return true;
}

bool world_run_until_open(struct world *world, uint64_t limit_ns)
{
	uint64_t end_ns = world->now_ns + limit_ns;

	while (world->now_ns < end_ns) {
		world_run(world, QUANTUM_NS);
		if (all_open(world)) {
			return true;
		}
	}
	return false;
}

static void hold_leg(struct world *world, uint32_t member, const struct mlag_leg_program *program)
{
	uint32_t lag = program->lag_id - 1U;
	struct world_leg *leg = &world->members[member].legs[lag];

	if (!program->stay) {
		world->holds += leg->held == MLAG_HOLD_NONE && program->hold != MLAG_HOLD_NONE;
		leg->releases += leg->held != MLAG_HOLD_NONE && program->hold == MLAG_HOLD_NONE;
		leg->held = program->hold;
		leg->served = program->hold == MLAG_HOLD_NONE;
	}
	leg->own_system = program->own_system;
	world_change_carrier(world, member, lag);
}
