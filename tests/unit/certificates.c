/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/authority.h"

void certificates_make(struct certificates *made, ...)
{
    struct holm_authority *authority;
    va_list names;
    bool fresh;
    memset(made, 0, sizeof *made);
    strcpy(made->folder, "/tmp/holm-certs-XXXXXX");
    assert_non_null(mkdtemp(made->folder));
    assert_int_equal(holm_authority_open(made->folder, 1, &authority, &fresh), HOLM_OK);
    assert_true(fresh);
    snprintf(made->ca, sizeof made->ca, "%.40s/ca.crt", made->folder);
    va_start(names, made);
    for (const char *name; (name = va_arg(names, const char *)) != NULL; made->count++) {
        assert_in_range(made->count, 0, CERTIFICATES_MAX - 1);
        assert_int_equal(holm_authority_issue(authority, name), HOLM_OK);
        snprintf(made->names[made->count], sizeof made->names[0], "%s", name);
        snprintf(made->files[made->count][0], CERTIFICATES_PATH, "%.40s/%.15s.crt", made->folder,
                 name);
        snprintf(made->files[made->count][1], CERTIFICATES_PATH, "%.40s/%.15s.key", made->folder,
                 name);
    }
    va_end(names);
    holm_authority_close(authority);
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
    snprintf(key, sizeof key, "%.40s/ca.key", made->folder);
    (void)unlink(made->ca);
    (void)unlink(key);
    (void)rmdir(made->folder);
}
