/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorder: what is recorded is read again as it was, a file is whole whatever ended its writer,
 * what makes no sense is refused, and no secret is in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record.h"
#include "recorder.h"

#define MS UINT64_C(1000000)
#define SEED UINT64_C(0x5ec7e7a1b2c3d4e5)

static char directory[64];
static struct mlag_engine *engine;
static struct mlag_config config;
static struct recorder *recorder;
static uint64_t now_ns;
static uint8_t message[MLAG_WIRE_MESSAGE_MAX];

static void path_of(const char *name, char *ret_path, size_t size)
{
	(void)snprintf(ret_path, size, "%s/%s", directory, name);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/mlag-record-XXXXXX");
	assert_non_null(mkdtemp(directory));
	memset(&config, 0, sizeof(config));
	config.system_mac = (struct mlag_mac){{0x44, 0x38, 0x39, 0xff, 0, 1}};
	config.domain_id = 7;
	config.hello_interval_ns = 100 * MS;
	config.dead_multiplier = 3;
	config.restart_hold_ns = 3000 * MS;
	config.startup_wait_ns = 3000 * MS;
	config.boot_id = 99;
	config.hash_seed = SEED;
	config.macs_max = 64;
	config.neighbors_max = 64;
	now_ns = 1000 * MS;
	engine = mlag_engine_init(calloc(1, mlag_engine_size(&config)), &config, now_ns);
	recorder = recorder_open(directory, NULL);
	assert_non_null(recorder);
	recorder_config(recorder, &config, now_ns);
	return 0;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	recorder_close(recorder);
	free(engine);
	path_of(RECORDER_FILE, path, sizeof(path));
	(void)unlink(path);
	path_of(RECORDER_FILE_CRASHED, path, sizeof(path));
	(void)unlink(path);
	(void)rmdir(directory);
	return 0;
}

static void step(const struct mlag_event *event)
{
	struct mlag_effects effects;

	now_ns += 10 * MS;
	recorder_step(recorder, engine, event, now_ns, &effects);
}

/* One of each kind, with something in it. */
static void live(void)
{
	struct mlag_peer_link link = {
		.ifindex = 3, .bridge_ifindex = 2, .carrier = true, .vlan_aware = true};
	struct mlag_leg_observation leg = {.ifindex = 5, .carrier = true, .lacp = true};
	struct mlag_default_route route = {.family = 4, .present = true, .hops_count = 1};
	struct mlag_question question = {.id = 4, .key = {.table = MLAG_TABLE_MACS}};
	struct mlag_event event = {.type = MLAG_EVENT_LEG_CONFIGURE};
	uint8_t hello[MLAG_HELLO_SIZE_MAX];
	struct mlag_leg_program program;
	struct mlag_fdb_operation fdb[8];

	event.leg_configure.lag_id = 1;
	step(&event);
	link.mac.octets[5] = 1;
	mlag_vlans_add(&link.vlans, 10);
	event = (struct mlag_event){.type = MLAG_EVENT_PEER_LINK, .peer_link = &link};
	step(&event);
	mlag_vlans_add(&leg.vlans, 10);
	mlag_vlans_add(&leg.vlans, 4000);
	event = (struct mlag_event){.type = MLAG_EVENT_LEG};
	event.leg.lag_id = 1;
	event.leg.observation = &leg;
	step(&event);
	while (recorder_next_leg(recorder, engine, &program)) {
		event = (struct mlag_event){.type = MLAG_EVENT_LEG_APPLIED};
		event.leg_applied.lag_id = program.lag_id;
		event.leg_applied.serial = program.serial;
		step(&event);
	}
	event = (struct mlag_event){.type = MLAG_EVENT_FDB};
	event.fdb.key.vlan = 10;
	event.fdb.key.mac.octets[0] = 2;
	event.fdb.entry = (struct mlag_fdb_entry){5, MLAG_FDB_DYNAMIC};
	step(&event);
	(void)recorder_next_fdb(recorder, engine, fdb, 8);
	event = (struct mlag_event){.type = MLAG_EVENT_DEFAULT_ROUTE, .default_route = &route};
	step(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_ASK, .ask = &question};
	step(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_CHANNEL_UP};
	step(&event);
	assert_true(recorder_next_message(recorder, engine, MLAG_URGENCY_URGENT, now_ns, message) >
		    0);
	(void)recorder_next_hello(recorder, engine, now_ns, hello);
	event = (struct mlag_event){.type = MLAG_EVENT_TICK};
	event.tick.read_ns = now_ns;
	step(&event);
}

