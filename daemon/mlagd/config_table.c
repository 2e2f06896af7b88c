// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table of sections and keys, and what it says of single values: how one is read, what is
 * wrong with it, what would be allowed.  What looks at two values at once is in config.c.
 */
#include "config_table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* clang-format off */
const struct config_section config_sections[CONFIG_SECTIONS_COUNT] = {
	[CONFIG_SECTION_DOMAIN] = {
		.name = "domain", .count_max = 1, .required = true,
		.help = "What both members of the pair share.",
	},
	[CONFIG_SECTION_PEER] = {
		.name = "peer", .count_max = 1, .required = true,
		.help = "The other member and the ways to it.",
	},
	[CONFIG_SECTION_LAG] = {
		.name = "lag", .device = "DEVICE", .count_max = MLAG_LEGS_MAX,
		.help = "One LAG of the pair; *DEVICE* is this member's leg: a bond in 802.3ad mode, or "
			"any port of the bridge (then a static leg). May come many times.",
	},
	[CONFIG_SECTION_GATEWAY] = {
		.name = "gateway", .device = "DEVICE", .count_max = CONFIG_GATEWAYS_MAX,
		.help = "A gateway that both members share, on the SVI *DEVICE*: a VLAN device on the "
			"bridge, or the bridge itself. The same on both members. May come many times.",
	},
};

#define MEMBER(type, member) .offset = offsetof(struct type, member), \
			     .size = sizeof(((struct type *)NULL)->member)

