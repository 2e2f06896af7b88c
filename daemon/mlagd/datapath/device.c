// SPDX-License-Identifier: BSD-2-Clause
/*
 * Questions about a device (see device.h), each asked over a socket of its own: they are asked
 * rarely, and the answer may change at any time.  Called by datapath.c.
 */
#include "datapath/device.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/netdev.h (6.3) */
#define NETDEV_FAMILY "netdev"
#define NETDEV_COMMAND_DEVICE_GET 1
#define NETDEV_ATTRIBUTE_IFINDEX 1
#define NETDEV_ATTRIBUTE_XDP_FEATURES 3

/* linux/ethtool.h, which asks for a limits.h that is the engine's here */
#define ETHTOOL_GET_FLAGS 0x25
#define ETHTOOL_FLAG_RXVLAN 0x100u

#define REQUEST_SIZE 256
#define ANSWER_SIZE 8192

/* One attribute that is looked for in an answer. */
struct wanted {
	uint16_t type;
	size_t size;
	void *value;
	bool found;
};

static int on_attribute(const struct nlattr *attribute, void *user)
{
	struct wanted *wanted = user;

	if (mnl_attr_get_type(attribute) == wanted->type &&
	    mnl_attr_get_payload_len(attribute) >= wanted->size) {
		memcpy(wanted->value, mnl_attr_get_payload(attribute), wanted->size);
		wanted->found = true;
	}
	return MNL_CB_OK;
}

static int on_answer(const struct nlmsghdr *message, void *user)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), on_attribute, user);
}

/* Sends one request and reads its answer.  Return: 0 or -errno of the kernel. */
static int ask(struct mnl_socket *socket, struct nlmsghdr *request, struct wanted *wanted)
{
	char answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t size;

	request->nlmsg_flags = NLM_F_REQUEST;
	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
		return -errno;
	}
	size = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (size < 0 || mnl_cb_run(answer, (size_t)size, 1, 0, on_answer, wanted) < 0) {
		return -errno;
	}
	return wanted->found ? 0 : -EOPNOTSUPP;
}

static struct nlmsghdr *begin(char buffer[REQUEST_SIZE], uint16_t type, uint8_t command)
{
	struct nlmsghdr *message;
	struct genlmsghdr *header;

	memset(buffer, 0, REQUEST_SIZE);
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = type;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->cmd = command;
	header->version = 1;
	return message;
}

static int ask_features(struct mnl_socket *socket, uint32_t ifindex, uint64_t *ret_features)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint16_t family = 0;
	uint64_t features = 0;
	struct wanted family_id = {CTRL_ATTR_FAMILY_ID, sizeof(family), &family, false};
	struct wanted xdp_features = {NETDEV_ATTRIBUTE_XDP_FEATURES, sizeof(features), &features,
				      false};
	struct nlmsghdr *request = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int error;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	error = ask(socket, request, &family_id);
	if (error < 0) {
		return error == -ENOENT ? -EOPNOTSUPP : error;
	}
	request = begin(buffer, family, NETDEV_COMMAND_DEVICE_GET);
	mnl_attr_put_u32(request, NETDEV_ATTRIBUTE_IFINDEX, ifindex);
	error = ask(socket, request, &xdp_features);
	if (error == 0) {
		*ret_features = features;
	}
	return error;
}

int device_xdp_features(uint32_t ifindex, uint64_t *ret_features)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	int error;

	if (!socket) {
		return -errno;
	}
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!error) {
		error = ask_features(socket, ifindex, ret_features);
	}
	mnl_socket_close(socket);
	return error;
}

/* ---- its XDP programs ----------------------------------------------------------------------- */

static int on_xdp_attribute(const struct nlattr *attribute, void *user)
{
	struct device_xdp *xdp = user;

	if (mnl_attr_get_payload_len(attribute) < sizeof(uint32_t)) {
		return MNL_CB_OK;
	}
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_XDP_DRV_PROG_ID:
		xdp->driver_id = mnl_attr_get_u32(attribute);
		break;
	case IFLA_XDP_SKB_PROG_ID:
		xdp->generic_id = mnl_attr_get_u32(attribute);
		break;
	case IFLA_XDP_HW_PROG_ID:
		xdp->hardware_id = mnl_attr_get_u32(attribute);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_link_attribute(const struct nlattr *attribute, void *user)
{
	return mnl_attr_get_type(attribute) == IFLA_XDP
		       ? mnl_attr_parse_nested(attribute, on_xdp_attribute, user)
		       : MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *message, void *user)
{
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), on_link_attribute, user);
}

static int ask_xdp(struct mnl_socket *socket, uint32_t ifindex, struct device_xdp *xdp)
{
	char buffer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	ssize_t size;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = 1;
	header->ifi_index = (int)ifindex;
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	return size < 0 || mnl_cb_run(buffer, (size_t)size, 1, 0, on_link, xdp) < 0 ? -errno : 0;
}

int device_xdp(uint32_t ifindex, struct device_xdp *ret_xdp)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct device_xdp xdp = {0};
	int error;

	if (!socket) {
		return -errno;
	}
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!error) {
		error = ask_xdp(socket, ifindex, &xdp);
	}
	if (!error) {
		*ret_xdp = xdp;
	}
	mnl_socket_close(socket);
	return error;
}

int device_strips_tags(uint32_t ifindex, bool *ret)
{
	struct {
		uint32_t command;
		uint32_t data;
	} value = {.command = ETHTOOL_GET_FLAGS};
	struct ifreq request = {.ifr_data = (char *)&value};
	int error = 0;
	int fd;

	if (!if_indextoname(ifindex, request.ifr_name)) {
		return -ENODEV;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (ioctl(fd, SIOCETHTOOL, &request) < 0) {
		error = -errno;
	}
	close(fd);
	if (!error) {
		*ret = (value.data & ETHTOOL_FLAG_RXVLAN) != 0;
	}
	return error;
}