static uint32_t copy(uint8_t **ret_data)
{
	uint32_t size;

	assert_int_equal(recorder_copy(recorder, ret_data, &size), 0);
	return size;
}

/* What @data says is told to an engine; what comes is what came. */
static uint32_t replay(const uint8_t *data, uint32_t size)
{
	static struct record record;
	struct mlag_engine *again = NULL;
	struct record_reader reader;
	uint32_t count = 0;
	int r;

	assert_true(record_open(&reader, data, size));
	assert_string_equal(reader.software, MLAG_VERSION);
	while ((r = record_next(&reader, &record)) == 1) {
		struct mlag_effects effects;
		struct mlag_leg_program program;

		assert_false(reader.missing);
		count++;
		if (record.kind == RECORD_CONFIG) {
			again = mlag_engine_init(calloc(1, mlag_engine_size(&record.config)),
						 &record.config, record.now_ns);
			assert_true(record.config.hash_seed != SEED);
		} else if (record.kind == RECORD_STEP) {
			mlag_step(again, &record.event, record.now_ns, &effects);
			assert_true(record_digest_effects(&effects) == record.effects_digest);
		} else if (record.kind == RECORD_MESSAGE) {
			uint32_t got = mlag_next_message(again,
							 (enum mlag_urgency)record.pull.argument,
							 record.now_ns, message);

			assert_int_equal(got, record.pull.count);
			assert_true(record_digest_bytes(message, got) == record.pull.digest);
		} else if (record.kind == RECORD_LEG) {
			assert_int_equal(mlag_next_leg(again, &program), record.pull.count);
			assert_true(record.pull.count == 0 ||
				    record_digest_leg(&program) == record.pull.digest);
		} else if (record.kind == RECORD_HELLO) {
			(void)mlag_next_hello(again, record.now_ns, message);
		} else if (record.kind == RECORD_FDB) {
			struct mlag_fdb_operation fdb[8];
			uint32_t got = mlag_next_fdb(again, fdb, record.pull.argument);

			assert_int_equal(got, record.pull.count);
			assert_true(record_digest_fdb(fdb, got) == record.pull.digest);
		}
	}
	assert_int_equal(r, 0);
	free(again);
	return count;
}

static void test_a_recorded_life_is_lived_again(void **state)
{
	uint8_t *data;
	uint32_t size;

	(void)state;
	live();
	size = copy(&data);
	assert_true(replay(data, size) >= 14);
	free(data);
}

static void test_no_secret_is_in_it(void **state)
{
	uint64_t seed = __builtin_bswap64(SEED);
	uint8_t *data;
	uint32_t size;

	(void)state;
	live();
	size = copy(&data);
	assert_null(memmem(data, size, &seed, sizeof(seed)));
	seed = SEED;
	assert_null(memmem(data, size, &seed, sizeof(seed)));
	free(data);
}

/* For root alone, and a whole life. */
static void expect_kept(const char *path)
{
	static uint8_t data[8 * 1024 * 1024];
	struct stat status;
	FILE *file;
	size_t size;

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(data, 1, sizeof(data), file);
	(void)fclose(file);
	assert_true(replay(data, (uint32_t)size) >= 14);
}

/* Nobody closed it: a new process finds it so. */
static void open_again(const char *state_dir)
{
	struct recorder *next = recorder_open(directory, state_dir);

	assert_non_null(next);
	recorder_close(next);
}

