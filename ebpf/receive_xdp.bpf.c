// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The fast entry of `receive`: R20 to R26 at XDP.  It does what a shortcut can do (shortcut.h), and
 * drops what the rules drop; everything else it passes on as it came, and receive at tc decides it
 * again, with the same functions, to the same result.  So nothing is counted here but what ends
 * here.
 *
 * Of a bond this runs on each slave, before bonding has had a look: mlag_entries has only slaves
 * that collect (a port is its own entry), and frames to 01:80:c2:00:00:0x (LACP) pass, as all group frames do.  XDP sees a
 * tag only inside the frame: mlagd attaches it where no tag travels beside one.  What is redirected
 * from here meets no program at egress, so the gate of the port it leaves by is read here.
 */
#include <linux/bpf.h>

#include "receive.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MLAG_MAP_ENTRIES_MAX);
	__type(key, __u32);
	__type(value, struct mlag_entry);
} mlag_entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, MLAG_MAP_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} mlag_exits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MLAG_MAP_FAST_COUNTERS_MAX);
	__type(key, __u32);
	__type(value, struct mlag_counter);
} mlag_fast_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MLAG_RECALLS_MAX);
	__type(key, __u32);
	__type(value, struct mlag_recall);
} mlag_recalls SEC(".maps");

static __always_inline __u32 counter_of(const struct mlag_port *port, enum mlag_reason reason)
{
	return port->counters ? port->counters + reason : 0;
}

