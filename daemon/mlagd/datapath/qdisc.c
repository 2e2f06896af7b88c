// SPDX-License-Identifier: BSD-2-Clause
/*
 * Taking a clsact away (see qdisc.h).  Used when a device is nothing of ours any more, so rarely
 * that it has a socket of its own each time.
 */
#include "datapath/qdisc.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#define QDISC_REQUEST_SIZE 256
#define QDISC_ANSWER_SIZE 32768

static int qdisc_take(const struct nlmsghdr *message, void *user)
{
	if (message->nlmsg_type == RTM_NEWTFILTER) {
		*(bool *)user = true;
	}
	return MNL_CB_OK;
}

/* Send, and read answers to their end: 0 or -errno. */
static int qdisc_ask(struct mnl_socket *socket, const struct nlmsghdr *message, bool *ret_any)
{
	char buffer[QDISC_ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	int left = MNL_CB_OK;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	while (left > MNL_CB_STOP) {
		ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (size < 0) {
			return -errno;
		}
		left = mnl_cb_run(buffer, (size_t)size, message->nlmsg_seq,
				  mnl_socket_get_portid(socket), qdisc_take, ret_any);
		if (left < 0) {
			return -errno;
		}
	}
	return 0;
}

static struct nlmsghdr *qdisc_prepare(char *buffer, uint16_t type, uint16_t flags, uint32_t ifindex,
				      uint32_t parent, uint32_t seq)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = seq;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->tcm_ifindex = (int)ifindex;
	header->tcm_parent = parent;
	return message;
}

static int qdisc_remove_by(struct mnl_socket *socket, uint32_t ifindex)
{
	static const uint32_t hooks[] = {
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
	};
	char buffer[QDISC_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;
	bool any = false;
	int error = 0;

	for (uint32_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]) && error == 0; i++) {
		message =
			qdisc_prepare(buffer, RTM_GETTFILTER, NLM_F_DUMP, ifindex, hooks[i], i + 1);
		error = qdisc_ask(socket, message, &any);
	}
	if (error < 0 || any) {
		return error < 0 ? error : -EBUSY;
	}
	message = qdisc_prepare(buffer, RTM_DELQDISC, NLM_F_ACK, ifindex, TC_H_CLSACT, 9);
	((struct tcmsg *)mnl_nlmsg_get_payload(message))->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(message, TCA_KIND, "clsact");
	return qdisc_ask(socket, message, &any);
}

int qdisc_remove(uint32_t ifindex)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int error;

	if (socket == NULL) {
		return -errno;
	}
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0
			? -errno
			: qdisc_remove_by(socket, ifindex);
	(void)mnl_socket_close(socket);
	return error == -ENODEV || error == -ENOENT || error == -EINVAL ? 0 : error;
}
