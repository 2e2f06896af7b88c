/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Some operations on the FDB in one go through the kernel.  Only fdb.c includes this.
 */
#ifndef MLAGD_KERNEL_FDBBATCH_H
#define MLAGD_KERNEL_FDBBATCH_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/fdb.h"
#include "kernel/fdbecho.h"
#include "kernel/fdblocal.h"
#include "kernel/fdbmsg.h"
#include "kernel/fdbown.h"
#include "kernel/netlink.h"

#define FDBBATCH_MESSAGES_MAX 256
#define FDBBATCH_OPERATIONS_MAX FDBBATCH_MESSAGES_MAX

/**
 * struct fdbbatch_writer - what batches are written with; all of it borrowed but the buffer
 * @requests: a socket for requests
 * @bridge: with an ifindex
 * @local: MACs that no operation may touch
 * @own: own router MACs, whose entries stay as they are
 * @echo: what was written is marked there
 * @handler, @user: told what was asked for, what failed, and what was written without an event
 * @statistics: operations and errors are counted here
 */
struct fdbbatch_writer {
	struct netlink *requests;
	const struct fdbmsg_bridge *bridge;
	const struct fdblocal *local;
	const struct fdbown *own;
	struct fdbecho *echo;
	const struct fdb_handler *handler;
	void *user;
	struct fdb_statistics *statistics;
	uint8_t buffer[FDBBATCH_MESSAGES_MAX * FDBMSG_SIZE_MAX]
		__attribute__((aligned(NLMSG_ALIGNTO)));
};

/**
 * struct fdbbatch - some operations on their way through the kernel
 * @operations, @count: at most FDBBATCH_OPERATIONS_MAX
 * @messages_count: sent ones
 * @first_seq: sequence number of message 0
 * @size: octets of the messages
 * @types: RTM_* of a message
 * @owners: the operation that a message belongs to
 * @errors: of a message, positive
 * @hidden_count: how many of @hidden are set
 * @hidden: events up to the delete in a RENEW are not reported
 * @missing, @missing_count: were not where they were to be deleted, and may be elsewhere
 */
struct fdbbatch {
	struct fdbbatch_writer *writer;
	const struct mlag_fdb_operation *operations;
	uint32_t count;
	uint32_t messages_count;
	uint32_t first_seq;
	size_t size;
	uint16_t types[FDBBATCH_MESSAGES_MAX];
	uint32_t owners[FDBBATCH_MESSAGES_MAX];
	int errors[FDBBATCH_MESSAGES_MAX];
	uint32_t hidden_count;
	bool hidden[FDBBATCH_OPERATIONS_MAX];
	uint32_t missing_count;
	struct mlag_mac_key missing[FDBBATCH_OPERATIONS_MAX];
};

/**
 * fdbbatch_write() - carry out as many operations as one batch has room for
 * @batch: overwritten; its count says how many those were, also when they failed
 * @writer: what it is written with
 * @operations, @count: as in fdb_apply(); borrowed as long as the batch is in use
 *
 * Return: 0 also when operations failed (failed() has said which), or -errno of the socket (every
 * operation of the batch was reported by failed()).
 */
int fdbbatch_write(struct fdbbatch *batch, struct fdbbatch_writer *writer,
		   const struct mlag_fdb_operation *operations, uint32_t count);

/**
 * fdbbatch_hides() - an event about @key is the inside of a RENEW: everything up to the delete
 * @batch: was written
 * @key: what the event is about
 * @is_delete: the event says that the entry is gone
 */
bool fdbbatch_hides(struct fdbbatch *batch, const struct mlag_mac_key *key, bool is_delete);

#endif
