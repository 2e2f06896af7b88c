// SPDX-License-Identifier: BSD-2-Clause
/*
 * Text for people.  Every function takes JSON as mlagd sent it and prints; a key that is missing or
 * null is printed as "-", so that an older or newer daemon is still readable.
 */
#include "render.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const struct {
	const char *code;
	const char *text;
} remedies[] = {
	{"session-down",
	 "See that mlagd runs on the peer and that 'remote' and 'port' of [peer] are "
	 "reachable from 'local' (ping, firewall)."},
	{"wrong-key", "Give both members the same key-file ('sha256sum' of both is equal), then "
		      "'mlagctl reload' on both."},
	{"other-domain",
	 "Give both members the same 'id' of [domain], or correct 'remote' of [peer]: it leads to "
	 "another pair."},
	{"peer-plaintext",
	 "Set 'security' of [peer] to the same on both members; the peer has none, or something "
	 "else listens there."},
	{"peer-encrypted",
	 "Set 'security' of [peer] to the same on both members; the peer has psk."},
	{"peer-not-tls",
	 "See what listens at the address and port of the peer, and that both mlagd are of a "
	 "release that has psk."},
	{"tls-tampered",
	 "Find out what is between the session addresses: it changes what passes, by fault or on "
	 "purpose."},
	{"tls-closed", "See the log and the status of the peer: it has given up the handshake."},
	{"tls-timeout",
	 "See whether the peer's mlagd hangs, and whether the path passes full packets (MTU)."},
	{"tls-internal", "See the log and the memory of this machine."},
	{"refused", "Compare the mlagd.conf of both members; what the text names must agree."},
	{"peer-link-down", "Check the cables and the state of the peer link on both members."},
	{"peer-link-silent",
	 "Something between the members drops frames: a filter, a switch that does not pass "
	 "01:80:c2:00:00:02, a port that is up and broken."},
	{"peer-link-one-way",
	 "One direction of the peer link is broken: check the fibre, the transceivers and filters."},
	{"backup-silent",
	 "See that 'backup-remote' of [peer] is reachable from 'backup-local' (ping, "
	 "firewall: UDP, the port of [peer])."},
	{"backup-one-way",
	 "Look for a firewall, or a route, on the way between the backup addresses."},
	{"peer-ended", "Start mlagd on the peer, or see its log."},
	{"peer-hung",
	 "Look at the peer's mlagd and its machine: stopped, swapping, or overloaded?"},
	{"peer-silent",
	 "Look at the peer's mlagd. A backup path would tell a hung daemon from a link "
	 "that passes nothing ('backup-local', 'backup-remote')."},
	{"peer-dead", "See what happened to the peer; this member serves alone."},
	{"peer-unknown",
	 "Look at the peer yourself. A backup path tells a dead peer from a cut link "
	 "('backup-local', 'backup-remote')."},
	{"peer-left", "Start mlagd on the peer when it is to come back."},
	{"peer-fenced", "Start mlagd on the peer: it releases the legs when it is in sync."},
	{"fenced",
	 "Wait: the legs come back when the tables are in sync. If they do not, see why there "
	 "is no session, and that mlag-guard runs."},
	{"guard-absent", "Start it: systemctl start mlag-guard. See its log for why it ended."},
	{"sync-pending", "Wait: it ends by itself within seconds. If it does not, see the log."},
	{"tables-differ",
	 "Wait: it is repaired by itself within seconds. If it stays, see the log."},
	{"table-full", "There are more entries than this release holds; if it is MACs, look for a "
		       "loop or a flood."},
	{"mac-flapping",
	 "Look for a loop behind the two ports, or for two machines with one address."},
	{"partner-differs", "One of the two legs is plugged into another machine or another bond; "
			    "compare 'partner_mac' of 'mlagctl -j lags' on both members."},
	{"lag-id-mismatch", "Give the LAG the same 'id' in mlagd.conf on both members."},
	{"lag-mode-differs", "Use 802.3ad on both members' devices of the LAG, or on neither."},
	{"floods-held", "See why the peer does not answer; its daemon must put its filter in force "
			"before this leg may flood."},
	{"leg-held",
	 "See 'mlagctl lags'. It returns by itself when the reason is gone; what was drained by "
	 "'mlagctl undrain'."},
	{"not-supported-yet", "Remove it from mlagd.conf, or wait for the release that has it."},
	{"not-peered", "Look at 'mlagctl status' of the peer."},
	{"device-missing",
	 "Create the device, or correct its name in mlagd.conf; mlagd waits for it."},
	{"device-down", "Set the device up: ip link set DEVICE up."},
	{"not-a-port", "Make it a port of the bridge: ip link set DEVICE master BRIDGE."},
	{"not-a-bridge", "Name a bridge as 'bridge' of [domain] in mlagd.conf."},
	{"multicast-snooping", "Groups are not synced yet: ip link set BRIDGE type bridge "
			       "mcast_snooping 0, on both members."},
	{"port-not-set-up",
	 "Find out who changes the port, and why mlagd cannot change it back: see its log."},
	{"ports-waiting",
	 "Nothing: it takes the kernel some 30 ms for each program of a new port."},
	{"run-directory", "Make room in the file system of the run directory."},
	{"xdp-not-possible",
	 "Do what the text says, or set datapath to auto in mlagd.conf; tc does the same, slower."},
	{"vlan-protocol",
	 "Let the bridge use 802.1Q: ip link set BRIDGE type bridge vlan_protocol 802.1Q, on both "
	 "members."},
	{"peer-link-learning",
	 "Somebody turned learning on again on the peer link: bridge link set "
	 "dev DEVICE learning off."},
	{"vlan-conflict",
	 "Let one VLAN only leave the port without a tag: bridge vlan add dev DEVICE "
	 "vid VID pvid untagged for one, without 'untagged' for the others."},
	{"vlan-missing-on-peer-link",
	 "Allow every VLAN of the legs on the peer link: bridge vlan add "
	 "dev DEVICE vid VID."},
	{"svi-without-vlan",
	 "Make the bridge itself a tagged member of the VLAN: bridge vlan add dev BRIDGE vid VID "
	 "self. Or remove the device."},
	{"gateway-waiting",
	 "It comes up by itself once that is there; see 'mlagctl gateways' and 'ip link'."},
	{"gateway-conflict", "Change what the text names: the shared gateway cannot go beside it."},
	{"gateway-mismatch",
	 "Give both members the same [gateway] section, and see 'mlagctl gateways' of the peer."},
	{"redirects-on",
	 "Set net.ipv4.conf.*.send_redirects to 0 for the SVIs and for 'all'; mlagd "
	 "tries too, see its log."},
	{"last-resort-differs",
	 "Set last-resort = on under [peer] in mlagd.conf of both members, or of neither; both "
	 "need a mlagd that has it."},
	{"last-resort-refused",
	 "See what else writes routes or rules here, and the log; it is tried again every second."},
	{"neighbor-table-full",
	 "Raise net.ipv4.neigh.default.gc_thresh3 (or net.ipv6.…), and gc_thresh2 with it, in the "
	 "initial network namespace; look for a scan of the network."},
	{"too-many-addresses",
	 "What is sent to the others by way of the peer is routed, not handed "
	 "over; remove addresses that nobody needs."},
};

