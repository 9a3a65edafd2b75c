/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/authority.h"
#include "cli/cli.h"

#define DAYS 365
#define DAYS_MAX 3650

static const char usage[] =
    "holm certs DIR [--days N] [NAME...] - certificates for a cluster that is tried out\n"
    "\n"
    "Makes a certificate authority in DIR, ca.crt and ca.key, unless it is there, and signs a\n"
    "certificate for each NAME: NAME.crt and NAME.key, good for N days (365). A node takes its\n"
    "own two and ca.crt, and addresses that begin with tls+tcp://. Nothing is written over.\n"
    "\n"
    "A certificate admits to the cluster: who has one can read and write all of it. It does not\n"
    "prove which node shows it. ca.key admits anybody: nodes do not need it.\n";

static int complain(const char *what, enum holm_status status)
{
    (void)fprintf(stderr, "holm certs: %s: %s\n", what,
                  status == HOLM_EIO          ? strerror(errno)
                  : status == HOLM_EMALFORMED ? "ca.crt and ca.key cannot be read, or do not fit"
                  : status == HOLM_EINVAL ? "a name has 1 to 63 letters, digits, '.', '-' or '_'"
                                          : holm_strerror(status));
    return HOLM_EXIT_ERROR;
}

static int issue(struct holm_authority *authority, const char *directory, const char *name)
{
    enum holm_status status = holm_authority_issue(authority, name);
    if (status == HOLM_EBUSY) {
        (void)fprintf(stderr, "holm certs: %s/%s.crt or .key is there already\n", directory, name);
        return HOLM_EXIT_ERROR;
    }
    if (status != HOLM_OK)
        return complain(name, status);
    (void)printf("%s/%s.crt\n%s/%s.key\n", directory, name, directory, name);
    return HOLM_EXIT_OK;
}

static bool read_days(const char *text, unsigned *days)
{
    char *end;
    unsigned long number = text == NULL ? 0 : strtoul(text, &end, 10);
    if (number == 0 || number > DAYS_MAX || *end != '\0' || text[0] < '0' || text[0] > '9')
        return false;
    *days = (unsigned)number;
    return true;
}

int holm_cli_certs(int argc, char **argv)
{
    struct holm_authority *authority;
    unsigned days = DAYS;
    int next = 2;
    bool made;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
    bool wrong = argc < 2 || argv[1][0] == '-';
    if (!wrong && argc > 2 && strcmp(argv[2], "--days") == 0) {
        wrong = argc < 4 || !read_days(argv[3], &days);
        next = 4;
    }
    for (int i = next; i < argc && !wrong; i++)
        wrong = argv[i][0] == '-';
    if (wrong) {
        (void)fputs(usage, stderr);
        return HOLM_EXIT_USAGE;
    }
    enum holm_status status = holm_authority_open(argv[1], days, &authority, &made);
    if (status == HOLM_EBUSY) {
        (void)fprintf(stderr, "holm certs: %s has one of ca.crt and ca.key, not both\n", argv[1]);
        return HOLM_EXIT_ERROR;
    }
    if (status != HOLM_OK)
        return complain(argv[1], status);
    if (made)
        (void)printf("%s/ca.crt\n%s/ca.key\n", argv[1], argv[1]);
    int result = HOLM_EXIT_OK;
    for (int i = next; i < argc && result == HOLM_EXIT_OK; i++)
        result = issue(authority, argv[1], argv[i]);
    holm_authority_close(authority);
    return result;
}
