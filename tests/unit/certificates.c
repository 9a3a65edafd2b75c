/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/authority.h"

/* Piece by piece: of one call the compiler believes that its arguments overlap. */
static void path_in(char path[CERTIFICATES_PATH], const struct certificates *made, const char *name,
                    const char *end)
{
    assert_true(strlen(made->folder) + strlen(name) + strlen(end) + 2 <= CERTIFICATES_PATH);
    strcpy(path, made->folder);
    strcat(path, "/");
    strcat(path, name);
    strcat(path, end);
}

void certificates_add(struct certificates *made, const char *name, unsigned days)
{
    struct holm_authority *authority;
    bool fresh;
    size_t place = made->count++;
    assert_in_range(place, 0, CERTIFICATES_MAX - 1);
    assert_in_range(strlen(name), 1, sizeof made->names[0] - 1);
    assert_int_equal(holm_authority_open(made->folder, days, &authority, &fresh), HOLM_OK);
    assert_int_equal(holm_authority_issue(authority, name), HOLM_OK);
    holm_authority_close(authority);
    strcpy(made->names[place], name);
    path_in(made->files[place][0], made, name, ".crt");
    path_in(made->files[place][1], made, name, ".key");
}

void certificates_make(struct certificates *made, ...)
{
    va_list names;
    memset(made, 0, sizeof *made);
    strcpy(made->folder, "/tmp/holm-certs-XXXXXX");
    assert_non_null(mkdtemp(made->folder));
    path_in(made->ca, made, "ca", ".crt");
    va_start(names, made);
    for (const char *name; (name = va_arg(names, const char *)) != NULL;)
        certificates_add(made, name, 1);
    va_end(names);
}

struct holm_transport_tls certificates_of(const struct certificates *made, const char *name)
{
    size_t i = 0;
    while (i < made->count && strcmp(made->names[i], name) != 0)
        i++;
    assert_true(i < made->count);
    return (struct holm_transport_tls){made->files[i][0], made->files[i][1], made->ca};
}

void certificates_remove(struct certificates *made)
{
    char key[CERTIFICATES_PATH];
    for (size_t i = 0; i < made->count; i++) {
        (void)unlink(made->files[i][0]);
        (void)unlink(made->files[i][1]);
    }
    path_in(key, made, "ca", ".key");
    (void)unlink(made->ca);
    (void)unlink(key);
    (void)rmdir(made->folder);
}
