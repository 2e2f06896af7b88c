/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorder (see recorder.h, and lib/record.h for the form).  A record is written first and
 * counted in the header after that, in one store, so a reader never sees half of one.
 *
 * What nothing came of is left out where that changes nothing in the engine: when nothing was
 * waiting (a leg or a neighbour that waits may turn out to have nothing to do).  Of messages and hellos also the empty ones are kept, for the engine
 * takes the time from them.
 */
#include "recorder.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "record.h"

#define PATH_SIZE 4096
#define FILE_SIZE (RECORD_FILE_HEADER_SIZE + RECORDER_START_SIZE + 2 * RECORDER_SEGMENT_SIZE)

static const uint32_t segment_sizes[RECORD_SEGMENTS] = {RECORDER_START_SIZE, RECORDER_SEGMENT_SIZE,
							RECORDER_SEGMENT_SIZE};

struct recorder {
	uint8_t *file; /* FILE_SIZE, mapped */
	uint32_t segment;
	uint32_t used;
	uint64_t number; /* of the segment */
	bool broken;	 /* something was not recorded in this segment */
	struct record record;
	uint8_t bytes[RECORD_SIZE_MAX];
};

static uint32_t segment_start(uint32_t segment)
{
	uint32_t start = RECORD_FILE_HEADER_SIZE;

	for (uint32_t i = 0; i < segment && i < RECORD_SEGMENTS; i++) {
		start += segment_sizes[i];
	}
	return start;
}

static uint8_t *segment_header(struct recorder *recorder, uint32_t segment)
{
	return recorder->file + RECORD_AT_SEGMENTS + segment * RECORD_SEGMENT_SIZE;
}

static void store_u32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static void store_u64(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

/* In one store, and after what it counts. */
static void store_used(struct recorder *recorder)
{
	_Atomic uint32_t *used =
		(_Atomic uint32_t *)(void *)(segment_header(recorder, recorder->segment) + 16);

	atomic_store_explicit(used, htobe32(recorder->used), memory_order_release);
}

static void begin_segment(struct recorder *recorder, uint32_t segment)
{
	uint8_t *header = segment_header(recorder, segment);

	recorder->segment = segment;
	recorder->used = 0;
	store_used(recorder);
	recorder->number += recorder->broken ? 2
					     : 1; /* a hole in the numbers is one in the story */
	recorder->broken = false;
	store_u64(header, recorder->number);
	store_u32(header + 8, segment_start(segment));
	store_u32(header + 12, segment_sizes[segment]);
}

/* All of @from, under a name that is not there before it is whole. */
static int copy_file(int from, const char *path)
{
	static uint8_t bytes[65536];
	char unfinished[PATH_SIZE + 8];
	ssize_t size = 0;
	int r = 0;
	int fd;

	(void)snprintf(unfinished, sizeof(unfinished), "%s.new", path);
	fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return -errno;
	}
	for (off_t at = 0; r == 0 && (size = pread(from, bytes, sizeof(bytes), at)) > 0;
	     at += size) {
		ssize_t written = write(fd, bytes, (size_t)size);

		r = written == size ? 0 : written < 0 ? -errno : -ENOSPC;
	}
	if (r == 0 && size < 0) {
		r = -errno;
	}
	if (close(fd) != 0 && r == 0) {
		r = -errno;
	}
	if (r == 0 && rename(unfinished, path) != 0) {
		r = -errno;
	}
	if (r != 0) {
		(void)unlink(unfinished);
	}
	return r;
}

static bool came_to_its_end(int fd)
{
	uint8_t ended[RECORD_AT_ENDED + 4];

	return pread(fd, ended, sizeof(ended), 0) != (ssize_t)sizeof(ended) ||
	       ended[RECORD_AT_ENDED + 3] != 0;
}