const char *render_remedy(const char *code)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		if (strcmp(remedies[i].code, code) == 0) {
			return remedies[i].text;
		}
	}
	return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* A number or "-". */
static const char *maybe_number(const json_t *object, const char *key, char ret_text[24])
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value)) {
		snprintf(ret_text, 24, "%lld", (long long)json_integer_value(value));
	} else {
		snprintf(ret_text, 24, "-");
	}
	return ret_text;
}

static void print_table(FILE *out, const char *name, const json_t *table)
{
	if (!json_is_object(table)) {
		return;
	}
	fprintf(out, "  %-12s %lld here, %lld at the peer, %s", name, number_of(table, "local"),
		number_of(table, "remote"),
		is_set(table, "match") ? "proven equal" : "not proven equal");
	if (number_of(table, "repaired") > 0) {
		fprintf(out, "; %lld rows were wrong and put right (see the log)",
			number_of(table, "repaired"));
	}
	fputc('\n', out);
}

/* Said only where it is on. */
static void print_last_resort(FILE *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		char family[24];

		if (strcmp(text_of(row, "state"), "off") == 0) {
			continue;
		}
		fprintf(out, "  %-12s IPv%s %s", "Last resort", maybe_number(row, "family", family),
			text_of(row, "state"));
		if (json_is_string(json_object_get(row, "next_hop"))) {
			fprintf(out, " by %s on %s", text_of(row, "next_hop"),
				text_of(row, "ifname"));
		}
		fprintf(out, ": %s\n", text_of(row, "because"));
	}
}

