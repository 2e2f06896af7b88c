/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorder: what the engine is told and asked is kept in a file of fixed size in the run
 * directory, RUN_DIR/events.  The file is mapped, so what is written is the kernel's from that moment: it
 * is there after any end of this process, with no handler that would have to run.  A file whose
 * writer did not come to an end is kept as events.crash, the last one: on disk where there is a directory
 * for it, or beside.
 *
 * The functions below are those of mlag.h, each with its record.
 */
#ifndef MLAGD_RECORDER_H
#define MLAGD_RECORDER_H

#include "mlag.h"

#define RECORDER_FILE "events"
#define RECORDER_FILE_CRASHED "events.crash"
#define RECORDER_START_SIZE (1024 * 1024)   /* the beginning, kept for ever */
#define RECORDER_SEGMENT_SIZE (1536 * 1024) /* each of two that are used in turn */

struct recorder;

/**
 * recorder_open() - make the file
 * @run_dir: exists, and is ours alone
 * @state_dir: outlives the machine's memory, for what an earlier process left; NULL for none
 *
 * Return: NULL when it cannot be had (logged): then nothing is recorded.
 */
struct recorder *recorder_open(const char *run_dir, const char *state_dir);

/** recorder_close() - this process comes to an end as it should; NULL is fine */
void recorder_close(struct recorder *recorder);

/** recorder_config() - an engine was made */
void recorder_config(struct recorder *recorder, const struct mlag_config *config, uint64_t now_ns);

/**
 * recorder_copy() - all that is there, as a file
 * @ret_data: to be given back with free()
 *
 * Return: 0, -ENOMEM, or -ENOENT when nothing is recorded.
 */
int recorder_copy(const struct recorder *recorder, uint8_t **ret_data, uint32_t *ret_size);

void recorder_step(struct recorder *recorder, struct mlag_engine *engine,
		   const struct mlag_event *event, uint64_t now_ns,
		   struct mlag_effects *ret_effects);
uint32_t recorder_next_message(struct recorder *recorder, struct mlag_engine *engine,
			       enum mlag_urgency urgency, uint64_t now_ns, uint8_t *ret_data);
uint32_t recorder_next_hello(struct recorder *recorder, struct mlag_engine *engine, uint64_t now_ns,
			     uint8_t *ret_data);
bool recorder_next_leg(struct recorder *recorder, struct mlag_engine *engine,
		       struct mlag_leg_program *ret_program);
uint32_t recorder_next_fdb(struct recorder *recorder, struct mlag_engine *engine,
			   struct mlag_fdb_operation *ret_operations, uint32_t size_max);
uint32_t recorder_next_addresses(struct recorder *recorder, struct mlag_engine *engine,
				 struct mlag_address_program *ret_programs, uint32_t size_max);
uint32_t recorder_next_neighbors(struct recorder *recorder, struct mlag_engine *engine,
				 struct mlag_neighbor_operation *ret_operations, uint32_t size_max);
enum mlag_answer recorder_next_answer(struct recorder *recorder, struct mlag_engine *engine,
				      uint32_t id, struct mlag_row_view *ret_row);

#endif