/* The last file of an earlier process, if that did not come to an end, is evidence. */
static void keep_crashed(const char *path, const char *run_dir, const char *state_dir)
{
	char kept[PATH_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_kept = false;

	if (fd < 0) {
		return;
	}
	if (came_to_its_end(fd)) {
		(void)close(fd);
		return;
	}
	if (state_dir != NULL) {
		int r;

		(void)snprintf(kept, sizeof(kept), "%s/%s", state_dir, RECORDER_FILE_CRASHED);
		r = copy_file(fd, kept);
		is_kept = r == 0;
		if (r != 0) {
			log_warning("the last events of an earlier mlagd cannot be kept in %s: %s",
				    state_dir, strerror(-r));
		}
	}
	(void)close(fd);
	if (!is_kept) {
		(void)snprintf(kept, sizeof(kept), "%s/%s", run_dir, RECORDER_FILE_CRASHED);
		is_kept = rename(path, kept) == 0;
	}
	if (is_kept) {
		log_warning("an earlier mlagd did not come to its end: its last events are in %s",
			    kept);
	}
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0) {
		return -errno;
	}
	/* Room is taken now: a full file system must not end us later (SIGBUS). */
	r = posix_fallocate(fd, 0, FILE_SIZE);
	if (r != 0) {
		(void)close(fd);
		(void)unlink(path);
		return -r;
	}
	return fd;
}

struct recorder *recorder_open(const char *run_dir, const char *state_dir)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	char path[PATH_SIZE];
	int fd;

	if (recorder == NULL) {
		return NULL;
	}
	(void)snprintf(path, sizeof(path), "%s/%s", run_dir, RECORDER_FILE);
	keep_crashed(path, run_dir, state_dir);
	fd = make_file(path);
	if (fd < 0) {
		log_warning("events are not recorded: %s: %s", path, strerror(-fd));
		free(recorder);
		return NULL;
	}
	recorder->file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (recorder->file == MAP_FAILED) {
		log_warning("events are not recorded: %s: %s", path, strerror(errno));
		free(recorder);
		return NULL;
	}
	store_u32(recorder->file + RECORD_AT_VERSION, RECORD_VERSION);
	memcpy(recorder->file + RECORD_AT_SOFTWARE, MLAG_VERSION, sizeof(MLAG_VERSION));
	begin_segment(recorder, 0);
	store_u64(recorder->file, RECORD_MAGIC);
	return recorder;
}

void recorder_close(struct recorder *recorder)
{
	if (recorder == NULL) {
		return;
	}
	store_u32(recorder->file + RECORD_AT_ENDED, 1);
	(void)munmap(recorder->file, FILE_SIZE);
	free(recorder);
}

static void write_record(struct recorder *recorder)
{
	uint32_t size = record_put(&recorder->record, recorder->bytes);

	if (size == 0) {
		recorder->broken = true;
		return;
	}
	if (recorder->used + size > segment_sizes[recorder->segment]) {
		begin_segment(recorder, recorder->segment == 1 ? 2 : 1);
	}
	memcpy(recorder->file + segment_start(recorder->segment) + recorder->used, recorder->bytes,
	       size);
	recorder->used += size;
	store_used(recorder);
}

static void write_pull(struct recorder *recorder, enum record_kind kind, uint64_t now_ns,
		       uint32_t argument, uint32_t count, uint32_t digest)
{
	struct record *record = &recorder->record;

	record->kind = kind;
	record->now_ns = now_ns;
	record->pull = (struct record_pull){argument, count, digest};
	write_record(recorder);
}

void recorder_config(struct recorder *recorder, const struct mlag_config *config, uint64_t now_ns)
{
	if (recorder != NULL) {
		recorder->record.kind = RECORD_CONFIG;
		recorder->record.now_ns = now_ns;
		recorder->record.config = *config;
		write_record(recorder);
	}
}

void recorder_step(struct recorder *recorder, struct mlag_engine *engine,
		   const struct mlag_event *event, uint64_t now_ns,
		   struct mlag_effects *ret_effects)
{
	mlag_step(engine, event, now_ns, ret_effects);
	if (recorder != NULL) {
		recorder->record.kind = RECORD_STEP;
		recorder->record.now_ns = now_ns;
		recorder->record.event = *event;
		recorder->record.effects_digest = record_digest_effects(ret_effects);
		write_record(recorder);
	}
}

