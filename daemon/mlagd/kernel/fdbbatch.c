// SPDX-License-Identifier: BSD-2-Clause
/*
 * Operations of the engine on the FDB as messages to the kernel: built, sent with one
 * acknowledgement, and each answer told to whoever hears of the FDB.  fdb.c calls it, and hears the
 * events of these writes itself.
 */
#include "kernel/fdbbatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "log.h"

#define FDBBATCH_MESSAGES_PER_OPERATION_MAX 3 /* a RENEW */

static bool is_key_equal(const struct mlag_mac_key *a, const struct mlag_mac_key *b)
{
	return a->vlan == b->vlan && memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0;
}

bool fdbbatch_hides(struct fdbbatch *batch, const struct mlag_mac_key *key, bool is_delete)
{
	for (uint32_t i = 0; batch->hidden_count > 0 && i < batch->count; i++) {
		if (batch->hidden[i] && is_key_equal(&batch->operations[i].key, key)) {
			batch->hidden[i] = !is_delete;
			batch->hidden_count -= is_delete;
			return true;
		}
	}
	return false;
}

static struct nlmsghdr *add_message(struct fdbbatch *batch, uint32_t owner, uint16_t type,
				    uint16_t flags)
{
	struct nlmsghdr *message = netlink_prepare(
		batch->writer->requests, batch->writer->buffer + batch->size, type, flags);

	if (batch->messages_count == 0) {
		batch->first_seq = message->nlmsg_seq;
	}
	batch->types[batch->messages_count] = type;
	batch->owners[batch->messages_count] = owner;
	batch->errors[batch->messages_count] = 0;
	batch->messages_count++;
	return message;
}

static struct nlmsghdr *add_set(struct fdbbatch *batch, uint32_t owner)
{
	const struct mlag_fdb_operation *operation = &batch->operations[owner];
	struct nlmsghdr *message =
		add_message(batch, owner, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);

	fdbmsg_put_set(message, &operation->key, &operation->entry);
	batch->size += message->nlmsg_len;
	return message;
}

static struct nlmsghdr *add_delete(struct fdbbatch *batch, uint32_t owner)
{
	const struct mlag_fdb_operation *operation = &batch->operations[owner];
	struct nlmsghdr *message = add_message(batch, owner, RTM_DELNEIGH, 0);

	fdbmsg_put_delete(message, &operation->key, operation->entry.ifindex);
	batch->size += message->nlmsg_len;
	return message;
}

static struct nlmsghdr *add_get(struct fdbbatch *batch, uint32_t owner)
{
	struct nlmsghdr *message = add_message(batch, owner, RTM_GETNEIGH, 0);

	fdbmsg_put_get(message, &batch->operations[owner].key, batch->writer->bridge);
	batch->size += message->nlmsg_len;
	return message;
}

static void report_failed(struct fdbbatch_writer *writer,
			  const struct mlag_fdb_operation *operation, int error)
{
	writer->statistics->errors++;
	writer->handler->failed(writer->user, &operation->key, error);
}

/* 0 if an entry may be written as wanted, or a positive errno. */
static int check_set(const struct fdbbatch_writer *writer,
		     const struct mlag_fdb_operation *operation)
{
	if (operation->entry.kind == MLAG_FDB_NONE) {
		return EINVAL;
	}
	return fdblocal_has(writer->local, &operation->key.mac) ? EADDRINUSE : 0;
}

/*
 * The entry is our own local one: what the engine wants there is about to be out of date, for it
 * learns of own router MACs later than the entry has to be there.
 */
static bool is_own(const struct fdbbatch_writer *writer, const struct mlag_fdb_operation *operation)
{
	return operation->verb != MLAG_FDB_VERB_VERIFY &&
	       fdbown_wants(writer->own, &operation->key);
}

/* Put the message(s) of one operation; the last of them, or NULL where there is nothing to send. */
static struct nlmsghdr *put_operation(struct fdbbatch *batch, uint32_t index)
{
	const struct mlag_fdb_operation *operation = &batch->operations[index];
	struct fdbbatch_writer *writer = batch->writer;
	int error;

	writer->statistics->operations += operation->verb != MLAG_FDB_VERB_NONE ? 1 : 0;
	if (is_own(writer, operation)) {
		return NULL;
	}
	switch (operation->verb) {
	case MLAG_FDB_VERB_NONE:
		break;
	case MLAG_FDB_VERB_RENEW:
	case MLAG_FDB_VERB_SET:
		error = check_set(writer, operation);
		if (error != 0) {
			report_failed(writer, operation, error);
			break;
		}
		if (operation->verb == MLAG_FDB_VERB_RENEW) {
			/*
			 * The kernel deletes an entry only from the port it points to, and only
			 * while that port has the VLAN.  So it is moved to the new port first.
			 */
			(void)add_set(batch, index);
			(void)add_delete(batch, index);
		}
		return add_set(batch, index);
	case MLAG_FDB_VERB_DELETE:
		if (!fdblocal_has(writer->local, &operation->key.mac)) {
			return add_delete(batch, index);
		}
		break;
	case MLAG_FDB_VERB_VERIFY:
		return add_get(batch, index);
	}
	return NULL;
}

/* An answer to one message of the batch: an entry that was asked for, or an error. */
static void take_answer(void *user, const struct nlmsghdr *message)
{
	struct fdbbatch *batch = user;
	struct fdbbatch_writer *writer = batch->writer;
	uint32_t index = message->nlmsg_seq - batch->first_seq;
	struct mlag_fdb_entry entry = {0};
	struct mlag_mac_key key;

	if (index >= batch->messages_count) {
		return;
	}
	if (message->nlmsg_type == NLMSG_ERROR) {
		batch->errors[index] = -netlink_error(message);
	} else if (message->nlmsg_type == RTM_NEWNEIGH && batch->types[index] == RTM_GETNEIGH) {
		/* What is not ours to report (a local address) is no entry for who asked. */
		if (fdbmsg_parse(message, writer->bridge, &key, &entry) < 0) {
			memset(&entry, 0, sizeof(entry));
		}
		writer->handler->entry(writer->user, &batch->operations[batch->owners[index]].key,
				       &entry);
	}
}

