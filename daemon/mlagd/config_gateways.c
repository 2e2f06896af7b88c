// SPDX-License-Identifier: BSD-2-Clause
/*
 * Checks of [gateway] sections (see config_gateways.h); config.c calls this at the end of a file.
 *
 * The same address in two sections is only a warning: in two VRFs it is what it should be, and a
 * configuration does not say which VRF an SVI is in.
 */
#include "config_gateways.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "kernel/gatewayplan.h"

#define WHERE_SIZE 64
#define TEXT_SIZE 256

struct judge {
	const struct config *config;
	void (*tell)(void *user, enum config_severity severity, uint32_t line, const char *where,
		     const char *text);
	void *user;
};

__attribute__((format(printf, 4, 5))) static void tell(const struct judge *judge,
						       enum config_severity severity,
						       const struct config_gateway *gateway,
						       const char *format, ...)
{
	char where[WHERE_SIZE], text[TEXT_SIZE];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	(void)snprintf(where, sizeof(where), "[gateway %s]", gateway->ifname);
	judge->tell(judge->user, severity, gateway->line, where, text);
}

static void judge_svi(const struct judge *judge, const struct config_gateway *gateway)
{
	const struct config *config = judge->config;
	bool port = strcmp(gateway->ifname, config->link) == 0;

	for (uint32_t i = 0; i < config->lags_count; i++) {
		port = port || strcmp(gateway->ifname, config->lags[i].ifname) == 0;
	}
	if (port) {
		tell(judge, CONFIG_SEVERITY_ERROR, gateway,
		     "is a port of the bridge; allowed: an SVI (the bridge or a VLAN device)");
	}
}

/* The gateway's device gets a name made of the SVI's, which nobody else here may have. */
static void judge_name(const struct judge *judge, uint32_t place)
{
	const struct config *config = judge->config;
	const struct config_gateway *gateway = &config->gateways[place];
	char name[IFNAMSIZ], other[IFNAMSIZ];

	gatewayplan_name(gateway->ifname, name);
	for (uint32_t i = 0; i < config->gateways_count; i++) {
		gatewayplan_name(config->gateways[i].ifname, other);
		if (strcmp(name, config->gateways[i].ifname) == 0 ||
		    (i < place && strcmp(name, other) == 0)) {
			tell(judge, CONFIG_SEVERITY_ERROR, gateway,
			     "its device would be named %s, which is also that of [gateway %s] in "
			     "line %u; allowed: SVIs with names that do not collide",
			     name, config->gateways[i].ifname, config->gateways[i].line);
			return;
		}
	}
}

static bool is_link_local(const struct config_prefix *prefix)
{
	return prefix->family == AF_INET ? ntohl(prefix->in.s_addr) >> 16 == 0xa9fe
					 : IN6_IS_ADDR_LINKLOCAL(&prefix->in6);
}

static bool has_address(const struct config_gateway *gateway, const struct config_prefix *prefix)
{
	size_t size = prefix->family == AF_INET ? sizeof(prefix->in) : sizeof(prefix->in6);

	for (uint32_t i = 0; i < gateway->addresses_count; i++) {
		if (gateway->addresses[i].family == prefix->family &&
		    memcmp(&gateway->addresses[i].in6, &prefix->in6, size) == 0) {
			return true;
		}
	}
	return false;
}

static void judge_address(const struct judge *judge, uint32_t place,
			  const struct config_prefix *prefix)
{
	const struct config *config = judge->config;
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < place && !is_link_local(prefix); i++) {
		if (has_address(&config->gateways[i], prefix)) {
			tell(judge, CONFIG_SEVERITY_WARNING, &config->gateways[place],
			     "%s is also in [gateway %s] in line %u; that is right only if the two "
			     "SVIs are in different VRFs",
			     inet_ntop(prefix->family, &prefix->in6, text, sizeof(text)),
			     config->gateways[i].ifname, config->gateways[i].line);
			return;
		}
	}
}

void config_judge_gateways(const struct config *config,
			   void (*tell_it)(void *user, enum config_severity severity, uint32_t line,
					   const char *where, const char *text),
			   void *user)
{
	const struct judge judge = {.config = config, .tell = tell_it, .user = user};

	for (uint32_t i = 0; i < config->gateways_count; i++) {
		const struct config_gateway *gateway = &config->gateways[i];

		judge_svi(&judge, gateway);
		judge_name(&judge, i);
		if (memcmp(&gateway->mac, &config->system_mac, sizeof(gateway->mac)) == 0) {
			tell(&judge, CONFIG_SEVERITY_ERROR, gateway,
			     "its mac is the pair's LACP id ([domain] system-mac); allowed: a MAC of "
			     "its own");
		}
		for (uint32_t j = 0; j < gateway->addresses_count; j++) {
			judge_address(&judge, i, &gateway->addresses[j]);
		}
	}
}
