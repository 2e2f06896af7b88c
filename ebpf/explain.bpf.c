// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The way into another program for a frame that nobody sent (mlagctl explain).  BPF_PROG_TEST_RUN
 * cannot put a tag beside a frame, where the kernel has every outer tag at tc; this does, and then
 * becomes the program in question.  It is attached nowhere.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "mlag_maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MLAG_MAP_TRIALS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} mlag_trials SEC(".maps");

/* cb[0]: which program; cb[1]: 1 with a tag; cb[2]: the tag. */
SEC("tc")
int explain_enter(struct __sk_buff *skb)
{
	__u32 which = skb->cb[0];
	__u32 tagged = skb->cb[1];
	__u16 tci = (__u16)skb->cb[2];

	skb->cb[0] = 0;
	skb->cb[1] = 0;
	skb->cb[2] = 0;
	if (tagged && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), tci)) {
		return MLAG_TRIAL_FAILED;
	}
	bpf_tail_call(skb, &mlag_trials, which);
	return MLAG_TRIAL_FAILED;
}