static void print_problems(FILE *out, const json_t *problems)
{
	if (json_array_size(problems) == 0) {
		fprintf(out, "Problems: none\n");
		return;
	}
	fprintf(out, "Problems:\n");
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *problem = json_array_get(problems, i);
		const char *remedy = render_remedy(text_of(problem, "code"));

		fprintf(out, "  %s: %s\n", text_of(problem, "code"), text_of(problem, "text"));
		if (remedy != NULL) {
			fprintf(out, "    %s\n", remedy);
		}
	}
}

/* Connections that were given up, by reason. */
static void print_failures(FILE *out, const json_t *failures)
{
	const char *separator = "; given up: ";
	const char *word;
	json_t *count;

	json_object_foreach((json_t *)(uintptr_t)failures, word, count) {
		fprintf(out, "%s%s %lld", separator, word, (long long)json_integer_value(count));
		separator = ", ";
	}
	fputc('\n', out);
}

void render_status(FILE *out, const json_t *status)
{
	const json_t *peer_link = json_object_get(status, "peer_link");
	const json_t *peer = json_object_get(status, "peer");
	const json_t *paths = json_object_get(peer, "paths");
	const json_t *sync = json_object_get(status, "sync");

	fprintf(out, "MLAG domain %lld: %s\n", number_of(status, "domain"),
		strcmp(text_of(status, "health"), "ok") == 0 ? "healthy"
							     : text_of(status, "health"));
	fprintf(out, "  %-12s %s since %s\n", "Verdict", text_of(status, "verdict"),
		text_of(status, "since"));
	fprintf(out, "  %-12s %s\n", "because", text_of(status, "because"));
	fprintf(out, "  %-12s %s\n", "until", text_of(status, "next"));
	fprintf(out, "  %-12s %s, epoch %lld\n", "Role", text_of(status, "role"),
		number_of(status, "role_epoch"));
	fprintf(out, "  %-12s %s, mlagd %s\n", "Member", text_of(status, "member_id"),
		text_of(status, "version"));
	fprintf(out, "  %-12s %s, mlagd %s\n", "Peer", text_of(peer, "member_id"),
		text_of(peer, "version"));
	fprintf(out, "  %-12s %s, security %s", "Session", text_of(peer, "session"),
		text_of(json_object_get(peer, "security"), "mode"));
	print_failures(out, json_object_get(json_object_get(peer, "security"), "failures"));
	fprintf(out, "  %-12s %s: carrier %s, %s\n", "Peer link", text_of(peer_link, "ifname"),
		is_set(peer_link, "carrier") ? "up" : "down",
		is_set(peer_link, "usable") ? "usable" : "not usable");
	fprintf(out, "  %-12s peer link %s, backup %s\n", "Paths", text_of(paths, "peer_link"),
		text_of(paths, "backup"));
	fprintf(out, "  %-12s %s\n", "Guard", text_of(status, "guard"));
	print_table(out, "MACs", json_object_get(sync, "macs"));
	print_table(out, "Neighbours", json_object_get(sync, "neighbors"));
	print_table(out, "Addresses", json_object_get(sync, "addresses"));
	print_last_resort(out, json_object_get(status, "last_resort"));
	print_problems(out, json_object_get(status, "problems"));
}

void render_lag(FILE *out, const json_t *row)
{
	char id[24];

	if (row == NULL) {
		fprintf(out, "%-5s %-15s %-10s %-5s %-5s %-8s %s\n", "LAG", "DEVICE", "STATE",
			"LOCAL", "PEER", "ISOLATED", "PARTNER");
		return;
	}
	fprintf(out, "%-5s %-15s %-10s %-5s %-5s %-8s %s\n", maybe_number(row, "id", id),
		text_of(row, "ifname"), text_of(row, "state"),
		is_set(row, "local_up") ? "up" : "down", is_set(row, "peer_up") ? "up" : "down",
		is_set(row, "isolated") ? "yes" : "no", text_of(row, "partner_mac"));
	if (json_is_string(json_object_get(row, "held_reason"))) {
		fprintf(out, "      held: %s\n", text_of(row, "held_reason"));
	}
}

void render_mac(FILE *out, const json_t *row)
{
	char vlan[24], lag[24];

	if (row == NULL) {
		fprintf(out, "%-17s %-4s %-15s %-7s %-8s %s\n", "MAC", "VLAN", "DEVICE", "SEEN BY",
			"ATTACHED", "LAG");
		return;
	}
	fprintf(out, "%-17s %-4s %-15s %-7s %-8s %s\n", text_of(row, "mac"),
		maybe_number(row, "vlan", vlan), text_of(row, "ifname"), text_of(row, "origin"),
		text_of(row, "attached"), maybe_number(row, "lag_id", lag));
}

