#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves that the table of scenes can fail: spoils each rule of a program or a header in turn.

The tree is copied, one thing is changed in one place, the tests are built and must fail.  A mutant
that survives is a rule that nobody would miss.  Takes minutes, and root, as the tests do.

usage: mutants.py SOURCE_DIRECTORY BUILD_DIRECTORY [WORD]     (only mutants whose line has WORD)
       mutants.py SOURCE_DIRECTORY --texts                    (only whether each finds its place)
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = ("bpf_receive", "bpf_xdp")
TEST_SECONDS_MAX = 300
TC, XDP, BOTH = "ebpf/receive.bpf.c", "ebpf/receive_xdp.bpf.c", "ebpf/receive.bpf.h"
SHORTCUT, FORWARD = "lib/shortcut.h", "lib/forward.h"

# File, what is there, and what is put in its place; the first occurrence.  Not here, because nobody can
# miss it: ask_exit()'s own look at the answer of the lookup spares two more of them, for without an
# exit the next hop's MAC is left 0, and nobody has that.
MUTANTS = [
    # one rule in one program only
    (TC, "count(skb, decision.reason);\n\t\treturn TC_ACT_SHOT;", "return TC_ACT_SHOT;"),
    (TC, "return TC_ACT_SHOT;\n\t}\n\tif (decision.reason == MLAG_REASON_NONE)",
     "return TC_ACT_UNSPEC;\n\t}\n\tif (decision.reason == MLAG_REASON_NONE)"),
    (TC, "note_sender(parsed, skb->ifindex);", ";"),
    (TC, "if (decision.action == MLAG_ACTION_REWRITE) {", "if (0) {"),
    (TC, "mlag_packet_take_hop_ipv4(parsed->header);", ";"),
    (TC, "mlag_packet_take_hop_ipv6(parsed->header);", ";"),
    (TC, "lookup->dmac", "lookup->smac"),
    (TC, "if (change == MLAG_TAG_KEEP && parsed->arrival.vlan.tagged) {", "if (0) {"),
    (TC, "ask_sender(domain, parsed, skb->ifindex);", ";"),
    (XDP, "return XDP_DROP;\n\t}\n\task_sender", "return XDP_PASS;\n\t}\n\task_sender"),
    (XDP, "count_fast(counter, size);\n\t\treturn XDP_DROP;", "return XDP_DROP;"),
    (XDP, "if (verdict != XDP_PASS) {", "if (0) {"),
    (XDP, "mlag_packet_take_hop_ipv4(header);", ";"),
    (XDP, "mlag_packet_take_hop_ipv6(header);", ";"),
    (XDP, "lookup->dmac", "lookup->smac"),
    (XDP, "lookup->smac", "lookup->dmac"),
    (XDP, "change == MLAG_TAG_PUSH && bpf_xdp_adjust_head(frame, -4)", "0"),
    (XDP, "change == MLAG_TAG_POP && bpf_xdp_adjust_head(frame, 4)", "0"),
    (XDP, "(change == MLAG_TAG_KEEP && parsed->arrival.vlan.tagged)", "0"),
    (XDP, "ask_sender(domain, parsed, port_ifindex);", ";"),
    (XDP, "mlag_gate_restricts(port->gate) ||", ""),
    (XDP, "*ifindex = entry->ifindex;", ";"),
    (XDP, "tag.inside = 1;", ";"),
    # what both have in common
    (BOTH, "svi->reverse_path != 1 || lookup.ifindex == own_ifindex", "1"),
    (BOTH, "!svi->reverse_path || parsed->family != 4", "!svi->reverse_path"),
    (BOTH, "!svi->reverse_path || parsed->family != 4", "1"),
    (BOTH, "case BPF_FIB_LKUP_RET_FRAG_NEEDED:\n\t\treturn true", "return true"),
    (BOTH, "return mlag_route_is_ours(lookup->rt_metric);", "return false;"),
    (BOTH, "return mlag_reject_is_route(domain);", "return true;"),
    (BOTH, "return mlag_reject_is_route(domain);", "return false;"),
    (BOTH, "parsed->packet.address_owner = owner ?", "parsed->packet.address_owner = 0 ?"),
    # the decision itself, which all share: the scenes say what is right
    (SHORTCUT, "!port->guarded && ", ""),
    (SHORTCUT, "!mlag_gate_restricts(port->gate) && ", ""),
    (SHORTCUT, "!arrival->priority_tag &&", ""),
    (SHORTCUT, "!arrival->sender_due && ", ""),
    (SHORTCUT, " && mlag_forwards(port->forwards, arrival->vlan.vid)", ""),
    (SHORTCUT, "way->port->kind != MLAG_PORT_PEER_LINK &&", ""),
    (SHORTCUT, "way->port->gate != MLAG_GATE_CLOSED &&", ""),
    (SHORTCUT, "!mlag_port_is_held(way->port, way->vlan) &&", ""),
    (SHORTCUT, "mlag_forwards(way->port->forwards, way->vlan)", "1"),
    (SHORTCUT, "domain->peer_link_ifindex &&", ""),
    (SHORTCUT, "mlag_forwards(domain->peer_link_forwards, arrival->vlan.vid)", "1"),
    (SHORTCUT, "(domain->shortcuts & MLAG_SHORTCUT_TO_PEER) &&", ""),
    (SHORTCUT, "!(domain->shortcuts & MLAG_SHORTCUT_ROUTED) ||", ""),
    (SHORTCUT, "packet->hop_limit <= 1 ||", ""),
    (SHORTCUT, "|| !packet->plain", ""),
    (SHORTCUT, "way->vlan != way->port->untagged_vid", "1"),
    (SHORTCUT, "sum += sum >= 0xffff;", ""),
    (SHORTCUT, "sender->ifindex != ifindex ||", ""),
    (SHORTCUT, "now_ticks - sender->time_ticks >= domain->second_ticks", "0"),
    (FORWARD, " &&\n\t\t\tmlag_ipv4_is_routable(header + 12);", ";"),
    (FORWARD, "packet->plain = header_size == MLAG_IPV4_HEADER_SIZE && ", "packet->plain = "),
    (FORWARD, "header[6] != 0 /* hop-by-hop */ && ", ""),
    (FORWARD, "header[9] != MLAG_PROTOCOL_ICMP &&", ""),
    (FORWARD, "header[6] != MLAG_PROTOCOL_ICMPV6 &&", ""),
]


