/* SPDX-License-Identifier: BSD-2-Clause */
/* When a fence may end (see release.h).  Called by mlagd's deadman.c, and by the simulator. */
#include "common/release.h"

bool release_look(struct release *release, uint64_t fence, const struct mlag_view *view,
		  uint64_t now_ns)
{
	if (fence != release->fence) {
		release->fence = fence;
		release->fence_ns = now_ns;
		release->sessions_count = view->sessions_count;
	}
	if (now_ns < release->fence_ns + RELEASE_WAIT_NS) {
		return false;
	}
	switch (view->verdict) {
	case MLAG_VERDICT_PEERED:
		return view->synced && view->sessions_count > release->sessions_count;
	case MLAG_VERDICT_SPLIT:
	case MLAG_VERDICT_ALONE:
	case MLAG_VERDICT_ALONE_UNSURE:
		return true;
	case MLAG_VERDICT_NONE:
	case MLAG_VERDICT_STARTING:
	case MLAG_VERDICT_RESYNC:
		break;
	}
	return false;
}
