// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shared gateways as people see them (see gateways.h).  Whether the peer has the same gateway is read
 * from the table of addresses: each member publishes its router MACs and IP addresses anyway, so
 * what is shared is there twice, and nothing more has to be said.
 */
#include "control/gateways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/status.h"
#include "kernel/gatewayplan.h"

static const char *address_text(const struct gatewayplan_address *address,
				char ret_text[INET6_ADDRSTRLEN])
{
	if (inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->octets, ret_text,
		      INET6_ADDRSTRLEN) == NULL) {
		ret_text[0] = '\0';
	}
	return ret_text;
}

/* ---- the peer's ---------------------------------------------------------------------------- */

static bool peer_has_mac(const struct control_context *context, const struct gatewayplan_view *view)
{
	struct mlag_address_view address;
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.kind = MLAG_ADDRESS_ROUTER_MAC;
	key.vlan = view->seen->svi.vlan;
	memcpy(key.octets, view->wanted->mac.octets, sizeof(view->wanted->mac.octets));
	return mlag_find_address(context->engine, &key, &address) && address.peer;
}

static bool peer_has_address(const struct control_context *context,
			     const struct gatewayplan_view *view,
			     const struct gatewayplan_address *wanted)
{
	struct mlag_address_view address;
	struct mlag_address_key key;

	memset(&key, 0, sizeof(key));
	key.family = wanted->family;
	memcpy(key.octets, wanted->octets, sizeof(key.octets));
	if (addressmsg_scope(wanted->family, wanted->octets) == ADDRESSMSG_SCOPE_LINK) {
		key.kind = MLAG_ADDRESS_LINK_LOCAL;
		key.vlan = view->seen->svi.vlan;
	} else {
		key.kind = MLAG_ADDRESS_IP;
		key.domain = mlag_routing_domain(view->seen->svi.vrf);
	}
	return mlag_find_address(context->engine, &key, &address) && address.peer;
}

/* False with the words, when the peer has not what we have. */
static bool peer_agrees(const struct control_context *context, const struct gatewayplan_view *view,
			struct control_gateway_problem *ret_problem)
{
	const struct gatewayplan_wanted *wanted = view->wanted;
	const struct gatewayplan_address *missing = NULL;
	bool mac = peer_has_mac(context, view);
	char text[INET6_ADDRSTRLEN];
	uint32_t missing_count = 0;

	for (uint32_t i = 0; i < wanted->addresses_count; i++) {
		if (!peer_has_address(context, view, &wanted->addresses[i])) {
			missing = missing != NULL ? missing : &wanted->addresses[i];
			missing_count++;
		}
	}
	if (mac && missing_count == 0) {
		return true;
	}
	if (!mac && missing_count == wanted->addresses_count) {
		(void)snprintf(
			ret_problem->text, sizeof(ret_problem->text),
			"[gateway %s]: the peer has no such gateway now, neither the MAC nor "
			"an address",
			wanted->svi);
	} else if (!mac) {
		(void)snprintf(ret_problem->text, sizeof(ret_problem->text),
			       "[gateway %s]: the peer has the address with another MAC",
			       wanted->svi);
	} else {
		(void)snprintf(ret_problem->text, sizeof(ret_problem->text),
			       "[gateway %s]: the peer has the MAC but not the address %s",
			       wanted->svi, address_text(missing, text));
	}
	return false;
}

static void judge(const struct control_context *context, const struct gatewayplan_view *view,
		  bool proven, struct control_gateway_problem *ret_problem)
{
	const char *svi = view->wanted->svi;

	ret_problem->code = NULL;
	if (view->state != GATEWAYPLAN_STATE_ACTIVE) {
		ret_problem->code = view->state == GATEWAYPLAN_STATE_CONFLICT ? "gateway-conflict"
									      : "gateway-waiting";
		(void)snprintf(ret_problem->text, sizeof(ret_problem->text), "[gateway %s]: %.200s",
			       svi, view->reason);
	} else if (!view->redirects_off) {
		ret_problem->code = "redirects-on";
		(void)snprintf(ret_problem->text, sizeof(ret_problem->text),
			       "[gateway %s]: the kernel may send ICMP redirects by %s or %s", svi,
			       svi, view->wanted->device);
	} else if (proven && !peer_agrees(context, view, ret_problem)) {
		ret_problem->code = "gateway-mismatch";
	}
}

bool control_gateway_problem(const struct control_context *context, uint32_t index, bool proven,
			     struct control_gateway_problem *ret_problem)
{
	struct gatewayplan_view view;

	if (context->gateway == NULL || !context->gateway(context->user, index, &view)) {
		return false;
	}
	judge(context, &view, proven, ret_problem);
	return true;
}

/* ---- the list ------------------------------------------------------------------------------ */

static const char *state_text(enum gatewayplan_state state)
{
	switch (state) {
	case GATEWAYPLAN_STATE_ACTIVE:
		return "active";
	case GATEWAYPLAN_STATE_CONFLICT:
		return "conflict";
	case GATEWAYPLAN_STATE_NONE:
	case GATEWAYPLAN_STATE_WAITING:
		break;
	}
	return "waiting";
}

static json_t *addresses_json(const struct gatewayplan_wanted *wanted)
{
	char text[INET6_ADDRSTRLEN], whole[INET6_ADDRSTRLEN + 8];
	json_t *list = json_array();

	for (uint32_t i = 0; i < wanted->addresses_count; i++) {
		(void)snprintf(whole, sizeof(whole), "%s/%u",
			       address_text(&wanted->addresses[i], text),
			       wanted->addresses[i].length);
		json_array_append_new(list, json_string(whole));
	}
	return list;
}

int control_gateways_begin(struct control_call *call, json_t **ret_result)
{
	(void)call;
	(void)ret_result;
	return 0;
}

/* What depends on the SVI is null without one. */
int control_gateways_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	const struct gatewayplan_wanted *wanted;
	const struct gatewayplan_seen *seen;
	struct gatewayplan_view view;

	if (context->gateway == NULL || !context->gateway(context->user, call->cursor, &view)) {
		return 0;
	}
	call->cursor++;
	wanted = view.wanted;
	seen = view.seen;
	*ret_row = json_pack(
		"{s:s,s:s,s:o,s:o,s:o,s:s?,s:s,s:s?,s:b}", "ifname", wanted->svi, "device",
		wanted->device, "mac", control_mac_json(&wanted->mac), "addresses",
		addresses_json(wanted), "vlan",
		seen->svi.role && seen->svi.vlan != 0 ? json_integer(seen->svi.vlan) : json_null(),
		"vrf", seen->svi.vrf[0] != '\0' ? seen->svi.vrf : NULL, "state",
		state_text(view.state), "reason", view.reason[0] != '\0' ? view.reason : NULL,
		"redirects_off", view.redirects_off);
	return *ret_row != NULL ? 1 : -ENOMEM;
}