static __always_inline void count_fast(__u32 index, __u64 bytes)
{
	struct mlag_counter *counter;

	if (!index) {
		return;
	}
	counter = bpf_map_lookup_elem(&mlag_fast_counters, &index);
	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

/* Words of an IP header, which is read at once. */
struct parse_words_ipv4 {
	__u32 words[MLAG_IPV4_HEADER_SIZE / 4];
};

struct parse_words_ipv6 {
	__u32 words[MLAG_IPV6_HEADER_SIZE / 4];
};

/* A tag inside a frame, and the ethertype after it. */
struct parse_tag_inside {
	__be16 tci;
	__be16 type;
};

/* The frame's header at an offset of a few bytes; NULL when it ends before. */
static __always_inline void *header_at(struct xdp_md *frame, __u32 offset, __u32 size)
{
	void *data = (void *)(long)frame->data;
	void *data_end = (void *)(long)frame->data_end;

	return data + offset + size <= data_end ? data + offset : NULL;
}

static __always_inline long parse_arrival_inside(struct xdp_md *frame, __u8 vlan_aware,
						 __u16 ingress_vid, struct parse_arrival *ret)
{
	const struct parse_ethernet *header = header_at(frame, 0, sizeof(*header));
	const struct parse_tag_inside *inside;
	struct parse_ethernet ethernet;
	struct mlag_tag tag = {0};

	if (!header) {
		return -1;
	}
	__builtin_memset(ret, 0, sizeof(*ret));
	ethernet = *header;
	ret->ip_offset = ETH_HLEN;
	if (ethernet.type == bpf_htons(ETH_P_8021Q)) {
		inside = header_at(frame, ETH_HLEN, sizeof(*inside));
		if (!inside) {
			return -1;
		}
		tag.inside = 1;
		tag.inside_tci = bpf_ntohs(inside->tci);
		ethernet.type = inside->type;
		ret->ip_offset = ETH_HLEN + sizeof(*inside);
	}
	parse_below_ip(&ethernet, &tag, vlan_aware, ingress_vid, ret);
	return 0;
}

/* Reads the IP header, if it is IP. */
static __always_inline void parse_ip_inside(struct xdp_md *frame, struct parse_arrival *parsed)
{
	__u32 offset = parsed->ip_offset == ETH_HLEN ? ETH_HLEN : ETH_HLEN + 4;
	__u32 available = (__u32)(frame->data_end - frame->data) - offset;
	const void *header;

	parsed->packet.family = parsed->family;
	if (parsed->family == 4 && (header = header_at(frame, offset, MLAG_IPV4_HEADER_SIZE))) {
		*(struct parse_words_ipv4 *)parsed->header =
			*(const struct parse_words_ipv4 *)header;
		mlag_packet_read_ipv4(&parsed->packet, parsed->header, available, false);
	} else if (parsed->family == 6 &&
		   (header = header_at(frame, offset, MLAG_IPV6_HEADER_SIZE))) {
		*(struct parse_words_ipv6 *)parsed->header =
			*(const struct parse_words_ipv6 *)header;
		mlag_packet_read_ipv6(&parsed->packet, parsed->header, available);
	} else if (parsed->family) {
		parsed->packet.malformed = 1;
	}
}

/* The frame with these MACs, and its tag changed; 0, or negative if there is no room for one. */
static __always_inline long write_below_ip(struct xdp_md *frame, const struct parse_macs *macs,
					   enum mlag_tag_change change, bool tagged, __u16 tci)
{
	struct parse_macs *header;
	__be16 *tag;

	if (change == MLAG_TAG_PUSH && bpf_xdp_adjust_head(frame, -4)) {
		return -1;
	}
	if (change == MLAG_TAG_POP && bpf_xdp_adjust_head(frame, 4)) {
		return -1;
	}
	header = header_at(frame, 0, sizeof(*header) + 4);
	if (!header) {
		return -1;
	}
	*header = *macs;
	if (tagged) {
		tag = (__be16 *)(header + 1);
		tag[0] = bpf_htons(ETH_P_8021Q);
		tag[1] = bpf_htons(tci);
	}
	return 0;
}

/* R22, R23, R25: as if the bridge had sent it to PL. */
static __always_inline int send_to_peer(struct xdp_md *frame, __u32 peer_link_ifindex,
					enum mlag_tag_change change, __u16 vid)
{
	const struct parse_macs *header;
	struct parse_macs macs;

	if (bpf_redirect_map(&mlag_exits, peer_link_ifindex, XDP_PASS) != XDP_REDIRECT) {
		return XDP_PASS;
	}
	if (change == MLAG_TAG_KEEP) {
		return XDP_REDIRECT;
	}
	header = header_at(frame, 0, sizeof(*header));
	if (!header) {
		return XDP_PASS;
	}
	macs = *header;
	if (write_below_ip(frame, &macs, change, change == MLAG_TAG_PUSH, vid)) {
		return XDP_PASS; /* nothing was changed */
	}
	return XDP_REDIRECT;
}

/* ---- the same again ------------------------------------------------------------------------- */

static __always_inline struct mlag_recall *find_recall(const struct mlag_recall_key *key)
{
	__u32 place = mlag_recall_place(key);

	return bpf_map_lookup_elem(&mlag_recalls, &place);
}

/* Reads an IP header for the key.  False for what has none, or one that is wrong. */
static __always_inline bool read_recall_key(struct xdp_md *frame, __u32 offset, __be16 type,
					    struct mlag_recall_key *ret)
{
	__u32 available = (__u32)(frame->data_end - frame->data) - offset;
	struct mlag_packet packet = {0};
	const void *header;

	if (type == bpf_htons(ETH_P_IP) &&
	    (header = header_at(frame, offset, MLAG_IPV4_HEADER_SIZE))) {
		mlag_packet_read_ipv4(&packet, header, available, false);
		ret->family = 4;
	} else if (type == bpf_htons(ETH_P_IPV6) &&
		   (header = header_at(frame, offset, MLAG_IPV6_HEADER_SIZE))) {
		mlag_packet_read_ipv6(&packet, header, available);
		ret->family = 6;
	} else {
		return false;
	}
	__builtin_memcpy(ret->destination, packet.destination, sizeof(ret->destination));
	return !packet.malformed;
}

/* Finds out what a frame is alike; a key without an ifindex is of none. */
static __always_inline void make_recall_key(struct xdp_md *frame, struct mlag_recall_key *ret)
{
	const struct parse_ethernet *header = header_at(frame, 0, sizeof(*header));
	const struct parse_tag_inside *inside;
	bool known = false;
	__u16 vid = 0;

	__builtin_memset(ret, 0, sizeof(*ret));
	if (!header) {
		return;
	}
	if (header->type != bpf_htons(ETH_P_8021Q)) {
		known = read_recall_key(frame, ETH_HLEN, header->type, ret);
	} else if ((inside = header_at(frame, ETH_HLEN, sizeof(*inside)))) {
		vid = bpf_ntohs(inside->tci) & 0xfff;
		known = vid &&
			read_recall_key(frame, ETH_HLEN + sizeof(*inside), inside->type, ret);
	}
	if (known) {
		ret->router = parse_key_word(vid, header->destination);
		ret->ifindex = frame->ingress_ifindex;
	}
}

/* Does what was found out of frames alike, if that still holds.  False when it does not. */
static __always_inline bool recall(struct xdp_md *frame, const struct mlag_domain *domain,
				   const struct mlag_recall_key *key, int *ret_verdict)
{
	const struct parse_macs *macs = header_at(frame, 0, sizeof(*macs));
	const struct mlag_recall *found = find_recall(key);
	__u64 size = frame->data_end - frame->data;
	const struct mlag_sender *sender;
	__u64 sender_key;
	__u32 place;

	if (!macs || !key->ifindex || !found || !mlag_recall_holds(domain, found, key)) {
		return false;
	}
	sender_key = parse_key_word(found->vid, macs->source);
	place = mlag_sender_place(sender_key);
	sender = bpf_map_lookup_elem(&mlag_senders, &place);
	if (!sender ||
	    mlag_sender_is_due(domain, sender, sender_key, found->ifindex, bpf_jiffies64())) {
		return false;
	}
	*ret_verdict = send_to_peer(frame, domain->peer_link_ifindex, found->change, found->vid);
	if (*ret_verdict != XDP_PASS) {
		count_fast(found->counter, size);
	}
	return true;
}

/*
 * What was found out is used from the next time on that it is found out in the same epoch, so that
 * its rows are surely read after the epoch: machines read ahead.  Between the two is a barrier, which
 * an atomic operation that returns something is; here, because it takes time.
 */
static __always_inline void remember(const struct mlag_domain *domain, __u64 epoch,
				     const struct mlag_recall_key *key,
				     const struct parse_arrival *parsed, __u32 port_ifindex,
				     __u32 counter)
{
	struct mlag_recall *place = key->ifindex ? find_recall(key) : NULL;
	__u64 candidate = epoch;

	if (!place) {
		return;
	}
	if (place->candidate != epoch || !mlag_recall_is_of(place, key)) {
		place->epoch = 0;
		place->key = *key;
		place->candidate = __sync_lock_test_and_set(&candidate, 0);
		return;
	}
	place->ifindex = port_ifindex;
	place->counter = counter;
	place->vid = parsed->arrival.vlan.vid;
	place->change = mlag_redirect_tag(domain, &parsed->arrival.vlan);
	place->epoch = epoch;
}

static __always_inline bool take_hop(struct xdp_md *frame, const struct parse_arrival *parsed)
{
	__u32 offset = parsed->ip_offset == ETH_HLEN ? ETH_HLEN : ETH_HLEN + 4;
	__u8 *header;

	if (parsed->family == 4) {
		header = header_at(frame, offset, MLAG_IPV4_HEADER_SIZE);
		if (header) {
			mlag_packet_take_hop_ipv4(header);
		}
	} else {
		header = header_at(frame, offset, MLAG_IPV6_HEADER_SIZE);
		if (header) {
			mlag_packet_take_hop_ipv6(header);
		}
	}
	return header != NULL;
}

/* R21 as the kernel would have routed it: a hop less, the MACs and the tag of where it goes. */
static __always_inline int send_out(struct xdp_md *frame, const struct parse_arrival *parsed,
				    const struct bpf_fib_lookup *lookup,
				    const struct mlag_exit *way, __u32 ifindex)
{
	struct parse_macs macs;
	__u16 tci;
	enum mlag_tag_change change = mlag_exit_tag(&parsed->arrival, way, &tci);
	bool tagged = change == MLAG_TAG_PUSH ||
		      (change == MLAG_TAG_KEEP && parsed->arrival.vlan.tagged);

	if (bpf_redirect_map(&mlag_exits, ifindex, XDP_PASS) != XDP_REDIRECT ||
	    !take_hop(frame, parsed)) {
		return XDP_PASS;
	}
	__builtin_memcpy(macs.destination, lookup->dmac, sizeof(macs.destination));
	__builtin_memcpy(macs.source, lookup->smac, sizeof(macs.source));
	return write_below_ip(frame, &macs, change, tagged, tci) ? XDP_DROP : XDP_REDIRECT;
}

/* A frame for a router of the pair. */
static __always_inline int receive_routed(struct xdp_md *frame, const struct mlag_domain *domain,
					  __u64 epoch, const struct mlag_recall_key *key,
					  const struct mlag_port *port, __u32 port_ifindex,
					  struct parse_arrival *parsed)
{
	__u64 size = frame->data_end - frame->data;
	struct bpf_fib_lookup lookup;
	struct mlag_exit way = {0};
	struct mlag_decision decision, shortcut;
	__u32 exit_ifindex = 0;
	int verdict = XDP_PASS;
	__u32 counter;
	long answer;

	parse_ip_inside(frame, parsed);
	decision = decide(frame, domain, port, parsed, &lookup, &answer);
	counter = counter_of(port, decision.reason);
	if (decision.action == MLAG_ACTION_DROP) {
		count_fast(counter, size);
		return XDP_DROP;
	}
	ask_sender(domain, parsed, port_ifindex);
	shortcut = mlag_shortcut(domain, port, &parsed->packet, &parsed->arrival, &way, decision);
	if (shortcut.action == MLAG_ACTION_ASK_EXIT) {
		exit_ifindex = ask_exit(frame, parsed, &lookup, answer, &way);
		shortcut = mlag_shortcut(domain, port, &parsed->packet, &parsed->arrival, &way,
					 decision);
	}
	if (mlag_may_recall(&parsed->packet, shortcut)) {
		remember(domain, epoch, key, parsed, port_ifindex, counter);
	}
	if (shortcut.action == MLAG_ACTION_TO_PEER_LINK) {
		verdict = send_to_peer(frame, domain->peer_link_ifindex,
				       mlag_redirect_tag(domain, &parsed->arrival.vlan),
				       parsed->arrival.vlan.vid);
	} else if (shortcut.action == MLAG_ACTION_SEND) {
		verdict = send_out(frame, parsed, &lookup, &way, exit_ifindex);
	}
	if (verdict != XDP_PASS) {
		count_fast(counter, size);
	}
	return verdict;
}

/* The port that a frame came by: where it is now, or the bond of a slave that collects. */
static __always_inline const struct mlag_port *find_arrival_port(__u32 *ifindex)
{
	const struct mlag_port *port = find_port(*ifindex);
	const struct mlag_entry *entry;

	if (port) {
		return port;
	}
	entry = bpf_map_lookup_elem(&mlag_entries, ifindex);
	if (!entry) {
		return NULL;
	}
	*ifindex = entry->ifindex;
	return find_port(*ifindex);
}

SEC("xdp")
int receive_xdp(struct xdp_md *frame)
{
	const struct parse_macs *macs = header_at(frame, 0, sizeof(*macs));
	const struct mlag_domain *domain;
	const struct mlag_port *port;
	struct parse_arrival parsed;
	struct mlag_recall_key key;
	__u32 ifindex;
	__u64 epoch;
	int verdict;

	if (!macs || !may_be_router(macs->destination)) {
		return XDP_PASS;
	}
	domain = find_domain();
	if (!domain) {
		return XDP_PASS;
	}
	make_recall_key(frame, &key);
	if (recall(frame, domain, &key, &verdict)) {
		return verdict;
	}
	epoch = domain->epoch;
	ifindex = frame->ingress_ifindex;
	port = find_arrival_port(&ifindex);
	/* A leg that waits for signs of its partner gets them at tc. */
	if (!port || mlag_gate_restricts(port->gate) ||
	    parse_arrival_inside(frame, domain->vlan_aware, port->ingress_vid, &parsed) ||
	    mlag_receive(domain, port, &parsed.packet).action != MLAG_ACTION_ASK_ROUTER ||
	    !ask_router(&parsed)) {
		return XDP_PASS;
	}
	return receive_routed(frame, domain, epoch, &key, port, ifindex, &parsed);
}
