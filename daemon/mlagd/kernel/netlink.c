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
#include <linux/filter.h>
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

int netlink_accept_family(struct netlink *netlink, uint8_t family)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, family, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = 4, .filter = code};

	if (setsockopt(netlink_fd(netlink), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0) {
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

/* One datagram: its size, 0 when there is none, -errno. */
static int netlink_receive(struct netlink *netlink)
{
	struct sockaddr_nl sender;
	struct iovec part = {.iov_base = netlink->buffer, .iov_len = NETLINK_BUFFER_SIZE};
	struct msghdr header = {
		.msg_name = &sender,
		.msg_namelen = sizeof(sender),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t size;

	for (;;) {
		size = recvmsg(netlink_fd(netlink), &header, 0);
		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return 0;
		}
		if (size < 0) {
			netlink->overruns += errno == ENOBUFS ? 1 : 0;
			return -errno;
		}
		if ((header.msg_flags & MSG_TRUNC) != 0) {
			/* Cannot happen with this buffer; if it does, something was lost. */
			netlink->overruns++;
			return -ENOBUFS;
		}
		/* Only the kernel is believed. */
		if (header.msg_namelen == sizeof(sender) && sender.nl_pid == 0 && size > 0) {
			return (int)size;
		}
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
	uint32_t count;

	for (count = 0; count < datagrams_max; count++) {
		const struct nlmsghdr *message;
		int size = netlink_receive(netlink);

		if (size < 0) {
			return size;
		}
		if (size == 0) {
			break;
		}
		message = (const struct nlmsghdr *)netlink->buffer;
		while (mnl_nlmsg_ok(message, size)) {
			handler(user, message);
			message = mnl_nlmsg_next(message, &size);
		}
	}
	return (int)count;
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