const struct config_key config_keys[] = {
	{ CONFIG_SECTION_DOMAIN, "system-mac", CONFIG_TYPE_MAC, .required = true,
	  MEMBER(config, system_mac),
	  .help = "The LACP system id that both members show to their partners. The same on both "
		  "members, and on no other machine." },
	{ CONFIG_SECTION_DOMAIN, "id", CONFIG_TYPE_UINT, .fallback = "1", .min = 1, .max = 65535,
	  MEMBER(config, domain_id),
	  .help = "Number of the pair. Must agree, otherwise the session is refused." },
	{ CONFIG_SECTION_DOMAIN, "priority", CONFIG_TYPE_UINT, .fallback = "32768", .max = 65535,
	  MEMBER(config, priority),
	  .help = "The member with the lower number becomes primary." },
	{ CONFIG_SECTION_DOMAIN, "bridge", CONFIG_TYPE_IFNAME, .required = true,
	  MEMBER(config, bridge),
	  .help = "The bridge, VLAN-aware or not, whose ports the peer link and the legs are." },
	{ CONFIG_SECTION_DOMAIN, "macs-max", CONFIG_TYPE_UINT, .fallback = "131072", .min = 1024,
	  .max = MLAG_MACS_MAX, .unit = "MACs", MEMBER(config, macs_max),
	  .help = "How many MACs both members together may know; more are not synced, and `status` says "
		  "so. Memory is used as MACs come, but for the kernel's map of them (about 90 bytes a "
		  "MAC). Read at the start only, not by a reload. It need not agree, but should." },
	{ CONFIG_SECTION_DOMAIN, "datapath", CONFIG_TYPE_CHOICE, .fallback = "auto",
	  .choices = { "auto", "tc", "xdp" }, MEMBER(config, datapath),
	  .help = "Where the programs that forward are attached. auto and tc: at tc. xdp: at XDP too, "
		  "in the driver of each port where that is possible, which makes routing for the "
		  "peer several times faster; `status` says where it is not, and why. With xdp such "
		  "packets pass no filter of this machine's (netfilter, IPsec)." },

	{ CONFIG_SECTION_PEER, "link", CONFIG_TYPE_IFNAME, .required = true, MEMBER(config, link),
	  .help = "The bridge port that is the peer link. Its permanent MAC is the member id." },
	{ CONFIG_SECTION_PEER, "local", CONFIG_TYPE_ADDRESS, .required = true,
	  MEMBER(config, local),
	  .help = "This member's address of the session, on any interface. A link-local IPv6 address "
		  "needs its device: fe80::1%eth0." },
	{ CONFIG_SECTION_PEER, "remote", CONFIG_TYPE_ADDRESS, .required = true,
	  MEMBER(config, remote),
	  .help = "The peer's address of the session." },
	{ CONFIG_SECTION_PEER, "port", CONFIG_TYPE_UINT, .fallback = "4796", .min = 1, .max = 65535,
	  MEMBER(config, port),
	  .help = "Port of the TCP session, and of UDP hellos on the backup path." },
	{ CONFIG_SECTION_PEER, "security", CONFIG_TYPE_CHOICE, .fallback = "psk",
	  .choices = { "psk", "none" }, MEMBER(config, security),
	  .help = "How the session is protected. psk: TLS 1.3 with a pre-shared key. none: not at "
		  "all. The same on both members. See SECURITY." },
	{ CONFIG_SECTION_PEER, "key-file", CONFIG_TYPE_PATH, .fallback = "/etc/mlag/peer.key",
	  MEMBER(config, key_file),
	  .help = "The pre-shared key, the same on both members; 'mlagctl genkey' makes one. Only its "
		  "owner may read it. Read at start and at every reload; not with security = none." },
	{ CONFIG_SECTION_PEER, "backup-local", CONFIG_TYPE_ADDRESS, MEMBER(config, backup_local),
	  .help = "This member's address of a second path for hellos, over another cable and other "
		  "switches than the peer link: it tells a dead peer from a cut peer link, and a hung "
		  "daemon from a link that passes nothing." },
	{ CONFIG_SECTION_PEER, "backup-remote", CONFIG_TYPE_ADDRESS, MEMBER(config, backup_remote),
	  .help = "The peer's address of the second path. Needs backup-local, and the other way "
		  "round." },
	{ CONFIG_SECTION_PEER, "hello-interval", CONFIG_TYPE_DURATION, .fallback = "100ms",
	  .min = 50 * NS_PER_MS, .max = NS_PER_S, .unit = "ms or s",
	  MEMBER(config, hello_interval_ns),
	  .help = "Time between two signs of life, in the session and on each path. Where the members "
		  "differ, the longer one counts for hellos." },
	{ CONFIG_SECTION_PEER, "dead-multiplier", CONFIG_TYPE_UINT, .fallback = "3", .min = 2,
	  .max = 20, .unit = "intervals", MEMBER(config, dead_multiplier),
	  .help = "How many intervals of silence end the session, and make a path dead." },
	{ CONFIG_SECTION_PEER, "restart-hold", CONFIG_TYPE_DURATION, .fallback = "30s",
	  .min = NS_PER_S, .max = 600 * NS_PER_S, .unit = "ms or s",
	  MEMBER(config, restart_hold_ns),
	  .help = "How long a silent peer behind a peer link with carrier is taken to be restarting: the "
		  "longer one of both members, and 20 % more. And for how long mlag-guard waits for a "
		  "daemon that has died or hangs before it takes this member's legs down." },
	{ CONFIG_SECTION_PEER, "startup-wait", CONFIG_TYPE_DURATION, .fallback = "30s",
	  .max = 3600 * NS_PER_S, .unit = "ms or s", MEMBER(config, startup_wait_ns),
	  .help = "How long to wait, after a start, for a peer that was never heard, or for the peer "
		  "link when the peer is heard by the backup path alone. Until then legs stay held, "
		  "and for as long as the peer is heard and belongs to another domain." },
	{ CONFIG_SECTION_PEER, "last-resort", CONFIG_TYPE_SWITCH, .fallback = "off",
	  .choices = { "on", "off" }, MEMBER(config, last_resort),
	  .help = "When the default route of this member is lost, and the peer has one that does not "
		  "lead back here, send by the peer what has no other route. See LAST RESORT." },
	{ CONFIG_SECTION_PEER, "hold-svis", CONFIG_TYPE_SWITCH, .fallback = "on",
	  .choices = { "on", "off" }, MEMBER(config, hold_svis),
	  .help = "In a split, set the interfaces of VLANs down that this member reaches by held legs "
		  "alone, so that routing daemons do not announce networks whose hosts are behind the "
		  "peer." },

	{ CONFIG_SECTION_LAG, "id", CONFIG_TYPE_UINT, .required = true, .min = 1, .max = 65535,
	  MEMBER(config_lag, id),
	  .help = "Number of the LAG, the same on both members, once in the file." },
	{ CONFIG_SECTION_LAG, "bring-up", CONFIG_TYPE_SWITCH, .fallback = "off",
	  .choices = { "on", "off" }, MEMBER(config_lag, bring_up),
	  .help = "on: the machine leaves the slaves of this leg (or the port itself) down at boot, and "
		  "mlagd sets them up when the leg may serve. See BOOTING." },

	{ CONFIG_SECTION_GATEWAY, "address", CONFIG_TYPE_PREFIX, .required = true, .repeated = true,
	  MEMBER(config_gateway, addresses[0]),
	  .help = "A shared address. May be repeated, up to 8 times, v4 and v6, link-local too. It is "
		  "no address of the SVI itself, which may have others of the same network." },
	{ CONFIG_SECTION_GATEWAY, "mac", CONFIG_TYPE_MAC, .required = true,
	  MEMBER(config_gateway, mac),
	  .help = "The shared router MAC, from which both members answer. Not that of an SVI." },
};
/* clang-format on */

