/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char holm_serve_usage[] =
    "holm serve --name NAME [OPTIONS] - one node, which keeps a copy of all and lets others find "
    "it\n"
    "\n"
    "It takes part in a cluster like a program that embeds holm, and writes nothing itself: a copy "
    "on\n"
    "a disk of its own, an address that others have for a seed, figures to look at. SIGTERM or "
    "SIGINT\n"
    "end it, once its peers have what it has. The log goes to the standard error.\n"
    "\n"
    "    --name NAME           1 to 63 bytes, of this node alone\n"
    "    --cluster NAME        the same on all nodes (holm)\n"
    "    --listen ADDRESS      tls+tcp://HOST:PORT, tcp://HOST:PORT or ipc:///PATH; * is all of a "
    "machine\n"
    "    --seeds ADDRESSES     where others are, with commas or spaces between\n"
    "    --resolve-interval N  look up the names of dns+ seeds every so many milliseconds (30000)\n"
    "    --hearsay N           give up who is told of and not met in N milliseconds (0: never)\n"
    "    --multicast IFACE     find others on this interface, by UDP multicast: IFACE or "
    "IFACE,GROUP:PORT ...\n"
    "    --secret-file FILE    ... who has the same secret, 16 bytes and more\n"
    "    --store DIR           keep what there is in this directory; without it, in memory alone\n"
    "    --certificate FILE    for tls+tcp://: this node's certificate, PEM ...\n"
    "    --key FILE            ... its key ...\n"
    "    --ca FILE             ... and who signs those of the cluster (`holm certs` makes some)\n"
    "    --insecure            take tcp:// off loopback, too: on a network that only the nodes "
    "share\n"
    "    --http URL            /metrics and /healthz there, as http://127.0.0.1:9464\n"
    "    --retention NAME      forever or stable: the same on all nodes (forever)\n"
    "    --founds              with stable: begin the cluster if there is none\n"
    "    --partitions N        the same on all nodes (16)\n"
    "    --log-level N         0 silent, 1 errors, up to 4 all (3)\n"
    "    --help\n"
    "\n"
    "Exit status: 0 it was asked to end; 1 it could not open, the log says why; 2 wrong usage.\n";

static bool take_flag(const char *option, struct holm_config *config)
{
    if (strcmp(option, "--insecure") == 0)
        config->insecure = true;
    else if (strcmp(option, "--founds") == 0)
        config->founds = true;
    else
        return false;
    return true;
}

static bool take_number(const char *text, unsigned long most, unsigned long *number)
{
    char *end;
    *number = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number <= most;
}

/* Where the text of an option goes; NULL: it is none of those. */
static const char **place_of(const char *option, struct holm_config *config)
{
    const struct {
        const char *option;
        const char **place;
    } texts[] = {
        {"--name", &config->name},
        {"--cluster", &config->cluster},
        {"--listen", &config->listen},
        {"--seeds", &config->seeds},
        {"--store", &config->store},
        {"--certificate", &config->tls_certificate},
        {"--key", &config->tls_key},
        {"--ca", &config->tls_ca},
        {"--http", &config->http},
        {"--multicast", &config->multicast},
        {"--secret-file", &config->multicast_secret},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(option, texts[i].option) == 0)
            return texts[i].place;
    return NULL;
}

/* Whether the option is known and its value makes sense. */
static bool take_value(const char *option, const char *value, struct holm_config *config)
{
    unsigned long number;
    const char **place = place_of(option, config);
    if (place != NULL) {
        *place = value;
    } else if (strcmp(option, "--retention") == 0) {
        config->retention = strcmp(value, "stable") == 0 ? HOLM_RETENTION_STABLE
                                                         : HOLM_RETENTION_FOREVER;
        return strcmp(value, "stable") == 0 || strcmp(value, "forever") == 0;
    } else if (strcmp(option, "--partitions") == 0 && take_number(value, UINT32_MAX, &number)) {
        config->partitions = (uint32_t)number;
    } else if (strcmp(option, "--log-level") == 0 && take_number(value, 99, &number)) {
        config->log_level = (int)number;
    } else if (strcmp(option, "--resolve-interval") == 0 &&
               take_number(value, UINT32_MAX, &number)) {
        config->resolve_interval_ms = (uint32_t)number;
    } else if (strcmp(option, "--hearsay") == 0 && take_number(value, ULONG_MAX, &number)) {
        config->hearsay_ms = number;
    } else {
        return false;
    }
    return true;
}

enum holm_serve_parsed holm_serve_parse(int argc, char **argv, FILE *complaints,
                                        struct holm_config *config)
{
    *config = holm_config_default();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return HOLM_SERVE_HELP;
        if (take_flag(argv[i], config))
            continue;
        if (i + 1 >= argc || !take_value(argv[i], argv[i + 1], config)) {
            (void)fprintf(complaints,
                          "holm serve: '%s%s%s' is not understood; `holm serve --help`\n", argv[i],
                          i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            return HOLM_SERVE_WRONG;
        }
        i++;
    }
    if (config->name != NULL)
        return HOLM_SERVE_RUN;
    (void)fprintf(complaints, "holm serve: --name is missing; `holm serve --help`\n");
    return HOLM_SERVE_WRONG;
}
