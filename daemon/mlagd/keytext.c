/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys as text (see keytext.h).  Pure.
 */
#include "keytext.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void write_mac(const uint8_t *octets, char *ret_text, size_t size)
{
	(void)snprintf(ret_text, size, "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1],
		       octets[2], octets[3], octets[4], octets[5]);
}

const char *keytext_write(const struct mlag_row_key *key, char *ret_text, size_t size)
{
	static const uint8_t nothing[16];
	char name[INET6_ADDRSTRLEN] = "all of it";
	char vlan[24] = "";

	if (key->table == MLAG_TABLE_LEGS) {
		(void)snprintf(ret_text, size, key->lag_id != 0 ? "LAG %u" : "all of it",
			       key->lag_id);
		return ret_text;
	}
	if (key->table == MLAG_TABLE_MACS) {
		if (memcmp(key->mac.octets, nothing, sizeof(key->mac.octets)) != 0) {
			write_mac(key->mac.octets, name, sizeof(name));
		}
	} else if (key->table == MLAG_TABLE_ADDRESSES && key->kind == MLAG_ADDRESS_ROUTER_MAC) {
		write_mac(key->octets, name, sizeof(name));
	} else if (key->family != 0) {
		(void)inet_ntop(key->family == 4 ? AF_INET : AF_INET6, key->octets, name,
				sizeof(name));
	}
	if (key->vlan != 0) {
		(void)snprintf(vlan, sizeof(vlan), " VLAN %u", key->vlan);
	}
	(void)snprintf(ret_text, size, "%s%s", name, vlan);
	return ret_text;
}
