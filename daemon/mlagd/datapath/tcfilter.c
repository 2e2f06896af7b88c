// SPDX-License-Identifier: BSD-2-Clause
/*
 * clsact filters by bare netlink (see tcfilter.h).  Called by answerer.c.
 */
#include "datapath/tcfilter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#define TCFILTER_BUFFER_SIZE 512

/* Send, and read the one answer: 0 or -errno. */
static int tcfilter_ask(struct mnl_socket *socket, struct nlmsghdr *message)
{
	char buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t size;

	message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (size < 0 ||
	    mnl_cb_run(buffer, (size_t)size, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0) {
		return -errno;
	}
	return 0;
}

static struct tcmsg *tcfilter_begin(void *buffer, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->tcm_family = AF_UNSPEC;
	header->tcm_ifindex = (int)ifindex;
	return header;
}

/* A second one is refused, which is how we learn that it is there. */
static int tcfilter_ensure_clsact(struct mnl_socket *socket, uint32_t ifindex, bool *ret_made)
{
	char buffer[TCFILTER_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = (struct nlmsghdr *)buffer;
	struct tcmsg *header =
		tcfilter_begin(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	int error;

	header->tcm_parent = TC_H_CLSACT;
	header->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(message, TCA_KIND, "clsact");
	error = tcfilter_ask(socket, message);
	*ret_made = error == 0;
	return error == -EEXIST ? 0 : error;
}

static struct nlmsghdr *tcfilter_prepare(char *buffer, uint16_t type, uint16_t flags,
					 uint32_t ifindex, const struct tcfilter *filter)
{
	struct tcmsg *header = tcfilter_begin(buffer, type, flags, ifindex);

	header->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	header->tcm_handle = filter->handle;
	header->tcm_info = TC_H_MAKE((uint32_t)filter->priority << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz((struct nlmsghdr *)buffer, TCA_KIND, "bpf");
	return (struct nlmsghdr *)buffer;
}

int tcfilter_set(struct mnl_socket *socket, uint32_t ifindex, const struct tcfilter *filter,
		 int program_fd, const char *name, bool *ret_qdisc_made)
{
	char buffer[TCFILTER_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;
	struct nlattr *options;
	int error = tcfilter_ensure_clsact(socket, ifindex, ret_qdisc_made);

	if (error < 0) {
		return error;
	}
	/* Without REPLACE a filter that is there is refused, with it and CREATE it is replaced. */
	message = tcfilter_prepare(buffer, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, ifindex,
				   filter);
	options = mnl_attr_nest_start(message, TCA_OPTIONS);
	mnl_attr_put_u32(message, TCA_BPF_FD, (uint32_t)program_fd);
	mnl_attr_put_strz(message, TCA_BPF_NAME, name);
	mnl_attr_put_u32(message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(message, options);
	return tcfilter_ask(socket, message);
}

int tcfilter_remove(struct mnl_socket *socket, uint32_t ifindex, const struct tcfilter *filter)
{
	char buffer[TCFILTER_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = tcfilter_prepare(buffer, RTM_DELTFILTER, 0, ifindex, filter);
	int error = tcfilter_ask(socket, message);

	/* No filter; another kind at its place, or no clsact; no device. */
	return error == -ENOENT || error == -EINVAL || error == -ENODEV ? 0 : error;
}