const uint32_t config_keys_count = sizeof(config_keys) / sizeof(config_keys[0]);

bool config_ifname_valid(const char *text)
{
	size_t size = strlen(text);

	if (size == 0 || size >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		return false;
	}
	for (const char *c = text; *c != '\0'; c++) {
		if (!isgraph((unsigned char)*c) || *c == '/' || *c == ':' || *c == '%') {
			return false;
		}
	}
	return true;
}

/* Reads digits only; false when there are none or they do not fit. */
static bool parse_digits(const char *text, const char **ret_end, uint64_t *ret)
{
	uint64_t value = 0;
	const char *c;

	for (c = text; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value)) {
			value = UINT64_MAX; /* out of every range */
		}
	}
	*ret_end = c;
	*ret = value;
	return c != text;
}

static const char *parse_uint(const struct config_key *key, const char *text, void *ret)
{
	uint64_t value;

	if (!parse_digits(text, &text, &value) || *text != '\0') {
		return "is not a number";
	}
	if (value < key->min || value > key->max) {
		return "is out of range";
	}
	if (key->size == sizeof(uint16_t)) {
		*(uint16_t *)ret = (uint16_t)value;
	} else {
		*(uint32_t *)ret = (uint32_t)value;
	}
	return NULL;
}

static const char *parse_duration(const struct config_key *key, const char *text, void *ret)
{
	uint64_t unit_ns;
	uint64_t value;

	if (!parse_digits(text, &text, &value)) {
		return "is not a duration";
	}
	if (strcmp(text, "ms") == 0) {
		unit_ns = NS_PER_MS;
	} else if (strcmp(text, "s") == 0) {
		unit_ns = NS_PER_S;
	} else if (*text == '\0') {
		return "has no unit";
	} else {
		return "has an unknown unit";
	}
	if (__builtin_mul_overflow(value, unit_ns, &value) || value < key->min ||
	    value > key->max) {
		return "is out of range";
	}
	*(uint64_t *)ret = value;
	return NULL;
}

static const char *parse_mac(const char *text, struct mlag_mac *ret)
{
	struct mlag_mac mac = {0};
	uint8_t any = 0;

	if (strlen(text) != 17) {
		return "is not a MAC address";
	}
	for (size_t i = 0; i < 17; i++) {
		char c = text[i];
		uint8_t digit;

		if (i % 3 == 2) {
			if (c != ':') {
				return "is not a MAC address";
			}
			continue;
		}
		if (!isxdigit((unsigned char)c)) {
			return "is not a MAC address";
		}
		digit = (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
		mac.octets[i / 3] = (uint8_t)(mac.octets[i / 3] << 4 | digit);
		any |= digit;
	}
	if (mac.octets[0] & 1) {
		return "is a group address (multicast bit)";
	}
	if (any == 0) {
		return "is the zero address";
	}
	*ret = mac;
	return NULL;
}

static const char *judge_in(const struct in_addr *in)
{
	uint32_t host = ntohl(in->s_addr);

	if (host >> 24 == 0) {
		return "is the unspecified address";
	}
	if (host >> 28 == 0xe) {
		return "is a multicast address";
	}
	if (host == INADDR_BROADCAST || host >> 28 == 0xf) {
		return "is a broadcast or reserved address";
	}
	return NULL;
}

static const char *judge_in6(const struct in6_addr *in6)
{
	if (IN6_IS_ADDR_UNSPECIFIED(in6)) {
		return "is the unspecified address";
	}
	if (IN6_IS_ADDR_MULTICAST(in6)) {
		return "is a multicast address";
	}
	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		return "is an IPv4 address in IPv6 clothes; write it as IPv4";
	}
	return NULL;
}

/* Copies what stands before @mark; false when there is nothing or it does not fit. */
static bool copy_before(const char *text, const char *mark, char *ret, size_t size)
{
	size_t length = mark != NULL ? (size_t)(mark - text) : strlen(text);

	if (length == 0 || length >= size) {
		return false;
	}
	memcpy(ret, text, length);
	ret[length] = '\0';
	return true;
}

static const char *parse_scope(const char *percent, struct sockaddr_in6 *sin6, char *ret_scope)
{
	if (percent == NULL) {
		return IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr)
			       ? "is link-local and needs its device, as in fe80::1%eth0"
			       : NULL;
	}
	if (!config_ifname_valid(percent + 1)) {
		return "has no valid device after '%'";
	}
	memcpy(ret_scope, percent + 1, strlen(percent + 1) + 1);
	sin6->sin6_scope_id = if_nametoindex(ret_scope);
	return NULL;
}

