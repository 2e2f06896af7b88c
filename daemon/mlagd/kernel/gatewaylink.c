// SPDX-License-Identifier: BSD-2-Clause
/*
 * Configuration of the gateways' devices by libnl-3.  gateway.c calls this, one step of a plan at a
 * time, and hears of the outcome by the events of addresses.c.
 */
#include "kernel/gatewaylink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define GATEWAYLINK_TIMEOUT_S 5 /* the kernel answers at once, or something is broken */

struct gatewaylink {
	struct nl_sock *socket;
	char error[256];
	char kernel_words[160]; /* extack of the last answer */
	int kernel_error;	/* negative errno of the last answer */
};

/* ---- talking to the kernel ---------------------------------------------------------------- */

/* Every answer passes here: the errno, which libnl folds into its own, and the kernel's words. */
static int message_in(struct nl_msg *message, void *user)
{
	struct gatewaylink *self = user;
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct nlmsgerr *error = nlmsg_data(header);
	struct nlattr *words;

	if (header->nlmsg_type != NLMSG_ERROR || nlmsg_datalen(header) < (int)sizeof(*error)) {
		return NL_OK;
	}
	self->kernel_error = error->error;
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
		return NL_OK;
	}
	/* With NETLINK_CAP_ACK the request is not repeated: attributes follow at once. */
	words = nlmsg_find_attr(header, (int)sizeof(*error), NLMSGERR_ATTR_MSG);
	if (words != NULL) {
		(void)nla_strlcpy(self->kernel_words, words, sizeof(self->kernel_words));
	}
	return NL_OK;
}

static int fail(struct gatewaylink *self, const char *what, int error)
{
	(void)snprintf(self->error, sizeof(self->error), "%s: %s%s%s", what, self->kernel_words,
		       self->kernel_words[0] != '\0' ? ": " : "", strerror(-error));
	return error;
}

/* Send a request, take it over, wait for the answer; @tolerated is no error (0 for none). */
static int send_take(struct gatewaylink *self, const char *what, struct nl_msg *message,
		     int tolerated)
{
	int error;

	self->kernel_error = 0;
	self->kernel_words[0] = '\0';
	if (message == NULL) {
		return fail(self, what, -ENOMEM);
	}
	error = nl_send_sync(self->socket, message);
	if (error >= 0) {
		return 0;
	}
	error = self->kernel_error < 0 ? self->kernel_error
		: error == -NLE_AGAIN  ? -ETIMEDOUT
				       : -EIO;
	return error == -tolerated ? 0 : fail(self, what, error);
}

/* Change what @change says of a link. */
static int change_take(struct gatewaylink *self, const char *what, uint32_t ifindex,
		       struct rtnl_link *change)
{
	struct rtnl_link *original = rtnl_link_alloc();
	struct nl_msg *message = NULL;

	if (original != NULL && change != NULL) {
		rtnl_link_set_ifindex(original, (int)ifindex);
		(void)rtnl_link_build_change_request(original, change, 0, &message);
	}
	rtnl_link_put(original);
	rtnl_link_put(change);
	return send_take(self, what, message, 0);
}

/* ---- the device --------------------------------------------------------------------------- */

static int set_link_mac(struct rtnl_link *link, const struct mlag_mac *mac)
{
	struct nl_addr *address = nl_addr_build(AF_LLC, mac->octets, sizeof(mac->octets));

	if (address == NULL) {
		return -ENOMEM;
	}
	rtnl_link_set_addr(link, address); /* takes a reference */
	nl_addr_put(address);
	return 0;
}

static struct nl_msg *create_message(const struct gatewayplan_wanted *wanted, uint32_t svi_ifindex)
{
	struct rtnl_link *link = rtnl_link_macvlan_alloc();
	struct nl_msg *message = NULL;

	if (link == NULL) {
		return NULL;
	}
	rtnl_link_set_name(link, wanted->device);
	rtnl_link_set_link(link, (int)svi_ifindex);
	if (set_link_mac(link, &wanted->mac) == 0 &&
	    rtnl_link_macvlan_set_mode(link, MACVLAN_MODE_BRIDGE) == 0) {
		(void)rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &message);
	}
	rtnl_link_put(link);
	return message;
}

int gatewaylink_set_no_link_local(struct gatewaylink *self, uint32_t ifindex)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int r;

	if (change != NULL && rtnl_link_inet6_set_addr_gen_mode(
				      change, rtnl_link_inet6_str2addrgenmode("none")) < 0) {
		rtnl_link_put(change);
		change = NULL;
	}
	r = change_take(self, "setting addr_gen_mode", ifindex, change);
	/* A kernel without IPv6 has nothing to set. */
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

