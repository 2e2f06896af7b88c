/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay (see replay.h).  Each event is told and each pull is made as it was then; what comes is
 * compared by its digest.  After a gap in the file the engine is not that engine any more: the story
 * goes on, and nothing is compared.
 */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "wire.h"

#define SLICE_MAX 256

struct replay {
	struct mlag_engine *engine;
	void *memory;
	uint64_t start_ns;
	uint64_t last_ns;
	bool exact; /* nothing is missing so far */
	uint64_t records;
	uint64_t steps;
	uint64_t compared;
	uint64_t differences;
	struct record record;
};

static const char *const event_texts[] = {
	[MLAG_EVENT_NONE] = "nothing",
	[MLAG_EVENT_TICK] = "time passes",
	[MLAG_EVENT_CHANNEL_UP] = "a connection to the peer stands",
	[MLAG_EVENT_CHANNEL_DOWN] = "the connection to the peer ended",
	[MLAG_EVENT_MESSAGE] = "the peer says",
	[MLAG_EVENT_HELLO] = "hello",
	[MLAG_EVENT_PROMOTE] = "somebody wants it to lead",
	[MLAG_EVENT_PEER_LINK] = "peer link",
	[MLAG_EVENT_LEG] = "leg",
	[MLAG_EVENT_LEG_APPLIED] = "leg programmed",
	[MLAG_EVENT_LEG_REFUSED] = "leg that takes no programs",
	[MLAG_EVENT_LEG_CONFIGURE] = "leg configured",
	[MLAG_EVENT_LEG_REMOVE] = "leg removed",
	[MLAG_EVENT_FDB] = "FDB entry",
	[MLAG_EVENT_FDB_DUMP_BEGIN] = "FDB dump begins",
	[MLAG_EVENT_FDB_DUMP_END] = "FDB dump ends",
	[MLAG_EVENT_FDB_FAILED] = "FDB write failed",
	[MLAG_EVENT_ADDRESS] = "own address",
	[MLAG_EVENT_NEIGHBOR_DEVICE] = "device of neighbors",
	[MLAG_EVENT_NEIGHBOR] = "neighbor",
	[MLAG_EVENT_NEIGHBOR_DUMP_BEGIN] = "neighbor dump begins",
	[MLAG_EVENT_NEIGHBOR_DUMP_END] = "neighbor dump ends",
	[MLAG_EVENT_NEIGHBOR_FAILED] = "neighbor write failed",
	[MLAG_EVENT_DEFAULT_ROUTE] = "default route",
	[MLAG_EVENT_ASK] = "somebody asks for the peer's view",
	[MLAG_EVENT_RECONFIGURE] = "configuration",
	[MLAG_EVENT_GOODBYE] = "this member leaves",
	[MLAG_EVENT_RESUME] = "an earlier daemon left its word",
	[MLAG_EVENT_RESUME_LEG] = "a leg as the earlier daemon left it",
	[MLAG_EVENT_RESUME_MAC] = "a MAC as the earlier daemon left it",
	[MLAG_EVENT_RESUME_ADDRESS] = "an address as the earlier daemon left it",
	[MLAG_EVENT_RESUMED] = "that was all that it left",
};

static const char *event_text(enum mlag_event_type type)
{
	uint32_t number = (uint32_t)type;

	return number < sizeof(event_texts) / sizeof(event_texts[0]) && event_texts[number] != NULL
		       ? event_texts[number]
		       : "an event without a name";
}

static void print_time(const struct replay *replay)
{
	(void)printf("%12.3f ms  ", (double)(replay->last_ns - replay->start_ns) / 1e6);
}

static void print_mac(const struct mlag_mac *mac)
{
	(void)printf(" %02x:%02x:%02x:%02x:%02x:%02x", mac->octets[0], mac->octets[1],
		     mac->octets[2], mac->octets[3], mac->octets[4], mac->octets[5]);
}

/* What there is to say of some events; of the others their name is enough. */
static void print_event(const struct mlag_event *event)
{
	(void)printf("%s", event_text(event->type));
	if (event->type == MLAG_EVENT_LEG) {
		(void)printf(" of LAG %u: ifindex %u, carrier %d, distributing %d, collecting %d",
			     event->leg.lag_id, event->leg.observation->ifindex,
			     event->leg.observation->carrier, event->leg.observation->distributing,
			     event->leg.observation->partner_collecting);
	} else if (event->type == MLAG_EVENT_PEER_LINK) {
		(void)printf(": ifindex %u, carrier %d", event->peer_link->ifindex,
			     event->peer_link->carrier);
	} else if (event->type == MLAG_EVENT_FDB) {
		print_mac(&event->fdb.key.mac);
		(void)printf(" VLAN %u: %s at %u", event->fdb.key.vlan,
			     mlag_fdb_kind_text(event->fdb.entry.kind), event->fdb.entry.ifindex);
	} else if (event->type == MLAG_EVENT_FDB_FAILED) {
		print_mac(&event->fdb_failed.key.mac);
		(void)printf(" VLAN %u: %s", event->fdb_failed.key.vlan,
			     strerror(event->fdb_failed.error));
	} else if (event->type == MLAG_EVENT_NEIGHBOR) {
		print_mac(&event->neighbor.entry.mac);
		(void)printf(" VLAN %u: %s", event->neighbor.key.vlan,
			     mlag_neighbor_state_text(event->neighbor.entry.state));
	} else if (event->type == MLAG_EVENT_MESSAGE) {
		(void)printf(" message %u, %u octets",
			     event->message.data[4] << 8 | event->message.data[5],
			     event->message.size);
	} else if (event->type == MLAG_EVENT_HELLO) {
		(void)printf(" by the %s",
			     event->hello.path == MLAG_PATH_BACKUP ? "backup path" : "peer link");
	}
	(void)printf("\n");
}

