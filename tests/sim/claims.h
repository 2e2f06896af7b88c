/* SPDX-License-Identifier: BSD-2-Clause */
/* What a member says of itself against what its kernel holds, and which of two claims wins. */
#ifndef MLAG_TESTS_SIM_CLAIMS_H
#define MLAG_TESTS_SIM_CLAIMS_H

#include "world.h"

/** claims_check_enforced() - SAFE-4: who says that R1 is in force has it in force; a text or NULL */
const char *claims_check_enforced(const struct world *world);

/**
 * claims_check_moves() - R9: a MAC that moves is, for both, where it was last; a text or NULL
 *
 * Of a pair that is whole and quiet.
 */
const char *claims_check_moves(struct world *world);

#endif