def make(tree: Path, test: str) -> str | None:
    """Build a test; what went wrong with it, or None."""
    # A variable that nobody uses any more is no finding, and must not hide one.
    done = subprocess.run(["make", "-s", "-C", tree, "WARNINGS=-w", "BPF_WARNINGS=-w",
                           f"build/tests/{test}"], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip().splitlines()
    return None if done.returncode == 0 else said[-1] if said else "no word"


def run(tree: Path, test: str) -> str | None:
    """The first case that fails, or how the program ended; None when all pass, with their kernel."""
    try:
        done = subprocess.run([tree / "build/tests" / test], capture_output=True, text=True,
                              check=False, timeout=TEST_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return f"does not end in {TEST_SECONDS_MAX} s"
    if done.returncode == 0:
        return None
    failed = re.search(r"^\[  FAILED  \] (?!\d+ test)(.+)", done.stdout + done.stderr, re.M)
    return failed[1] if failed else f"ends by {done.returncode}"


def find(tree: Path, name: str) -> tuple[bool, str]:
    """Whether a test notices what is in the tree now, and its word.

    The kernel's verifier is a judge of its own; who does not even compile proves nothing.
    """
    for test in reversed(TESTS) if name == XDP else TESTS:  # the likeliest first
        wrong = make(tree, test)
        if wrong is not None:
            return False, f"does not compile: {wrong}"
        failed = run(tree, test)
        if failed is not None:
            return True, f"{test}: {failed}"
    return False, "nobody misses it"


def check_texts(source: Path) -> int:
    """A mutant whose place is gone says nothing any more."""
    lost = [f"{name}: is not there any more: {before!r}" for name, before, _ in MUTANTS
            if before not in (source / name).read_text(encoding="utf-8")]
    print("\n".join([*lost, f"{len(MUTANTS) - len(lost)} of {len(MUTANTS)} mutants have a place"]))
    return 1 if lost else 0


def main() -> int:
    """Each mutant in turn; the exit status says whether one survived."""
    if sys.argv[2] == "--texts":
        return check_texts(Path(sys.argv[1]))
    source, tree = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    words = sys.argv[3:]
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(source, tree, ignore=shutil.ignore_patterns("build", ".git"))
    for test in TESTS:
        wrong = make(tree, test) or run(tree, test)
        if wrong is not None:
            print(f"without any mutant {test} fails: {wrong}")
            return 1
    chosen = [mutant for mutant in MUTANTS if all(word in " ".join(mutant) for word in words)]
    survivors = 0
    for name, before, after in chosen:
        path = tree / name
        text = path.read_text(encoding="utf-8")
        found, said = False, "is not there any more"
        if before in text:
            path.write_text(text.replace(before, after, 1), encoding="utf-8")
            found, said = find(tree, name)
            path.write_text(text, encoding="utf-8")
        survivors += not found
        print(f"  {'found ' if found else 'MISSED'}  {name}, {before!r} -> {after!r}: {said}",
              flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
