// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the programs count (see counters.h).  At tc a row is found by port and reason; at XDP, where
 * that would take too long, by a number that the port's entry carries.  Who reads gets the sum.
 */
#include "datapath/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int counters_open(struct counters *counters, const struct objects *ebpf)
{
	int cpus_count = libbpf_num_possible_cpus();

	if (cpus_count < 0) {
		return cpus_count;
	}
	counters->ebpf = ebpf;
	counters->cpus_count = (uint32_t)cpus_count;
	counters->per_cpu = calloc(counters->cpus_count, sizeof(*counters->per_cpu));
	return counters->per_cpu ? 0 : -ENOMEM;
}

void counters_close(struct counters *counters)
{
	free(counters->per_cpu);
	counters->per_cpu = NULL;
}

void counters_adopt(struct counters *counters, uint32_t ifindex, uint32_t place)
{
	uint32_t row = place / MLAG_REASONS_COUNT;

	if (row > 0 && row <= MLAG_MAP_PORTS_MAX && place % MLAG_REASONS_COUNT == 0 &&
	    !counters->rows[row]) {
		counters->rows[row] = ifindex;
	}
}

static uint32_t find_row(const struct counters *counters, uint32_t ifindex)
{
	for (uint32_t row = 1; row <= MLAG_MAP_PORTS_MAX; row++) {
		if (counters->rows[row] == ifindex) {
			return row;
		}
	}
	return 0;
}

uint32_t counters_take_row(struct counters *counters, uint32_t ifindex)
{
	uint32_t row = find_row(counters, ifindex);

	if (!row) {
		row = find_row(counters, 0);
		counters->rows[row] = row ? ifindex : 0;
	}
	return row * MLAG_REASONS_COUNT;
}

void counters_release_row(struct counters *counters, uint32_t ifindex)
{
	/* Without a row it is row 0, which is nobody's anyway. */
	counters->rows[find_row(counters, ifindex)] = 0;
}

/* Deletes a key of a map; one that is not there is no error. */
static int forget(const struct bpf_map *map, const void *key)
{
	int error = bpf_map_delete_elem(bpf_map__fd(map), key);

	return error == -ENOENT ? 0 : error;
}

/* Makes a row unless there is one, whose count goes on. */
static int make_row(const struct bpf_map *map, const void *key, const void *value)
{
	int error = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_NOEXIST);

	return error == -EEXIST ? 0 : error;
}

static const void *zeroes(struct counters *counters)
{
	memset(counters->per_cpu, 0, counters->cpus_count * sizeof(*counters->per_cpu));
	return counters->per_cpu;
}

int counters_make(struct counters *counters, uint32_t ifindex, bool is_leg)
{
	const struct bpf_map *leg_rx = counters->ebpf->receive->maps.mlag_leg_rx;
	struct mlag_counter_key key = {.ifindex = ifindex};
	const void *value = zeroes(counters);
	uint64_t none = 0;

	for (key.reason = MLAG_REASON_NONE + 1; key.reason < MLAG_REASONS_COUNT; key.reason++) {
		int error = make_row(counters->ebpf->isolate->maps.mlag_counters, &key, value);

		if (error) {
			return error;
		}
	}
	return is_leg ? make_row(leg_rx, &ifindex, &none) : forget(leg_rx, &ifindex);
}

/* What XDP counted at a port. */
static int clear_fast(struct counters *counters, uint32_t ifindex)
{
	int map_fd = bpf_map__fd(counters->ebpf->receive_xdp->maps.mlag_fast_counters);
	uint32_t row = find_row(counters, ifindex);
	const void *value = zeroes(counters);
	int error = 0;

	for (uint32_t reason = 0; row && !error && reason < MLAG_REASONS_COUNT; reason++) {
		uint32_t index = row * MLAG_REASONS_COUNT + reason;

		error = bpf_map_update_elem(map_fd, &index, value, BPF_ANY);
	}
	return error;
}

int counters_delete(struct counters *counters, uint32_t ifindex)
{
	struct mlag_counter_key key = {.ifindex = ifindex};
	int error = forget(counters->ebpf->receive->maps.mlag_leg_rx, &ifindex);

	error = error ? error : clear_fast(counters, ifindex);
	for (key.reason = MLAG_REASON_NONE + 1; !error && key.reason < MLAG_REASONS_COUNT;
	     key.reason++) {
		error = forget(counters->ebpf->isolate->maps.mlag_counters, &key);
	}
	return error;
}

int counters_leg_rx(const struct counters *counters, uint32_t ifindex, uint64_t *ret_frames)
{
	int map_fd = bpf_map__fd(counters->ebpf->receive->maps.mlag_leg_rx);
	uint64_t frames;
	int error = bpf_map_lookup_elem(map_fd, &ifindex, &frames);

	if (error) {
		return error;
	}
	*ret_frames = frames;
	return 0;
}

/* Adds the counts of all CPUs of one element. */
static int add(struct counters *counters, const struct bpf_map *map, const void *key,
	       struct mlag_counter *sum)
{
	int error = bpf_map_lookup_elem(bpf_map__fd(map), key, counters->per_cpu);

	for (uint32_t cpu = 0; !error && cpu < counters->cpus_count; cpu++) {
		sum->packets += counters->per_cpu[cpu].packets;
		sum->bytes += counters->per_cpu[cpu].bytes;
	}
	return error;
}

/* What all programs counted of a reason at a port. */
static int sum_up(struct counters *counters, const struct mlag_counter_key *key,
		  struct mlag_counter *ret)
{
	uint32_t row = find_row(counters, key->ifindex);
	uint32_t index = row * MLAG_REASONS_COUNT + key->reason;
	int error;

	memset(ret, 0, sizeof(*ret));
	error = add(counters, counters->ebpf->isolate->maps.mlag_counters, key, ret);
	if (!error && row) {
		error = add(counters, counters->ebpf->receive_xdp->maps.mlag_fast_counters, &index,
			    ret);
	}
	return error;
}

int counters_walk(struct counters *counters,
		  void (*on_counter)(void *user, uint32_t ifindex, enum mlag_reason reason,
				     uint64_t packets, uint64_t bytes),
		  void *user)
{
	int map_fd = bpf_map__fd(counters->ebpf->isolate->maps.mlag_counters);
	struct mlag_counter_key key, next;
	const void *previous = NULL;
	int error;

	while (!(error = bpf_map_get_next_key(map_fd, previous, &next))) {
		struct mlag_counter counter;

		key = next;
		previous = &key;
		error = sum_up(counters, &key, &counter);
		if (error) {
			return error;
		}
		if (counter.packets) {
			on_counter(user, key.ifindex, (enum mlag_reason)key.reason, counter.packets,
				   counter.bytes);
		}
	}
	return error == -ENOENT ? 0 : error;
}