static const char *parse_address(const char *text, struct config_address *ret)
{
	const char *percent = strchr(text, '%');
	struct config_address address = {0};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct sockaddr_in sin = {.sin_family = AF_INET};
	char host[INET6_ADDRSTRLEN];
	const char *wrong;

	if (!copy_before(text, percent, host, sizeof(host))) {
		return "is not an address";
	}
	if (inet_pton(AF_INET, host, &sin.sin_addr) == 1) {
		address.size = sizeof(sin);
		memcpy(&address.storage, &sin, sizeof(sin));
		wrong = percent != NULL ? "has a device after '%', which only IPv6 may have"
					: judge_in(&sin.sin_addr);
	} else if (inet_pton(AF_INET6, host, &sin6.sin6_addr) == 1) {
		wrong = judge_in6(&sin6.sin6_addr);
		if (wrong == NULL) {
			wrong = parse_scope(percent, &sin6, address.scope);
		}
		address.size = sizeof(sin6);
		memcpy(&address.storage, &sin6, sizeof(sin6));
	} else {
		return "is not an address";
	}
	if (wrong == NULL) {
		*ret = address;
	}
	return wrong;
}

/* What a host in the network could send to; @length is right. */
static const char *judge_host(const struct in_addr *in, uint64_t length)
{
	uint32_t host_mask = length < 31 ? UINT32_MAX >> length : 0;
	uint32_t host = ntohl(in->s_addr);

	if (host >> 24 == 127) {
		return "is a loopback address";
	}
	if (host_mask != 0 && (host & host_mask) == 0) {
		return "is the address of the network itself";
	}
	if (host_mask != 0 && (host & host_mask) == host_mask) {
		return "is the broadcast address of its network";
	}
	return NULL;
}

static const char *parse_prefix(const char *text, struct config_prefix *ret)
{
	const char *slash = strchr(text, '/');
	struct config_prefix prefix = {0};
	char host[INET6_ADDRSTRLEN];
	uint64_t length, length_max;
	const char *wrong, *end;

	if (slash == NULL) {
		return "has no prefix length";
	}
	if (!copy_before(text, slash, host, sizeof(host)) ||
	    !parse_digits(slash + 1, &end, &length) || *end != '\0') {
		return "is not an address with a prefix length";
	}
	if (inet_pton(AF_INET, host, &prefix.in) == 1) {
		prefix.family = AF_INET;
		length_max = 32;
		wrong = judge_in(&prefix.in);
	} else if (inet_pton(AF_INET6, host, &prefix.in6) == 1) {
		prefix.family = AF_INET6;
		length_max = 128;
		wrong = judge_in6(&prefix.in6);
	} else {
		return "is not an address with a prefix length";
	}
	if (wrong != NULL) {
		return wrong;
	}
	if (length < 1 || length > length_max) {
		return "has a prefix length out of range";
	}
	if (prefix.family == AF_INET) {
		wrong = judge_host(&prefix.in, length);
	} else if (IN6_IS_ADDR_LOOPBACK(&prefix.in6)) {
		wrong = "is a loopback address";
	}
	if (wrong != NULL) {
		return wrong;
	}
	prefix.length = (uint16_t)length;
	*ret = prefix;
	return NULL;
}

static const char *parse_choice(const struct config_key *key, const char *text, void *ret)
{
	for (int i = 0; i < CONFIG_CHOICES_MAX && key->choices[i] != NULL; i++) {
		if (strcmp(text, key->choices[i]) == 0) {
			if (key->type == CONFIG_TYPE_SWITCH) {
				*(bool *)ret = i == 0;
			} else {
				int value = i + 1;

				memcpy(ret, &value, sizeof(value));
			}
			return NULL;
		}
	}
	return "is not one of the words";
}

