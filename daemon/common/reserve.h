/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for JSON that is there when there is none: jansson takes no notice of it when a buffer of
 * its parser cannot grow, and reads on behind its end.  So it never gets to hear that there is no
 * memory, unless this reserve is used up too, which a request or an answer in its longest form does
 * not do.
 *
 *	json_set_alloc_funcs(reserve_malloc, reserve_free);
 */
#ifndef MLAG_COMMON_RESERVE_H
#define MLAG_COMMON_RESERVE_H

#include <stddef.h>

#define RESERVE_SIZE (1U << 20) /* octets; untouched, they are no memory */

/** reserve_malloc() - as malloc(), and from the reserve when that has nothing; NULL when both have not */
void *reserve_malloc(size_t size);

/** reserve_free() - give back what reserve_malloc() returned; NULL is fine */
void reserve_free(void *memory);

/** reserve_in_use() - pieces of the reserve that were not given back yet */
size_t reserve_in_use(void);

#endif