static void test_what_a_killed_process_left_is_whole_and_kept(void **state)
{
	char path[128];

	(void)state;
	live();
	open_again(NULL);
	path_of(RECORDER_FILE_CRASHED, path, sizeof(path));
	expect_kept(path);
}

/* The run directory is memory: what the machine itself takes with it is kept where it does not. */
static void test_what_a_killed_process_left_is_kept_on_disk(void **state)
{
	char state_dir[] = "/tmp/mlag-record-state-XXXXXX";
	char path[128], kept[128];

	(void)state;
	assert_non_null(mkdtemp(state_dir));
	live();
	open_again(state_dir);
	(void)snprintf(kept, sizeof(kept), "%s/%s", state_dir, RECORDER_FILE_CRASHED);
	expect_kept(kept);
	path_of(RECORDER_FILE_CRASHED, path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	(void)unlink(kept);
	/* And nothing else is there. */
	assert_int_equal(rmdir(state_dir), 0);
}

static void test_where_the_disk_refuses_it_is_kept_in_the_run_directory(void **state)
{
	char path[128];

	(void)state;
	live();
	open_again("/proc");
	path_of(RECORDER_FILE_CRASHED, path, sizeof(path));
	expect_kept(path);
}

static void test_what_came_to_its_end_is_no_evidence(void **state)
{
	char path[128];
	struct stat status;

	(void)state;
	live();
	recorder_close(recorder);
	recorder = recorder_open(directory, NULL);
	path_of(RECORDER_FILE_CRASHED, path, sizeof(path));
	assert_int_equal(stat(path, &status), -1);
}

/* Bounded: the beginning stays, the last stays, and what is missing between them is said. */
static void test_beginning_and_last_are_kept(void **state)
{
	static struct record record;
	struct record_reader reader;
	uint8_t *data;
	uint32_t size, missing = 0, first = 0, last = 0, count = 0;
	uint32_t last_said = 0;

	(void)state;
	for (uint32_t i = 1; i <= 200000; i++) {
		struct mlag_event event = {.type = MLAG_EVENT_FDB_FAILED};

		event.fdb_failed.error = (int)(i % 60000 + 1);
		event.fdb_failed.key.vlan = 5000; /* impossible, so that nothing comes of it */
		last_said = i % 60000 + 1;
		step(&event);
	}
	size = copy(&data);
	assert_int_equal(size,
			 RECORD_FILE_HEADER_SIZE + RECORDER_START_SIZE + 2 * RECORDER_SEGMENT_SIZE);
	assert_true(record_open(&reader, data, size));
	while (record_next(&reader, &record) == 1) {
		missing += reader.missing;
		if (record.kind == RECORD_STEP) {
			first = first == 0 ? (uint32_t)record.event.fdb_failed.error : first;
			last = (uint32_t)record.event.fdb_failed.error;
			count++;
		}
	}
	assert_int_equal(first, 2);
	assert_int_equal(last, last_said);
	assert_int_equal(missing, 1);
	assert_true(count > 50000 && count < 200000);
	free(data);
}

static void test_what_is_cut_or_foreign_is_refused(void **state)
{
	static struct record record;
	struct record_reader reader;
	uint8_t *data;
	uint8_t *whole = malloc(RECORD_SIZE_MAX);
	uint32_t size;

	(void)state;
	live();
	size = copy(&data);
	assert_false(record_open(&reader, data, 100));
	assert_false(record_open(&reader, data, RECORD_FILE_HEADER_SIZE)); /* segments are beyond */
	data[0] ^= 1;
	assert_false(record_open(&reader, data, size));
	data[0] ^= 1;
	data[RECORD_AT_VERSION + 3]++;
	assert_false(record_open(&reader, data, size));
	data[RECORD_AT_VERSION + 3]--;
	/* A record of an event that does not exist. */
	assert_true(record_open(&reader, data, size));
	data[RECORD_FILE_HEADER_SIZE] = 200;
	assert_int_equal(record_next(&reader, &record), -1);
	free(data);
	/* Every prefix of a record. */
	memset(&record, 0, sizeof(record));
	record.kind = RECORD_STEP;
	record.event.type = MLAG_EVENT_FDB;
	record.event.fdb.entry.kind = MLAG_FDB_STICKY;
	size = record_put(&record, whole);
	assert_true(size > 0 && size < 256);
	for (uint32_t cut = 0; cut < size; cut++) {
		uint8_t *part = malloc(cut + 1);

		memcpy(part, whole, cut);
		assert_int_equal(record_get(part, cut, &record), 0);
		free(part);
	}
	whole[size - 2] = MLAG_FDB_STICKY + 1; /* a kind that there is not */
	assert_int_equal(record_get(whole, size, &record), 0);
	free(whole);
}

/* Each kind of event, with something in each field that it has. */
static struct mlag_event sample(enum mlag_event_type type)
{
	static const uint8_t bytes[MLAG_WIRE_HEADER_SIZE + 3] = {1, 2, 3, 4, 5, 6};
	static struct mlag_peer_link link;
	static struct mlag_leg_observation leg;
	static struct mlag_default_route route;
	static struct mlag_question question;
	static struct mlag_resume resume;
	static struct mlag_leg_program program;
	static struct mlag_address_program address;
	struct mlag_event event;

	memset(&event, 0, sizeof(event));
	event.type = type;
	switch (type) {
	case MLAG_EVENT_NONE:
	case MLAG_EVENT_CHANNEL_UP:
	case MLAG_EVENT_CHANNEL_DOWN:
	case MLAG_EVENT_PROMOTE:
	case MLAG_EVENT_FDB_DUMP_BEGIN:
	case MLAG_EVENT_FDB_DUMP_END:
	case MLAG_EVENT_NEIGHBOR_DUMP_BEGIN:
	case MLAG_EVENT_NEIGHBOR_DUMP_END:
	case MLAG_EVENT_GOODBYE:
	case MLAG_EVENT_RESUMED:
		break;
	case MLAG_EVENT_TICK:
		event.tick.read_ns = 77;
		break;
	case MLAG_EVENT_MESSAGE:
		event.message.data = bytes;
		event.message.size = sizeof(bytes);
		break;
	case MLAG_EVENT_HELLO:
		event.hello.path = MLAG_PATH_BACKUP;
		event.hello.authentic = true;
		event.hello.data = bytes;
		event.hello.size = sizeof(bytes);
		break;
	case MLAG_EVENT_PEER_LINK:
		link = (struct mlag_peer_link){.ifindex = 3, .bridge_ifindex = 2, .carrier = true};
		mlag_vlans_add(&link.vlans, 10);
		event.peer_link = &link;
		break;
	case MLAG_EVENT_LEG:
		leg = (struct mlag_leg_observation){.ifindex = 5, .lacp = true, .untagged_vid = 9};
		mlag_vlans_add(&leg.vlans, 4000);
		event.leg.lag_id = 7;
		event.leg.observation = &leg;
		break;
	case MLAG_EVENT_LEG_APPLIED:
		event.leg_applied.lag_id = 7;
		event.leg_applied.serial = 8;
		break;
	case MLAG_EVENT_LEG_REFUSED:
		event.leg_refused.lag_id = 7;
		break;
	case MLAG_EVENT_LEG_CONFIGURE:
	case MLAG_EVENT_LEG_REMOVE:
		event.leg_configure.lag_id = 7;
		event.leg_configure.is_drained = true;
		event.leg_configure.held = MLAG_HOLD_REJOIN;
		break;
	case MLAG_EVENT_DRAIN:
		event.drain.lag_id = 7;
		event.drain.on = true;
		break;
	case MLAG_EVENT_FDB:
		event.fdb.key.vlan = 10;
		event.fdb.entry = (struct mlag_fdb_entry){5, MLAG_FDB_STICKY};
		event.fdb.listed = true;
		break;
	case MLAG_EVENT_FDB_FAILED:
		event.fdb_failed.key.mac.octets[5] = 4;
		event.fdb_failed.error = 16;
		break;
	case MLAG_EVENT_ADDRESS:
		event.address.key.kind = MLAG_ADDRESS_IP;
		event.address.key.octets[15] = 4;
		event.address.present = true;
		event.address.ifindex = 12;
		break;
	case MLAG_EVENT_NEIGHBOR_DEVICE:
		event.neighbor_device.vlan = 10;
		event.neighbor_device.device = MLAG_NEIGHBOR_ON_GATEWAY;
		event.neighbor_device.ifindex = 12;
		break;
	case MLAG_EVENT_NEIGHBOR:
		event.neighbor.key.family = 6;
		event.neighbor.entry.state = MLAG_NEIGHBOR_STATIC;
		event.neighbor.entry.marked = true;
		event.neighbor.entry.mac.octets[2] = 9;
		break;
	case MLAG_EVENT_NEIGHBOR_FAILED:
		event.neighbor_failed.key.octets[3] = 1;
		event.neighbor_failed.error = 17;
		break;
	case MLAG_EVENT_DEFAULT_ROUTE:
		route = (struct mlag_default_route){.family = 6, .present = true, .hops_count = 2};
		route.hops[1].ifindex = 12;
		event.default_route = &route;
		break;
	case MLAG_EVENT_ASK:
		question = (struct mlag_question){.id = 4, .has_key = true};
		question.key.table = MLAG_TABLES_COUNT - 1;
		event.ask = &question;
		break;
	case MLAG_EVENT_RECONFIGURE:
		event.reconfigure = &config;
		break;
	case MLAG_EVENT_RESUME:
		mlag_get_resume(engine, &resume);
		resume.written_ns = now_ns;
		event.resume = &resume;
		break;
	case MLAG_EVENT_RESUME_LEG:
		program = (struct mlag_leg_program){.lag_id = 7, .gate = MLAG_GATE_OPEN};
		program.memory.peer_generation = 5;
		mlag_vlans_add(&program.isolated, 10);
		event.resume_leg = &program;
		break;
	case MLAG_EVENT_RESUME_MAC:
		event.resume_mac.key.vlan = 10;
		event.resume_mac.place.lag_id = 7;
		event.resume_mac.place.peer_seq = 3;
		break;
	case MLAG_EVENT_RESUME_ADDRESS:
		address = (struct mlag_address_program){.owner = MLAG_OWNER_PEER, .domain = 3};
		event.resume_address = &address;
		break;
	}
	return event;
}

/* LIVE-11: whatever kind it is of, it is read as it was written, or not at all when something lacks. */
static void test_each_kind_of_event_is_read_as_it_was_or_not_at_all(void **state)
{
	uint8_t *bytes = malloc(RECORD_SIZE_MAX);
	uint8_t *again = malloc(RECORD_SIZE_MAX);
	static struct record record;
	static struct record read;

	(void)state;
	for (uint32_t type = 0; type <= MLAG_EVENT_LEG_REFUSED; type++) {
		uint32_t size;

		memset(&record, 0, sizeof(record));
		record.kind = RECORD_STEP;
		record.now_ns = 1000 + type;
		record.effects_digest = type;
		record.event = sample((enum mlag_event_type)type);
		size = record_put(&record, bytes);
		assert_true(size > 0);
		assert_int_equal(record_get(bytes, size, &read), size);
		assert_int_equal(read.event.type, type);
		assert_int_equal(read.effects_digest, type);
		assert_int_equal(record_put(&read, again), size);
		assert_memory_equal(bytes, again, size);
		for (uint32_t cut = RECORD_HEADER_SIZE; cut < size; cut++) {
			uint8_t *part = malloc(cut);

			/* One that says itself that it is shorter. */
			memcpy(part, bytes, cut);
			memset(part + 1, 0, 4);
			part[3] = (uint8_t)((cut - RECORD_HEADER_SIZE) >> 8);
			part[4] = (uint8_t)(cut - RECORD_HEADER_SIZE);
			assert_int_equal(record_get(part, cut, &read), 0);
			free(part);
		}
	}
	free(again);
	free(bytes);
}

/* What is said of it in the file is impossible: @at bytes before its end there is @value. */
static void expect_refused(enum mlag_event_type type, uint32_t at, uint8_t value)
{
	static struct record record;
	uint8_t *bytes = malloc(RECORD_SIZE_MAX);
	uint32_t size;

	memset(&record, 0, sizeof(record));
	record.kind = RECORD_STEP;
	record.event = sample(type);
	size = record_put(&record, bytes);
	bytes[size - at] = value;
	assert_int_equal(record_get(bytes, size, &record), 0);
	free(bytes);
}

static void test_values_that_there_are_not_are_refused(void **state)
{
	static struct record record;
	uint8_t *bytes = malloc(RECORD_SIZE_MAX);

	(void)state;
	expect_refused(MLAG_EVENT_NEIGHBOR_DEVICE, 5, MLAG_NEIGHBOR_ON_GATEWAY + 1);
	expect_refused(MLAG_EVENT_NEIGHBOR_DEVICE, 7, 0xff);		    /* a VLAN */
	expect_refused(MLAG_EVENT_NEIGHBOR, 8, MLAG_NEIGHBOR_STATIC + 1);   /* a state */
	expect_refused(MLAG_EVENT_LEG_REMOVE, 4, 0);			    /* LAG 0 */
	expect_refused(MLAG_EVENT_LEG_CONFIGURE, 1, MLAG_HOLD_REFUSED + 1); /* a reason */
	expect_refused(MLAG_EVENT_HELLO, MLAG_WIRE_HEADER_SIZE + 3 + 6, MLAG_PATHS_COUNT);
	expect_refused(MLAG_EVENT_HELLO, MLAG_WIRE_HEADER_SIZE + 3 + 4, 1); /* more than a hello */
	expect_refused(MLAG_EVENT_MESSAGE, MLAG_WIRE_HEADER_SIZE + 3 + 1, 1); /* less than one */
	expect_refused(MLAG_EVENT_TICK, 9, MLAG_EVENT_LEG_REFUSED + 1);
	memset(&record, 0, sizeof(record));
	assert_int_equal(record_put(&record, bytes), 0); /* of no kind */
	record.kind = RECORD_KINDS_COUNT;
	assert_int_equal(record_put(&record, bytes), 0);
	record.kind = RECORD_STEP;
	record.event.type = (enum mlag_event_type)200;
	assert_int_equal(record_put(&record, bytes), 0);
	record.event = sample(MLAG_EVENT_MESSAGE);
	record.event.message.size = RECORD_SIZE_MAX + 1;
	record.event.message.data = calloc(1, RECORD_SIZE_MAX + 1);
	assert_int_equal(record_put(&record, bytes), 0); /* there is no room for it */
	free((void *)record.event.message.data);
	free(bytes);
}

/* LIVE-11: what was taken from an engine, whatever it was. */
static void test_each_kind_of_record_has_a_name_and_is_read_as_it_was(void **state)
{
	static struct record record;
	static struct record read;
	uint8_t *bytes = malloc(RECORD_SIZE_MAX);

	(void)state;
	for (uint32_t kind = RECORD_CONFIG; kind < RECORD_KINDS_COUNT; kind++) {
		for (uint32_t other = RECORD_CONFIG; other < kind; other++) {
			assert_string_not_equal(record_kind_text((enum record_kind)kind),
						record_kind_text((enum record_kind)other));
		}
		if (kind < RECORD_MESSAGE) {
			continue;
		}
		memset(&record, 0, sizeof(record));
		record.kind = (enum record_kind)kind;
		record.pull.argument = 1;
		record.pull.count = kind;
		record.pull.digest = 0x12345678;
		assert_true(record_get(bytes, record_put(&record, bytes), &read) > 0);
		assert_int_equal(read.kind, kind);
		assert_int_equal(read.pull.argument, 1);
		assert_int_equal(read.pull.count, kind);
		assert_int_equal(read.pull.digest, 0x12345678);
	}
	assert_string_equal(record_kind_text(RECORD_NONE), record_kind_text(RECORD_KINDS_COUNT));
	free(bytes);
}

static void expect_config_refused(const struct mlag_config *impossible)
{
	static struct record record;
	uint8_t *bytes = malloc(RECORD_SIZE_MAX);
	uint32_t size;

	memset(&record, 0, sizeof(record));
	record.kind = RECORD_CONFIG;
	record.config = *impossible;
	size = record_put(&record, bytes);
	assert_true(size > 0);
	assert_int_equal(record_get(bytes, size, &record), 0);
	free(bytes);
}

static void test_a_configuration_that_no_engine_has_is_refused(void **state)
{
	struct mlag_config impossible = config;

	(void)state;
	impossible.macs_max = 0;
	expect_config_refused(&impossible);
	impossible.macs_max = MLAG_MACS_MAX + 1;
	expect_config_refused(&impossible);
	impossible = config;
	impossible.neighbors_max = MLAG_NEIGHBORS_MAX + 1;
	expect_config_refused(&impossible);
	impossible = config;
	impossible.boot_id = 0;
	expect_config_refused(&impossible);
}

static void test_digests_tell_what_differs(void **state)
{
	struct mlag_effects effects = {.count = 3};
	struct mlag_address_program addresses[2] = {{.domain = 1}, {.domain = 1}};
	struct mlag_neighbor_operation neighbors[2];
	uint32_t digest;

	(void)state;
	effects.items[0].type = MLAG_EFFECT_CLOSE;
	effects.items[1].type = MLAG_EFFECT_DIFFERENCE;
	digest = record_digest_effects(&effects);
	effects.items[2].type = MLAG_EFFECT_NOTICE;
	assert_true(record_digest_effects(&effects) != digest);
	digest = record_digest_effects(&effects);
	effects.items[1].difference.kind = 1;
	assert_true(record_digest_effects(&effects) != digest);

	assert_int_equal(record_digest_addresses(addresses, 0), 0);
	digest = record_digest_addresses(addresses, 2);
	addresses[1].key.octets[3] = 1;
	assert_true(record_digest_addresses(addresses, 2) != digest);
	assert_true(record_digest_addresses(addresses, 1) != digest);

	memset(neighbors, 0, sizeof(neighbors));
	assert_int_equal(record_digest_neighbors(neighbors, 0), 0);
	digest = record_digest_neighbors(neighbors, 2);
	neighbors[1].mac.octets[0] = 2;
	assert_true(record_digest_neighbors(neighbors, 2) != digest);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_recorded_life_is_lived_again),
		TEST(test_no_secret_is_in_it),
		TEST(test_what_a_killed_process_left_is_whole_and_kept),
		TEST(test_what_a_killed_process_left_is_kept_on_disk),
		TEST(test_where_the_disk_refuses_it_is_kept_in_the_run_directory),
		TEST(test_what_came_to_its_end_is_no_evidence),
		TEST(test_beginning_and_last_are_kept),
		TEST(test_what_is_cut_or_foreign_is_refused),
		TEST(test_each_kind_of_event_is_read_as_it_was_or_not_at_all),
		TEST(test_values_that_there_are_not_are_refused),
		TEST(test_each_kind_of_record_has_a_name_and_is_read_as_it_was),
		TEST(test_a_configuration_that_no_engine_has_is_refused),
		TEST(test_digests_tell_what_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