static void print_effects(const struct replay *replay, const struct mlag_effects *effects)
{
	for (uint32_t i = 0; i < effects->count; i++) {
		const struct mlag_effect *effect = &effects->items[i];

		print_time(replay);
		switch (effect->type) {
		case MLAG_EFFECT_NONE:
			(void)printf("    -> nothing\n");
			break;
		case MLAG_EFFECT_CLOSE:
			(void)printf("    -> the connection is closed: %s\n",
				     mlag_close_reason_text(effect->close.reason));
			break;
		case MLAG_EFFECT_NOTICE:
			(void)printf("    -> %s %u: %s -> %s: %s\n",
				     mlag_notice_text(effect->notice.notice), effect->notice.lag_id,
				     effect->notice.from, effect->notice.to,
				     effect->notice.because);
			break;
		case MLAG_EFFECT_DIFFERENCE:
			(void)printf("    -> tables: %s: %s\n",
				     mlag_table_text(effect->difference.key.table),
				     mlag_difference_text(effect->difference.kind));
			break;
		}
	}
}

static void compare(struct replay *replay, bool same, const char *what)
{
	replay->compared += replay->exact;
	if (replay->exact && !same) {
		replay->differences++;
		print_time(replay);
		(void)printf("    DIFFERENT: %s is not what it was\n", what);
	}
}

static int make_engine(struct replay *replay)
{
	free(replay->memory);
	replay->memory = calloc(1, mlag_engine_size(&replay->record.config));
	if (replay->memory == NULL) {
		return -1;
	}
	replay->engine =
		mlag_engine_init(replay->memory, &replay->record.config, replay->record.now_ns);
	replay->start_ns = replay->record.now_ns;
	replay->last_ns = replay->record.now_ns;
	replay->exact = true;
	print_time(replay);
	(void)printf("%s: domain %u, boot %llx\n", record_kind_text(RECORD_CONFIG),
		     replay->record.config.domain_id,
		     (unsigned long long)replay->record.config.boot_id);
	return 0;
}

/* Only what came of it, or is no mere sign of life, is a line of the story. */
static void step(struct replay *replay)
{
	const struct record *record = &replay->record;
	struct mlag_effects effects;
	bool dull = record->event.type == MLAG_EVENT_TICK ||
		    record->event.type == MLAG_EVENT_HELLO ||
		    (record->event.type == MLAG_EVENT_MESSAGE &&
		     record->event.message.data[5] == WIRE_KEEPALIVE);

	replay->last_ns = record->now_ns;
	mlag_step(replay->engine, &record->event, record->now_ns, &effects);
	replay->steps++;
	if (!dull || effects.count > 0) {
		print_time(replay);
		print_event(&record->event);
	}
	print_effects(replay, &effects);
	compare(replay, record_digest_effects(&effects) == record->effects_digest,
		"what follows from it");
}

static void pull_octets(struct replay *replay)
{
	static uint8_t data[MLAG_WIRE_MESSAGE_MAX];
	const struct record *record = &replay->record;
	uint32_t size;

	replay->last_ns = record->now_ns;
	if (record->kind == RECORD_HELLO) {
		size = mlag_next_hello(replay->engine, record->now_ns, data);
	} else {
		size = mlag_next_message(replay->engine, (enum mlag_urgency)record->pull.argument,
					 record->now_ns, data);
	}
	if (size > 0 && record->kind == RECORD_MESSAGE && data[5] != WIRE_KEEPALIVE) {
		print_time(replay);
		(void)printf("  message %u to the peer, %u octets\n", data[4] << 8 | data[5], size);
	}
	compare(replay,
		size == record->pull.count &&
			record_digest_bytes(data, size) == record->pull.digest,
		record_kind_text(record->kind));
}

static void print_slice(const struct replay *replay, uint32_t count)
{
	if (count > 0) {
		print_time(replay);
		(void)printf("  %u %s\n", count, record_kind_text(replay->record.kind));
	}
}

