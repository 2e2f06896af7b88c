// SPDX-License-Identifier: BSD-2-Clause
/*
 * Configuration of bridge ports and bonds, by libnl-3.  effects.c calls this; every call is one or
 * a few requests that the kernel answers at once.  What is already so is not written: setting a
 * bond's ad_actor_system, for one, makes the partner leave even when the value is the same.
 */
#include "kernel/ports.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kernel/found.h"

#define PORTS_ROUTER_PERMANENT 2 /* MDB_RTR_TYPE_PERM */
#define PORTS_FLOODS_ALL 3	 /* unknown unicast, multicast, broadcast */
#define PORTS_TIMEOUT_S 5	 /* the kernel answers at once, or something is broken */

struct ports {
	struct nl_sock *socket;
	struct found *found;
	uint64_t writes;
	char error[256];
	char kernel_words[160]; /* extack of the last answer */
	int kernel_error;	/* negative errno of the last answer */
	uint32_t seq;		/* of the request that is out */
	bool answered;
};

/**
 * struct ports_state - what the kernel holds of one port
 * @is_port: of a bridge
 * @learning: address learning
 * @floods: which kinds of floods leave through it: unknown unicast, multicast, broadcast
 * @floods_count: how many kinds that are: none, PORTS_FLOODS_ALL, or some
 * @router: multicast router type; -1 where the kernel has no snooping
 * @backup_ifindex: 0 for none
 * @is_8023ad: a bond in that mode
 * @system_mac: its ad_actor_system
 * @address: its own MAC
 * @all_slaves_active: of the bond
 * @system_priority: its ad_actor_sys_prio, 0 where it was not told
 */
struct ports_state {
	bool found;
	bool is_port;
	bool learning;
	bool floods[PORTS_FLOODS_ALL];
	uint32_t floods_count;
	int router;
	uint32_t backup_ifindex;
	bool is_8023ad;
	struct mlag_mac system_mac;
	struct mlag_mac address;
	bool all_slaves_active;
	uint16_t system_priority;
};

/* ---- talking to the kernel ---------------------------------------------------------------- */

/* Every message that comes in passes here first: keep the kernel's own words of an error. */
static int ports_message_in(struct nl_msg *message, void *user)
{
	struct ports *ports = user;
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct nlmsgerr *error = nlmsg_data(header);
	struct nlattr *words;

	if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq != ports->seq ||
	    nlmsg_datalen(header) < (int)sizeof(*error)) {
		return NL_OK;
	}
	ports->answered = true;
	ports->kernel_error = error->error;
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
		return NL_OK;
	}
	/* With NETLINK_CAP_ACK the request is not repeated: attributes follow at once. */
	words = nlmsg_find_attr(header, (int)sizeof(*error), NLMSGERR_ATTR_MSG);
	if (words != NULL) {
		(void)nla_strlcpy(ports->kernel_words, words, sizeof(ports->kernel_words));
	}
	return NL_OK;
}

/* Write down why something failed, and hand the error on. */
static int ports_fail(struct ports *ports, const char *what, uint32_t ifindex, int error)
{
	(void)snprintf(ports->error, sizeof(ports->error), "%s of port #%u: %s%s%s", what, ifindex,
		       ports->kernel_words, ports->kernel_words[0] != '\0' ? ": " : "",
		       strerror(-error));
	return error;
}

/* Send one request, take it over, and wait for its acknowledgement. */
static int ports_send_take(struct ports *ports, struct nl_msg *message)
{
	int error;

	ports->kernel_error = 0;
	ports->kernel_words[0] = '\0';
	ports->answered = false;
	nl_complete_msg(ports->socket, message);
	ports->seq = nlmsg_hdr(message)->nlmsg_seq;
	error = nl_send(ports->socket, message);
	nlmsg_free(message);
	/* What was asked for comes first, in a datagram of its own; then the acknowledgement. */
	while (error >= 0 && !ports->answered) {
		error = nl_recvmsgs_default(ports->socket);
	}
	if (ports->answered) {
		return ports->kernel_error;
	}
	return error == -NLE_AGAIN ? -ETIMEDOUT : -EIO;
}

