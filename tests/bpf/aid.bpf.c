// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that tests and benchmarks need beside ours: some that do nothing, so that somebody
 * else's program is there, or to be subtracted; one that only redirects; a source and a sink.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Where redirect_all and send_all redirect to. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} aid_devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} aid_received SEC(".maps");

/* What send_all sends: live frames keep what was changed in them the last time. */
struct aid_template {
	__u64 words[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct aid_template);
} aid_frame SEC(".maps");

SEC("tc")
int nothing_tc(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int nothing_xdp(struct xdp_md *frame)
{
	(void)frame;
	return XDP_PASS;
}

SEC("xdp")
int redirect_all(struct xdp_md *frame)
{
	(void)frame;
	return (int)bpf_redirect_map(&aid_devices, 0, XDP_ABORTED);
}

/* For BPF_F_TEST_XDP_LIVE_FRAMES: each frame is made anew and sent by the second device. */
SEC("xdp")
int send_all(struct xdp_md *frame)
{
	void *data = (void *)(long)frame->data;
	void *data_end = (void *)(long)frame->data_end;
	__u32 zero = 0;
	const struct aid_template *template = bpf_map_lookup_elem(&aid_frame, &zero);

	if (!template || data + sizeof(*template) > data_end) {
		return XDP_ABORTED;
	}
	__builtin_memcpy(data, template, sizeof(*template));
	return (int)bpf_redirect_map(&aid_devices, 1, XDP_ABORTED);
}

SEC("xdp")
int sink(struct xdp_md *frame)
{
	__u32 zero = 0;
	__u64 *received = bpf_map_lookup_elem(&aid_received, &zero);

	(void)frame;
	if (received) {
		++*received;
	}
	return XDP_DROP;
}