/* Send what was added and wait for the answers, which are there when the call returns. */
static int send_all(struct fdbbatch *batch, struct nlmsghdr *last)
{
	struct netlink *requests = batch->writer->requests;
	int error;

	if (last == NULL) {
		return 0;
	}
	last->nlmsg_flags |= NLM_F_ACK;
	error = netlink_send(requests, batch->writer->buffer, batch->size);
	if (error < 0) {
		return error;
	}
	error = netlink_collect(requests, last->nlmsg_seq, take_answer, batch);
	if (error == -ENOBUFS || error == -ETIMEDOUT) {
		netlink_discard(requests);
		return error;
	}
	batch->errors[batch->messages_count - 1] = -error;
	return 0;
}

static void ignore(void *user, const struct nlmsghdr *message)
{
	(void)user;
	(void)message;
}

/*
 * The port lost the VLAN: static and external entries stay behind there, where they only drop what
 * is sent to them, and the kernel refuses to delete them one by one.  None of them is of use.
 */
static int flush(struct fdbbatch_writer *writer, uint16_t vlan, uint32_t ifindex)
{
	uint32_t i;
	int error = 0;

	for (i = 0; i < 2 && error == 0; i++) {
		struct nlmsghdr *message = netlink_prepare(writer->requests, writer->buffer,
							   RTM_DELNEIGH, NLM_F_BULK | NLM_F_ACK);

		fdbmsg_put_flush(message, vlan, ifindex, i == 0);
		error = netlink_send(writer->requests, message, message->nlmsg_len);
		if (error == 0) {
			error = netlink_collect(writer->requests, message->nlmsg_seq, ignore, NULL);
		}
	}
	return error;
}

/* Written, and no event will say so: the acknowledgement does. */
static void tell_written(struct fdbbatch *batch, uint32_t index)
{
	uint32_t owner = batch->owners[index];
	const struct mlag_fdb_operation *operation = &batch->operations[owner];
	struct fdbbatch_writer *writer = batch->writer;
	bool is_last = index + 1 == batch->messages_count || batch->owners[index + 1] != owner;

	if (is_last && fdbecho_is_silent(&operation->entry)) {
		fdbecho_mark(writer->echo, &operation->key);
		writer->handler->entry(writer->user, &operation->key, &operation->entry);
	}
}

/* What became of one message, in the engine's words. */
static void settle(struct fdbbatch *batch, uint32_t index)
{
	static const struct mlag_fdb_entry none = {.ifindex = 0, .kind = MLAG_FDB_NONE};
	uint32_t owner = batch->owners[index];
	const struct mlag_fdb_operation *operation = &batch->operations[owner];
	struct fdbbatch_writer *writer = batch->writer;
	int error = batch->errors[index];

	if (operation->verb == MLAG_FDB_VERB_RENEW && batch->types[index] == RTM_DELNEIGH) {
		batch->hidden[owner] = error == 0;
		batch->hidden_count += error == 0;
		return;
	}
	if (operation->verb == MLAG_FDB_VERB_RENEW && error != 0 &&
	    batch->types[index] == RTM_NEWNEIGH && index + 1 < batch->messages_count &&
	    batch->owners[index + 1] == owner) {
		/* The first of two; the second one says the same. */
		return;
	}
	if (batch->types[index] == RTM_GETNEIGH && error == ENOENT) {
		writer->handler->entry(writer->user, &operation->key, &none);
		return;
	}
	if (batch->types[index] == RTM_DELNEIGH && error == EINVAL && operation->key.vlan != 0 &&
	    flush(writer, operation->key.vlan, operation->entry.ifindex) == 0) {
		return;
	}
	if (batch->types[index] == RTM_DELNEIGH && error == ENOENT) {
		/* Gone, or elsewhere: what moved in the tick of its write did so without a word. */
		if (operation->verb == MLAG_FDB_VERB_DELETE) {
			batch->missing[batch->missing_count++] = operation->key;
		}
		return;
	}
	if (error != 0) {
		report_failed(writer, operation, error);
	}
	if (batch->types[index] == RTM_NEWNEIGH && error == 0) {
		tell_written(batch, index);
	}
}

int fdbbatch_write(struct fdbbatch *batch, struct fdbbatch_writer *writer,
		   const struct mlag_fdb_operation *operations, uint32_t count)
{
	struct nlmsghdr *last = NULL;
	uint32_t i;
	int error;

	memset(batch, 0, sizeof(*batch));
	batch->writer = writer;
	batch->operations = operations;
	/* Numbers within a batch are consecutive. */
	if (writer->requests->seq > UINT32_MAX - FDBBATCH_MESSAGES_MAX) {
		writer->requests->seq = 0;
	}
	while (batch->count < count &&
	       batch->messages_count + FDBBATCH_MESSAGES_PER_OPERATION_MAX <=
		       FDBBATCH_MESSAGES_MAX) {
		struct nlmsghdr *message = put_operation(batch, batch->count++);

		last = message != NULL ? message : last;
	}
	error = send_all(batch, last);
	if (error < 0) {
		log_warning("fdb: writing %u entries failed: %s", batch->count, strerror(-error));
		for (i = 0; i < batch->count; i++) {
			report_failed(writer, &operations[i], -error);
		}
		return error;
	}
	for (i = 0; i < batch->messages_count; i++) {
		settle(batch, i);
	}
	return 0;
}
