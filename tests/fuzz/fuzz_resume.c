/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever a daemon finds in the maps of another one, the state of the pair is read within its bounds
 * and is either refused or means something; an engine that is told any rows on top of it, and then
 * what the kernel shows, keeps its promises to itself and falls silent.
 */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine.h"
#include "resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)expression;
	(void)file;
	(void)line;
	abort();
}

#define PULLS_MAX 100000

static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

struct input {
	const uint8_t *data;
	size_t size;
};

/* The next @size bytes, zero behind the end. */
static void take(struct input *input, void *ret, size_t size)
{
	size_t given = size < input->size ? size : input->size;

	memset(ret, 0, size);
	memcpy(ret, input->data, given);
	input->data += given;
	input->size -= given;
}

/* Bytes as they are, and with a digest that lets them through: from memory of their very size. */
static bool read_state(const uint8_t *data, uint32_t size, struct mlag_resume *ret_resume)
{
	uint32_t whole_size = size + 8;
	uint64_t digest = XXH3_64bits(data, size);
	uint8_t *copy = malloc(whole_size);
	struct mlag_resume resume;
	bool ok;

	require(copy != NULL);
	memcpy(copy, data, size);
	require(!mlag_resume_read(copy, size, &resume) || size >= 8);
	for (uint32_t i = 0; i < 8; i++) {
		copy[size + i] = (uint8_t)(digest >> (56 - 8 * i));
	}
	ok = mlag_resume_read(copy, whole_size, ret_resume);
	free(copy);
	return ok;
}

/* What was read is written and read again as the same. */
static void check_state(const struct mlag_resume *resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	struct mlag_resume again;

	require(resume->role <= MLAG_ROLE_SECONDARY && resume->verdict != MLAG_VERDICT_NONE);
	require(mlag_resume_read(bytes, mlag_resume_write(resume, bytes), &again));
	require(memcmp(&again, resume, sizeof(again)) == 0);
}

static void step(struct mlag_engine *engine, const struct mlag_event *event, uint64_t now_ns)
{
	struct mlag_effects effects;

	mlag_step(engine, event, now_ns, &effects);
	require(effects.count <= MLAG_EFFECTS_MAX);
}

static void resume_rows(struct mlag_engine *engine, struct input *input, uint64_t now_ns)
{
	for (uint32_t i = 0; i < 64 && input->size > 0; i++) {
		struct mlag_event event = {.type = MLAG_EVENT_RESUME_MAC};
		struct mlag_address_program address;
		uint8_t kind;

		take(input, &kind, 1);
		if (kind % 2 == 0) {
			take(input, &event.resume_mac.place, sizeof(event.resume_mac.place));
			take(input, &event.resume_mac.key.mac.octets[4], 2);
			event.resume_mac.key.vlan = kind / 16;
		} else {
			memset(&address, 0, sizeof(address));
			take(input, &address.key, sizeof(address.key));
			address.owner = kind / 2 % 4;
			address.on_peer_link = (kind & 16) != 0;
			address.peer_link_ifindex = address.on_peer_link ? 10 : 0;
			event.type = MLAG_EVENT_RESUME_ADDRESS;
			event.resume_address = &address;
		}
		step(engine, &event, now_ns);
	}
}

static void resume_leg(struct mlag_engine *engine, struct input *input, uint16_t lag_id,
		       uint64_t now_ns)
{
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};
	struct mlag_leg_program held;
	uint8_t bits;

	event.leg_configure.lag_id = lag_id;
	step(engine, &event, now_ns);
	memset(&held, 0, sizeof(held));
	held.lag_id = lag_id;
	held.ifindex = 20U + lag_id;
	take(input, &bits, 1);
	held.gate = bits % 5;
	take(input, &held.memory, sizeof(held.memory));
	take(input, &held.isolated.words[0], 8);
	take(input, &held.held.words[0], 8);
	event = (struct mlag_event){.type = MLAG_EVENT_RESUME_LEG, .resume_leg = &held};
	step(engine, &event, now_ns);
}