const char *config_value_parse(const struct config_key *key, const char *text, void *ret)
{
	if (*text == '\0') {
		return "is empty";
	}
	switch (key->type) {
	case CONFIG_TYPE_NONE:
		break;
	case CONFIG_TYPE_MAC:
		return parse_mac(text, ret);
	case CONFIG_TYPE_UINT:
		return parse_uint(key, text, ret);
	case CONFIG_TYPE_DURATION:
		return parse_duration(key, text, ret);
	case CONFIG_TYPE_ADDRESS:
		return parse_address(text, ret);
	case CONFIG_TYPE_PREFIX:
		return parse_prefix(text, ret);
	case CONFIG_TYPE_CHOICE:
	case CONFIG_TYPE_SWITCH:
		return parse_choice(key, text, ret);
	case CONFIG_TYPE_IFNAME:
		if (!config_ifname_valid(text)) {
			return "is not a device name";
		}
		memcpy(ret, text, strlen(text) + 1);
		return NULL;
	case CONFIG_TYPE_PATH:
		if (*text != '/' || strlen(text) >= CONFIG_PATH_SIZE_MAX) {
			return "is not an absolute path";
		}
		memcpy(ret, text, strlen(text) + 1);
		return NULL;
	}
	return "cannot be set";
}

static void print_duration(uint64_t ns, char *ret_text, size_t size)
{
	if (ns % NS_PER_S == 0) {
		snprintf(ret_text, size, "%us", (unsigned int)(ns / NS_PER_S));
	} else {
		snprintf(ret_text, size, "%ums", (unsigned int)(ns / NS_PER_MS));
	}
}

static void print_choices(const struct config_key *key, char *ret_text, size_t size)
{
	size_t used = 0;

	for (int i = 0; i < CONFIG_CHOICES_MAX && key->choices[i] != NULL; i++) {
		bool last = i + 1 == CONFIG_CHOICES_MAX || key->choices[i + 1] == NULL;
		int added = snprintf(ret_text + used, size - used, "%s%s",
				     i == 0 ? ""
				     : last ? " or "
					    : ", ",
				     key->choices[i]);

		if (added < 0 || (size_t)added >= size - used) {
			return;
		}
		used += (size_t)added;
	}
}

void config_key_allowed(const struct config_key *key, char *ret_text)
{
	const size_t size = CONFIG_ALLOWED_SIZE;
	char from[16], to[16];

	switch (key->type) {
	case CONFIG_TYPE_NONE:
		snprintf(ret_text, size, "nothing");
		return;
	case CONFIG_TYPE_MAC:
		snprintf(ret_text, size, "a unicast MAC address such as 44:38:39:ff:00:01");
		return;
	case CONFIG_TYPE_UINT:
		snprintf(ret_text, size, "a number from %u to %u", (unsigned int)key->min,
			 (unsigned int)key->max);
		return;
	case CONFIG_TYPE_DURATION:
		print_duration(key->min, from, sizeof(from));
		print_duration(key->max, to, sizeof(to));
		snprintf(ret_text, size, "a duration in %s from %s to %s", key->unit, from, to);
		return;
	case CONFIG_TYPE_IFNAME:
		snprintf(ret_text, size, "a device name of 1 to 15 characters");
		return;
	case CONFIG_TYPE_ADDRESS:
		snprintf(ret_text, size,
			 "a unicast IPv4 or IPv6 address, IPv6 with %%device if needed");
		return;
	case CONFIG_TYPE_PREFIX:
		snprintf(ret_text, size, "an address with prefix length such as 10.0.10.1/24");
		return;
	case CONFIG_TYPE_CHOICE:
	case CONFIG_TYPE_SWITCH:
		print_choices(key, ret_text, size);
		return;
	case CONFIG_TYPE_PATH:
		snprintf(ret_text, size, "an absolute path of at most 255 bytes");
		return;
	}
}

static void print_key(FILE *stream, const struct config_key *key)
{
	char allowed[CONFIG_ALLOWED_SIZE] = "";

	config_key_allowed(key, allowed);
	fprintf(stream, "*%s* = ", key->name);
	for (const char *c = allowed; *c != '\0'; c++) {
		fprintf(stream, *c == '_' || *c == '*' ? "\\%c" : "%c", *c);
	}
	if (key->required) {
		fprintf(stream, " (required)\n");
	} else if (key->fallback != NULL) {
		fprintf(stream, " (default %s)\n", key->fallback);
	} else {
		fprintf(stream, " (optional)\n");
	}
	fprintf(stream, "\t%s\n\n", key->help);
}

void config_print_reference(FILE *stream)
{
	for (int id = CONFIG_SECTION_DOMAIN; id < CONFIG_SECTIONS_COUNT; id++) {
		const struct config_section *section = &config_sections[id];

		fprintf(stream, "## [%s%s%s]\n\n%s\n\n", section->name,
			section->device != NULL ? " " : "",
			section->device != NULL ? section->device : "", section->help);
		for (uint32_t i = 0; i < config_keys_count; i++) {
			if ((int)config_keys[i].section == id) {
				print_key(stream, &config_keys[i]);
			}
		}
	}
}