uint32_t recorder_next_message(struct recorder *recorder, struct mlag_engine *engine,
			       enum mlag_urgency urgency, uint64_t now_ns, uint8_t *ret_data)
{
	uint32_t size = mlag_next_message(engine, urgency, now_ns, ret_data);

	if (recorder != NULL) {
		write_pull(recorder, RECORD_MESSAGE, now_ns, urgency, size,
			   record_digest_bytes(ret_data, size));
	}
	return size;
}

uint32_t recorder_next_hello(struct recorder *recorder, struct mlag_engine *engine, uint64_t now_ns,
			     uint8_t *ret_data)
{
	uint32_t size = mlag_next_hello(engine, now_ns, ret_data);

	if (recorder != NULL) {
		write_pull(recorder, RECORD_HELLO, now_ns, 0, size,
			   record_digest_bytes(ret_data, size));
	}
	return size;
}

bool recorder_next_leg(struct recorder *recorder, struct mlag_engine *engine,
		       struct mlag_leg_program *ret_program)
{
	struct mlag_view before;
	bool found;

	mlag_get_view(engine, &before);
	found = mlag_next_leg(engine, ret_program);
	if (recorder != NULL && before.legs_pending > 0) {
		write_pull(recorder, RECORD_LEG, 0, 0, found,
			   found ? record_digest_leg(ret_program) : 0);
	}
	return found;
}

uint32_t recorder_next_fdb(struct recorder *recorder, struct mlag_engine *engine,
			   struct mlag_fdb_operation *ret_operations, uint32_t size_max)
{
	uint32_t count = mlag_next_fdb(engine, ret_operations, size_max);

	if (recorder != NULL && count > 0) {
		write_pull(recorder, RECORD_FDB, 0, size_max, count,
			   record_digest_fdb(ret_operations, count));
	}
	return count;
}

uint32_t recorder_next_addresses(struct recorder *recorder, struct mlag_engine *engine,
				 struct mlag_address_program *ret_programs, uint32_t size_max)
{
	uint32_t count = mlag_next_addresses(engine, ret_programs, size_max);

	if (recorder != NULL && count > 0) {
		write_pull(recorder, RECORD_ADDRESSES, 0, size_max, count,
			   record_digest_addresses(ret_programs, count));
	}
	return count;
}

uint32_t recorder_next_neighbors(struct recorder *recorder, struct mlag_engine *engine,
				 struct mlag_neighbor_operation *ret_operations, uint32_t size_max)
{
	struct mlag_view before;
	uint32_t count;

	mlag_get_view(engine, &before);
	count = mlag_next_neighbors(engine, ret_operations, size_max);
	if (recorder != NULL && before.neighbors_pending > 0) {
		write_pull(recorder, RECORD_NEIGHBORS, 0, size_max, count,
			   record_digest_neighbors(ret_operations, count));
	}
	return count;
}

enum mlag_answer recorder_next_answer(struct recorder *recorder, struct mlag_engine *engine,
				      uint32_t id, struct mlag_row_view *ret_row)
{
	enum mlag_answer answer = mlag_next_answer(engine, id, ret_row);

	if (recorder != NULL && answer != MLAG_ANSWER_NONE) {
		write_pull(recorder, RECORD_ANSWER, 0, id, answer, 0);
	}
	return answer;
}

int recorder_copy(const struct recorder *recorder, uint8_t **ret_data, uint32_t *ret_size)
{
	uint8_t *data;

	if (recorder == NULL) {
		return -ENOENT;
	}
	data = malloc(FILE_SIZE);
	if (data == NULL) {
		return -ENOMEM;
	}
	memcpy(data, recorder->file, FILE_SIZE);
	*ret_data = data;
	*ret_size = FILE_SIZE;
	return 0;
}
