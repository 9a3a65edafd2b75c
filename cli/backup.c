/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "node/node.h"
#include "node/store_lmdb.h"

static const char usage[] =
    "holm backup DIR TO       - copies the store in DIR to TO, which is made, or is empty\n"
    "holm backup --verify DIR - reads all of a store, and says whether it is whole\n"
    "\n"
    "The copy is of one moment, and has nothing that is free; the node may run meanwhile. It is on "
    "the\n"
    "disk when the command ends. A node that is opened on it begins a new epoch, and its peers\n"
    "bring what is newer: so it may be restored at any time: put it in the place of the store "
    "while no node runs there.\n";

int holm_cli_backup(int argc, char **argv)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    struct holm_store *store;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
    if (argc == 3 && strcmp(argv[1], "--verify") == 0)
        return holm_cli_verify(argv[2]);
    if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-') {
        (void)fputs(usage, stderr);
        return HOLM_EXIT_USAGE;
    }
    config.allocator = holm_node_allocator();
    config.directory = argv[1];
    config.reading = true;
    enum holm_status status = holm_store_lmdb_open(&config, &store);
    if (status == HOLM_OK) {
        status = holm_store_lmdb_copy(store, argv[2]);
        store->ops->close(store);
    }
    if (status == HOLM_OK)
        return HOLM_EXIT_OK;
    (void)fprintf(stderr, "holm backup: %s: %s\n",
                  status == HOLM_EBUSY || status == HOLM_EIO ? argv[2] : argv[1],
                  status == HOLM_ENOENT  ? "there is no store"
                  : status == HOLM_EBUSY ? "there is a store already"
                                         : holm_strerror(status));
    return HOLM_EXIT_ERROR;
}