static void pull_slice(struct replay *replay)
{
	static struct mlag_fdb_operation fdb[SLICE_MAX];
	static struct mlag_address_program addresses[SLICE_MAX];
	static struct mlag_neighbor_operation neighbors[SLICE_MAX];
	const struct record_pull *pull = &replay->record.pull;
	uint32_t max = pull->argument >= 1 && pull->argument <= SLICE_MAX ? pull->argument
									  : SLICE_MAX;
	struct mlag_leg_program leg;
	uint32_t count = 0;
	uint32_t digest = 0;

	switch (replay->record.kind) {
	case RECORD_LEG:
		count = mlag_next_leg(replay->engine, &leg);
		digest = count != 0 ? record_digest_leg(&leg) : 0;
		break;
	case RECORD_FDB:
		count = mlag_next_fdb(replay->engine, fdb, max);
		digest = record_digest_fdb(fdb, count);
		break;
	case RECORD_ADDRESSES:
		count = mlag_next_addresses(replay->engine, addresses, max);
		digest = record_digest_addresses(addresses, count);
		break;
	case RECORD_NEIGHBORS:
		count = mlag_next_neighbors(replay->engine, neighbors, max);
		digest = record_digest_neighbors(neighbors, count);
		break;
	case RECORD_NONE:
	case RECORD_CONFIG:
	case RECORD_STEP:
	case RECORD_MESSAGE:
	case RECORD_HELLO:
	case RECORD_ANSWER:
	case RECORD_KINDS_COUNT:
		break;
	}
	print_slice(replay, count);
	compare(replay, count == pull->count && digest == pull->digest,
		record_kind_text(replay->record.kind));
}

static void pull_answer(struct replay *replay)
{
	struct mlag_row_view row;
	enum mlag_answer answer =
		mlag_next_answer(replay->engine, replay->record.pull.argument, &row);

	compare(replay, (uint32_t)answer == replay->record.pull.count, "an answer");
}

static int tell(struct replay *replay)
{
	replay->records++;
	if (replay->record.kind != RECORD_CONFIG && replay->engine == NULL) {
		(void)fprintf(stderr, "sim: the file does not begin with an engine\n");
		return 3;
	}
	switch (replay->record.kind) {
	case RECORD_CONFIG:
		return make_engine(replay) < 0 ? 3 : 0;
	case RECORD_STEP:
		step(replay);
		break;
	case RECORD_MESSAGE:
	case RECORD_HELLO:
		pull_octets(replay);
		break;
	case RECORD_LEG:
	case RECORD_FDB:
	case RECORD_ADDRESSES:
	case RECORD_NEIGHBORS:
		pull_slice(replay);
		break;
	case RECORD_ANSWER:
		pull_answer(replay);
		break;
	case RECORD_NONE:
	case RECORD_KINDS_COUNT:
		break;
	}
	return 0;
}

static int tell_all(struct replay *replay, struct record_reader *reader)
{
	int found;

	(void)printf("recorded by mlagd %s, which %s\n", reader->software,
		     reader->ended ? "came to its end" : "ran on, or did not come to its end");
	while ((found = record_next(reader, &replay->record)) == 1) {
		int r;

		if (reader->missing) {
			replay->exact = false;
			(void)printf("        ... something is missing here; from now on nothing "
				     "is compared ...\n");
		}
		r = tell(replay);
		if (r != 0) {
			return r;
		}
	}
	if (found < 0) {
		(void)fprintf(stderr, "sim: a record makes no sense\n");
		return 3;
	}
	(void)printf("replay: %llu records, %llu events, %.3f s; %llu compared, %llu different%s\n",
		     (unsigned long long)replay->records, (unsigned long long)replay->steps,
		     (double)(replay->last_ns - replay->start_ns) / 1e9,
		     (unsigned long long)replay->compared, (unsigned long long)replay->differences,
		     replay->exact ? "" : "; not all of it was recorded");
	return replay->differences == 0 ? 0 : 1;
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *data = NULL;
	long size = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
		size = ftell(file);
	}
	if (size > 0 && size <= RECORD_FILE_SIZE_MAX && fseek(file, 0, SEEK_SET) == 0) {
		data = malloc((size_t)size);
	}
	if (data != NULL && fread(data, 1, (size_t)size, file) != (size_t)size) {
		free(data);
		data = NULL;
	}
	if (file != NULL) {
		(void)fclose(file);
	}
	*ret_size = (size_t)size;
	return data;
}

int replay_file(const char *path)
{
	static struct replay replay;
	struct record_reader reader;
	size_t size;
	uint8_t *data = read_file(path, &size);
	int r = 3;

	if (data == NULL) {
		(void)fprintf(stderr, "sim: %s cannot be read\n", path);
	} else if (!record_open(&reader, data, size)) {
		(void)fprintf(stderr, "sim: %s is no record of mlagd, or one of another version\n",
			      path);
	} else {
		memset(&replay, 0, sizeof(replay));
		r = tell_all(&replay, &reader);
		free(replay.memory);
	}
	free(data);
	return r;
}