void render_neighbor(FILE *out, const json_t *row)
{
	char vlan[24];

	if (row == NULL) {
		fprintf(out, "%-39s %-17s %-4s %-15s %-8s %s\n", "ADDRESS", "MAC", "VLAN", "DEVICE",
			"KNOWN BY", "STATE");
		return;
	}
	fprintf(out, "%-39s %-17s %-4s %-15s %-8s %s\n", text_of(row, "ip"), text_of(row, "mac"),
		maybe_number(row, "vlan", vlan), text_of(row, "ifname"), text_of(row, "origin"),
		text_of(row, "state"));
}

void render_address(FILE *out, const json_t *row)
{
	char vlan[24], domain[24];

	if (row == NULL) {
		fprintf(out, "%-10s %-4s %-10s %-6s %s\n", "KIND", "VLAN", "DOMAIN", "OWNER",
			"ADDRESS");
		return;
	}
	fprintf(out, "%-10s %-4s %-10s %-6s %s\n", text_of(row, "kind"),
		maybe_number(row, "vlan", vlan), maybe_number(row, "domain", domain),
		text_of(row, "origin"), text_of(row, "address"));
}

void render_gateway(FILE *out, const json_t *row)
{
	const json_t *addresses = json_object_get(row, "addresses");
	const char *reason = json_string_value(json_object_get(row, "reason"));
	char vlan[24];

	if (row == NULL) {
		fprintf(out, "%-15s %-15s %-4s %-17s %-8s %-9s %s\n", "SVI", "DEVICE", "VLAN",
			"MAC", "STATE", "REDIRECTS", "ADDRESSES");
		return;
	}
	fprintf(out, "%-15s %-15s %-4s %-17s %-8s %-9s ", text_of(row, "ifname"),
		text_of(row, "device"), maybe_number(row, "vlan", vlan), text_of(row, "mac"),
		text_of(row, "state"), is_set(row, "redirects_off") ? "off" : "ON");
	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *address = json_string_value(json_array_get(addresses, i));

		fprintf(out, "%s%s", i > 0 ? ", " : "", address != NULL ? address : "-");
	}
	fprintf(out, "\n");
	if (reason != NULL) {
		fprintf(out, "    %s\n", reason);
	}
}

void render_counter(FILE *out, const json_t *row)
{
	if (row == NULL) {
		fprintf(out, "%-15s %-17s %-4s %12s %16s  %s\n", "DEVICE", "REASON", "RULE",
			"PACKETS", "BYTES", "EXPECTED");
		return;
	}
	fprintf(out, "%-15s %-17s %-4s %12lld %16lld  %s\n", text_of(row, "ifname"),
		text_of(row, "reason"), text_of(row, "rule"), number_of(row, "packets"),
		number_of(row, "bytes"), is_set(row, "expected") ? "yes" : "NO");
}

void render_reload(FILE *out, const json_t *result)
{
	const json_t *warnings = json_object_get(result, "warnings");
	const json_t *changes = json_object_get(result, "changes");

	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *line = json_string_value(json_array_get(warnings, i));

		fprintf(out, "%s\n", line != NULL ? line : "");
	}
	for (size_t i = 0; i < json_array_size(changes); i++) {
		const char *line = json_string_value(json_array_get(changes, i));

		fprintf(out, "changed: %s\n", line != NULL ? line : "");
	}
	fprintf(out, "The configuration is applied%s.\n",
		changes != NULL && json_array_size(changes) == 0 ? "; nothing differs" : "");
}

void render_leave(FILE *out, const json_t *row)
{
	const char *error = json_string_value(json_object_get(row, "error"));

	if (row != NULL) {
		fprintf(out, "%-10s %s%s%s\n", text_of(row, "step"), text_of(row, "text"),
			error != NULL ? ": NOT DONE: " : "", error != NULL ? error : "");
		(void)fflush(out);
	}
}

void render_role(FILE *out, const json_t *result)
{
	fprintf(out, "This member %s %s (role epoch %lld).\n",
		is_set(result, "changed") ? "is now" : "was already", text_of(result, "role"),
		number_of(result, "role_epoch"));
}

void render_drain(FILE *out, const json_t *result)
{
	const json_t *lags = json_object_get(result, "lags");

	for (size_t i = 0; i < json_array_size(lags); i++) {
		const char *ifname = json_string_value(json_array_get(lags, i));

		fprintf(out, "%s: %s\n", ifname != NULL ? ifname : "?",
			is_set(result, "drained") ? "going out of service; see 'mlagctl lags'"
						  : "no longer drained");
	}
}