static void observe(struct mlag_engine *engine, struct input *input, uint64_t now_ns)
{
	struct mlag_peer_link peer_link = {.ifindex = 10,
					   .bridge_ifindex = 9,
					   .vlan_aware = true,
					   .mac = {{2, 0, 0, 0, 0, 5}}};
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &peer_link};
	uint8_t bits;

	take(input, &bits, 1);
	peer_link.carrier = (bits & 1) != 0;
	memset(peer_link.vlans.words, 0xff, sizeof(peer_link.vlans.words));
	step(engine, &event, now_ns);
	for (uint32_t i = 0; i < 16; i++) {
		event = (struct mlag_event){.type = MLAG_EVENT_FDB};
		take(input, &event.fdb.key.mac.octets[4], 2);
		take(input, &bits, 1);
		event.fdb.key.vlan = bits / 16;
		event.fdb.entry.kind = bits % (MLAG_FDB_STICKY + 1);
		event.fdb.entry.ifindex = 10 + bits % 3 * 11;
		step(engine, &event, now_ns);
	}
	for (uint16_t lag_id = 1; lag_id <= 2; lag_id++) {
		struct mlag_leg_observation leg = {.lacp = true, .ifindex = 20U + lag_id};

		take(input, &bits, 1);
		leg.carrier = (bits & 1) != 0;
		leg.distributing = (bits & 2) != 0;
		leg.partner_collecting = (bits & 4) != 0;
		leg.ifindex += (bits & 8) != 0;
		take(input, &leg.vlans.words[0], 8);
		event = (struct mlag_event){.type = MLAG_EVENT_LEG};
		event.leg.lag_id = lag_id;
		event.leg.observation = &leg;
		step(engine, &event, now_ns);
	}
}

static void pull(struct mlag_engine *engine, uint64_t now_ns)
{
	static uint8_t message[MLAG_WIRE_MESSAGE_MAX];
	static struct mlag_fdb_operation operations[MLAG_FDB_BATCH_MAX];
	static struct mlag_address_program programs[MLAG_FDB_BATCH_MAX];
	struct mlag_leg_program program;
	uint32_t pulls = 0;

	while (mlag_next_message(engine, MLAG_URGENCY_BULK, now_ns, message) > 0) {
		require(++pulls < PULLS_MAX);
	}
	while (mlag_next_leg(engine, &program)) {
		struct mlag_event applied = {.type = MLAG_EVENT_LEG_APPLIED};

		require(++pulls < PULLS_MAX);
		applied.leg_applied.lag_id = program.lag_id;
		applied.leg_applied.serial = program.serial;
		step(engine, &applied, now_ns);
	}
	while (mlag_next_addresses(engine, programs, MLAG_FDB_BATCH_MAX) > 0) {
		require(++pulls < PULLS_MAX);
	}
	while (mlag_next_fdb(engine, operations, MLAG_FDB_BATCH_MAX) > 0) {
		require(++pulls < PULLS_MAX);
	}
}

/* What is known from the peer alone is never claimed. */
static void check_macs(const struct mlag_engine *engine)
{
	struct mlag_mac_view mac;
	uint32_t cursor = 0;

	while (mlag_next_mac(engine, &cursor, &mac)) {
		require(!mac.own ||
			(mac.entry.kind != MLAG_FDB_INACTIVE && mac.entry.kind != MLAG_FDB_STICKY &&
			 mac.entry.kind != MLAG_FDB_NONE && mac.entry.ifindex != 10));
		require(!mac.own || mac.own_seq != 0);
	}
}

static void run(const struct mlag_resume *resume, struct input *input)
{
	struct mlag_config config = {.domain_id = 1,
				     .hello_interval_ns = 100000000,
				     .dead_multiplier = 3,
				     .restart_hold_ns = 3000000000,
				     .startup_wait_ns = 3000000000,
				     .boot_id = 1,
				     .hash_seed = 1,
				     .macs_max = 32};
	void *memory = calloc(1, mlag_engine_size(&config));
	uint64_t now_ns = resume->written_ns / 2 + UINT64_C(3000000000000);
	struct mlag_event event = {.type = MLAG_EVENT_RESUME, .resume = resume};
	struct mlag_engine *engine;

	require(memory != NULL);
	engine = mlag_engine_init(memory, &config, now_ns);
	step(engine, &event, now_ns);
	resume_leg(engine, input, 1, now_ns);
	resume_leg(engine, input, 2, now_ns);
	resume_rows(engine, input, now_ns);
	observe(engine, input, now_ns);
	event = (struct mlag_event){.type = MLAG_EVENT_RESUMED};
	step(engine, &event, now_ns);
	pull(engine, now_ns);
	check_macs(engine);
	event = (struct mlag_event){.type = MLAG_EVENT_TICK};
	event.tick.read_ns = now_ns += UINT64_C(10000000000);
	step(engine, &event, now_ns);
	pull(engine, now_ns);
	check_macs(engine);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct mlag_resume resume;
	uint32_t state_size;
	uint8_t head[2];

	/* The input begins with the size of the state, which has not always the same. */
	take(&input, head, sizeof(head));
	state_size = (head[0] | (uint32_t)head[1] << 8) % (MLAG_RESUME_SIZE_MAX + 1);
	state_size = input.size < state_size ? (uint32_t)input.size : state_size;
	if (read_state(input.data, state_size, &resume)) {
		check_state(&resume);
	} else {
		memset(&resume, 0, sizeof(resume));
		resume.verdict = MLAG_VERDICT_PEERED;
		resume.session_up = true;
	}
	input.data += state_size;
	input.size -= state_size;
	run(&resume, &input);
	return 0;
}
