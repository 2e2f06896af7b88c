/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clsact qdisc that filters hang on, once they are gone.
 */
#ifndef MLAG_DATAPATH_QDISC_H
#define MLAG_DATAPATH_QDISC_H

#include <stdint.h>

/**
 * qdisc_remove() - take the clsact off a device, unless somebody has a filter there
 * @ifindex: the device; no clsact, or no such device, is no error
 *
 * Whoever calls this knows that it is of our making.
 *
 * Return: 0, -EBUSY when there are filters, or what the kernel answered.
 */
int qdisc_remove(uint32_t ifindex);

#endif
