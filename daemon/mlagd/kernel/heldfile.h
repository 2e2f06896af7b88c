/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's notes of what it holds (common/holder.h): the file "held" in the run directory, of this boot
 * and namespace.
 */
#ifndef MLAGD_KERNEL_HELDFILE_H
#define MLAGD_KERNEL_HELDFILE_H

#include "common/holder.h"

/** heldfile_load() - hand what an earlier daemon held to @holder */
void heldfile_load(const char *path, struct holder *holder);

/** heldfile_save() - 0 or -errno; then the file before is still there */
int heldfile_save(const char *path, const struct holder_record *records, uint32_t count);

#endif
