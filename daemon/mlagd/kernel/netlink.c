// SPDX-License-Identifier: BSD-2-Clause
/*
 * Netlink sockets for events and bulk.  links.c and fdb.c own one or two each and never share them.
 * The reading half knows two manners: a bounded slice of whatever is there (events), and reading
 * until a request is answered, handing everything else to the same handler (dumps on an event
 * socket, so that the order of snapshots and events is the kernel's).
 */
#include "kernel/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"

#define NETLINK_DRAIN_DATAGRAMS 4096
#define NETLINK_DRAIN_ROUNDS_MAX 64 /* several full buffers */

static void netlink_set_buffer(struct netlink *netlink, int receive_bytes)
{
	int fd = mnl_socket_get_fd(netlink->socket);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes)) ==
	    0) {
		return;
	}
	log_warning("netlink: cannot have a receive buffer of %d bytes (%s); the limit of "
		    "net.core.rmem_max holds, bursts of events will cost resyncs",
		    receive_bytes, strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)) < 0) {
		log_warning("netlink: SO_RCVBUF: %s; the default buffer stays", strerror(errno));
	}
}

int netlink_open(struct netlink *ret_netlink, int receive_bytes)
{
	struct netlink netlink = {0};
	int one = 1;
	int error;

	netlink.buffer = malloc(NETLINK_BUFFER_SIZE);
	if (netlink.buffer == NULL) {
		return -ENOMEM;
	}
	netlink.socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (netlink.socket == NULL || mnl_socket_bind(netlink.socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error = -errno;
		netlink_close(&netlink);
		return error;
	}
	netlink.portid = mnl_socket_get_portid(netlink.socket);
	/* Better errors, and filters of dumps; a kernel without them is still served. */
	(void)mnl_socket_setsockopt(netlink.socket, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(netlink.socket, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(netlink.socket, NETLINK_CAP_ACK, &one, sizeof(one));
	netlink_set_buffer(&netlink, receive_bytes);
	*ret_netlink = netlink;
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->socket != NULL) {
		(void)mnl_socket_close(netlink->socket);
		netlink->socket = NULL;
	}
	free(netlink->buffer);
	netlink->buffer = NULL;
}

int netlink_fd(const struct netlink *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

int netlink_join(struct netlink *netlink, unsigned int group)
{
	if (mnl_socket_setsockopt(netlink->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
	    0) {
		return -errno;
	}
	return 0;
}

struct nlmsghdr *netlink_prepare(struct netlink *netlink, void *buffer, uint16_t type,
				 uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	/* Events carry 0 or somebody else's number; ours are never 0. */
	netlink->seq = netlink->seq == UINT32_MAX ? 1 : netlink->seq + 1;
	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = netlink->seq;
	return message;
}

int netlink_send(struct netlink *netlink, const void *data, size_t size)
{
	if (mnl_socket_sendto(netlink->socket, data, size) < 0) {
		return -errno;
	}
	return 0;
}

void netlink_expect_small(struct netlink *netlink)
{
	netlink->small = true;
}

/* Datagrams as one system call brought them, and which of them is next. */
struct netlink_burst {
	struct mmsghdr headers[NETLINK_BURST];
	struct sockaddr_nl senders[NETLINK_BURST];
	struct iovec parts[NETLINK_BURST];
};

/* Read at most @count datagrams; how many came, or -errno. */
static int netlink_receive(struct netlink *netlink, struct netlink_burst *burst, uint32_t count)
{
	size_t size = netlink->small ? NETLINK_SMALL_SIZE : NETLINK_BUFFER_SIZE;
	int received;

	if (count > (netlink->small ? NETLINK_BURST : 1)) {
		count = netlink->small ? NETLINK_BURST : 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		burst->parts[i] = (struct iovec){netlink->buffer + i * size, size};
		burst->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &burst->senders[i],
			.msg_namelen = sizeof(burst->senders[i]),
			.msg_iov = &burst->parts[i],
			.msg_iovlen = 1,
		};
	}
	do {
		/* An error after the first datagram is told by the next call. */
		received = recvmmsg(netlink_fd(netlink), burst->headers, count, 0, NULL);
	} while (received < 0 && errno == EINTR);
	if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		return 0;
	}
	return received < 0 ? -errno : received;
}

static void netlink_deliver(const void *data, int size, netlink_handler handler, void *user)
{
	const struct nlmsghdr *message = data;

	while (mnl_nlmsg_ok(message, size)) {
		handler(user, message);
		message = mnl_nlmsg_next(message, &size);
	}
}

int netlink_error(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error->error))) {
		return -EBADMSG;
	}
	error = mnl_nlmsg_get_payload(message);
	return error->error > 0 ? -error->error : error->error;
}