static struct nl_msg *ports_message(uint16_t type, uint8_t family, uint32_t ifindex)
{
	struct ifinfomsg header = {.ifi_family = family, .ifi_index = (int)ifindex};
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK);

	if (message != NULL && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* ---- reading ------------------------------------------------------------------------------ */

static void ports_read_slave(struct nlattr *data, struct ports_state *ret)
{
	static const int floods[PORTS_FLOODS_ALL] = {
		IFLA_BRPORT_UNICAST_FLOOD,
		IFLA_BRPORT_MCAST_FLOOD,
		IFLA_BRPORT_BCAST_FLOOD,
	};
	struct nlattr *table[IFLA_BRPORT_MAX + 1];
	uint32_t i;

	if (data == NULL || nla_parse_nested(table, IFLA_BRPORT_MAX, data, NULL) < 0) {
		return;
	}
	ret->is_port = true;
	ret->learning = table[IFLA_BRPORT_LEARNING] != NULL &&
			nla_get_u8(table[IFLA_BRPORT_LEARNING]) != 0;
	for (i = 0; i < PORTS_FLOODS_ALL; i++) {
		ret->floods[i] = table[floods[i]] != NULL && nla_get_u8(table[floods[i]]) != 0;
		ret->floods_count += ret->floods[i];
	}
	if (table[IFLA_BRPORT_MULTICAST_ROUTER] != NULL) {
		ret->router = nla_get_u8(table[IFLA_BRPORT_MULTICAST_ROUTER]);
	}
	if (table[IFLA_BRPORT_BACKUP_PORT] != NULL) {
		ret->backup_ifindex = nla_get_u32(table[IFLA_BRPORT_BACKUP_PORT]);
	}
}

static void ports_read_bond(struct nlattr *data, struct ports_state *ret)
{
	struct nlattr *table[IFLA_BOND_MAX + 1];
	struct nlattr *system_mac;

	if (data == NULL || nla_parse_nested(table, IFLA_BOND_MAX, data, NULL) < 0) {
		return;
	}
	ret->is_8023ad = table[IFLA_BOND_MODE] != NULL && nla_get_u8(table[IFLA_BOND_MODE]) == 4;
	ret->all_slaves_active = table[IFLA_BOND_ALL_SLAVES_ACTIVE] != NULL &&
				 nla_get_u8(table[IFLA_BOND_ALL_SLAVES_ACTIVE]) != 0;
	if (table[IFLA_BOND_AD_ACTOR_SYS_PRIO] != NULL) {
		ret->system_priority = nla_get_u16(table[IFLA_BOND_AD_ACTOR_SYS_PRIO]);
	}
	system_mac = table[IFLA_BOND_AD_ACTOR_SYSTEM];
	if (system_mac != NULL && nla_len(system_mac) == (int)sizeof(ret->system_mac.octets)) {
		memcpy(ret->system_mac.octets, nla_data(system_mac),
		       sizeof(ret->system_mac.octets));
	}
}

static int ports_read_link(struct nl_msg *message, void *user)
{
	struct ports_state *state = user;
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *info[IFLA_INFO_MAX + 1];
	struct nlattr *link, *address;

	if (header->nlmsg_type != RTM_NEWLINK) {
		return NL_OK;
	}
	state->found = true;
	address = nlmsg_find_attr(header, (int)sizeof(struct ifinfomsg), IFLA_ADDRESS);
	if (address != NULL && nla_len(address) == (int)sizeof(state->address.octets)) {
		memcpy(state->address.octets, nla_data(address), sizeof(state->address.octets));
	}
	link = nlmsg_find_attr(header, (int)sizeof(struct ifinfomsg), IFLA_LINKINFO);
	if (link == NULL || nla_parse_nested(info, IFLA_INFO_MAX, link, NULL) < 0) {
		return NL_OK;
	}
	if (info[IFLA_INFO_SLAVE_KIND] != NULL &&
	    nla_strcmp(info[IFLA_INFO_SLAVE_KIND], "bridge") == 0) {
		ports_read_slave(info[IFLA_INFO_SLAVE_DATA], state);
	}
	if (info[IFLA_INFO_KIND] != NULL && nla_strcmp(info[IFLA_INFO_KIND], "bond") == 0) {
		ports_read_bond(info[IFLA_INFO_DATA], state);
	}
	return NL_OK;
}

/* Any link, port of a bridge or not. */
static int ports_read_any(struct ports *ports, uint32_t ifindex, struct ports_state *ret)
{
	struct ports_state state = {.router = -1};
	struct nl_msg *message = ports_message(RTM_GETLINK, AF_UNSPEC, ifindex);
	int error;

	ports->kernel_words[0] = '\0';
	if (message == NULL) {
		return ports_fail(ports, "reading the state", ifindex, -ENOMEM);
	}
	error = nl_socket_modify_cb(ports->socket, NL_CB_VALID, NL_CB_CUSTOM, ports_read_link,
				    &state);
	if (error < 0) {
		nlmsg_free(message);
		return ports_fail(ports, "reading the state", ifindex, -EIO);
	}
	error = ports_send_take(ports, message);
	(void)nl_socket_modify_cb(ports->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
	if (error == 0 && !state.found) {
		error = -ENODEV;
	}
	if (error < 0) {
		return ports_fail(ports, "reading the state", ifindex, error);
	}
	*ret = state;
	return 0;
}

static int ports_read(struct ports *ports, uint32_t ifindex, struct ports_state *ret)
{
	struct ports_state state;
	int error = ports_read_any(ports, ifindex, &state);

	if (error < 0) {
		return error;
	}
	if (!state.is_port) {
		ports->kernel_words[0] = '\0';
		return ports_fail(ports, "reading the state", ifindex, -EOPNOTSUPP);
	}
	*ret = state;
	return 0;
}

/* Write down what is there, before it is changed for the first time. */
static void ports_note(struct ports *ports, uint32_t ifindex, const struct ports_state *state,
		       uint32_t what)
{
	const struct found_device device = {
		.ifindex = ifindex,
		.what = what,
		.flood = state->floods[0],
		.mcast_flood = state->floods[1],
		.bcast_flood = state->floods[2],
		.backup_ifindex = state->backup_ifindex,
		.learning = state->learning,
		.router = state->router,
		.system_mac = state->system_mac,
		.all_slaves_active = state->all_slaves_active,
	};

	(void)found_add(ports->found, &device);
}

static bool ports_is_noted(const struct ports *ports, uint32_t ifindex, uint32_t what)
{
	const struct found_device *device = found_get(ports->found, ifindex);

	return device != NULL && (device->what & what) == what;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* One attribute of a bridge port; at most 32 bits wide. */
struct ports_value {
	int type;
	bool wide;
	uint32_t value;
};

/* Set attributes of a bridge port in one message. */
static int ports_write_port(struct ports *ports, uint32_t ifindex, const char *what,
			    const struct ports_value *values, uint32_t count)
{
	struct nl_msg *message = ports_message(RTM_SETLINK, AF_BRIDGE, ifindex);
	struct nlattr *nest;
	uint32_t i;
	int error = 0;

	ports->kernel_words[0] = '\0';
	if (message == NULL) {
		return ports_fail(ports, what, ifindex, -ENOMEM);
	}
	nest = nla_nest_start(message, IFLA_PROTINFO | NLA_F_NESTED);
	if (nest == NULL) {
		error = -ENOMEM;
	}
	for (i = 0; i < count && error == 0; i++) {
		if (values[i].wide) {
			error = nla_put_u32(message, values[i].type, values[i].value);
		} else {
			error = nla_put_u8(message, values[i].type, (uint8_t)values[i].value);
		}
	}
	if (error < 0) {
		nlmsg_free(message);
		return ports_fail(ports, what, ifindex, -ENOMEM);
	}
	(void)nla_nest_end(message, nest);
	ports->writes++;
	error = ports_send_take(ports, message);
	return error < 0 ? ports_fail(ports, what, ifindex, error) : 0;
}

/* Set what differs of a bond; what is NULL is left alone. */
static int ports_write_bond(struct ports *ports, uint32_t ifindex,
			    const struct mlag_mac *system_mac, const bool *all_slaves_active)
{
	const char *what = "setting ad_actor_system and all_slaves_active";
	struct nl_msg *message = ports_message(RTM_NEWLINK, AF_UNSPEC, ifindex);
	struct nlattr *info = NULL;
	struct nlattr *data = NULL;
	int error = -ENOMEM;

	ports->kernel_words[0] = '\0';
	if (message != NULL) {
		info = nla_nest_start(message, IFLA_LINKINFO);
	}
	if (info != NULL && nla_put_string(message, IFLA_INFO_KIND, "bond") == 0) {
		data = nla_nest_start(message, IFLA_INFO_DATA);
	}
	if (data != NULL &&
	    (system_mac == NULL ||
	     nla_put(message, IFLA_BOND_AD_ACTOR_SYSTEM, (int)sizeof(system_mac->octets),
		     system_mac->octets) == 0) &&
	    (all_slaves_active == NULL ||
	     nla_put_u8(message, IFLA_BOND_ALL_SLAVES_ACTIVE, *all_slaves_active) == 0)) {
		error = 0;
	}
	if (error < 0) {
		nlmsg_free(message);
		return ports_fail(ports, what, ifindex, error);
	}
	(void)nla_nest_end(message, data);
	(void)nla_nest_end(message, info);
	ports->writes++;
	error = ports_send_take(ports, message);
	return error < 0 ? ports_fail(ports, what, ifindex, error) : 0;
}

int ports_set_flood(struct ports *ports, uint32_t ifindex, bool on)
{
	const struct ports_value values[] = {
		{.type = IFLA_BRPORT_UNICAST_FLOOD, .value = on},
		{.type = IFLA_BRPORT_MCAST_FLOOD, .value = on},
		{.type = IFLA_BRPORT_BCAST_FLOOD, .value = on},
	};
	struct ports_state state;

	/* Once for each device: later, on the way of a failover, nothing is asked. */
	if (!ports_is_noted(ports, ifindex, FOUND_LEG)) {
		int error = ports_read(ports, ifindex, &state);

		if (error < 0) {
			return error;
		}
		ports_note(ports, ifindex, &state, FOUND_LEG);
	}
	return ports_write_port(ports, ifindex, "setting flood, mcast_flood and bcast_flood",
				values, 3);
}

int ports_prepare_peer_link(struct ports *ports, uint32_t ifindex)
{
	struct ports_value values[2];
	struct ports_state state;
	uint32_t count = 0;
	int error = ports_read(ports, ifindex, &state);

	if (error < 0) {
		return error;
	}
	ports_note(ports, ifindex, &state, FOUND_PEER_LINK);
	if (state.learning) {
		values[count++] = (struct ports_value){.type = IFLA_BRPORT_LEARNING, .value = 0};
	}
	if (state.router >= 0 && state.router != PORTS_ROUTER_PERMANENT) {
		values[count++] = (struct ports_value){.type = IFLA_BRPORT_MULTICAST_ROUTER,
						       .value = PORTS_ROUTER_PERMANENT};
	}
	if (count == 0) {
		return 0;
	}
	return ports_write_port(ports, ifindex, "setting learning and mcast_router", values, count);
}

int ports_prepare_leg(struct ports *ports, uint32_t ifindex, bool bond_8023ad,
		      uint32_t backup_ifindex, const struct mlag_mac *system_mac)
{
	const struct ports_value backup = {
		.type = IFLA_BRPORT_BACKUP_PORT,
		.wide = true,
		.value = backup_ifindex,
	};
	const bool active = true;
	struct ports_state state;
	bool same_system;
	int error = ports_read(ports, ifindex, &state);

	if (error < 0) {
		return error;
	}
	ports_note(ports, ifindex, &state,
		   FOUND_LEG | (bond_8023ad && state.is_8023ad ? FOUND_BOND : 0));
	if (state.backup_ifindex != backup_ifindex) {
		error = ports_write_port(ports, ifindex, "setting backup_port", &backup, 1);
		if (error < 0) {
			return error;
		}
	}
	if (!bond_8023ad) {
		return 0;
	}
	ports->kernel_words[0] = '\0';
	if (!state.is_8023ad) {
		return ports_fail(ports, "preparing the bond (not in 802.3ad mode)", ifindex,
				  -EINVAL);
	}
	/* Its own by name: zero, which means the same, is refused before Linux 5.16. */
	system_mac = system_mac != NULL ? system_mac : &state.address;
	same_system = memcmp(&state.system_mac, system_mac, sizeof(*system_mac)) == 0;
	if (same_system && state.all_slaves_active) {
		return 0;
	}
	return ports_write_bond(ports, ifindex, same_system ? NULL : system_mac,
				state.all_slaves_active ? NULL : &active);
}

/* ---- putting back -------------------------------------------------------------------------- */

/* Whatever is ours goes; what somebody else set since stays as he set it. */
static int ports_restore_port(struct ports *ports, uint32_t ifindex,
			      const struct found_device *found, const struct ports_state *now)
{
	const struct ports_value floods[] = {
		{.type = IFLA_BRPORT_UNICAST_FLOOD, .value = found->flood},
		{.type = IFLA_BRPORT_MCAST_FLOOD, .value = found->mcast_flood},
		{.type = IFLA_BRPORT_BCAST_FLOOD, .value = found->bcast_flood},
	};
	struct ports_value values[PORTS_FLOODS_ALL + 3];
	uint32_t count = 0;

	if ((found->what & FOUND_LEG) != 0) {
		for (uint32_t i = 0; i < PORTS_FLOODS_ALL; i++) {
			if (now->floods[i] != (floods[i].value != 0)) {
				values[count++] = floods[i];
			}
		}
		if (now->backup_ifindex != found->backup_ifindex) {
			values[count++] = (struct ports_value){.type = IFLA_BRPORT_BACKUP_PORT,
							       .wide = true,
							       .value = found->backup_ifindex};
		}
	}
	if ((found->what & FOUND_PEER_LINK) != 0 && found->learning && !now->learning) {
		values[count++] = (struct ports_value){.type = IFLA_BRPORT_LEARNING, .value = 1};
	}
	if ((found->what & FOUND_PEER_LINK) != 0 && found->router >= 0 &&
	    now->router == PORTS_ROUTER_PERMANENT && found->router != PORTS_ROUTER_PERMANENT) {
		values[count++] = (struct ports_value){.type = IFLA_BRPORT_MULTICAST_ROUTER,
						       .value = (uint32_t)found->router};
	}
	return count == 0
		       ? 0
		       : ports_write_port(ports, ifindex, "putting settings back", values, count);
}

static int ports_restore_bond(struct ports *ports, uint32_t ifindex,
			      const struct found_device *found, const struct ports_state *now)
{
	bool same_system =
		memcmp(&found->system_mac, &now->system_mac, sizeof(found->system_mac)) == 0;
	bool same_active = found->all_slaves_active == now->all_slaves_active;

	if ((found->what & FOUND_BOND) == 0 || !now->is_8023ad || (same_system && same_active)) {
		return 0;
	}
	return ports_write_bond(ports, ifindex, same_system ? NULL : &found->system_mac,
				same_active ? NULL : &found->all_slaves_active);
}

int ports_restore(struct ports *ports, uint32_t ifindex, bool same_port)
{
	const struct found_device *there = found_get(ports->found, ifindex);
	struct found_device found;
	struct ports_state now;
	int error, port_error = 0;

	if (there == NULL) {
		return 0;
	}
	found = *there;
	error = ports_read_any(ports, ifindex, &now);
	if (error == 0) {
		if (same_port && now.is_port) {
			port_error = ports_restore_port(ports, ifindex, &found, &now);
		}
		error = ports_restore_bond(ports, ifindex, &found, &now);
		error = port_error < 0 ? port_error : error;
	}
	if (error == 0 || error == -ENODEV) {
		found_drop(ports->found, ifindex, FOUND_LEG | FOUND_PEER_LINK | FOUND_BOND);
	}
	return error == -ENODEV ? 0 : error;
}

void ports_forget(struct ports *ports, uint32_t ifindex)
{
	found_drop(ports->found, ifindex, FOUND_LEG | FOUND_PEER_LINK);
}

uint32_t ports_next_found(const struct ports *ports, uint32_t ifindex)
{
	const struct found_device *device = found_next(ports->found, ifindex);

	return device != NULL ? device->ifindex : 0;
}

void ports_note_qdisc(struct ports *ports, uint32_t ifindex)
{
	const struct found_device device = {.ifindex = ifindex, .what = FOUND_QDISC};

	(void)found_add(ports->found, &device);
}

bool ports_take_qdisc(struct ports *ports, uint32_t ifindex)
{
	bool noted = ports_is_noted(ports, ifindex, FOUND_QDISC);

	found_drop(ports->found, ifindex, FOUND_QDISC);
	return noted;
}

/* ---- taking out of service ----------------------------------------------------------------- */

int ports_set_up(struct ports *ports, uint32_t ifindex, bool up)
{
	const char *what = up ? "setting the device up" : "setting the device down";
	struct ifinfomsg header = {
		.ifi_index = (int)ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
	int error;

	ports->kernel_words[0] = '\0';
	if (message == NULL) {
		return ports_fail(ports, what, ifindex, -ENOMEM);
	}
	if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		return ports_fail(ports, what, ifindex, -ENOMEM);
	}
	ports->writes++;
	error = ports_send_take(ports, message);
	return error < 0 ? ports_fail(ports, what, ifindex, error) : 0;
}

int ports_get_system_priority(struct ports *ports, uint32_t ifindex, uint16_t *ret_priority)
{
	struct ports_state state;
	int error = ports_read(ports, ifindex, &state);

	if (error < 0) {
		return error;
	}
	if (!state.is_8023ad || state.system_priority == 0) {
		return ports_fail(ports, "reading ad_actor_sys_prio", ifindex, -EINVAL);
	}
	*ret_priority = state.system_priority;
	return 0;
}

int ports_set_system_priority(struct ports *ports, uint32_t ifindex, uint16_t priority)
{
	const char *what = "setting ad_actor_sys_prio";
	struct nl_msg *message = ports_message(RTM_NEWLINK, AF_UNSPEC, ifindex);
	struct nlattr *info = NULL;
	struct nlattr *data = NULL;
	int error;

	ports->kernel_words[0] = '\0';
	if (message != NULL) {
		info = nla_nest_start(message, IFLA_LINKINFO);
	}
	if (info != NULL && nla_put_string(message, IFLA_INFO_KIND, "bond") == 0) {
		data = nla_nest_start(message, IFLA_INFO_DATA);
	}
	if (data == NULL || nla_put_u16(message, IFLA_BOND_AD_ACTOR_SYS_PRIO, priority) < 0) {
		nlmsg_free(message);
		return ports_fail(ports, what, ifindex, -ENOMEM);
	}
	(void)nla_nest_end(message, data);
	(void)nla_nest_end(message, info);
	ports->writes++;
	error = ports_send_take(ports, message);
	return error < 0 ? ports_fail(ports, what, ifindex, error) : 0;
}

/* ---- comparing ---------------------------------------------------------------------------- */

int ports_check_peer_link(struct ports *ports, uint32_t ifindex, uint32_t *ret_found)
{
	struct ports_state state;
	uint32_t found = 0;
	int error = ports_read(ports, ifindex, &state);

	if (error < 0) {
		return error;
	}
	if (state.learning) {
		found |= PORTS_FOUND_LEARNING;
	}
	if (state.router >= 0 && state.router != PORTS_ROUTER_PERMANENT) {
		found |= PORTS_FOUND_ROUTER;
	}
	*ret_found = found;
	return 0;
}

int ports_check_leg(struct ports *ports, uint32_t ifindex, bool bond_8023ad,
		    uint32_t backup_ifindex, const struct mlag_mac *system_mac, bool flood,
		    uint32_t *ret_found)
{
	struct ports_state state;
	uint32_t found = 0;
	int error = ports_read(ports, ifindex, &state);

	if (error < 0) {
		return error;
	}
	if (state.floods_count != (flood ? PORTS_FLOODS_ALL : 0)) {
		found |= PORTS_FOUND_FLOOD;
	}
	if (state.backup_ifindex != backup_ifindex) {
		found |= PORTS_FOUND_BACKUP;
	}
	system_mac = system_mac != NULL ? system_mac : &state.address;
	if (bond_8023ad && state.is_8023ad &&
	    (!state.all_slaves_active ||
	     memcmp(&state.system_mac, system_mac, sizeof(*system_mac)) != 0)) {
		found |= PORTS_FOUND_BOND;
	}
	*ret_found = found;
	return 0;
}

/* ---- life and death ----------------------------------------------------------------------- */

int ports_open(struct ports **ret, const char *run_dir)
{
	struct ports *ports = calloc(1, sizeof(*ports));
	const struct timeval timeout = {.tv_sec = PORTS_TIMEOUT_S};
	int one = 1;
	int fd;

	if (ports == NULL) {
		return -ENOMEM;
	}
	ports->socket = nl_socket_alloc();
	if (ports->socket == NULL || found_open(&ports->found, run_dir) < 0) {
		ports_close(ports);
		return -ENOMEM;
	}
	if (nl_connect(ports->socket, NETLINK_ROUTE) < 0 ||
	    nl_socket_modify_cb(ports->socket, NL_CB_MSG_IN, NL_CB_CUSTOM, ports_message_in,
				ports) < 0) {
		ports_close(ports);
		return -EIO;
	}
	/* A late answer is told by its number, in ports_message_in(). */
	nl_socket_disable_seq_check(ports->socket);
	fd = nl_socket_get_fd(ports->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
		ports_close(ports);
		return -EIO;
	}
	/* Only for better words in errors: a kernel without them is still served. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*ret = ports;
	return 0;
}

void ports_close(struct ports *ports)
{
	if (ports == NULL) {
		return;
	}
	found_close(ports->found);
	nl_socket_free(ports->socket);
	free(ports);
}

uint64_t ports_writes_count(const struct ports *ports)
{
	return ports->writes;
}

const char *ports_error(const struct ports *ports)
{
	return ports->error;
}