int gatewaylink_create(struct gatewaylink *self, const struct gatewayplan_wanted *wanted,
		       uint32_t svi_ifindex, uint32_t *ret_ifindex)
{
	struct rtnl_link *made = NULL;
	int r;

	r = send_take(self, "making the device", create_message(wanted, svi_ifindex), 0);

	if (r < 0) {
		return r;
	}
	if (rtnl_link_get_kernel(self->socket, 0, wanted->device, &made) < 0) {
		return fail(self, "finding the device", -ENODEV);
	}
	*ret_ifindex = (uint32_t)rtnl_link_get_ifindex(made);
	rtnl_link_put(made);
	return 0;
}

int gatewaylink_delete(struct gatewaylink *self, uint32_t ifindex)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct nl_msg *message = NULL;

	if (link != NULL) {
		rtnl_link_set_ifindex(link, (int)ifindex);
		(void)rtnl_link_build_delete_request(link, &message);
		rtnl_link_put(link);
	}
	return send_take(self, "deleting the device", message, ENODEV);
}

int gatewaylink_set_alias(struct gatewaylink *self, uint32_t ifindex, const char *alias)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change != NULL) {
		rtnl_link_set_ifalias(change, alias);
	}
	return change_take(self, "writing the alias", ifindex, change);
}

int gatewaylink_set_mac(struct gatewaylink *self, uint32_t ifindex, const struct mlag_mac *mac)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change != NULL && set_link_mac(change, mac) < 0) {
		rtnl_link_put(change);
		change = NULL;
	}
	return change_take(self, "setting the MAC", ifindex, change);
}

int gatewaylink_set_master(struct gatewaylink *self, uint32_t ifindex, uint32_t master)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change != NULL) {
		rtnl_link_set_master(change, (int)master);
	}
	return change_take(self, "moving the device to the VRF of its SVI", ifindex, change);
}

int gatewaylink_set_up(struct gatewaylink *self, uint32_t ifindex, bool up)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change != NULL && up) {
		rtnl_link_set_flags(change, IFF_UP);
	} else if (change != NULL) {
		rtnl_link_unset_flags(change, IFF_UP);
	}
	return change_take(self, up ? "setting the device up" : "setting the device down", ifindex,
			   change);
}

/* ---- addresses ---------------------------------------------------------------------------- */

/* libnl's address object knows no IFA_PROTO and no IFA_RT_PRIORITY. */
static struct nl_msg *address_message(uint16_t type, int flags, uint32_t ifindex,
				      const struct gatewayplan_address *address)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
	struct ifaddrmsg header = {
		.ifa_family = address->family == 4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = address->length,
		.ifa_flags = address->family == 6 ? IFA_F_NODAD : 0,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = ifindex,
	};
	int size = address->family == 4 ? 4 : 16;

	if (message != NULL && (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
				nla_put(message, IFA_LOCAL, size, address->octets) < 0 ||
				nla_put(message, IFA_ADDRESS, size, address->octets) < 0 ||
				nla_put_u8(message, IFA_PROTO, GATEWAYPLAN_PROTOCOL) < 0 ||
				nla_put_u32(message, IFA_RT_PRIORITY, GATEWAYPLAN_METRIC) < 0)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int gatewaylink_add_address(struct gatewaylink *self, uint32_t ifindex,
			    const struct gatewayplan_address *address)
{
	return send_take(self, "adding an address",
			 address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address),
			 EEXIST);
}

int gatewaylink_remove_address(struct gatewaylink *self, uint32_t ifindex,
			       const struct gatewayplan_address *address)
{
	return send_take(self, "removing an address",
			 address_message(RTM_DELADDR, 0, ifindex, address), EADDRNOTAVAIL);
}

/* ---- life and death ----------------------------------------------------------------------- */

int gatewaylink_open(struct gatewaylink **ret)
{
	struct gatewaylink *self = calloc(1, sizeof(*self));
	const struct timeval timeout = {.tv_sec = GATEWAYLINK_TIMEOUT_S};
	int one = 1;
	int fd;

	if (self == NULL) {
		return -ENOMEM;
	}
	self->socket = nl_socket_alloc();
	if (self->socket == NULL) {
		free(self);
		return -ENOMEM;
	}
	if (nl_connect(self->socket, NETLINK_ROUTE) < 0 ||
	    nl_socket_modify_cb(self->socket, NL_CB_MSG_IN, NL_CB_CUSTOM, message_in, self) < 0) {
		gatewaylink_close(self);
		return -EIO;
	}
	fd = nl_socket_get_fd(self->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
		gatewaylink_close(self);
		return -EIO;
	}
	/* Only for better words in errors: a kernel without them is still served. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*ret = self;
	return 0;
}

void gatewaylink_close(struct gatewaylink *self)
{
	if (self == NULL) {
		return;
	}
	nl_socket_free(self->socket);
	free(self);
}

const char *gatewaylink_error(const struct gatewaylink *self)
{
	return self->error;
}