int netlink_done(const struct nlmsghdr *message)
{
	const int *code;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*code))) {
		return 0;
	}
	code = mnl_nlmsg_get_payload(message);
	return *code > 0 ? 0 : *code;
}

int netlink_read(struct netlink *netlink, uint32_t datagrams_max, netlink_handler handler,
		 void *user)
{
	struct netlink_burst burst;
	bool lost = false;
	uint32_t count = 0;

	while (count < datagrams_max && !lost) {
		int received = netlink_receive(netlink, &burst, datagrams_max - count);

		if (received < 0) {
			netlink->overruns += received == -ENOBUFS ? 1 : 0;
			return received;
		}
		if (received == 0) {
			break;
		}
		for (int i = 0; i < received; i++) {
			const struct msghdr *header = &burst.headers[i].msg_hdr;

			if ((header->msg_flags & MSG_TRUNC) != 0) {
				/* Cannot happen with this buffer; if it does, something was lost. */
				lost = true;
			} else if (header->msg_namelen == sizeof(burst.senders[i]) &&
				   burst.senders[i].nl_pid == 0) {
				/* Only the kernel is believed. */
				netlink_deliver(burst.parts[i].iov_base,
						(int)burst.headers[i].msg_len, handler, user);
				count++;
			}
		}
	}
	netlink->overruns += lost ? 1 : 0;
	return lost ? -ENOBUFS : (int)count;
}

int netlink_drain(struct netlink *netlink, netlink_handler handler, void *user)
{
	uint32_t round;

	for (round = 0; round < NETLINK_DRAIN_ROUNDS_MAX; round++) {
		int count = netlink_read(netlink, NETLINK_DRAIN_DATAGRAMS, handler, user);

		if (count < 0 && count != -ENOBUFS) {
			return count;
		}
		if (count >= 0 && count < NETLINK_DRAIN_DATAGRAMS) {
			break;
		}
	}
	return 0;
}

/* The state of netlink_collect() between datagrams. */
struct netlink_wait {
	struct netlink *netlink;
	uint32_t seq;
	bool answered;
	bool interrupted;
	int error;
	netlink_handler handler;
	void *user;
};

static void netlink_collect_one(void *user, const struct nlmsghdr *message)
{
	struct netlink_wait *wait = user;

	if (message->nlmsg_seq != wait->seq || message->nlmsg_pid != wait->netlink->portid) {
		wait->handler(wait->user, message);
		return;
	}
	if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
		wait->interrupted = true;
	}
	if (message->nlmsg_type == NLMSG_ERROR) {
		wait->answered = true;
		wait->error = netlink_error(message);
	} else if (message->nlmsg_type == NLMSG_DONE) {
		wait->answered = true;
		wait->error = netlink_done(message);
	} else {
		wait->handler(wait->user, message);
	}
}

static int64_t netlink_now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int netlink_collect(struct netlink *netlink, uint32_t seq, netlink_handler handler, void *user)
{
	struct netlink_wait wait = {
		.netlink = netlink,
		.seq = seq,
		.handler = handler,
		.user = user,
	};
	int64_t deadline_ms = netlink_now_ms() + NETLINK_TIMEOUT_MS;

	while (!wait.answered) {
		struct pollfd ready = {.fd = netlink_fd(netlink), .events = POLLIN};
		int64_t left_ms = deadline_ms - netlink_now_ms();
		int count = netlink_read(netlink, 1, netlink_collect_one, &wait);

		if (count < 0) {
			return count;
		}
		if (count > 0) {
			continue;
		}
		if (left_ms <= 0) {
			return -ETIMEDOUT;
		}
		if (poll(&ready, 1, (int)left_ms) < 0 && errno != EINTR) {
			return -errno;
		}
	}
	if (wait.error != 0) {
		return wait.error;
	}
	return wait.interrupted ? -EINTR : 0;
}

static void netlink_ignore(void *user, const struct nlmsghdr *message)
{
	(void)user;
	(void)message;
}

void netlink_discard(struct netlink *netlink)
{
	(void)netlink_drain(netlink, netlink_ignore, NULL);
}
