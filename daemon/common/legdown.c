/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links seen and set (see legdown.h).  Called by mlag-guard; knows neither lease nor
 * peer.  One question to the kernel at a time, on a socket of its own, with fixed buffers.
 */
#include "common/legdown.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEGDOWN_ANSWER_MS 2000

int legdown_open(struct legdown *legdown)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};

	legdown->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (legdown->fd < 0) {
		return -errno;
	}
	if (bind(legdown->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;

		legdown_close(legdown);
		return r;
	}
	return 0;
}

void legdown_close(struct legdown *legdown)
{
	if (legdown->fd >= 0) {
		(void)close(legdown->fd);
		legdown->fd = -1;
	}
}

static struct nlmsghdr *begin(struct legdown *legdown, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(legdown->buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	header->nlmsg_seq = ++legdown->sequence;
	return header;
}

/* Send it, and hand what is answered to @see until that ends. */
static int ask(struct legdown *legdown, const struct nlmsghdr *request, mnl_cb_t see)
{
	int r = MNL_CB_OK;

	if (send(legdown->fd, request, request->nlmsg_len, 0) < 0) {
		return -errno;
	}
	while (r == MNL_CB_OK) {
		struct pollfd wait = {.fd = legdown->fd, .events = POLLIN};
		ssize_t n;

		if (poll(&wait, 1, LEGDOWN_ANSWER_MS) <= 0) {
			return -ETIMEDOUT;
		}
		n = recv(legdown->fd, legdown->buffer, sizeof(legdown->buffer), 0);
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR) {
				continue;
			}
			return -errno;
		}
		r = mnl_cb_run(legdown->buffer, (size_t)n, legdown->sequence, 0, see, legdown);
		if (r < 0 && errno == EPROTO) {
			r = MNL_CB_OK; /* the late answer to a question that was given up */
		}
	}
	return r < 0 ? -errno : 0;
}

static int see_kind(const struct nlattr *attribute, void *user)
{
	static const char kind[] = "bond";
	bool *bond = user;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) {
		uint16_t size = mnl_attr_get_payload_len(attribute);

		*bond = size >= sizeof(kind) - 1 && size <= sizeof(kind) &&
			memcmp(mnl_attr_get_payload(attribute), kind, size) == 0;
	}
	return MNL_CB_OK;
}

static int see_attribute(const struct nlattr *attribute, void *user)
{
	struct legdown_device *device = user;
	uint16_t size = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		if (size <= IFNAMSIZ) {
			memcpy(device->ifname, mnl_attr_get_payload(attribute), size);
			device->ifname[IFNAMSIZ - 1] = '\0';
		}
		break;
	case IFLA_MASTER:
		if (size == sizeof(uint32_t)) {
			device->master = mnl_attr_get_u32(attribute);
		}
		break;
	case IFLA_CARRIER:
		device->carrier = size == 1 && mnl_attr_get_u8(attribute) != 0;
		break;
	case IFLA_LINKINFO:
		(void)mnl_attr_parse_nested(attribute, see_kind, &device->bond);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int see_link(const struct nlmsghdr *header, void *user)
{
	struct legdown *legdown = user;
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(header);
	struct legdown_device *device;

	if (header->nlmsg_type != RTM_NEWLINK || header->nlmsg_len < NLMSG_LENGTH(sizeof(*link)) ||
	    legdown->devices_count == LEGDOWN_DEVICES_MAX) {
		return MNL_CB_OK;
	}
	device = &legdown->devices[legdown->devices_count++];
	memset(device, 0, sizeof(*device));
	device->ifindex = (uint32_t)link->ifi_index;
	device->up = (link->ifi_flags & IFF_UP) != 0;
	return mnl_attr_parse(header, sizeof(*link), see_attribute, device);
}

int legdown_look(struct legdown *legdown)
{
	struct nlmsghdr *request = begin(legdown, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	int r;

	link->ifi_family = AF_UNSPEC;
	legdown->devices_count = 0;
	r = ask(legdown, request, see_link);
	return r == 0 && legdown->devices_count == LEGDOWN_DEVICES_MAX ? -ENOBUFS : r;
}

const struct legdown_device *legdown_find(const struct legdown *legdown, const char *ifname)
{
	for (uint32_t i = 0; i < legdown->devices_count; i++) {
		if (strcmp(legdown->devices[i].ifname, ifname) == 0) {
			return &legdown->devices[i];
		}
	}
	return NULL;
}

int legdown_set_up(struct legdown *legdown, uint32_t ifindex, bool up)
{
	struct nlmsghdr *request = begin(legdown, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	int r;

	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	link->ifi_change = IFF_UP;
	link->ifi_flags = up ? IFF_UP : 0;
	r = ask(legdown, request, NULL);
	for (uint32_t i = 0; r == 0 && i < legdown->devices_count; i++) {
		if (legdown->devices[i].ifindex == ifindex) {
			legdown->devices[i].up = up;
		}
	}
	return r;
}

void legdown_fill(const struct legdown *legdown, const char *ifname, struct holder_leg *ret_leg)
{
	const struct legdown_device *leg = legdown_find(legdown, ifname);

	memset(ret_leg, 0, sizeof(*ret_leg));
	ret_leg->ifname = ifname;
	if (leg == NULL) {
		return;
	}
	ret_leg->ifindex = leg->ifindex;
	for (uint32_t i = 0; i < legdown->devices_count; i++) {
		const struct legdown_device *device = &legdown->devices[i];

		if (leg->bond ? device->master != leg->ifindex : device != leg) {
			continue;
		}
		if (ret_leg->devices_count == HOLDER_DEVICES_MAX) {
			/* As the daemon does: the bond itself, and its LACP falls silent. */
			ret_leg->devices_count = 1;
			ret_leg->devices[0] = (struct holder_device){leg->ifindex, leg->up};
			return;
		}
		ret_leg->devices[ret_leg->devices_count++] =
			(struct holder_device){device->ifindex, device->up};
	}
}
