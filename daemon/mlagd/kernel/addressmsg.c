// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading address messages, for addresses.c.  An attribute of the wrong size makes the message a
 * bad one: an address that is half known is of no use to anybody.
 */
#include "kernel/addressmsg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

struct addressmsg_attributes {
	const struct nlattr *address;
	const struct nlattr *local;
	const struct nlattr *flags;
	const struct nlattr *protocol;
};

static int addressmsg_index(const struct nlattr *attribute, void *user)
{
	struct addressmsg_attributes *attributes = user;

	switch (mnl_attr_get_type(attribute)) {
	case IFA_ADDRESS:
		attributes->address = attribute;
		break;
	case IFA_LOCAL:
		attributes->local = attribute;
		break;
	case IFA_FLAGS:
		attributes->flags = attribute;
		break;
	case IFA_PROTO:
		attributes->protocol = attribute;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* An optimistic address is used before DAD has passed it. */
static bool addressmsg_usable(const struct ifaddrmsg *header, const struct nlattr *attribute)
{
	uint32_t flags = header->ifa_flags;

	if (attribute != NULL && mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t)) {
		flags = mnl_attr_get_u32(attribute);
	}
	if ((flags & IFA_F_DADFAILED) != 0) {
		return false;
	}
	return (flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0;
}

int addressmsg_parse(const struct nlmsghdr *message, struct addressmsg *ret)
{
	struct addressmsg_attributes attributes = {0};
	const struct ifaddrmsg *header;
	const struct nlattr *own;
	size_t size;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6) {
		return -ENOMSG;
	}
	size = header->ifa_family == AF_INET ? 4 : 16;
	/* Not mnl_attr_parse(), which rounds the length of the message up. */
	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				     message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)),
				     addressmsg_index, &attributes);
	/* On a link with two ends "address" is the far one. */
	own = attributes.local != NULL ? attributes.local : attributes.address;
	if (header->ifa_index == 0 || own == NULL || mnl_attr_get_payload_len(own) != size) {
		return -EBADMSG;
	}
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = header->ifa_index;
	ret->family = header->ifa_family == AF_INET ? 4 : 6;
	memcpy(ret->octets, mnl_attr_get_payload(own), size);
	ret->usable = addressmsg_usable(header, attributes.flags);
	ret->length = header->ifa_prefixlen;
	if (attributes.protocol != NULL &&
	    mnl_attr_get_payload_len(attributes.protocol) >= sizeof(uint8_t)) {
		ret->protocol = mnl_attr_get_u8(attributes.protocol);
	}
	if (header->ifa_family == AF_INET) {
		ret->prefix = header->ifa_prefixlen;
		if (attributes.address != NULL &&
		    mnl_attr_get_payload_len(attributes.address) == sizeof(ret->far)) {
			memcpy(ret->far, mnl_attr_get_payload(attributes.address),
			       sizeof(ret->far));
		}
	}
	return 0;
}

static enum addressmsg_scope addressmsg_scope4(const uint8_t *octets)
{
	if (octets[0] == 0 || octets[0] == 127 || octets[0] >= 224) {
		/* 240.0.0.0/4 but broadcast is in use here and there, and unicast to the kernel. */
		bool reserved = octets[0] >= 240 &&
				(octets[0] & octets[1] & octets[2] & octets[3]) != 255;

		return reserved ? ADDRESSMSG_SCOPE_GLOBAL : ADDRESSMSG_SCOPE_NONE;
	}
	return octets[0] == 169 && octets[1] == 254 ? ADDRESSMSG_SCOPE_LINK
						    : ADDRESSMSG_SCOPE_GLOBAL;
}

static enum addressmsg_scope addressmsg_scope6(const uint8_t *octets)
{
	static const uint8_t zero[15];

	if (octets[0] == 0xff || (memcmp(octets, zero, sizeof(zero)) == 0 && octets[15] <= 1)) {
		return ADDRESSMSG_SCOPE_NONE;
	}
	return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80 ? ADDRESSMSG_SCOPE_LINK
							       : ADDRESSMSG_SCOPE_GLOBAL;
}

enum addressmsg_scope addressmsg_scope(uint8_t family, const uint8_t octets[16])
{
	return family == 4 ? addressmsg_scope4(octets) : addressmsg_scope6(octets);
}
